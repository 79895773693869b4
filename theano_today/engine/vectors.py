"""Arithmetic of channels' numbers in one call: means, deviations, running averages.

Between two passes over images batch normalization computes a few vectors, of which Theano's fusion
leaves a dozen nodes: results that several others need, each as (c,) and as (1, c, 1, 1). A node
costs as much as a thousand elements. Here elementwise nodes of float32 vectors that read each
other's results, or the same ones, become one node, whichever axis their vectors lie along.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import numpy as np
import theano.scalar as ts
from theano import config
from theano.compile import optdb
from theano.gof import Apply, Op, Variable
from theano.gof.opt import copy_stack_trace
from theano.tensor import TensorType
from theano.tensor.elemwise import DimShuffle, Elemwise

from theano_today.engine import genuine, library, programs
from theano_today.engine.channelwise.composites import (
    computed,
    evaluated,
    is_constant,
    name_of,
    number_of,
    scalar_op,
)
from theano_today.engine.elemwise import shape_of
from theano_today.engine.patterns import ON_KERNELS, Rewrite
from theano_today.engine.thunks import Latest, thunk_of
from theano_today.engine.update_rules import FUSION

NAME = "vectors"
_FLOAT = np.dtype(np.float32)


class Vectors(Op):
    """Elementwise functions of vectors of one length, and of numbers.

    Inputs: float32, one axis of length c and others of 1, or all axes of length 1. Outputs:
    float32, the same.

    Parameters
    ----------
    composite : Composite
        The functions, as scalars.
    patterns : tuple of tuple of bool
        Which axes of each output are of length 1: all but one.
    """

    __props__ = ("composite", "patterns")

    def __init__(self, composite, patterns) -> None:
        self.composite, self.patterns = composite, patterns

    def __str__(self) -> str:
        return f"Vectors{{{len(self.composite.fgraph.apply_nodes)} functions}}"

    def make_node(self, *inputs):
        types = [TensorType("float32", pattern) for pattern in self.patterns]
        return Apply(self, list(inputs), [kind() for kind in types])

    def infer_shape(self, node, shapes):
        length = next(
            shape[v.broadcastable.index(False)]
            for v, shape in zip(node.inputs, shapes, strict=True)
            if is_vector(v)
        )
        return [tuple(1 if one else length for one in pattern) for pattern in self.patterns]

    def inner(self, node):
        """Return the same as an Elemwise of arrays with one axis."""
        kinds = [TensorType("float32", (not is_vector(v),)) for v in node.inputs]
        return Elemwise(self.composite).make_node(*[kind() for kind in kinds])

    @np.errstate(all="ignore")
    def perform(self, node, inputs, outputs):
        flat, declared = self._flat(node, inputs)
        length = shape_of(flat, declared)
        values = evaluated(self.composite, flat)
        for cell, value, pattern in zip(outputs, values, self.patterns, strict=True):
            whole = np.array(np.broadcast_to(np.asarray(value, np.float32), length))
            cell[0] = whole.reshape([1 if one else -1 for one in pattern])

    @staticmethod
    def _flat(node, inputs):
        declared = [(not is_vector(v),) for v in node.inputs]
        return [np.asarray(a).reshape(-1) for a in inputs], declared

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        program = None
        if library.kernels() is not None:
            declared = [(not is_vector(v),) for v in node.inputs]
            program = programs.program_of(
                self.inner(node), lambda arrays: shape_of(arrays, declared)
            )
        if program is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")
        run = Calls(program, self.patterns)
        return thunk_of(run, node, storage_map, compute_map)


class Calls:
    """Calls of the kernel; what it is told of vectors of some length is found out once.

    How many axes there are does not matter to it where the numbers lie side by side.
    """

    def __init__(self, program, patterns) -> None:
        self.program, self.patterns = program, patterns
        self.fixed = [id(a) for a in program.constants]
        self.ready = Latest()

    def __call__(self, *arrays):
        """Return the outputs.

        Raises
        ------
        ValueError
            If the vectors are not of one length.
        """
        if not all(a.flags.c_contiguous for a in arrays):
            arrays = tuple([np.array(a, order="C") for a in arrays])
        key = tuple([a.size for a in arrays])
        ready = self.ready.get(key)
        if ready is None:
            ready = self.ready.keep(key, self._prepare(arrays))
        shapes, kind, words, more = ready
        outs = [np.empty(shape, _FLOAT) for shape in shapes]
        objects = kind(*map(id, outs), *map(id, arrays), *self.fixed)
        library.call("today_elementwise", words, objects, len(objects), programs.HEAD, *more)
        return outs

    def _prepare(self, arrays):
        """Return the outputs' shapes, the type of the objects' list, and the call."""
        (length,), call = self.program.prepare([np.reshape(a, -1) for a in arrays])
        assert call is not None  # of one dimension and of float32
        shapes = [tuple(1 if one else length for one in pattern) for pattern in self.patterns]
        kind = ctypes.c_int64 * (len(shapes) + len(arrays) + len(self.fixed))
        # The array that holds the words is kept with them.
        return shapes, kind, call[0].ctypes.data_as(ctypes.c_void_p), call[2:]


def is_vector(v) -> bool:
    """Say whether v is float32 with one axis that may be longer than 1."""
    return isinstance(v.type, TensorType) and (
        v.dtype == "float32" and v.broadcastable.count(False) == 1
    )


def _fits(node) -> bool:
    """Say whether a node is a function of vectors and numbers that the kernels cover."""
    op = node.op
    if type(op) is not Elemwise or not genuine.is_genuine(op) or op.inplace_pattern:
        return False
    if len(node.outputs) != 1 or not is_vector(node.outputs[0]):
        return False
    if any(v.dtype != "float32" for v in node.inputs):
        return False
    scalars = scalar_op(node)
    if isinstance(scalars, ts.Composite):
        return genuine.is_genuine(scalars) and all(
            name_of(inner) is not None for inner in scalars.fgraph.apply_nodes
        )
    return name_of(scalars.make_node(*(ts.float32() for _ in node.inputs))) is not None


def _turns(node) -> bool:
    """Say whether a node lays a vector along another axis."""
    own = type(node.op) is DimShuffle and genuine.is_genuine(node.op)
    return own and is_vector(node.inputs[0]) and is_vector(node.outputs[0])


def _base(v: Variable) -> Variable:
    """Return the vector that v is, along whichever axis."""
    while v.owner is not None and _turns(v.owner):
        v = v.owner.inputs[0]
    return v


def groups(order) -> Iterator[list]:
    """Yield lists of nodes that each can be one, in the order of their computation.

    All nodes that a path from one of them to another leads through are functions of vectors, too:
    what is computed from the same number of other nodes, one after the other, has none between.
    """
    level: dict = {}
    fits: dict = {}  # node -> the representative of its group, by way of others
    first: dict = {}  # (level, vector) -> who reads it

    def root(node):
        while fits[node] is not node:
            node = fits[node]
        return node

    for node in order:
        before = max((level[v.owner] for v in node.inputs if v.owner is not None), default=0)
        mine, turns = _fits(node), _turns(node)
        level[node] = before if mine or turns else before + 1
        if not mine or before == 0:
            continue  # of a function's arguments alone: that is what updates are (update_rules.py)
        fits[node] = node
        for v in map(_base, filter(is_vector, node.inputs)):
            if v.owner is None:
                continue
            inside = v.owner in fits and level[v.owner] == level[node]
            other = v.owner if inside else first.setdefault((level[node], v), node)
            fits[root(other)] = root(node)
    found: dict = {}
    for node in fits:
        found.setdefault(root(node), []).append(node)
    yield from (nodes for nodes in found.values() if len(nodes) > 1)


class FuseVectors(Rewrite):
    """Make one node of functions of vectors that read each other's results."""

    def rewrite(self, fgraph):
        if not config.tensor.local_elemwise_fusion:
            return
        for nodes in list(groups(fgraph.toposort())):
            _replace(fgraph, nodes)


def _replace(fgraph, nodes) -> None:
    inside = set(nodes)
    scalars: dict = {}  # by vector or number
    inputs: list = []

    def scalar(v):
        v = _base(v)
        if is_constant(v):
            return number_of(v)
        if v not in scalars:
            scalars[v] = ts.float32()
            inputs.append(v)
        return scalars[v]

    wanted: list = []

    def look(v):
        """Note who outside needs v, or v along another axis."""
        needed = False
        for client, _ in v.clients:
            if client != "output" and _turns(client):
                look(client.outputs[0])
            elif client not in inside:
                needed = True
        if needed:
            wanted.append(v)

    for node in nodes:
        (out,) = node.outputs
        (scalars[out],) = computed(node.op.scalar_op, [scalar(v) for v in node.inputs])
        look(out)
    if not any(is_vector(v) for v in inputs):
        return
    composite = ts.Composite([scalars[v] for v in inputs], [scalars[_base(v)] for v in wanted])
    op = Vectors(composite, tuple(v.broadcastable for v in wanted))
    new = op.make_node(*inputs)
    if programs.program_of(op.inner(new), None) is None:
        return  # too many
    copy_stack_trace(wanted, new.outputs)
    fgraph.replace_all_validate(list(zip(wanted, new.outputs, strict=True)), reason=NAME)


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=vectors`` turns it off."""
    if NAME in optdb:
        return  # Theano was reloaded
    # Behind what needs the single nodes (49.9), before what works in place (75).
    optdb.register(NAME, FuseVectors(), 49.95, "fast_run", *FUSION, ON_KERNELS)

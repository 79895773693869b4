"""Numbers that follow from the shapes of a function's arguments: computed once for each shapes.

Around the scans of a recurrent net are a hundred nodes that compute lengths, ends of slices and
the like, of which Theano's fusion makes formulas, but no fewer nodes; as many divide sums by
lengths in a net with batch normalization. What depends on nothing but lengths of arguments and
shared variables becomes one node, which remembers what it computed: integers, these as float32,
and both with axes of length 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from theano.compile import optdb
from theano.compile.ops import Shape_i
from theano.gof import Apply, Constant, Op
from theano.gof.graph import io_toposort
from theano.scalar import Cast
from theano.scan_module import scan_utils
from theano.tensor import TensorType
from theano.tensor.basic import ScalarFromTensor, TensorFromScalar
from theano.tensor.elemwise import DimShuffle, Elemwise
from theano.tensor.opt import MakeVector
from theano.tensor.subtensor import Subtensor

from theano_today.engine import genuine, shapes
from theano_today.engine.patterns import ON_KERNELS, Rewrite
from theano_today.engine.thunks import Latest

NAME = "sizes"
_FEW = 8  # nodes that are not worth it


class Sizes(Op):
    """Numbers of the shapes of arrays.

    Parameters
    ----------
    arrays : list of Variable
        Their nodes' inputs, whatever they hold.
    outputs : list of Variable
        What Shape_i nodes of these and others compute of them.
    """

    def __init__(self, arrays, outputs) -> None:
        self.arrays, self.outputs = list(arrays), list(outputs)
        self._prepare()

    def _prepare(self) -> None:
        self._known = Latest()
        self._lengths: list[tuple[int, int]] = []
        self._steps: list[tuple[Callable, list[int]]] = []
        self._constants: list[Any] = []
        nodes = io_toposort(self.arrays, self.outputs)
        lengths = [node for node in nodes if type(node.op) is Shape_i]
        self._lengths = [(self.arrays.index(n.inputs[0]), n.op.i) for n in lengths]
        place = {node.outputs[0]: k for k, node in enumerate(lengths)}
        rest = [node for node in nodes if type(node.op) is not Shape_i]
        constants = [v for node in rest for v in node.inputs if isinstance(v, Constant)]
        for v in dict.fromkeys(constants):
            place[v] = len(place)
            self._constants.append(int(np.asarray(v.data)))
        for node in rest:
            compute = function_of(node)
            assert compute is not None
            self._steps.append((compute, [place[v] for v in node.inputs]))
            place[node.outputs[0]] = len(place)
        self._results = [(place[v], _kind(v)) for v in self.outputs]

    def make_node(self, *arrays):
        return Apply(self, list(arrays), [v.type() for v in self.outputs])

    def perform(self, node, inputs, output_storage) -> None:
        lengths = tuple([inputs[k].shape[i] for k, i in self._lengths])
        found = self._known.get(lengths)
        if found is None:
            values: list = [*lengths, *self._constants]
            for compute, places in self._steps:
                values.append(compute(*[values[k] for k in places]))
            found = self._known.keep(lengths, [make(values[k]) for k, make in self._results])
        for cell, value in zip(output_storage, found, strict=True):
            # A copy: others may overwrite it.
            cell[0] = value.copy() if type(value) is np.ndarray else value

    def infer_shape(self, node, input_shapes):
        return [_shape(v) for v in self.outputs]

    def connection_pattern(self, node):
        return [[False] * len(self.outputs) for _ in self.arrays]

    def __eq__(self, other) -> bool:
        return (
            type(self) is type(other)
            and self._types() == other._types()
            and scan_utils.equal_computations(
                self.outputs, other.outputs, self.arrays, other.arrays
            )
        )

    def __hash__(self) -> int:
        return hash((type(self), self._types()))

    def _types(self) -> tuple:
        return tuple(v.type for v in self.arrays), tuple(v.type for v in self.outputs)

    def __getstate__(self):
        return {"arrays": self.arrays, "outputs": self.outputs}

    def __setstate__(self, state) -> None:
        self.__dict__.update(state)
        self._prepare()

    def __str__(self) -> str:
        return f"Sizes{{{len(self._lengths) + len(self._steps)} nodes}}"


def _dimensions(v) -> int:
    return getattr(v.type, "ndim", 0)


def _shape(v) -> tuple[int, ...]:
    if isinstance(v.type, TensorType) and all(v.type.broadcastable):
        return (1,) * v.type.ndim
    if type(v.owner.op) is MakeVector:
        return (len(v.owner.inputs),)
    return _shape(v.owner.inputs[0])  # the same as another type


def _kind(v) -> Callable:
    """Return what makes a node's output of Python's numbers."""
    dtype = np.dtype(v.type.dtype)
    if not isinstance(v.type, TensorType):
        return dtype.type
    shape = _shape(v)
    return lambda value: np.array(value, dtype).reshape(shape)


def function_of(node) -> Callable | None:
    """Return a function of Python's integers for a node of integers, or None.

    Of integers as float32 as well, for what computes nothing of them.
    """
    op = node.op
    if genuine.is_genuine(op) and (arranged := _arranged(node)) is not None:
        return arranged
    if not genuine.is_genuine(op) or any(_dtype(v) not in shapes.SIGNED for v in node.inputs):
        return None
    if any(_dimensions(v) for v in node.inputs) or _dtype(node.outputs[0]) not in shapes.SIGNED:
        return None
    if type(op) is Elemwise:
        return shapes.integers(node) if not op.inplace_pattern else None
    if type(op) in (ScalarFromTensor, TensorFromScalar):
        return lambda value: value
    if type(op) is MakeVector:
        return lambda *values: values
    return None


def _arranged(node) -> Callable | None:
    """Return the function of a node that makes float32 of integers, or takes one, or adds axes."""
    op, x = node.op, node.inputs[0]
    (out,) = node.outputs if len(node.outputs) == 1 else (None,)
    if out is None or not isinstance(x.type, TensorType) or x.type.ndim > 1:
        return None
    if type(op) is Elemwise:
        casts = type(op.scalar_op) is Cast and genuine.is_genuine(op.scalar_op)
        if not casts or op.inplace_pattern or _dtype(x) not in shapes.SIGNED:
            return None
        return _as_float32 if _dtype(out) == "float32" else None
    if _dtype(x) not in (*shapes.SIGNED, "float32"):
        return None
    if type(op) is Subtensor:
        one = len(op.idx_list) == 1 and len(node.inputs) == 2 and x.type.ndim == 1
        if not one or isinstance(op.idx_list[0], slice):
            return None
        return (lambda values, k: values[k]) if isinstance(node.inputs[1], Constant) else None
    if type(op) is DimShuffle and x.type.ndim == 0:
        return lambda value: value
    return None


def _as_float32(value):
    # By int64, as C code does it: rounded once
    if isinstance(value, tuple):
        return tuple(np.float32(np.int64(one)) for one in value)
    return np.float32(np.int64(value))


def _dtype(v) -> str:
    return getattr(v.type, "dtype", "")


class GatherSizes(Rewrite):
    """Make one node of what computes numbers of the shapes of a graph's inputs."""

    def rewrite(self, fgraph):
        order = fgraph.toposort()
        if any(type(node.op).__name__ == "IfElse" for node in order):
            return  # not all of it is computed
        inside: set = set()  # variables
        nodes, arrays = 0, []
        for node in order:
            if type(node.op) is Shape_i and genuine.is_genuine(node.op):
                (x,) = node.inputs
                if x.owner is not None or isinstance(x, Constant) or not _dimensions(x):
                    continue
                arrays.append(x)
            elif not _continues(node, inside):
                continue
            inside.update(node.outputs)
            nodes += 1
        if nodes < _FEW:
            return
        wanted = [
            v
            for v in (node.outputs[0] for node in order)
            if v in inside
            and any(c == "output" or not inside.issuperset(c.outputs) for c, _ in v.clients)
        ]
        arrays = list(dict.fromkeys(arrays))
        made = Sizes(*_copied(arrays, wanted))(*arrays, return_list=True)
        fgraph.replace_all_validate(list(zip(wanted, made, strict=True)), reason=NAME)


def _continues(node, inside: set) -> bool:
    """Say whether a node computes numbers of those inside, and of nothing else but constants."""
    varying = [v for v in node.inputs if not isinstance(v, Constant)]
    return bool(varying) and inside.issuperset(varying) and function_of(node) is not None


def _copied(arrays, wanted) -> tuple[list, list]:
    """Return the same, of variables of their own."""
    from theano.gof.graph import clone_get_equiv

    memo: dict = {x: x.type() for x in arrays}
    equivalent = clone_get_equiv(arrays, wanted, copy_inputs=False, copy_orphans=False, memo=memo)
    return [memo[x] for x in arrays], [equivalent[v] for v in wanted]


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=sizes`` turns it off."""
    if NAME in optdb:
        return  # Theano was reloaded
    # Behind all that fuses elementwise nodes (49), before what works in place (75)
    optdb.register(NAME, GatherSizes(), 49.4, "fast_run", "fusion", ON_KERNELS)

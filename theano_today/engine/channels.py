"""Elementwise formulas of images, and sums over all but their channels, in one pass over memory.

Batch normalisation, however it is written, is sums over (0, 2, 3) of elementwise functions of
images and of numbers for each channel; so are its gradients. Theano writes each function's values
to memory, sums them up, and computes others from the same images again. Here

- a sum computes what it sums up, and writes nothing but the sums,
- sums of the same images are taken in one pass,
- a value that several functions read, such as x - mean, is computed again by each, rather than
  written and read.

The values are those of the single functions to the last bit, summed up in float64.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import theano.scalar as ts
from theano.compile import optdb
from theano.gof import Apply, Constant, Op, Variable
from theano.gof.graph import ancestors
from theano.gof.opt import copy_stack_trace
from theano.tensor import TensorType, elemwise

from theano_today.engine import formulas, genuine, library
from theano_today.engine.conv_pool.op import from_blocks, to_blocks
from theano_today.engine.elemwise import _function, shape_of
from theano_today.engine.patterns import Rewrite, operands
from theano_today.engine.programs import HEAD
from theano_today.engine.thunks import Latest, thunk_of

log = logging.getLogger("theano_today")

AXES = (0, 2, 3)
_IMAGES, _BLOCKED = (False,) * 4, (False,) * 5
_OF_CHANNELS, _NUMBER = (True, False, True, True), (True,) * 4
# More would not stay in the cache, or take longer than memory does.
_MOST_INPUTS, _MOST_FUNCTIONS, _MOST_REGISTERS = 20, 48, 24


class Instruction(ctypes.Structure):
    """As kernels/channels.hpp has it."""

    _fields_ = [(name, ctypes.c_int32) for name in ("what", "to", "a", "b", "c", "d", "e")]


class Operand(ctypes.Structure):
    """As kernels/channels.hpp has it."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("image", "channel", "pixel")),
    ]


class Result(ctypes.Structure):
    """As kernels/channels.hpp has it."""

    _fields_ = [("out", ctypes.c_void_p), ("value", ctypes.c_int64), ("is_sum", ctypes.c_int64)]


class Channelwise(Op):
    """Elementwise functions of images and of channels' numbers, or their sums.

    Inputs: float32, (n, c, h, w), (1, c, 1, 1) or (1, 1, 1, 1), at least one of the first kind.
    Outputs: float32, (n, c, h, w), or (c,) where it is a sum.

    Parameters
    ----------
    composite : Composite
        The functions, as scalars.
    sums : tuple of bool
        Which outputs are sums over all axes but the channels.
    blocked : bool
        Images are (n, blocks, h, w, V), as stages hand them over, zeros behind the last channel
        (kernels/stage.hpp). How many channels there are is the last input then, an int64.
    """

    __props__ = ("composite", "sums", "blocked")

    def __init__(self, composite, sums, blocked=False):
        self.composite, self.sums, self.blocked = composite, sums, blocked

    def __str__(self):
        sums = sum(self.sums)
        what = f"{sums} sums, {len(self.sums) - sums} images"
        return f"Channelwise{{{what}{', blocked' * self.blocked}}}"

    def make_node(self, *inputs):
        images = TensorType("float32", _BLOCKED if self.blocked else _IMAGES)
        kinds = {True: TensorType("float32", (False,)), False: images}
        return Apply(self, list(inputs), [kinds[of_sum]() for of_sum in self.sums])

    def infer_shape(self, node, shapes):
        images = next(
            shape for v, shape in zip(node.inputs, shapes, strict=True)
            if v.broadcastable in (_IMAGES, _BLOCKED)
        )  # fmt: skip
        channels = (node.inputs[-1],) if self.blocked else images[1:2]
        return [channels if of_sum else images for of_sum in self.sums]

    def kinds(self, node):
        """Return of each input but the number of channels what axes are of length 1."""
        inputs = node.inputs[:-1] if self.blocked else node.inputs
        return [_IMAGES if v.broadcastable == _BLOCKED else v.broadcastable for v in inputs]

    def shape(self, arrays, kinds, channels=None):
        """Return the images' n, channels, h and w.

        Raises
        ------
        ValueError
            If arrays do not fit each other.
        """
        if not self.blocked:
            return shape_of(arrays, kinds)
        shapes = [(a.shape[0], channels, *a.shape[2:4]) if a.ndim == 5 else a.shape for a in arrays]
        return shape_of([_Shaped(shape) for shape in shapes], kinds)

    @np.errstate(all="ignore")
    def perform(self, node, inputs, outputs):
        if self.blocked:
            *inputs, channels = inputs
            inputs = [from_blocks(a, int(channels)) if a.ndim == 5 else a for a in inputs]
        shape = shape_of(inputs, self.kinds(node))
        values = evaluated(self.composite, inputs)
        for cell, value, of_sum in zip(outputs, values, self.sums, strict=True):
            value = np.broadcast_to(np.asarray(value, np.float32), shape)
            total = value.sum(AXES, np.float64) + 0.0 if of_sum else value
            cell[0] = np.array(total, np.float32)
            if self.blocked and not of_sum:
                cell[0] = to_blocks(cell[0])

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        kinds = self.kinds(node)
        program = None
        if library.kernels() is not None:
            program = program_of(self.composite, [kind == _IMAGES for kind in kinds], self.sums)
        if program is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")
        run = Calls(self, program, kinds)
        return thunk_of(run, node, storage_map, compute_map)


def evaluated(composite, inputs) -> list:
    """Return a Composite's outputs of arrays of float32, by NumPy."""
    graph = composite.fgraph
    values = dict(zip(graph.inputs, inputs, strict=True))
    for inner in graph.toposort():
        for v in inner.inputs:
            if isinstance(v, Constant):
                values[v] = np.asarray(v.data, v.dtype)
        function = _function(inner.op, inner.inputs, inner.outputs[0].dtype)
        function = function or np.vectorize(inner.op.impl, otypes=["float32"])
        values[inner.outputs[0]] = function(*(values[v] for v in inner.inputs))
    return [values[v] for v in graph.outputs]


class Calls:
    """Calls of the kernel; how arrays of some shapes and strides lie is found out once."""

    def __init__(self, op, program, kinds) -> None:
        self.op, self.program, self.kinds = op, program, kinds
        self.fixed = [id(a) for a in program.constants]
        self.count = len(kinds) + len(self.fixed) + len(op.sums)
        self.objects = ctypes.c_int64 * self.count
        self.ready = Latest()

    def __call__(self, *arrays) -> list[np.ndarray]:
        """Return the outputs.

        Raises
        ------
        ValueError
            If the arrays do not fit each other.
        """
        channels = None
        if self.op.blocked:
            channels, arrays = int(arrays[-1]), arrays[:-1]
        key = channels, *[(a.shape, a.strides) for a in arrays]
        ready = self.ready.get(key)
        if ready is None:
            ready = self.ready.keep(key, self._prepare(arrays, channels))
        shapes, contiguous, described = ready
        outputs = [library.empty(shape) for shape in shapes]
        if described is None:
            for out in outputs:
                out.fill(0)
            return outputs
        if not contiguous:
            arrays = tuple([np.ascontiguousarray(a) for a in arrays])
        objects = self.objects(*map(id, arrays), *self.fixed, *map(id, outputs))
        _, _, arguments = described
        library.call("today_channelwise", objects, HEAD, *arguments)
        return outputs

    def _prepare(self, arrays, channels):
        """Return the outputs' shapes, whether all arrays are contiguous, and the call.

        The call is what the kernel's arguments point to and these; None for no elements.
        """
        op, program, kinds = self.op, self.program, self.kinds
        lanes = library.lanes() if op.blocked else 1
        n, c, h, w = shape = op.shape(arrays, kinds, channels)
        if op.blocked:
            shape = n, library.blocks(c), h, w, lanes
        shapes = [(c,) if of_sum else shape for of_sum in op.sums]
        if n * c * h * w == 0:
            return shapes, True, None
        operands = (Operand * (len(arrays) + len(self.fixed)))()
        each = h * w * lanes  # floats of a channel, or of a block
        for one, kind in zip(operands, kinds, strict=False):
            if kind == _IMAGES:
                one.image, one.channel, one.pixel = -(-c // lanes) * each, each, 1
            elif kind == _OF_CHANNELS:
                one.channel = 1
        results = (Result * len(shapes))()
        for one, place, of_sum in zip(results, program.places, op.sums, strict=True):
            one.value, one.is_sum = place, of_sum
        arguments = (
            ctypes.addressof(program.instructions), len(program.instructions), program.first,
            ctypes.addressof(operands), len(operands), program.registers,
            ctypes.addressof(results), len(results), n, c, each, lanes,
        )  # fmt: skip
        contiguous = all(a.flags.c_contiguous for a in arrays)
        return shapes, contiguous, (operands, results, arguments)


@dataclass
class _Shaped:
    """What shape_of() asks of an array."""

    shape: tuple[int, ...]

    @property
    def ndim(self) -> int:
        return len(self.shape)


@dataclass
class Program:
    """Functions as instructions of kernels/channels.hpp.

    Attributes
    ----------
    instructions : array of Instruction
        The `first` ones are of channels' numbers alone, in as many first registers.
    registers : int
        All of them.
    constants : list of ndarray
        Numbered behind the inputs; registers come behind them.
    places : list of int
        The numbers of the values that are the outputs.
    """

    instructions: ctypes.Array
    first: int
    registers: int
    constants: list[np.ndarray]
    places: list[int]


# What several instructions do in one, as in kernels/channels.hpp
SEVERAL = {
    name: 1000 + k
    for k, name in enumerate((
        "rectify", "rectify_gradient", "multiply_and_add", "subtract_multiply", "normalize",
        "normalize_and_add", "normalize_rectify", "normalize_gradient", "multiply_and_add_twice",
        "multiply_and_add_thrice", "subtract_multiply_divide",
    ))
}  # fmt: skip
_MOST_OPERANDS = 5  # of an instruction


def name_of(node) -> str | None:
    """Return the name of a function of float32, or None for what is none, or not covered."""
    dtypes = [v.dtype for v in node.inputs]
    if {*dtypes, node.outputs[0].dtype} != {"float32"} or type(node.op) in (ts.Switch, ts.Clip):
        return None
    try:
        name = formulas._name(node.op, dtypes, "float32")
        formulas.number(name)
    except formulas.Uncovered:
        return None
    return name.removesuffix(".f4")


@dataclass(eq=False)
class Step:
    """An instruction before it has a register: its name, and its operands.

    Operands are steps, or the numbers of inputs and constants.
    """

    name: str
    operands: list


class _Steps:
    """The steps of a graph of scalars, in their order."""

    def __init__(self, graph, of_images) -> None:
        self.values: dict = {v: i for i, v in enumerate(graph.inputs)}
        self.varying: set = {i for i, images in enumerate(of_images) if images}
        self.constants: list[np.ndarray] = []
        self.numbers: dict[int, float] = {}  # the constants' values, by their places
        self.steps: list[Step] = []
        self.outputs: list = []
        nodes = graph.toposort()
        for v in (v for node in nodes for v in node.inputs):
            if isinstance(v, Constant) and v not in self.values:
                place = len(graph.inputs) + len(self.constants)
                self.values[v], self.numbers[place] = place, float(v.data)
                self.constants.append(np.array([v.data], np.float32))
        for node in nodes:
            self.values[node.outputs[0]] = self._add(node)

    def _add(self, node) -> Step:
        name = name_of(node)
        assert name is not None
        operands = [self.values[v] for v in node.inputs]
        if len(operands) < 3:
            return self._step(name, operands)
        total = operands[0]  # a sum or product of several: one after the other
        for operand in operands[1:]:
            total = self._step(name, [total, operand])
        return total

    def _step(self, name, operands) -> Step:
        for known in self.steps:
            if known.name == name and known.operands == operands:
                return known
        step = Step(name, operands)
        self.steps.append(step)
        if not self.varying.isdisjoint(operands):
            self.varying.add(step)
        return step

    def _only_for(self, step, user) -> bool:
        others = [s for s in self.steps if s is not user and step in s.operands]
        return not others and step not in self.outputs and user.operands.count(step) == 1

    def join(self, outputs) -> None:
        """Make one step of several, as long as there are some to be joined."""
        self.outputs = outputs
        joined = True
        while joined:
            joined = False
            for step in self.steps:
                found = self._joined(step) if step in self.varying else None
                if found is not None:
                    step.name, step.operands = found
                    joined = True
            self.steps = self._needed(outputs)

    def _joined(self, step):
        """Return the name and the operands of what does this step and one before it, or None."""
        found = self._rectify(step) or self._rectify_gradient(step) or self._pair(step)
        return found or self._with_before(step)

    def _needed(self, outputs) -> list[Step]:
        waiting, needed = list(outputs), set()
        while waiting:
            step = waiting.pop()
            if isinstance(step, Step) and step not in needed:
                needed.add(step)
                waiting += step.operands
        return [step for step in self.steps if step in needed]

    def _is_half(self, operand) -> bool:
        return isinstance(operand, int) and self.numbers.get(operand) == 0.5

    def _half_of(self, operand):
        """Return x if the operand is 0.5 * x."""
        if isinstance(operand, Step) and operand.name == "mul":
            for half, x in _both(operand.operands):
                if self._is_half(half):
                    return x
        return None

    def _rectify(self, step):
        total = self._half_of(step)
        if isinstance(total, Step) and total.name == "add":
            for x, size in _both(total.operands):
                if isinstance(size, Step) and (size.name, size.operands) == ("abs", [x]):
                    return "rectify", [x]
        return None

    def _rectify_gradient(self, step):
        # 0.5 * g + 0.5 * g * sign(z)
        if step.name != "add":
            return None
        for half, product in _both(step.operands):
            g = self._half_of(half)
            if g is None or not isinstance(product, Step) or product.name != "mul":
                continue
            for same, sign in _both(product.operands):
                if same is half and isinstance(sign, Step) and sign.name == "sgn":
                    return "rectify_gradient", [g, sign.operands[0]]
        return None

    def _pair(self, step):
        first = {"add": "mul", "mul": "sub"}.get(step.name)
        name = "multiply_and_add" if first == "mul" else "subtract_multiply"
        for one, other in _both(step.operands) if first else ():
            if isinstance(one, Step) and one.name == first and one in self.varying:
                return name, [*one.operands, other]
        return None

    def _with_before(self, step):
        for place, before, name in _CHAINS.get(step.name, ()):
            operands = step.operands
            # Only what is added may come first or last: (a - b) * c + d, and d + (a - b) * c
            places = (0, 1) if step.name == "add" else (place,)
            for at in places:
                one = operands[at]
                if isinstance(one, Step) and one.name == before and self._only_for(one, step):
                    rest = [o for k, o in enumerate(operands) if k != at]
                    if name == "normalize_gradient":
                        return name, [*rest, *one.operands]
                    return name, [*one.operands, *rest]
        return None


# By the name of a step: the place of one before it, that one's name, and what does both
_CHAINS = {
    "add": [
        (0, "subtract_multiply", "normalize"),
        (0, "normalize", "normalize_and_add"),
        (0, "multiply_and_add", "multiply_and_add_twice"),
        (0, "multiply_and_add_twice", "multiply_and_add_thrice"),
    ],
    "rectify": [(0, "normalize", "normalize_rectify")],
    "rectify_gradient": [(1, "normalize", "normalize_gradient")],
    "div": [(0, "subtract_multiply", "subtract_multiply_divide")],
}


def _both(pair):
    return [(pair[0], pair[1]), (pair[1], pair[0])]


def program_of(composite, of_images, sums: Sequence[bool] = ()) -> Program | None:
    """Return what a Composite computes as a program, or None.

    `of_images` says which of its inputs are images, `sums` which of its outputs are summed up.
    """
    graph = composite.fgraph
    for node in graph.toposort():
        constants = [v for v in node.inputs if isinstance(v, Constant)]
        if name_of(node) is None or any(v.dtype != "float32" for v in constants):
            return None
    found = _Steps(graph, of_images)
    outputs = [found.values[v] for v in graph.outputs]
    if any(out not in found.varying or isinstance(out, int) for out in outputs):
        return None
    for k, of_sum in enumerate(sums):
        # What is summed up as it is, is not copied before.
        if of_sum and outputs[k].name == "identity":
            (outputs[k],) = outputs[k].operands
    found.join(outputs)
    before = [step for step in found.steps if step not in found.varying]
    order = before + [step for step in found.steps if step in found.varying]
    last_use = {operand: k for k, step in enumerate(order) for operand in step.operands}
    last_use |= dict.fromkeys([*outputs, *before], len(order))
    operands = len(graph.inputs) + len(found.constants)
    places: dict[Step, int] = {}
    free: list[int] = []
    held: list[Step] = []
    registers = 0
    instructions = (Instruction * len(order))()
    for k, (one, step) in enumerate(zip(instructions, order, strict=True)):
        sources = [places[o] if isinstance(o, Step) else o for o in step.operands]
        if free:
            place = free.pop()
        else:
            place, registers = operands + registers, registers + 1
        one.what = SEVERAL.get(step.name) or formulas.number(f"{step.name}.f4")
        one.to = places[step] = place
        more = [sources[0]] * (_MOST_OPERANDS - len(sources))
        one.a, one.b, one.c, one.d, one.e = [*sources, *more]
        held.append(step)
        for ended in [s for s in held if last_use.get(s, -1) <= k]:
            held.remove(ended)
            free.append(places[ended])
    if registers > _MOST_REGISTERS:
        return None
    return Program(
        instructions, len(before), registers, found.constants,
        [places[out] if isinstance(out, Step) else out for out in outputs],
    )  # fmt: skip


# ---- the rewrite -------------------------------------------------------------------------


def scalar_op(node):
    """Return an Elemwise's scalar Op, a Composite without others in it."""
    op = node.op.scalar_op
    if not isinstance(op, ts.Composite) or not _has_composite(op):
        return op
    inputs = [v.type() for v in op.fgraph.inputs]
    return ts.Composite(inputs, computed(op, inputs))


def _has_composite(op) -> bool:
    return any(isinstance(node.op, ts.Composite) for node in op.fgraph.apply_nodes)


def computed(op, arguments) -> list:
    """Return what a scalar Op computes of these scalars, without a Composite in it."""
    if not isinstance(op, ts.Composite):
        return op.make_node(*arguments).outputs
    graph = op.fgraph
    values = dict(zip(graph.inputs, arguments, strict=True))
    for node in graph.toposort():
        inputs = [values.get(v, v) for v in node.inputs]
        if isinstance(node.op, ts.Composite) and genuine.is_genuine(node.op):
            outputs = computed(node.op, inputs)
        else:
            outputs = node.op.make_node(*inputs).outputs
        values.update(zip(node.outputs, outputs, strict=True))
    return [values.get(v, v) for v in graph.outputs]


def is_constant(v) -> bool:
    """Say whether v is a number that is known."""
    return isinstance(v, Constant) and v.dtype == "float32" and v.data.size == 1


def number_of(v):
    """Return a constant as a scalar."""
    return ts.constant(v.data.reshape(-1)[0], dtype="float32")


def is_function(node) -> bool:
    """Say whether a node computes images of what Channelwise takes, by functions it knows."""
    if type(node.op) is not elemwise.Elemwise or not genuine.is_genuine(node.op):
        return False
    (out,) = node.outputs if len(node.outputs) == 1 else (None,)
    if out is None or out.dtype != "float32" or out.broadcastable != _IMAGES:
        return False
    kinds = _IMAGES, _OF_CHANNELS, _NUMBER
    if any(v.dtype != "float32" or v.broadcastable not in kinds for v in node.inputs):
        return False
    op = node.op.scalar_op
    if isinstance(op, ts.Composite):
        if not genuine.is_genuine(op):
            return False
        nodes = scalar_op(node).fgraph.toposort()
    else:
        nodes = [op.make_node(*(ts.float32() for _ in node.inputs))]
    return all(name_of(inner) is not None for inner in nodes)


def is_sum(node) -> bool:
    """Say whether a node is the sum of images over all but the channels, in float64."""
    if type(node.op) is not elemwise.Sum or not genuine.is_genuine(node.op):
        return False
    x, (out,) = node.inputs[0], node.outputs
    wanted = ("float32", "float64", "float32")
    if (x.dtype, node.op.acc_dtype, out.dtype) != wanted or x.broadcastable != _IMAGES:
        return False
    return node.op.axis is not None and tuple(node.op.axis) == AXES


class Functions:
    """Which functions of a graph are computed where they are read, and what they read then."""

    def __init__(self, order) -> None:
        self.reads: dict[Variable, list[Variable]] = {}  # by function: its inputs if so
        self.sizes: dict[Variable, int] = {}
        self.again: set[Variable] = set()  # those that are computed where they are read
        nodes = [node for node in order if is_function(node)]
        known = set(nodes)
        for node in nodes:
            (out,) = node.outputs
            leaves = dict.fromkeys(leaf for v in node.inputs for leaf in self.leaves(v))
            size = _size(node) + sum(self.sizes[v] for v in set(node.inputs) & self.again)
            if len(leaves) > _MOST_INPUTS or size > _MOST_FUNCTIONS:
                leaves = dict.fromkeys(v for v in node.inputs if not is_constant(v))
                size = _size(node)
                self.again -= set(node.inputs)
            self.reads[out], self.sizes[out] = list(leaves), size
            users = [user for user, _ in out.clients]
            inside = all(u != "output" and (u in known or is_sum(u)) for u in users)
            if inside and (len(users) == 1 or len(_images(leaves)) <= 2):
                self.again.add(out)

    def leaves(self, v: Variable) -> list[Variable]:
        """Return what is read in place of v."""
        if is_constant(v):
            return []
        return self.reads[v] if v in self.again else [v]


def _size(node) -> int:
    op = scalar_op(node)
    return len(op.fgraph.apply_nodes) if isinstance(op, ts.Composite) else 1


def _images(leaves) -> set[Variable]:
    return {v for v in leaves if v.broadcastable == _IMAGES}


class FuseChannelwise(Rewrite):
    """Let sums over images compute what they sum up, those of the same images together."""

    def rewrite(self, fgraph):
        for node in [node for node in fgraph.toposort() if is_sum(node)]:
            _take_out_factors(fgraph, node)
        order = fgraph.toposort()
        sums = [node.outputs[0] for node in order if is_sum(node)]
        if not sums:
            return
        functions = Functions(order)
        count = 0
        while sums:
            group = _group(sums, functions)
            sums = [v for v in sums if v not in group]
            values = [v.owner.inputs[0] for v in group]
            if len(group) > 1 or values[0] in functions.again:
                count += _replace(fgraph, functions, group, values, True)
        # From the last to the first: what a function reads is still the variable that it was.
        for v in reversed(functions.reads):
            if v in fgraph.variables and v not in functions.again:
                inlined = [i for i in v.owner.inputs if i in functions.again]
                if inlined:
                    count += _replace(fgraph, functions, [v], [v], False)
        for node in fgraph.toposort():
            if type(node.op) is Channelwise and node in fgraph.apply_nodes:
                _sum_up_at_once(fgraph, node)
        if count:
            log.info("%d passes over images, their sums among them", count)


def _group(sums, functions: Functions) -> list[Variable]:
    """Return the first of these sums, and those that can be taken with it.

    They read the same images, or some of them, and none is computed from another.
    """
    first, *others = sums
    group, leaves = [first], functions.leaves(first.owner.inputs[0])
    before, behind = set(ancestors(leaves)), _computed_from(first)
    for v in others:
        more = functions.leaves(v.owner.inputs[0])
        smaller, larger = sorted((_images(leaves), _images(more)), key=len)
        together = list(dict.fromkeys([*leaves, *more]))
        if not smaller <= larger or len(together) > _MOST_INPUTS:
            continue
        if v in before or not behind.isdisjoint(more):
            continue
        group.append(v)
        leaves = together
        before.update(ancestors(more))
        behind |= _computed_from(v)
    return group


def _computed_from(v: Variable) -> set[Variable]:
    """Return v and what is computed from it in its graph."""
    found: set[Variable] = set()
    waiting = [v]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            for user, _ in one.clients:
                if user != "output":
                    waiting += user.outputs
    return found


def _replace(fgraph, functions: Functions, old, values, are_sums: bool) -> bool:
    """Replace variables by outputs of one Channelwise; say whether its program was possible."""
    leaves = list(dict.fromkeys(
        leaf for v in values
        for leaf in (functions.leaves(v) if are_sums else functions.reads[v])
    ))  # fmt: skip
    scalars = {v: ts.float32() for v in leaves}
    outputs = [_scalar(v, functions, scalars, not are_sums) for v in values]
    outputs = [ts.identity(out) if out.owner is None else out for out in outputs]
    composite = ts.Composite([scalars[v] for v in leaves], outputs)
    if program_of(composite, [v.broadcastable == _IMAGES for v in leaves]) is None:
        return False
    new = Channelwise(composite, (are_sums,) * len(old))(*leaves, return_list=True)
    copy_stack_trace(old, new)
    fgraph.replace_all_validate(list(zip(old, new, strict=True)), reason="channelwise")
    return True


def _take_out_factors(fgraph, node) -> None:
    """Multiply the sum of x - its mean by channels' numbers, rather than all that is summed up.

    The gradient of a mean is such a sum. What the factors are is known late in the backward pass,
    x - mean in the forward pass, which takes another sum of it. Where a factor is not finite, so
    is all that Theano sums up, of both signs or 0 times that: NaN.
    """
    x, (total,) = node.inputs[0], node.outputs
    if len(total.clients) != 1 or len(x.clients) != 1 or x.owner is None:
        return
    client = total.clients[0][0]
    if client == "output" or type(client.op) is not elemwise.DimShuffle:
        return
    if client.op.new_order != ("x", 0, "x", "x") or not is_function(x.owner):
        return
    op = scalar_op(x.owner)
    if not isinstance(op, ts.Composite):
        return
    given = dict(zip(op.fgraph.inputs, x.owner.inputs, strict=True))
    centered, factors = _factors(op.fgraph.outputs[0], given)
    if centered in given:  # for others as well
        difference = given[centered]
        pair = operands(difference, ts.Sub, 2)
    elif centered.owner is not None and type(centered.owner.op) is ts.Sub:
        difference, pair = None, [given.get(v) for v in centered.owner.inputs]
    else:
        pair = None
    if not factors or pair is None or None in pair:
        return
    image, mean = pair
    if not _is_image(image) or not _is_mean(mean, image):
        return
    if difference is None:
        difference = elemwise.Elemwise(ts.sub)(image, mean)
    sums = elemwise.Sum(axis=AXES, dtype="float32", acc_dtype="float64")(difference)
    scalars: dict = {v: ts.float32() for v, of in given.items() if not _is_image(of)}

    def of_channels(v):
        if isinstance(v, Constant) or v in scalars:
            return scalars.get(v, v)
        return v.owner.op.make_node(*map(of_channels, v.owner.inputs)).outputs[0]

    factor, zero = (ts.constant(k, dtype="float32") for k in (1, 0))
    for divided, v in reversed(factors):
        factor = (ts.true_div if divided else ts.mul)(factor, of_channels(v))
    of_sums = ts.float32()
    composite = ts.Composite(
        [of_sums, *scalars.values()], [ts.add(ts.mul(factor, of_sums), ts.mul(factor, zero))]
    )
    new = elemwise.Elemwise(composite)(
        client.op(sums), *(given[v] for v in scalars)
    )  # fmt: skip
    (old,) = client.outputs
    if new.type == old.type:
        copy_stack_trace([total, old], [sums, new])
        fgraph.replace_all_validate([(old, new)], reason="channelwise")


def _factors(v, given) -> tuple:
    """Return what v is without factors that are the same for all of a channel, and these.

    As pairs: whether it is divided by one, and which, the last first.
    """
    found: list = []
    while v.owner is not None and type(v.owner.op) in (ts.Mul, ts.TrueDiv):
        inputs = v.owner.inputs
        varying = [i for i in inputs if _varies(i, given)]
        divided = type(v.owner.op) is ts.TrueDiv
        if len(varying) != 1 or (divided and varying[0] is not inputs[0]):
            break
        found += [(divided, i) for i in reversed(inputs) if i is not varying[0]]
        (v,) = varying
    return v, found


def _varies(v, given) -> bool:
    """Say whether a scalar of a graph is another for each pixel."""
    if v in given:
        return _is_image(given[v])
    return v.owner is not None and any(_varies(i, given) for i in v.owner.inputs)


def _is_mean(v, image) -> bool:
    """Say whether channels' numbers are the images' mean, by whichever divisions of a sum."""
    while v.owner is not None:
        node = v.owner
        if type(node.op) is elemwise.Sum:
            return is_sum(node) and node.inputs[0] is image
        if type(node.op) is elemwise.Elemwise and genuine.is_genuine(node.op):
            nodes = scalar_op(node)
            inner = nodes.fgraph.apply_nodes if isinstance(nodes, ts.Composite) else ()
            kinds = {type(n.op) for n in inner} or {type(nodes)}
            if kinds != {ts.TrueDiv}:
                return False
        elif type(node.op) is not elemwise.DimShuffle:
            return False
        v = node.inputs[0]
    return False


def _sum_up_at_once(fgraph, node) -> None:
    """Let sums of an image that has to be written be taken in the pass that computes it."""
    for image in node.inputs:
        before = image.owner
        written = before is not None and (type(before.op) is Channelwise or is_function(before))
        if not written or image.broadcastable != _IMAGES or not all(node.op.sums):
            continue
        others = [v for v in node.inputs if v not in before.outputs]
        if not set(before.outputs).isdisjoint(ancestors(others)):
            continue  # they wait for it
        made = _together(before, node)
        if made is not None:
            old = [*before.outputs, *node.outputs]
            copy_stack_trace(old, made)
            fgraph.replace_all_validate(list(zip(old, made, strict=True)), reason="channelwise")
            return


def _together(first, second):
    """Return the outputs of a Channelwise for two nodes, the second of which reads the first's."""
    known: dict = {}
    inputs: list = []

    def given(node):
        for v in node.inputs:
            if v not in known:
                known[v] = number_of(v) if is_constant(v) else ts.float32()
                if not is_constant(v):
                    inputs.append(v)
        return [known[v] for v in node.inputs]

    def functions(node):
        return node.op.composite if type(node.op) is Channelwise else node.op.scalar_op

    outputs = computed(functions(first), given(first))
    known.update(zip(first.outputs, outputs, strict=True))
    outputs = outputs + computed(functions(second), given(second))
    if len(inputs) > _MOST_INPUTS:
        return None
    sums = first.op.sums if type(first.op) is Channelwise else (False,)
    sums += second.op.sums
    composite = ts.Composite([known[v] for v in inputs], outputs)
    size = len(composite.fgraph.apply_nodes)
    if size > _MOST_FUNCTIONS or program_of(composite, [_is_image(v) for v in inputs]) is None:
        return None
    return Channelwise(composite, sums)(*inputs, return_list=True)


def _is_image(v) -> bool:
    return v.broadcastable == _IMAGES


def _scalar(v: Variable, functions: Functions, scalars, this: bool = False):
    """Return v as a scalar computed from those of the leaves; of `this` one, not the leaf."""
    if v in scalars and not this:
        return scalars[v]
    if is_constant(v):
        return number_of(v)
    node = v.owner
    inputs = [_scalar(i, functions, scalars) for i in node.inputs]
    (made,) = computed(node.op.scalar_op, inputs)
    if not this:
        scalars[v] = made
    return made


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=channelwise`` turns it off."""
    # Behind fusion (49), before what works in place (50.5 and later). Once: Theano may be reloaded.
    if "channelwise" not in optdb:
        optdb.register("channelwise", FuseChannelwise(), 49.8, "fast_run")

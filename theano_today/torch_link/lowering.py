"""From Theano's graph to a list of steps: where each variable lives, and what each node calls.

Shapes, axes and indices live on the host, as NumPy values; all else lives on the device. What a
step needs from the other side is copied by steps of its own, each copy made once. Three kinds:

HOST    reads shapes and host values only, hence comes out the same for inputs of the same
        shapes: recordings (recording.py) keep the value
DEVICE  launches kernels, and never waits for them
SYNC    needs a value back from the device, or an Op on the host: no recording has it
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from theano.compile import SharedVariable
from theano.compile.ops import Shape, Shape_i
from theano.gof.graph import Constant
from theano.tensor import TensorType
from theano.tensor import basic as tb

from theano_today.torch_link import first_stage, host, pooling
from theano_today.torch_link.dispatch import RULES
from theano_today.torch_link.target import Target, download


class Kind(enum.Enum):
    """See the module's docstring."""

    HOST = enum.auto()
    DEVICE = enum.auto()
    SYNC = enum.auto()


@dataclass
class Step:
    """Call ``function(*(registers[i] for i in inputs))`` and store what it returns."""

    kind: Kind
    function: Callable
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    node: Any
    frees: list[int] = field(default_factory=list)  # device tensors that nobody needs any more


@dataclass
class Input:
    """One input of the graph.

    host : bool
        Its value stays a NumPy value (or whatever object it is).
    shared : bool
        It is a shared variable, whose value lives on the device between calls.
    constant_shape : bool
        `host`, and an integer that shapes may depend on: part of a recording's key.
    """

    register: int
    type: Any
    host: bool
    shared: bool
    constant_shape: bool


@dataclass
class Output:
    """One output of the graph: its register, its dtype (None: no tensor) and where it is."""

    register: int
    dtype: str | None
    host: bool


@dataclass
class Lowered:
    """A graph as steps on numbered registers; `registers` holds the constants."""

    registers: list[Any]
    steps: list[Step]
    inputs: list[Input]
    outputs: list[Output]

    def count(self, kind: Kind) -> int:
        return sum(step.kind is kind for step in self.steps)


class Place(NamedTuple):
    """Where an input of an inner graph is: see `Input`, and `Lowering.data_dependent`."""

    host: bool
    data_dependent: bool


# Ops with a graph of their own: function of (Lowering, node) that makes the steps, or returns
# False if it can't. scan.py fills it.
INNER: dict[type, Callable[[Lowering, Any], bool]] = {}


# Made of host values only, but themselves of any size.
_ON_DEVICE_ANYWAY = (tb.ARange, tb.Alloc, tb.AllocEmpty, tb.Eye)


def _made_on_device(node) -> bool:
    # Floats are counted on the host, see dispatch/shape.py: no recording could upload them.
    counts_floats = type(node.op) is tb.ARange and node.op.dtype.startswith("float")
    return type(node.op) in _ON_DEVICE_ANYWAY and not counts_floats


def stays_at_home(fgraph, order) -> bool:
    """True if no Op can run on the device, and no variable has to be there.

    Theano calls such a function thousands of times to make one random stream (see `_AT_HOME` in
    host.py): nothing should be copied to and fro.
    """
    if any(type(n.op) in RULES or type(n.op) in (Shape, Shape_i, *INNER) for n in order):
        return False
    return bool(order) and not any(isinstance(v, SharedVariable) for v in fgraph.inputs)


def _filled(target: Target, value: np.ndarray) -> torch.Tensor:
    """Upload a few numbers by kernels, which a CUDA graph may hold."""
    if value.ndim == 0:
        return target.full(value.item(), value.dtype.name)
    tensor = target.full(0, value.dtype.name, value.shape)
    for place in np.ndindex(value.shape):
        tensor[place].fill_(value[place].item())
    return tensor


class Lowering:
    """Lowers one graph; see `lower` and `lower_inner`."""

    def __init__(self, target: Target, inner: bool = False) -> None:
        self.target = target
        self.inner = inner
        self.registers: list[Any] = []
        self.steps: list[Step] = []
        self.slot: dict[Any, int] = {}
        self.host: dict[Any, bool] = {}
        self.data_dependent: set[Any] = set()  # host values that shapes do not determine
        self.copies: dict[tuple[str, Any], int] = {}
        self.at_home = False  # nothing of the graph lives on the device

    def lower(self, fgraph, order, updated) -> Lowered:
        self.at_home = stays_at_home(fgraph, order)
        inputs = [self._input(v) for v in fgraph.inputs]
        # What is written to shared variables: recordings can't upload it.
        written = {o for i, o in updated if inputs[i].shared}
        return self._graph(fgraph, order, inputs, written)

    def lower_inner(self, fgraph, order, places, on_device) -> Lowered:
        inputs = [self._placed(v, place) for v, place in zip(fgraph.inputs, places, strict=True)]
        return self._graph(fgraph, order, inputs, on_device)

    def _graph(self, fgraph, order, inputs: list[Input], on_device: Collection[int]) -> Lowered:
        stages = pooling.find(order, fgraph.outputs, self.target)
        for node in first_stage.find(stages, fgraph.outputs, self.target):
            for v in node.inputs:
                self._constant(v)
            self._node(node)
        outputs = []
        for i, v in enumerate(fgraph.outputs):
            self._constant(v)
            dtype = v.type.dtype if isinstance(v.type, TensorType) else None
            if i in on_device:
                outputs.append(Output(self.on_device(v, None), dtype, False))
            else:
                outputs.append(Output(self.slot[v], dtype, self.host[v]))
        self._free(inputs, outputs)
        return Lowered(self.registers, self.steps, inputs, outputs)

    # -- where variables live -------------------------------------------------------------

    def _new(self, value=None) -> int:
        self.registers.append(value)
        return len(self.registers) - 1

    def is_tensor(self, v) -> bool:
        """True if the device can hold the variable."""
        if self.at_home or not isinstance(v.type, TensorType):
            return False
        return self.target.holds(v.type.dtype)

    def _input(self, v) -> Input:
        shared = isinstance(v, SharedVariable)
        whole = isinstance(v.type, TensorType) and v.type.dtype in tb.discrete_dtypes
        size = whole and v.ndim == 0 and not shared
        self.host[v] = size or not self.is_tensor(v)
        if self.host[v] and not size:
            self.data_dependent.add(v)
        self.slot[v] = self._new()
        return Input(self.slot[v], v.type, self.host[v], shared and not self.host[v], size)

    def _placed(self, v, place: Place) -> Input:
        self.host[v] = place.host
        if place.data_dependent:
            self.data_dependent.add(v)
        self.slot[v] = self._new()
        return Input(self.slot[v], v.type, place.host, False, False)

    def _constant(self, v) -> None:
        if v in self.slot or not isinstance(v, Constant):
            return
        small = self._small(v)
        self.host[v] = small
        self.slot[v] = self._new(v.data if small else self.target.upload(v.data))

    def _small(self, v) -> bool:
        """True for what may live on the host: one element, or a vector such as a shape."""
        if not self.is_tensor(v):
            return True
        return v.ndim == 0 or all(v.broadcastable) or (
            v.ndim == 1 and (v.type.dtype in tb.discrete_dtypes or not isinstance(v, Constant))
        )  # fmt: skip

    # -- values on the other side ---------------------------------------------------------

    def _copy(self, form: str, v, kind: Kind, function: Callable, node) -> int:
        key = (form, v)
        if key not in self.copies:
            if isinstance(v, Constant):
                self.copies[key] = self._new(function(v.data))
            else:
                self.copies[key] = self._new()
                original = getattr(node, "original", node)
                step = Step(kind, function, (self.slot[v],), (self.copies[key],), original)
                self.steps.append(step)
        return self.copies[key]

    def on_host(self, v, node) -> int:
        """The register of a variable's value on the host."""
        if self.host[v]:
            return self.slot[v]
        fetch = np.asarray if isinstance(v, Constant) else download
        return self._copy("host", v, Kind.SYNC, fetch, node)

    def on_device(self, v, node) -> int:
        """The register of a variable's value on the device."""
        if not self.host[v]:
            return self.slot[v]
        dtype = v.type.dtype
        # A loop is one DEVICE step of the graph that it is in.
        upload, kind = (_filled, Kind.DEVICE) if self.inner else (Target.upload, Kind.HOST)
        if isinstance(v, Constant):
            upload = Target.upload
        return self._copy(
            "device",
            v,
            Kind.SYNC if v in self.data_dependent else kind,
            lambda x: upload(self.target, np.asarray(x, dtype)),
            node,
        )

    def _as_number(self, v, node) -> int:
        kind = Kind.SYNC if v in self.data_dependent else Kind.HOST
        return self._copy("number", v, kind, lambda x: np.asarray(x).item(), node)

    # -- nodes ----------------------------------------------------------------------------

    def step(self, kind: Kind, function: Callable, inputs, node) -> None:
        """Add a step that computes all outputs of `node`."""
        for v in node.outputs:
            self.slot[v] = self._new()
        outputs = tuple(self.slot[v] for v in node.outputs)
        original = getattr(node, "original", node)  # errors name what is in the graph
        self.steps.append(Step(kind, function, tuple(inputs), outputs, original))

    def _node(self, node) -> None:
        if self.at_home:
            self._fallback_node(node)
        elif type(node.op) in (Shape, Shape_i):
            self._shape(node)
        elif self._is_shape_arithmetic(node):
            self._host_node(node, host.shape_arithmetic(node))
        elif not self._inner_node(node) and not self._device_node(node):
            self._fallback_node(node)

    def _inner_node(self, node) -> bool:
        return type(node.op) in INNER and INNER[type(node.op)](self, node)

    def _shape(self, node) -> None:
        (x,) = node.inputs
        if type(node.op) is Shape_i:
            axis = node.op.i
            function = lambda x: np.asarray(x.shape[axis], np.int64)  # noqa: E731
        else:
            function = lambda x: np.asarray(tuple(x.shape), np.int64)  # noqa: E731
        self.host[node.outputs[0]] = True
        kind = Kind.HOST
        if x in self.data_dependent:
            self.data_dependent.add(node.outputs[0])
            kind = Kind.SYNC
        self.step(kind, function, [self.slot[x]], node)

    def _is_shape_arithmetic(self, node) -> bool:
        if _made_on_device(node) or not all(self.host[v] for v in node.inputs):
            return False
        return all(self._small(v) for v in node.outputs)

    def _host_node(self, node, function: Callable) -> None:
        data_dependent = any(v in self.data_dependent for v in node.inputs)
        for v in node.outputs:
            self.host[v] = True
            if data_dependent:
                self.data_dependent.add(v)
        kind = Kind.SYNC if data_dependent else Kind.HOST
        self.step(kind, function, [self.slot[v] for v in node.inputs], node)

    def _device_node(self, node) -> bool:
        rule = RULES.get(type(node.op))
        if rule is None or not all(self.is_tensor(v) for v in node.outputs):
            return False
        wanted = set(rule.host(node.op, node))
        tensors = [v for i, v in enumerate(node.inputs) if i not in wanted]
        if not all(self.is_tensor(v) for v in tensors):
            return False
        function = rule.build(node.op, node, self.target)
        if function is None:
            return False
        inputs = []
        for i, v in enumerate(node.inputs):
            if i in wanted:
                inputs.append(self.on_host(v, node))
            elif self.host[v] and self._is_number(v, rule.numbers):
                inputs.append(self._as_number(v, node))
            else:
                inputs.append(self.on_device(v, node))
        for v in node.outputs:
            self.host[v] = False
        kind = Kind.SYNC if any(v in self.data_dependent for v in node.inputs) else Kind.DEVICE
        self.step(kind, function, inputs, node)
        return True

    @staticmethod
    def _is_number(v, numbers: str) -> bool:
        if numbers == "one element":
            return all(v.broadcastable)
        return numbers == "0-d" and v.ndim == 0

    def _fallback_node(self, node) -> None:
        function = host.fallback(node)
        inputs = [self.on_host(v, node) for v in node.inputs]
        on_device = [self.is_tensor(v) for v in node.outputs]
        for v, tensor in zip(node.outputs, on_device, strict=True):
            self.host[v] = not tensor
            if not tensor:
                self.data_dependent.add(v)
        several = len(node.outputs) > 1

        def call(*values):
            results = function(*values)
            results = results if several else (results,)
            moved = tuple(
                self.target.upload(r) if tensor else r
                for r, tensor in zip(results, on_device, strict=True)
            )
            return moved if several else moved[0]

        self.step(Kind.SYNC, call, inputs, node)

    # -- memory ---------------------------------------------------------------------------

    def _free(self, inputs: list[Input], outputs: list[Output]) -> None:
        """Let each step drop the device tensors that no later step reads."""
        host = {self.slot[v] for v, on_host in self.host.items() if on_host}
        host |= {slot for (form, _), slot in self.copies.items() if form != "device"}
        uploads = {slot for (form, _), slot in self.copies.items() if form == "device"}
        kept = host | uploads | {i.register for i in inputs} | {o.register for o in outputs}
        kept |= {i for i, value in enumerate(self.registers) if value is not None}
        last: dict[int, Step] = {}
        for step in self.steps:
            for register in (*step.inputs, *step.outputs):
                last[register] = step
        for register, step in last.items():
            if register not in kept:
                step.frees.append(register)


def lower(fgraph, order, target: Target, updated=()) -> Lowered:
    """Return the steps that compute `fgraph` on `target`.

    Parameters
    ----------
    fgraph : theano.gof.FunctionGraph
        Optimised as `use.mode` says: no Op may work in place.
    order : list of Apply
        Its nodes, in an order that can be computed.
    target : Target
    updated : list of (int, int)
        Updates of shared variables, as indices of (input, output).
    """
    return Lowering(target).lower(fgraph, order, updated)


def lower_inner(fgraph, order, target: Target, places, on_device) -> Lowered:
    """Return the steps of a graph inside of an Op, for a loop around them.

    Values known on the host are written to the device by kernels, so that a CUDA graph may hold
    all but the SYNC steps.

    Parameters
    ----------
    fgraph, order, target
        See `lower`.
    places : list of Place
        Of the inputs.
    on_device : set of int
        The outputs that must come out there.
    """
    return Lowering(target, inner=True).lower_inner(fgraph, order, places, on_device)

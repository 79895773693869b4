"""theano.scan on the device: the steps of its inner graph, in a loop.

What an iteration computes is kept as it is, and put together behind the loop: the device copies
each value once, not into a buffer first and out of it again. Where the number of iterations is
known on the host, from shapes or as an argument, the loop is one DEVICE step of the graph around
it, and a recording holds all of its iterations. `until` waits for the device after each of them.

The loop is that of theano_today/compat/theano/scan_loop.py in all that can be seen from outside:
buffers shorter than the loop, gradients that are cut off, errors.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import theano
import torch
from theano.compile.mode import Mode, optdb
from theano.compile.ops import Shape, Shape_i
from theano.gof import FunctionGraph
from theano.scan_module.scan_op import Scan
from theano.tensor import basic as tb
from theano.tensor.elemwise import Elemwise
from theano.tensor.subtensor import Subtensor

from theano_today.compat.theano.scan_loop import check_steps
from theano_today.torch_link import host, rewrites
from theano_today.torch_link.dispatch import checks
from theano_today.torch_link.lowering import (
    INNER,
    Kind,
    Lowered,
    Lowering,
    Place,
    Step,
    lower_inner,
    stays_at_home,
)
from theano_today.torch_link.program import run_steps
from theano_today.torch_link.target import download


class Kinds:
    """The inputs and outputs of a Scan by kind, in the words of theano.scan_module.scan_utils.

    Parameters
    ----------
    op : Scan
    inputs : sequence
        Of a node of it: variables, or what stands for them.
    """

    def __init__(self, op: Scan, inputs: Sequence) -> None:
        remaining: Iterator = iter(inputs)

        def take(count: int) -> list:
            return [next(remaining) for _ in range(count)]

        (self.n_steps,) = take(1)
        self.sequences = take(op.n_seqs)
        self.mit_mots = take(op.n_mit_mot)
        self.sots = take(op.n_mit_sot + op.n_sit_sot)
        self.shared = take(op.n_shared_outs)
        self.lengths = take(op.n_nit_sot)
        self.others = list(remaining)


# -- linking --------------------------------------------------------------------------------------


def lower_scan(lowering: Lowering, node) -> bool:
    """Add the steps of a Scan to a graph's; see lowering.INNER."""
    op, given = node.op, Kinds(node.op, node.inputs)
    stored = node.outputs[: len(node.outputs) - op.n_shared_outs]
    tensors = [*given.sequences, *given.mit_mots, *given.sots, *stored]
    if not all(lowering.is_tensor(v) for v in tensors):
        return False
    fgraph = _inner_graph(op)
    if fgraph is None:
        return False
    order = fgraph.toposort()
    if stays_at_home(fgraph, order):  # then it is one trip for the loop, not one for each step
        return False

    sequences, places = [], []
    for v, inner in zip(given.sequences, fgraph.inputs, strict=False):
        whole_number = inner.ndim == 0 and inner.type.dtype in tb.discrete_dtypes
        known = _known(lowering, v, node) if whole_number else None
        sequences.append(lowering.on_device(v, node) if known is None else known)
        places.append(Place(known is not None, False))
    places += [Place(False, False)] * sum(map(len, op.tap_array))
    shared = []
    for v in given.shared:
        tensor = lowering.is_tensor(v)
        shared.append(lowering.on_device(v, node) if tensor else lowering.on_host(v, node))
        places.append(Place(not tensor, not tensor))
    for v in given.others:
        places.append(Place(lowering.host[v], v in lowering.data_dependent))
    on_device = {
        i for i, v in enumerate(op.outputs) if i < len(op.outputs) - op.as_while
        and lowering.is_tensor(v)
    }  # fmt: skip
    inner = lower_inner(fgraph, order, lowering.target, places, on_device)

    sizes = [given.n_steps, *given.lengths]
    fixed = all(lowering.host[v] and v not in lowering.data_dependent for v in sizes)
    fixed = fixed and not op.as_while and inner.count(Kind.SYNC) == 0
    registers = [
        lowering.on_host(given.n_steps, node),
        *sequences,
        *(lowering.on_device(v, node) for v in (*given.mit_mots, *given.sots)),
        *shared,
        *(lowering.on_host(v, node) for v in given.lengths),
        *(lowering.slot[v] for v in given.others),
    ]
    for v in node.outputs:
        lowering.host[v] = not lowering.is_tensor(v)
        if lowering.host[v]:
            lowering.data_dependent.add(v)
    lowering.step(Kind.DEVICE if fixed else Kind.SYNC, Loop(node, inner), registers, node)
    return True


INNER[Scan] = lower_scan


def _inner_graph(op: Scan) -> FunctionGraph | None:
    """Return the optimised graph of one iteration; None if its mode watches over each value."""
    if op.mode is None:
        optimizer = optdb.query(rewrites.optimizer())
    elif type(op.mode_instance) is Mode:
        optimizer = rewrites.adapted(op.mode_instance)
    else:  # DebugMode, NanGuardMode, ...
        return None
    fgraph = FunctionGraph(op.inputs, op.outputs, clone=True)
    config = theano.config
    # As theano.function does.
    with theano.configparser.change_flags(compute_test_value=config.compute_test_value_opt):
        optimizer.optimize(fgraph)
    return fgraph


def _known(lowering: Lowering, v, node) -> int | None:
    """The register of a sequence of integers on the host, if they depend on shapes only.

    theano.scan(lambda i: x[i], T.arange(n)) is how many a loop is written: each index is known
    then, and nothing waits for it.
    """
    if lowering.host.get(v):
        return None if v in lowering.data_dependent else lowering.slot[v]
    key = ("known", v)
    if key in lowering.copies:
        return lowering.copies[key]
    made = v.owner
    if made is None or v.ndim > 1 or v.type.dtype not in tb.discrete_dtypes:
        return None
    if type(made.op) not in (tb.ARange, Subtensor, Elemwise) or len(made.outputs) > 1:
        return None
    inputs = []
    for i in made.inputs:
        known = _known(lowering, i, node)
        if known is None:
            return None
        inputs.append(known)
    register = lowering.copies[key] = len(lowering.registers)
    lowering.registers.append(None)
    function = host.thunk(made, "py")
    lowering.steps.append(Step(Kind.HOST, function, tuple(inputs), (register,), made))
    return register


# -- running --------------------------------------------------------------------------------------


class Loop:
    """Runs a Scan: a function of the values of its node's inputs.

    Parameters
    ----------
    node : Apply
    inner : Lowered
        One iteration.
    """

    def __init__(self, node, inner: Lowered) -> None:
        op = node.op
        self.node = node
        self.op = op
        self.inner = inner
        outer = Kinds(op, range(len(node.inputs)))
        self.places = [given.register for given in inner.inputs]
        registers = iter(output.register for output in inner.outputs)
        self.mit_mot_writes = [
            [(int(tap), next(registers)) for tap in taps]
            for _, taps in zip(outer.mit_mots, op.mit_mot_out_slices, strict=True)
        ]
        self.sot_outputs = [next(registers) for _ in outer.sots]
        self.nit_sot_outputs = [next(registers) for _ in outer.lengths]
        self.shared_outputs = [next(registers) for _ in outer.shared]
        self.condition = next(registers) if op.as_while else None
        taps = [[int(tap) for tap in row] for row in op.tap_array]
        self.mit_mot_taps, self.sot_taps = taps[: op.n_mit_mot], taps[op.n_mit_mot :]
        first_shared = op.n_seqs + sum(map(len, taps))
        self.others = self.places[first_shared + op.n_shared_outs :]
        self.first, self.rest, self.lasting = _invariant(
            inner, self.others, self.places[first_shared:][: op.n_shared_outs]
        )

    def __call__(self, *values):
        given = Kinds(self.op, values)
        n_steps = int(given.n_steps)
        check_steps(n_steps, given.sequences, self.node)
        sequences = [_entries(s, n_steps) for s in given.sequences]
        mit_mots = [
            _MitMot(start, taps, writes)
            for start, taps, writes in zip(
                given.mit_mots, self.mit_mot_taps, self.mit_mot_writes, strict=True
            )
        ]
        kept = [
            _Kept(len(start), -min(taps), start)
            for start, taps in zip(given.sots, self.sot_taps, strict=True)
        ]
        kept += [_Kept(int(length)) for length in given.lengths]
        shared = given.shared
        before = list(self.inner.registers)
        for register, value in zip(self.others, given.others, strict=True):
            before[register] = value

        with checks.collected() as found:
            for i in range(n_steps):
                registers = list(before)
                inputs: list[Any] = [sequence[i] for sequence in sequences]
                for gradient in mit_mots:
                    inputs += gradient.read()
                for state, taps in zip(kept, self.sot_taps, strict=False):
                    inputs += [state.values[tap] for tap in taps]
                inputs += shared
                for register, value in zip(self.places, inputs, strict=False):
                    registers[register] = value

                run_steps(self.rest if i else self.first, registers)

                if i == 0:
                    for register in self.lasting:
                        before[register] = registers[register]
                for gradient in mit_mots:
                    gradient.write(registers, i)
                outputs = (*self.sot_outputs, *self.nit_sot_outputs)
                for state, register in zip(kept, outputs, strict=True):
                    state.append(registers[register], i)
                shared = [registers[register] for register in self.shared_outputs]
                if self.condition is not None and _is_true(registers[self.condition]):
                    break
        _require_all(found)
        left = n_steps - i - 1
        results = (
            *(gradient.whole() for gradient in mit_mots),
            *(state.whole(left) for state in kept),
            *shared,
        )
        return results if len(results) > 1 else results[0]


def _entries(sequence, n_steps: int) -> Sequence:
    """What the iterations get of a sequence: tensors, or NumPy's 0-d arrays."""
    if isinstance(sequence, torch.Tensor):
        return sequence[:n_steps].unbind(0)
    return [np.asarray(entry) for entry in sequence[:n_steps]]


def _is_true(condition) -> bool:
    if isinstance(condition, torch.Tensor):
        condition = download(condition)
    return bool(condition != 0)


def _require_all(found: list[checks.Check]) -> None:
    """Require what the iterations did, each condition once for all of them."""
    same: dict[tuple, list[torch.Tensor]] = {}
    for check in found:
        same.setdefault((check.error, check.message), []).append(check.fulfilled)
    for (error, message), fulfilled in same.items():
        checks.require(torch.stack(fulfilled).all(), error, message)


def _fitting(value: torch.Tensor, shape: torch.Size, step: int) -> torch.Tensor:
    """`value` as assigned to an array of `shape`: NumPy stretches dimensions of size 1."""
    if value.shape == shape:
        return value
    try:
        return value.expand(shape)
    except RuntimeError:
        said = f"a value of shape {tuple(value.shape)} where one of {tuple(shape)} belongs"
        if step:
            said = (
                "An output of the scan has changed shape. This may be caused by a pushout "
                "optimization. Try adding 'optimizer_excluding=scanOp_pushout_output' to your "
                f"Theano flags. ({said})"
            )
        raise ValueError(said) from None


class _MitMot:
    """A state that iterations read and write at several places: a gradient that adds up.

    Parameters
    ----------
    start : tensor
        All of it, before the loop.
    taps : list of int
    writes : list of (int, int)
        Taps that are written, and the registers with their new values.
    """

    def __init__(self, start: torch.Tensor, taps: list[int], writes) -> None:
        self.values = list(start.unbind(0))
        self.shape = start.shape[1:]
        self.taps = taps
        self.writes = writes
        self.position = -min(taps) % len(self.values)

    def read(self) -> list[torch.Tensor]:
        return [self.values[(self.position + tap) % len(self.values)] for tap in self.taps]

    def write(self, registers: list[Any], step: int) -> None:
        for tap, register in self.writes:
            self.values[tap + self.position] = _fitting(registers[register], self.shape, step)
        self.position = (self.position + 1) % len(self.values)

    def whole(self) -> torch.Tensor:
        return torch.stack(self.values)


class _Kept:
    """An output's last values, oldest first.

    Parameters
    ----------
    length : int
        How many the output has room for.
    initial : int
        How many initial values there are.
    start : tensor, optional
        They come first in it.
    """

    def __init__(self, length: int, initial: int = 0, start: torch.Tensor | None = None) -> None:
        self.length = length
        self.values: deque[torch.Tensor] = deque(maxlen=length)
        self.shape: torch.Size | None = None
        if start is not None:
            self.values.extend(start[:initial].unbind(0))
            self.shape = start.shape[1:]

    def append(self, value: torch.Tensor, step: int) -> None:
        if self.shape is None:
            self.shape = value.shape
        self.values.append(_fitting(value, self.shape, step))

    def whole(self, left: int) -> torch.Tensor:
        """All of the output; `left` is the number of iterations that `until` saved."""
        values = list(self.values)
        missing = self.length - len(values)
        if missing:
            # Truncated gradients are 0 where they are not computed.
            values += [torch.zeros_like(values[-1])] * missing
            values = values[: self.length - left]
        return torch.stack(values) if len(values) > 1 else values[0][None]


# -- what no iteration changes --------------------------------------------------------------------


def _invariant(
    inner: Lowered, constant: list[int], resized: list[int]
) -> tuple[list[Step], list[Step], list[int]]:
    """Find the steps whose results all iterations share.

    Theano has moved most of them out of the loop. What is left are the shapes: those of states
    and sequences never change, though their values do.

    Parameters
    ----------
    inner : Lowered
    constant : list of int
        The registers of inputs that have one value in all iterations.
    resized : list of int
        Those of inputs whose shapes, too, may change from one iteration to the next.

    Returns
    -------
    tuple
        The steps of the first iteration, those of all others, and the registers that the
        others take over from the first.
    """
    changing = {given.register for given in inner.inputs} - set(constant)
    on_host = {given.register for given in inner.inputs if given.host}
    reshaped = set(resized)
    for step in inner.steps:
        if step.kind is Kind.SYNC:
            changing.update(step.outputs)
            reshaped.update(step.outputs)
            continue
        of_shapes = type(getattr(step.node, "op", None)) in (Shape, Shape_i)
        if any(register in (reshaped if of_shapes else changing) for register in step.inputs):
            changing.update(step.outputs)
        # A shape follows from other shapes and from values on the host.
        if any(r in reshaped or (r in on_host and r in changing) for r in step.inputs):
            reshaped.update(step.outputs)
        if step.kind is Kind.HOST:
            on_host.update(step.outputs)
    lasting = {
        register for step in inner.steps for register in step.outputs if register not in changing
    }
    first = [
        replace(step, frees=[r for r in step.frees if r not in lasting]) for step in inner.steps
    ]
    rest = [step for step in first if any(r in changing for r in step.outputs)]
    return first, rest, sorted(lasting)

"""Which scans the kernels run, and what they are handed at a call.

The inner function is optimised as ever, but compiled only if it is needed: for a scan that is not
covered. A program is made for the shapes and strides of a call, and kept for the next.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
import time
from types import ModuleType
from typing import Any

import numpy as np

from theano_today.engine import dispatch, genuine, library

log = logging.getLogger(__name__)

_PROGRAMS = 8  # that a scan keeps, for batches of different sizes


def patch(scan_op: ModuleType) -> None:
    """Let Scan.make_thunk look here first; ``scan_op`` is theano.scan_module.scan_op."""
    original = scan_op.Scan.make_thunk

    @functools.wraps(original)
    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        arguments = self, node, storage_map, compute_map, no_recycling
        if impl is None and dispatch.is_on() and genuine.is_genuine(self):
            reason = why_not(self)
            if reason is None:
                try:
                    return _thunk(original, *arguments)
                except _uncovered() as error:
                    reason = str(error)
            log.info("scan %s runs step by step: %s", self.name or "", reason)
        _forget_unlinked(self)
        return original(*arguments, impl=impl)

    scan_op.Scan.make_thunk = make_thunk


def _uncovered():
    from theano_today.engine.formulas import Uncovered

    return Uncovered


def covered() -> list[type]:
    """Return the Op types that a program may hold."""
    from theano.scan_module.scan_op import Scan
    from theano.tensor.nnet import sigm

    from theano_today.engine.scan.nodes import HANDLERS

    return [*HANDLERS, sigm.ScalarSigmoid, sigm.ScalarSoftplus, Scan]


def why_not(op) -> str | None:
    """Say why this scan is not even tried, by what it is before its optimisation."""
    import theano
    from theano import gradient
    from theano.compile.mode import Mode
    from theano.gof.graph import io_toposort
    from theano.gof.vm import VM_Linker
    from theano.tensor import basic

    from theano_today.engine.scan.nodes import HANDLERS

    linker = op.mode_instance.linker
    if type(op.mode_instance) is not Mode or type(linker) is not VM_Linker:
        return "its mode is not an ordinary one"
    if linker.c_thunks is False or linker.callback or linker.callback_input:
        return "its mode is not an ordinary one"
    if op.n_shared_outs:
        return "its steps update shared variables"
    if theano.config.profile or op.profile:
        return "it is profiled"
    if op.truncate_gradient is None:
        return "its gradient"
    # What the optimizer removes, or replaces by what is covered
    passing = (
        basic.Flatten, gradient.ConsiderConstant, gradient.ZeroGrad, gradient.DisconnectedGrad,
        gradient.GradClip,
    )  # fmt: skip
    for node in io_toposort(op.inputs, op.outputs):
        if type(node.op) not in HANDLERS and type(node.op) not in passing:
            return f"{node.op} is not covered"
    return None


def _forget_unlinked(op) -> None:
    if getattr(getattr(op, "fn", None), "unlinked", False):
        op.fn = None


def _inner_function(original, op, *arguments):
    """Return the inner function, optimised but not compiled."""
    from theano.gof.vm import VM_Linker

    from theano_today.engine import sizes

    if getattr(op, "fn", None) is None:
        mode = op.mode_instance
        linker = VM_Linker(allow_gc=False, use_cloop=False, c_thunks=False)
        op.mode_instance = mode.excluding(sizes.NAME)
        op.mode_instance.linker = linker
        try:
            original(op, *arguments)
        finally:
            op.mode_instance = mode
        op.fn.unlinked = True
    else:  # a copied or unpickled Scan has forgotten which outputs overwrite inputs
        original(op, *arguments)
    return op.fn


def _thunk(original, op, node, storage_map, compute_map, no_recycling):
    arguments = node, storage_map, compute_map, no_recycling
    inner = _inner_function(original, op, *arguments)
    runner = Runner(op, node, inner.maker.fgraph)
    inputs = [storage_map[v] for v in node.inputs]
    outputs = [storage_map[v] for v in node.outputs]
    computed = [compute_map[v] for v in node.outputs]
    fallback: list[Any] = []

    def thunk():
        if not fallback:
            reason = runner.run([cell[0] for cell in inputs], outputs)
            if reason is None:
                for flag in computed:
                    flag[0] = True
                return
            log.info("scan %s runs step by step: %s", op.name or "", reason)
            _forget_unlinked(op)
            fallback.append(original(op, *arguments))
        fallback[0]()

    vars(thunk).update(
        inputs=inputs, outputs=outputs, lazy=False, perform=lambda node, args, outs: thunk()
    )
    return thunk


class Runner:
    """Runs one Scan node.

    Raises
    ------
    Uncovered
        If its inner graph can't be run by the kernels, whatever the shapes.
    """

    def __init__(self, op, node, graph) -> None:
        from theano_today.engine import formulas
        from theano_today.engine.scan import gradients
        from theano_today.engine.scan.nodes import HANDLERS

        self.op, self.node, self.graph = op, node, graph
        self.backwards = gradients.backwards(node)
        self.preallocated = list(op.mitmots_preallocated)
        self.programs: dict[Any, Bound] = {}
        self.formulas: dict = {}
        if not all(hasattr(v.type, "ndim") for v in graph.inputs):
            raise formulas.Uncovered("an input that is no tensor")
        # Of the inputs that all steps share: those that may be an index or a length
        self.numbers = [
            k
            for k, v in enumerate(op.inner_non_seqs(graph.inputs))
            if v.type.ndim == 0 and "int" in v.type.dtype
        ]
        for inner in graph.toposort():
            if type(inner.op) not in HANDLERS or not genuine.is_genuine(inner.op):
                raise formulas.Uncovered(f"{inner.op}")
            if type(inner.op).__name__ == "Elemwise":
                integer = inner.outputs[0].type.ndim == 0 and all(
                    v.type.dtype.startswith(("int", "uint", "bool")) for v in inner.inputs
                )
                if not integer:
                    self.formulas[inner] = formulas.Formula(inner, joined=True)

    def run(self, args: list, outs: list) -> str | None:
        """Fill `outs`, or say why this call is not covered."""
        from theano_today.compat.theano import scan_loop
        from theano_today.engine.formulas import Uncovered

        op, node = self.op, self.node
        n_steps = int(args[0])
        n_seqs, n_outs = op.n_seqs, op.n_mit_mot + op.n_mit_sot + op.n_sit_sot
        sequences = args[1 : 1 + n_seqs]
        scan_loop.check_steps(n_steps, sequences, node)
        began = time.time()
        initial = args[1 + n_seqs : 1 + n_seqs + n_outs]
        lengths = [int(n) for n in args[1 + n_seqs + n_outs :][: op.n_nit_sot]]
        others = args[1 + n_seqs + n_outs + op.n_nit_sot :]
        for a in (*sequences, *initial, *others):
            if type(a) is not np.ndarray or not a.flags.aligned:
                return "an input that is no ordinary array"
        stored = [a.shape[0] for a in initial] + lengths
        if min(stored, default=1) < 1:
            return "an output that keeps no step"
        destroyed = [k in getattr(op, "destroy_map", {}) for k in range(len(node.outputs))]
        scan_loop.allocate(outs, initial, stored, op.mintaps, destroyed, op.n_mit_mot)
        states = [cell[0] for cell in outs[:n_outs]]
        numbers = [int(others[k]) for k in self.numbers]
        key = (
            *[(a.dtype, a.shape[1:], a.strides[1:]) for a in (*sequences, *states)],
            *[(a.dtype, a.shape, a.strides) for a in others],
            *stored, *numbers,
        )  # fmt: skip
        bound = self.programs.get(key)
        if bound is None:
            try:
                bound = Bound(self, sequences, states, stored, others, n_steps)
            except Uncovered as error:
                return str(error)
            while len(self.programs) >= _PROGRAMS:
                self.programs.pop(next(iter(self.programs)), None)
            self.programs[key] = bound
        for k, (dtype, shape) in enumerate(bound.nit_sots, n_outs):
            order = -1 if k in self.backwards else 1  # in which the entries lie in memory
            have = outs[k][0]
            if (
                have is None
                or have.dtype != dtype
                or not have[::order].flags.c_contiguous
                or (have.shape[1:] != shape or have.shape[0] < stored[k])
            ):
                outs[k][0] = library.empty((stored[k], *shape), dtype)[::order]
            elif have.shape[0] != stored[k]:
                outs[k][0] = have[: stored[k]]
        done = bound.run(n_steps, sequences, outs, others, stored)
        for k in range(op.n_mit_mot, n_outs + op.n_nit_sot):
            at = (-int(op.mintaps[k]) + done) % stored[k]
            scan_loop.put_in_order(
                outs[k], at, stored[k], done - int(op.mintaps[k]), n_steps - done
            )
        op.t_call = op.t_fn = time.time() - began
        return None


_KINDS = {"other": 0, "const": 0, "seq": 1, "tap": 2, "out": 2, "scratch": 3}


class Bound:
    """A program for arrays of given shapes and strides."""

    def __init__(self, runner, sequences, states, stored, others, n_steps) -> None:
        from theano_today.engine.scan.program import Builder, Given, NoSplit

        op = runner.op
        self.mintaps = [int(tap) for tap in op.mintaps]
        given = Given(
            [(str(a.dtype), a.shape[1:], a.strides[1:]) for a in sequences],
            [(str(a.dtype), a.shape[1:], a.strides[1:]) for a in states],
            stored,
            [
                (str(a.dtype), a.shape, a.strides, int(a) if k in runner.numbers else None)
                for k, a in enumerate(others)
            ],
        )
        rows = {a.shape[1] for a in states if a.ndim > 2}
        build = functools.partial(Builder, runner, given)
        builder = None
        if len(rows) == 1 and max(rows) > 1:
            with contextlib.suppress(NoSplit):
                builder = build(rows.pop())
        if builder is None:
            builder = build()
        if builder.nit_sots:  # now that their shapes are known: computed where they are stored
            with contextlib.suppress(NoSplit):  # else copied there: what is the same for all rows
                builder = build(builder.rows, builder.nit_sots)
        self.rows, self.nit_sots = builder.rows, builder.nit_sots
        self.words, self.places = builder.words, builder.slots
        self.template = np.zeros((len(self.places), 5), np.int64)
        for row, place in zip(self.template, self.places, strict=True):
            row[0] = _KINDS[place.kind]
            row[4] = 1
            if place.kind == "const":
                row[1] = place.value.ctypes.data
            elif place.kind == "scratch":
                row[1] = place.offset
        self.bindings = [
            (at, place.kind, place.which, place.tap)
            for at, place in enumerate(self.places)
            if place.kind not in ("const", "scratch")
        ]

    def run(self, n_steps, sequences, outs, others, stored) -> int:
        """Run all steps; return how many there were."""
        slots = self.template.copy()
        for at, kind, which, tap in self.bindings:
            if kind == "other":
                slots[at, 1] = others[which].__array_interface__["data"][0]
                continue
            array = sequences[which] if kind == "seq" else outs[which][0]
            slots[at, 1] = array.__array_interface__["data"][0]
            slots[at, 2] = array.strides[0]
            if kind != "seq":
                count = stored[which]
                slots[at, 3] = (tap - self.mintaps[which]) % count
                slots[at, 4] = count
        done = ctypes.c_int64()
        library.call(
            "today_steps", self.words.ctypes.data, slots.ctypes.data, len(slots), n_steps,
            ctypes.byref(done),
        )  # fmt: skip
        return done.value

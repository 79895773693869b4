"""The inner graph of a scan as a program for kernels/steps.hpp, for arrays of given shapes.

Every variable is a view (where it lies, strides) or, if it is an integer that shapes and
constants determine, a number. Nodes that only look at their input differently cost nothing; what
is left is chains of elementwise functions, products of matrices and sums.

Rows: if all states of a scan are batches of equally many rows, an attempt is made to divide them
(`split`). It fails (NoSplit) where something mixes rows, other than a sum over them that is only
added up over all steps, as the gradient of a bias is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from theano.gof import Constant
from theano.tensor import basic, elemwise

from theano_today.engine import formulas
from theano_today.engine.formulas import BLOCK, Formula, Uncovered, code_of
from theano_today.engine.scan.nodes import HANDLERS
from theano_today.engine.scan.views import (
    CHUNK,
    NOTHING,
    RANK,
    ROOM,
    Given,
    NoSplit,
    Number,
    Slot,
    View,
    contiguous,
)  # fmt: skip


class Builder:
    """Makes one program; `words` is it, `slots` says what its memory is."""

    def __init__(self, runner, given: Given, rows: int = 0, nit_sots=()) -> None:
        self.graph, self.op, self.given, self.rows = runner.graph, runner.op, given, rows
        self.preallocated = [bool(flag) for flag in runner.preallocated]
        self.formulas = runner.formulas
        self.room = min(-(-rows // CHUNK) * CHUNK, ROOM)
        self.expected = nit_sots
        self.slots: list[Slot] = []
        self.code: list[list[int]] = []
        self.packs: list[View] = []
        self.accumulators: list[list[int]] = []
        self.values: dict[Any, View | Number] = {}
        self.free: dict[int, list[int]] = {}
        self.scratch_bytes = 0
        self.temp_bytes = 0
        self.mine: dict[Any, tuple[int, int]] = {}  # root -> its scratch memory: offset, size
        self.skipped: set = set()
        self.pieces: set = set()  # see nodes.alloc
        self.cut: dict[tuple, View] = {}  # product, columns -> where these lie
        self.accumulated: dict[Any, int] = {}  # sum -> the state that it is added to
        self.nit_sots: list[tuple[str, tuple]] = []
        self._build()

    # What the inner function is given

    def _build(self) -> None:
        op, graph = self.op, self.graph
        self.order = graph.toposort()
        self._find_roots()
        self._inputs()
        self._outputs_before()
        for at, node in enumerate(self.order):
            self.at = at
            if node not in self.skipped:
                self._node(node)
            for root in self.ends.get(at, ()):
                if root in self.mine:
                    offset, size = self.mine.pop(root)
                    self.free.setdefault(size, []).append(offset)
        self._outputs_after()
        condition = NOTHING
        if op.as_while:
            if self.rows:
                raise NoSplit
            condition = self._condition()
        header = [
            self.rows, CHUNK, self.room, self.scratch_bytes, self.temp_bytes, int(op.as_while),
            len(self.accumulators), len(self.packs), len(self.code), *condition.words(),
        ]  # fmt: skip
        words = [header, *self.accumulators, *(v.words() for v in self.packs), *self.code]
        self.words = np.array([w for part in words for w in part], np.int64)

    def _find_roots(self) -> None:
        """Whose memory each variable's is, and after which node nobody needs it any more."""
        root: dict[Any, Any] = {}
        last: dict[Any, int] = {}
        for at, node in enumerate(self.order):
            maps = {**getattr(node.op, "view_map", {}), **getattr(node.op, "destroy_map", {})}
            for k, v in enumerate(node.outputs):
                source = node.inputs[maps[k][0]] if k in maps else v
                root[v] = root.get(source, source)
            for v in (*node.inputs, *node.outputs):
                last[root.get(v, v)] = at
        for v in self.graph.outputs:
            last[root.get(v, v)] = len(self.order)
        self.root = root
        self.ends: dict[int, list] = {}
        for v, at in last.items():
            self.ends.setdefault(at, []).append(v)

    def slot(self, *arguments, **more) -> int:
        self.slots.append(Slot(*arguments, **more))
        return len(self.slots) - 1

    def _inputs(self) -> None:
        op, given, inputs = self.op, self.given, iter(self.graph.inputs)
        for k, (dtype, shape, strides) in enumerate(given.sequences):
            split = 0 if self.rows and shape[:1] == (self.rows,) and len(shape) > 1 else None
            self.values[next(inputs)] = View(self.slot("seq", k), dtype, 0, shape, strides, split)
        self.taps: dict[tuple[int, int], Any] = {}
        for k, (dtype, shape, strides) in enumerate(given.states):
            for tap in op.tap_array[k]:
                v = self.taps[k, tap] = next(inputs)
                split = 0 if self.rows and len(shape) > 1 else None
                self.values[v] = View(self.slot("tap", k, tap), dtype, 0, shape, strides, split)
        for k, (dtype, shape, strides, number) in enumerate(given.others):
            v = next(inputs)
            if number is not None:
                self.values[v] = Number(np.asarray(number))
            else:
                self.values[v] = View(self.slot("other", k), dtype, 0, shape, strides)
        for v, value in self.values.items():
            if isinstance(value, View) and (value.dtype, value.ndim) != (v.type.dtype, v.type.ndim):
                raise Uncovered(f"an input of type {value.dtype} where {v.type} was expected")
        if self.rows:
            self._find_accumulators()

    def _find_accumulators(self) -> None:
        """States that only add up what is summed over the rows."""
        op, n_states = self.op, len(self.given.states)
        first = n_states - op.n_sit_sot
        for k, (_, shape, strides) in enumerate(self.given.states):
            if len(shape) > 1:
                continue
            if k < first:
                raise NoSplit
            state: Any = self.taps.get((k, -1))
            total: Any = self._kept_outputs()[k - op.n_mit_mot]
            if state is None or not self._adds_up(state, total) or self.given.stored[k] > 2:
                raise NoSplit
            if strides != contiguous(shape, np.dtype(state.type.dtype).itemsize):
                raise NoSplit
            (summed,) = [v for v in total.owner.inputs if v is not state]
            self.skipped |= {total.owner}
            self.accumulated[summed] = k

    @staticmethod
    def _adds_up(state, total) -> bool:
        node = total.owner
        if node is None or type(node.op) is not elemwise.Elemwise or len(node.inputs) != 2:
            return False
        if type(node.op.scalar_op) is not basic.scal.Add or state not in node.inputs:
            return False
        others = [v for v in node.inputs if v is not state]
        if len(others) != 1 or others[0].owner is None or len(state.clients) != 1:
            return False
        if type(others[0].owner.op) is not elemwise.Sum or len(total.clients) != 1:
            return False
        return len(others[0].clients) == 1 and others[0].type.dtype == state.type.dtype

    def _kept_outputs(self) -> list:
        """The outputs that have an entry for each step: mit_sots, sit_sots, nit_sots."""
        op = self.op
        first = op.n_mit_mot_outs - sum(self.preallocated)
        return self.graph.outputs[first : first + op.n_mit_sot + op.n_sit_sot + op.n_nit_sot]

    def _mit_mot_outputs(self) -> list[tuple[int, int, Any]]:
        """mit_mot, tap and variable of each of their outputs."""
        op = self.op
        outputs = iter(self.graph.outputs)
        updates = self.graph.outputs[len(self.graph.outputs) - sum(self.preallocated) :]
        # Updates are in the order of the inputs, that is of each mit_mot's input taps
        updated = {}
        rest = iter(updates)
        flags, at = {}, 0
        for k in range(op.n_mit_mot):
            for tap in op.mit_mot_out_slices[k]:
                flags[k, tap] = self.preallocated[at]
                at += 1
        for k in range(op.n_mit_mot):
            for tap in op.tap_array[k]:
                if flags.get((k, tap)):
                    updated[k, tap] = next(rest)
        found = []
        for k in range(op.n_mit_mot):
            for tap in op.mit_mot_out_slices[k]:
                v = updated[k, tap] if flags[k, tap] else next(outputs)
                found.append((k, tap, v))
        return found

    def _outputs_before(self) -> None:
        """Find what can be computed where it will be stored."""
        op, given = self.op, self.given
        self.direct: dict[Any, View] = {}
        n_states = len(given.states)
        for k, v in enumerate(self._kept_outputs(), op.n_mit_mot):
            if v.owner is None or self.root[v] is not v or v in self.direct:
                continue
            if k >= n_states:
                if self.expected:
                    dtype, shape = self.expected[k - n_states]
                    strides = contiguous(shape, np.dtype(dtype).itemsize)
                    self.direct[v] = View(self.slot("out", k), dtype, 0, shape, strides)
                continue
            depth = -min(op.tap_array[k])
            if given.stored[k] > depth:
                _, shape, strides = given.states[k]
                self.direct[v] = View(self.slot("out", k), v.type.dtype, 0, shape, strides)

    def _outputs_after(self) -> None:
        op, given = self.op, self.given
        n_states = len(given.states)
        copies: list[tuple[Any, View]] = []
        for k, tap, v in self._mit_mot_outputs():
            dtype, shape, strides = given.states[k]
            place = self.taps.get((k, tap))
            slot = self.view(place).slot if place is not None else self.slot("tap", k, tap)
            copies.append((v, View(slot, dtype, 0, shape, strides)))
        for k, v in enumerate(self._kept_outputs(), op.n_mit_mot):
            if k < n_states:
                if v.owner in self.skipped:
                    continue
                dtype, shape, strides = given.states[k]
            else:
                view = self.view(v)
                dtype, shape = v.type.dtype, view.shape
                strides = contiguous(shape, np.dtype(dtype).itemsize)
                self.nit_sots.append((dtype, shape))
            if v in self.direct and self.view(v).slot == self.direct[v].slot:
                self._check_rows(self.view(v))
                continue
            copies.append((v, View(self.slot("out", k), dtype, 0, shape, strides)))
        # What lies in a state must be out of the way before any is overwritten.
        ready: list[tuple[View, View]] = []
        for v, to in copies:
            view = self.view(v)
            if view.slot == to.slot and view.change(split=None) == to.change(split=None):
                self._check_rows(view)
            elif self.slots[view.slot].kind in ("tap", "out") and len(copies) > 1:
                moved = self.scratch(view.shape, view.dtype, view.split)
                self.copy(moved, view)
                ready.append((moved, to))
            else:
                ready.append((view, to))
        for view, to in ready:
            if view.shape != to.shape or view.dtype != to.dtype:
                raise Uncovered("an output of another shape")
            if self.rows:
                if to.shape[:1] != (self.rows,):
                    raise NoSplit
                to = to.change(split=0)
                view = self.sliced(view, 0)
            self.copy(to, view)

    def _check_rows(self, view: View) -> None:
        if self.rows and view.split != 0:
            raise NoSplit

    def _condition(self) -> View:
        op = self.op
        at = op.n_mit_mot_outs - sum(self.preallocated)
        at += op.n_mit_sot + op.n_sit_sot + op.n_nit_sot
        view = self.view(self.graph.outputs[at])
        if view.ndim:
            raise Uncovered("a condition that is no scalar")
        if np.dtype(view.dtype).itemsize == 1:
            return view
        told = self.scratch((), "bool", None)
        self.chain(formulas.of(f"cast.{code_of(view.dtype)}.b1", 8), [told], [view])
        return told

    # Values

    def view(self, v) -> View:
        value = self.values.get(v)
        if value is None and isinstance(v, Constant):
            value = self.values[v] = self.constant(np.asarray(v.data, v.type.dtype))
        elif isinstance(value, Number):
            value = self.constant(value.value.astype(v.type.dtype))
        if value is None:
            raise Uncovered(f"{v} has no value")
        code_of(value.dtype)
        return value

    def constant(self, array: np.ndarray) -> View:
        array = np.ascontiguousarray(array).reshape(array.shape)
        slot = self.slot("const", value=array)
        return View(slot, str(array.dtype), 0, array.shape, array.strides)

    def number(self, v) -> Number:
        value = self.values.get(v)
        if isinstance(value, Number):
            return value
        if isinstance(v, Constant):
            return Number(np.asarray(v.data))
        raise Uncovered("an index or a shape that the steps compute")

    def is_number(self, v) -> bool:
        if isinstance(v, Constant):
            data = np.asarray(v.data)
            return data.dtype.kind in "iub" and data.ndim <= 1
        return isinstance(self.values.get(v), Number)

    def scratch(self, shape, dtype, split, root=None) -> View:
        """Memory of the rows that a thread has; it is free again when `root` is."""
        shape = tuple(shape)
        if len(shape) > RANK:
            raise Uncovered(f"arrays of {len(shape)} dimensions")
        own = list(shape)
        if split is not None:
            own[split] = self.room
        item = np.dtype(dtype).itemsize
        size = -(-max(1, math.prod(own)) * item // 64) * 64
        waiting = self.free.get(size)
        if waiting:
            offset = waiting.pop()
        else:
            offset = self.scratch_bytes
            self.scratch_bytes += size
        if root is not None:
            self.mine[root] = offset, size
        slot = self.slot("scratch", offset=offset)
        strides = contiguous(own, item)
        return View(slot, dtype, 0, shape, strides, split, split is not None)

    def new(self, v, shape, split) -> View:
        """Memory for what a node computes: where it will be stored, if that is known."""
        to = self.direct.get(v)
        if to is None:
            return self.scratch(shape, v.type.dtype, split, v)
        if to.shape != tuple(shape):
            raise Uncovered("an output of another shape")
        if self.rows and split != 0:
            raise NoSplit
        return to.change(split=split)

    def sliced(self, view: View, axis: int) -> View:
        """The rows of a chunk, of what has all."""
        if view.split == axis:
            return view
        if view.split is not None or view.shape[axis] != self.rows:
            raise NoSplit
        return view.change(split=axis)

    # Instructions

    def emit(self, kind: int, words: list[int]) -> None:
        self.code.append([kind, len(words), *words])

    def chain(self, formula: Formula, outs: Sequence[View], views: Sequence[View]) -> None:
        slots = [out.slot for out in outs]
        views = [self._out_of_the_way(v) if v.slot in slots and v not in outs else v for v in views]
        views += [self._broadcast(self.constant(c), outs[0]) for c in formula.constants]
        self.temp_bytes = max(self.temp_bytes, formula.temps * formula.item * BLOCK)
        words = [len(outs), len(views), len(formula.steps), formula.item]
        for view in (*outs, *views):
            words += view.words()
        for step in formula.steps:
            words += step
        self.emit(0, words)

    def _out_of_the_way(self, view: View) -> View:
        moved = self.scratch(view.shape, view.dtype, view.split)
        self.copy(moved, view)
        return moved

    def _broadcast(self, view: View, out: View) -> View:
        return view.change(shape=out.shape, strides=(0,) * out.ndim)

    def copy(self, out: View, view: View) -> None:
        code = code_of(view.dtype)
        self.chain(formulas.of("identity." + code, np.dtype(view.dtype).itemsize), [out], [view])

    def _node(self, node) -> None:
        value = HANDLERS[type(node.op)](self, node)
        values = value if isinstance(value, list) else [value]
        self.values.update(zip(node.outputs, values, strict=True))

    def writable(self, view: View) -> View:
        if self.slots[view.slot].kind in ("const", "seq", "other"):
            raise Uncovered("an input that is overwritten")
        return view

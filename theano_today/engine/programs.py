"""Elementwise formulas by a kernel: one pass over memory, on all threads.

A formula (formulas.py) is done for 512 elements at a time, function after function
(kernels/elementwise.hpp). How arrays of some shapes and strides lie is found out once.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence

import numpy as np

from theano_today.engine import library
from theano_today.engine.formulas import BLOCK, RANK, Formula, Uncovered
from theano_today.engine.thunks import Latest

_MANY = 16  # rows that are worth being divided among threads

# Where an array keeps the address of its data: behind what every object of Python begins with
# (struct PyArrayObject of NumPy's C API).
HEAD = object.__basicsize__

Shape = tuple[int, ...]


class Program:
    """A formula of arrays.

    Parameters
    ----------
    formula : Formula
    taken : sequence of str
        The inputs' dtypes.
    dtypes : sequence of str
        The outputs'.
    overwritten : dict of int to int
        Which output takes the memory of which input.
    shape_of : callable
        Returns the outputs' shape, given the inputs, or raises ValueError.
    """

    def __init__(
        self, formula: Formula, taken: Sequence[str], dtypes: Sequence[str],
        overwritten: dict[int, int], shape_of: Callable[[Sequence[np.ndarray]], Shape],
    ) -> None:  # fmt: skip
        self.formula, self.shape_of = formula, shape_of
        self.taken = [np.dtype(d) for d in taken]
        self.outputs = [(np.dtype(d), overwritten.get(k)) for k, d in enumerate(dtypes)]
        self.constants = formula.constants
        count = formula.outputs + formula.inputs + len(self.constants)
        self._objects = ctypes.c_int64 * count
        self._fixed = [id(a) for a in self.constants]
        self._ready = Latest()

    def run(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Return the outputs.

        Raises
        ------
        ValueError
            If the arrays do not fit each other.
        """
        if not arrays[0].ndim:  # some may be NumPy's numbers, which keep no address
            arrays = tuple([np.asarray(a) for a in arrays])
        key = tuple([(a.shape, a.strides, a.dtype) for a in arrays])
        ready = self._ready.get(key)
        if ready is None:
            ready = self._ready.keep(key, self.prepare(arrays))
        shape, call = ready
        if call is None:
            return self._by_copies(arrays, shape)
        outs = [
            library.empty(shape, dtype) if source is None else arrays[source]
            for dtype, source in self.outputs
        ]
        objects = self._objects(*map(id, outs), *map(id, arrays), *self._fixed)
        library.call("today_elementwise", call[1], objects, len(objects), HEAD, *call[2:])
        return outs

    def prepare(self, arrays) -> tuple[Shape, tuple | None]:
        """Return the shape, and the kernel's words with what else it is told."""
        shape = self.shape_of(arrays)
        if any(a.dtype != dtype for a, dtype in zip(arrays, self.taken, strict=True)):
            return shape, None  # an Op of the user's own gave something else than it had promised
        every = [
            (dtype.itemsize, shape, contiguous(shape, dtype.itemsize))
            if source is None
            else (dtype.itemsize, shape, arrays[source].strides)
            for dtype, source in self.outputs
        ]
        every += [(a.itemsize, a.shape, a.strides) for a in arrays]
        every += [(a.itemsize, (1,) * len(shape), (0,) * len(shape)) for a in self.constants]
        lengths, strides = layout(every, shape)
        if len(lengths) > RANK:
            return shape, None
        long = [k for k, n in enumerate(lengths) if n >= _MANY]
        split = long[0] if long else -1
        formula = self.formula
        inputs = formula.inputs + len(self.constants)
        words = [formula.outputs, inputs, len(formula.steps), formula.item]
        fill = [0] * (RANK - len(lengths))
        for slot, ((item, _, _), own) in enumerate(zip(every, strides, strict=True)):
            words += [slot, item, 0, split, 0, len(lengths), *lengths, *fill, *own, *fill]
        for step in formula.steps:
            words += step
        array = np.array(words, np.int64)
        rows = lengths[split] if split >= 0 else 1
        temp_bytes = formula.temps * formula.item * BLOCK
        return shape, (array, array.ctypes.data, rows, math.prod(shape), temp_bytes)

    def _by_copies(self, arrays, shape) -> list[np.ndarray]:
        """Run arrays of too many dimensions, or of other types, each as a vector."""
        flat = [
            np.ascontiguousarray(np.broadcast_to(a, shape), dtype).reshape(-1)
            for a, dtype in zip(arrays, self.taken, strict=True)
        ]
        # What overwrites an input overwrites the copy.
        flat = [a if a.flags.writeable and a.base is None else a.copy() for a in flat]
        simple = Program(
            self.formula, [d.name for d in self.taken], [d.name for d, _ in self.outputs],
            {k: source for k, (_, source) in enumerate(self.outputs) if source is not None},
            lambda given: given[0].shape,
        )  # fmt: skip
        outs = []
        for flat_out, (_, source) in zip(simple.run(*flat), self.outputs, strict=True):
            whole = flat_out.reshape(shape)
            if source is not None and arrays[source].dtype == whole.dtype:
                arrays[source][...] = whole
                whole = arrays[source]
            outs.append(whole)
        return outs


def contiguous(shape: Shape, item: int) -> Shape:
    strides = []
    for length in reversed(shape):
        strides.append(item)
        item *= max(1, length)
    return tuple(reversed(strides))


def layout(every, shape: Shape) -> tuple[Shape, list[Shape]]:
    """Return the shape with as few axes as possible, and each array's strides along these.

    Neighbouring axes that lie in one line in every array become one.
    """
    kept = [k for k, n in enumerate(shape) if n != 1]
    steps = [tuple(0 if own[k] == 1 else by[k] for k in kept) for _, own, by in every]
    lengths: list[int] = []
    columns: list[list[int]] = []  # of each axis the arrays' strides
    for at, k in enumerate(kept):
        here = [s[at] for s in steps]
        if lengths and all(a == b * shape[k] for a, b in zip(columns[-1], here, strict=True)):
            lengths[-1] *= shape[k]
            columns[-1] = here
        else:
            lengths.append(shape[k])
            columns.append(here)
    return tuple(lengths), [tuple(c[k] for c in columns) for k in range(len(every))]


def program_of(node, shape_of) -> Program | None:
    """Return what an Elemwise node computes as a program, or None."""
    try:
        formula = Formula(node)
    except Uncovered:
        return None
    taken, made = ([v.type.dtype for v in side] for side in (node.inputs, node.outputs))
    return Program(formula, taken, made, node.op.inplace_pattern, shape_of)

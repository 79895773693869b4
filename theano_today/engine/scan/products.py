"""Products of matrices and vectors in a scan's program."""

from __future__ import annotations

import itertools
import struct
from typing import Any

import numpy as np
from theano.gof import Constant
from theano.tensor.subtensor import Subtensor

from theano_today.engine.formulas import Uncovered
from theano_today.engine.scan.views import NoSplit, View

Builder = Any  # program.Builder, which imports this module


def product(b: Builder, out_v, x: View, y: View, z: View | None, alpha, beta, over: View | None):
    """alpha * (x @ y) + beta * z, in place of `over` or where out_v is to be"""
    (m, k), (inner, n) = x.shape, y.shape
    if k != inner or (z is not None and z.shape != (m, n)):
        raise Uncovered("matrices that do not fit")
    dtypes = {v.dtype for v in (x, y, z) if v is not None}
    if len(dtypes) != 1 or not dtypes <= {"float32", "float64"}:
        raise Uncovered("products of other types")
    (dtype,) = dtypes
    split = x.split
    if split == 1 or y.split is not None:
        raise NoSplit
    if z is not None and (split == 0 or z.split is not None):
        if z.split == 1:
            raise NoSplit
        split, z, x = 0, b.sliced(z, 0), b.sliced(x, 0)
        over = z if over is not None else None
    item = np.dtype(dtype).itemsize
    if over is None and out_v is not None and (cut := _cuts(out_v, n)):
        return _in_pieces(b, out_v, x, y, z if beta else None, alpha, beta, split, cut)
    to = over if over is not None else b.new(out_v, (m, n), split)
    if beta == 0:
        z = None  # and not read: it may be uninitialised
    elif z is not None and z is not to and z.strides[1] != item and n > 1:
        straight = b.scratch((m, n), dtype, split)
        b.copy(straight, z)
        z = straight
    if to.strides[1] != item and n > 1:  # written elsewhere first
        first = b.scratch((m, n), dtype, split)
        if z is not None and z is to:
            b.copy(first, z)
            z = first
        _product_into(b, first, x, y, z, alpha, beta)
        b.copy(to, first)
        return to
    _product_into(b, to, x, y, z, alpha, beta)
    return to


def columns_of(node, n: int) -> tuple[int, int] | None:
    """Return which columns of a matrix of n a node takes, all rows of them, or None."""
    entries: Any = getattr(node.op, "idx_list", ())
    if type(node.op) is not Subtensor or len(entries) != 2 or entries[0] != slice(None):
        return None
    if not isinstance(entries[1], slice) or entries[1].step is not None:
        return None
    rest = iter(node.inputs[1:])
    ends: list[int | None] = []
    for entry in (entries[1].start, entries[1].stop):
        v = entry if entry is None or isinstance(entry, int) else next(rest)
        if isinstance(v, Constant):
            v = int(np.asarray(v.data))
        if v is not None and not isinstance(v, int):
            return None
        ends.append(v)
    first, last, _ = slice(*ends).indices(n)
    return (first, last) if first < last else None


def _cuts(v, n: int) -> list[tuple[int, int]]:
    """Return the groups of columns that a product is cut into, if nothing else becomes of it."""
    found = set()
    for client, at in v.clients:
        columns = columns_of(client, n) if client != "output" and at == 0 else None
        if columns is None:
            return []
        found.add(columns)
    cuts = sorted(found)
    apart = all(a[1] <= b[0] for a, b in itertools.pairwise(cuts))
    return cuts if apart and cuts != [(0, n)] else []


def _in_pieces(b: Builder, out_v, x, y, z, alpha, beta, split, cuts) -> View:
    """The same, each group of columns by itself, as gates are used: their rows lie side by side."""
    m, n = x.shape[0], y.shape[1]
    item = np.dtype(x.dtype).itemsize
    memory = b.scratch((m, n), x.dtype, split, out_v)
    rows = b.room if split == 0 else m
    if z is not None and z.strides[1] != item and n > 1:
        straight = b.scratch((m, n), x.dtype, split)
        b.copy(straight, z)
        z = straight
    for first, last in cuts:
        shape = m, last - first
        to = memory.change(
            offset=memory.offset + first * rows * item, shape=shape, strides=(shape[1] * item, item)
        )
        right, old = (
            v and v.change(offset=v.offset + first * v.strides[1], shape=(v.shape[0], shape[1]))
            for v in (y, z)
        )
        _product_into(b, to, x, right, old, alpha, beta)
        b.cut[out_v, (first, last)] = to
    return memory


def _product_into(b: Builder, to, x, y, z, alpha, beta) -> None:
    def row(view):  # of one column, or row, the stride may be anything
        item = np.dtype(view.dtype).itemsize
        return view.change(strides=(view.strides[0], item)) if view.shape[1] == 1 else view

    packed = -1
    if b.slots[y.slot].kind in ("other", "const") and y.dtype == "float32":
        if y not in b.packs:
            b.packs.append(y)
        packed = b.packs.index(y)
    numbers = [struct.unpack("<q", struct.pack("<d", v))[0] for v in (beta, alpha)]
    views = [row(to), x, y, row(z) if z is not None else to]
    b.emit(1, [*numbers, packed, *(w for v in views for w in v.words())])


def factor(b: Builder, v) -> float:
    if not isinstance(v, Constant):
        raise Uncovered("a factor that is no constant")
    return float(np.asarray(v.data))


def dot22(b: Builder, node) -> View:
    x, y = (b.view(v) for v in node.inputs)
    return product(b, node.outputs[0], x, y, None, 1.0, 0.0, None)


def dot22_scalar(b: Builder, node) -> View:
    x, y = (b.view(v) for v in node.inputs[:2])
    return product(b, node.outputs[0], x, y, None, factor(b, node.inputs[2]), 0.0, None)


def gemm(b: Builder, node) -> View:
    z, alpha, x, y, beta = node.inputs
    over = b.view(z)
    return product(b,
        node.outputs[0], b.view(x), b.view(y), over, factor(b, alpha), factor(b, beta),
        b.writable(over) if node.op.inplace else None,
    )  # fmt: skip


def gemv(b: Builder, node) -> View:
    y, alpha, matrix, x, beta = node.inputs
    over = _row(b.view(y))
    views = _row(b.view(x)), _turned(b.view(matrix))
    to = product(b,
        None, *views, over, factor(b, alpha), factor(b, beta),
        over if node.op.inplace else _row(new_vector(b, node, over.shape[1])),
    )  # fmt: skip
    return b.view(y) if node.op.inplace else _flat(to)


def ger(b: Builder, node) -> View:
    a, alpha, x, y = node.inputs
    over = b.view(a)
    column = _turned(_row(b.view(x)))
    return product(b,
        node.outputs[0], column, _row(b.view(y)), over, factor(b, alpha), 1.0,
        b.writable(over) if node.op.destructive else None,
    )  # fmt: skip


def new_vector(b: Builder, node, length) -> View:
    return b.new(node.outputs[0], (length,), None)


def dot(b: Builder, node) -> View:
    x, y = (b.view(v) for v in node.inputs)
    if x.dtype != y.dtype or not x.dtype.startswith("float"):
        raise Uncovered("a dot of other types")
    if (x.ndim, y.ndim) == (2, 2):
        return product(b, node.outputs[0], x, y, None, 1.0, 0.0, None)
    if (x.ndim, y.ndim) == (1, 2):
        left, right, length = _row(x), y, y.shape[1]
    elif (x.ndim, y.ndim) == (2, 1):
        left, right, length = _row(y), _turned(x), x.shape[0]
    elif (x.ndim, y.ndim) == (1, 1):
        left, right, length = _row(x), _turned(_row(y)), None
    else:
        raise Uncovered("a dot of scalars")
    if left.split is not None or right.split is not None:
        raise NoSplit
    to = b.new(node.outputs[0], () if length is None else (length,), None)
    item = np.dtype(to.dtype).itemsize
    wide = to.change(
        shape=(1, length or 1 if length is None else length),
        strides=(item, to.strides[0] if to.ndim else item),
    )
    product(b, None, left, right, None, 1.0, 0.0, wide)
    return to


def _row(view: View) -> View:
    if view.split is not None:
        raise NoSplit
    return view.change(shape=(1, *view.shape), strides=(0, *view.strides))


def _flat(view: View) -> View:
    return view.change(shape=view.shape[1:], strides=view.strides[1:])


def _turned(view: View) -> View:
    if view.split is not None:
        raise NoSplit
    return view.change(shape=view.shape[::-1], strides=view.strides[::-1])

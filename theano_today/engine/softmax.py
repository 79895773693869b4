"""Softmax, cross-entropy of class labels and their gradients by NumPy, row for row as C does them.

Each would be a C module, which takes a second to compile at a net's first start. As there, the
exponentials of a row are of the matrix' dtype and are added up in float64; a NaN is greater than
nothing, and the maximum only if it comes first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from theano_today.engine import library

_FLOATS = ("float32", "float64")


def _of_floats(node, count: int) -> bool:
    """Whether the first `count` inputs have dtypes that the C code takes."""
    return all(x.dtype in _FLOATS for x in node.inputs[:count])


def softmax(node) -> Callable | None:
    if not _of_floats(node, 1):
        return None

    @np.errstate(all="ignore")
    def run(x):
        return (_softmax(_copied(x))[0],)

    return run


def softmax_with_bias(node) -> Callable | None:
    if not _of_floats(node, 2):
        return None

    @np.errstate(all="ignore")
    def run(x, b):
        return (_softmax(_sum(x, b))[0],)

    return run


def cross_entropy(node) -> Callable | None:
    """-log(softmax(x + b)[y]), the softmax and the greatest column, of each row."""
    if not _of_floats(node, 2):
        return None

    @np.errstate(all="ignore")
    def run(x, b, y):
        if len(y) != len(x):
            raise ValueError(
                f"number of rows in x ({len(x)}) does not match length of y ({len(y)})"
            )
        z = _sum(x, b)
        _check_labels(y, z, "y_i value out of bounds")
        rows = np.arange(len(y))
        minus = -x[rows, y] - b[y]
        sm, maximum, best, total = _softmax(z)
        nll = (minus + maximum) + np.log(total)
        return nll.astype(x.dtype), sm, best.astype(y.dtype)

    return run


def cross_entropy_gradient(node) -> Callable | None:
    """dy * sm with dy taken off at the labels."""
    if not _of_floats(node, 2):
        return None

    @np.errstate(all="ignore")
    def run(dy, sm, y):
        if len(y) != len(sm):
            raise ValueError("sm.shape[0] != y_idx.shape[0]")
        if dy.ndim and len(dy) not in (1, len(sm)):
            raise ValueError(f"dnll.shape[0] ({len(dy)}) != sm.shape[0] ({len(sm)})")
        _check_labels(y, sm, "y_i >= dx dimensions[1] or y_i < 0.")
        dy = np.broadcast_to(dy, len(sm)) if dy.size else np.zeros(len(sm), dy.dtype)
        dx = library.empty(sm.shape, sm.dtype)
        np.multiply(sm, dy[:, None], out=dx, casting="same_kind")
        rows = np.arange(len(y))
        dx[rows, y] = dx[rows, y] - dy
        return (dx,)

    return run


def softmax_gradient(node) -> Callable | None:
    """(dy - the row's sum of dy * sm) * sm."""
    if not _of_floats(node, 2):
        return None

    @np.errstate(all="ignore")
    def run(dy, sm):
        if len(dy) != len(sm):
            raise ValueError("dy.shape[0] != sm.shape[0]")
        dx = library.empty(sm.shape, sm.dtype)
        np.multiply(dy[:, : sm.shape[1]], sm, out=dx, casting="same_kind")
        dx -= dx.sum(1, dtype="float64", keepdims=True) * sm
        return (dx,)

    return run


def _copied(x: np.ndarray) -> np.ndarray:
    z = library.empty(x.shape, x.dtype)
    z[...] = x
    return z


def _sum(x: np.ndarray, b: np.ndarray) -> np.ndarray:
    if x.shape[1] != len(b):
        raise ValueError(
            f"number of columns in x ({x.shape[1]}) does not match length of b ({len(b)})"
        )
    return np.add(x, b, out=library.empty(x.shape, x.dtype), casting="same_kind")


def _check_labels(y: np.ndarray, matrix: np.ndarray, message: str) -> None:
    if y.size and (y.min() < 0 or y.max() >= matrix.shape[1]):
        raise ValueError(message)


def _softmax(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Overwrite z by its softmax; also return each row's maximum, where it is, and the divisor."""
    if not z.size:
        nothing = np.zeros(len(z), z.dtype)
        return z, nothing, nothing, nothing
    rows = np.arange(len(z))
    best = z.argmax(1)
    maximum = z[rows, best]
    if (strange := np.isnan(maximum)).any():
        numbers = np.where(np.isnan(z[strange]), -np.inf, z[strange])
        best[strange] = np.where(np.isnan(z[strange, 0]), 0, numbers.argmax(1))
        maximum = z[rows, best]
    np.subtract(z, maximum[:, None], out=z)
    np.exp(z, out=z)
    total = z.sum(1, dtype="float64")
    np.multiply(z, (1.0 / total)[:, None], out=z, casting="same_kind")
    return z, maximum, best, total

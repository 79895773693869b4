"""Products of float32 matrices by the kernels: Theano's Dot22, Dot22Scalar and Gemm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from theano_today.engine import library


def matrix(array: np.ndarray) -> tuple[int, int, int]:
    """Return address and strides, in floats, as the kernels take a factor."""
    row, column = array.strides
    return array.ctypes.data, row // 4, column // 4


def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return x @ y for float32 matrices of any strides.

    Raises
    ------
    ValueError
        If the inner dimensions differ.
    """
    (m, k), (inner, n) = x.shape, y.shape
    if k != inner:
        raise ValueError(f"cannot multiply matrices of shapes {x.shape} and {y.shape}")
    out = library.empty((m, n))
    if out.size:
        library.call("today_product", *matrix(x), *matrix(y), out.ctypes.data, m, n, k)
    return out


def _is_float32(node) -> bool:
    return all(v.type.dtype == "float32" for v in node.inputs)


def dot22(node) -> Callable | None:
    """x @ y"""
    return (lambda x, y: (product(x, y),)) if _is_float32(node) else None


def dot22_scalar(node) -> Callable | None:
    """(x @ y) * a"""
    if not _is_float32(node):
        return None

    @np.errstate(all="ignore")
    def run(x, y, a):
        out = product(x, y)
        out *= a
        return (out,)

    return run


def gemm(node) -> Callable | None:
    """b * z + a * (x @ y), in place of z where the node says so"""
    if not _is_float32(node):
        return None

    @np.errstate(all="ignore")
    def run(z, a, x, y, b):
        out = product(x, y)
        if z.shape != out.shape:
            raise ValueError(
                f"cannot add a product of shape {out.shape} to a matrix of shape {z.shape}"
            )
        if a != 1:
            out *= a
        if b != 0:  # with 0, z may be uninitialised
            out += z if b == 1 else b * z
        if node.op.inplace:
            z[...] = out
            out = z
        return (out,)

    return run

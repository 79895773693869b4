"""Products of matrices and vectors in all sizes with 0 in them, and complex ones."""

import itertools

import numpy as np
import theano.tensor as T
from cases import Case, an

DTYPES = ["float32", "float64", "complex64", "complex128"]
SIZES = [*itertools.product((0, 3), repeat=3), (1, 3, 1), (0, 1, 3)]


def forms(dtype, m, k, n):
    """What Theano's optimizer makes Dot22, Dot22Scalar, Gemm, Gemv and Ger of, by name."""
    a, b, c = an(dtype, (m, k), 1), an(dtype, (k, n), 2), an(dtype, (m, n), 3)
    x, y, z = an(dtype, (k,), 4), an(dtype, (m,), 5), an(dtype, (n,), 6)
    factor = np.dtype(dtype).type(0.5)
    return {
        "dot": T.dot(a, b),
        "dot of transposes": T.dot(b.T, a.T),
        "dot of strides": T.dot(a[::-1], b[:, ::-1]),
        "dot times a number": factor * T.dot(a, b),
        "gemm": c - factor * T.dot(a, b),
        "gemv": y + factor * T.dot(a, x),
        "gemv of a transpose": x - T.dot(a.T, y),
        "vector by matrix": T.dot(x, b),
        "ger": c + factor * T.outer(y, z),
        "outer": T.outer(y, z),
        "inner": T.dot(x, x),
    }


def cases():
    for dtype in DTYPES:
        for m, k, n in SIZES:
            for name in forms(dtype, m, k, n):
                yield Case(
                    "%s %s %dx%dx%d" % (name, dtype, m, k, n),
                    lambda a=(dtype, m, k, n), name=name: forms(*a)[name],
                    ulps=64,
                    whole=True,
                    # One function for all in a dtype; those without 0 are in `linear`.
                    c="always" if 0 in (m, k, n) or dtype[0] == "c" else False,
                )

"""Casts of every dtype to every other: what wraps, overflows, or has a sign of zero to lose."""

import numpy as np
import theano.tensor as T
from cases import DTYPES, Case, given

FLOATS = [0.0, -0.0, 0.5, -0.5, 0.99, 1.0, -1.0, 1.5, 2.5, -2.5, 126.9, -127.5]
LARGE = [1e5, -7e4, 65504.0, 65519.9, 65520.0, 1e-5, 6e-8, 2e-8, 1e-45, 1e-40, 1e38, -3.5e38, 1e300]
LARGE += [np.inf, -np.inf, np.nan, 16777217.0, 0.1, 2049.0, 2051.0]


def values(source, target):
    """Edges of `source`; no floats that an integer cannot hold, which C leaves open."""
    kind = np.dtype(source).kind
    if kind == "b":
        return [False, True]
    if kind in "iu":
        info = np.iinfo(source)
        wanted = [0, 1, 2, 7, 100, -1, -2, -100, 127, 128, 255, 256, -128, -129, 32767, 32768]
        wanted += [65535, 65536, -32768, -32769, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32]
        wanted += [2**24 + 1, 2**53 + 1, 2**63 - 1, info.min, info.max, info.max - 1, 2049, 65519]
        return sorted({v for v in wanted if info.min <= v <= info.max})
    if np.dtype(target).kind in "iu":
        low = np.iinfo(target).min
        return [v for v in FLOATS if v > -1 or low]
    return FLOATS + LARGE


def array(source, target):
    with np.errstate(all="ignore"):
        return np.array(values(source, target)).astype(source)


def cases():
    for source in DTYPES:
        for target in DTYPES:
            x = array(source, target)
            if np.dtype(source).kind == "c":
                x = (x + 1j * x[::-1]).astype(source)
            yield Case(f"{source} to {target}", lambda x=x, t=target: T.cast(given(x), t), c=False)
    for source in ("float16", "float32", "float64"):
        for target in DTYPES[:9]:
            # Where the processor's own conversion is the answer everywhere.
            for value in (np.nan, np.inf, -np.inf, 1e30):
                yield Case(
                    f"{value} of {source} to {target}",
                    lambda v=value, s=source, t=target: T.cast(given(np.array([v]).astype(s)), t),
                    c=False,
                )

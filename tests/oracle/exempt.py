"""Differences that are no fault of ours: what NumPy or SciPy of 2020 decided, not Theano.

Each is a pattern for "PROGRAM CASE", the ways that it holds for, and the reason.
"""

import re

ANY = ("python", "c")
EXEMPT = [
    (
        r"elementwise int_div .*complex\d+.*",
        ("python",),
        "complex // was removed from NumPy 1.20 (Theano's C code has none either)",
    ),
    (
        r"elementwise int_div (float\d+ bool|of edges)",
        ("python",),
        "x // 0.0 is NaN to NumPy up to 1.19 and inf since 1.20, as in Theano's C code",
    ),
    (
        r"elementwise pow \w+ complex64",
        ("python",),
        "0 ** z: NumPy 1.19 gives NaN, newer ones 0 where the real part of z is positive",
    ),
    (
        r"elementwise wraps 9223372036854775808 to (int8|uint8|int16)",
        ("python",),
        "NumPy 1.19 read a Python int as a C long; ours wraps, as Theano's C code does",
    ),
    (
        r"casts (uint64 to (u?int8|u?int16|int32|int64)|1e\+30 of float\d+ to u?int\d+)",
        ("python",),
        "NumPy 1.19 read a Python int as a C long; ours wraps, as Theano's C code does",
    ),
    (
        r"linear batched_dot \w+ \(2, 3, 4\) \(3, 4, 5\)",
        ("c",),
        "its C code said ValueError and its Python code TypeError; ours has NumPy's matmul in both",
    ),
    (
        r"errors batched_dot of other batches",
        ("c",),
        "its C code said ValueError and its Python code TypeError; ours has NumPy's matmul in both",
    ),
    (
        r"randoms MRG.*(uniform|truncated_normal|without updates|gradient).*",
        ("python",),
        "MRG's Python code of 2020 was a unit of the last place off its C code; ours is C's",
    ),
    (
        r"elementwise nnet\.selu edges",
        ("python",),
        "a float32's exp, a last place of float32 off NumPy 1.19's, in a result of float64",
    ),
    (
        r"elementwise (gamma|erfinv) edges float\d+",
        ANY,
        "SciPy's: gamma(-0.0) has the sign of its zero now, and erfinv is exact near 0",
    ),
]


def reason(program, case, way):
    """Why a difference is none of ours, or None."""
    for pattern, ways, why in EXEMPT:
        if way in ways and re.fullmatch(pattern, program + " " + case):
            return why
    return None

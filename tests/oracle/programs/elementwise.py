"""Every elementwise Op of theano.tensor: on each dtype, on edges of the domain, with its gradient;
and every pair of dtypes through the operators."""

import numpy as np
import theano
import theano.tensor
import theano.tensor.inplace
import theano.tensor.nnet
from cases import DTYPES, Case, Namespace, an, given
from theano.tensor.var import _tensor_py_operators

T = Namespace(theano.tensor, "tensor")
nnet = Namespace(theano.tensor.nnet, "tensor.nnet")
inplace = Namespace(theano.tensor.inplace, "tensor.inplace")

# Names that take one tensor, by the part of the real line that they are defined on.
EVERYWHERE = "abs_ neg sgn ceil floor trunc round_half_to_even round_half_away_from_zero sqr exp "
EVERYWHERE += (
    "exp2 expm1 sin cos tan sinh cosh tanh arctan arcsinh deg2rad rad2deg isnan isinf erf "
)
EVERYWHERE += "erfc erfcx conj real imag angle invert tensor_copy square j0 j1 i0 i1 iround round "
EVERYWHERE += "inv bitwise_not isnan_ isinf_ identity_like zeros_like ones_like cast_ "
POSITIVE = "log log2 log10 log1p sqrt gamma gammaln psi tri_gamma"
UNIT = "arcsin arccos arctanh erfinv"
FROM_ONE = "arccosh"
TO_TWO = "erfcinv"
NNET = "sigmoid softplus softsign ultra_fast_sigmoid hard_sigmoid relu elu selu"
SPECIAL = {"isnan": "isnan", "isinf": "isinf"}

UNARY = dict.fromkeys(EVERYWHERE.split(), (-4, 4))
UNARY.update(dict.fromkeys(POSITIVE.split(), (0.1, 4)))
UNARY.update(dict.fromkeys(UNIT.split(), (-0.9, 0.9)))
UNARY.update({"arccosh": (1.1, 4), "erfcinv": (0.1, 1.9)})

BINARY = (
    "add sub mul true_div floor_div int_div mod pow maximum minimum lt le gt ge eq neq and_ or_ "
)
BINARY += (
    "xor bitwise_and bitwise_or bitwise_xor arctan2 divmod mod_check ceil_intdiv complex second"
)
BINARY += " fill where_ switch_ div_proxy complex_from_polar"
METHODS = {
    name: getattr(_tensor_py_operators, name)
    for name in [
        "__abs__",
        "__neg__",
        "__ceil__",
        "__floor__",
        "__trunc__",
        "__invert__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "__and__",
        "__rand__",
        "__or__",
        "__ror__",
        "__xor__",
        "__rxor__",
        "__add__",
        "__radd__",
        "__sub__",
        "__rsub__",
        "__mul__",
        "__rmul__",
        "__div__",
        "__rdiv__",
        "__truediv__",
        "__rtruediv__",
        "__floordiv__",
        "__rfloordiv__",
        "__mod__",
        "__rmod__",
        "__pow__",
        "__rpow__",
        "__divmod__",
        "__rdivmod__",
        "arccos",
        "arccosh",
        "arcsin",
        "arcsinh",
        "arctan",
        "arctanh",
        "ceil",
        "conj",
        "conjugate",
        "copy",
        "cos",
        "cosh",
        "deg2rad",
        "exp",
        "exp2",
        "expm1",
        "floor",
        "log",
        "log10",
        "log1p",
        "log2",
        "rad2deg",
        "sin",
        "sinh",
        "sqrt",
        "tan",
        "tanh",
        "trunc",
        "round",
        "zeros_like",
        "ones_like",
        "fill",
    ]
    if hasattr(_tensor_py_operators, name)
}
RANGES = {"arccos": UNARY["arccos"], "arcsin": UNARY["arcsin"], "arctanh": UNARY["arctanh"]}
RANGES.update({"arccosh": (1.1, 4), "log": (0.1, 4), "log2": (0.1, 4), "log10": (0.1, 4)})
RANGES.update({"log1p": (0.1, 4), "sqrt": (0.1, 4)})

EDGES = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    1e-45,
    1e-38,
    -1e-38,
    1e38,
    3.4e38,
    np.inf,
    -np.inf,
    np.nan,
    88.8,
    -88.8,
]
EDGES += [-104.0, 0.5, 1.5, 2.5, -0.5, -2.5, 30.0, -30.0, 710.0]


def unary(name):
    if name == "cast_":
        return lambda x: T.cast(x, "float32")
    return getattr(T, name)


def binary(name):
    if name in ("where_", "switch_"):
        choose = getattr(T, name[:-1])
        return lambda x, y: choose(T.gt(an("float64", (2, 3), 9), 0), x, y)
    return getattr(T, name)


def cases():
    for name, (low, high) in UNARY.items():
        for dtype in DTYPES:
            yield Case(
                f"{name} {dtype}",
                lambda n=name, d=dtype, lo=low, hi=high: unary(n)(an(d, (2, 3), 0, lo, hi)),
                gradient=dtype in ("float32", "float64"),
                ulps=special(name, dtype),
                c=dtype in ("float32", "int8"),
            )
        for dtype in ("float32", "float64"):
            edges = np.array(EDGES).astype(dtype)
            yield Case(
                f"{name} edges {dtype}",
                lambda n=name, e=edges: unary(n)(given(e)),
                ulps=special(name),
                c=name not in ("gamma", "tri_gamma"),
            )
    for name in NNET.split():
        for dtype in ("int8", "uint8", "int32", "float16", "float32", "float64"):
            yield Case(
                f"nnet.{name} {dtype}",
                lambda n=name, d=dtype: getattr(nnet, n)(an(d, (2, 3))),
                gradient=dtype in ("float32", "float64"),
                ulps=16,
                c=dtype == "float32",
            )
        edges = np.array(EDGES).astype("float32")
        yield Case(
            f"nnet.{name} edges", lambda n=name, e=edges: getattr(nnet, n)(given(e)), ulps=16
        )
    yield Case("nnet.elu alpha", lambda: nnet.elu(an("float32", (2, 3)), 0.3), True, ulps=16)
    yield Case("nnet.relu alpha", lambda: nnet.relu(an("float32", (2, 3)), 0.3), True)
    yield Case(
        "nnet.scalar_sigmoid",
        lambda: nnet.scalar_sigmoid(T.scalar_from_tensor(an("float32", ()))).owner.op.name,
    )
    for name in BINARY.split():
        for left in DTYPES:
            for right in (
                "bool",
                "int8",
                "uint8",
                "int64",
                "uint64",
                "float16",
                "float32",
                "float64",
                "complex64",
            ):
                if name not in ("add", "true_div", "int_div", "mod", "lt", "maximum", "pow") and (
                    left not in ("int8", "int64", "uint8", "float32")
                    or right not in ("int8", "float32", "float64")
                ):
                    continue
                yield Case(
                    f"{name} {left} {right}",
                    # without zeros, whose quotients NumPy and C give as they like
                    lambda n=name, a=left, b=right: binary(n)(
                        an(a, (2, 3), 1), an(b, (2, 3), 2, 1, 4)
                    ),
                    gradient=left in ("float32", "float64") and right in ("float32", "float64"),
                    ulps=8 if name == "pow" else 4,
                    c=left in ("int8", "uint8", "float32", "int64")
                    and right in ("int8", "int64", "float32", "float64"),
                )
        for dtype in ("int8", "int32", "float32", "float64"):
            low = given(np.array([-7, -7, 7, 7, 3, -3, 0]).astype(dtype))
            by = given(np.array([2, -2, 2, -2, 5, 5, 3]).astype(dtype))
            if (name != "second" and not name.endswith("_")) or name in ("and_", "or_"):
                yield Case(f"{name} of signs {dtype}", lambda n=name, a=low, b=by: binary(n)(a, b))
    edge = np.array([0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 1e-45, 3e38, 5.5], "float32")
    pairs = np.repeat(edge, len(edge)), np.tile(edge, len(edge))
    for name in [
        "add",
        "sub",
        "mul",
        "true_div",
        "pow",
        "maximum",
        "minimum",
        "lt",
        "le",
        "gt",
        "ge",
        "eq",
        "neq",
        "arctan2",
        "int_div",
        "mod",
    ]:
        yield Case(
            f"{name} of edges",
            lambda n=name, p=pairs: binary(n)(given(p[0]), given(p[1])),
            ulps=8,
        )
    for name, method in METHODS.items():
        for dtype in ("int8", "float32", "bool"):
            x = (dtype, (2, 3), 3) + RANGES.get(name, (-4, 4))
            if name.strip("_") in ("lt", "le", "gt", "ge", "fill") or name.strip("_").lstrip(
                "r"
            ) in (
                [
                    "and",
                    "or",
                    "xor",
                    "add",
                    "sub",
                    "mul",
                    "div",
                    "truediv",
                    "floordiv",
                    "mod",
                    "pow",
                    "divmod",
                ]
                + ["o", ""]
            ):
                yield Case(
                    f"x.{name}(y) {dtype}",
                    lambda m=method, x=x: m(
                        an(*x), an("float32" if x[0] == "float32" else "int8", (2, 3), 4, 1, 4)
                    ),
                    c=False,
                )
                yield Case(f"x.{name}(2) {dtype}", lambda m=method, x=x: m(an(*x), 2), c=False)
            else:
                yield Case(f"x.{name}() {dtype}", lambda m=method, x=x: m(an(*x)), c=False, ulps=8)
    for source in DTYPES:
        for target in DTYPES:
            yield Case(
                f"{source} to {target}",
                lambda s=source, t=target: T.cast(an(s, (2, 3), 5, 0, 100), t),
                c=source in ("int8", "int64", "float32"),
            )
            yield Case(
                f"{source}.astype({target})",
                lambda s=source, t=target: an(s, (2, 3), 5, 0, 100).astype(t),
                c=False,
            )
    for value, dtype in (
        (300, "int64"),
        (-1, "int64"),
        (-200, "int16"),
        (2**40, "int64"),
        (2**63, "uint64"),
    ):
        for target in ("int8", "uint8", "int16", "uint32", "float32"):
            yield Case(
                f"wraps {value!r} to {target}",
                lambda v=value, d=dtype, t=target: T.cast(given(np.array([v], d)), t),
            )
    for dtype in ("int8", "uint8", "int64", "uint64"):
        top = np.iinfo(dtype).max
        limits = given(np.array([top, top - 1, np.iinfo(dtype).min], dtype))
        for name in ("add", "sub", "mul", "neg", "abs_", "sqr", "invert", "maximum", "true_div"):
            f = getattr(T, name)
            yield Case(
                f"{name} overflows {dtype}",
                lambda f=f, x=limits, n=name: (
                    f(x) if n in ("neg", "abs_", "sqr", "invert") else f(x, x)
                ),
            )
    for name in ("gammainc", "gammaincc", "gammau", "gammal", "chi2sf", "jv", "iv"):
        for dtype in ("float32", "float64"):
            yield Case(
                f"{name} {dtype}",
                lambda n=name, d=dtype: getattr(T, n)(
                    an(d, (2, 3), 6, 0.5, 3), an(d, (2, 3), 7, 0.5, 3)
                ),
                ulps=64,
                c=False,
            )
    for dtype in ("int8", "float32", "float64"):
        x, low, high = an(dtype, (2, 3), 1), an(dtype, (3,), 2, -3, 0), an(dtype, (), 3, 1, 3)
        yield Case(f"clip {dtype}", lambda x=x, a=low, b=high: T.clip(x, a, b), True)
        yield Case(f"x.clip {dtype}", lambda x=x, a=low, b=high: x.clip(a, b), True)
        yield Case(
            f"switch broadcasts {dtype}", lambda x=x, a=low: T.switch(T.lt(x, 0), x, a), True
        )
        yield Case(f"add of five {dtype}", lambda x=x, a=low, b=high: T.add(x, a, b, x, 3), True)
        yield Case(f"mul of five {dtype}", lambda x=x, a=low, b=high: T.mul(x, a, b, x, 3), True)
        yield Case(f"isclose {dtype}", lambda x=x: T.isclose(x, x * 1.0000001), c=False)
        yield Case(f"allclose {dtype}", lambda x=x: T.allclose(x, x + 1), c=False)
        yield Case(f"where {dtype}", lambda x=x, a=low: T.where(x > 0, x, a), True)
        yield Case(f"where of one {dtype}", lambda x=x: T.where(x > 0))
    near = np.array([1, 1 + 1e-9, np.inf, -np.inf, np.nan, 0], "float64")
    for equal_nan in (True, False):
        yield Case(
            f"isclose of specials {equal_nan}",
            lambda e=equal_nan: T.isclose(given(near), given(near[::-1].copy()), equal_nan=e),
        )
    for how in ("half_to_even", "half_away_from_zero", "neither"):
        halves = given(np.array([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997], "float32"))
        yield Case(f"round {how}", lambda h=how, x=halves: T.round(x, mode=h))
        yield Case(f"iround {how}", lambda h=how, x=halves: T.iround(x, mode=h))
    for name in dir(theano.tensor.inplace):
        if name.endswith("_inplace") and isinstance(
            getattr(theano.tensor.inplace, name), theano.gof.Op
        ):
            low, high = UNARY.get(name[:-8], UNARY.get(name[:-8] + "_", (0.1, 0.9)))
            yield Case(
                f"inplace.{name}",
                lambda n=name, lo=low, hi=high: in_place(n, lo, hi),
                ulps=64,
                c=False,
            )
    yield Case(
        "transpose_inplace", lambda: inplace.transpose_inplace(an("float64", (2, 3)) * 2), c=False
    )
    yield Case("sigmoid_inplace", lambda: nnet.sigmoid_inplace(an("float64", (2, 3)) * 2), c=False)


def in_place(name, low, high):
    """The Op on a copy: a function does not let its inputs be overwritten."""
    op = getattr(inplace, name)
    arguments = max(getattr(op.scalar_op, "nin", 1), 1) if op.scalar_op.nin > 0 else 2
    copies = [T.exp(an("float64", (2, 3), 8 + k, -0.9, -0.1)) for k in range(arguments)]
    return op(*copies)


def special(name, dtype=""):
    """SciPy's functions, and those that C and NumPy round in ways of their own."""
    if name + dtype in ("anglecomplex64", "log10float32"):
        return 2**31  # float64, but computed from what was rounded to float32
    loose = [
        "gamma",
        "gammaln",
        "psi",
        "tri_gamma",
        "erf",
        "erfc",
        "erfcx",
        "erfinv",
        "erfcinv",
        "j0",
        "j1",
        "i0",
        "i1",
    ]
    return 64 if name in loose else 8

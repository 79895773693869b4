"""Reductions: every axis, dtype and accumulator, empty and odd shapes, argmax, sorting."""

import numpy as np
import theano
import theano.tensor
import theano.tensor.extra_ops
import theano.tensor.sort
from cases import DTYPES, Case, Namespace, an, given

T = Namespace(theano.tensor, "tensor")
extra_ops = Namespace(theano.tensor.extra_ops, "tensor.extra_ops")
# theano.tensor.sort the module is hidden by the function of that name
sort = Namespace(__import__("sys").modules["theano.tensor.sort"], "tensor.sort")

AXES = [None, 0, 1, -1, (0, 1), (0, 2), (-1, 0), (2, 1, 0), [], [1], np.int64(1), np.array(0)]
X = ("float32", (2, 3, 4), 1, -2, 2)
WRONG_AXES = [3, -4, (0, 0), 1.5, "a", (0, 3)]
PLAIN = ["sum", "prod", "mean", "max", "min", "any", "all", "argmax", "argmin", "ptp", "var", "std"]

TIES = given(np.array([[1, 3, 3], [np.nan, 0, 2], [-0.0, 0.0, -0.0]], "float32"))


def cases():
    for name in PLAIN:
        f = getattr(T, name)
        for axis in AXES + WRONG_AXES:
            yield Case(
                f"{name} axis {describe(axis)}",
                lambda f=f, a=axis: f(an(*X), axis=a),
                gradient=name in ("sum", "mean", "max", "min", "prod", "var", "ptp", "std"),
                ulps=16,
                whole=True,
                c=axis in (None, 0, -1)
                if not isinstance(axis, (tuple, list, np.ndarray))
                else False,
            )
            yield Case(
                f"x.{name} axis {describe(axis)}",
                lambda n=name, a=axis: getattr(an(*X), n)(axis=a),
                ulps=16,
                whole=True,
                c=False,
            )
            if name != "ptp":
                yield Case(
                    f"{name} keepdims axis {describe(axis)}",
                    lambda f=f, a=axis: f(an(*X), axis=a, keepdims=True),
                    ulps=16,
                    whole=True,
                    c=False,
                )
        for dtype in DTYPES:
            yield Case(
                f"{name} {dtype}",
                lambda f=f, d=dtype: f(an(d, (3, 2), 2, -2, 3), axis=0),
                ulps=16,
                whole=True,
                c=dtype in ("int8", "float32", "uint8", "bool"),
            )
            yield Case(
                f"{name} of a scalar {dtype}",
                lambda f=f, d=dtype: f(an(d, ())),
                ulps=8,
                c=False,
            )
        for shape in ((0, 3), (3, 0), (0,), (1, 1)):
            for axis in (None, 0):
                yield Case(
                    f"{name} {shape} axis {axis}",
                    lambda f=f, s=shape, a=axis: f(an("float32", s), axis=a),
                    ulps=16,
                    whole=True,
                    alone=True,
                    c=False,
                )
        yield Case(f"{name} of ties and NaN", lambda f=f: f(TIES, axis=1), True, ulps=8)
    for name in ("sum", "prod", "mean"):
        for dtype in (
            "int8",
            "uint8",
            "int64",
            "float16",
            "float32",
            "float64",
            "bool",
            "complex64",
        ):
            for to in ("int8", "int64", "float32", "float64", "uint8"):
                yield Case(
                    f"{name} {dtype} dtype {to}",
                    lambda n=name, d=dtype, t=to: getattr(T, n)(an(d, (3, 2), 3), axis=0, dtype=t),
                    ulps=8,
                    c=False,
                )
                yield Case(
                    f"{name} {dtype} acc_dtype {to}",
                    lambda n=name, d=dtype, t=to: getattr(T, n)(
                        an(d, (3, 2), 3), axis=0, acc_dtype=t
                    ),
                    ulps=8,
                    c=False,
                )
    large = an("float32", (1000,), 4, 0, 1)
    yield Case(
        "sum of 1000", lambda: [large.sum(), large.mean(), large.var(), large.std()], ulps=32
    )
    half = an("float16", (1000,), 4, 0, 1)
    yield Case("float16 sums", lambda: [half.sum(), half.mean(), half.prod()], ulps=8, c=False)
    yield Case(
        "sums overflow int8",
        lambda: [T.sum(given(np.full(9, 100, "int8"))), T.prod(given(np.full(9, 100, "int8")))],
    )
    for ddof in (0, 1, 2):
        for corrected in (True, False):
            yield Case(
                "var ddof %d corrected %s" % (ddof, corrected),
                lambda d=ddof, c=corrected: [
                    T.var(an("float32", (3, 4), 5), axis=1, ddof=d, corrected=c),
                    T.std(an("float64", (3, 4), 5), axis=0, ddof=d, corrected=c),
                ],
                gradient=True,
                ulps=32,
                whole=True,
            )
    yield Case(
        "prod with zeros",
        lambda: T.prod(given(np.array([[0, 2, 3], [0, 0, 1], [1, 2, 3.0]])), axis=1),
        True,
    )
    yield Case(
        "prod no_zeros_in_input",
        lambda: T.prod(an("float64", (2, 3), 6, 1, 2), no_zeros_in_input=True),
        True,
    )
    yield Case(
        "max_and_argmax", lambda: T.max_and_argmax(an("float32", (2, 3, 4)), axis=(0, 2)), True
    )
    yield Case(
        "max_and_argmax keepdims",
        lambda: T.max_and_argmax(an("int8", (2, 3)), axis=1, keepdims=True),
    )
    for name in ("smallest", "largest"):
        yield Case(
            name, lambda n=name: getattr(T, n)(an("float32", (3,), 1), an("float32", (3,), 2)), True
        )
        yield Case(
            name + " of three",
            lambda n=name: getattr(T, n)(*[an("float32", (3,), k) for k in (1, 2, 3)]),
            True,
        )
    yield Case("cov", lambda: T.cov(an("float64", (3, 5))), True, ulps=64, whole=True)
    yield Case(
        "cov of two",
        lambda: T.cov(an("float32", (3, 5)), an("float32", (3, 5), 2), rowvar=False),
        ulps=64,
        whole=True,
    )
    yield Case(
        "cov bias", lambda: T.cov(an("float64", (3, 5)), bias=True, ddof=0), ulps=64, whole=True
    )
    for order in (1, 2, 3, -1, 0, np.inf, -np.inf, "fro", "inf", 0.5):
        yield Case(
            f"x.norm({order!r})",
            lambda o=order: an("float64", (2, 3)).norm(o),
            True,
            ulps=32,
            c=False,
        )
        yield Case(
            f"x.norm({order!r}, axis=1)",
            lambda o=order: an("float64", (2, 3)).norm(o, axis=1),
            ulps=32,
            c=False,
        )
    for name in ("cumsum", "cumprod"):
        for axis in (None, 0, 1, -1, 2):
            yield Case(
                f"{name} axis {axis}",
                lambda n=name, a=axis: [
                    getattr(T, n)(an("float32", (2, 3)), axis=a),
                    getattr(an("int8", (2, 3)), n)(axis=a),
                ],
                gradient=True,
                ulps=16,
                whole=True,
            )
        for dtype in DTYPES:
            yield Case(
                f"{name} {dtype}",
                lambda n=name, d=dtype: getattr(extra_ops, n)(an(d, (5,))),
                ulps=8,
                c=False,
            )
    for dtype in DTYPES[:12]:
        for axis in (None, 0, -1):
            for kind in ("quicksort", "mergesort", "heapsort"):
                yield Case(
                    f"sort {dtype} axis {axis} {kind}",
                    lambda d=dtype, a=axis, k=kind: T.sort(an(d, (3, 4), 7), axis=a, kind=k),
                    c=False,
                )
            yield Case(
                f"argsort {dtype} axis {axis}",
                # mergesort is stable, so that ties have one answer
                lambda d=dtype, a=axis: T.argsort(an(d, (3, 4), 7), axis=a, kind="mergesort"),
                c=False,
            )
    yield Case("sort gradient", lambda: sort.sort(an("float64", (3, 4), 7), axis=1), True, c=False)
    yield Case(
        "x.sort, x.argsort",
        lambda: [an("float32", (3, 4)).sort(axis=0), an("float32", (3, 4)).argsort(axis=0)],
    )
    yield Case("sort by order", lambda: sort.sort(an("float32", (3,)), order="a"))
    yield Case("sort.argsort", lambda: sort.argsort(an("float32", (3,))))
    for k in (1, 2, -2, 4, 0, 7):
        for axis in (-1, 0, None):
            for dtype in ("float32", "int8", "uint8", "float64", "int64"):
                yield Case(
                    "topk %d axis %s %s" % (k, axis, dtype),
                    lambda k=k, a=axis, d=dtype: T.sort(T.topk(distinct(d), k, axis=a), axis=-1),
                    alone=k in (0, 7),
                    c=False,
                )
            yield Case(
                "argtopk %d axis %s" % (k, axis),
                lambda k=k, a=axis: T.sort(T.argtopk(distinct("float32"), k, axis=a), axis=-1),
                alone=k in (0, 7),
                c=False,
            )
            yield Case(
                "topk_and_argtopk %d axis %s" % (k, axis),
                lambda k=k, a=axis: [
                    T.sort(r, axis=-1)
                    for r in sort.topk_and_argtopk(
                        distinct("float64"), k, axis=a, idx_dtype="int32"
                    )
                ],
                gradient=a_gradient(axis),
                alone=k in (0, 7),
                c=False,
            )
    for axis in (0, 1, -1):
        for n in (1, 2):
            yield Case(
                "diff %d axis %d" % (n, axis),
                lambda n=n, a=axis: extra_ops.diff(an("float32", (3, 4)), n=n, axis=a),
                True,
                ulps=8,
            )
    yield Case(
        "bincount",
        lambda: [
            T.bincount(an("int32", (9,), 0, 0, 5)),
            T.bincount(an("uint8", (9,), 0, 0, 5), minlength=7),
        ],
    )
    yield Case(
        "bincount weights",
        lambda: T.bincount(an("int64", (9,), 0, 0, 5), an("float32", (9,))),
        ulps=16,
        c=False,
    )
    yield Case("bincount of uint64", lambda: T.bincount(an("uint64", (9,), 0, 0, 5)))
    yield Case(
        "bincount assert_nonneg",
        lambda: extra_ops.bincount(an("int32", (4,), 0, -5, -1), assert_nonneg=True),
    )
    ordered = given(np.array([1, 2, 2, 3.5], "float32"))
    asked = given(np.array([[0, 2, 9], [1, 3.5, np.nan]], "float32"))
    for side in ("left", "right", "middle"):
        yield Case(
            f"searchsorted {side}",
            lambda s=side: [
                extra_ops.searchsorted(ordered, asked, side=s),
                ordered.searchsorted(asked, side=s),
            ],
        )
    yield Case(
        "searchsorted sorter",
        lambda: extra_ops.searchsorted(
            an("float64", (5,)), an("float64", (4,), 2), sorter=T.argsort(an("float64", (5,)))
        ),
    )
    for axis in (None, 0, 1):
        for flags in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)):
            for dtype in ("int8", "float32"):
                yield Case(
                    f"Unique {dtype} axis {axis} {flags}",
                    lambda d=dtype, a=axis, f=flags: extra_ops.Unique(
                        *[bool(b) for b in f], axis=a
                    )(an(d, (4, 3), 3, 0, 2)),
                    c=False,
                )


def distinct(dtype):
    """Values without ties, whose places in a top k nobody promises."""
    return given(np.array([[5, 1, 9, 3], [2, 8, 4, 7], [6, 0, 11, 10]], dtype))


def a_gradient(axis):
    return axis is not None


def describe(axis):
    return f"{type(axis).__name__} {axis}"

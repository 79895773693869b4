"""Products and linear algebra: dot of all ranks and dtypes, tensordot, nlinalg, slinalg, fft."""

import numpy as np
import theano
import theano.tensor
import theano.tensor.fft
import theano.tensor.nlinalg
import theano.tensor.slinalg
from cases import Case, Namespace, an, given, numbers

T = Namespace(theano.tensor, "tensor")
nlinalg = Namespace(theano.tensor.nlinalg, "tensor.nlinalg")
slinalg = Namespace(theano.tensor.slinalg, "tensor.slinalg")
fft = Namespace(theano.tensor.fft, "tensor.fft")

SHAPES = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((), (3,)),
    ((2, 3), ()),
]
SHAPES += [
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 2)),
    ((2, 2, 3), (2, 3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
]
SHAPES += [((2, 3), (2, 3)), ((3,), (2,)), ((1, 3), (3, 1)), ((2, 2, 3), (3,))]


def spd(dtype="float64", seed=0):
    """A symmetric positive definite matrix, far from singular."""
    a = numbers("float64", (3, 3), seed, -1, 1)
    return given((np.dot(a, a.T) + 2 * np.eye(3)).astype(dtype))


def square(dtype="float64", seed=1):
    return given((numbers("float64", (3, 3), seed, -1, 1) + 2 * np.eye(3)).astype(dtype))


def near(name, build, gradient=True, ulps=256, **more):
    return Case(name, build, gradient, ulps=ulps, whole=True, c=more.pop("c", False), **more)


def cases():
    for left, right in SHAPES:
        for one, other in (
            ("float32", "float32"),
            ("float64", "float32"),
            ("int8", "float32"),
            ("int64", "int8"),
        ):

            def build(left=left, right=right, one=one, other=other):
                return T.dot(an(one, left, 1), an(other, right, 2))

            alone = left[-1:] != right[:1]
            yield near(
                f"dot {one} {left}, {other} {right}",
                build,
                alone=alone,
                ulps=16,
                c=one == "float32" and len(left) == 2,
            )
        yield near(
            f"x.dot {left}, {right}",
            lambda a=left, b=right: an("float64", a).dot(an("float64", b)),
            alone=left[-1:] != right[:1],
        )
    for dtype in ("bool", "uint8", "float16", "complex64", "complex128"):
        yield near(f"dot {dtype}", lambda d=dtype: T.dot(an(d, (2, 3)), an(d, (3, 2))), ulps=16)
    yield near(
        "theano.dot", lambda: theano.dot(an("float32", (2, 3)), an("float32", (3, 2))), ulps=16
    )
    yield near(
        "dot of a transpose",
        lambda: T.dot(an("float32", (2, 3)).T, an("float32", (2, 3), 2)),
        ulps=16,
        c="always",
    )
    yield near(
        "dot of strides",
        lambda: T.dot(an("float32", (4, 6))[::2, ::-2], an("float32", (3, 4), 2)[:, ::2]),
        ulps=16,
        c="always",
    )
    yield near(
        "gemm",
        lambda: (
            0.5 * an("float32", (2, 4)) - 2 * T.dot(an("float32", (2, 3)), an("float32", (3, 4)))
        ),
        ulps=16,
        c="always",
    )
    yield near(
        "gemv",
        lambda: an("float32", (2,)) + T.dot(an("float32", (2, 3)), an("float32", (3,))),
        ulps=16,
        c="always",
    )
    yield near(
        "ger",
        lambda: an("float32", (2, 3)) + T.outer(an("float32", (2,)), an("float32", (3,))),
        ulps=16,
        c="always",
    )
    yield near(
        "outer",
        lambda: [
            T.outer(an("float32", (2,)), an("float32", (3,))),
            T.outer(an("int8", (2, 2)), an("float32", (3,))),
        ],
        ulps=16,
    )
    for axes in (
        0,
        1,
        2,
        [1, 0],
        [[1, 0], [0, 1]],
        [[0], [1]],
        [[5], [0]],
        3,
        [[1], [0]],
        "a",
        [[0, 1], [0]],
    ):
        yield near(
            f"tensordot {axes}",
            lambda a=axes: T.tensordot(an("float64", (2, 3)), an("float64", (3, 2)), axes=a),
            alone=True,
        )
    yield near(
        "tensordot of tensors",
        lambda: T.tensordot(
            an("float32", (2, 3, 4)), an("float32", (4, 3, 2)), axes=[[1, 2], [1, 0]]
        ),
        ulps=16,
    )
    for left, right in (
        ((2, 3, 4), (2, 4, 5)),
        ((2, 3), (2, 3)),
        ((2, 3, 4), (2, 4)),
        ((2, 4), (2, 4, 5)),
        ((2, 3, 4), (3, 4, 5)),
        ((2, 3, 4, 5), (2, 5, 3)),
    ):
        for dtype in ("float32", "float64", "int8"):
            yield near(
                f"batched_dot {dtype} {left} {right}",
                lambda d=dtype, a=left, b=right: T.batched_dot(an(d, a), an(d, b)),
                ulps=32,
                alone=left[0] != right[0],
                c="always" if dtype == "float32" and len(left) == 3 else False,
            )
    yield near(
        "batched_dot mixed",
        lambda: T.batched_dot(an("float32", (2, 3, 4)), an("float64", (2, 4, 5))),
        ulps=32,
    )
    for axes in (1, [2, 1], [[2], [1]], [[1, 2], [2, 1]], 0):
        yield near(
            f"batched_tensordot {axes}",
            lambda a=axes: T.batched_tensordot(
                an("float32", (2, 3, 4)), an("float32", (2, 4, 3)), axes=a
            ),
            ulps=32,
            alone=True,
        )
    for dtype in ("float32", "float64"):
        for name in ("matrix_inverse", "det", "pinv", "trace", "diag", "extract_diag"):
            yield near(
                f"nlinalg.{name} {dtype}",
                lambda n=name, d=dtype: getattr(nlinalg, n)(square(d)),
            )
        yield near(
            f"nlinalg.pinv of a rectangle {dtype}",
            lambda d=dtype: nlinalg.pinv(an(d, (2, 3))),
            ulps=1024,
        )
        yield near(f"nlinalg.alloc_diag {dtype}", lambda d=dtype: nlinalg.alloc_diag(an(d, (3,))))
        yield near(
            f"nlinalg.eigh {dtype}",
            lambda d=dtype: [nlinalg.eigh(spd(d))[0], abs(nlinalg.eigh(spd(d))[1])],
            ulps=1024,
        )
        yield near(
            f"nlinalg.eigh U {dtype}", lambda d=dtype: nlinalg.eigh(spd(d), "U")[0], ulps=1024
        )
        yield near(
            f"nlinalg.eig {dtype}",
            lambda d=dtype: T.sort(nlinalg.eig(spd(d))[0]),
            gradient=False,
            ulps=1024,
        )
        yield near(
            f"nlinalg.svd {dtype}",
            lambda d=dtype: nlinalg.svd(an(d, (3, 2)), compute_uv=False),
            gradient=False,
            ulps=1024,
        )
        yield near(
            f"nlinalg.svd usv {dtype}",
            lambda d=dtype: [abs(r) for r in nlinalg.svd(an(d, (3, 2)), full_matrices=False)],
            gradient=False,
            ulps=1024,
        )
        yield near(
            f"nlinalg.qr {dtype}",
            lambda d=dtype: [abs(r) for r in nlinalg.qr(an(d, (3, 2)))],
            gradient=False,
            ulps=1024,
        )
        yield near(
            f"nlinalg.qr r {dtype}",
            lambda d=dtype: abs(nlinalg.qr(an(d, (3, 2)), mode="r")),
            gradient=False,
            ulps=1024,
        )
        yield near(
            f"nlinalg.qr complete {dtype}",
            lambda d=dtype: [abs(r) for r in nlinalg.qr(square(d), mode="complete")],
            gradient=False,
            ulps=1024,
        )
        yield near(
            f"nlinalg.lstsq {dtype}",
            lambda d=dtype: nlinalg.lstsq()(
                an(d, (4, 2)), an(d, (4,)), theano.tensor.constant(-1.0)
            )[0],
            gradient=False,
            ulps=1024,
        )
        yield near(
            f"nlinalg.matrix_power {dtype}",
            lambda d=dtype: [nlinalg.matrix_power(square(d), n) for n in (0, 1, 2, 5)],
        )
        yield near(
            f"nlinalg.matrix_dot {dtype}",
            lambda d=dtype: nlinalg.matrix_dot(square(d), spd(d), square(d, 4)),
        )
        for order in (None, 1, 2, "fro", "nuc", np.inf, -np.inf, 0, 3, "inf", -1):
            yield near(
                f"nlinalg.norm matrix {order!r} {dtype}",
                lambda o=order, d=dtype: nlinalg.norm(square(d), o),
                ulps=1024,
            )
            yield near(
                f"nlinalg.norm vector {order!r} {dtype}",
                lambda o=order, d=dtype: nlinalg.norm(an(d, (3,)), o),
                ulps=64,
            )
        yield near(
            f"nlinalg.tensorinv {dtype}",
            lambda d=dtype: nlinalg.tensorinv(
                given((np.eye(6) + 0.1 * numbers("float64", (6, 6))).reshape(2, 3, 6).astype(d)),
                ind=2,
            ),
            gradient=False,
            ulps=1024,
        )
        yield near(
            f"nlinalg.tensorsolve {dtype}",
            lambda d=dtype: nlinalg.tensorsolve(
                given((np.eye(6) + 0.1 * numbers("float64", (6, 6))).reshape(2, 3, 6).astype(d)),
                an(d, (2, 3)),
            ),
            gradient=False,
            ulps=1024,
        )
        for lower in (True, False):
            yield near(
                f"slinalg.Cholesky {lower} {dtype}",
                lambda lo=lower, d=dtype: slinalg.Cholesky(lower=lo)(spd(d)),
                ulps=512,
            )
        yield near(f"slinalg.cholesky {dtype}", lambda d=dtype: slinalg.cholesky(spd(d)), ulps=512)
        yield near(
            f"slinalg.cholesky of a negative {dtype}",
            lambda d=dtype: slinalg.cholesky(-spd(d)),
            alone=True,
        )
        yield near(
            f"slinalg.cholesky nan {dtype}",
            lambda d=dtype: slinalg.Cholesky(on_error="nan")(-spd(d)),
            gradient=False,
        )
        for name in (
            "solve",
            "solve_symmetric",
            "solve_lower_triangular",
            "solve_upper_triangular",
        ):
            for shape in ((3,), (3, 2)):
                yield near(
                    f"slinalg.{name} {shape} {dtype}",
                    lambda n=name, s=shape, d=dtype: getattr(slinalg, n)(spd(d), an(d, s)),
                    ulps=1024,
                )
        yield near(f"slinalg.expm {dtype}", lambda d=dtype: slinalg.expm(square(d)), ulps=1024)
        yield near(
            f"slinalg.eigvalsh {dtype}",
            lambda d=dtype: slinalg.eigvalsh(spd(d), spd(d, 5)),
            ulps=4096,
        )
        yield near(
            f"slinalg.kron {dtype}",
            lambda d=dtype: slinalg.kron(an(d, (2, 3)), an(d, (2, 2))),
            ulps=8,
        )
    yield near("singular", lambda: nlinalg.matrix_inverse(given(np.zeros((2, 2)))), alone=True)
    yield near(
        "inverse of a rectangle", lambda: nlinalg.matrix_inverse(an("float64", (2, 3))), alone=True
    )
    yield near("det of ints", lambda: nlinalg.det(an("int8", (2, 2))), alone=True)
    yield near("inverse of ints", lambda: nlinalg.matrix_inverse(an("int32", (2, 2))), alone=True)
    for norm in (None, "ortho", "no_norm", "other"):
        yield near(f"rfft {norm}", lambda n=norm: fft.rfft(an("float32", (2, 6)), norm=n), ulps=64)
        yield near(
            f"irfft {norm}", lambda n=norm: fft.irfft(an("float64", (2, 4, 2)), norm=n), ulps=64
        )
    yield near("irfft odd", lambda: fft.irfft(an("float64", (2, 4, 2)), is_odd=True), ulps=64)
    yield near("rfft of images", lambda: fft.rfft(an("float64", (2, 4, 6))), ulps=64)
    yield near(
        "rfft_op irfft_op",
        lambda: fft.irfft_op(fft.rfft_op(an("float32", (2, 6)), np.array([6])), np.array([6])),
        ulps=64,
    )

"""theano.sparse: conversions, elementwise, products, slices, stacks, gradients; csc and csr."""

import numpy as np
import scipy.sparse
import theano
import theano.sparse
import theano.tensor
from cases import Case, Namespace, an, numbers, of_value

S = Namespace(theano.sparse, "sparse")
T = Namespace(theano.tensor, "tensor")


def matrix(format_="csc", dtype="float64", shape=(3, 4), seed=0):
    dense = numbers(dtype, shape, seed) * (numbers("float64", shape, seed + 50) > 0)
    value = getattr(scipy.sparse, format_ + "_matrix")(dense.astype(dtype))
    return of_value(S.matrix(format_, dtype=dtype), value)


def near(name, build, gradient=False, **more):
    return Case(name, build, gradient, ulps=64, whole=True, c=False, **more)


def cases():
    dense = S.dense_from_sparse
    for format_ in ("csc", "csr"):
        for dtype in ("float64", "float32", "int8"):
            x = matrix(format_, dtype)
            y = matrix(format_, dtype, seed=3)
            square = matrix(format_, dtype, (3, 3), 5)
            made = {
                "itself": lambda x=x: x,
                "dense": lambda x=x: dense(x),
                "toarray": lambda x=x: x.toarray(),
                "transpose": lambda x=x: [S.transpose(x), x.T],
                "neg": lambda x=x: [S.neg(x), -x],
                "add": lambda x=x, y=y: [S.add(x, y), x + y],
                "add dense": lambda x=x, d=dtype: S.add(x, an(d, (3, 4))),
                "sub": lambda x=x, y=y: [S.sub(x, y), x - y],
                "mul": lambda x=x, y=y: [S.mul(x, y), x * y],
                "mul dense": lambda x=x, d=dtype: S.mul(x, an(d, (3, 4))),
                "mul 300": lambda x=x: x * 300,
                "compared": lambda x=x, y=y: [
                    getattr(S, n)(x, y) for n in ("lt", "le", "gt", "ge", "eq", "neq")
                ],
                "compared with dense": lambda x=x, d=dtype: [
                    getattr(S, n)(x, an(d, (3, 4))) for n in ("lt", "le", "gt", "ge", "eq", "neq")
                ],
                "dot": lambda x=x, d=dtype: S.dot(x, an(d, (4, 2))),
                "dot from the left": lambda x=x, d=dtype: S.dot(an(d, (2, 3)), x),
                "structured_dot": lambda x=x, d=dtype: S.structured_dot(x, an(d, (4, 2))),
                "true_dot": lambda x=x, q=square: S.true_dot(q, x),
                "dot of sparse": lambda x=x, q=square: S.dot(q, x),
                "sp_sum": lambda x=x: [
                    S.sp_sum(x),
                    S.sp_sum(x, axis=0),
                    S.sp_sum(x, axis=1),
                    S.sp_sum(x, sparse_grad=True),
                ],
                "diag": lambda q=square: [S.diag(q), dense(S.square_diagonal(S.diag(q)))],
                "clean": lambda x=x: [S.clean(x), S.remove0(x), S.ensure_sorted_indices(x)],
                "csm": lambda x=x: [
                    S.csm_data(x),
                    S.csm_indices(x),
                    S.csm_indptr(x),
                    S.csm_shape(x),
                ],
                "csm_properties": lambda x=x: list(S.csm_properties(x)),
                "hstack": lambda x=x, q=square: S.hstack([x, q], format=x.type.format),
                "vstack": lambda x=x, y=y: S.vstack([x, y], format=x.type.format, dtype=x.dtype),
                "zeros_like": lambda x=x: [S.sp_zeros_like(x), S.sp_ones_like(x)],
                "cast": lambda x=x: [
                    S.cast(x, "float32"),
                    S.cast(x, "int64"),
                    S.icast(x),
                    S.fcast(x),
                    S.dcast(x),
                ],
                "x[0, 1]": lambda x=x: [x[0, 1], x[-1, -1]],
                "x[0:2, 1:3]": lambda x=x: [x[0:2, 1:3], x[1:3, :2]],
                "x[0:2]": lambda x=x: x[0:2],
                "x[1]": lambda x=x: x[1],
                "x[list]": lambda x=x: S.get_item_list(x, T.constant(np.array([0, 2]))),
                "x[lists]": lambda x=x: S.get_item_2lists(
                    x, T.constant(np.array([0, 2])), T.constant(np.array([1, 3]))
                ),
                "col_scale": lambda x=x, d=dtype: S.col_scale(x, an(d, (4,))),
                "row_scale": lambda x=x, d=dtype: S.row_scale(x, an(d, (3,))),
                "mul_s_v": lambda x=x, d=dtype: S.mul_s_v(x, an(d, (4,))),
                "structured_add_s_v": lambda x=x, d=dtype: S.structured_add_s_v(x, an(d, (4,))),
                "structured": lambda x=x: [
                    S.structured_maximum(x, 1),
                    S.structured_minimum(x, 1),
                    S.structured_add(x, 2),
                    S.structured_pow(x, 2),
                ],
                "shape": lambda x=x: [x.shape, x.ndim, x.size],
                "sum of squares": lambda x=x: S.sp_sum(S.sqr(x)),
                "constant": lambda x=x: S.constant(x.tag.value),
                "as_sparse_variable": lambda x=x: [
                    S.as_sparse_variable(x.tag.value),
                    S.as_sparse(x),
                    S.as_sparse_or_tensor_variable(x),
                ],
                "shared": lambda x=x: S.shared(x.tag.value),
                "construct": lambda d=dtype: S.construct_sparse_from_list(
                    T.constant(np.zeros((5, 4), d)), an(d, (2, 4)), T.constant(np.array([0, 2]))
                ),
            }
            for name, build in made.items():
                yield near(
                    f"{name} {format_} {dtype}",
                    build,
                    gradient=dtype != "int8"
                    and name
                    in ("dot", "structured_dot", "sp_sum", "add dense", "mul dense", "col_scale"),
                )
            for name in [
                "sin",
                "sinh",
                "tan",
                "tanh",
                "arcsin",
                "arcsinh",
                "arctan",
                "arctanh",
                "sqr",
                "sqrt",
                "expm1",
                "log1p",
                "rint",
                "sgn",
                "ceil",
                "floor",
                "trunc",
                "deg2rad",
                "rad2deg",
                "conj",
                "structured_exp",
                "structured_log",
                "structured_sigmoid",
            ]:
                yield near(
                    f"{name} {format_} {dtype}",
                    lambda n=name, x=x: getattr(S, n)(abs_of(x)),
                )
        yield near(f"gradient of dot {format_}", lambda f=format_: slope(f))
    for name in ("csc_matrix", "csr_matrix", "bsr_matrix"):
        yield near(name, lambda n=name: str(getattr(S, n)("x").type))
    for name in (
        "csc_fmatrix",
        "csc_dmatrix",
        "csr_fmatrix",
        "csr_dmatrix",
        "bsr_fmatrix",
        "bsr_dmatrix",
    ):
        yield near(name, lambda n=name: str(getattr(S, n)("x").type))
    data, indices, indptr = (
        np.array([1.0, 2, 3]),
        np.array([0, 2, 1], "int32"),
        np.array([0, 1, 2, 3], "int32"),
    )
    for name in ("CSC", "CSR"):
        yield near(
            name, lambda n=name: getattr(S, n)(data, indices, indptr, np.array([3, 3], "int32"))
        )
    for format_ in ("csc", "csr"):
        x, y = matrix(format_), matrix(format_, seed=3)
        for name in COMPARISONS.split():
            yield near(f"{name} {format_}", lambda n=name, x=x, y=y: both(n, x, y))
        yield near(f"casts {format_}", lambda x=x: [getattr(S, c + "cast")(x) for c in "bwilfdcz"])
        yield near(
            f"items {format_}",
            lambda x=x: [
                S.get_item_2d(x, (slice(0, 2), slice(1, 3))),
                S.get_item_scalar(x, (1, 2)),
            ],
        )
    yield near("add_s_s_data", lambda: S.add_s_s_data(matrix(), matrix()))
    yield near("grad_undefined", lambda: str(S.grad_undefined(T.exp, 0, matrix()).type))
    yield near("grad_not_implemented", lambda: str(S.grad_not_implemented(T.exp, 0, matrix()).type))
    yield near(
        "from dense",
        lambda: [S.csc_from_dense(an("float32", (2, 3))), S.csr_from_dense(an("int8", (2, 3)))],
    )
    yield near(
        "sampling_dot",
        lambda: S.sampling_dot(an("float64", (3, 2)), an("float64", (4, 2)), matrix("csr")),
    )
    yield near(
        "usmm",
        lambda: S.usmm(
            T.constant(2.0), matrix("csc"), an("float64", (4, 2)), an("float64", (3, 2))
        ),
    )


COMPARISONS = "add mul equal not_equal greater_than greater_equal less_than less_equal"


def both(name, x, y):
    return [getattr(S, name + "_s_s")(x, y), getattr(S, name + "_s_d")(x, an("float64", (3, 4)))]


def abs_of(x):
    """Within the domain of all of these functions."""
    return S.structured_sigmoid(x) * 0.9


def slope(format_):
    x = matrix(format_)
    cost = T.sum(T.sqr(S.dot(x, an("float64", (4, 2)))))
    return T.grad(cost, [x, an("float64", (4, 2))])

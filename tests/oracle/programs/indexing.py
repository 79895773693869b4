"""Shapes and indices: all kinds of index; reshape, join, split, stack, tile, diagonals, ..."""

import numpy as np
import theano
import theano.tensor
import theano.tensor.extra_ops
from cases import DTYPES, Case, Namespace, an, given

T = Namespace(theano.tensor, "tensor")
extra_ops = Namespace(theano.tensor.extra_ops, "tensor.extra_ops")

# Of variables: T.scalar, T.fscalar and so on.
KINDS = ["scalar", "vector", "row", "col", "matrix"]
KINDS += ["tensor3", "tensor4", "tensor5", "tensor6", "tensor7"]


def index(dtype="int64", *values):
    return given(np.array(values, dtype))


def scalar(value, dtype="int64"):
    return given(np.array(value, dtype))


def indices():
    mask = np.arange(3) % 2 == 0
    yield "0", lambda: 0
    yield "-1", lambda: -1
    yield "9", lambda: 9
    yield "np.int8", lambda: np.int8(1)
    yield "np.uint64", lambda: np.uint64(1)
    yield "1.5", lambda: 1.5
    yield "True", lambda: True
    yield "'a'", lambda: "a"
    yield "...", lambda: Ellipsis
    yield "None", lambda: None
    yield "()", lambda: ()
    for dtype in ("int8", "int32", "int64", "uint8", "uint64", "float32", "bool"):
        yield f"scalar {dtype}", lambda d=dtype: scalar(1, d)
        yield f"vector {dtype}", lambda d=dtype: index(d, 1, 0, 1, 1)
        yield f"slice of {dtype}", lambda d=dtype: slice(scalar(0, d), scalar(2, d))
    for cut in [(None, None), (1, None), (None, -1), (0, 0), (2, 1), (-99, 99), (None, None, -1)]:
        yield f"slice{cut}", lambda c=cut: slice(*c)
    for cut in [
        (2, None, -1),
        (None, None, 2),
        (-1, 0, -2),
        (99, None, -1),
        (1, 2, 0),
        (300, -300, -1),
    ]:
        yield f"slice{cut}", lambda c=cut: slice(*c)
    yield "symbolic step", lambda: slice(None, None, scalar(-1))
    yield "list", lambda: [0, 2, 1]
    yield "empty list", lambda: []
    yield "list of lists", lambda: [[0, 1], [2, 0]]
    yield "array", lambda: np.array([2, 0])
    yield "array out of range", lambda: np.array([2, 3])
    yield "negative array", lambda: np.array([-1, -3])
    yield "matrix of indices", lambda: given(np.array([[0, 1], [2, 2]]))
    yield "mask", lambda: mask
    yield "symbolic mask", lambda: given(mask)
    yield "mask of the matrix", lambda: given(np.arange(12).reshape(3, 4) % 5 > 1)
    yield "mask too long", lambda: given(np.arange(4) > 1)
    yield "x > 0", lambda: an("float64", (3, 4, 2), 1) > 0
    for rest in [
        (0, 1),
        (slice(None), 1),
        (Ellipsis, 1),
        (1, Ellipsis),
        (None, 0),
        (0, None, 1),
        (0, 0, 0, 0),
    ]:
        yield f"{rest}", lambda r=rest: r
    yield "(slice, None, slice)", lambda: (slice(1, None), None, slice(None, 2))
    yield "(list, list)", lambda: ([0, 2], [1, 3])
    yield "(list, slice, list)", lambda: ([0, 2], slice(None), [1, 0])
    yield "(slice, list)", lambda: (slice(None), [3, 0, 0])
    yield "(slice, vector)", lambda: (slice(None), index("int32", 3, 0, 0))
    yield "(vector, vector)", lambda: (index("int64", 0, 2), index("int8", 1, 3))
    yield "(vector, int)", lambda: (index("int64", 0, 2), 1)
    yield "(int, vector)", lambda: (1, index("int64", 0, 2))
    yield "(vector, None)", lambda: (index("int64", 0, 2), None)
    yield "(column, row)", lambda: (np.array([[0], [2]]), np.array([[1, 3]]))
    yield "(mask, int)", lambda: (mask, 1)
    yield "(slice, mask)", lambda: (slice(None), np.arange(4) > 1)
    yield "(list, ..., list)", lambda: ([0, 1], Ellipsis, [1, 0])
    yield "[slice, slice]", lambda: [slice(0, 2), slice(1, 3)]


def cases():
    x = ("float64", (3, 4, 2), 1)
    for name, make in indices():
        for dtype in ("float32", "int8"):
            yield Case(
                f"{dtype} x[{name}]",
                lambda m=make, d=dtype: an(d, x[1], 1)[m()],
                gradient=dtype == "float32",
                alone=name in ("9", "array out of range", "mask too long", "slice(1, 2, 0)"),
                c=dtype == "float32"
                and name in ("0", "-1", "slice(None, None, -1)", "vector int32"),
            )
        for f in ("set_subtensor", "inc_subtensor"):
            yield Case(
                f"{f} x[{name}]",
                lambda m=make, f=f: getattr(T, f)(an(*x)[m()], 1.5),
                gradient=True,
                alone=name in ("9", "array out of range", "mask too long", "slice(1, 2, 0)"),
                c=False,
            )
    yield Case(
        "inc twice at one index",
        lambda: T.inc_subtensor(an(*x)[index("int64", 1, 1, 0)], an("float64", (3, 4, 2), 2)),
        True,
    )
    yield Case(
        "set twice at one index",
        lambda: T.set_subtensor(an(*x)[index("int64", 1, 1)], T.ones((2, 4, 2))),
    )
    yield Case(
        "inc_subtensor ignore_duplicates",
        lambda: T.inc_subtensor(an(*x)[index("int64", 1, 1)], 2, ignore_duplicates=True),
    )
    yield Case(
        "inc_subtensor tolerate_inplace_aliasing",
        lambda: T.inc_subtensor(an(*x)[0], 2, tolerate_inplace_aliasing=True),
    )
    for dtype in ("float32", "int8", "int64"):
        yield Case(
            f"set_subtensor of {dtype}",
            lambda d=dtype: T.set_subtensor(an("float32", (3,))[:2], an(d, (2,))),
            c=False,
        )
        yield Case(
            f"set_subtensor float into {dtype}",
            lambda d=dtype: T.set_subtensor(an(d, (3,))[:2], 1.5),
            c=False,
        )
        yield Case(
            f"inc_subtensor 300 into {dtype}",
            lambda d=dtype: T.inc_subtensor(an(d, (3,))[:2], 300),
            c=False,
        )
        yield Case(
            f"inc_subtensor 1 into {dtype}",
            lambda d=dtype: T.inc_subtensor(an(d, (3,))[index("int64", 0, 0)], 1),
            c=False,
        )
    for axis in (None, 0, 1, -1, 3):
        for mode in ("raise", "wrap", "clip"):
            for taken in ("[0, 1]", "[[0, 1], [1, 0]]", "[-1, 5]", "1"):
                yield Case(
                    f"take {taken} axis {axis} {mode}",
                    lambda a=axis, m=mode, t=taken: T.take(
                        an(*x), theano.tensor.constant(eval(t)), axis=a, mode=m
                    ),
                    gradient=True,
                    alone=mode == "raise",
                    c=False,
                )
        yield Case(f"x.take axis {axis}", lambda a=axis: an(*x).take([0, 1], axis=a), c=False)
        yield Case(f"x.repeat axis {axis}", lambda a=axis: an(*x).repeat(2, axis=a), True, c=False)
        yield Case(
            f"repeat by vector axis {axis}",
            lambda a=axis: T.repeat(an(*x), index("int32", 1, 2), axis=a),
            alone=True,
            c=False,
        )
        yield Case(
            f"concatenate axis {axis}",
            lambda a=axis: T.concatenate([an(*x), an("float32", (3, 4, 2), 3)], axis=a),
            True,
            c=axis == 0,
        )
        yield Case(
            f"stack axis {axis}",
            lambda a=axis: T.stack([an("int8", (3, 4)), an("float32", (3, 4), 3)], axis=a),
            True,
            c=False,
        )
        yield Case(f"join axis {axis}", lambda a=axis: T.join(a, an(*x), an(*x)), True, c=False)
        yield Case(
            f"squeeze axis {axis}",
            lambda a=axis: (
                T.squeeze(T.unbroadcast(T.zeros((1, 3, 1)), 0), axis=a)
                if a
                else T.squeeze(an("float32", (1, 3, 1), 1, -4, 4, (True, False, True)))
            ),
            c=False,
        )
        yield Case(
            f"compress axis {axis}",
            lambda a=axis: [
                extra_ops.compress([1, 0, 1], an(*x), axis=a),
                an(*x).compress([0, 1], axis=a),
            ],
            True,
            c=False,
        )
        yield Case(f"roll axis {axis}", lambda a=axis: T.roll(an(*x), 2, axis=a), True, c=False)
        yield Case(f"roll -300 axis {axis}", lambda a=axis: T.roll(an(*x), -300, axis=a), c=False)
    yield Case(
        "concatenate of other shapes",
        lambda: T.concatenate([an(*x), an("float32", (3, 5, 1), 3)], axis=1),
        alone=True,
    )
    yield Case("join of one", lambda: T.join(0, an(*x)))
    yield Case(
        "join with a view",
        lambda: theano.tensor.Join(view=0)(0, an(*x), T.zeros((0, 4, 2))),
        c=False,
    )
    yield Case("join of other ndim", lambda: T.join(0, an(*x), an("float32", (3,))))
    yield Case("stack of scalars", lambda: T.stack([1, 2.5, an("int8", ())]))
    yield Case(
        "stack, old manner", lambda: T.stack(an("float32", (3,)), an("float32", (3,), 2)), c=False
    )
    yield Case("stack of nothing", lambda: T.stack([]))
    yield Case(
        "stacklists",
        lambda: T.stacklists([[an("float32", ()), 2], [3, an("float32", (), 2)]]),
        True,
        c=False,
    )
    yield Case(
        "vertical_stack",
        lambda: T.vertical_stack(an("float32", (2, 3)), an("float32", (1, 3))),
        True,
        c=False,
    )
    yield Case(
        "horizontal_stack",
        lambda: T.horizontal_stack(an("float32", (2, 3)), an("float32", (2, 1))),
        True,
        c=False,
    )
    for axis in (0, 1, -1):
        yield Case(
            f"split axis {axis}",
            lambda a=axis: T.split(an("float32", (4, 4)), [1, 3], 2, axis=a),
            True,
            c=axis == 0,
        )
    yield Case("split wrongly", lambda: T.split(an("float32", (4, 4)), [1, 2], 2), alone=True)
    for shape in [
        (12, 2),
        (-1,),
        (2, -1),
        (3, 4, 2, 1),
        (24,),
        (1, -1, 1),
        (5, 5),
        (-1, -1),
        (0,),
        24,
    ]:
        yield Case(
            f"reshape {shape}",
            lambda s=shape: an(*x).reshape(s),
            True,
            alone=shape in ((5, 5), (0,), (-1, -1)),
            c=shape == (12, 2),
        )
        yield Case(
            f"T.reshape {shape}",
            lambda s=shape: T.reshape(an("int8", x[1]), s),
            alone=shape in ((5, 5), (0,), (-1, -1)),
            c=False,
        )
    yield Case(
        "reshape to a vector's shape",
        lambda: T.reshape(an(*x), index("int32", 2, 12), ndim=2),
        True,
    )
    yield Case("reshape ndim unknown", lambda: T.reshape(an(*x), index("int32", 2, 12)))
    yield Case("reshape to x.shape[0]", lambda: an(*x).reshape((an(*x).shape[0], -1)), True)
    for outdim in (1, 2, 3, 0, 4, 1.5):
        yield Case(f"flatten {outdim}", lambda o=outdim: an(*x).flatten(o), True, c=False)
        yield Case(f"T.flatten {outdim}", lambda o=outdim: T.flatten(an(*x), o), True, c=False)
        yield Case(f"is_flat {outdim}", lambda o=outdim: T.is_flat(an(*x), o), c=False)
    yield Case("ravel", lambda: an(*x).ravel(), True)
    for order in [
        (0, 1, 2),
        (2, 0, 1),
        ("x", 0, 1, "x", 2),
        (1, 0),
        (0, 0, 1),
        (0, 1, 3),
        (2, 1, 0, "x"),
    ]:
        yield Case(
            f"dimshuffle {order}",
            lambda o=order: an(*x).dimshuffle(*o),
            True,
            c=len(order) > 3,
        )
    yield Case(
        "dimshuffle drops a row",
        lambda: an("float32", (1, 3), 1, -4, 4, (True, False)).dimshuffle(1),
        True,
    )
    yield Case(
        "transpose",
        lambda: [
            T.transpose(an(*x)),
            T.transpose(an(*x), (1, 0, 2)),
            an(*x).transpose(2, 0, 1),
            an(*x).T,
        ],
        True,
    )
    yield Case("swapaxes", lambda: [T.swapaxes(an(*x), 0, 2), an(*x).swapaxes(0, 1)], True)
    yield Case(
        "shape_padleft and so on",
        lambda: [
            T.shape_padleft(an("float32", (3,)), 2),
            T.shape_padright(an("float32", (3,))),
            T.shape_padaxis(an(*x), 1),
        ],
        True,
    )
    yield Case(
        "shape, size, ndim", lambda: [T.shape(an(*x)), an(*x).shape, an(*x).size, an(*x).shape[1]]
    )
    yield Case(
        "ndim, dtype, broadcastable",
        lambda: [an(*x).ndim, an(*x).dtype, [int(b) for b in an(*x).broadcastable]],
    )
    for name, make in {
        "addbroadcast": lambda: T.addbroadcast(an("float32", (1, 3)), 0),
        "addbroadcast wrong": lambda: T.addbroadcast(an("float32", (2, 3)), 0),
        "unbroadcast": lambda: T.unbroadcast(T.ones((1, 3)), 0),
        "patternbroadcast": lambda: T.patternbroadcast(an("float32", (1, 3)), (True, False)),
        "specify_shape": lambda: T.specify_shape(an("float32", (2, 3)), (2, 3)),
        "specify_shape wrong": lambda: T.specify_shape(an("float32", (2, 3)), (2, 4)),
        "broadcast wrong": lambda: an("float32", (2, 3)) + an("float32", (2, 4)),
        "no run-time broadcast": lambda: an("float32", (1, 3)) + an("float32", (2, 3)),
        "fill": lambda: [T.fill(an("int8", (2,)), 1.5), an("float32", (2,)).fill(300)],
        "alloc": lambda: [
            T.alloc(an("float32", ()), 2, 3),
            T.alloc(an("int8", (3,)), 2, 3),
            T.alloc(0, 0),
        ],
        "alloc negative": lambda: T.alloc(0.5, -1),
        "alloc wrong": lambda: T.alloc(an("float32", (3,)), 2),
        "zeros ones": lambda: [
            T.zeros((2, 3)),
            T.ones((3,), "int8"),
            T.zeros(2),
            T.ones([2, an("int8", (), 9, 2, 3)]),
        ],
        "zeros_like": lambda: [
            T.zeros_like(an("int8", (2,))),
            T.ones_like(an("int8", (2,)), dtype="float32"),
            T.zeros_like(3, opt=True),
        ],
        "x.zeros_like": lambda: [
            an("int8", (2,)).zeros_like(),
            an("bool", (2,)).ones_like("int64"),
        ],
        "eye": lambda: [T.eye(3), T.eye(2, 3, 1), T.eye(3, 2, -1, "int8"), T.eye(0)],
        "identity_like": lambda: T.identity_like(an("float32", (2, 3))),
        "tri tril triu": lambda: [
            T.tri(3),
            T.tri(2, 4, 1),
            T.tri(3, dtype="int8"),
            T.tril(an("float32", (3, 3))),
            T.triu(an("int8", (3, 3)), 1),
            T.tril(an("float32", (3, 4)), -1),
        ],
        "tile 2": lambda: T.tile(an("float32", (2, 3)), (2, 2)),
        "tile n": lambda: [
            T.tile(an("float32", (3,)), 2),
            T.tile(an("int8", (2, 3)), 3),
            T.tile(an("float32", (3,)), (2, 1, 2)),
        ],
        "tile ndim": lambda: T.tile(an("float32", (3,)), (2,), ndim=3),
        "tile vector": lambda: T.tile(an("float32", (2, 3)), index("int64", 2, 1), ndim=2),
        "tile wrong": lambda: T.tile(an("float32", (2, 3)), 1.5),
        "arange symbolic": lambda: [
            T.arange(scalar(4)),
            T.arange(scalar(1, "int8"), scalar(9, "float32"), 2),
            T.arange(scalar(3, "uint8")),
        ],
        "mgrid": lambda: list(T.mgrid[0:2, 0:3]) + list(T.mgrid[0:1:0.5, 1:3]),
        "ogrid": lambda: list(T.ogrid[0:2, 0:3]),
        "diag": lambda: [
            T.diag(an("float32", (3,))),
            T.diag(an("float32", (3, 4)), 1),
            T.diag(an("int8", (3, 3)), -1),
        ],
        "diagonal": lambda: [
            T.diagonal(an("float32", (3, 4))),
            T.diagonal(an(*x), 1, 0, 2),
            an(*x).diagonal(-1, 1, 2),
        ],
        "trace": lambda: [an("float32", (3, 4)).trace(), an("int8", (3, 3)).trace()],
        "fill_diagonal": lambda: [
            T.fill_diagonal(an("float32", (3, 4)), 2.5),
            T.fill_diagonal(an("int8", (3, 3)), 7),
        ],
        "fill_diagonal 300 in int8": lambda: T.fill_diagonal(an("int8", (3, 3)), 300),
        "fill_diagonal_offset": lambda: [
            T.fill_diagonal_offset(an("float32", (3, 4)), 2.5, k) for k in (-1, 0, 2)
        ],
        "nonzero": lambda: (
            list(T.nonzero(an("int8", (3, 4))))
            + [T.flatnonzero(an("int8", (3, 4))), T.nonzero_values(an("int8", (3, 4)))]
        ),
        "nonzero matrix": lambda: T.nonzero(an("float32", (3, 4)) > 0, return_matrix=True),
        "x.nonzero": lambda: (
            list(an("int8", (3, 4)).nonzero()) + [an("int8", (3, 4)).nonzero_values()]
        ),
        "nonzero of a scalar": lambda: T.nonzero(an("int8", ())),
        "choose": lambda: [
            T.choose(index("int64", 0, 1, 1), [an("float32", (3,)), an("float32", (3,), 2)]),
            index("int64", 1, 0).choose([an("int8", (2,)), an("int8", (2,), 2)]),
        ],
        "choose wrap": lambda: T.choose(
            index("int64", 0, 5, -1), an("float32", (2, 3)), mode="wrap"
        ),
        "choose clip": lambda: T.choose(
            index("int64", 0, 5, -1), an("float32", (2, 3)), mode="clip"
        ),
        "choose raise": lambda: T.choose(index("int64", 0, 5, -1), an("float32", (2, 3))),
        "permute_row_elements": lambda: [
            T.permute_row_elements(an("float32", (2, 3)), index("int64", 2, 0, 1)),
            T.permute_row_elements(
                an("float32", (2, 3)), given(np.array([[1, 0, 2], [2, 1, 0]])), inverse=True
            ),
        ],
        "inverse_permutation": lambda: T.inverse_permutation(index("int64", 2, 0, 1)),
        "unravel_index": lambda: (
            list(T.unravel_index(index("int64", 5, 2), (3, 4)))
            + list(T.unravel_index(300, (20, 20), order="F"))
        ),
        "unravel_index wrong": lambda: T.unravel_index(index("int64", 50), (3, 4)),
        "ravel_multi_index": lambda: [
            T.ravel_multi_index((index("int64", 1, 2), index("int64", 3, 0)), (3, 4)),
            T.ravel_multi_index(
                (index("int64", 9), index("int64", 9)), (3, 4), mode="clip", order="F"
            ),
        ],
        "to_one_hot": lambda: [
            extra_ops.to_one_hot(index("int32", 0, 2), 3),
            extra_ops.to_one_hot(index("int64", 1), 3, dtype="int8"),
        ],
        "bartlett": lambda: [T.bartlett(5), T.bartlett(1), extra_ops.bartlett(0)],
        "Ops of extra_ops": lambda: [
            extra_ops.bartlett_(T.constant(5)),
            extra_ops.fill_diagonal_(an("float64", (3, 3)), T.constant(2.5)),
            extra_ops.fill_diagonal_offset_(an("float64", (3, 3)), T.constant(2.5), T.constant(1)),
        ],
        "cpu_contiguous": lambda: extra_ops.cpu_contiguous(an(*x).T),
        "transfer": lambda: [
            T.transfer(an("float32", (3,)), "cpu"),
            an("float32", (3,)).transfer("cpu"),
        ],
        "scalar_from_tensor": lambda: T.tensor_from_scalar(T.scalar_from_tensor(an("float32", ()))),
        "get_scalar_constant_value": lambda: [
            T.get_scalar_constant_value(T.constant(300) * 1),
            T.extract_constant(T.constant(300)),
            T.as_int_none_variable(3),
        ],
        "get_scalar_constant_value of x": lambda: T.get_scalar_constant_value(an("float32", ())),
        "x.get_scalar_constant_value": lambda: T.constant(2.5).get_scalar_constant_value(),
        "get_vector_length": lambda: [
            T.get_vector_length(an(*x).shape),
            T.get_vector_length(T.stack([1, 2])),
        ],
        "default": lambda: T.default(an("float32", ()), 3),
        "numpy_scalar": lambda: T.numpy_scalar(np.float32(0.5)),
        "make_slice": lambda: str(T.make_slice(1, 2, None).type),
        "get_canonical_form_slice": lambda: [
            T.as_tensor_variable(v)
            for v in T.get_canonical_form_slice(slice(-300, None), scalar(7))[:1][0].__reduce__()[1]
        ],
        "get_idx_list": lambda: str(T.get_idx_list((an(*x), 1), (0,))),
        "makeKeepDims": lambda: T.makeKeepDims(an(*x), an(*x).sum(1), 1),
        "iteration": lambda: list(T.stack([1, 2])),
        "iteration of x": lambda: list(an("float32", (3,))),
        "len": lambda: len(an("float32", (3,))),
        "bool": lambda: bool(an("float32", ())),
        "x in a condition": lambda: 1 if an("float32", ()) > 1 else 2,
        "advanced_subtensor1": lambda: T.advanced_subtensor1(an(*x), index("int64", 2, 0)),
        "advanced_subtensor": lambda: T.advanced_subtensor(
            an(*x), index("int64", 2, 0), index("int64", 1, 1)
        ),
        "advanced_boolean_subtensor": lambda: T.advanced_boolean_subtensor(
            an(*x), an("bool", (3, 4))
        ),
        "advanced_inc_subtensor": lambda: T.advanced_inc_subtensor(
            an(*x), an("float64", (2, 2), 5), index("int64", 2, 2), index("int64", 1, 1)
        ),
        "advanced_set_subtensor": lambda: T.advanced_set_subtensor(
            an(*x), an("float64", (2, 2), 5), index("int64", 2, 0), index("int64", 1, 1)
        ),
        "advanced_inc_subtensor1": lambda: T.advanced_inc_subtensor1(
            an(*x), an("float64", (2, 4, 2), 5), index("int64", 2, 2)
        ),
        "advanced_set_subtensor1": lambda: T.advanced_set_subtensor1(
            an(*x), an("float64", (2, 4, 2), 5), index("int64", 2, 0)
        ),
        "advanced_boolean_inc_subtensor": lambda: T.advanced_boolean_inc_subtensor(
            an(*x), T.constant(1.5), an("bool", (3, 4))
        ),
        "advanced_boolean_set_subtensor": lambda: T.advanced_boolean_set_subtensor(
            an(*x), T.constant(1.5), an("bool", (3, 4))
        ),
        "join_": lambda: T.join_(0, an(*x), an(*x)),
        "power": lambda: [
            T.power(an("int8", (3,)), 2),
            T.power(2, an("int8", (3,), 1, 0, 9)),
            T.power(an("float32", (3,), 1, 0, 3), 0.5),
        ],
        "topk_and_argtopk": lambda: T.topk_and_argtopk(given(np.array([3, 1, 2], "float32")), 1),
        "make_constant": lambda: T.make_constant((1, slice(2, 300), an("int8", ())))[0],
        "alloc_validate_shape": lambda: [
            int(b) for b in T.alloc_validate_shape([2, an("int64", ())])[1]
        ],
        "alloc_validate_shape of floats": lambda: T.alloc_validate_shape([2.5]),
        "adv_index_broadcastable_pattern": lambda: [
            int(b) for b in T.adv_index_broadcastable_pattern(an(*x), [index("int64", 1, 2)])
        ],
        "check_and_reject_bool": lambda: T.check_and_reject_bool((an("bool", (3,)),)),
        "constructor": lambda: T.constructor(T.exp).__name__,
        "setdefault": lambda: T.setdefault(an("float32", ()), 3),
        "values_eq_approx_always_true": lambda: int(T.values_eq_approx_always_true(1, 2)),
        "min_informative_str": lambda: T.min_informative_str(an("float32", ()) + 1),
        "hashtype": lambda: int(T.hashtype(an("float32", ())) == T.hashtype(an("float32", ()))),
        "inc_code": lambda: len(T.inc_code()),
        "none_type_t, slicetype": lambda: [
            str(theano.tensor.NoneConst.type),
            str(T.slicetype),
            str(T.none_type_t),
            str(T.int32_t),
            str(T.int32),
        ],
        "load": lambda: T.load("no such file", "float32", (False,), mmap_mode=None).type.dtype,
        "pprint": lambda: T.pprint(an("float32", ()) * 2 + 1),
        "check_and_normalize_axes": lambda: T.check_and_normalize_axes(an(*x), -1),
        "as_index_variable": lambda: T.as_index_variable(2),
    }.items():
        yield Case(
            name,
            make,
            gradient=name in GRADIENTS,
            alone=name.split()[-1] in ("wrong", "raise", "negative", "broadcast", "x"),
            c=False,
        )
    for dtype in DTYPES:
        yield Case(
            f"shapes of {dtype}",
            lambda d=dtype: [
                T.zeros((2,), d),
                T.eye(2, dtype=d),
                T.tri(2, dtype=d),
                T.diag(an(d, (2,))),
                T.alloc(an(d, ()), 2),
                T.tile(an(d, (2,)), 2),
                T.roll(an(d, (3,)), 1),
                an(d, (3,)).repeat(2),
                T.fill_diagonal(an(d, (2, 2)), 1),
            ],
            c=False,
        )
    for dtype in ("int8", "float32", "float64", "uint8", "complex64"):
        for make in KINDS:
            yield Case(
                f"T.{make}({dtype})",
                lambda m=make, d=dtype: "{}".format(getattr(T, m)("n", d).type),
                c=False,
            )
    for make in KINDS:
        yield Case(f"T.{make}()", lambda m=make: f"{getattr(T, m)().type}", c=False)
    yield Case("T.tensor", lambda: "{}".format(T.tensor("int8", (True, False)).type))
    for letter in "bwilfdcz":
        for kind in KINDS:
            yield Case(
                f"T.{letter}{kind}",
                lambda n=letter + kind: f"{getattr(T, n)().type}",
                c=False,
            )
    for plural in [
        "scalars",
        "vectors",
        "matrices",
        "rows",
        "cols",
        "tensor3s",
        "tensor4s",
        "tensor5s",
        "tensor6s",
        "tensor7s",
    ]:
        for letter in ["", "i", "l", "f", "d"]:
            yield Case(
                f"T.{letter}{plural}",
                lambda n=letter + plural: (
                    [f"{v.type}" for v in getattr(T, n)("a", "b")] + [len(getattr(T, n)(2))]
                ),
                c=False,
            )


GRADIENTS = [
    "alloc",
    "fill_diagonal",
    "fill_diagonal_offset",
    "diag",
    "diagonal",
    "trace",
    "permute_row_elements",
    "choose",
]
GRADIENTS += [
    "tile 2",
    "tri tril triu",
    "fill",
    "specify_shape",
    "unbroadcast",
    "addbroadcast",
    "cpu_contiguous",
]
GRADIENTS += ["to_one_hot", "scalar_from_tensor", "nonzero"]

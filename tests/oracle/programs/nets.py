"""theano.tensor.nnet and .signal: convolutions of all kinds, pools, softmax, losses."""

import numpy as np
import theano
import theano.tensor
import theano.tensor.nnet
import theano.tensor.nnet.bn
import theano.tensor.nnet.conv
import theano.tensor.nnet.neighbours
import theano.tensor.signal.conv
import theano.tensor.signal.pool
from cases import Case, Namespace, an, given

nnet = Namespace(theano.tensor.nnet, "tensor.nnet")
bn = Namespace(theano.tensor.nnet.bn, "tensor.nnet.bn")
conv = Namespace(theano.tensor.nnet.conv, "tensor.nnet.conv")
neighbours = Namespace(theano.tensor.nnet.neighbours, "tensor.nnet.neighbours")
signal_conv = Namespace(theano.tensor.signal.conv, "tensor.signal.conv")
pool = Namespace(theano.tensor.signal.pool, "tensor.signal.pool")
T = Namespace(theano.tensor, "tensor")


def near(name, build, gradient=True, ulps=64, **more):
    return Case(name, build, gradient, ulps=ulps, whole=True, c=more.pop("c", False), **more)


def image(dtype="float32", shape=(2, 2, 6, 5)):
    return an(dtype, shape, 1)


def filters(dtype="float32", shape=(3, 2, 3, 2)):
    return an(dtype, shape, 2)


def cases():
    modes = ["valid", "full", "half", 0, 1, (1, 2), "same", -1]
    for mode in modes:
        c = False if mode in ("same", -1) else "only"
        yield near(
            f"conv2d {mode}",
            lambda m=mode: nnet.conv2d(image(), filters(), border_mode=m),
            c=c,
        )
        yield near(
            f"legacy conv2d {mode}",
            lambda m=mode: conv.conv2d(image(), filters(), border_mode=m),
            c="always" if mode in ("valid", "full") else False,
        )
        yield near(
            f"signal conv2d {mode}",
            lambda m=mode: signal_conv.conv2d(
                an("float32", (6, 5)), an("float32", (3, 2), 2), border_mode=m
            ),
        )
    for name, arguments in {
        "not flipped": {"filter_flip": False},
        "strides": {"subsample": (2, 1), "border_mode": "full"},
        "dilated": {"filter_dilation": (2, 1)},
        "strides, padded, not flipped": {
            "subsample": (2, 2),
            "border_mode": (1, 0),
            "filter_flip": False,
        },
    }.items():
        yield near(
            f"conv2d {name}", lambda a=arguments: nnet.conv2d(image(), filters(), **a), c="only"
        )
    yield near(
        "conv2d float64", lambda: nnet.conv2d(image("float64"), filters("float64")), c="only"
    )
    yield near(
        "conv3d",
        lambda: nnet.conv3d(image("float64", (1, 2, 4, 3, 3)), filters("float64", (2, 2, 2, 2, 2))),
        c="only",
    )
    yield near(
        "conv2d mixed dtypes", lambda: nnet.conv2d(image("float32"), filters("float64")), c="only"
    )
    yield near("conv2d ints", lambda: nnet.conv2d(image("int8"), filters("int8")), c="only")
    yield near(
        "conv2d of shapes given",
        lambda: nnet.conv2d(
            image(), filters(), input_shape=(2, 2, 6, 5), filter_shape=(3, 2, 3, 2)
        ),
        c="only",
    )
    yield near(
        "conv2d of wrong shapes",
        lambda: nnet.conv2d(image(), filters(), input_shape=(2, 2, 6, 6)),
        alone=True,
        c="only",
    )
    yield near(
        "conv2d groups",
        lambda: nnet.conv2d(image(shape=(2, 4, 5, 4)), filters(shape=(4, 2, 2, 2)), num_groups=2),
        c="only",
    )
    yield near(
        "conv2d unshared",
        lambda: nnet.conv2d(
            image(shape=(2, 2, 4, 3)), filters(shape=(3, 3, 2, 2, 2, 2)), unshared=True
        ),
        c="only",
    )
    yield near(
        "conv2d channels wrong",
        lambda: nnet.conv2d(image(), filters(shape=(3, 4, 2, 2))),
        alone=True,
        c="only",
    )
    yield near(
        "conv2d filter too large",
        lambda: nnet.conv2d(image(shape=(1, 2, 2, 2)), filters()),
        alone=True,
        c="only",
    )
    yield near("conv2d of a matrix", lambda: nnet.conv2d(an("float32", (3, 3)), filters()))
    yield near(
        "conv2d image_shape",
        lambda: nnet.conv2d(image(), filters(), image_shape=(2, 2, 6, 5)),
        c="only",
    )
    yield near("abstract_conv2d", lambda: nnet.abstract_conv2d(image(), filters()), c="only")
    yield near(
        "separable_conv2d",
        lambda: nnet.separable_conv2d(
            image(), filters(shape=(4, 1, 2, 2)), filters(shape=(3, 4, 1, 1)), num_channels=2
        ),
        c="only",
    )
    yield near(
        "conv2d_transpose",
        lambda: nnet.conv2d_transpose(
            image(shape=(2, 3, 3, 2)),
            filters(),
            output_shape=(2, 2, 7, 5),
            border_mode=(0, 0),
            input_dilation=(2, 2),
        ),
        alone=True,
        c="only",
    )
    yield near(
        "conv2d_transpose plain",
        lambda: nnet.conv2d_transpose(
            image(shape=(2, 3, 3, 2)), filters(), output_shape=(2, 2, 5, 3)
        ),
        c="only",
    )
    yield near(
        "conv2d_grad_wrt_inputs",
        lambda: nnet.conv2d_grad_wrt_inputs(
            image(shape=(2, 3, 4, 4)), filters(), input_shape=(2, 2, 6, 5)
        ),
        c="only",
    )
    yield near(
        "legacy conv2d of shapes",
        lambda: conv.conv2d(
            image(),
            filters(),
            image_shape=(2, 2, 6, 5),
            filter_shape=(3, 2, 3, 2),
            subsample=(2, 2),
        ),
        c="always",
    )
    yield near(
        "signal conv2d of stacks",
        lambda: signal_conv.conv2d(an("float64", (2, 6, 5)), an("float64", (3, 3, 2), 2)),
    )
    x = ("float32", (2, 2, 5, 6), 3)
    for mode in ("max", "sum", "average_inc_pad", "average_exc_pad", "other"):
        for border in (True, False):
            for stride in (None, (1, 1), (2, 3)):
                yield near(
                    f"pool {mode} {border} {stride}",
                    lambda m=mode, b=border, s=stride: pool.pool_2d(
                        an(*x), (2, 2), ignore_border=b, stride=s, mode=m
                    ),
                    alone=mode == "other",
                    c="always" if border and stride is None and mode != "other" else False,
                )
        yield near(
            f"pool {mode} padded",
            lambda m=mode: pool.pool_2d(an(*x), (3, 3), ignore_border=True, pad=(1, 1), mode=m),
            alone=mode == "other",
        )
        yield near(
            f"pool_3d {mode}",
            lambda m=mode: pool.pool_3d(
                an("float64", (2, 4, 5, 3)), (2, 2, 2), ignore_border=True, mode=m
            ),
            alone=mode == "other",
        )
    ties = given(np.array([[[[1, 1, 0, 0], [1, 1, 0, -0.0], [2, 2, 3, 3]]]], "float32"))
    yield near("pool of ties", lambda: pool.pool_2d(ties, (2, 2), ignore_border=False), c="always")
    yield near(
        "pool of ints", lambda: pool.pool_2d(an("int8", (1, 1, 4, 4)), (2, 2), ignore_border=True)
    )
    yield near(
        "pool of a matrix", lambda: pool.pool_2d(an("float32", (4, 5)), (2, 2), ignore_border=True)
    )
    yield near(
        "pool of a vector", lambda: pool.pool_2d(an("float32", (4,)), (2, 2), ignore_border=True)
    )
    yield near(
        "pool by name ds, st",
        lambda: pool.pool_2d(an(*x), ds=(2, 2), st=(1, 2), padding=(1, 1), ignore_border=True),
    )
    yield near(
        "pool window too large",
        lambda: pool.pool_2d(an(*x), (9, 9), ignore_border=True),
        alone=True,
    )
    yield near(
        "pool pad too large",
        lambda: pool.pool_2d(an(*x), (2, 2), ignore_border=True, pad=(2, 2)),
        alone=True,
    )
    yield near(
        "max_pool_2d_same_size",
        lambda: pool.max_pool_2d_same_size(an("float32", (1, 1, 4, 6)), (2, 2)),
    )
    yield near(
        "second gradient of a pool",
        lambda: T.grad(
            T.sqr(
                T.grad(T.sqr(pool.pool_2d(an(*x), (2, 2), ignore_border=True)).sum(), an(*x))
            ).sum(),
            an(*x),
        ),
    )
    for name in ("softmax", "logsoftmax", "softmax_graph", "softmax_op", "logsoftmax_op"):
        for dtype in ("float32", "float64", "float16", "int8"):
            yield near(
                f"{name} {dtype}",
                lambda n=name, d=dtype: getattr(nnet, n)(an(d, (3, 4))),
                c="always" if dtype == "float32" else False,
            )
        for shape in ((4,), (2, 3, 4), (0, 3), (3, 0)):
            yield near(
                f"{name} {shape}",
                lambda n=name, s=shape: getattr(nnet, n)(an("float32", s)),
                alone=True,
            )
        yield near(
            f"{name} of large",
            lambda n=name: getattr(nnet, n)(
                given(
                    np.array(
                        [[1000, 0, -1000], [3e38, 1, 2], [-np.inf, 0, 1], [np.nan, 1, 2]], "float32"
                    )
                )
            ),
            gradient=False,
            c="always",
        )
    yield near(
        "softmax_with_bias",
        lambda: nnet.softmax_with_bias(an("float32", (3, 4)), an("float32", (4,))),
        c="always",
    )
    y = given(np.array([1, 0, 3]))
    yield near(
        "crossentropy_softmax_1hot",
        lambda: nnet.crossentropy_softmax_1hot(an("float32", (3, 4)), y),
    )
    yield near(
        "crossentropy_softmax_1hot_with_bias",
        lambda: nnet.crossentropy_softmax_1hot_with_bias(
            an("float32", (3, 4)), an("float32", (4,)), y
        ),
    )
    yield near(
        "crossentropy_softmax_max_and_argmax_1hot",
        lambda: list(nnet.crossentropy_softmax_max_and_argmax_1hot(an("float32", (3, 4)), y)),
    )
    yield near(
        "crossentropy_softmax_max_and_argmax_1hot_with_bias",
        lambda: list(
            nnet.crossentropy_softmax_max_and_argmax_1hot_with_bias(
                an("float32", (3, 4)), an("float32", (4,)), y
            )
        ),
    )
    yield near(
        "crossentropy_softmax_argmax_1hot_with_bias",
        lambda: list(
            nnet.crossentropy_softmax_argmax_1hot_with_bias(
                an("float32", (3, 4)), an("float32", (4,)), y
            )
        ),
        c="always",
    )
    yield near(
        "crossentropy_softmax_1hot_with_bias_dx",
        lambda: nnet.crossentropy_softmax_1hot_with_bias_dx(
            an("float32", (3,)), nnet.softmax(an("float32", (3, 4))), y
        ),
        gradient=False,
    )
    p = ("float32", (3, 4), 5, 0.1, 0.9)
    yield near(
        "crossentropy_categorical_1hot", lambda: nnet.crossentropy_categorical_1hot(an(*p), y)
    )
    yield near(
        "crossentropy_categorical_1hot_grad",
        lambda: nnet.crossentropy_categorical_1hot_grad(an("float32", (3,)), an(*p), y),
        gradient=False,
    )
    yield near(
        "categorical_crossentropy of classes",
        lambda: nnet.categorical_crossentropy(an(*p), y),
        c="always",
    )
    for dtype in ("int8", "int32", "uint8", "int64"):
        yield near(
            f"categorical_crossentropy {dtype}",
            lambda d=dtype: nnet.categorical_crossentropy(
                nnet.softmax(an("float32", (3, 4))), given(np.array([1, 0, 3], d))
            ),
        )
    yield near(
        "categorical_crossentropy out of range",
        lambda: nnet.categorical_crossentropy(an(*p), given(np.array([1, 0, 4]))),
        alone=True,
    )
    yield near(
        "categorical_crossentropy of rows",
        lambda: nnet.categorical_crossentropy(an(*p), an("float32", (3, 4), 6, 0, 1)),
    )
    yield near(
        "categorical_crossentropy of a vector",
        lambda: nnet.categorical_crossentropy(an("float32", (3,)), y),
    )
    yield near(
        "binary_crossentropy",
        lambda: nnet.binary_crossentropy(an(*p), an("float32", (3, 4), 6, 0, 1)),
        c="always",
    )
    yield near(
        "binary_crossentropy of ints",
        lambda: nnet.binary_crossentropy(an(*p), an("int8", (3, 4), 6, 0, 2)),
    )
    yield near(
        "sigmoid_binary_crossentropy",
        lambda: nnet.sigmoid_binary_crossentropy(
            an("float32", (3, 4)), an("float32", (3, 4), 6, 0, 1)
        ),
        c="always",
    )
    yield near(
        "softmax and logs",
        lambda: T.log(nnet.softmax(an("float32", (3, 4))))[T.arange(3), y],
        c="always",
    )
    yield near(
        "softmax_grad",
        lambda: nnet.softmax_grad(an("float32", (3, 4)), nnet.softmax(an("float32", (3, 4)))),
        gradient=False,
    )
    yield near(
        "h_softmax",
        lambda: nnet.h_softmax(
            an("float32", (3, 4)),
            3,
            4,
            2,
            2,
            an("float32", (4, 2), 2),
            an("float32", (2,), 3),
            an("float32", (2, 4, 2), 4),
            an("float32", (2, 2), 5),
            given(np.array([0, 3, 2])),
        ),
    )
    yield near(
        "h_softmax of all",
        lambda: nnet.h_softmax(
            an("float32", (3, 4)),
            3,
            3,
            2,
            2,
            an("float32", (4, 2), 2),
            an("float32", (2,), 3),
            an("float32", (2, 4, 2), 4),
            an("float32", (2, 2), 5),
        ),
    )
    yield near(
        "confusion_matrix",
        lambda: list(
            nnet.confusion_matrix(given(np.array([0, 1, 2, 1])), given(np.array([0, 2, 2, 1])))
        ),
        gradient=False,
    )
    yield near(
        "prepend",
        lambda: [
            nnet.prepend_0_to_each_row(an("float64", (2, 3))),
            nnet.prepend_1_to_each_row(an("float64", (2, 3))),
            nnet.prepend_scalar_to_each_row(an("float64", ()), an("float64", (2, 3))),
        ],
        gradient=False,
    )
    g, b = an("float32", (2,), 7, 0.5, 2), an("float32", (2,), 8)
    m, v = an("float32", (2,), 9), an("float32", (2,), 10, 0.5, 2)
    z = an("float32", (4, 2, 3, 2), 11)
    for axes in ("per-activation", "spatial"):

        def shaped(vector, axes=axes):
            if axes == "spatial":
                return vector.dimshuffle("x", 0, "x", "x")
            return T.alloc(vector.dimshuffle("x", 0, "x", "x"), 1, 2, 3, 2)

        yield near(
            f"batch_normalization_train {axes}",
            lambda a=axes, s=shaped: [
                T.exp(r) for r in bn.batch_normalization_train(z, s(g), s(b), axes=a)
            ],
            ulps=1024,
        )
        yield near(
            f"batch_normalization_train running {axes}",
            lambda a=axes, s=shaped: list(
                bn.batch_normalization_train(z, s(g), s(b), a, 1e-3, 0.2, s(m), s(v))
            ),
            ulps=512,
            gradient=False,
        )
        yield near(
            f"batch_normalization_test {axes}",
            lambda a=axes, s=shaped: bn.batch_normalization_test(z, s(g), s(b), s(m), s(v), axes=a),
            ulps=512,
        )
    yield near(
        "batch_normalization",
        lambda: [
            nnet.batch_normalization(
                an("float32", (3, 4)),
                an("float32", (4,)),
                an("float32", (4,), 2),
                an("float32", (4,), 3),
                an("float32", (4,), 4, 1, 2),
                mode=m,
            )
            for m in ("low_mem", "high_mem")
        ],
        ulps=256,
    )
    for mode in ("valid", "ignore_borders", "wrap_centered", "half", "full"):
        yield near(
            f"images2neibs {mode}",
            lambda m=mode: neighbours.images2neibs(
                an("float32", (1, 2, 6, 6)), (3, 3), (3, 3), mode=m
            ),
            alone=True,
        )
    yield near(
        "neibs2images",
        lambda: neighbours.neibs2images(
            neighbours.images2neibs(an("float32", (1, 2, 4, 4)), (2, 2)), (2, 2), (1, 2, 4, 4)
        ),
    )
    yield near(
        "bilinear_upsampling",
        lambda: theano.tensor.nnet.abstract_conv.bilinear_upsampling(
            an("float32", (1, 2, 3, 3)), 2, batch_size=1, num_input_channels=2
        ),
        c="only",
    )

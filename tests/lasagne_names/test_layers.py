"""lasagne.layers, but the recurrent ones and those for GPUs: outputs against NumPy."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers, nonlinearities
from lasagne.layers import InputLayer, get_output

from tests.lasagne_names.catalogue import MASTER, MODE, close, compute, draw, runs
from tests.numpy_layers import conv, pool

X = draw(3, 5)
IMAGES = draw(2, 3, 7, 6)
ROWS = draw(2, 3, 8)
identity = nonlinearities.identity


def rectified(z):
    return np.maximum(z, 0)


def check(made, x, wanted, shape=None):
    """Compare the layers that ``made(InputLayer)`` returns with arrays."""
    incoming = InputLayer(x.shape if shape is None else shape)
    found = made(incoming)
    got = compute([get_output(layer) for layer in found], {incoming.input_var: x})
    for layer, y, want in zip(found, got, wanted, strict=True):
        assert y.dtype == np.float32
        close(y, want, rtol=1e-4, atol=1e-4)
        for n, m in zip(layer.output_shape, y.shape, strict=True):
            assert n is None or n == m


@runs("lasagne.layers", "DenseLayer NonlinearityLayer NINLayer")
def test_dense():
    W, b = draw(5, 4), draw(4, seed=1)
    V, c = draw(3, 2, seed=2), draw(2, 7, 6, seed=3)
    check(
        lambda incoming: [
            layers.DenseLayer(incoming, 4, W=W, b=b),
            layers.DenseLayer(incoming, 4, W=W, b=None, nonlinearity=nonlinearities.tanh),
            layers.DenseLayer(incoming, 4, W=W, b=b, nonlinearity=None),
            layers.NonlinearityLayer(incoming, nonlinearities.tanh),
            layers.NonlinearityLayer(incoming, None),
        ],
        X,
        [rectified(X @ W + b), np.tanh(X @ W), X @ W + b, np.tanh(X), X],
    )
    nin = np.einsum("bcij,cf->bfij", IMAGES, V)
    check(
        lambda incoming: [
            layers.NINLayer(incoming, 2, W=V, b=c[:, 0, 0]),
            layers.NINLayer(incoming, 2, untie_biases=True, W=V, b=c, nonlinearity=None),
            layers.NINLayer(incoming, 2, W=V, b=None),
            layers.DenseLayer(incoming, 1, W=np.ones((126, 1), "float32"), nonlinearity=None),
        ],
        IMAGES,
        [
            rectified(nin + c[:, :1, :1]), nin + c, rectified(nin),
            IMAGES.sum((1, 2, 3)).reshape(2, 1),
        ],
        (None, 3, 7, 6),
    )  # fmt: skip


@runs("lasagne.layers", "Conv2DLayer conv_output_length")
@pytest.mark.parametrize("untie", [False, True])
def test_convolutions(untie):
    settings = [
        {"filter_size": 3},
        {"filter_size": (2, 3), "stride": (2, 1), "pad": (1, 0)},
        {"filter_size": (3, 5), "pad": "same"},
        {"filter_size": (2, 4), "pad": "same"},
        {"filter_size": 3, "pad": "full", "stride": 2},
        {"filter_size": 3, "pad": 2, "b": None},
        {"filter_size": 3, "pad": "valid", "nonlinearity": None},
        {"filter_size": 3, "pad": "same", "stride": 2},
    ]
    pads = [0, (1, 0), (1, 2), None, "full", 2, 0, 1]
    if MASTER:  # it refuses "same" with even filters
        del settings[3], pads[3]
    filters, biases = [], []

    def made(incoming):
        found = []
        for i, s in enumerate(settings):
            size = lasagne.utils.as_tuple(s["filter_size"], 2)
            W = draw(4, 3, *size, seed=i)
            free = layers.Conv2DLayer(
                incoming, 4, W=W, b=None, **{k: v for k, v in s.items() if k != "b"}
            )
            b = draw(4, *(free.output_shape[2:] if untie else ()), seed=i + 10)
            filters.append(W)
            biases.append(b)
            found.append(
                layers.Conv2DLayer(incoming, 4, untie_biases=untie, **({"W": W, "b": b} | s))
            )
        return found

    wanted = []
    probe = InputLayer(IMAGES.shape)
    made(probe)
    for s, pads_, W, b in zip(settings, pads, filters, biases, strict=True):
        if pads_ is None:  # same with even filters: the full convolution, cropped
            z = conv(IMAGES, W, "full")
            top, left = ((n - 1) // 2 for n in W.shape[2:])
            z = z[:, :, top : top + 7, left : left + 6]
        else:
            z = conv(IMAGES, W, pads_, lasagne.utils.as_tuple(s.get("stride", 1), 2))
        if s.get("b", 0) is not None:
            z = z + (b if untie else b[:, None, None])
        wanted.append(z if "nonlinearity" in s else rectified(z))
    check(made, IMAGES, wanted, (None, 3, 7, 6))
    length = layers.conv.conv_output_length
    assert [length(9, 3, 2, p) for p in ("valid", "full", "same", 1)] == [4, 6, 5, 5]
    assert length(None, 3, 1, 0) is None


@runs("lasagne.layers", "Conv1DLayer")
@runs(
    "lasagne.theano_extensions.conv",
    "conv1d_sc conv1d_mc0 conv1d_mc1 conv1d_unstrided conv1d_sd conv1d_md",
)
def test_convolutions_of_one_axis():
    from lasagne.theano_extensions import conv as extensions

    W, b = draw(4, 3, 3), draw(4, seed=1)
    check(
        lambda incoming: [
            layers.Conv1DLayer(incoming, 4, 3, W=W, b=b),
            layers.Conv1DLayer(incoming, 4, 3, stride=2, pad=1, W=W, b=b),
            layers.Conv1DLayer(incoming, 4, 3, pad="same", W=W, b=draw(4, 8), untie_biases=True),
            layers.Conv1DLayer(incoming, 4, 3, pad="full", W=W, b=None),
        ],
        ROWS,
        [
            rectified(conv(ROWS, W) + b[:, None]),
            rectified(conv(ROWS, W, 1, 2) + b[:, None]),
            rectified(conv(ROWS, W, 1) + draw(4, 8)),
            rectified(conv(ROWS, W, "full")),
        ],
    )
    x, w = T.constant(ROWS), T.constant(W)
    shapes = {"image_shape": ROWS.shape, "filter_shape": W.shape}
    functions = [
        extensions.conv1d_sc, extensions.conv1d_mc0, extensions.conv1d_mc1, extensions.conv1d_md,
    ]  # fmt: skip
    outputs = [f(x, w, **shapes) for f in functions]
    outputs += [f(x, w, subsample=(3,), **shapes) for f in functions[:3]]
    outputs.append(extensions.conv1d_mc0(x, w, border_mode="full", **shapes))
    # conv1d_unstrided and conv1d_sd cut the input into pieces of a stride that fits.
    even = T.constant(draw(4, 3, 4))
    whole = {"image_shape": ROWS.shape, "filter_shape": (4, 3, 4)}
    outputs.append(extensions.conv1d_sd(x, even, subsample=(2,), **whole))
    outputs.append(extensions.conv1d_md(x, even, subsample=(2,), **whole))
    outputs.append(
        extensions.conv1d_unstrided(
            x, even, subsample=(4,), implementation=extensions.conv1d_sc, **whole
        )
    )
    got = theano.function([], outputs, mode=MODE)()
    wanted = [conv(ROWS, W)] * 4 + [conv(ROWS, W, 0, 3)] * 3 + [conv(ROWS, W, "full")]
    big = draw(4, 3, 4)
    wanted += [conv(ROWS, big, 0, 2)] * 2 + [conv(ROWS, big, 0, 4)]
    for y, want in zip(got, wanted, strict=True):
        close(y, want, atol=1e-4)


@runs("lasagne.layers", "MaxPool1DLayer Pool2DLayer MaxPool2DLayer pool_output_length")
def test_pools():
    settings = [
        {"pool_size": 2},
        {"pool_size": (3, 2), "stride": (2, 1)},
        {"pool_size": 2, "ignore_border": False},
        {"pool_size": 3, "stride": 2, "ignore_border": False},
        {"pool_size": 3, "stride": 2, "pad": 1},
    ]
    tuples = [
        {k: lasagne.utils.as_tuple(v, 2) if k != "ignore_border" else v for k, v in s.items()}
        for s in settings
    ]
    modes = ("max", "average_inc_pad", "average_exc_pad")
    # With a partial window at the border Theano's average counts what is there, in both modes.
    check(
        lambda incoming: [
            *(layers.MaxPool2DLayer(incoming, **s) for s in settings),
            *(layers.Pool2DLayer(incoming, mode=m, **settings[i]) for m in modes for i in (1, 4)),
        ],
        IMAGES,
        [
            *(pool(IMAGES, t.pop("pool_size"), **t) for t in map(dict, tuples)),
            *(
                pool(IMAGES, tuples[i]["pool_size"], tuples[i]["stride"], tuples[i].get("pad", 0),
                     mode=m)
                for m in modes
                for i in (1, 4)
            ),
        ],
        (None, 3, 7, 6),
    )  # fmt: skip
    check(
        lambda incoming: [
            layers.MaxPool1DLayer(incoming, 3),
            layers.MaxPool1DLayer(incoming, 3, stride=2, ignore_border=False),
            layers.MaxPool1DLayer(incoming, 3, stride=2, pad=1),
        ],
        ROWS,
        [
            pool(ROWS, (3,)), pool(ROWS, (3,), (2,), ignore_border=False),
            pool(ROWS, (3,), (2,), 1),
        ],
    )  # fmt: skip
    length = layers.pool.pool_output_length
    for n in range(3, 9):
        for size, stride, pad_, border in ((2, 2, 0, True), (3, 2, 1, True), (3, 2, 0, False),
                                           (2, 3, 0, False)):  # fmt: skip
            want = pool(np.zeros((1, n)), (size,), (stride,), pad_, border).shape[-1]
            assert length(n, size, stride, pad_, border) == want
    assert length(None, 2, 2, 0, True) is None


@runs("lasagne.layers", "FeaturePoolLayer FeatureWTALayer GlobalPoolLayer")
def test_pools_of_features():
    x = draw(2, 6, 4)
    blocks = x.reshape(2, 2, 3, 4)
    winners = blocks == blocks.max(2, keepdims=True)
    columns = x.reshape(2, 6, 2, 2)
    check(
        lambda incoming: [
            layers.FeaturePoolLayer(incoming, 3),
            layers.FeaturePoolLayer(incoming, 2, axis=2, pool_function=T.sum),
            layers.FeatureWTALayer(incoming, 3),
            layers.FeatureWTALayer(incoming, 2, axis=2),
            layers.GlobalPoolLayer(incoming),
            layers.GlobalPoolLayer(incoming, T.max),
        ],
        x,
        [
            blocks.max(2), columns.sum(3), (blocks * winners).reshape(x.shape),
            (columns * (columns == columns.max(3, keepdims=True))).reshape(x.shape),
            x.mean(2), x.max(2),
        ],
    )  # fmt: skip
    check(lambda incoming: [layers.GlobalPoolLayer(incoming)], IMAGES, [IMAGES.mean((2, 3))])
    for cls in (layers.FeaturePoolLayer, layers.FeatureWTALayer):
        with pytest.raises(ValueError, match="multiple"):
            cls((None, 5), 2)


@runs(
    "lasagne.layers",
    "FlattenLayer flatten ReshapeLayer reshape DimshuffleLayer dimshuffle PadLayer pad SliceLayer",
)
@runs("lasagne.theano_extensions.padding", "pad")
def test_shapes():
    from lasagne.theano_extensions import padding

    x = IMAGES
    assert layers.flatten is layers.FlattenLayer
    assert layers.reshape is layers.ReshapeLayer
    assert layers.dimshuffle is layers.DimshuffleLayer
    assert layers.pad is layers.PadLayer
    check(
        lambda incoming: [
            layers.FlattenLayer(incoming),
            layers.FlattenLayer(incoming, outdim=3),
            layers.ReshapeLayer(incoming, ([0], -1, 6)),
            layers.ReshapeLayer(incoming, (-1, 3 * 42)),
            layers.DimshuffleLayer(incoming, (2, "x", 0, 3, 1)),
            layers.PadLayer(incoming, 2),
            layers.PadLayer(incoming, ((1, 0), (0, 3)), val=1.5),
            layers.PadLayer(incoming, (1, 2, 1), batch_ndim=1),
            layers.SliceLayer(incoming, slice(1, 6, 2), axis=2),
            layers.SliceLayer(incoming, 3),
            layers.SliceLayer(incoming, slice(-2, None), axis=-1),
            layers.SliceLayer(incoming, -1, axis=1),
        ],
        x,
        [
            x.reshape(2, 126), x.reshape(2, 3, 42), x.reshape(2, 21, 6), x.reshape(2, 126),
            x.transpose(2, 0, 3, 1)[:, None], np.pad(x, [(0, 0), (0, 0), (2, 2), (2, 2)]),
            np.pad(x, [(0, 0), (0, 0), (1, 0), (0, 3)], constant_values=1.5),
            np.pad(x, [(0, 0), (1, 1), (2, 2), (1, 1)]), x[:, :, 1:6:2], x[..., 3], x[..., -2:],
            x[:, -1],
        ],
    )  # fmt: skip
    (got,) = compute([padding.pad(T.constant(X), [(1, 2)], val=-1)])
    close(got, np.pad(X, [(0, 0), (1, 2)], constant_values=-1))
    with pytest.raises(ValueError, match="-1"):
        layers.ReshapeLayer((2, 12), (-1, -1))
    with pytest.raises(ValueError, match="positive or -1"):
        layers.ReshapeLayer((2, 12), (0, 24))


@runs("lasagne.layers", "ConcatLayer concat ElemwiseMergeLayer ElemwiseSumLayer MergeLayer")
def test_merges():
    assert layers.concat is layers.ConcatLayer
    first, second = InputLayer((None, 5)), InputLayer((None, 5))
    y = draw(3, 5, seed=1)

    class Outer(layers.MergeLayer):
        def get_output_shape_for(self, shapes):
            return (shapes[0][0], shapes[0][1], shapes[1][1])

        def get_output_for(self, inputs, **kwargs):
            return inputs[0].dimshuffle(0, 1, "x") * inputs[1].dimshuffle(0, "x", 1)

    found = [
        layers.ConcatLayer([first, second]),
        layers.ConcatLayer([first, second], axis=0),
        layers.ElemwiseSumLayer([first, second]),
        layers.ElemwiseSumLayer([first, second], coeffs=[2, -0.5]),
        layers.ElemwiseMergeLayer([first, second], T.maximum),
        Outer([first, second]),
    ]
    got = compute(get_output(found), {first.input_var: X, second.input_var: y})
    for value, want in zip(
        got,
        [np.hstack([X, y]), np.vstack([X, y]), X + y, 2 * X - 0.5 * y, np.maximum(X, y),
         X[:, :, None] * y[:, None]],
        strict=True,
    ):  # fmt: skip
        close(value, want)
    assert found[0].output_shape == (None, 10)
    assert found[-1].output_shape == (None, 5, 5)
    with pytest.raises(NotImplementedError):
        layers.MergeLayer([first]).get_output_for([X])


@runs("lasagne.layers", "DropoutLayer dropout GaussianNoiseLayer")
def test_noise():
    assert layers.dropout is layers.DropoutLayer
    ones = np.ones((200, 50), "float32")
    lasagne.random.set_rng(np.random.RandomState(1))
    incoming = InputLayer((None, 50))
    found = [
        layers.DropoutLayer(incoming, p=0.3),
        layers.DropoutLayer(incoming, p=0.3, rescale=False),
        layers.DropoutLayer(InputLayer(ones.shape, incoming.input_var), p=0.5),
        layers.GaussianNoiseLayer(incoming, sigma=0.2),
    ]
    x = incoming.input_var
    off = [layers.DropoutLayer(incoming, p=0), layers.GaussianNoiseLayer(incoming, sigma=0)]
    noisy = [get_output(layer) for layer in found]
    still = [get_output(layer, deterministic=True) for layer in found]
    still += [get_output(layer) for layer in off]
    run = theano.function([x], [*noisy, *still])
    scaled, dropped, halved, noise, *rest = run(ones)
    for values, kept, p in ((scaled, 1 / 0.7, 0.3), (dropped, 1, 0.3), (halved, 2, 0.5)):
        assert set(np.unique(values)) == {0, np.float32(kept)}
        assert abs((values == 0).mean() - p) < 0.02
    assert abs(noise.mean() - 1) < 0.01
    assert abs(noise.std() - 0.2) < 0.01
    for values in rest:
        np.testing.assert_array_equal(values, ones)
    again = run(ones)
    assert (again[0] != scaled).any()
    assert (again[3] != noise).any()


@runs("lasagne.layers", "LocalResponseNormalization2DLayer")
def test_local_response_normalization():
    x = draw(2, 7, 3, 2, low=0)
    squares = np.zeros((2, 11, 3, 2))
    squares[:, 2:-2] = x**2
    want = [
        x / (2 + 1e-4 * sum(squares[:, i : i + 7] for i in range(5))) ** 0.75,
        x / (1 + 0.5 * sum(squares[:, i : i + 7] for i in (1, 2, 3))) ** 0.5,
    ]
    check(
        lambda incoming: [
            layers.LocalResponseNormalization2DLayer(incoming),
            layers.LocalResponseNormalization2DLayer(incoming, alpha=0.5, k=1, beta=0.5, n=3),
        ],
        x,
        want,
        (None, 7, 3, 2),
    )
    with pytest.raises(NotImplementedError, match="odd n"):
        layers.LocalResponseNormalization2DLayer((None, 7, 3, 2), n=4)


@runs("lasagne.layers", "EmbeddingLayer")
def test_embedding():
    W = draw(6, 4)
    index = T.imatrix()
    incoming = InputLayer((None, 3), input_var=index)
    layer = layers.EmbeddingLayer(incoming, 6, 4, W=W)
    words = np.array([[0, 5, 5], [2, 0, 1]], "int32")
    y = get_output(layer)
    value, gradient = compute([y, T.grad((y**2).sum(), layer.W)], {index: words})
    close(value, W[words])
    counts = np.bincount(words.ravel(), minlength=6)[:, None]
    close(gradient, 2 * W * counts)
    assert layer.output_shape == (None, 3, 4)


@runs("lasagne.layers", "InputLayer Layer")
def test_inputs_and_own_layers():
    incoming = InputLayer((None, 5), name="in")
    assert incoming.input_var.name == "in.input"
    assert incoming.input_var.ndim == 2
    x = T.ftensor3("x")
    assert InputLayer((2, 3, 4), input_var=x).input_var is x
    with pytest.raises(ValueError, match="shape has 2 dimensions"):
        InputLayer((2, 3), input_var=x)
    with pytest.raises(ValueError, match="non-positive"):
        layers.DenseLayer((0, 3), 2)

    class Scale(layers.Layer):
        def __init__(self, incoming, **kwargs):
            super().__init__(incoming, **kwargs)
            self.s = self.add_param(
                lasagne.init.Constant(3), (5,), name="s", trainable=True, odd=True
            )
            self.t = self.add_param(X[0], (5,), name="t", trainable=False)

        def get_output_for(self, input, double=False, **kwargs):
            return input * self.s * (2 if double else 1) + self.t

    layer = Scale(incoming, name="mine")
    assert [p.name for p in layer.get_params()] == ["mine.s", "mine.t"]
    assert layer.get_params(trainable=True) == [layer.s]
    assert layer.get_params(odd=False) == [layer.t]
    assert layer.output_shape == (None, 5)
    got = compute([get_output(layer), get_output(layer, double=True)], {incoming.input_var: X})
    close(got[0], 3 * X + X[0])
    close(got[1], 6 * X + X[0])
    with pytest.raises(NotImplementedError):
        layers.Layer(incoming).get_output_for(X)


@runs(
    "lasagne.layers",
    "get_all_layers get_output get_output_shape get_all_params count_params get_all_param_values",
    "set_all_param_values",
)
def test_helpers():
    first, other = InputLayer((None, 5)), InputLayer((None, 4))
    hidden = layers.DenseLayer(first, 4, W=draw(5, 4), b=draw(4, seed=1), nonlinearity=None)
    total = layers.ElemwiseSumLayer([hidden, other])
    top = layers.DenseLayer(total, 2, W=draw(4, 2, seed=2), b=None, nonlinearity=None)
    assert layers.get_all_layers(top) == [first, hidden, other, total, top]
    assert layers.get_all_layers([other, hidden]) == [other, first, hidden]
    assert layers.get_all_layers(top, treat_as_input=[hidden]) == [hidden, other, total, top]
    assert layers.get_all_params(top) == [hidden.W, hidden.b, top.W]
    assert layers.get_all_params(top, regularizable=True) == [hidden.W, top.W]
    assert layers.count_params(top) == 20 + 4 + 8
    assert layers.count_params(top, regularizable=False) == 4
    assert layers.get_output_shape(top) == (None, 2)
    assert layers.get_output_shape([total, top], {first: (7, 5), other: (7, 4)}) == [(7, 4), (7, 2)]
    assert layers.get_output_shape(hidden, (9, 5)) == (9, 4)

    W, b, V = values = layers.get_all_param_values(top)
    y = draw(3, 4, seed=5)
    x0, y0 = first.input_var, other.input_var
    h = T.matrix()
    got = compute(
        [
            get_output(top),
            get_output(top, {first: 2 * x0}),
            get_output(top, {hidden: h, other: 0 * y0}),
            *get_output([hidden, top]),
            get_output(hidden, X),
        ],
        {x0: X, y0: y, h: y},
    )
    hidden_value = X @ W + b
    for value, want in zip(
        got,
        [(hidden_value + y) @ V, (2 * X @ W + b + y) @ V, y @ V, hidden_value,
         (hidden_value + y) @ V, hidden_value],
        strict=True,
    ):  # fmt: skip
        close(value, want)

    layers.set_all_param_values(top, [2 * v for v in values])
    close(layers.get_all_param_values(top)[0], 2 * W)
    layers.set_all_param_values(hidden, [b], regularizable=False)
    close(hidden.b.get_value(), b)
    with pytest.raises(ValueError, match="mismatch: got 2 values to set 3 parameters"):
        layers.set_all_param_values(top, values[:2])
    with pytest.raises(ValueError, match="shape"):
        layers.set_all_param_values(top, [W.T, b, V])

"""Every feed-forward layer of Lasagne 0.1, and a BatchNormLayer, in onnxruntime and in Theano."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers, nonlinearities
from lasagne.layers import InputLayer

from tests.exported import Expression, agree, draw, session
from theano_today.errors import DataError
from theano_today.export.convert import convert
from theano_today.export.model import read_model

UNIFORM = lasagne.init.Uniform(1.0)


@pytest.fixture(autouse=True)
def seeded():
    lasagne.random.set_rng(np.random.RandomState(3))


def biased(**kwargs):
    return {"W": UNIFORM, "b": UNIFORM} | kwargs


@pytest.mark.parametrize("batch", [1, 5])
def test_dense_layers(batch):
    flat, images = InputLayer((None, 6)), InputLayer((None, 2, 3, 4))
    agree(
        [
            layers.DenseLayer(flat, 3, **biased()),
            layers.DenseLayer(flat, 3, **biased(nonlinearity=None, b=None)),
            layers.DenseLayer(images, 5, **biased()),
            layers.NINLayer(images, 3, **biased()),
            layers.NINLayer(images, 3, untie_biases=True, **biased(nonlinearity=None)),
            layers.NINLayer(images, 3, **biased(b=None)),
            layers.NonlinearityLayer(images, nonlinearities.tanh),
        ],
        draw(batch, 6),
        draw(batch, 2, 3, 4),
    )


@pytest.mark.parametrize("name", [n for n in dir(nonlinearities) if n[0].islower()])
def test_nonlinearities(name):
    function = getattr(nonlinearities, name)
    if not callable(function) or name == "theano":
        pytest.skip("no function")
    incoming = InputLayer((None, 7))
    x = np.concatenate([draw(4, 7, low=-5, high=5), np.zeros((1, 7), "float32")])
    agree([layers.NonlinearityLayer(incoming, function)], x)


CONVOLUTIONS = [
    {"filter_size": 3},
    {"filter_size": (2, 3), "stride": (2, 1), "pad": (1, 0)},
    {"filter_size": (3, 5), "pad": "same"},
    {"filter_size": (2, 4), "pad": "same"},
    {"filter_size": 3, "pad": "full", "stride": 2},
    {"filter_size": 3, "pad": 2, "b": None},
    {"filter_size": (1, 4), "pad": "valid", "nonlinearity": None},
    {"filter_size": 3, "pad": "same", "stride": 2},
    {"filter_size": 3, "pad": (1, 2), "untie_biases": True},
]


def same_filters(x, w, **kwargs):
    """A convolution that does not turn its filters."""
    kwargs["input_shape"], kwargs["filter_shape"] = (
        kwargs.pop("image_shape"),
        kwargs["filter_shape"],
    )
    return T.nnet.conv2d(x, w, filter_flip=False, **kwargs)


@pytest.mark.parametrize("convolution", [T.nnet.conv2d, same_filters])
@pytest.mark.parametrize("shape", [(None, 3, 7, 6), (4, 3, 7, 6)])
def test_convolutions(convolution, shape):
    incoming = InputLayer(shape)
    made = [
        layers.Conv2DLayer(incoming, 4, convolution=convolution, **biased(**setting))
        for setting in CONVOLUTIONS
    ]
    agree(made, draw(4, 3, 7, 6))


def test_convolutions_of_rows():
    from lasagne.theano_extensions import conv

    incoming = InputLayer((None, 3, 11))
    made = [
        layers.Conv1DLayer(incoming, 4, convolution=how, **biased(**setting))
        for how in (conv.conv1d_sc, conv.conv1d_mc0, conv.conv1d_mc1)
        for setting in (
            {"filter_size": 3},
            {"filter_size": 4, "stride": 2, "pad": 1},
            {"filter_size": 5, "pad": 2, "untie_biases": True},
            {"filter_size": 3, "stride": 2, "pad": "same"},
        )
    ]
    made += [
        layers.Conv1DLayer(incoming, 4, 3, convolution=how, pad=pad, **biased())
        for how in (conv.conv1d_mc0, conv.conv1d_mc1)
        for pad in ("same", "full")
    ]
    agree(made, draw(2, 3, 11))
    fixed = InputLayer((2, 3, 12))
    made = [
        layers.Conv1DLayer(fixed, 4, 6, stride=stride, convolution=how, **biased())
        for how in (conv.conv1d_unstrided, conv.conv1d_sd, conv.conv1d_md)
        for stride in (1, 2, 3)
    ]
    agree(made, draw(2, 3, 12))


@pytest.mark.parametrize("ignore_border", [True, False])
@pytest.mark.parametrize("mode", ["max", "average_inc_pad", "average_exc_pad", "sum"])
def test_pooling(mode, ignore_border):
    for height, width in [(7, 8), (9, 5), (4, 12)]:
        incoming = InputLayer((None, 2, height, width))
        made = []
        for size, stride, pad in [
            (2, None, 0), ((3, 2), None, 0), (3, 2, 0), (2, 3, 0), ((2, 3), (1, 2), 0), (4, 3, 0),
            (3, 2, 1), ((3, 4), None, (1, 2)),
        ]:  # fmt: skip
            if pad and not ignore_border:
                continue
            kwargs = {"stride": stride, "pad": pad, "ignore_border": ignore_border}
            made.append(layers.Pool2DLayer(incoming, size, mode=mode, **kwargs))
            if mode == "max":
                made.append(layers.MaxPool2DLayer(incoming, size, **kwargs))
        # All negative: a pad of 0 would be seen.
        agree(made, draw(3, 2, height, width, low=-2, high=-1))


def test_other_pooling():
    rows, images = InputLayer((None, 6, 11)), InputLayer((None, 6, 4, 5))
    made = [
        layers.MaxPool1DLayer(rows, size, stride=stride, pad=pad, ignore_border=border)
        for size, stride, pad, border in [
            (2, None, 0, True), (3, 2, 1, True), (3, 2, 0, False), (2, 3, 0, False),
            (4, 4, 0, False),
        ]
    ]  # fmt: skip
    made += [
        layers.FeaturePoolLayer(images, 2),
        layers.FeaturePoolLayer(images, 3, pool_function=T.mean),
        layers.FeaturePoolLayer(images, 2, axis=2, pool_function=T.sum),
        layers.FeatureWTALayer(images, 3),
        layers.FeatureWTALayer(images, 2, axis=2),
        layers.GlobalPoolLayer(images),
        layers.GlobalPoolLayer(images, pool_function=T.max),
        layers.GlobalPoolLayer(images, pool_function=T.var),
        layers.GlobalPoolLayer(rows),
    ]
    agree(made, draw(3, 6, 11), draw(3, 6, 4, 5))


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_shapes(batch):
    images = InputLayer((None, 6, 4, 5))
    made = [
        layers.FlattenLayer(images),
        layers.FlattenLayer(images, 3),
        layers.FlattenLayer(images, 1),
        layers.ReshapeLayer(images, (-1, 10)),
        layers.ReshapeLayer(images, ([0], 12, -1)),
        layers.ReshapeLayer(images, ([0], [2], [1], 5)),
        layers.ReshapeLayer(images, ([1], -1)),
        layers.DimshuffleLayer(images, (3, 0, 2, 1)),
        layers.DimshuffleLayer(images, (0, "x", 1, "x", 3, 2)),
        layers.DimshuffleLayer(layers.Pool2DLayer(images, (4, 5)), (1, 0, 2, 3)),
        layers.PadLayer(images, 2),
        layers.PadLayer(images, (1, (0, 3)), val=1.5),
        layers.PadLayer(images, (1, 2, 3), val=-1, batch_ndim=1),
        *(layers.SliceLayer(images, i, a) for i in (0, -1, 2) for a in (1, 2, -1)),
        *(
            layers.SliceLayer(images, slice(*s), a)
            for s in [
                (1, 3),
                (None, -1),
                (-2, None),
                (None, None, 2),
                (3, None, -1),
                (None, None, -1),
            ]
            for a in (1, -2, -1)
        ),
    ]
    agree(made, draw(batch, 6, 4, 5))


def test_no_rows():
    """Theano refuses to flatten a batch of 0 rows; a program that uses the file need not ask."""
    images = InputLayer((None, 2, 6, 6))
    conv = layers.MaxPool2DLayer(layers.Conv2DLayer(images, 3, 3), 2)
    made = [layers.FlattenLayer(images), layers.FlattenLayer(images, 3), layers.DenseLayer(conv, 4)]
    proto = convert(read_model(made), {})
    found = session(proto).run(None, {"input": draw(0, 2, 6, 6)})
    assert [y.shape for y in found] == [(0, 72), (0, 2, 36), (0, 4)]


def test_merging():
    one, two = InputLayer((None, 3, 4)), InputLayer((None, 2, 4))
    other = InputLayer((None, 3, 4))
    made = [
        layers.ConcatLayer([one, two]),
        layers.ConcatLayer([one, other], axis=2),
        layers.ElemwiseSumLayer([one, other]),
        layers.ElemwiseSumLayer([one, other, one], coeffs=[1, -0.5, 2]),
        layers.ElemwiseMergeLayer([one, other], T.mul),
        layers.ElemwiseMergeLayer([one, other], T.maximum),
        layers.ElemwiseMergeLayer([one, other], lambda a, b: a / (1 + b * b)),
    ]
    agree(made, draw(3, 3, 4), draw(3, 2, 4, seed=1), draw(3, 3, 4, seed=2))


@pytest.mark.parametrize("dtype", ["int32", "int64", "int16", "uint8"])
def test_embedding(dtype):
    words = InputLayer((None, 4), T.TensorType(dtype, (False, False))("words"))
    embedded = layers.EmbeddingLayer(words, 9, 5, W=UNIFORM)
    made = [embedded, layers.DenseLayer(embedded, 3, **biased())]
    agree(made, np.random.RandomState(0).randint(0, 9, (3, 4)).astype(dtype))


def test_noise_is_not_there():
    incoming = InputLayer((None, 5))
    made = [
        layers.DropoutLayer(incoming, 0.5),
        layers.GaussianNoiseLayer(incoming, 3.0),
        layers.DenseLayer(layers.DropoutLayer(incoming), 3, **biased()),
    ]
    agree(made, draw(4, 5))


@pytest.mark.parametrize("shape", [(None, 7, 3, 4), (2, 7, 3, 4)])
def test_local_response(shape):
    incoming = InputLayer(shape)
    made = [
        layers.LocalResponseNormalization2DLayer(incoming, alpha=a, k=k, beta=b, n=n)
        for a, k, b, n in [(1e-4, 2, 0.75, 5), (0.5, 1, 0.5, 3), (0.1, 0.5, 1.5, 1)]
    ]
    agree(made, draw(2, 7, 3, 4))


class BatchNormLayer(layers.Layer):
    """The layer that came after Lasagne 0.1, as people copied it into their programs."""

    def __init__(self, incoming, epsilon=1e-4, **kwargs):
        super().__init__(incoming, **kwargs)
        shape = (self.input_shape[1],)
        self.axes = (0, *range(2, len(self.input_shape)))
        self.epsilon = epsilon
        positive = lasagne.init.Uniform((0.5, 2.0))
        self.beta = self.add_param(UNIFORM, shape, "beta", regularizable=False)
        self.gamma = self.add_param(UNIFORM, shape, "gamma")
        self.mean = self.add_param(UNIFORM, shape, "mean", trainable=False)
        self.inv_std = self.add_param(positive, shape, "inv_std", trainable=False)

    def get_output_for(self, input, deterministic=False, **kwargs):
        mean, inv_std = self.mean, self.inv_std
        if not deterministic:
            mean, inv_std = (
                input.mean(self.axes),
                T.inv(T.sqrt(input.var(self.axes) + self.epsilon)),
            )
        wide = ["x", 0, *["x"] * (input.ndim - 2)]
        scale = (self.gamma * inv_std).dimshuffle(wide)
        return (input - mean.dimshuffle(wide)) * scale + self.beta.dimshuffle(wide)


class TheanoBatchNormLayer(BatchNormLayer):
    """The same by Theano's own Op."""

    def get_output_for(self, input, **kwargs):
        variance = T.inv(self.inv_std**2)
        axes = "per-activation" if input.ndim == 2 else "spatial"
        wide = ["x", 0, *["x"] * (input.ndim - 2)]
        given = [v.dimshuffle(wide) for v in (self.gamma, self.beta, self.mean, variance)]
        return T.nnet.bn.batch_normalization_test(input, *given, axes=axes)


def test_batch_norm():
    flat, images = InputLayer((None, 5)), InputLayer((None, 3, 4, 4))
    made = [kind(x) for kind in (BatchNormLayer, TheanoBatchNormLayer) for x in (flat, images)]
    agree(made, draw(4, 5), draw(4, 3, 4, 4))


def test_parameters_keep_their_names():
    incoming = InputLayer((None, 1, 6, 6), name="input")
    conv = layers.Conv2DLayer(incoming, 2, 3, name="conv1", W=UNIFORM, b=UNIFORM)
    net = layers.DenseLayer(
        layers.MaxPool2DLayer(conv, 2, name="pool1"), 3, name="output", b=UNIFORM
    )
    proto = agree([net], draw(2, 1, 6, 6))
    kinds = [node.op_type for node in proto.graph.node]
    assert kinds == [
        "Conv",
        "Add",
        "Relu",
        "MaxPool",
        "Flatten",
        "MatMul",
        "Add",
        "Relu",
        "Identity",
    ]
    named = {array.name for array in proto.graph.initializer}
    assert named == {"conv1.W", "conv1.b", "output.W", "output.b"}
    assert [v.name for v in proto.graph.input] == ["input"]
    assert [v.name for v in proto.graph.output] == ["output"]
    assert proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


@pytest.mark.parametrize("kind", [layers.LSTMLayer, layers.GRULayer, layers.RecurrentLayer])
def test_recurrent_layers_are_named(kind):
    net = kind(InputLayer((None, 5, 3)), 4, name="memory")
    with pytest.raises(DataError, match=f"layer 'memory' \\({kind.__name__}\\).*scan"):
        agree([net], draw(2, 5, 3))


def test_random_numbers_are_named():
    from theano.sandbox.rng_mrg import MRG_RandomStreams

    noisy = Expression(InputLayer((None, 3)), lambda x: x + MRG_RandomStreams(1).normal(x.shape))
    noisy.name = "noisy"
    with pytest.raises(DataError, match=r"layer 'noisy' \(Expression\).*mrg"):
        agree([noisy], draw(2, 3))


def test_floats_of_64_bits():
    """They become float32, in the file and at its inputs."""
    incoming = InputLayer((None, 4), T.dmatrix())
    net = layers.DenseLayer(incoming, 3, W=draw(4, 3).astype("float64"))
    net.W = theano.shared(draw(4, 3).astype("float64"))
    agree([net], draw(2, 4))


def test_layers_for_gpus():
    """They compute by ordinary Ops here, and are written as those."""
    from lasagne.layers import corrmm, cuda_convnet, dnn

    incoming = InputLayer((None, 4, 9, 9))
    made = [
        dnn.Conv2DDNNLayer(incoming, 4, 3, stride=2, pad=1, **biased()),
        dnn.Conv2DDNNLayer(incoming, 4, 3, pad="same", flip_filters=True, **biased()),
        dnn.MaxPool2DDNNLayer(incoming, 2),
        dnn.Pool2DDNNLayer(incoming, 3, stride=2, mode="average_inc_pad"),
        corrmm.Conv2DMMLayer(incoming, 4, 3, pad=1, **biased()),
        corrmm.Conv2DMMLayer(incoming, 4, (2, 3), stride=(2, 1), flip_filters=True, **biased()),
    ]
    agree(made, draw(3, 4, 9, 9))
    shuffled = cuda_convnet.ShuffleBC01ToC01BLayer(incoming)
    made = [
        cuda_convnet.Conv2DCCLayer(incoming, 16, 3, pad=1, **biased()),
        cuda_convnet.MaxPool2DCCLayer(incoming, 3, stride=2),
        cuda_convnet.ShuffleC01BToBC01Layer(cuda_convnet.NINLayer_c01b(shuffled, 3, **biased())),
    ]
    agree(made, draw(3, 4, 9, 9))

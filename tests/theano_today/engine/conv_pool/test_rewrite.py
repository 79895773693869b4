"""Which graphs become fused stages, and that each computes what stock Theano does."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import logging

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers
from lasagne.layers.corrmm import Conv2DMMLayer
from lasagne.layers.cuda_convnet import Conv2DCCLayer, MaxPool2DCCLayer
from lasagne.layers.dnn import Conv2DDNNLayer, MaxPool2DDNNLayer
from theano.compile.mode import OPT_FAST_RUN
from theano.tensor.nnet import conv2d
from theano.tensor.nnet.abstract_conv import AbstractConv2d
from theano.tensor.signal.pool import Pool, pool_2d

from tests.theano_graphs import count, fused, names, ops, relative, stock
from theano_today.engine.conv_pool.op import ConvPool

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(3, 2, 11, 12)).astype(np.float32)


def parameter(*shape, name=None):
    return theano.shared(RANDOM.normal(size=shape).astype(np.float32), name)


def rectify(z):
    return 0.5 * (z + abs(z))


def pool(a, **options):
    return pool_2d(a, **({"ws": (2, 2), "ignore_border": True, "mode": "max"} | options))


def compare(inputs, outputs, values, stages, gradients=0, limit=1e-5, **more):
    """Compile by the engine and by stock Theano, run both, return the engine's function."""
    ours = fused(inputs, outputs, **more)
    assert pooled(ours) == (stages, gradients), names(ours)
    theirs = stock(inputs, outputs, **more)
    assert count(theirs, "ConvPool", "ConvPoolGrad", "Momentum") == 0
    for got, want in zip(ours(*values), theirs(*values), strict=True):
        assert got.dtype == want.dtype
        assert relative(got, want) <= limit
    return ours


def pooled(function):
    """Return how many stages with a pool a function has, and how many of their gradients."""
    found = [type(op).__name__ for op in ops(function) if getattr(op, "pool", None) == 2]
    return found.count("ConvPool"), found.count("ConvPoolGrad")


def convolution(x, w, **options):
    return conv2d(x, w, filter_shape=w.get_value().shape, **options)


# ---- Lasagne's layers ---------------------------------------------------------------------


def network(
    conv=None, pooling=None, conv_class=layers.Conv2DLayer, pool_class=layers.MaxPool2DLayer
):
    lasagne.random.set_rng(np.random.RandomState(1))
    net = layers.InputLayer((None, *X.shape[1:]))
    settings = {"num_filters": 5, "filter_size": (3, 3), "b": lasagne.init.Normal(0.5)}
    net = conv_class(net, **(settings | (conv or {})))
    return pool_class(net, **({"pool_size": (2, 2)} | (pooling or {})))


FUSED = {
    "plain": {},
    "no bias": {"conv": {"b": None}},
    "no nonlinearity": {"conv": {"nonlinearity": None}},
    "no bias, no nonlinearity": {"conv": {"b": None, "nonlinearity": None}},
    "same, odd": {"conv": {"pad": "same"}},
    "same, even": {"conv": {"pad": "same", "filter_size": (2, 4)}},
    "same, 1x1": {"conv": {"pad": "same", "filter_size": (1, 1)}},
    "full": {"conv": {"pad": "full"}},
    "a number": {"conv": {"pad": 1}},
    "two numbers": {"conv": {"pad": (2, 1), "filter_size": (2, 2)}},
    "1x1": {"conv": {"filter_size": (1, 1)}},
    "5x5": {"conv": {"filter_size": (5, 5)}},
    "3x2": {"conv": {"filter_size": (3, 2)}},
    "one filter": {"conv": {"num_filters": 1}},
    "windows over the border": {"pooling": {"ignore_border": False}},
    "cuda-convnet": {
        "conv": {"num_filters": 16, "pad": "same"},
        "conv_class": Conv2DCCLayer, "pool_class": MaxPool2DCCLayer,
    },
    "cuda-convnet, flipped": {
        "conv": {"num_filters": 16, "flip_filters": True},
        "conv_class": Conv2DCCLayer, "pool_class": MaxPool2DCCLayer,
    },
    "cuDNN": {
        "conv": {"pad": "same"}, "conv_class": Conv2DDNNLayer, "pool_class": MaxPool2DDNNLayer,
    },
    "GpuCorrMM": {"conv_class": Conv2DMMLayer},
    "GpuCorrMM, flipped": {"conv": {"flip_filters": True}, "conv_class": Conv2DMMLayer},
}  # fmt: skip

STOCK = {
    "untied biases": ({"conv": {"untie_biases": True}}, "not a pool of a convolution"),
    "leaky": (
        {"conv": {"nonlinearity": lasagne.nonlinearities.LeakyRectify(0.1)}},
        "not a pool of a convolution",
    ),
    "tanh": ({"conv": {"nonlinearity": T.tanh}}, "not a pool of a convolution"),
    "maximum(0, x)": (
        {"conv": {"nonlinearity": lambda x: T.maximum(0, x)}}, "not a pool of a convolution",
    ),
    "a stride": ({"conv": {"stride": 2}}, "a stride or dilation"),
    "same with a stride": ({"conv": {"stride": 2, "pad": "same"}}, "a stride or dilation"),
    "6x6": ({"conv": {"filter_size": (6, 6)}}, "filters larger than 5x5"),
    "6x1": ({"conv": {"filter_size": (6, 1)}}, "filters larger than 5x5"),
    "pool 3x3": ({"pooling": {"pool_size": (3, 3)}}, "not a max-pool of 2x2"),
    "pool 2x1": ({"pooling": {"pool_size": (2, 1)}}, "not a max-pool of 2x2"),
    "pool with stride 1": ({"pooling": {"stride": 1}}, "not a max-pool of 2x2"),
    "pool with padding": ({"pooling": {"pad": 1}}, "not a max-pool of 2x2"),
}  # fmt: skip


def training(net):
    """An input, and p with the gradients of a loss by all parameters and the input."""
    x = T.tensor4("x")
    p = layers.get_output(net, x)
    loss = T.sum(T.sqr(p)) + T.sum(p)
    return x, [p, *T.grad(loss, [*layers.get_all_params(net), x])]


@pytest.mark.parametrize("name", FUSED)
def test_fused_layers(name):
    x, outputs = training(network(**FUSED[name]))
    compare([x], outputs, [X], 1, 1)
    (ours,) = compare([x], outputs[:1], [X], 1)(X)
    excluded = fused(
        [x], outputs[:1], mode=theano.compile.get_default_mode().excluding("conv_pool")
    )
    assert count(excluded, "ConvPool") == 0
    assert relative(ours, excluded(X)[0]) <= 1e-5


@pytest.mark.parametrize("name", STOCK)
def test_layers_left_to_theano(name, caplog):
    settings, why = STOCK[name]
    x, outputs = training(network(**settings))
    with caplog.at_level(logging.INFO, "theano_today"):
        compare([x], outputs, [X], 0)
    messages = [record.getMessage() for record in caplog.records]
    said = [text for text in messages if text.startswith("a pool: by itself")]
    assert len(said) == 1
    assert why in said[0]


def test_what_is_said_of_a_fused_stage(caplog):
    net = network()
    net.input_layer.W.name = "conv1.W"
    x = T.tensor4()
    with caplog.at_level(logging.INFO, "theano_today"):
        fused([x], layers.get_output(net, x))
    assert [r.getMessage() for r in caplog.records if "fused" in r.getMessage()] == [
        "conv1.W 3x3 + pool: fused"
    ]


# ---- other graphs of one stage --------------------------------------------------------------

W, B = parameter(4, 2, 3, 3, name="W"), parameter(4, name="b")


@pytest.mark.parametrize(
    "options",
    [
        {"filter_flip": False},
        {"border_mode": "half"},
        {"border_mode": "full", "filter_flip": False},
        {"border_mode": 1},
        {"border_mode": (2, 0)},
    ],
)
def test_fused_convolutions(options):
    x = T.tensor4("x")
    p = pool(rectify(convolution(x, W, **options) + B.dimshuffle("x", 0, "x", "x")))
    compare([x], [p, *T.grad(T.sum(T.sqr(p)), [W, B, x])], [X], 1, 1)


@pytest.mark.parametrize(
    "options",
    [{"subsample": (1, 2)}, {"filter_dilation": (2, 2)}, {"border_mode": ((1, 0), (0, 1))}],
)
def test_convolutions_left_to_theano(options):
    x = T.tensor4("x")
    p = pool(rectify(convolution(x, W, **options)))
    compare([x], [p, *T.grad(T.sum(T.sqr(p)), [W, x])], [X], 0)


def test_groups():
    x, w = T.tensor4("x"), parameter(4, 1, 3, 3)
    p = pool(rectify(convolution(x, w, num_groups=2)))
    compare([x], [p, *T.grad(T.sum(T.sqr(p)), [w, x])], [X], 0)


@pytest.mark.parametrize("mode", ["sum", "average_inc_pad", "average_exc_pad"])
def test_other_poolings(mode):
    x = T.tensor4("x")
    compare([x], [pool(rectify(convolution(x, W)), mode=mode)], [X], 0)


def test_float64():
    x, w = T.dtensor4("x"), theano.shared(W.get_value().astype(np.float64))
    p = pool(rectify(convolution(x, w)))
    compare([x], [p, T.grad(p.sum(), w)], [X.astype(np.float64)], 0, limit=1e-12)


def test_a_filter_size_known_only_when_it_runs():
    x, w = T.tensor4("x"), T.tensor4("w")
    p = pool(rectify(conv2d(x, w)))
    compare([x, w], [p, T.grad(p.sum(), w)], [X, W.get_value()], 0)


def test_relu_of_theano_is_rectify():
    x = T.tensor4("x")
    p = pool(T.nnet.relu(convolution(x, W)))
    compare([x], [p, T.grad(p.sum(), W)], [X], 1, 1)


def test_a_bias_that_is_reshaped():
    # As Keras adds it, with its filters' axes in another order
    x, w, b = T.tensor4(), parameter(3, 3, 2, 5), parameter(5)
    filters = w.dimshuffle(3, 2, 0, 1)
    z = conv2d(x, filters, filter_shape=(5, 2, 3, 3)) + T.reshape(b, (1, 5, 1, 1))
    cost = (pool(T.nnet.relu(z)) ** 2).sum()
    compare([x], [cost, *T.grad(cost, [w, b, x])], [X], stages=1, gradients=1)
    # Of rows, not of channels
    z = conv2d(x, filters, filter_shape=(5, 2, 3, 3)) + T.reshape(parameter(9), (1, 1, 9, 1))
    compare([x], [pool(T.nnet.relu(z))], [X], stages=0)


def test_an_input_of_one_image():
    x = T.TensorType("float32", (True, False, False, False))("x")
    p = pool(rectify(convolution(x, W) + B.dimshuffle("x", 0, "x", "x")))
    function = compare([x], [p], [X[:1]], 1)
    with pytest.raises(TypeError):
        function(X)
    # The bias' gradient is written in another form, with no batch to sum over.
    compare([x], T.grad(T.sum(T.sqr(p)), [W, B, x]), [X[:1]], 0)


def test_another_factor_in_the_rectifier_is_not_one():
    x = T.tensor4("x")
    z = convolution(x, W)
    compare([x], [pool(0.4 * (z + abs(z))), pool(0.5 * (z + abs(2 * z)))], [X], 0)


def test_a_bias_of_another_axis_is_not_the_stages():
    x, b = T.tensor4("x"), parameter(9)
    z = convolution(x, W) + b.dimshuffle("x", "x", 0, "x")
    compare([x], [pool(rectify(z)), T.grad(pool(z).sum(), b)], [X], 0)


def test_a_crop_that_is_not_same():
    x = T.tensor4("x")
    full = convolution(x, W, border_mode="full")
    crops = (
        full[:, :, 1:-2, 1 : x.shape[3] + 1], full[:, :, 0 : x.shape[2], 1 : x.shape[3] + 1],
        full[:, :, 1 : x.shape[3] + 1, 1 : x.shape[2] + 1], full[:2, :, 1 : x.shape[2] + 1],
        full[:, :, 1 : x.shape[2] + 1, 1 : x.shape[3] + 1 : 2],
    )  # fmt: skip
    for crop in crops:
        p = pool(rectify(crop))
        compare([x], [p, *T.grad(T.sum(T.sqr(p)), [W, x])], [X], 0)


def test_constant_filters():
    x, w = T.tensor4("x"), T.constant(W.get_value())
    p = pool(rectify(conv2d(x, w, filter_shape=W.get_value().shape)))
    compare([x], [p, T.grad(T.sum(T.sqr(p)), x)], [X], 1, 1)


# ---- who else needs something in the middle ----------------------------------------------


def test_an_output_in_the_middle_is_wanted():
    x = T.tensor4("x")
    conv = convolution(x, W)
    z = conv + B.dimshuffle("x", 0, "x", "x")
    a = rectify(z)
    p = pool(a)
    for middle in (conv, z, a, a.sum()):
        compare([x], [p, middle, *T.grad(T.sum(T.sqr(p)), [W, B])], [X], 0)


def test_a_gradient_in_the_middle_is_wanted():
    x = T.tensor4("x")
    z = convolution(x, W) + B.dimshuffle("x", 0, "x", "x")
    a = rectify(z)
    p = pool(a)
    loss = T.sum(T.sqr(p))
    for middle in (z, a):
        compare([x], [p, T.grad(loss, middle), T.grad(loss, W)], [X], 0)


def test_two_pools_on_one_convolution():
    x = T.tensor4("x")
    a = rectify(convolution(x, W))
    one, other = pool(a), pool(a, ignore_border=False)
    loss = T.sum(T.sqr(one)) + T.sum(other)
    compare([x], [one, other, *T.grad(loss, [W, x])], [X], 0)


def test_two_stages_on_one_input_and_one_set_of_filters():
    x, y = T.tensor4("x"), T.tensor4("y")
    ps = [pool(rectify(convolution(v, W))) for v in (x, y)]
    loss = sum(T.sum(T.sqr(p)) for p in ps)
    compare([x, y], [*ps, *T.grad(loss, [W, x, y])], [X, X[::-1]], 2, 2)
    a, b = parameter(3, 2, 2, 2), parameter(5, 2, 3, 3)
    ps = [pool(rectify(convolution(x, w))) for w in (a, b)]
    loss = sum(T.sum(T.sqr(p)) for p in ps)
    compare([x], [*ps, *T.grad(loss, [a, b, x])], [X], 2, 2)


def test_p_used_twice():
    x = T.tensor4("x")
    p = pool(rectify(convolution(x, W)))
    v = parameter(3, 4, 2, 2)
    q = pool(rectify(convolution(p, v)))
    loss = T.sum(T.sqr(q)) + T.sum(p)
    compare([x], [p, q, *T.grad(loss, [W, v, x])], [X], 2, 2)


@pytest.mark.parametrize("wanted", ["W", "b", "x", "W b", "W x", "b x"])
def test_some_of_the_gradients(wanted):
    x = T.tensor4("x")
    p = pool(rectify(convolution(x, W) + B.dimshuffle("x", 0, "x", "x")))
    variables = [{"W": W, "b": B, "x": x}[name] for name in wanted.split()]
    compare([x], T.grad(T.sum(T.sqr(p)), variables), [X], 1, 1)


def test_two_losses():
    x = T.tensor4("x")
    p = pool(rectify(convolution(x, W)))
    outputs = [T.grad(T.sum(T.sqr(p)), W), T.grad(T.sum(p), W), T.grad(T.sum(p), x)]
    compare([x], outputs, [X], 1, 2)


def test_second_derivatives():
    x = T.tensor4("x")
    p = pool(rectify(convolution(x, W) + B.dimshuffle("x", 0, "x", "x")))
    slope = T.grad(T.sum(p**3), x)
    outputs = [*T.grad(T.sum(T.sqr(slope)), [W, B]), slope]
    ours, theirs = fused([x], outputs), stock([x], outputs)
    for got, want in zip(ours(X), theirs(X), strict=True):
        assert relative(got, want) <= 1e-5


def test_r_operator():
    x, v = T.tensor4("x"), T.tensor4("v")
    p = pool(rectify(convolution(x, W)))
    outputs = [p, T.Rop(p, x, v)]
    direction = np.random.RandomState(5).normal(size=X.shape).astype(np.float32)
    ours, theirs = fused([x, v], outputs), stock([x, v], outputs)
    for got, want in zip(ours(X, direction), theirs(X, direction), strict=True):
        assert relative(got, want) <= 1e-5


# ---- stages in a row ------------------------------------------------------------------------


def net_of_three(drop=0.0):
    lasagne.random.set_rng(np.random.RandomState(2))
    net = layers.InputLayer((None, 2, 30, 27))
    found = []
    for filters, size, pad in ((6, (3, 3), 0), (9, (2, 2), "same"), (17, (2, 2), 0)):
        net = layers.Conv2DLayer(net, filters, size, pad=pad, b=lasagne.init.Normal(0.1))
        found.append(net)
        net = layers.MaxPool2DLayer(net, (2, 2), ignore_border=filters != 9)
        found.append(net)
        if drop:
            net = layers.DropoutLayer(net, drop)
    return layers.DenseLayer(net, 7, nonlinearity=None), found


IMAGES = np.random.RandomState(3).normal(size=(4, 2, 30, 27)).astype(np.float32)


def test_three_stages_hand_over_blocks_of_channels():
    net, _ = net_of_three()
    x = T.tensor4("x")
    loss = T.sum(T.sqr(layers.get_output(net, x)))
    outputs = [loss, *T.grad(loss, layers.get_all_params(net))]
    ours = compare([x], outputs, [IMAGES], 3, 3)
    stages = [op for op in ops(ours) if hasattr(op, "x_blocked")]
    forward = [op for op in stages if hasattr(op, "p_blocked")]
    assert [(op.x_blocked, op.p_blocked) for op in forward] == [
        (False, True), (True, True), (True, False),
    ]  # fmt: skip
    backward = [op for op in stages if hasattr(op, "g_blocked")]
    assert [(op.x_blocked, op.dx_blocked, op.g_blocked) for op in backward] == [
        (False, False, True), (True, True, True), (True, True, False),
    ]  # fmt: skip
    # Nobody wants the gradient of the images.
    assert [op.of_inputs for op in backward] == [False, True, True]


def test_layers_in_the_middle_and_at_the_end_in_one_function():
    net, found = net_of_three()
    x = T.tensor4("x")
    pools = layers.get_output([*found[1::2], net], x)
    compare([x], pools, [IMAGES], 3)
    everything = layers.get_output([*found, net], x)
    compare([x], everything, [IMAGES], 0)


def test_dropout_between_stages():
    net, _ = net_of_three(drop=0.5)
    x = T.tensor4("x")
    compare([x], [layers.get_output(net, x, deterministic=True)], [IMAGES], 3)
    ours = fused([x], layers.get_output(net, x, deterministic=False))
    assert count(ours, "ConvPool") == 3
    assert relative(ours(IMAGES), ours(IMAGES)) > 0.01  # another mask each time

    from theano.sandbox.rng_mrg import MRG_RandomStreams

    outputs = []
    for compile_ in (fused, stock):  # the same masks from the same seed
        for layer in layers.get_all_layers(net):
            if isinstance(layer, layers.DropoutLayer):
                layer._srng = MRG_RandomStreams(7)
        loss = T.sum(T.sqr(layers.get_output(net, x)))
        function = compile_([x], [loss, *T.grad(loss, layers.get_all_params(net))])
        outputs.append(function(IMAGES))
    for got, want in zip(*outputs, strict=True):
        assert relative(got, want) <= 1e-5


def test_givens_and_clones():
    net, _ = net_of_three()
    x, y = T.tensor4("x"), T.tensor4("y")
    out = layers.get_output(net, x)
    ours = fused([y], out, givens={x: 2 * y[::-1]})
    assert count(ours, "ConvPool") == 3
    assert relative(ours(IMAGES), stock([x], out)(2 * IMAGES[::-1])) <= 1e-5
    cloned = theano.clone(out, {x: y})
    assert relative(fused([y], cloned)(IMAGES), fused([x], out)(IMAGES)) == 0
    data, at = theano.shared(IMAGES), T.lscalar()
    sliced = fused([at], out, givens={x: data[at : at + 2]})
    assert count(sliced, "ConvPool") == 3
    assert relative(sliced(1), stock([x], out)(IMAGES[1:3])) <= 1e-5


def test_errors_say_where_a_stage_was_written():
    """As they do of Theano's own Ops: the lines of the user's program."""
    x, w, b = T.tensor4("x"), parameter(5, 2, 3, 3), parameter(5)
    p = pool(rectify(convolution(x, w) + b.dimshuffle("x", 0, "x", "x")))
    again = pool(rectify(convolution(p, parameter(4, 5, 2, 2)) + 1))
    outputs = [again, *T.grad(again.sum(), [w, b])]
    f = fused([x], outputs)
    nodes = [n for n in f.maker.fgraph.toposort() if "conv_pool" in type(n.op).__module__]
    assert nodes
    for node in nodes:
        assert any("test_rewrite.py" in str(trace) for trace in node.outputs[0].tag.trace), node
    with pytest.raises(
        ValueError, match=r"(?s)Backtrace when the node is created.*test_rewrite.py"
    ):
        f(X[:, :1])


class Conv(AbstractConv2d):
    pass


class Pooled(Pool):
    pass


class Sum(theano.scalar.Add):
    pass


@pytest.mark.parametrize("derived", [None, "convolution", "pool", "sum"])
def test_ops_that_the_user_derived_are_not_replaced(derived):
    x, w, b = T.tensor4("x"), parameter(2, 1, 3, 3), parameter(2)
    conv = (Conv if derived == "convolution" else AbstractConv2d)(kshp=(2, 1, 3, 3))
    total = T.Elemwise((Sum if derived == "sum" else theano.scalar.Add)(theano.scalar.upcast_out))
    pooling = (Pooled if derived == "pool" else Pool)(True)
    z = total(conv(x, w), b.dimshuffle("x", 0, "x", "x"))
    p = pooling(T.nnet.relu(z), (2, 2), (2, 2), (0, 0))
    mode = theano.Mode("py", OPT_FAST_RUN.excluding("conv_opts", "AbstractConvCheck"))
    found = [op for op in ops(fused([x], p, mode=mode)) if type(op) is ConvPool]
    described = [(op.pool, op.bias, op.rectify) for op in found]
    assert described == {
        None: [(2, True, True)], "convolution": [], "pool": [(1, True, True)],
        "sum": [(1, False, False)],
    }[derived]  # fmt: skip


def test_other_modes():
    """What is not optimized stays as it is; what is runs on other linkers, too."""
    x = T.tensor4("x")
    p = pool(rectify(convolution(x, W)))
    outputs = [p, T.grad(p.sum(), W)]
    want = stock([x], outputs)(X)
    plain = fused([x], outputs, mode=theano.Mode("cvm", "fast_compile"))
    assert count(plain, "ConvPool") == 0
    linked = [fused([x], outputs, mode=theano.Mode(linker, "fast_run")) for linker in ("vm", "py")]
    for function in linked:
        assert count(function, "ConvPool", "ConvPoolGrad") == 2
    for function in (plain, *linked):
        for got, expected in zip(function(X), want, strict=True):
            assert relative(got, expected) <= 1e-5


class TestVisualize:
    """nolearn's pictures, drawn from functions of layers in the middle."""

    def activity(self, layer, name):
        from matplotlib.figure import Figure  # noqa: F401  (Agg: no screen is needed)
        from nolearn.lasagne import visualize

        from tests.theano_graphs import engine

        with engine(name):
            plt = visualize.plot_conv_activity(layer, IMAGES[:1])
        shown = [a.images[0].get_array() for a in plt.gcf().axes if a.images]
        plt.close("all")
        return np.array([a for a in shown if a.shape != IMAGES.shape[2:]])

    @pytest.fixture(autouse=True)
    def _no_screen(self):
        import matplotlib

        before = matplotlib.get_backend()
        matplotlib.use("Agg")
        yield
        matplotlib.use(before)

    @pytest.mark.parametrize("at", range(6))
    def test_activity(self, at):
        _, found = net_of_three()
        ours, theirs = self.activity(found[at], "fused"), self.activity(found[at], "stock")
        assert len(ours) == found[at].output_shape[1]
        assert relative(ours, theirs) <= 1e-5

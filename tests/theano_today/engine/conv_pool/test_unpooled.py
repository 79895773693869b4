"""Convolutions that no 2x2 pool follows: which become stages, and that they compute what stock
Theano does, forward and backward.
"""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import functools
import logging

import lasagne
import numpy as np
import pytest
import scipy.linalg
import theano
import theano.tensor as T
from lasagne import layers
from lasagne.layers.dnn import Conv2DDNNLayer
from theano.compile.debugmode import DebugMode
from theano.tensor.nnet import conv2d
from theano.tensor.nnet.abstract_conv import AbstractConv2d_gradInputs
from theano.tensor.signal.pool import pool_2d

from tests.theano_graphs import by_perform, by_thunk, fused, names, ops, relative, same_kind, stock
from tests.theano_today.engine.conv_pool import test_op
from theano_today.engine.conv_pool import reference
from theano_today.engine.conv_pool.op import ConvPool, ConvPoolGrad, from_blocks, to_blocks

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(3, 9, 11, 12)).astype(np.float32)


def parameter(*shape):
    return theano.shared(RANDOM.normal(size=shape).astype(np.float32) / 3)


W, B = parameter(10, 9, 3, 3), parameter(10)


def biased(z, b=B):
    return z + b.dimshuffle("x", 0, "x", "x")


def convolution(x, w=W, **options):
    return conv2d(x, w, filter_shape=w.get_value().shape, **options)


def stages(function, kind=ConvPool):
    """Return the function's stages without a pool, of this kind."""
    return [op for op in ops(function) if isinstance(op, kind) and op.pool == 1]


def compare(inputs, outputs, values, forward, backward=0):
    """Compile by the engine and by stock Theano, run both, return the engine's function."""
    ours, theirs = fused(inputs, outputs), stock(inputs, outputs)
    found = len(stages(ours)), len(stages(ours, ConvPoolGrad))
    assert found == (forward, backward), names(ours)
    for got, want in zip(ours(*values), theirs(*values), strict=True):
        assert got.dtype == want.dtype
        assert relative(got, want) <= 1e-5
    return ours


# ---- graphs -----------------------------------------------------------------------------------


@functools.cache
def lasagnes():
    """By name, a few layers of Lasagne's that end in one array, and how many are stages."""
    maximum, tanh = (lambda z: T.maximum(z, 0)), lasagne.nonlinearities.tanh
    settings = {
        "plain": {},
        "no bias": {"b": None},
        "linear": {"nonlinearity": None},
        "neither": {"b": None, "nonlinearity": None},
        "tanh": {"nonlinearity": tanh},
        "maximum(z, 0)": {"nonlinearity": maximum},
        "untied": {"untie_biases": True},
        "pad 1": {"pad": 1},
        "pad 2 and 0": {"pad": (2, 0)},
        "same": {"pad": "same"},
        "same, even": {"pad": "same", "filter_size": (4, 2)},
        "full": {"pad": "full"},
        "strided": {"stride": (2, 3)},
        "strided, padded": {"stride": 2, "pad": 1},
        "strided, same": {"stride": 2, "pad": "same"},
        "1x1": {"filter_size": 1},
        "1x1, strided": {"filter_size": 1, "stride": 2},
        "7x6": {"filter_size": (7, 6), "pad": (3, 2)},
        "cuDNN": {"conv_class": Conv2DDNNLayer, "pad": 1, "stride": 2},
    }
    return settings


@pytest.mark.parametrize("name", lasagnes())
def test_lasagnes_layers(name):
    lasagne.random.set_rng(np.random.RandomState(1))
    settings = {"num_filters": 10, "filter_size": 3, "b": lasagne.init.Normal(0.5)}
    settings |= lasagnes()[name]
    conv_class = settings.pop("conv_class", layers.Conv2DLayer)
    net = layers.InputLayer((None, *X.shape[1:]))
    for _ in range(2):
        net = conv_class(net, **settings)
    x = T.tensor4("x")
    out = layers.get_output(net, x)
    outputs = [out, *T.grad(T.sum(out**2), [*layers.get_all_params(net), x])]
    ours = compare([x], outputs, [X], 2, 2)
    assert "CorrMM" not in "".join(names(ours))
    if "pad" in settings:  # the zeros are the stage's
        assert "IncSubtensor" not in names(ours)
    simple = settings.get("nonlinearity", 0) == 0 and not settings.get("untie_biases")
    assert all(op.rectify == simple for op in stages(ours))


def test_transposed_convolutions():
    """Each is the gradient of inputs of what is found in its own gradient, which reads its output.

    One node for the gradients of weights and of inputs would wait for itself.
    """
    w = parameter(9, 10, 3, 3)
    x = T.tensor4("x")
    large = AbstractConv2d_gradInputs(kshp=(9, 10, 3, 3))(w, T.tanh(x), (13, 14))
    outputs = [large, *T.grad(T.sum(large**2), [w, x])]
    compare([x], outputs, [X], 1, 1)


def test_one_dimension():
    net = layers.InputLayer((None, 9, 23))
    for pad in (0, 1, "same"):
        net = layers.Conv1DLayer(net, 5, 3, pad=pad)
    x = T.tensor3("x")
    out = layers.get_output(net, x)
    series = RANDOM.normal(size=(3, 9, 23)).astype(np.float32)
    compare([x], [out, *T.grad(T.sum(out**2), [*layers.get_all_params(net), x])], [series], 3, 3)


def test_padding_layers():
    net = layers.InputLayer((None, *X.shape[1:]))
    net = layers.PadLayer(net, [(2, 0), (1, 3)])
    net = layers.Conv2DLayer(net, 6, 3, pad=1)
    x = T.tensor4("x")
    out = layers.get_output(net, x)
    ours = compare([x], [out, *T.grad(T.sum(out**2), [*layers.get_all_params(net), x])], [X], 1, 1)
    assert names(ours).count("IncSubtensor") == 1  # one of both is the stage's


def test_what_is_put_into_other_arrays_than_zeros():
    x = T.tensor4("x")
    n, c, rows, columns = (x.shape[i] for i in range(4))
    ones = T.set_subtensor(T.ones((n, c, rows + 2, columns + 2))[:, :, 1 : rows + 1, 1:-1], x)
    wider = T.set_subtensor(T.zeros((n, c, rows + 2, columns))[:, :, 1 : rows + 1, :columns], x)
    added = T.inc_subtensor(T.zeros((n, c, rows + 2, columns))[:, :, 1 : rows + 1, 0:columns], x)
    repeated = T.set_subtensor(
        T.zeros((2 * n, c, rows + 2, columns))[:, :, 1 : rows + 1, 0:columns], x[:1]
    )
    compare([x], [convolution(repeated)], [X], 1)
    for padded in (ones, wider, added):
        z = convolution(padded)
        compare([x], [z, *T.grad(T.sum(z**2), [W, x])], [X], 1, 1)


@pytest.mark.parametrize(
    "options",
    [
        {"filter_flip": False, "subsample": (2, 1)},
        {"border_mode": "half", "filter_dilation": (2, 3)},
        {"border_mode": "full", "filter_dilation": (1, 2), "subsample": (3, 2)},
        {"border_mode": (5, 4)},  # more zeros than the filters see
    ],
)
def test_theanos_settings(options):
    x = T.tensor4("x")
    a = T.nnet.relu(biased(convolution(x, **options)))
    compare([x], [a, *T.grad(T.sum(a**2), [W, B, x])], [X], 1, 1)


def test_left_to_theano():
    x, w = T.tensor4("x"), T.tensor4("w")
    double = T.dtensor4("d")
    grouped = parameter(9, 3, 3, 3)
    z = [
        (conv2d(x, w), [x, w], [X, W.get_value()]),
        (convolution(x, grouped, num_groups=3), [x], [X]),
        (conv2d(double, T.cast(W, "float64"), filter_shape=W.get_value().shape), [double],
         [X.astype(np.float64)]),
    ]  # fmt: skip
    for out, inputs, values in z:
        compare(inputs, [out], values, 0)


def test_what_else_is_wanted():
    """An output or a gradient in the middle leaves a smaller stage, never two convolutions."""
    x = T.tensor4("x")
    conv = convolution(x)
    z = biased(conv)
    a = T.nnet.relu(z)
    loss = T.sum(a**2)
    for middle in (conv, z, T.tanh(z), T.grad(loss, z), T.grad(loss, conv), T.grad(loss, a)):
        ours = compare([x], [a, middle, *T.grad(loss, [W, B, x])], [X], 1, 1)
        assert "CorrMM" not in "".join(names(ours))


def test_shared_inputs_and_filters():
    x, y, v = T.tensor4("x"), T.tensor4("y"), parameter(10, 9, 3, 3)
    small = X[:, :, :7, :6].copy()
    outs = [convolution(x), convolution(y), convolution(x, v)]  # one set of filters, one input
    loss = sum(T.sum(out**2) for out in outs)
    compare([x, y], [*outs, *T.grad(loss, [W, v, x, y])], [X, small], 3, 3)


def test_a_branch_and_a_sum():
    """As in a residual net: the gradient of a sum reaches two stages."""
    x, v = T.tensor4("x"), parameter(9, 10, 1, 1)
    a = T.nnet.relu(biased(convolution(x, border_mode="half")))
    b = T.nnet.relu(x + convolution(a, v))
    c = convolution(b, border_mode="half")
    loss = T.sum(c**2) + T.sum(a)
    compare([x], [c, *T.grad(loss, [W, B, v, x])], [X], 3, 3)


def test_stages_hand_over_blocks():
    x, v = T.tensor4("x"), parameter(17, 10, 3, 3)
    a = T.nnet.relu(biased(convolution(x, border_mode="half")))
    p = pool_2d(T.nnet.relu(convolution(a, v, border_mode="half")), (2, 2), ignore_border=True)
    ours = fused([x], [p, *T.grad(T.sum(p**2), [W, B, v, x])])
    assert names(ours).count("ConvPool") == names(ours).count("ConvPoolGrad") == 2
    assert [op.p_blocked for op in ops(ours) if isinstance(op, ConvPool)] == [True, False]
    assert [op.g_blocked for op in ops(ours) if isinstance(op, ConvPoolGrad)] == [True, False]
    theirs = stock([x], [p, *T.grad(T.sum(p**2), [W, B, v, x])])
    for got, want in zip(ours(X), theirs(X), strict=True):
        assert relative(got, want) <= 1e-5


def trained(compile_):
    """Return a net's losses in two steps of training, its parameters and the function."""
    lasagne.random.set_rng(np.random.RandomState(1))
    x = T.tensor4("x")
    net = layers.InputLayer((None, *X.shape[1:]), x)
    for stride in (1, 2):
        net = layers.Conv2DLayer(net, 10, 3, stride=stride, pad=1)
        net = layers.DropoutLayer(net, 0.3)
    loss = T.mean(T.sqr(layers.get_output(layers.DenseLayer(net, 3)) - 1))
    params = layers.get_all_params(net)
    function = compile_([x], loss, updates=lasagne.updates.sgd(loss, params, 0.1))
    return [float(function(X)) for _ in range(2)], [p.get_value() for p in params], function


def test_training_with_dropout():
    losses, params, function = trained(fused)
    assert all(op.dropped for op in stages(function) + stages(function, ConvPoolGrad))
    assert float(copy.deepcopy(function)(X)) > 0
    expected, wanted, _ = trained(stock)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for mine, other in zip(params, wanted, strict=True):
        assert relative(mine, other) < 1e-4


def test_debug_mode():
    """perform() and the kernels agree, inputs stay as they are, and so on."""
    x, v = T.tensor4("x"), parameter(4, 10, 3, 2)
    a = T.nnet.relu(biased(convolution(x, border_mode="half")))
    z = convolution(a, v, subsample=(2, 1), filter_dilation=(1, 2))
    outputs = [z, *T.grad(T.sum(z**2) / 1000, [W, B, v, x])]
    mode = DebugMode(optimizer="fast_run", check_c_code=False, check_py_code=True)
    mode.check_preallocated_output = ["f_contiguous"]
    function = theano.function([x], outputs, mode=mode)
    assert names(function).count("ConvPool") == 2
    for got, want in zip(function(X[:1]), stock([x], outputs)(X[:1]), strict=True):
        assert relative(got, want) <= 1e-5


def test_second_derivatives():
    x = T.tensor4("x")
    slope = T.grad(T.sum(T.nnet.relu(biased(convolution(x))) ** 3), x)
    outputs = [*T.grad(T.sum(slope**2), [W, B]), slope]
    for got, want in zip(fused([x], outputs)(X), stock([x], outputs)(X), strict=True):
        assert relative(got, want) <= 1e-5


def test_other_pools_see_ties():
    """Where another pool compares a stage's outputs, equal patches have equal sums."""
    x = T.tensor4("x")
    a = T.nnet.relu(biased(convolution(x)))
    pools = {
        "a 3x3 pool": pool_2d(a, (3, 3), stride=(2, 2), ignore_border=True),
        "a maximum": a.max(axis=(2, 3)),
        "of a scaled one": pool_2d(2 * a - 1, (3, 3), ignore_border=False),
    }
    period = np.tile(X[:, :, :3, :3], (1, 1, 4, 4))  # equal patches, and none of them flat
    for pooled in pools.values():
        outputs = [pooled, T.grad(pooled.sum(), x), T.grad(pooled.sum(), W)]
        ours = compare([x], outputs, [X], 1, 1)
        assert all(op.in_order for op in stages(ours))
    slope = T.grad(pools["a maximum"].sum(), a)
    # Each of 9 patches comes 9 times or more: so does the one that is the maximum.
    counts = np.count_nonzero(fused([x], slope)(period), axis=(2, 3))
    assert (counts[counts > 0] >= 9).all()
    assert not stages(fused([x], a))[0].in_order
    assert not stages(fused([x], a.mean(axis=(2, 3))))[0].in_order  # a sum compares nothing


def test_what_is_said(caplog):
    x, v = T.tensor4("x"), T.tensor4("v")
    w = theano.shared(W.get_value(), "conv1.W")
    with caplog.at_level(logging.INFO, "theano_today"):
        fused([x], T.nnet.relu(biased(convolution(x, w))))
        fused([x, v], conv2d(x, v))
        rectified = T.nnet.relu(biased(convolution(x, w)))
        fused([x], pool_2d(rectified, (3, 3), ignore_border=True))
    said = [r.getMessage() for r in caplog.records if r.module == "rewrite"]
    assert said == [
        "conv1.W 3x3: fused",
        "a convolution: Theano's own ops (a filter size that is not known before the net runs)",
        "a pool: by itself (not a max-pool of 2x2, stride 2, unpadded)",
        "conv1.W 3x3: fused",
    ]


# ---- the Ops ----------------------------------------------------------------------------------


class Case:
    """A random stage and its arrays; `integers`: small whole numbers, sums at rectify's kink."""

    def __init__(self, seed, integers=False):
        random = np.random.RandomState(seed)
        sizes = [(3, 3), (3, 3), (2, 2), (5, 5), (1, 1), random.randint(1, 8, 2)]
        i, j = sizes[random.randint(len(sizes))]
        n, c = random.choice([0, 1, 2, 3]), random.choice([1, 3, 8, 9, 16, 17, 33])
        f = random.choice([1, 5, 8, 16, 30, 33, 65])
        down, right, below, beside = random.randint(1, 4, 4) if random.rand() < 0.4 else [1] * 4
        reach = (i - 1) * below, (j - 1) * beside
        rows, columns = reach[0] + random.randint(1, 12), reach[1] + random.randint(1, 21)
        border = [(0, 0, 0, 0), (*[reach[0]] * 2, *[reach[1]] * 2), random.randint(0, 4, 4)]
        self.settings = {
            "filter_size": (int(i), int(j)), "border": tuple(map(int, border[random.randint(3)])),
            "flip": bool(random.rand() < 0.5), "rectify": bool(random.rand() < 0.7),
            "ignore_border": True, "pool": 1, "subsample": (int(down), int(right)),
            "dilation": (int(below), int(beside)), "in_order": bool(random.rand() < 0.2),
        }  # fmt: skip
        self.blocked = [bool(b) for b in random.randint(0, 2, 4)]

        def draw(shape, largest):
            if integers:
                return random.randint(-largest, largest + 1, shape).astype(np.float32)
            return random.normal(size=shape).astype(np.float32)

        self.x, self.w = draw((n, c, rows, columns), 3), draw((f, c, i, j), 2)
        self.b = draw((f,), 4)
        out = ConvPool(bias=True, **self.settings).infer_out(rows, columns)
        self.g = 2 * draw((n, f, *out), 4)

    def run(self, run=by_thunk):
        """Return p, the slopes and the gradients of w, b and x, out of blocks."""
        (filters, channels), (x_blocked, p_blocked, dx_blocked, g_blocked) = (
            self.w.shape[:2], self.blocked,
        )  # fmt: skip
        x = to_blocks(self.x) if x_blocked else self.x
        g = to_blocks(self.g) if g_blocked else self.g
        forward = ConvPool(bias=True, x_blocked=x_blocked, p_blocked=p_blocked, **self.settings)
        p, slopes = run(forward, x, self.w, self.b)
        backward = ConvPoolGrad(
            of_weights=True, of_inputs=True, x_blocked=x_blocked, dx_blocked=dx_blocked,
            g_blocked=g_blocked, **self.settings,
        )  # fmt: skip
        dw, db, dx = run(backward, x, self.w, slopes, g)
        slopes = from_blocks(slopes, filters).transpose(0, 2, 3, 1)
        p = from_blocks(p, filters) if p_blocked else p
        return p, slopes, dw, db, from_blocks(dx, channels) if dx_blocked else dx

    def reference(self):
        """Return the same by reference.py, in double precision."""
        x, w, b, g = (a.astype(np.float64) for a in (self.x, self.w, self.b, self.g))
        names_ = "border", "flip", "subsample", "dilation"
        stage = {name: self.settings[name] for name in names_}
        p, slopes = reference.conv(x, w, b, rectify=self.settings["rectify"], **stage)
        slopes = slopes if self.settings["rectify"] else None
        return p, slopes, *reference.conv_grad(x, w, slopes, g, **stage)


@pytest.mark.parametrize("integers", [True, False])
def test_hundreds_of_shapes(integers):
    for seed in range(250):
        case = Case(seed, integers)
        got, want = case.run(), case.reference()
        limit = 0 if integers else 1e-5
        assert relative(got[0], want[0]) <= limit, seed
        if want[1] is not None:
            near = abs(want[0]) < 1e-4 * abs(want[0]).max(initial=1e-9)
            wrong = (got[1] != want[1]) & ~(near & (not integers)).transpose(0, 2, 3, 1)
            assert not wrong.any(), seed
            if not integers and (got[1] != want[1]).any():
                continue
        else:
            assert got[1].size == 0
        for mine, theirs in zip(got[2:], want[2:], strict=True):
            assert relative(mine, theirs) <= limit, seed


@pytest.mark.parametrize("seed", range(12))
def test_perform_gives_the_same(seed):
    case = Case(seed, True)
    for mine, theirs in zip(case.run(), case.run(by_perform), strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


def test_inferred_shapes():
    for seed in range(8):
        case = Case(seed, True)
        x, w, b, g = T.tensor4(), T.tensor4(), T.vector(), T.tensor4()
        forward = ConvPool(bias=True, p_blocked=case.blocked[1], **case.settings)
        backward = ConvPoolGrad(
            of_weights=True, of_inputs=True, dx_blocked=case.blocked[2], **case.settings
        )
        p, slopes = forward(x, w, b)
        found = [p, slopes, *backward(x, w, slopes, g)]
        shapes = fused([x, w, b, g], [v.shape for v in found], on_unused_input="ignore")
        assert not stages(shapes)
        arrays = by_thunk(forward, case.x, case.w, case.b)
        arrays += by_thunk(backward, case.x, case.w, arrays[1], case.g)
        want = [a.shape for a in arrays]
        assert [tuple(s) for s in shapes(case.x, case.w, case.b, case.g)] == want


def test_the_reference_against_finite_differences():
    case = Case(3)
    case.x, case.g = case.x[:1], case.g[:1]
    x, w, b, g = (a.astype(np.float64) for a in (case.x, case.w, case.b, case.g))
    stage = {k: case.settings[k] for k in ("border", "flip", "subsample", "dilation")}
    _, slopes = reference.conv(x, w, b, **stage)
    gradients = reference.conv_grad(x, w, slopes, g, **stage)
    random = np.random.RandomState(0)
    for array, gradient in zip((w, b, x), gradients, strict=True):
        for at in random.randint(0, array.size, 5):
            values = []
            for step in (1e-6, -1e-6):
                array.flat[at] += step
                values.append((reference.conv(x, w, b, **stage)[0] * g).sum())
                array.flat[at] -= step
            assert abs((values[0] - values[1]) / 2e-6 - gradient.flat[at]) < 1e-5


def winograd_bound(x, w):
    """Return how far rounding may take each output of a 3x3 or 5x5 convolution without a bias.

    As test_op.winograd_bound: gamma(c + 10) times the sum of the terms' absolute values, since
    nothing is rounded more often than twice in the inputs' transform, four times in the weights'
    and once for each channel, and four times in the outputs'; halves are exact. With every minus
    a plus the formulas of kernels/winograd.hpp become, with h = (|g0| + |g1| + |g2|) / 2,

        y0 <= |d0| |g0| + |d1| 2h + |d2| (|g0| + 2h)    y1 <= |d1| (2h + |g2|) + |d2| 2h + |d3| |g2|

    Of 5x5 filters, two taps have the formula of 2x2 and three this one: a sum of both, which is
    rounded once more in each dimension, gamma(c + 12).
    """
    size = w.shape[-1]
    x, w = abs(x.astype(np.float64)), abs(w.astype(np.float64))
    lines = np.array([[1, 0, 0], [1, 1, 1], [2, 1, 1]]), np.array([[1, 1, 2], [1, 1, 1], [0, 0, 1]])
    if size == 5:
        first = [[1, 0], [2, 1]], [[1, 2], [0, 1]]
        lines = tuple(scipy.linalg.block_diag(*pair) for pair in zip(first, lines, strict=True))
    terms = np.empty_like(reference.convolve(x, w, flip=False))
    for i, j in np.ndindex(2, 2):
        weights = np.einsum("ak,fckl,bl->fcab", lines[i], w, lines[j])
        here = reference.convolve(x, weights, flip=False)
        terms[:, :, i::2, j::2] = here[:, :, i::2, j::2]
    roundings = (x.shape[1] + (12 if size == 5 else 10)) * 2.0**-24
    return roundings / (1 - roundings) * terms


@pytest.mark.parametrize(
    ("size", "channels"), [(3, 8), (3, 33), (3, 128), (5, 16), (5, 33), (5, 128)]
)
@pytest.mark.parametrize("offset", [0, 100])
def test_winograds_rounding(size, channels, offset):
    random = np.random.RandomState(channels)
    x = (random.normal(size=(3, channels, 13, 17)) + offset).astype(np.float32)
    w = random.normal(size=(40, channels, size, size)).astype(np.float32)
    w -= w.mean((1, 2, 3), keepdims=True)
    op = ConvPool((size, size), (0, 0, 0, 0), False, False, True, False, pool=1)
    z, _ = by_thunk(op, x, w)
    exact = reference.convolve(x.astype(np.float64), w.astype(np.float64), flip=False)
    error = abs(z - exact)
    assert (error <= winograd_bound(x, w)).all()
    assert error.max() > 0
    direct = abs(reference.convolve(x, w, flip=False) - exact)
    assert error.mean() < 4 * direct.mean()
    # Gradients of weights: rounding far below what large sums lose
    g = random.normal(size=z.shape).astype(np.float32)
    gradient = ConvPoolGrad((size, size), (0, 0, 0, 0), False, False, True, True, False, pool=1)
    dw, _ = by_thunk(gradient, x, w, np.zeros((3, 0, *z.shape[2:], 16), np.uint8), g)
    doubles = [a.astype(np.float64) for a in (x, w, g)]
    want = reference.conv_grad(doubles[0], doubles[1], None, doubles[2], flip=False)[0]
    sizes = reference.conv_grad(abs(doubles[0]), doubles[1], None, abs(doubles[2]), flip=False)[0]
    assert (abs(dw - want) <= 2e-6 * sizes).all()


@pytest.mark.parametrize("size", [4, 6])
@pytest.mark.parametrize("channels", [8, 33])
@pytest.mark.parametrize("offset", [0, 100])
def test_rounding_in_steps_of_two(size, channels, offset):
    """Filters of half the size on every other pixel, four times the channels: their bounds."""
    random = np.random.RandomState(channels)
    x = (random.normal(size=(3, channels, 14, 18)) + offset).astype(np.float32)
    w = random.normal(size=(40, channels, size, size)).astype(np.float32)
    w -= w.mean((1, 2, 3), keepdims=True)
    op = ConvPool((size, size), (0, 0, 0, 0), False, False, True, False, pool=1, subsample=(2, 2))
    z, _ = by_thunk(op, x, w)
    halves = [np.concatenate([a[:, :, i::2, j::2] for i, j in np.ndindex(2, 2)], 1) for a in (x, w)]
    exact = reference.convolve(*[a.astype(np.float64) for a in halves], flip=False)
    error = abs(z - exact)
    bound = winograd_bound(*halves) if size == 6 else test_op.winograd_bound(*halves, np.zeros(40))
    assert (error <= bound).all()
    direct = abs(reference.convolve(*halves, flip=False) - exact)
    assert 0 < error.mean() < 4 * direct.mean()
    g = random.normal(size=z.shape).astype(np.float32)
    gradient = ConvPoolGrad(
        (size, size), (0, 0, 0, 0), False, False, True, True, False, pool=1, subsample=(2, 2)
    )
    dw, _ = by_thunk(gradient, x, w, np.zeros((3, 0, *z.shape[2:], 16), np.uint8), g)
    of, steps = (x, w, None, g), {"flip": False, "subsample": (2, 2)}
    want, sizes = (
        reference.conv_grad(
            *(None if a is None else change(a.astype(np.float64)) for a in of), **steps
        )[0]
        for change in (lambda a: a, abs)
    )
    assert (abs(dw - want) <= 2e-6 * sizes).all()


class TestNotFinite:
    """NaN and infinities reach what they reach in stock Theano's graph, and nothing else."""

    @staticmethod
    @functools.cache
    def graphs(size, border, rectify):
        x, w, g = T.tensor4("x"), T.tensor4("w"), T.tensor4("g")
        z = conv2d(x, w, filter_shape=(None, None, *size), border_mode=border)
        a = T.nnet.relu(z) if rectify else z
        gradients = T.grad(T.sum(a * g), [w, x])
        return [(f([x, w], a), f([x, w, g], gradients)) for f in (fused, stock)]

    @pytest.mark.parametrize("rectify", [True, False])
    @pytest.mark.parametrize(
        ("size", "border"),
        [((3, 3), "valid"), ((3, 3), "half"), ((2, 2), "full"), ((1, 4), "half")],
    )
    def test_forward_and_backward(self, size, border, rectify):
        (ours, our_gradients), (theirs, their_gradients) = self.graphs(size, border, rectify)
        random, seen = np.random.RandomState(0), set()
        for turn in range(12):
            x = random.normal(size=(2, 9, 13, 10)).astype(np.float32)
            w = random.normal(size=(20, 9, *size)).astype(np.float32)
            g = random.normal(size=theirs(x, w).shape).astype(np.float32)
            strange = [x, g, w][turn % 3]
            for value in (np.nan, np.inf, -np.inf):
                strange[random.uniform(size=strange.shape) < 0.002] = value
            pairs = [(ours(x, w), theirs(x, w))]
            pairs += zip(our_gradients(x, w, g), their_gradients(x, w, g), strict=True)
            for got, want in pairs:
                finite = same_kind(got, want)
                seen.update(finite.ravel().tolist())
                assert relative(got[finite], want[finite]) <= 1e-5
        assert seen == {True, False}

    def test_large_numbers(self):
        """No overflow on the way to a result that has none."""
        (ours, gradients), (theirs, _) = self.graphs((3, 3), "valid", False)
        x = np.full((1, 9, 6, 6), 1e38, np.float32)
        x[:, :, ::2] *= -1
        x[:, 1:] = 0
        w = np.zeros((9, 9, 3, 3), np.float32)
        w[:, :, :2, 0] = 1
        np.testing.assert_array_equal(ours(x, w), theirs(x, w))
        dw, _ = gradients(x, w, np.full((1, 9, 4, 4), 0.25, np.float32))
        assert abs(dw).max() < 1e32  # of sums of 1e39

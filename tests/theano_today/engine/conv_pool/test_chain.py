"""Chains of stages: the same numbers, to the last bit, as the stages one by one."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet import conv2d
from theano.tensor.signal.pool import pool_2d

from tests.theano_graphs import by_perform, by_thunk, fused, relative
from theano_today.engine.conv_pool.chain import ConvPoolChain, ConvPoolGradChain
from theano_today.engine.conv_pool.op import ConvPool, ConvPoolGrad, from_blocks

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.normal(size=(5, 2, 31, 28)).astype(np.float32)
SHAPES = ((9, 2, 3, 3), (17, 9, 2, 2), (5, 17, 2, 2))


def stage(x, w, k, b=None):
    """A stage as Lasagne writes it, its filters of SHAPES[k]."""
    z = conv2d(x, w, filter_shape=SHAPES[k])
    z = z if b is None else z + b.dimshuffle("x", 0, "x", "x")
    return pool_2d(0.5 * (z + abs(z)), (2, 2), ignore_border=True)


@pytest.fixture
def net():
    """x, the p of each of three stages, and their parameters."""
    x, p, pools, params = T.tensor4("x"), None, [], []
    for k, shape in enumerate(SHAPES):
        w = theano.shared(RANDOM.normal(size=shape).astype(np.float32) / 4)
        b = theano.shared(RANDOM.normal(size=shape[:1]).astype(np.float32) / 4)
        p = stage(x if p is None else p, w, k, b)
        pools.append(p)
        params += [w, b]
    return x, pools, params


def chains(function):
    return [
        node.op
        for node in function.maker.fgraph.toposort()
        if isinstance(node.op, (ConvPoolChain, ConvPoolGradChain))
    ]


def compare(inputs, outputs, lengths, *values):
    """Compile with and without chains, which are to have these lengths; return the former."""
    ours = fused(inputs, outputs)
    assert [len(op.stages) for op in chains(ours)] == lengths
    without = theano.compile.get_default_mode().excluding("conv_pool_chain")
    plain = fused(inputs, outputs, mode=without)
    assert chains(plain) == []
    for got, want in zip(ours(*values), plain(*values), strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)
    return ours


def test_a_step_of_training(net):
    x, pools, params = net
    function = compare([x], T.grad((pools[-1] ** 2).sum(), params), [3, 3], IMAGES)
    forward, backward = chains(function)
    assert forward.kept == ((True, True),) * 3
    assert [op.of_inputs for op in backward.stages] == [False, True, True]


def test_nothing_but_the_last_p_is_kept(net):
    x, pools, _ = net
    (forward,) = chains(compare([x], [pools[-1]], [3], IMAGES))
    assert forward.kept == ((False, False), (False, False), (True, False))


def test_batches_of_other_sizes(net):
    x, pools, params = net
    outputs = [pools[-1], *T.grad((pools[-1] ** 2).sum(), params)]
    function = compare([x], outputs, [3, 3], IMAGES)
    for images in (IMAGES[:1], IMAGES[:0], np.tile(IMAGES, (9, 1, 1, 1)), IMAGES[:, :, ::-1]):
        alone = fused([x], outputs)(images)
        for got, want in zip(function(images), alone, strict=True):
            np.testing.assert_array_equal(got, want)


def test_the_gradient_of_the_images(net):
    x, pools, params = net
    loss = (pools[-1] ** 2).sum()
    compare([x], [*T.grad(loss, params), T.grad(loss, x)], [3, 3], IMAGES)
    _, backward = chains(compare([x], [T.grad(loss, x)], [3, 3], IMAGES))
    assert not any(op.of_weights for op in backward.stages)


def test_some_weights_are_fixed(net):
    x, pools, params = net
    wrt = [params[0], params[1], params[4]]
    _, backward = chains(compare([x], T.grad((pools[-1] ** 2).sum(), wrt), [3, 3], IMAGES))
    assert [op.of_weights for op in backward.stages] == [True, False, True]


def test_only_the_last_stage_is_trained(net):
    x, pools, params = net
    (forward,) = chains(compare([x], T.grad((pools[-1] ** 2).sum(), params[4:]), [3], IMAGES))
    assert forward.kept == ((False, False), (True, False), (True, True))


def test_a_p_in_the_middle_is_an_output(net):
    """It is handed over as planes, then, and ends the chain."""
    x, pools, _ = net
    compare([x], [pools[0], pools[-1]], [2], IMAGES)


def test_two_readers_of_one_p(net):
    x, pools, params = net
    other = stage(pools[0], params[2] * 2, 1)
    outputs = [pools[-1], other, *T.grad((pools[-1] ** 2).sum() + other.sum(), params)]
    compare([x], outputs, [2, 2], IMAGES)


def test_weights_computed_from_the_stage_before(net):
    """A chain would have to wait for itself."""
    x, pools, params = net
    p = stage(pools[0], params[2] * pools[0].mean(), 1)
    compare([x], [p], [], IMAGES)
    compare([x], [stage(pools[0], params[2] * x.mean(), 1)], [2], IMAGES)


def test_no_bias(net):
    x, _, params = net
    p = stage(stage(x, params[0], 0), params[2], 1)
    compare([x], [p, *T.grad(p.sum(), [params[0], params[2]])], [2, 2], IMAGES)


def test_shapes_without_values(net):
    x, pools, params = net
    function = fused([x], [pools[-1].shape, *[g.shape for g in T.grad(pools[-1].sum(), params)]])
    assert chains(function) == []
    shapes = function(IMAGES)
    assert tuple(shapes[0]) == (5, 5, 2, 2)
    assert tuple(shapes[3]) == SHAPES[1]


def ops(kept=((True, True), (True, True))):
    valid = {"border": (0, 0, 0, 0), "flip": True, "rectify": True, "ignore_border": True}
    forward = ConvPoolChain(
        (
            ConvPool((3, 3), **valid, bias=True, p_blocked=True),
            ConvPool((2, 2), **valid, bias=True, x_blocked=True),
        ),
        kept,
    )
    backward = ConvPoolGradChain(
        (
            ConvPoolGrad((3, 3), **valid, of_weights=True, of_inputs=True, g_blocked=True),
            ConvPoolGrad(
                (2, 2), **valid, of_weights=True, of_inputs=True, x_blocked=True, dx_blocked=True
            ),
        )
    )
    return forward, backward


def test_against_the_reference():
    """Small whole numbers: all arithmetic is exact, many windows are tied."""
    draw = lambda *shape: RANDOM.randint(-2, 3, shape).astype(np.float32)  # noqa: E731
    x = draw(3, 2, 14, 13)
    factors = [draw(9, 2, 3, 3), draw(9), draw(6, 9, 2, 2), draw(6)]
    forward, backward = ops()
    found = by_thunk(forward, x, *factors)
    p1, winners1, p2, winners2 = found
    filters = (9, 9, None, 6)  # in blocks, whose rest does not matter: p1, both winners
    for got, want, f in zip(found, by_perform(forward, x, *factors), filters, strict=True):
        got, want = (a if f is None else from_blocks(a, f) for a in (got, want))
        np.testing.assert_array_equal(got, want)
    arrays = x, factors[0], winners1, p1, factors[2], winners2, 2 * draw(*p2.shape)
    for got, want in zip(by_thunk(backward, *arrays), by_perform(backward, *arrays), strict=True):
        assert relative(got, want) <= 1e-6  # of the order of sums beyond 2**24
    only, _ = ops(((False, True), (False, False)))
    (winners,) = by_thunk(only, x, *factors)
    np.testing.assert_array_equal(winners, winners1)


def test_how_they_are_printed():
    # As debugprint and errors show them; without addresses, which differ from run to run.
    first = ConvPool((5, 3), (0,) * 4, True, True, True, True, p_blocked=True, scale=2.0)
    last = ConvPool(
        (3, 3), (1,) * 4, True, False, True, False, True, pool=1, subsample=(2, 1), dilation=(1, 2)
    )
    assert str(first) == "ConvPool{5x3 + rectify + pool + dropout}"
    chain = ConvPoolChain((first, last), ((False, False), (True, True)))
    assert str(chain) == (
        "ConvPoolChain{5x3 + rectify + pool + dropout, 3x3 stride 2x1 dilation 1x2}"
    )
    gradient = ConvPoolGrad((3, 3), (0,) * 4, True, True, True, True, True)
    assert str(ConvPoolGradChain((gradient,))) == "ConvPoolGradChain{3x3 + rectify + pool}"


def test_images_that_do_not_fit():
    forward, _ = ops()
    w1, w2 = np.zeros((9, 2, 3, 3), np.float32), np.zeros((6, 9, 2, 2), np.float32)
    b1, b2 = np.zeros(9, np.float32), np.zeros(6, np.float32)
    with pytest.raises(ValueError, match="do not fit filters of shape"):
        by_thunk(forward, np.zeros((3, 1, 14, 13), np.float32), w1, b1, w2, b2)
    with pytest.raises(ValueError, match="smaller than the filters"):
        by_thunk(forward, np.zeros((3, 2, 4, 4), np.float32), w1, b1, w2, b2)

"""lasagne.nonlinearities, objectives, regularization, random and utils, by their formulas."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers, nonlinearities, objectives, random, regularization, utils
from lasagne.layers import DenseLayer, InputLayer

from tests.lasagne_names.catalogue import close, compute, draw, runs

X = draw(4, 5, low=-3, high=3)
P = draw(4, 5, seed=1, low=0.05, high=0.95)


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


@runs(
    "lasagne.nonlinearities",
    "sigmoid softmax tanh rectify LeakyRectify leaky_rectify very_leaky_rectify linear identity",
)
def test_nonlinearities():
    f = nonlinearities
    cases = [
        (f.sigmoid, 1 / (1 + np.exp(-X))),
        (f.softmax, softmax(X)),
        (f.tanh, np.tanh(X)),
        (f.rectify, np.maximum(X, 0)),
        (f.LeakyRectify(0.2), np.where(X > 0, X, 0.2 * X)),
        (f.LeakyRectify(0), np.maximum(X, 0)),
        (f.leaky_rectify, np.where(X > 0, X, 0.01 * X)),
        (f.very_leaky_rectify, np.where(X > 0, X, X / 3)),
        (f.linear, X),
        (f.identity, X),
    ]
    x = T.matrix()
    for got, (_, want) in zip(compute([f(x) for f, _ in cases], {x: X}), cases, strict=True):
        assert got.dtype == np.float32
        close(got, want)


@runs(
    "lasagne.objectives",
    "binary_crossentropy categorical_crossentropy squared_error aggregate",
)
def test_objectives():
    targets = (draw(4, 5, seed=2) > 0).astype("float32")
    labels = np.array([1, 0, 4, 2], "int32")
    weights = draw(4, 5, seed=3, low=0, high=2)
    p, t = T.matrix(), T.matrix()
    one_hot = np.eye(5, dtype="float32")[labels]
    got = compute(
        [
            objectives.binary_crossentropy(p, t),
            objectives.categorical_crossentropy(p, labels),
            objectives.categorical_crossentropy(p, one_hot),
            objectives.squared_error(p, t),
            objectives.aggregate(p, weights),
            objectives.aggregate(p, weights, mode="sum"),
            objectives.aggregate(p, T.constant(weights), mode="normalized_sum"),
            objectives.aggregate(p),
        ],
        {p: P, t: targets},
    )
    each = -np.log(P[np.arange(4), labels])
    for y, want in zip(
        got,
        [
            -targets * np.log(P) - (1 - targets) * np.log(1 - P), each, each, (P - targets) ** 2,
            (P * weights).mean(), (P * weights).sum(), (P * weights).sum() / weights.sum(),
            P.mean(),
        ],
        strict=True,
    ):  # fmt: skip
        close(y, want)
    with pytest.raises(ValueError, match="require weights"):
        objectives.aggregate(p, mode="normalized_sum")
    with pytest.raises(ValueError, match="mode must be"):
        objectives.aggregate(p, mode="median")


@runs(
    "lasagne.regularization",
    "l1 l2 apply_penalty regularize_layer_params regularize_layer_params_weighted",
    "regularize_network_params",
)
def test_regularization():
    from lasagne.regularization import l1, l2

    first = DenseLayer(InputLayer((None, 5)), 3, W=draw(5, 3), b=draw(3, seed=1))
    second = DenseLayer(first, 2, W=draw(3, 2, seed=2), b=draw(2, seed=3))
    W1, b1, W2, b2 = (p.get_value() for p in layers.get_all_params(second))
    got = compute(
        [
            l1(X),
            l2(X),
            regularization.apply_penalty([T.constant(X), T.constant(P)], l2),
            regularization.apply_penalty(T.constant(X), lambda x, k: k * T.sum(x), k=3),
            regularization.regularize_layer_params(second, l2),
            regularization.regularize_layer_params([first, second], l1),
            regularization.regularize_layer_params(second, l1, tags={"regularizable": False}),
            regularization.regularize_layer_params_weighted({first: 0.5, second: 2}, l2),
            regularization.regularize_network_params(second, l2),
            regularization.regularize_network_params(second, l2, tags={}),
        ]
    )

    def squares(*arrays):
        return sum((a**2).sum() for a in arrays)

    for y, want in zip(
        got,
        [
            abs(X).sum(), squares(X), squares(X, P), 3 * X.sum(), squares(W2),
            abs(W1).sum() + abs(W2).sum(), abs(b2).sum(), 0.5 * squares(W1) + 2 * squares(W2),
            squares(W1, W2), squares(W1, b1, W2, b2),
        ],
        strict=True,
    ):  # fmt: skip
        close(y, want)


@runs("lasagne.random", "get_rng set_rng")
def test_random():
    assert random.get_rng() is np.random
    mine = np.random.RandomState(5)
    random.set_rng(mine)
    assert random.get_rng() is mine
    layer = DenseLayer(InputLayer((None, 3)), 2)
    limit = np.sqrt(6 / 5)
    close(layer.W.get_value(), np.random.RandomState(5).uniform(-limit, limit, (3, 2)))


@runs("lasagne.utils", "floatX shared_empty as_theano_expression one_hot unique as_tuple")
def test_small_utils():
    array = utils.floatX([[1, 2], [3, 4]])
    assert array.dtype == theano.config.floatX
    empty = utils.shared_empty(3)
    assert (empty.ndim, empty.dtype) == (3, theano.config.floatX)
    assert utils.shared_empty(dtype="int32").type == T.imatrix
    x = T.vector()
    assert utils.as_theano_expression(x) is x
    assert isinstance(utils.as_theano_expression(np.ones(2)), T.TensorConstant)
    with pytest.raises(TypeError, match="Input of type"):
        utils.as_theano_expression(print)
    labels = T.ivector()
    got = compute([utils.one_hot(labels), utils.one_hot(labels, m=5)], {labels: [0, 2, 1, 2]})
    close(got[0], np.eye(3)[[0, 2, 1, 2]])
    close(got[1], np.eye(5)[[0, 2, 1, 2]])
    assert utils.unique([3, 1, 3, 2, 1]) == [3, 1, 2]
    assert utils.as_tuple(3, 2) == (3, 3)
    assert utils.as_tuple([1, 2], 2, int) == (1, 2)
    with pytest.raises(ValueError, match="length 2"):
        utils.as_tuple((1, 2, 3), 2)
    with pytest.raises(TypeError, match="int"):
        utils.as_tuple((1, 2.5), 2, int)


@runs("lasagne.utils", "compute_norms create_param")
def test_norms_and_parameters():
    close(utils.compute_norms(X), np.sqrt((X**2).sum(0)))
    cube = draw(3, 4, 2, 2)
    close(utils.compute_norms(cube), np.sqrt((cube**2).sum((1, 2, 3))))
    close(utils.compute_norms(X, (1,)), np.sqrt((X**2).sum(1)))
    with pytest.raises(ValueError, match="Unsupported tensor dimensionality"):
        utils.compute_norms(np.zeros(()))
    made = utils.create_param(X, X.shape, "W")
    assert made.name == "W"
    close(made.get_value(), X)
    assert utils.create_param(made, X.shape) is made
    ones = utils.create_param(lambda shape: np.ones(shape), [2, 3], "ones")
    assert ones.get_value().tolist() == [[1, 1, 1], [1, 1, 1]]
    for spec, shape in ((X, (5, 4)), (made, (4,)), (lambda shape: np.ones(3), (2,)), (7, (2,))):
        # Which one, depends on Lasagne's version.
        with pytest.raises((RuntimeError, ValueError, TypeError)):
            utils.create_param(spec, shape)
    with pytest.raises(ValueError, match="non-positive"):
        utils.create_param(X, (0, 3))


@runs("lasagne.utils", "unroll_scan")
def test_unrolled_scans():
    def step(x, total, factor):
        return total * factor + x

    x = T.constant(X)
    start, factor = T.constant(P[0]), T.constant(np.float32(0.5))
    forward = utils.unroll_scan(step, [x], [start], [factor], 4)
    backward = utils.unroll_scan(step, [x], [start], [factor], 4, go_backwards=True)
    by_scan, _ = theano.scan(step, [x], [start], [factor], n_steps=4)
    got = compute([forward[0], backward[0], by_scan])
    for rows, y in ((X, got[0]), (X[::-1], got[1]), (X, got[2])):
        total, want = P[0], []
        for row in rows:
            total = total * 0.5 + row
            want.append(total)
        close(y, np.array(want))

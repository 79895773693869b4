"""Sums, maxima, products, softmax."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import theano
import theano.tensor as T

from tests.exported import agree_on, draw

X = draw(3, 4, 5)
W = theano.shared(draw(5, 6, seed=1))


def test_reductions():
    functions = {"sum": T.sum, "mean": T.mean, "max": T.max, "min": T.min, "prod": T.prod}
    functions |= {"var": T.var, "std": T.std}
    agree_on(
        {
            f"{name}{axis}": lambda x, f=f, a=axis: f(x, axis=a)
            for name, f in functions.items()
            for axis in (None, 0, -1, (1, 2))
        },
        X,
    )
    agree_on(
        {
            "kept": lambda x: x - T.max(x, axis=1, keepdims=True),
            "norm": lambda x: x.norm(2, axis=2),
            "argmax": lambda x: T.argmax(x, axis=1),
            "argmin": lambda x: T.argmin(x, axis=-1),
            "argmax all": lambda x: T.argmax(x),
            "argmax two": lambda x: T.argmax(x, axis=[0, 2]),
            "both": lambda x: T.max_and_argmax(x, axis=2)[0] + T.max_and_argmax(x, axis=2)[1],
            "any": lambda x: T.any(x > 0.9, axis=1) * 1,
            "all": lambda x: T.all(x > -0.5, axis=2) * 1.0,
            "count": lambda x: T.sum(x > 0),
            "cumsum": lambda x: T.cumsum(x, axis=1),
            "flat cumsum": lambda x: T.cumsum(x),
        },
        X,
    )


def test_whole_numbers_are_counted_whole():
    x = np.random.RandomState(0).randint(-5, 5, (4, 6)).astype("int32")
    agree_on({"sum": lambda x: x.sum(1), "max": lambda x: x.max(0), "mean": lambda x: x.mean(1)}, x)


def test_products():
    agree_on(
        {
            "matrix": lambda x: T.dot(x[:, 0], W),
            "vector": lambda x: T.dot(x[:, 0], W[:, 0]),
            "vectors": lambda x: T.dot(x[0, 0], x[1, 0]),
            "tensordot": lambda x: T.tensordot(x, W, [[2], [0]]),
            "two axes": lambda x: T.tensordot(x, x[:2], [[1, 2], [1, 2]]),
            "batched": lambda x: T.batched_dot(x, x.dimshuffle(0, 2, 1)),
            "batched vectors": lambda x: T.batched_dot(x[:, 0], x.dimshuffle(0, 2, 1)),
            "outer": lambda x: T.outer(x[0, 0], x[1, 0]),
        },
        X,
    )


def test_softmax():
    agree_on(
        {
            "softmax": T.nnet.softmax,
            "log": T.nnet.logsoftmax,
            "biased": lambda x: T.nnet.nnet.softmax_with_bias(x, x[0]),
            "by hand": lambda x: T.exp(x) / T.exp(x).sum(axis=1, keepdims=True),
        },
        draw(4, 6, low=-20, high=20),
    )

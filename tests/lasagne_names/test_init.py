"""lasagne.init: the very numbers by seed, and their statistics."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import lasagne
import numpy as np
import pytest
from lasagne import init

from tests.lasagne_names.catalogue import close, runs


def sampled(initializer, shape, seed=3):
    lasagne.random.set_rng(np.random.RandomState(seed))
    array = initializer(shape)
    assert array.dtype == np.float32
    return array


def state(seed=3):
    return np.random.RandomState(seed)


@runs("lasagne.init", "Initializer Normal Uniform Constant")
def test_plain_ones():
    close(sampled(init.Normal(), (3, 4)), state().normal(0, 0.01, (3, 4)))
    close(sampled(init.Normal(2, mean=1), (3, 4)), state().normal(1, 2, (3, 4)))
    close(sampled(init.Uniform(), (5,)), state().uniform(-0.01, 0.01, 5))
    close(sampled(init.Uniform((-1, 3)), (5,)), state().uniform(-1, 3, 5))
    side = 2 * np.sqrt(3)
    close(sampled(init.Uniform(std=2, mean=1), (5,)), state().uniform(1 - side, 1 + side, 5))
    close(sampled(init.Constant(), (2, 2)), np.zeros((2, 2)))
    close(sampled(init.Constant(1.5), (2,)), [1.5, 1.5])
    with pytest.raises(NotImplementedError):
        init.Initializer()((2, 2))


@runs("lasagne.init", "Glorot GlorotNormal GlorotUniform He HeNormal HeUniform")
@pytest.mark.parametrize(
    ("shape", "c01b", "fan_in", "fan_both"),
    [
        ((5, 7), False, 5, 12),
        ((4, 3, 2, 5), False, 30, 70),
        ((3, 2, 5, 4), True, 30, 70),
        ((4, 3, 6), False, 18, 42),
    ],
)
def test_scaled_ones(shape, c01b, fan_in, fan_both):
    for classes, one, std in (
        ((init.GlorotNormal, init.Glorot), (1.0,), np.sqrt(2 / fan_both)),
        ((init.HeNormal, init.He), (0.5,), 0.5 * np.sqrt(1 / fan_in)),
        ((init.HeNormal, init.He), ("relu",), np.sqrt(2 / fan_in)),
        ((init.GlorotNormal, init.Glorot), ("relu",), np.sqrt(4 / fan_both)),
    ):
        normal = state().normal(0, std, shape)
        close(sampled(classes[0](*one, c01b=c01b), shape), normal)
        close(sampled(classes[1](init.Normal, *one, c01b=c01b), shape), normal)
    side = np.sqrt(3) * np.sqrt(2 / fan_both)
    close(sampled(init.GlorotUniform(c01b=c01b), shape), state().uniform(-side, side, shape))
    side = np.sqrt(3) * np.sqrt(1 / fan_in)
    close(sampled(init.HeUniform(c01b=c01b), shape), state().uniform(-side, side, shape))


@runs("lasagne.init", "Glorot He Sparse Orthogonal")
def test_shapes_that_they_refuse():
    for initializer in (init.GlorotNormal(), init.HeNormal(), init.Orthogonal()):
        with pytest.raises(RuntimeError, match="length"):
            initializer((5,))
    for initializer in (init.GlorotNormal(c01b=True), init.HeNormal(c01b=True)):
        with pytest.raises(RuntimeError, match="c01b"):
            initializer((5, 3))
    with pytest.raises(RuntimeError, match="length 2"):
        init.Sparse()((2, 3, 4))


@runs("lasagne.init", "Sparse")
def test_sparse():
    got = sampled(init.Sparse(0.3, std=2), (10, 4))
    random, want = state(), np.zeros((10, 4))
    for column in range(4):
        order = np.arange(10)
        random.shuffle(order)
        want[order[:3], column] = random.normal(0, 2, 3)
    close(got, want)
    assert ((got != 0).sum(0) == 3).all()


@runs("lasagne.init", "Orthogonal")
def test_orthogonal():
    for shape in ((5, 5), (3, 7), (7, 3), (4, 2, 3, 3)):
        flat = sampled(init.Orthogonal("relu"), shape).reshape(shape[0], -1) / np.sqrt(2)
        u, _, v = np.linalg.svd(state().normal(0, 1, flat.shape), full_matrices=False)
        close(flat, u if u.shape == flat.shape else v)
        gram = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
        close(gram, np.eye(len(gram)))


@runs("lasagne.init", "GlorotUniform HeNormal Normal Uniform")
def test_statistics():
    shape = (200, 300)
    for initializer, mean, std in (
        (init.GlorotUniform(), 0, np.sqrt(2 / 500)),
        (init.HeNormal("relu"), 0, np.sqrt(2 / 200)),
        (init.Normal(3, 1), 1, 3),
        (init.Uniform((0, 2)), 1, 1 / np.sqrt(3)),
    ):
        values = sampled(initializer, shape).astype(float)
        assert abs(values.mean() - mean) < 5 * std / np.sqrt(values.size)
        assert abs(values.std() / std - 1) < 0.02

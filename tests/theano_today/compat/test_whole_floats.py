"""Floats as sizes, generators as stacks: allowed where NumPy refuses them, nowhere else."""

from __future__ import annotations

import pickle

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano  # noqa: F401  (which wraps them)

from tests.fresh_python import says


@pytest.mark.parametrize(
    "draw",
    [
        lambda n: np.random.choice(10, n),
        lambda n: np.random.choice(10, n, replace=False),
        lambda n: np.random.choice([0.5, 1.5, 2.5], size=n),
        lambda n: np.random.choice(3, n, p=[0.5, 0.25, 0.25]),
        lambda n: np.random.rand(n, 2),
        lambda n: np.random.randn(2, n),
        lambda n: np.random.randint(0, 9, n),
        lambda n: np.random.randint(9, size=[2, n]),
        lambda n: np.random.normal(0.0, 1.0, n),
        lambda n: np.random.uniform(-1.0, 1.0, (2, n)),
        lambda n: np.random.uniform(size=n),
        lambda n: np.random.binomial(1, 0.5, n),
        lambda n: np.random.random(n),
        lambda n: np.random.random_sample((n, n)),
        lambda n: np.random.permutation(np.arange(9))[: int(n)],
    ],
)
@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_draws_are_those_of_the_integer(draw, kind):
    state = np.random.get_state()
    try:
        np.random.seed(3)
        want, after = draw(4), np.random.rand()
        np.random.seed(3)
        got, after_too = draw(kind(4)), np.random.rand()
    finally:
        np.random.set_state(state)
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    np.testing.assert_array_equal(got, want)
    assert after == after_too


@pytest.mark.parametrize(
    "make",
    [
        lambda n: np.zeros(n),
        lambda n: np.zeros((2, n), "int8"),
        lambda n: np.zeros(shape=(n,), order="F"),
        lambda n: np.ones((n, 2), dtype="float32"),
        lambda n: np.full((n, n), 7),
        lambda n: np.eye(n),
        lambda n: np.eye(2, n, 1),
        lambda n: np.identity(n),
        lambda n: np.linspace(0, 1, n),
        lambda n: np.linspace(0, 1, num=n, endpoint=False),
        lambda n: np.logspace(0, 2, n),
        lambda n: np.reshape(np.arange(8), (2, n)),
        lambda n: np.reshape(np.arange(4.0), n),
        lambda n: np.histogram([1, 2, 2, 5], bins=n)[0],
        lambda n: np.histogram2d([1, 2, 5], [3, 4, 4], [2, n])[0],
        lambda n: np.random.RandomState(0).uniform(size=(2, n)),
        lambda n: np.random.RandomState(0).randint(0, 5, n),
        lambda n: np.random.RandomState(0).choice(9, n),
        lambda n: np.random.RandomState(0).choice(9, n, replace=False),
        lambda n: np.random.RandomState(0).choice(9, size=n, replace=False),
        lambda n: np.random.multivariate_normal([0], [[0]], n),
        lambda n: np.tile([1, 2], n),
        lambda n: np.tile([1, 2], (n, 1)),
        lambda n: np.resize([1, 2], (2, n)),
        lambda n: np.indices((n, 2)),
        lambda n: np.delete(np.arange(9), n),
        lambda n: np.insert(np.arange(9), n, 7),
        lambda n: np.random.RandomState(0).randn(n),
    ],
)
def test_arrays_are_those_of_the_integer(make):
    for n in (4.0, np.float32(4), 4.75):  # cut off, as NumPy did until 1.12
        got, want = make(n), make(4)
        assert (got.shape, got.dtype, got.strides) == (want.shape, want.dtype, want.strides)
        np.testing.assert_array_equal(np.nan_to_num(got), np.nan_to_num(want))


def test_what_is_no_size_is_refused_as_ever():
    for size in (np.nan, np.inf, "a", (2, np.nan), [1, "b"]):
        with pytest.raises((TypeError, ValueError)):
            np.zeros(size)
        with pytest.raises((TypeError, ValueError)):
            np.random.choice(5, size)
        with pytest.raises((TypeError, ValueError)):
            np.random.normal(size=size)
    with pytest.raises((TypeError, ValueError)):
        np.linspace(0, 1, np.inf)


def test_packages_of_today_are_refused_as_ever():
    code = "def f(np): return np.zeros(3.0)"
    names: dict = {"__name__": "pandas.core.frame"}
    exec(code, names)
    with pytest.raises(TypeError):
        names["f"](np)
    names["__name__"] = "pandas_of_my_own"
    assert names["f"](np).shape == (3,)


@pytest.mark.parametrize("stack", [np.vstack, np.hstack, np.dstack, np.column_stack, np.stack])
def test_generators(stack):
    rows = [np.arange(3), np.arange(3) + 5]
    np.testing.assert_array_equal(stack(row for row in rows), stack(rows))
    np.testing.assert_array_equal(stack(map(np.sqrt, rows)), stack(np.sqrt(rows)))


def test_functions_are_what_they_were():
    for function in (np.zeros, np.empty, np.random.choice, np.random.rand):
        assert pickle.loads(pickle.dumps(function)) is function
    assert np.random.choice.__self__ is np.random.mtrand._rand
    assert np.zeros.__name__ == "zeros"
    assert np.zeros.__doc__.lstrip().startswith("zeros(")
    assert type(np.vstack) is type(np.concatenate)
    with pytest.raises(TypeError, match=r"rand\(\)|keyword"):
        np.random.rand(2, nonsense=1)


def test_theano_wraps_and_numba_unwraps(tmp_path):
    (tmp_path / "numba.py").write_text("import numpy\nseen = numpy.zeros, numpy.random.choice\n")
    says(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import numpy; own = numpy.zeros, numpy.random.choice\n"
        "array, choice = numpy.array, numpy.random.RandomState.choice\n"
        "import theano_today; assert (numpy.zeros, numpy.random.choice) == own\n"
        "import theano; assert numpy.zeros(3.0).shape == (3,) and numpy.zeros is not own[0]\n"
        "assert numpy.array is not array and numpy.random.RandomState.choice is not choice\n"
        "import numba; assert (numpy.zeros, numpy.random.choice) == numba.seen == own\n"
        "assert numpy.array is array and numpy.random.RandomState.choice is choice\n"
    )


def test_methods_that_arrays_lost():
    x = np.arange(6, dtype="int16").reshape(2, 3)
    assert x.tostring() == x.tobytes()
    assert x.tostring("F") == x.tobytes("F")
    x.itemset(4, 40)
    x.itemset((0, 1), 10)
    x.itemset(1, 2, 50)
    assert x.tolist() == [[0, 10, 2], [3, 40, 50]]
    one = np.zeros((1, 1))
    one.itemset(3)
    assert one[0, 0] == 3
    with pytest.raises(ValueError, match="size 1"):
        x.itemset(3)
    with pytest.raises(AttributeError):
        _ = x.no_such_method
    assert np.linalg.linalg.LinAlgError is np.linalg.LinAlgError

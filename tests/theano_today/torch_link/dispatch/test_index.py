"""Indexing and assignment to what it names."""

from tests.theano_today.torch_link.compare import NUMPY, TORCH, agree, refused  # isort: skip

import numpy as np
import pytest
import theano
import theano.tensor as T

A = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
EVERY = [
    np.index_exp[1], np.index_exp[-1], np.index_exp[1:], np.index_exp[:, 1:3],
    np.index_exp[..., -2],
    np.index_exp[::-1], np.index_exp[:, ::-1, ::2], np.index_exp[2:0:-1, 3], np.index_exp[::2, ::3],
    np.index_exp[5:], np.index_exp[:, 4:1:-2], np.index_exp[0, 1, 2], np.index_exp[1:1],
]  # fmt: skip


def test_reading():
    x, i, j = T.tensor3("x"), T.iscalar("i"), T.iscalar("j")
    outputs = [x[index] for index in EVERY]
    outputs += [x[i], x[i:j], x[:, -j:, i], x[i::-1], x[: x.shape[0] - 1], x[i, j][None, :]]
    agree([x, i, j], outputs, A, np.int32(1), np.int32(3), stock=NUMPY)


@pytest.mark.parametrize("change", [T.inc_subtensor, T.set_subtensor])
def test_writing(change):
    x, s = T.tensor3("x"), T.scalar("s")
    outputs = [change(x[index], x[index] * 2 + 1) for index in EVERY]
    outputs += [change(x[1:], s), change(x[:, 0], 7), change(x[:, :, ::-1], x), x]
    agree([x, s], outputs, A, np.float32(9), stock=NUMPY)


def test_gradients_through_slices():
    x = T.tensor3("x")
    cost = T.sum(T.sqr(x[1:, ::-1, 2])) + T.sum(x[:, 1] * x[:, 2])
    agree([x], [theano.grad(cost, x)], A, stock=NUMPY)


def test_rows_by_number():
    x, i = T.matrix("x"), T.ivector("i")
    y = x[i]
    outputs = [y, theano.grad(T.sum(T.sqr(y)), x), T.inc_subtensor(x[i], 1), T.set_subtensor(y, 5)]
    agree([x, i], outputs, A[0], np.int32([0, -1, 3, 0]), stock=NUMPY)
    agree([x, i], outputs[:3], A[0], np.int32([]), stock=NUMPY)


def test_several_vectors():
    x, i, j = T.tensor3("x"), T.lvector("i"), T.lvector("j")
    outputs = [
        x[i, j], x[i, j, j], x[:, i, j], x[i, :, j], theano.grad(T.sum(T.sqr(x[i, j])), x),
        x[T.arange(x.shape[0]), i], T.inc_subtensor(x[i, j], 2.0), x[i[:, None], j[None, :]],
    ]  # fmt: skip
    agree([x, i, j], outputs, A, np.array([0, 2, -1]), np.array([1, 1, 3]), stock=NUMPY)


def test_vectors_and_a_number_on_the_device():
    """Where the axes go is NumPy's rule: x[k, :, i] has those of k and i first."""
    x, i, v = T.tensor3("x"), T.lvector("i"), T.vector("v")
    k = T.argmax(v)
    outputs = [x[i, k], x[k, :, i], T.inc_subtensor(x[i, k], 1)]
    agree([x, i, v], outputs, A, np.array([0, 2, 1]), np.float32([1, 3, 2]), stock=NUMPY)


def test_a_mask_runs_on_the_host_and_says_so(caplog):
    x = T.matrix("x")
    agree([x], [x[(x > 7).nonzero()]], A[0], on_device=False, stock=NUMPY)
    assert "Nonzero has no torch function; it runs on the host" in caplog.text


@pytest.mark.parametrize("bad", [[0, 4], [-5, 0]])
@pytest.mark.parametrize("runs", [0, 3])
def test_an_index_out_of_range(bad, runs):
    x, i = T.matrix("x"), T.ivector("i")
    function = theano.function([x, i], x[i], mode=TORCH)
    for _ in range(runs):
        function(A[0], np.int32([0, 1]))
    with pytest.raises(IndexError, match="index out of bounds for an axis of size 4"):
        function(A[0], np.int32(bad))
    np.testing.assert_array_equal(function(A[0], np.int32([0, 1])), A[0][:2])


def test_a_number_out_of_range():
    x, i = T.matrix("x"), T.iscalar("i")
    theirs, ours = refused([x, i], x[i], A[0], np.int32(4))
    assert type(ours) is type(theirs) is IndexError


def test_sliced_minibatches_of_a_shared_variable():
    """The way of Theano's own tutorials: givens, and an index."""
    data, i, x = theano.shared(A), T.lscalar("i"), T.tensor3("x")
    batch = theano.function(
        [i], x.sum(axis=(1, 2)), givens={x: data[i * 2 : (i + 1) * 2]}, mode=TORCH
    )
    for _ in range(3):
        for k in (0, 1):
            np.testing.assert_array_equal(batch(k), A[2 * k : 2 * k + 2].sum((1, 2)))


def test_of_an_empty_axis_nothing_can_be_taken():
    x, i = T.matrix("x"), T.lvector("i")
    for output in (x[i], T.exp(x)[i, 0]):
        theirs, ours = refused([x, i], output, np.zeros((0, 3), np.float32), np.array([0, -1]))
        assert type(ours) is type(theirs) is IndexError
    function = theano.function([x, i], x[i], mode=TORCH)
    assert function(np.zeros((0, 3), np.float32), np.zeros(0, "int64")).shape == (0, 3)

"""Shapes: made, changed, joined, split, asserted."""

from tests.theano_today.torch_link.compare import NUMPY, TORCH, agree, refused  # isort: skip
import numpy as np
import pytest
import theano
import theano.tensor as T

RS = np.random.RandomState(0)


A = RS.randint(-4, 5, (3, 4, 5)).astype(np.float32)


M, N = A[0], A[1].T.copy()


class TestShapes:
    def test_reshape(self):
        x, n = T.tensor3("x"), T.iscalar("n")
        outputs = [x.reshape((12, 5)), x.flatten(), x.flatten(2), x.reshape((n, -1)),
                   x.reshape((x.shape[0], x.shape[1] * x.shape[2])), x.shape, x.size,
                   x.shape[1:], T.prod(x.shape)]  # fmt: skip
        agree([x, n], outputs, A, np.int32(4), stock=NUMPY)

    def test_making(self):
        n, x = T.iscalar("n"), T.vector("x")
        outputs = [
            T.zeros((n, 3)), T.ones((2, n), "int32"), T.alloc(x, n, 5), T.alloc(2.5, n),
            T.arange(n), T.arange(1, 20, n), T.arange(n, 0, -1), T.arange(0.0, 1.0, 0.3),
            T.arange(n, dtype="float32"),
            T.eye(n), T.eye(3, 5, -1), T.zeros_like(x), T.stack([x[0], x[1]]),
        ]  # fmt: skip
        agree([n, x], outputs, np.int32(4), A[0, 0], stock=NUMPY)

    def test_joining_and_splitting(self):
        x, i = T.matrix("x"), T.lmatrix("i")
        parts = T.split(x, [1, 3], 2, 0)
        outputs = [
            T.concatenate([x, x * 2], 0), T.concatenate([x, i], 1), T.stack([x, x], 1), *parts,
            T.concatenate([x[:0], x]), T.join(-1, x, x), T.tile(x, (2, 1)), T.repeat(x, 2, 0),
        ]  # fmt: skip
        agree([x, i], outputs, M, M.astype(int), on_device=False, stock=NUMPY)

    def test_shapes_that_do_not_fit(self):
        x, y, n = T.matrix("x"), T.matrix("y"), T.iscalar("n")
        for output, value in ((x.reshape((n, n)), 3), (T.alloc(x[0], n, 3), 2)):
            theirs, ours = refused([x, n], output, M, np.int32(value))
            assert type(ours) is type(theirs) is ValueError
        theirs, ours = refused([x, y], T.concatenate([x, y], 1), M, N)
        assert type(ours) is type(theirs) is ValueError

    def test_assertions(self):
        x = T.vector("x")
        small = T.opt.Assert("too long")(x, x.shape[0] < 4)
        function = theano.function([x], small * 2, mode=TORCH)
        np.testing.assert_array_equal(function(np.float32([1, 2])), [2, 4])
        for _ in range(3):
            with pytest.raises(AssertionError, match="too long"):
                function(np.ones(4, np.float32))
        positive = T.opt.Assert("negative")(x, T.all(x > 0))
        function = theano.function([x], positive * 2, mode=TORCH)
        for _ in range(3):
            np.testing.assert_array_equal(function(np.float32([1, 2])), [2, 4])
        with pytest.raises(AssertionError, match="negative"):
            function(np.float32([1, -2]))

"""Reductions, matrix products, softmax and shapes."""

from tests.theano_today.torch_link.compare import FAST_RUN, NUMPY, TORCH, agree, refused  # isort: skip

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet import nnet

RS = np.random.RandomState(0)
A = RS.randint(-4, 5, (3, 4, 5)).astype(np.float32)
M, N = A[0], A[1].T.copy()


class TestReductions:
    @pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "bool"])
    def test_each_along_all_kinds_of_axes(self, dtype):
        x = T.tensor3("x", dtype)
        outputs = []
        for axis in (None, 0, 2, (0, 2), (1, -1)):
            outputs.append(x.sum(axis))
            if dtype != "bool":
                outputs += [x.prod(axis), x.max(axis), x.min(axis), x.mean(axis)]
        outputs += [T.any(x, 1), T.all(x, 1), T.any(T.eq(x, 0)), T.all(x >= 0, axis=(0, 1))]
        if dtype != "bool":
            outputs += [T.argmax(x, 1), T.argmax(x), *T.max_and_argmax(x, 2), T.argmin(x, 0),
                        x.sum(1, keepdims=True), x.var(0), T.std(x)]  # fmt: skip
        agree([x], outputs, A.astype(dtype), rtol=1e-6, atol=1e-7, stock=FAST_RUN)

    def test_float32_is_added_up_in_float64(self):
        x = T.vector("x")
        values = np.full(3_000_001, 0.1, np.float32)
        agree([x], [x.sum()], values, rtol=1e-7, stock=FAST_RUN)

    def test_a_mean_by_an_op_of_its_own_is_no_sum(self):
        x = T.matrix("x")
        agree([x], [T.mean(x, op=True)], M, on_device=False, stock=FAST_RUN)

    @pytest.mark.parametrize("function", [T.max, T.min, T.argmax, T.argmin])
    @pytest.mark.parametrize("axis", [0, 1, None])
    @pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
    def test_extremes_of_nothing(self, function, axis, shape):
        x = T.matrix("x")
        values = np.zeros(shape, np.float32)
        if axis is not None and shape[axis]:
            agree([x], [function(x, axis)], values, stock=FAST_RUN)
        else:
            theirs, ours = refused([x], function(x, axis), values)
            assert type(ours) is type(theirs) is ValueError
            assert str(ours).splitlines()[0] == str(theirs).splitlines()[0]

    def test_cumulative(self):
        x = T.matrix("x")
        outputs = [T.cumsum(x, 0), T.cumsum(x), T.cumprod(x, 1), T.extra_ops.cumprod(x)]
        agree([x], outputs, M, stock=FAST_RUN)


class TestProducts:
    def test_dot(self):
        x, y, v, w = T.matrix("x"), T.matrix("y"), T.vector("v"), T.vector("w")
        outputs = [
            T.dot(x, y), T.dot(x, v), T.dot(v, y), T.dot(v, v), 2 * T.dot(x, y),
            T.dot(x, y) * v[0], T.outer(v, w), w + 3 * T.dot(x, v), T.dot(x.T, w),
            0.5 * x + 2 * T.dot(T.dot(x, y), x), x - v[1] * T.dot(w[:, None], v[None, :]),
            T.tensordot(x, y, [[1], [0]]),
        ]  # fmt: skip
        agree([x, y, v, w], outputs, M, N, A[0, 0], np.float32([1, 2, 3, 4]), stock=NUMPY)

    def test_gradients(self):
        x, y = T.matrix("x"), T.matrix("y")
        agree([x, y], theano.grad(T.sum(T.sqr(T.dot(x, y))), [x, y]), M, N, stock=NUMPY)

    def test_float64_and_mixed(self):
        x, y = T.matrix("x", "float64"), T.matrix("y", "float32")
        agree([x, y], [T.dot(x, y), T.dot(x, x.T)], M.astype(float), N, stock=NUMPY)

    def test_batched(self):
        x, y, m = T.tensor3("x"), T.tensor3("y"), T.matrix("m")
        outputs = [T.batched_dot(x, y), T.batched_dot(x, m), T.batched_dot(m, m)]
        agree([x, y, m], outputs, A, A.transpose(0, 2, 1).copy(), A[:, 0], stock=NUMPY)

    def test_integers_run_on_the_host(self):
        x, y = T.lmatrix("x"), T.lmatrix("y")
        agree([x, y], [T.dot(x, y)], M.astype(int), N.astype(int), on_device=False, stock=NUMPY)

    def test_shapes_that_do_not_match(self):
        x, y = T.matrix("x"), T.matrix("y")
        theirs, ours = refused([x, y], T.dot(x, y), M, M)
        assert type(ours) is type(theirs) is ValueError
        assert "Shape mismatch: x has 5 cols (and 4 rows) but y has 4 rows" in str(ours)


class TestSoftmax:
    def test_forward_and_gradient(self):
        x, b = T.matrix("x"), T.vector("b")
        p = T.nnet.softmax(x)
        cost = T.sum(T.sqr(p) * T.arange(5).astype("float32"))
        outputs = [p, theano.grad(cost, x), T.log(p), T.nnet.softmax(x + b), nnet.logsoftmax(x)]
        agree([x, b], outputs, M, A[2, 0], rtol=1e-5, atol=1e-6, stock=FAST_RUN)

    @pytest.mark.parametrize("labels", ["int32", "int64"])
    def test_cross_entropy(self, labels):
        x, y = T.matrix("x"), T.vector("y", labels)
        loss = T.nnet.categorical_crossentropy(T.nnet.softmax(x), y)
        total = loss.mean()
        outputs = [loss, theano.grad(total, x), theano.grad(T.sum(loss * loss), x)]
        agree([x, y], outputs, M, np.array([0, 4, 2, 2], labels), rtol=1e-5, atol=1e-6,
              stock=FAST_RUN)  # fmt: skip

    def test_cross_entropy_of_probabilities(self):
        p, y = T.matrix("p"), T.ivector("y")
        loss = T.nnet.categorical_crossentropy(p, y)
        probabilities = np.float32(RS.dirichlet(np.ones(5), 4))
        agree([p, y], [loss, theano.grad(loss.sum(), p)], probabilities, np.int32([0, 4, 2, 2]),
              rtol=1e-5, stock=FAST_RUN)  # fmt: skip

    def test_binary_cross_entropy(self):
        x, y = T.matrix("x"), T.matrix("y")
        loss = T.nnet.binary_crossentropy(T.nnet.sigmoid(x), y)
        targets = (M > 0).astype(np.float32)
        agree([x, y], [loss, theano.grad(loss.mean(), x)], M, targets, rtol=1e-5, atol=1e-6,
              stock=FAST_RUN)  # fmt: skip

    @pytest.mark.parametrize("bad", [5, -1])
    def test_labels_out_of_range(self, bad):
        x, y = T.matrix("x"), T.ivector("y")
        loss = T.nnet.categorical_crossentropy(T.nnet.softmax(x), y)
        theirs, ours = refused([x, y], loss, M, np.int32([0, 1, bad, 2]))
        assert type(ours) is type(theirs) is ValueError
        assert "y_i value out of bounds" in str(ours)

    def test_too_few_labels(self):
        x, y = T.matrix("x"), T.ivector("y")
        loss = T.nnet.categorical_crossentropy(T.nnet.softmax(x), y)
        theirs, ours = refused([x, y], loss, M, np.int32([0, 1]))
        assert type(ours) is type(theirs) is ValueError


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

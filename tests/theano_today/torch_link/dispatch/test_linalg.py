"""Matrix products."""

from tests.theano_today.torch_link.compare import NUMPY, agree, refused  # isort: skip
import numpy as np
import theano
import theano.tensor as T

RS = np.random.RandomState(0)


A = RS.randint(-4, 5, (3, 4, 5)).astype(np.float32)


M, N = A[0], A[1].T.copy()


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

    def test_batched_gradients_and_tensordot(self):
        x, y, m = T.tensor3("x"), T.tensor3("y"), T.matrix("m")
        outputs = [
            T.batched_tensordot(x, y, [[2], [1]]),
            T.batched_tensordot(x, y, [[1, 2], [2, 1]]),
            T.batched_tensordot(x, m, [[1], [1]]),
        ]
        cost = T.sum(T.sqr(T.batched_dot(x, y))) + T.sum(outputs[2] ** 2)
        outputs += theano.grad(cost, [x, y, m])
        agree([x, y, m], outputs, A, A.transpose(0, 2, 1).copy(), A[:, :, 0], stock=NUMPY)

    def test_integers_run_on_the_host(self):
        x, y = T.lmatrix("x"), T.lmatrix("y")
        agree([x, y], [T.dot(x, y)], M.astype(int), N.astype(int), on_device=False, stock=NUMPY)

    def test_shapes_that_do_not_match(self):
        x, y = T.matrix("x"), T.matrix("y")
        theirs, ours = refused([x, y], T.dot(x, y), M, M)
        assert type(ours) is type(theirs) is ValueError
        assert "Shape mismatch: x has 5 cols (and 4 rows) but y has 4 rows" in str(ours)

"""Softmax, and the cross-entropies that Theano makes of it."""

from tests.theano_today.torch_link.compare import FAST_RUN, agree, refused  # isort: skip
import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet import nnet

RS = np.random.RandomState(0)


A = RS.randint(-4, 5, (3, 4, 5)).astype(np.float32)


M, N = A[0], A[1].T.copy()


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

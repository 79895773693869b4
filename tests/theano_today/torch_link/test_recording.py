"""CUDA graphs, captured on a device that is none: what fake_cuda.py says that a GPU refuses."""

from tests.theano_today.torch_link.compare import torch  # isort: skip  (skips)

import gc
import re

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers
from sklearn.base import clone
from theano.compile import mode as theano_mode
from theano.sandbox import rng_mrg

from tests.theano_today.torch_link.fake_cuda import (
    DEVICE,
    MODE,
    FakeCuda,
    FakeTarget,
    assert_replayed,
)
from tests.theano_today.torch_link.test_nolearn_loop import (
    CLASSES,
    RULES,
    X,
    classifier,
    layer_stack,
)
from theano_today import torch_link
from theano_today.torch_link import nolearn_loop
from theano_today.torch_link.target import PRECISIONS

A = np.float32([[1, 2, 3], [4, 5, 6]])


@pytest.fixture
def cuda(monkeypatch):
    nolearn_loop.install()
    monkeypatch.setattr(theano_mode, "instantiated_default_mode", MODE)
    # Theano keeps this function of its own, once compiled, and would call it without the device.
    monkeypatch.setattr(rng_mrg.multMatVect, "dot_modulo", None)
    with FakeCuda() as device:
        yield device


def call(cuda, function, *values, calls=3):
    for _ in range(calls):
        function(*values)
    assert_replayed(function.fn, cuda)


class TestNets:
    def test_net2(self, cuda):
        from net2 import net2

        rs = np.random.RandomState(0)
        net = clone(net2).set_params(verbose=0, on_epoch_finished=[], max_epochs=3)
        net.fit(rs.uniform(size=(10, 1, 96, 96)).astype(np.float32),
                rs.uniform(-1, 1, (10, 30)).astype(np.float32))  # fmt: skip
        for function in (net.train_iter_, net.eval_iter_):
            assert_replayed(function.fn, cuda)
        assert net.train_history_[-1]["train_loss"] == 1  # the device's only number
        # The first stage is one with its convolution.
        names = " ".join(re.findall(r"__global__ void (\w+)", "".join(cuda.kernels)))
        counted = [len(re.findall(rf"_{kind}_", names)) for kind in ("first", "back", "max", "sum")]
        assert counted == [1, 1, 1, 1], names

    @pytest.mark.parametrize("precision", PRECISIONS)
    def test_a_classifier_with_dropout(self, precision, cuda, monkeypatch):
        mode = torch_link.mode(FakeTarget(DEVICE, precision))
        monkeypatch.setattr(theano_mode, "instantiated_default_mode", mode)
        net = classifier().fit(X, CLASSES)
        for function in (net.train_iter_, net.eval_iter_):
            assert_replayed(function.fn, cuda)
        net.predict_proba(X)

    def test_many_layers(self, cuda):
        x, y = T.tensor4(), T.ivector()
        net = layer_stack(layers.InputLayer((None, 1, 12, 12), x))
        loss = lasagne.objectives.categorical_crossentropy(layers.get_output(net), y).mean()
        params = layers.get_all_params(net, trainable=True)
        step = theano.function([x, y], loss, updates=lasagne.updates.adam(loss, params))
        call(cuda, step, X[:20], CLASSES[:20])


@pytest.mark.parametrize("rule", RULES)
def test_update_rules(rule, cuda):
    x, w = T.matrix(), theano.shared(np.ones((3, 4), np.float32))
    loss = T.mean(T.sqr(T.tanh(T.dot(x, w))))
    updates = getattr(lasagne.updates, rule)(loss, [w], **RULES[rule])
    updates[w] = lasagne.updates.norm_constraint(updates[w], 0.9)
    call(cuda, theano.function([x], loss, updates=updates), A)


@pytest.mark.parametrize("new", [lambda x: x.shape[0], lambda x: T.constant(5, dtype="int64")])
def test_updates_known_on_the_host(new, cuda):
    """Uploaded before the capture."""
    x, n = T.matrix(), theano.shared(np.int64(0))
    call(cuda, theano.function([x], x.sum(), updates=[(n, new(x))]), A)


class TestFailures:
    """A capture that fails costs speed, and nothing else."""

    @pytest.fixture
    def fails(self, cuda, monkeypatch):
        """Compile a function that can't be captured, and call it."""

        def call(error):
            x = T.matrix()
            function = theano.function([x], T.sum(x))
            (step,) = function.fn.lowered.steps
            original = step.function

            def refuse(*inputs):
                if cuda.capturing:
                    raise error
                return original(*inputs)

            step.function = refuse
            for _ in range(4):
                assert function(A) == 1
            assert not function.fn.recordings

        return call

    @pytest.mark.parametrize("error", [RuntimeError("no"), torch.OutOfMemoryError("no")])
    def test_the_function_lives_on(self, fails, error, caplog):
        fails(error)
        assert "no\nApply node that caused the error: Sum" in caplog.text

    def test_the_stream_is_as_before(self, fails, cuda):
        before = cuda.stream
        fails(RuntimeError())
        assert cuda.stream is before

    def test_other_functions_are_captured(self, fails, cuda):
        fails(RuntimeError())
        cuda.failures.clear()
        x = T.matrix()
        call(cuda, theano.function([x], x * 2), A)


def test_functions_that_come_and_go(cuda):
    """The memory of all graphs is one pool, which must not end with the last of them."""
    x = T.matrix()
    for _ in range(2):
        function = theano.function([x], x * 2)
        call(cuda, function, A)
        del function
        gc.collect()

"""What a user does with a net that was trained on a device, through the public calls."""

from tests.theano_today.torch_link.compare import FAST_RUN, TORCH, torch  # isort: skip  # noqa: F401

import copy
import pickle

import matplotlib as mpl
import numpy as np
import pytest
import theano
import theano.tensor as T
from sklearn.metrics import r2_score
from theano.compile import mode as theano_mode

from tests.theano_today.torch_link.test_nolearn_loop import CLASSES, X, Y, classifier, link, small
from theano_today.training import session
from theano_today.training.session import Plan

mpl.use("Agg")
__all__ = ["link"]


def on_the_cpu(monkeypatch):
    """From here on, nets compile for the CPU."""
    monkeypatch.setattr(theano_mode, "instantiated_default_mode", None)


@pytest.fixture
def net(link):
    net = small(max_epochs=2)
    session.fit(net, X, Y)
    return net


def parameters(net):
    return [p.get_value() for p in net.get_all_params()]


def test_predictions_of_any_number(net):
    whole = net.predict(X)
    assert whole.shape == (50, 4)
    for rows in (1, 2, 16, 17, 49):
        np.testing.assert_allclose(net.predict(X[:rows]), whole[:rows], rtol=1e-5, atol=1e-6)
    assert net.score(X, Y) == pytest.approx(r2_score(whole, Y), rel=1e-4)


def test_copies_train_on_by_themselves(net):
    before = parameters(net)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(other.predict(X), net.predict(X))
        other.fit(X, Y, epochs=1)
        for ours, theirs in zip(parameters(net), before, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_partial_fit(link):
    """An epoch each: the same as so many epochs of fit."""
    one, two = small(max_epochs=1), small(max_epochs=3)
    two.initialize()
    one.initialize()
    one.load_params_from(two.get_all_params_values())
    for _ in range(3):
        one.partial_fit(X, Y)
    two.fit(X, Y)
    for ours, theirs in zip(parameters(one), parameters(two), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_nolearns_pictures(net):
    from nolearn.lasagne import visualize

    layers = net.layers_
    visualize.plot_loss(net)
    visualize.plot_conv_weights(layers["conv"])
    visualize.plot_conv_activity(layers["conv"], X[:1])
    visualize.plot_occlusion(classifier(max_epochs=1).fit(X, CLASSES), X[:1], CLASSES[:1], 5)


def test_two_nets_by_turns(link):
    """With the same data and iterators: as if each were alone."""

    def start(value):
        net = small(max_epochs=1)
        net.initialize()
        for i, p in enumerate(net.get_all_params()):
            rs = np.random.RandomState(10 * value + i)
            p.set_value(rs.uniform(-0.1, 0.1, p.get_value().shape).astype(np.float32))
        return net

    alone = [start(1), start(2)]
    for net in alone:
        for _ in range(3):
            net.fit(X, Y, epochs=1)
    turns = [start(1), start(2)]
    for _ in range(3):
        for net in turns:
            net.fit(X, Y, epochs=1)
    for one, other in zip(alone, turns, strict=True):
        for ours, theirs in zip(parameters(other), parameters(one), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("first", ["device", "cpu"])
def test_from_one_device_to_the_other(first, request, monkeypatch):
    """Two epochs here and two there: what four on the CPU give, and velocities go along."""
    on_the_cpu(monkeypatch)
    whole = small(max_epochs=4)
    whole.initialize()
    start = whole.get_all_params_values()
    session.fit(whole, X, Y)

    if first == "device":
        request.getfixturevalue("link")
    net = small(max_epochs=2)
    net.initialize()
    net.load_params_from(start)
    session.fit(net, X, Y)
    text = pickle.dumps(net)
    if first == "device":
        on_the_cpu(monkeypatch)
    else:
        request.getfixturevalue("link")
    net = pickle.loads(text)
    session.fit(net, X, Y)
    assert len(net.train_history_) == 4
    for ours, theirs in zip(parameters(net), parameters(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_checkpoint_of_one_device_resumed_on_the_other(link, monkeypatch, tmp_path):
    plan = Plan(tmp_path / "net.checkpoints", every=0)

    def stop(net, rows):
        if len(rows) == 2:
            raise RuntimeError("power cut")

    net = small(max_epochs=4, on_epoch_finished=[])
    net.initialize()
    start = net.get_all_params_values()
    net.on_batch_finished = [stop]
    with pytest.raises(RuntimeError, match="power cut"):
        session.fit(net, X, Y, plan)
    on_the_cpu(monkeypatch)
    resumed, whole = small(max_epochs=4), small(max_epochs=4)
    session.fit(resumed, X, Y, plan)
    whole.initialize()
    whole.load_params_from(start)
    session.fit(whole, X, Y)
    for ours, theirs in zip(parameters(resumed), parameters(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_functions_of_both_in_one_process():
    """They share a variable: each sees what the other wrote."""
    w = theano.shared(np.float32([1, 2, 3]))
    x = T.vector()
    add = theano.function([x], w.sum(), updates=[(w, w + x)], mode=TORCH)
    double = theano.function([], w.sum(), updates=[(w, 2 * w)], mode=FAST_RUN)
    ones = np.ones(3, np.float32)
    assert add(ones) == 6
    assert double() == 9
    assert add(ones) == 18
    np.testing.assert_array_equal(w.get_value(), [5, 7, 9])

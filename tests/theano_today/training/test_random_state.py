"""NeuralNet(random_state=...): what np.random.seed gives, and nothing else moved."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import pickle
import threading

import lasagne
import numpy as np
import pytest
from nolearn.lasagne import BatchIterator
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from tests.tiny_nets import X, Y, outcome, tiny
from theano_today.errors import DataError
from theano_today.training import session


class Drawing(BatchIterator):
    """Draws from NumPy's global generator, as the tutorial's flips do."""

    def transform(self, Xb, yb):
        Xb, yb = super().transform(Xb, yb)
        if yb is not None:
            Xb = Xb.copy()
            Xb[np.random.choice(len(Xb), 2, replace=False)] *= 0.5
        return Xb, yb


def net(**changed):
    return tiny(dropout=True, batch_iterator_train=Drawing(batch_size=4), **changed)


@pytest.fixture(scope="module")
def expected():
    seeded = net()
    np.random.seed(5)
    return outcome(seeded.fit(X, Y))


def test_as_a_seed_just_before_fit(expected):
    np.random.seed(99)
    before = np.random.get_state()[1].copy()
    assert outcome(net(random_state=5, seed=99).fit(X, Y)) == expected
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_a_generator(expected):
    generator = np.random.RandomState(5)
    assert outcome(net(random_state=generator).fit(X, Y)) == expected
    assert generator.get_state()[2] != 624  # it was drawn from


def test_a_net_with_lasagnes_generator_set(expected):
    lasagne.random.set_rng(np.random.RandomState(1))
    assert outcome(net(random_state=5).fit(X, Y)) == expected


def test_goes_on_after_a_pickle_and_a_copy(expected):
    first = net(random_state=5)
    first.fit(X, Y, epochs=1)
    for continued in (pickle.loads(pickle.dumps(first)), copy.deepcopy(first)):
        np.random.seed(1)
        assert outcome(continued.partial_fit(X, Y).partial_fit(X, Y)) == expected


def test_loading_moves_no_numbers():
    trained = net(random_state=5).fit(X, Y)
    stored = pickle.dumps(trained)
    np.random.seed(3)
    before = np.random.get_state()[1:3]
    loaded = pickle.loads(stored)
    after = np.random.get_state()[1:3]
    np.testing.assert_array_equal(after[0], before[0])
    assert after[1] == before[1]
    assert outcome(loaded.fit(X, Y)) == outcome(trained.fit(X, Y))


def test_clone_and_search():
    one = clone(tiny(random_state=5))
    assert one.get_params()["random_state"] == 5
    first, second = (cross_val_score(clone(one), X, Y, cv=2) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_set_later():
    one = tiny()
    one.set_params(random_state=5, hidden_num_units=4)
    assert clone(one).get_params()["random_state"] == 5
    one.set_params(random_state=6)
    assert clone(clone(one)).random_state == 6


def test_threads_take_turns():
    stored = pickle.dumps(tiny().fit(X, Y, epochs=1))
    nets = [net(random_state=i) for i in range(3)]
    threads = [threading.Thread(target=n.fit, args=(X, Y)) for n in nets]
    for thread in threads:
        thread.start()
    # What a worker does meanwhile: the nets of other tasks arrive.
    for _ in range(20):
        pickle.loads(stored)
    for thread in threads:
        thread.join()
    for i, trained in enumerate(nets):
        assert outcome(trained) == outcome(net(random_state=i).fit(X, Y))


def test_resumed_from_a_checkpoint(tmp_path, expected):
    class Stop:
        only_for_this_run = True

        def __call__(self, nn, history):
            if len(history) == 2:
                raise RuntimeError("stopped")

    plan = session.Plan(folder=tmp_path / "checkpoints", every=0)
    stopped = net(random_state=5)
    stopped.on_epoch_finished = [Stop()]
    with pytest.raises(RuntimeError):
        session.fit(stopped, X, Y, plan)
    np.random.seed(77)
    resumed = net(random_state=5, seed=77)
    session.fit(resumed, X, Y, plan)
    assert outcome(resumed) == expected


@pytest.mark.parametrize("wrong", [-1, "seed", 2**32])
def test_no_seed(wrong):
    with pytest.raises(DataError, match="random_state="):
        tiny(random_state=wrong).fit(X, Y)


def test_other_arguments_are_refused_as_ever():
    with pytest.raises(ValueError, match="Unused kwarg: randomstate"):
        tiny(randomstate=1).fit(X, Y)

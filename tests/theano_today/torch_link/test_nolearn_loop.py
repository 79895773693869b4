"""nolearn's fit, predict and pickles on the link, against the stock stack."""

from tests.theano_today.torch_link.compare import TORCH  # isort: skip  (skips)

import pickle

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers
from nolearn.lasagne import BatchIterator, NeuralNet, TrainSplit
from theano.compile import mode as theano_mode

from tests.fresh_python import says
from theano_today import torch_link
from theano_today.torch_link import feeding, nolearn_loop

RS = np.random.RandomState(0)
X = RS.uniform(size=(50, 1, 12, 12)).astype(np.float32)
Y = RS.uniform(-1, 1, size=(50, 4)).astype(np.float32)
CLASSES = RS.randint(0, 3, 50).astype(np.int32)


@pytest.fixture
def link(monkeypatch):
    """The link as the default, for the time of a test."""
    mode = theano_mode.instantiated_default_mode
    monkeypatch.setattr(theano_mode, "instantiated_default_mode", mode)  # put back at its end
    return torch_link.use("cpu")


def small(**changed):
    arguments = {
        "layers": [
            ("input", layers.InputLayer),
            ("conv", layers.Conv2DLayer), ("pool", layers.MaxPool2DLayer),
            ("hidden", layers.DenseLayer), ("output", layers.DenseLayer),
        ],
        "input_shape": (None, 1, 12, 12), "conv_num_filters": 3, "conv_filter_size": (3, 3),
        "pool_pool_size": (2, 2), "hidden_num_units": 9, "output_num_units": 4,
        "output_nonlinearity": None, "update_learning_rate": 0.05, "regression": True,
        "max_epochs": 4, "batch_iterator_train": BatchIterator(batch_size=16),
        "batch_iterator_test": BatchIterator(batch_size=16),
    }  # fmt: skip
    return NeuralNet(**(arguments | changed))


def classifier(**changed):
    return small(
        layers=[
            ("input", layers.InputLayer), ("conv", layers.Conv2DLayer),
            ("pool", layers.MaxPool2DLayer), ("drop", layers.DropoutLayer),
            ("hidden", layers.DenseLayer), ("output", layers.DenseLayer),
        ],
        regression=False, output_num_units=3, output_nonlinearity=lasagne.nonlinearities.softmax,
        **changed,
    )  # fmt: skip


def trained(make=small, y=Y):
    lasagne.random.set_rng(np.random.RandomState(5))
    np.random.seed(5)
    return make().fit(X, y)


def history(net):
    return [(row["train_loss"], row["valid_loss"]) for row in net.train_history_]


def parameters(net):
    return [p.get_value() for p in net.get_all_params()]


class TestAgainstTheStockStack:
    @pytest.mark.parametrize(("make", "y"), [(small, Y), (classifier, CLASSES)])
    def test_training(self, make, y, request):
        stock = trained(make, y)
        request.getfixturevalue("link")
        linked = trained(make, y)
        np.testing.assert_allclose(history(linked), history(stock), rtol=1e-5)
        for ours, theirs in zip(parameters(linked), parameters(stock), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
        np.testing.assert_allclose(linked.predict(X), stock.predict(X), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            linked.get_output("hidden", X), stock.get_output("hidden", X), rtol=1e-4, atol=1e-5
        )

    def test_a_pickle_goes_both_ways(self, request):
        stock = trained()
        from_stock = pickle.dumps(stock)
        request.getfixturevalue("link")
        linked = pickle.loads(from_stock)
        np.testing.assert_allclose(linked.predict(X), stock.predict(X), rtol=1e-5, atol=1e-6)
        linked.fit(X, Y)
        stock.fit(X, Y)
        np.testing.assert_allclose(history(linked), history(stock), rtol=1e-5)
        text = pickle.dumps(linked)
        assert b"torch" not in text
        theano_mode.instantiated_default_mode = None
        again = pickle.loads(text)
        np.testing.assert_allclose(again.predict(X), linked.predict(X), rtol=1e-5, atol=1e-6)

    def test_saved_parameters(self, link, tmp_path):
        net, other = trained(), small()
        net.save_params_to(str(tmp_path / "parameters"))
        other.load_params_from(str(tmp_path / "parameters"))
        np.testing.assert_array_equal(other.predict(X), net.predict(X))

    def test_parameters_set_between_epochs(self, request):
        """The tutorial's AdjustVariable and EarlyStopping: set_value, get_value, load_params."""

        def adjust(net, rows):
            net.update_learning_rate.set_value(np.float32(0.05 / (1 + len(rows))))
            if len(rows) == 2:
                net.load_params_from(net.get_all_params_values())

        def make():
            rate = theano.shared(np.float32(0.05))
            return small(update_learning_rate=rate, on_epoch_finished=[adjust])

        stock = trained(make)
        request.getfixturevalue("link")
        np.testing.assert_allclose(history(trained(make)), history(stock), rtol=1e-5)


class Flip(BatchIterator):
    """The tutorial's, which turns images over in place: in the array that is trained on."""

    def transform(self, Xb, yb):
        Xb, yb = super().transform(Xb, yb)
        indices = np.arange(0, len(Xb), 2)
        Xb[indices] = Xb[indices, :, :, ::-1]
        return Xb, yb


ITERATORS = {
    "plain": lambda: BatchIterator(batch_size=16),
    "shuffling": lambda: BatchIterator(batch_size=16, shuffle=True),
    "changing its batches in place": lambda: Flip(batch_size=16),
}


PICKLES = []


def keep_pickle(net, rows):
    PICKLES.append(pickle.dumps(net))


class TestData:
    @pytest.mark.parametrize("kind", ITERATORS)
    @pytest.mark.parametrize("eval_size", [0.2, 0])
    def test_every_iterator_sees_the_same_data(self, kind, eval_size, request):
        def make():
            return small(batch_iterator_train=ITERATORS[kind](), train_split=TrainSplit(eval_size))

        stock, linked = X.copy(), X.copy()
        lasagne.random.set_rng(np.random.RandomState(5))
        one = make().fit(stock, Y.copy())
        request.getfixturevalue("link")
        lasagne.random.set_rng(np.random.RandomState(5))
        two = make().fit(linked, Y.copy())
        np.testing.assert_allclose(history(two), history(one), rtol=1e-5)
        np.testing.assert_array_equal(linked, stock)

    def test_what_is_resident(self, link):
        seen = []

        def look(net, rows):
            Xb = net.batch_iterator_train.X[16:32]
            seen.append((len(feeding._residents), feeding.find_resident(Xb) is not None))
            assert not net.batch_iterator_train.X.flags.writeable

        iterator = BatchIterator(batch_size=16)
        small(batch_iterator_train=iterator, on_epoch_finished=[look]).fit(X, Y)
        assert seen == [(4, True)] * 4  # X and y, to train with and to validate
        assert feeding._residents == []
        assert nolearn_loop._watched == {}
        assert iterator.X.flags.writeable

    def test_what_the_user_can_reach_is_not(self, link):
        net = small(train_split=TrainSplit(0), on_batch_finished=[lambda net, rows: X.fill(0)])
        before = X.copy()
        try:
            net.fit(X, Y)  # a handler writes to what it trains on: it has to take effect
            stock_like = net.train_history_[-1]["train_loss"]
        finally:
            X[:] = before
        assert np.isfinite(stock_like)

    def test_a_handler_that_predicts(self, link):
        """With the same iterator, on an array of its own: which stays its own."""
        other = X[:20].copy()
        found = []

        def predict(net, rows):
            other[:] += 1
            found.append(net.predict(other))

        iterator = BatchIterator(batch_size=16)
        net = small(batch_iterator_train=iterator, batch_iterator_test=iterator,
                    on_epoch_finished=[predict])  # fmt: skip
        net.fit(X, Y)
        assert other.flags.writeable
        np.testing.assert_array_equal(found[-1], net.predict(other))
        assert not np.array_equal(found[0], found[1])

    def test_a_handler_that_trains_another_net(self, link):
        iterator = BatchIterator(batch_size=16, shuffle=True)

        def train(net, rows):
            small(batch_iterator_train=iterator, max_epochs=1).fit(X, Y)

        small(batch_iterator_train=iterator, on_epoch_finished=[train]).fit(X, Y)
        assert feeding._residents == []
        assert nolearn_loop._watched == {}

    def test_a_handler_that_pickles_the_net(self, link):
        PICKLES.clear()
        small(on_epoch_finished=[keep_pickle]).fit(X, Y)
        assert pickle.loads(PICKLES[0]).predict(X).shape == (50, 4)

    def test_an_interrupted_epoch_leaves_nothing_behind(self, link):
        def stop(net, rows):
            raise KeyboardInterrupt

        iterator = BatchIterator(batch_size=16)
        net = small(batch_iterator_train=iterator, on_batch_finished=[stop])
        net.fit(X, Y)
        assert feeding._residents == []
        assert iterator.X.flags.writeable
        assert type(net.train_iter_(X[:16], Y[:16])[0]) is np.ndarray

    def test_rows(self):
        target = TORCH.linker.target
        array = np.arange(40, dtype=np.float32).reshape(10, 4)
        with feeding.Resident(array, target) as resident:
            np.testing.assert_array_equal(resident.rows(array[3:7]).numpy(), array[3:7])
            np.testing.assert_array_equal(resident.rows(array[:0]).numpy(), array[:0])
            others = (array[::2], array[3:7, :2], array[::-1], array + 0, array.view(np.int32),
                      array[:, None], np.float32(3))  # fmt: skip
            for other in others:
                assert resident.rows(np.asarray(other)) is None
            assert feeding.find_resident(array[9:]) is not None
        assert feeding.find_resident(array[9:]) is None


RULES = {
    "sgd": {"learning_rate": 0.1}, "momentum": {"learning_rate": 0.1},
    "nesterov_momentum": {"learning_rate": 0.1, "momentum": 0.8}, "adagrad": {}, "rmsprop": {},
    "adadelta": {}, "adam": {},
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_update_rules(rule):
    """Each of Lasagne 0.1's, with its own state, over several steps."""
    x = T.matrix()
    values = RS.normal(size=(6, 5)).astype(np.float32)
    found = []
    for mode in (TORCH, theano_mode.Mode("cvm", "fast_run")):
        w, b = theano.shared(np.ones((5, 3), np.float32)), theano.shared(np.zeros(3, np.float32))
        loss = T.mean(T.sqr(T.tanh(T.dot(x, w) + b) - 0.3))
        updates = getattr(lasagne.updates, rule)(loss, [w, b], **RULES[rule])
        step = theano.function([x], loss, updates=updates, mode=mode)
        losses = [float(step(values * (1 + 0.1 * i))) for i in range(6)]
        found.append((losses, [v.get_value() for v in updates]))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5)
    for ours, theirs in zip(found[0][1], found[1][1], strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_norm_constraint_and_clipping():
    x, w = T.matrix(), theano.shared(np.ones((5, 3), np.float32))
    loss = T.sum(T.sqr(T.dot(x, w)))
    values = RS.normal(size=(6, 5)).astype(np.float32)
    found = []
    for mode in (TORCH, theano_mode.Mode("cvm", "fast_run")):
        w.set_value(np.ones((5, 3), np.float32))
        grads, norm = lasagne.updates.total_norm_constraint(
            [theano.grad(loss, w)], 1.0, return_norm=True
        )
        updates = lasagne.updates.sgd(grads, [w], 0.1)
        updates[w] = lasagne.updates.norm_constraint(updates[w], 0.9)
        step = theano.function([x], [loss, norm], updates=updates, mode=mode)
        found.append([step(values) for _ in range(4)] + [w.get_value()])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def layer_stack(incoming):
    """Most of Lasagne 0.1's feed-forward layers in one net."""
    net = layers.Conv2DLayer(incoming, 6, (3, 3), pad="same", untie_biases=True)
    net = layers.BatchNormLayer(net) if hasattr(layers, "BatchNormLayer") else batch_norm(net)
    net = layers.FeaturePoolLayer(net, 2)
    net = layers.MaxPool2DLayer(net, (3, 3), stride=(2, 2), ignore_border=False)
    net = layers.DropoutLayer(net, 0.3)
    left = layers.NINLayer(net, 3, nonlinearity=lasagne.nonlinearities.leaky_rectify)
    right = layers.Conv2DLayer(net, 3, (1, 1), nonlinearity=lasagne.nonlinearities.tanh)
    net = layers.ConcatLayer([layers.ElemwiseSumLayer([left, right]), net])
    net = layers.PadLayer(net, 1)
    net = (
        layers.Pool2DLayer(net, (2, 2), mode="average_inc_pad")
        if hasattr(layers, "Pool2DLayer")
        else net
    )
    net = layers.GaussianNoiseLayer(net, 0.1)
    net = layers.DimshuffleLayer(net, (0, 2, 3, 1))
    net = layers.GlobalPoolLayer(net)
    net = layers.ReshapeLayer(net, ([0], -1))
    net = layers.NonlinearityLayer(layers.SliceLayer(net, slice(0, 5), axis=1), T.nnet.sigmoid)
    return layers.DenseLayer(net, 3, nonlinearity=lasagne.nonlinearities.softmax)


class batch_norm(layers.Layer):
    """Batch normalisation as people wrote it for Lasagne 0.1."""

    def __init__(self, incoming, **kwargs):
        super().__init__(incoming, **kwargs)
        shape = (self.input_shape[1],)
        self.gamma = self.add_param(lasagne.init.Constant(1), shape, name="gamma")
        self.mean = self.add_param(lasagne.init.Constant(0), shape, trainable=False)

    def get_output_for(self, input, deterministic=False, **kwargs):
        mean, var = input.mean((0, 2, 3)), input.var((0, 2, 3))
        if deterministic:
            mean = self.mean
        else:
            running = theano.clone(self.mean, share_inputs=False)
            running.default_update = 0.9 * running + 0.1 * mean
            mean = mean + 0 * running
        mean, var, gamma = (v.dimshuffle("x", 0, "x", "x") for v in (mean, var, self.gamma))
        return gamma * (input - mean) / T.sqrt(var + 1e-4)


@pytest.mark.long
def test_a_net_of_many_layers():
    x, y = T.tensor4(), T.ivector()
    found = []
    for mode in (TORCH, theano_mode.Mode("cvm", "fast_run")):
        lasagne.random.set_rng(np.random.RandomState(1))
        net = layer_stack(layers.InputLayer((None, 1, 12, 12), x))
        loss = lasagne.objectives.categorical_crossentropy(layers.get_output(net), y).mean()
        loss += 1e-3 * lasagne.regularization.regularize_network_params(
            net, lasagne.regularization.l2
        )
        updates = lasagne.updates.adam(loss, layers.get_all_params(net, trainable=True))
        step = theano.function([x, y], loss, updates=updates, mode=mode)
        predict = theano.function([x], layers.get_output(net, deterministic=True), mode=mode)
        losses = [float(step(X[:20], CLASSES[:20])) for _ in range(4)]
        found.append((losses, predict(X[20:])))
        if mode is TORCH:
            assert step.fn.recordable
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-4)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-3, atol=1e-4)


NET2 = """
import sys, numpy as np
import theano_today
from sklearn.base import clone
from nolearn.lasagne import BatchIterator
from net2 import net2

rs = np.random.RandomState(0)
X = rs.uniform(size=(10, 1, 96, 96)).astype(np.float32)
y = rs.uniform(-1, 1, (10, 30)).astype(np.float32)
net = clone(net2)
net.set_params(verbose=0, on_epoch_finished=[], on_training_started=[], max_epochs=3,
               batch_iterator_train=BatchIterator(batch_size=4))
np.random.seed(3)
net.fit(X, y)
np.savez(sys.argv[1], *[p.get_value() for p in net.get_all_params()],
         losses=[(r["train_loss"], r["valid_loss"]) for r in net.train_history_])
"""


@pytest.mark.long
def test_net2_against_the_stock_stack(tmp_path):
    """Six batches of noise: losses to 5 digits, parameters to 5e-6.

    Where two of a pool are alike but for rounding, a filter moves by another one's gradient.
    """
    for flags in ("device=torch:cpu", "engine=stock"):
        file = tmp_path / f"{flags[:6]}.npz"
        code = NET2.replace("sys.argv[1]", repr(str(file)))
        says(code, THEANO_FLAGS=",".join((flags, *kept_flags())))
    ours, theirs = (np.load(tmp_path / f"{name}.npz") for name in ("device", "engine"))
    np.testing.assert_allclose(ours["losses"], theirs["losses"], rtol=1e-5)
    assert len(ours.files) == 13
    for name in ours.files:
        np.testing.assert_allclose(ours[name], theirs[name], atol=5e-6)


def kept_flags():
    """Where this process compiles, for others to do so as well."""
    return [f"base_compiledir={theano.config.base_compiledir}"]


def test_torch_is_left_alone_by_the_cpu():
    says(
        "import sys, theano_today, theano, nolearn.lasagne\n"
        "theano.function([], theano.shared(1.0) * 2)()\n"
        "assert 'torch' not in sys.modules"
    )

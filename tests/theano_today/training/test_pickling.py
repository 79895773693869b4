"""Pickles and copies of nets: what they hold, and that nets go on from them as if nothing was."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import io
import pickle
import sys
import warnings

import lasagne
import numpy as np
import pytest
import theano
from lasagne import layers
from nolearn.lasagne import BatchIterator, NeuralNet
from sklearn.base import clone

from tests.fresh_python import fresh_python

X = np.random.RandomState(0).uniform(size=(20, 6)).astype(np.float32)
Y = np.random.RandomState(1).uniform(size=(20, 2)).astype(np.float32)


def classes(dropout=False):
    hidden = [("hidden", layers.DenseLayer)] + [("dropout", layers.DropoutLayer)] * dropout
    return [("input", layers.InputLayer), *hidden, ("output", layers.DenseLayer)]


def instances(dropout=False):
    layer = layers.DenseLayer(layers.InputLayer((None, 6), name="input"), 5, name="hidden")
    if dropout:
        layer = layers.DropoutLayer(layer, name="dropout")
    return layers.DenseLayer(layer, 2, nonlinearity=None, name="output")


KEYWORDS = {
    "input_shape": (None, 6),
    "hidden_num_units": 5,
    "output_num_units": 2,
    "output_nonlinearity": None,
}


def tiny(form=classes, dropout=False, **changed):
    np.random.seed(7)
    arguments = {
        "layers": form(dropout),
        "update_learning_rate": 0.05,
        "regression": True,
        "max_epochs": 2,
        "batch_iterator_train": BatchIterator(batch_size=4),
    } | (KEYWORDS if form is classes else {})
    return NeuralNet(**(arguments | changed))


def again(net):
    return pickle.loads(pickle.dumps(net, -1))


def losses(net):
    return [(row["epoch"], row["train_loss"], row["valid_loss"]) for row in net.train_history_]


def values(net):
    return [v.tobytes() for vs in net.get_all_params_values().values() for v in vs]


def globals_of(data):
    """Module and name of every global of a pickle, in order."""
    found = []

    class Recorder(pickle.Unpickler):
        def find_class(self, module, name):
            found.append((module, name))
            return super().find_class(module, name)

    Recorder(io.BytesIO(data)).load()
    return found


class Doubled(BatchIterator):
    """A batch iterator with a state of its own."""

    def __init__(self, batch_size):
        super().__init__(batch_size)
        self.factors = np.random.RandomState(3)

    def transform(self, Xb, yb):
        return Xb * np.float32(self.factors.uniform(0.5, 2)), yb


class Adjust:
    """The tutorial's AdjustVariable."""

    def __init__(self, name):
        self.name = name

    def __call__(self, nn, train_history):
        variable = getattr(nn, self.name)
        variable.set_value(np.float32(variable.get_value() * 0.5))


class Subclass(NeuralNet):
    def __getstate__(self):
        return {name: v for name, v in super().__getstate__().items() if name != "scratch"}

    def __setstate__(self, state):
        super().__setstate__(state)
        self.was_loaded = True


@pytest.fixture(scope="module")
def trained():
    return tiny(verbose=1).fit(X, Y)


@pytest.fixture(scope="module")
def trained_instances():
    return tiny(instances, dropout=True).fit(X, Y)


class TestGoingOn:
    """fit 2 epochs, save, load, fit 2 more: the same bits as 4 epochs at once."""

    @pytest.mark.parametrize(
        ("form", "copied"), [(classes, again), (instances, again), (classes, copy.deepcopy)]
    )
    def test_with_momentum(self, form, copied):
        self.check(copied, form=form)

    @pytest.mark.parametrize("update", ["sgd", "adam"])
    def test_with_other_update_rules(self, update):
        self.check(update=getattr(lasagne.updates, update))

    @pytest.mark.parametrize("form", [classes, instances])
    def test_with_dropout(self, form):
        self.check(form=form, dropout=True)

    def test_with_a_batch_iterator_of_ones_own(self):
        self.check(batch_iterator_train=lambda: Doubled(4))

    def test_with_a_learning_rate_that_changes(self):
        self.check(
            update_learning_rate=lambda: theano.shared(np.float32(0.05)),
            on_epoch_finished=lambda: [Adjust("update_learning_rate")],
        )

    def test_saved_twice_without_use(self):
        self.check(lambda net: again(again(net)))

    def test_after_a_prediction(self):
        def copied(net):
            net = again(net)
            net.predict(X)
            return again(net)

        self.check(copied)

    @staticmethod
    def check(copied=again, **arguments):
        def fresh():
            return tiny(
                **{k: v() if k != "form" and is_lazy(v) else v for k, v in arguments.items()}
            )

        whole = fresh().fit(X, Y, epochs=4)
        half = fresh().fit(X, Y, epochs=2)
        rest = copied(half)
        rest.fit(X, Y, epochs=2)
        assert losses(rest) == losses(whole)
        assert values(rest) == values(whole)


def is_lazy(value):
    return getattr(value, "__name__", "") == "<lambda>"


@pytest.mark.parametrize("form", [classes, instances])
def test_never_initialized(form):
    net = again(tiny(form))
    assert not hasattr(net, "layers_")
    np.random.seed(7)
    expected = tiny(form)
    np.random.seed(8)
    net.initialize_layers()
    np.random.seed(8)
    expected.initialize_layers()
    assert values(net) == values(expected)
    net.fit(X, Y, epochs=1)


@pytest.mark.parametrize("form", [classes, instances])
def test_initialized_but_not_fitted(form):
    net = tiny(form)
    net.initialize()
    restored = again(net)
    assert np.array_equal(restored.predict(X), net.predict(X))
    assert values(restored.fit(X, Y)) == values(net.fit(X, Y))


def test_layers_only(trained):
    net = tiny()
    net.initialize_layers()
    assert values(again(net)) == values(net)


@pytest.mark.parametrize("copied", [again, copy.deepcopy, copy.copy])
def test_the_same_predictions(trained, copied):
    copied = copied(trained)
    first = copied.predict(X)
    assert first.tobytes() == trained.predict(X).tobytes()
    copied.initialize()
    assert copied.predict(X).tobytes() == first.tobytes()
    assert copied.score(X, Y) == trained.score(X, Y)
    for layer in ("hidden", "output"):
        assert np.array_equal(copied.get_output(layer, X), trained.get_output(layer, X))


def test_the_first_prediction_compiles_once(trained, monkeypatch):
    compiled = []
    function = theano.function
    monkeypatch.setattr(theano, "function", lambda *a, **k: compiled.append(1) or function(*a, **k))
    net = again(trained)
    assert compiled == []
    for _ in range(3):
        net.predict(X[:5])
    assert compiled == [1]


def test_a_copy_is_independent(trained):
    before = values(trained)
    for copied in (again(trained), copy.deepcopy(trained), copy.copy(trained)):
        copied.layers_["output"].b.set_value(np.zeros(2, np.float32))
        copied.predict(X)
    assert values(trained) == before


def test_a_clone_is_untrained(trained):
    net = clone(again(trained))
    assert net.train_history_ == []
    assert not hasattr(net, "layers_")
    assert len(net.on_epoch_finished) == len(net.on_training_started) == 1
    net.set_params(verbose=0, on_epoch_finished=[], on_training_started=[])
    net.fit(X, Y, epochs=1)


def test_params_from_a_restored_net(trained):
    net = tiny()
    net.load_params_from(again(trained))
    assert values(net) == values(trained)
    restored = again(tiny().fit(X, Y, epochs=1))
    restored.load_params_from(trained)
    assert values(restored) == values(trained)


def test_the_attributes(trained):
    trained.trained_on_ = "generated"
    net = again(trained)
    assert net.trained_on_ == "generated"
    assert net.train_history_ == trained.train_history_
    assert net.get_params(deep=False).keys() == trained.get_params(deep=False).keys()
    assert net.update is lasagne.updates.nesterov_momentum
    assert net.hidden_num_units == 5


def test_loading_leaves_random_numbers_alone(trained):
    data = pickle.dumps(trained, -1)
    np.random.seed(1)
    expected = np.random.uniform()
    np.random.seed(1)
    pickle.loads(data)
    assert np.random.uniform() == expected


def test_a_reloaded_net_prints_a_new_table(trained, capsys):
    again(trained).fit(X, Y, epochs=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(" Epoch  |")
    assert lines[3].startswith("     3  |")
    assert len(lines) == 4


def test_a_classifier_with_labels():
    net = tiny(
        regression=False,
        output_nonlinearity=lasagne.nonlinearities.softmax,
        use_label_encoder=True,
        max_epochs=1,
    )
    labels = np.array(["left", "right"] * 10)
    net.fit(X, labels)
    assert list(again(net).predict(X)) == list(net.predict(X))


@pytest.mark.parametrize("rule", ["adagrad", "adam"])  # whose state has the velocities' shapes
def test_another_update_rule_starts_afresh(trained, rule):
    net = again(trained)
    net.update = getattr(lasagne.updates, rule)
    with pytest.warns(UserWarning, match="update rule was changed"):
        net.initialize()
    assert values(net) == values(trained)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        again(net).initialize()


def test_a_subclass_with_a_state_of_its_own():
    net = Subclass(**tiny().get_params(deep=False)).fit(X, Y)
    net.scratch = lambda: None  # cannot be pickled
    restored = again(net)
    assert type(restored) is Subclass
    assert restored.was_loaded
    assert not hasattr(restored, "scratch")
    assert np.array_equal(restored.predict(X), net.predict(X))


def test_a_handler_that_keeps_the_net():
    net = tiny()
    handler = Adjust("x")
    handler.net = net
    net.on_training_finished = [handler]
    restored = again(net)
    assert restored.on_training_finished[0].net is restored


def test_a_handler_that_keeps_a_layer(trained_instances):
    net = tiny(instances)
    handler = Adjust("x")
    handler.layer = net.layers[0]
    net.on_training_finished = [handler]
    restored = again(net)
    assert restored.on_training_finished[0].layer is restored.layers[0]


def test_a_lambda_can_be_copied_if_not_pickled(trained):
    net = tiny(on_training_finished=[lambda nn, history: None]).fit(X, Y)
    assert np.array_equal(copy.deepcopy(net).predict(X), net.predict(X))


def test_shared_weights_stay_shared():
    first = layers.DenseLayer(layers.InputLayer((None, 6)), 6, name="first")
    second = layers.DenseLayer(first, 6, W=first.W, name="second")
    net = NeuralNet(layers.DenseLayer(second, 2, name="output"), regression=True)
    net.initialize_layers()
    restored = again(net)
    assert restored.layers_["first"].W is restored.layers_["second"].W


@pytest.mark.parametrize("form", [classes, instances])
def test_sixty_layers_need_no_recursion_limit(form):
    depth = 60
    if form is classes:
        names = [f"hidden{i}" for i in range(depth)]
        net = NeuralNet(
            [("input", layers.InputLayer), *((name, layers.DenseLayer) for name in names),
             ("output", layers.DenseLayer)],
            **{f"{name}_num_units": 3 for name in names},
            input_shape=(None, 6), output_num_units=2, regression=True,
        )  # fmt: skip
    else:
        layer = layers.InputLayer((None, 6))
        for i in range(depth):
            layer = layers.DenseLayer(layer, 3, name=f"hidden{i}")
        net = NeuralNet(layers.DenseLayer(layer, 2, name="output"), regression=True)
    net.initialize_layers()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth_now() + 150)
    try:
        restored, copied = again(net), pickle.loads(pickle._dumps(net, 4))
    finally:
        sys.setrecursionlimit(limit)
    assert values(restored) == values(copied) == values(net)


def depth_now():
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def test_sixty_layers_can_be_trained():
    layer = layers.InputLayer((None, 6))
    for i in range(60):
        layer = layers.DenseLayer(layer, 3, name=f"hidden{i}")
    net = NeuralNet(layers.DenseLayer(layer, 2, name="output"), regression=True)
    limit = sys.getrecursionlimit()
    loss = net.objective_loss_function
    net.initialize_layers()
    net._create_iter_funcs = lambda layers, objective, update, output_type: (
        [
            theano.grad(
                objective(layers, target=output_type("y"), loss_function=loss), net.get_all_params()
            )
        ]
        * 3
    )  # all but the compilation, which takes its time and no recursion
    net.initialize()
    assert sys.getrecursionlimit() == limit


class TestContent:
    def test_no_functions_and_no_graph(self, trained, trained_instances):
        for net in (trained, trained_instances):
            modules = {op[0] for op in globals_of(pickle.dumps(net, -1))}
            assert not {m for m in modules if m.startswith("theano.compile.function")}
            assert not {m for m in modules if m.startswith(("theano.gof.fg", "theano.gof.vm"))}
            assert not {m for m in modules if "gpu" in m or "cuda" in m}
            assert "__main__" not in modules

    def test_the_first_global(self, trained, trained_instances):
        for net in (trained, trained_instances, tiny(verbose=1)):
            found = globals_of(pickle.dumps(net, -1))
            assert found[0] == ("theano_today.training.pickling", "restore")

    @pytest.mark.parametrize("form", [classes, instances])
    def test_about_the_size_of_weights_and_velocities(self, form):
        def big():
            if form is classes:
                return tiny(hidden_num_units=100_000)
            hidden = layers.DenseLayer(layers.InputLayer((None, 6)), 100_000)
            return NeuralNet(layers.DenseLayer(hidden, 2), regression=True, update_learning_rate=1)

        net = big()
        net.initialize()
        weights = sum(p.get_value().nbytes for p in net.get_all_params())
        assert 2 * weights <= len(pickle.dumps(net, -1)) < 2 * weights + 50_000
        net = big()
        net.initialize_layers()
        assert weights <= len(pickle.dumps(net, -1)) < weights + 50_000


def test_a_fresh_process_in_another_folder(tmp_path):
    net = tiny(instances, dropout=True, verbose=1)
    net.fit(X, Y)
    (tmp_path / "net.pickle").write_bytes(pickle.dumps(net, -1))
    np.save(tmp_path / "X.npy", X)
    done = fresh_python(
        "-c",
        "import pickle, numpy\n"
        "y = pickle.load(open('net.pickle', 'rb')).predict(numpy.load('X.npy'))\n"
        "numpy.save('y.npy', y)",
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert np.load(tmp_path / "y.npy").tobytes() == net.predict(X).tobytes()

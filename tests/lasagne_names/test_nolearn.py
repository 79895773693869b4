"""nolearn.lasagne: nets trained step by step against NumPy, handlers, and what it shows."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import itertools
import pickle
import sys
import types

import lasagne
import matplotlib as mpl
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne.layers import (
    ConcatLayer,
    Conv2DLayer,
    DenseLayer,
    DropoutLayer,
    InputLayer,
    MaxPool2DLayer,
)
from lasagne.nonlinearities import softmax
from nolearn.lasagne import (
    BatchIterator,
    NeuralNet,
    PrintLayerInfo,
    PrintLog,
    TrainSplit,
    base,
    handlers,
    objective,
    util,
    visualize,
)

from tests.lasagne_names.catalogue import MODE, close, compute, draw, runs

mpl.use("Agg")

X = draw(40, 5)
LABELS = (X[:, 0] > 0).astype("int32") + (X[:, 1] > 0.5)
Y = np.stack([X.sum(1), X[:, 0]], 1)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Functions of Python and NumPy: what nolearn does with them is the point."""
    monkeypatch.setattr(theano.compile.mode, "instantiated_default_mode", MODE)


def classifier(**more):
    lasagne.random.set_rng(np.random.RandomState(1))
    arguments = {
        "layers": [
            (InputLayer, {"shape": (None, 5)}),
            (DenseLayer, {"num_units": 3, "nonlinearity": softmax}),
        ],
        "update": lasagne.updates.sgd,
        "update_learning_rate": 0.5,
        "max_epochs": 2,
        "batch_iterator_train": BatchIterator(10),
        "batch_iterator_test": BatchIterator(10),
    }  # fmt: skip
    return NeuralNet(**(arguments | more))


def regressor(**more):
    lasagne.random.set_rng(np.random.RandomState(1))
    arguments = {
        "layers": [("input", InputLayer), ("output", DenseLayer)],
        "input_shape": (None, 5),
        "output_num_units": 2,
        "output_nonlinearity": None,
        "update": lasagne.updates.sgd,
        "update_learning_rate": 0.1,
        "regression": True,
        "max_epochs": 2,
        "batch_iterator_train": BatchIterator(10),
    }
    return NeuralNet(**(arguments | more))


def probabilities(x, W, b):
    e = np.exp(x @ W + b - (x @ W + b).max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def initial(n):
    side = np.sqrt(6 / (5 + n))
    return np.random.RandomState(1).uniform(-side, side, (5, n)), np.zeros(n)


@runs("nolearn.lasagne.base", "NeuralNet TrainSplit BatchIterator")
def test_classification():
    """Each loss, the accuracy and the weights of two epochs."""
    net = classifier().fit(X, LABELS)
    from sklearn.cross_validation import StratifiedKFold

    train, valid = next(iter(StratifiedKFold(LABELS, 5)))
    W, b = initial(3)
    one_hot = np.eye(3)[LABELS]
    for row in net.train_history_:
        losses, sizes = [], []
        for i in range(0, len(train), 10):
            rows = train[i : i + 10]
            p = probabilities(X[rows], W, b)
            losses.append(-np.log((p * one_hot[rows]).sum(1)).mean())
            sizes.append(len(rows))
            d = (p - one_hot[rows]) / len(rows)
            W, b = W - 0.5 * X[rows].T @ d, b - 0.5 * d.sum(0)
        p = probabilities(X[valid], W, b)
        close(row["train_loss"], np.average(losses, weights=sizes), rtol=1e-3)
        close(row["valid_loss"], -np.log((p * one_hot[valid]).sum(1)).mean(), rtol=1e-3)
        close(row["valid_accuracy"], (p.argmax(1) == LABELS[valid]).mean())
    close(net.predict_proba(X), probabilities(X, W, b), rtol=1e-3)
    np.testing.assert_array_equal(net.predict(X), probabilities(X, W, b).argmax(1))
    close(net.score(X, LABELS), (net.predict(X) == LABELS).mean())
    assert [row["epoch"] for row in net.train_history_] == [1, 2]
    net.partial_fit(X, LABELS)
    assert net.train_history_[-1]["epoch"] == 3


@runs("nolearn.lasagne.base", "NeuralNet Layers")
def test_regression():
    net = regressor(train_split=TrainSplit(0.25)).fit(X, Y)
    W, b = initial(2)
    for _ in range(2):
        for i in range(10, 40, 10):  # KFold's first fold is for validation
            x, y = X[i : i + 10], Y[i : i + 10]
            d = 2 * (x @ W + b - y) / y.size
            W, b = W - 0.1 * x.T @ d, b - 0.1 * d.sum(0)
    close(net.predict(X), X @ W + b, rtol=1e-3, atol=1e-4)
    close(net.train_history_[-1]["valid_loss"], ((X[:10] @ W + b - Y[:10]) ** 2).mean(), rtol=1e-3)
    # nolearn hands its predictions to r2_score where the truth belongs.
    p = X @ W + b
    residual, total = ((p - Y) ** 2).sum(0), ((p - p.mean(0)) ** 2).sum(0)
    close(net.score(X, Y), (1 - residual / total).mean(), rtol=1e-3)
    close(net.get_output("output", X), net.predict(X))
    found = net.layers_
    assert found.keys() == ["input", "output"]
    assert found[1] is found["output"]
    assert found[0:1].keys() == ["input"]
    assert net.get_all_layers() == found.values()
    one = regressor(output_num_units=1, train_split=TrainSplit(0)).fit(X, Y[:, 0])
    assert one.predict(X).shape == (40, 1)
    assert np.isnan(one.train_history_[0]["valid_loss"])


def test_several_inputs():
    lasagne.random.set_rng(np.random.RandomState(1))
    net = NeuralNet(
        layers=[
            ("first", InputLayer), ("second", InputLayer), ("both", ConcatLayer),
            ("output", DenseLayer),
        ],
        first_shape=(None, 2), second_shape=(None, 3), both_incomings=["first", "second"],
        output_num_units=2, output_nonlinearity=None, regression=True,
        update_learning_rate=0.1, max_epochs=1, batch_iterator_train=BatchIterator(100),
    )  # fmt: skip
    parts = {"first": X[:, :2], "second": X[:, 2:]}
    net.fit(parts, Y)
    W, b = net.get_all_params_values()["output"]
    close(net.predict(parts), X @ W + b)
    with pytest.raises(ValueError, match="equal length"):
        net.fit({"first": X[:3, :2], "second": X[:, 2:]}, Y)
    with pytest.raises(ValueError, match="equal length"):
        net.fit(parts, Y[:5])


def test_label_encoder_and_scores():
    words = np.array(["ant", "bee", "cat"])[LABELS]
    net = classifier(
        use_label_encoder=True,
        max_epochs=20,
        custom_scores=[("rows", lambda y, p: float(len(y)))],
        scores_train=[("best", lambda p, y: p[0].max())],
        scores_valid=[("least", lambda p, y: p[0].min())],
    )
    net.fit(X, words)
    assert net.classes_.tolist() == ["ant", "bee", "cat"]
    assert set(net.predict(X)) <= set(words)
    assert net.score(X, words) > 0.6
    row = net.train_history_[-1]
    assert 0 < row["least"] <= row["best"] < 1
    assert row["rows"] > 0


@runs("nolearn.lasagne.base", "BatchIterator")
def test_batches():
    iterator = BatchIterator(3)
    batches = list(iterator(X[:7], Y[:7]))
    assert [len(x) for x, _ in batches] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), Y[:7])
    assert [y for _, y in iterator(X[:4])] == [None, None]
    assert iterator.n_samples == 4
    (one,) = BatchIterator(9)({"a": X[:4], "b": Y[:4]}, None)
    np.testing.assert_array_equal(one[0]["b"], Y[:4])

    shuffling, a, b = BatchIterator(5, shuffle=True, seed=3), X[:10].copy(), X[:10].copy()
    x, y = next(iter(shuffling(a, b)))
    np.testing.assert_array_equal(x, y)
    order = np.arange(10)
    np.random.RandomState(3).shuffle(order)
    np.testing.assert_array_equal(x, X[order[:5]])
    assert not hasattr(pickle.loads(pickle.dumps(shuffling)), "X")

    class Doubling(BatchIterator):
        def transform(self, Xb, yb):
            return 2 * Xb, yb

    close(next(iter(Doubling(4)(X)))[0], 2 * X[:4])


@runs("nolearn.lasagne.base", "TrainSplit LegacyTrainTestSplit")
def test_splits():
    net = types.SimpleNamespace(regression=False)
    train, valid, _, y_valid = TrainSplit(0.25)(X, LABELS, net)
    assert len(train) + len(valid) == 40
    counts = np.bincount(LABELS, minlength=3)
    assert (abs(np.bincount(y_valid, minlength=3) - counts / 4) < 1).all()
    _, valid, _, _ = TrainSplit(0.25, stratify=False)(X, LABELS, net)
    np.testing.assert_array_equal(valid, X[:10])
    train, valid, _, y_valid = TrainSplit(0)(X, LABELS, net)
    assert (len(train), len(valid), len(y_valid)) == (40, 0, 0)
    x = X.copy()
    _, valid, _, _ = TrainSplit(0.5, stratify=False, shuffle=True)(x, LABELS.copy(), net)
    assert (valid != X[:20]).any()

    class Old(NeuralNet):
        def train_test_split(self, X, y, eval_size):
            return X[5:], X[:5], y[5:], y[:5]

    defs = [(InputLayer, {"shape": (None, 5)}), (DenseLayer, {"num_units": 3})]
    with pytest.warns(UserWarning, match="train_test_split"):
        net = Old(defs)
    assert isinstance(net.train_split, base.LegacyTrainTestSplit)
    assert len(net.train_split(X, Y, net)[1]) == 5
    with pytest.warns(UserWarning, match="eval_size"):
        assert classifier(eval_size=0.5, train_split=TrainSplit(0.2)).train_split.eval_size == 0.5


@runs("nolearn.lasagne.base", "objective grad_scale")
def test_objective():
    net = regressor(objective_l1=0.5, objective_l2=0.25)
    net.initialize()
    W, b = net.layers_["output"].W.get_value(), net.layers_["output"].b.get_value()
    y, x = T.matrix(), net.layers_[0].input_var
    loss = objective(net.layers_, lasagne.objectives.squared_error, y, l1=0.5, l2=0.25)
    total = objective(
        net.layers_, lasagne.objectives.squared_error, y, aggregate=lambda e: e.sum(),
        deterministic=True, get_output_kw={"inputs": 2 * x},
    )  # fmt: skip
    got = compute([loss, total], {x: X, y: Y})
    error = ((X @ W + b - Y) ** 2).mean()
    close(got[0], error + 0.5 * abs(W).sum() + 0.25 * (W**2).sum(), rtol=1e-3)
    close(got[1], ((2 * X @ W + b - Y) ** 2).sum(), rtol=1e-3)
    close(net.train_iter_(X, Y)[0], got[0], rtol=1e-3)

    lasagne.random.set_rng(np.random.RandomState(1))
    frozen = DenseLayer(InputLayer((None, 5), name="input"), 2, nonlinearity=None, name="output")
    assert base.grad_scale(frozen, 0.25) is frozen
    before = frozen.W.get_value()
    net = NeuralNet(frozen, update=lasagne.updates.sgd, update_learning_rate=0.4, regression=True)
    net.initialize()
    net.train_iter_(X, Y)
    step = 0.4 * 0.25 * X.T @ (2 * (X @ before - Y) / Y.size)
    close(frozen.W.get_value(), before - step, rtol=1e-3, atol=1e-4)


def test_arguments_that_are_wrong():
    with pytest.raises(ValueError, match="Unused kwarg: nowhere_num"):
        classifier(nowhere_num=3).initialize()
    for name in ("loss", "X_tensor_type", "batch_iterator"):
        with pytest.raises(ValueError, match=f"{name}'"):
            classifier(**{name: 1})
    with pytest.raises(TypeError, match="Failed to instantiate"):
        regressor(output_no_such_argument=1).initialize()


def test_params_saved_and_loaded(tmp_path):
    first, second = classifier(), classifier()
    first.fit(X, LABELS)
    second.initialize()
    path = tmp_path / "weights.pkl"
    first.save_params_to(str(path))
    second.load_params_from(str(path))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    third = classifier()
    third.initialize()
    third.load_params_from(first.get_all_params_values())
    np.testing.assert_array_equal(first.predict_proba(X), third.predict_proba(X))
    again = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))


@runs(
    "nolearn.lasagne.handlers",
    "PrintLog PrintLayerInfo SaveWeights RememberBestWeights RestoreBestWeights WeightLog",
)
def test_handlers(tmp_path, capsys):
    calls = []

    def note(word):
        return lambda net, history: calls.append((word, len(history)))

    remember = handlers.RememberBestWeights(verbose=1)
    log = handlers.WeightLog(str(tmp_path / "weights.csv"), write_every=1)
    values = []

    def keep(net, history):
        values.append(net.get_all_params_values())

    def stop(net, history):
        if len(history) == 3:
            raise StopIteration

    net = classifier(
        max_epochs=9,
        on_training_started=[note("started")],
        on_batch_finished=[note("batch"), log],
        on_epoch_finished=[
            note("epoch"), keep, remember,
            handlers.SaveWeights(str(tmp_path / "w-{epoch}.pkl"), every_n_epochs=2, verbose=1),
            handlers.SaveWeights(str(tmp_path / "best.pkl"), only_best=True), stop,
        ],
        on_training_finished=[note("finished"), handlers.RestoreBestWeights(remember)],
        verbose=1,
    )  # fmt: skip
    net.fit(X, LABELS)
    words = [word for word, _ in calls]
    assert words.count("epoch") == 3
    assert words[0] == "started"
    assert words[-1] == "finished"
    assert words.count("batch") == 3 * 4
    history = net.train_history_
    best = int(np.argmin([row["valid_loss"] for row in history]))
    assert remember.best_weights_epoch == best + 1
    for name, arrays in net.get_all_params_values().items():
        for a, want in zip(arrays, values[best][name], strict=True):
            np.testing.assert_array_equal(a, want)
    assert [p.name for p in sorted(tmp_path.glob("w-*"))] == ["w-0002.pkl"]
    other = classifier()
    other.initialize()
    other.load_params_from(str(tmp_path / "best.pkl"))
    np.testing.assert_array_equal(other.predict_proba(X), net.predict_proba(X))
    handlers.SaveWeights(str(tmp_path / "net.pkl"), pickle=True)(other, history)
    loaded = pickle.loads((tmp_path / "net.pkl").read_bytes())
    np.testing.assert_array_equal(loaded.predict_proba(X), net.predict_proba(X))
    assert len(log.history) == 12
    lines = (tmp_path / "weights.csv").read_text().splitlines()
    assert lines[0].startswith("dense1_0 wdiff,dense1_0 wabsmean")
    assert len(lines) == 13
    assert log.history[0]["dense1_0 wdiff"] == 0 < log.history[1]["dense1_0 wdiff"]
    out = capsys.readouterr().out
    assert "produces       3 outputs" in out  # the tutorial's words: theano_today/training/table.py
    assert "Train loss" in out
    assert "Loaded best weights from epoch" in out
    PrintLayerInfo()(net)
    assert "18 learnable parameters" in capsys.readouterr().out  # nolearn's own
    table = PrintLog().table(net, history)
    assert f"{history[-1]['train_loss']:.5f}"[:5] in table


def images(**more):
    lasagne.random.set_rng(np.random.RandomState(1))
    arguments = {
        "layers": [
            (InputLayer, {"shape": (None, 1, 8, 8)}),
            (Conv2DLayer, {"num_filters": 4, "filter_size": (3, 3)}),
            (MaxPool2DLayer, {"pool_size": (2, 2)}),
            (Conv2DLayer, {"num_filters": 2, "filter_size": (2, 2)}),
            (DropoutLayer, {"p": 0.1}), (DenseLayer, {"num_units": 3, "nonlinearity": softmax}),
        ],
        "update_learning_rate": 0.1,
        "max_epochs": 1,
    }  # fmt: skip
    return NeuralNet(**(arguments | more))


@pytest.fixture(scope="module")
def net():
    net = images()
    net.initialize()
    net.train_history_ = [
        {"train_loss": 2.0, "valid_loss": 3.0},
        {"train_loss": 1, "valid_loss": 2},
    ]
    return net


PICTURES = draw(2, 1, 8, 8)


@runs(
    "nolearn.lasagne.util",
    "ansi is_conv2d is_maxpool2d get_real_filter get_receptive_field get_conv_infos",
)
def test_util(net, capsys):
    found = net.layers_.values()
    assert util.is_conv2d(found[1])
    assert not util.is_conv2d(found[2])
    assert util.is_conv2d(found)
    assert util.is_maxpool2d(found[2])
    assert not util.is_maxpool2d(found[:2])
    size = (8, 8)
    filters = [(8, 8), (3, 3), (3, 3), (4, 4), (8, 8), (8, 8)]
    fields = [(8, 8), (3, 3), (3, 3), (5, 5), (8, 8), (8, 8)]
    np.testing.assert_array_equal(util.get_real_filter(found, size), filters)
    np.testing.assert_array_equal(util.get_receptive_field(found, size), fields)
    table = util.get_conv_infos(net, detailed=True)
    row = next(line for line in table.splitlines() if "conv2d3" in line)
    assert row.split()[1:] == [
        "2x2x2", "8", "80.00", "80.00", "62.50", "62.50", "4", "4", "5", "5",
    ]  # fmt: skip
    assert util.ansi.RED + "x" + util.ansi.ENDC == "\033[31mx\033[0m"
    net.verbose = 3
    PrintLayerInfo()(net)
    net.verbose = 0
    assert "filter Y" in capsys.readouterr().out


@runs("nolearn.lasagne.visualize", "plot_loss plot_conv_weights plot_conv_activity")
def test_plots(net):
    plt = visualize.plot_loss(net)
    lines = plt.gca().get_lines()
    assert [line.get_ydata().tolist() for line in lines] == [[2, 1], [3, 2]]
    plt.close("all")
    plt = visualize.plot_conv_weights(net.layers_[1])
    shown = [a.get_images()[0].get_array() for a in plt.gcf().axes if a.get_images()]
    np.testing.assert_array_equal(shown, net.layers_[1].W.get_value()[:, 0])
    plt.close("all")
    plt = visualize.plot_conv_activity(net.layers_[1], PICTURES[:1])
    shown = [a.get_images()[0].get_array() for a in plt.gcf().axes if a.get_images()]
    np.testing.assert_allclose(shown[0], 1 - PICTURES[0, 0])
    np.testing.assert_allclose(
        shown[1:], -net.get_output(net.layers_[1], PICTURES[:1])[0], rtol=1e-5, atol=1e-6
    )
    plt.close("all")
    with pytest.raises(ValueError, match="Only one sample"):
        visualize.plot_conv_activity(net.layers_[1], PICTURES)


@runs("nolearn.lasagne.visualize", "occlusion_heatmap plot_occlusion")
def test_occlusion(net):
    heat = visualize.occlusion_heatmap(net, PICTURES[:1], 1, square_length=3)
    for i, j in ((0, 0), (3, 4), (7, 7)):
        hidden = np.pad(PICTURES[:1], [(0, 0), (0, 0), (2, 2), (2, 2)])
        hidden[:, :, i : i + 3, j : j + 3] = 0
        close(heat[i, j], net.predict_proba(hidden[:, :, 2:-2, 2:-2])[0, 1])
    with pytest.raises(ValueError, match="odd number"):
        visualize.occlusion_heatmap(net, PICTURES[:1], 1, square_length=4)
    with pytest.raises(ValueError, match="shape"):
        visualize.occlusion_heatmap(net, PICTURES, 1)
    plt = visualize.plot_occlusion(net, PICTURES[:1], [1], square_length=3)
    assert len(plt.gcf().axes) == 3
    np.testing.assert_allclose(plt.gcf().axes[1].get_images()[0].get_array(), -heat)
    plt.close("all")


@runs("nolearn.lasagne.visualize", "saliency_map saliency_map_net plot_saliency")
def test_saliency():
    net = images()
    net.initialize()
    # Without dropout: nolearn asks for the output as in training.
    net.layers_["dropout4"].p = 0
    saliency = visualize.saliency_map_net(net, PICTURES[:1])
    assert saliency.shape == (8, 8)
    best = net.predict_proba(PICTURES[:1])[0].argmax()
    for i, j in ((2, 3), (5, 5), (0, 7)):
        sides = []
        for step in (1e-2, -1e-2):
            moved = PICTURES[:1].copy()
            moved[0, 0, i, j] += step
            sides.append(np.log(net.predict_proba(moved)[0, best].astype(float)))
        assert abs(abs(sides[0] - sides[1]) / 2e-2 - saliency[i, j]) < 5e-3
    x = net.layers_[0].input_var
    (by_hand,) = visualize.saliency_map(
        x, lasagne.layers.get_output(net.layers_[-1]), np.array([best]), PICTURES[:1]
    )
    close(by_hand[0], saliency)
    plt = visualize.plot_saliency(net, PICTURES)
    assert len(plt.gcf().axes) == 6
    plt.close("all")


@runs("nolearn.lasagne.visualize", "make_pydot_graph draw_to_file draw_to_notebook get_hex_color")
def test_drawings(net, monkeypatch, tmp_path):
    """Of the graph; pydotplus and IPython, which are not required, stand in as they are called."""
    pydot, display = types.ModuleType("pydotplus"), types.ModuleType("IPython.display")

    class Dot:
        def __init__(self, name, graph_type):
            self.nodes, self.edges = [], []

        def add_node(self, node):
            self.nodes.append(node)

        def add_edge(self, edge):
            self.edges.append(edge)

        def create(self, format):
            return format.encode()

        def create_png(self):
            return b"a picture"

    pydot.Dot = Dot
    pydot.Node = lambda key, **look: (key, look)
    pydot.Edge = lambda *ends: ends
    display.Image = lambda data: data
    monkeypatch.setitem(sys.modules, "pydotplus", pydot)
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    graph = visualize.make_pydot_graph(net.get_all_layers(), verbose=True)
    assert len(graph.nodes) == 6
    chain = [repr(layer) for layer in net.get_all_layers()]
    assert [(a[0], b[0]) for a, b in graph.edges] == list(itertools.pairwise(chain))
    label = graph.nodes[1][1]["label"]
    assert "num_filters: 4" in label
    assert "nonlinearity: rectify" in label
    assert "Output shape: (None, 4, 6, 6)" in label
    visualize.draw_to_file(net, str(tmp_path / "net.svg"))
    assert (tmp_path / "net.svg").read_bytes() == b"svg"
    assert visualize.draw_to_notebook(net) == b"a picture"
    colors = {
        visualize.get_hex_color(n) for n in ("Conv2DLayer", "MaxPool2DLayer", "LSTMLayer", "x")
    }
    assert len(colors) == 4
    assert all(color[0] == "#" for color in colors)

"""The pictures of plot_results.py, drawn from a stand-in for a net: no Theano, no faces."""

import pickle
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

import plot_results
from kfkd import drawing
from kfkd.keypoints import COLUMNS
from tests.legible import assert_legible, legend_labels
from theano_today.errors import DataError, MissingFileError, WriteError

ROOT = Path(plot_results.__file__).parent

PICTURES = {
    "learning_curves.png",
    "conv1_filters.png",
    "worst_and_best_faces.png",
    "keypoint_errors.png",
    "test_faces.png",
}


class Layer:
    def __init__(self, shape=None, W=None):
        self.shape, self.W, self._value = shape, self, W

    def get_value(self):
        return self._value


class Net:
    """Knows each face by its grey value, and misses its keypoints by `miss` pixels."""

    def __init__(self, history=(), outputs=30, input_shape=(None, 1, 96, 96), conv1=True):
        self.train_history_ = list(history)
        self.outputs, self.input_shape = outputs, input_shape
        self.layers_ = {"input": Layer(input_shape)}
        if conv1:
            W = np.random.default_rng(0).normal(size=(32, 1, 3, 3))
            self.layers_["conv1"] = Layer(W=W.astype(np.float32))

    def train_split(self, X, y, net):
        assert net is self
        return X[10:], X[:10], y[10:], y[:10]

    def predict(self, X):
        assert X.shape[1:] == self.input_shape[1:]
        i = np.round(X.reshape(len(X), -1)[:, 0] * 100).astype(int)
        y = TRUTH[i] + MISS[i, np.newaxis] / 48
        return y[:, : self.outputs].astype(np.float32)


class BrokenNet(Net):
    def predict(self, X):
        return np.full((len(X), 30), np.nan, np.float32)


class SelfishNet(Net):
    def train_split(self, X, y, net):
        return X, X[:0], y, y[:0]


FACES = 40
TRUTH = np.random.default_rng(1).uniform(-0.8, 0.8, (FACES, 30)).astype(np.float32)
# All coordinates of face i are off by this many pixels; the faces 3 and 7 are the extremes.
MISS = 1 + np.arange(FACES) / 10
MISS[3], MISS[7] = 9, 0.25


def some_history(epochs):
    return [
        {"epoch": i, "train_loss": 0.1 / i, "valid_loss": 0.09 / i, "dur": 1.0}
        for i in range(1, epochs + 1)
    ]


def draw(net, name="net2", training=True, faces=True):
    return dict(
        [
            *(plot_results.draw_training(net, name) if training else ()),
            *(plot_results.draw_faces(net, name) if faces else ()),
        ]
    )


@pytest.fixture(autouse=True)
def stand_in_faces(monkeypatch):
    X = np.ones((FACES, 1, 96, 96), np.float32) * np.arange(FACES)[:, None, None, None] / 100
    X = X.astype(np.float32)

    def load2d(test=False):
        print("a table of counts")
        return (X[::-1], None) if test else (X, TRUTH)

    monkeypatch.setattr(plot_results, "load2d", load2d)
    monkeypatch.setattr(plot_results, "source", lambda test=False: "kaggle")
    monkeypatch.delenv("KFKD_DATA", raising=False)
    matplotlib.use("agg")
    with pyplot.rc_context(drawing.STYLE):
        yield
    pyplot.close("all")


@pytest.fixture
def generated(monkeypatch):
    monkeypatch.setattr(plot_results, "source", lambda test=False: "generated")


@pytest.fixture
def no_test_csv(monkeypatch):
    def load2d(test=False, load2d=plot_results.load2d):
        if test:
            raise MissingFileError("no test.csv")
        return load2d()

    monkeypatch.setattr(plot_results, "load2d", load2d)


@pytest.fixture
def net_file(tmp_path):
    path = tmp_path / "my_net.pickle"
    path.write_bytes(pickle.dumps(Net(some_history(5))))
    return path


class TestLearningCurves:
    def test_curves_and_the_tutorials_points(self):
        figure = plot_results.plot_learning_curves(some_history(30), "a title", "net2")
        lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
        assert list(lines) == ["train", "valid", "train, tutorial's net2", "valid, tutorial's net2"]
        assert legend_labels(figure) == list(lines)
        assert list(lines["train"].get_xdata()) == list(range(1, 31))
        assert lines["valid"].get_ydata()[1] == 0.045
        published = lines["valid, tutorial's net2"].get_xydata().tolist()
        assert published[0] == [1, 0.042740]
        assert published[-2:] == [[500, 0.002013], [1000, 0.001566]]
        assert lines["train, tutorial's net2"].get_xydata().tolist()[4] == [5, 0.006783]
        assert (
            lines["train, tutorial's net2"].get_marker()
            != lines["valid, tutorial's net2"].get_marker()
        )
        assert lines["train, tutorial's net2"].get_linestyle() == "None"

    def test_axes(self):
        figure = plot_results.plot_learning_curves(some_history(30), "a title")
        axis = figure.axes[0]
        assert axis.get_title() == "a title"
        assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
        assert axis.get_xlabel() == "epoch"
        assert axis.get_ylabel() == "loss (mean squared error)"
        assert legend_labels(figure) == ["train", "valid"]

    def test_second_axis_is_the_rmse_in_pixels(self):
        figure = plot_results.plot_learning_curves(some_history(30), "")
        axis = figure.axes[0]
        figure.canvas.draw()
        (pixels,) = axis.child_axes
        assert pixels.get_ylabel() == "RMSE (pixels)"
        assert pixels.get_ylim() == pytest.approx(np.sqrt(axis.get_ylim()) * 48)

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("beside", [None, "net2", "net4"])
    @pytest.mark.parametrize("epochs", [1, 2, 10, 1000])
    def test_any_number_of_epochs(self, epochs, beside):
        figure = plot_results.plot_learning_curves(some_history(epochs), "title", beside)
        assert_legible(figure)
        axis = figure.axes[0]
        assert axis.get_xlim()[0] > 0.5
        assert axis.get_xlim()[1] >= max(epochs, 10)
        if epochs == 1:
            assert axis.get_lines()[0].get_marker() == "."

    @pytest.mark.parametrize("valid", [0.099, 0.0875, 0.06, 0.045, 0.02])
    def test_losses_close_together_have_numbers_beside_them(self, valid):
        history = [{"epoch": 1, "train_loss": 0.1145, "valid_loss": valid}]
        figure = plot_results.plot_learning_curves(history, "title")
        assert_legible(figure)
        (pixels,) = figure.axes[0].child_axes
        for axis in (figure.axes[0], pixels):
            low, high = axis.get_ylim()
            ticks = [tick for tick in axis.get_yticks() if low <= tick <= high]
            assert len(ticks) >= 3

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("huge", [40.0, 3e8, 1e30])
    def test_losses_that_are_huge_or_no_numbers(self, huge):
        history = some_history(10)
        history[0]["train_loss"] = huge
        history[4]["train_loss"] = np.float32("nan")
        history[5]["valid_loss"] = float("inf")
        history[6]["valid_loss"] = None
        figure = plot_results.plot_learning_curves(history, "title", "net2")
        assert_legible(figure)


class TestFaces:
    @pytest.mark.parametrize(("given", "drawn"), [(3, 3), (16, 16), (40, 16)])
    def test_sixteen_faces(self, given, drawn):
        X = np.zeros((given, 1, 96, 96))
        figure = plot_results.plot_faces(X, np.zeros((given, 30)), "a title")
        assert len(figure.axes) == drawn
        assert figure.get_suptitle() == "a title"
        assert_legible(figure)


class TestFilters:
    @pytest.mark.parametrize("number", [10, 32])
    def test_all_filters_on_one_scale(self, number):
        W = np.random.default_rng(0).normal(size=(number, 1, 3, 3))
        figure = plot_results.plot_filters(W, "a title")
        images = [image for axis in figure.axes[:-1] for image in axis.get_images()]
        assert len(images) == number
        assert np.array_equal(images[-1].get_array(), W[-1, 0])
        assert {image.get_clim() for image in images} == {(-np.abs(W).max(), np.abs(W).max())}
        assert figure.axes[-1].get_ylabel() == "weight"
        assert_legible(figure)


class TestDraw:
    def test_kaggles_faces(self):
        figures = draw(Net(some_history(5)))
        assert set(figures) == PICTURES
        assert "train, tutorial's net2" in legend_labels(figures["learning_curves.png"])
        title = figures["test_faces.png"].get_suptitle()
        assert title == "net2: predicted keypoints (test set of Kaggle's faces)"
        # The test faces are the training faces backwards.
        points = figures["test_faces.png"].axes[0].collections[0].get_offsets()
        assert points[0].tolist() == pytest.approx(TRUTH[39, :2] * 48 + 48 + MISS[39], rel=1e-4)
        worst = figures["worst_and_best_faces.png"].axes
        assert [worst[0].get_xlabel(), worst[5].get_xlabel()] == ["9.00 pixels", "0.250 pixels"]
        for figure in figures.values():
            assert_legible(figure)

    def test_each_of_the_tutorials_nets_beside_its_own_figures(self):
        figures = dict(plot_results.draw_training(Net(some_history(5)), "net4"))
        lines = {x.get_label(): x for x in figures["learning_curves.png"].axes[0].get_lines()}
        assert lines["valid, tutorial's net4"].get_xydata().tolist() == [[1000, 0.001387]]

    @pytest.mark.usefixtures("generated")
    def test_generated_faces_are_not_mixed_with_the_tutorials_losses(self):
        figures = draw(Net(some_history(5)))
        assert legend_labels(figures["learning_curves.png"]) == ["train", "valid"]
        assert "without the tutorial's losses" in figures["learning_curves.png"].axes[0].get_title()
        for figure in figures.values():
            words = " ".join(assert_legible(figure))
            assert "generated faces" in words or figure is figures["conv1_filters.png"]

    @pytest.mark.usefixtures("generated")
    def test_a_net_that_says_what_it_was_trained_on(self):
        net = Net(some_history(5))
        net.trained_on_ = "kaggle"
        figures = draw(net, faces=False)
        assert "train, tutorial's net2" in legend_labels(figures["learning_curves.png"])

    @pytest.mark.usefixtures("no_test_csv")
    @pytest.mark.parametrize("source", ["kaggle", "generated"])
    def test_validation_faces_without_test_csv(self, source, monkeypatch):
        monkeypatch.setattr(plot_results, "source", lambda test=False: source)
        figure = draw(Net(), training=False)["test_faces.png"]
        assert "validation set" in figure.get_suptitle()
        assert "no test.csv" in figure.get_suptitle()
        assert len(figure.axes) == 10
        assert_legible(figure)

    def test_a_net_of_flat_images_without_conv1(self):
        figures = draw(Net(some_history(5), input_shape=(None, 9216), conv1=False), "net1")
        assert figures["conv1_filters.png"] == "the net has no layer conv1"
        assert figures["test_faces.png"].get_suptitle().startswith("net1: ")

    @pytest.mark.parametrize(
        "history", [[], [{"epoch": 1, "train_loss": float("nan"), "valid_loss": 0.1}]]
    )
    def test_no_learning_curve_without_losses(self, history):
        figures = draw(Net(history), faces=False)
        assert figures["learning_curves.png"] == "no epoch has ended with a finite loss"
        assert not isinstance(figures["conv1_filters.png"], str)

    def test_a_net_that_has_diverged(self):
        net = BrokenNet(some_history(5))
        net.layers_["conv1"].get_value()[:] = np.nan
        figures = draw(net)
        assert set(figures) == PICTURES
        assert {name for name in figures if "diverged" in str(figures[name])} == PICTURES - {
            "learning_curves.png"
        }

    def test_a_net_of_few_keypoints(self):
        with pytest.raises(DataError, match=r"shape \(10, 8\), expected \(10, 30\)"):
            draw(Net(outputs=8), training=False)

    def test_a_net_without_validation_faces(self):
        with pytest.raises(DataError, match="no faces for validation"):
            draw(SelfishNet(), training=False)


class TestMain:
    def test_writes_pngs(self, net_file, tmp_path, capsys):
        out = tmp_path / "new" / "folder"
        assert plot_results.main([str(net_file), "--out", str(out)]) == 0
        assert {path.name for path in out.iterdir()} == PICTURES  # and no temporary files
        for path in out.iterdir():
            image = pyplot.imread(path)
            assert path.stat().st_size > 5000
            assert 1200 <= image.shape[1] <= 1600
            assert image.std() > 0.01
        lines = capsys.readouterr().out.splitlines()
        assert sorted(lines) == sorted(f"wrote {out / name}" for name in PICTURES)
        assert not pyplot.get_fignums()

    def test_removes_pictures_of_another_net(self, tmp_path, capsys):
        path = tmp_path / "net1.pickle"
        path.write_bytes(pickle.dumps(Net([], conv1=False)))
        for name in PICTURES:
            (tmp_path / name).write_text("old")
        assert plot_results.main([str(path), "--out", str(tmp_path)]) == 0
        assert not (tmp_path / "learning_curves.png").exists()
        assert not (tmp_path / "conv1_filters.png").exists()
        out = capsys.readouterr().out
        assert f"no {tmp_path / 'conv1_filters.png'}: the net has no layer conv1" in out

    def test_missing_pickle(self, tmp_path):
        with pytest.raises(MissingFileError, match=r"there is no .*nothing.pickle; train"):
            plot_results.main([str(tmp_path / "nothing.pickle")])

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "cannot read"),
            (pickle.dumps(Net())[:-20], "cannot read"),
            (b"epoch,train loss\n", "cannot read"),
            (b"cno_such_module\nNet\n.", "no_such_module"),
            (pickle.dumps({"net": 2}), "object of class dict"),
        ],
    )
    def test_what_is_no_net(self, content, message, tmp_path):
        path = tmp_path / "net2.pickle"
        path.write_bytes(content)
        with pytest.raises(DataError, match=message) as caught:
            plot_results.main([str(path)])
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_pickle_is_a_folder(self, tmp_path):
        with pytest.raises(DataError, match="cannot read"):
            plot_results.main([str(tmp_path)])

    @pytest.mark.parametrize("history", [[], some_history(3)])
    def test_out_is_a_file(self, history, tmp_path):
        path = tmp_path / "net2.pickle"
        path.write_bytes(pickle.dumps(Net(history)))
        with pytest.raises(WriteError, match="--out"):
            plot_results.main([str(path), "--out", str(path)])

    def test_one_line_and_code_2(self, tmp_path):
        script = [sys.executable, str(ROOT / "plot_results.py"), "nothing.pickle"]
        done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.splitlines() == [
            "plot_results.py: error: there is no nothing.pickle; "
            "train the net with `python net2.py` first, or name its pickle"
        ]


class TestWindows:
    @pytest.fixture
    def display(self, monkeypatch):
        """A display, as far as matplotlib can tell."""
        monkeypatch.setattr(pyplot, "switch_backend", lambda name: None)
        monkeypatch.setattr(pyplot, "get_backend", lambda: "TkAgg")

    @pytest.mark.usefixtures("display")
    def test_shown_on_request(self, net_file, tmp_path, monkeypatch):
        shown = []
        drawn = [("one.png", "a reason"), ("two.png", pyplot.figure())]
        monkeypatch.setattr(plot_results, "draw_training", lambda net, name: drawn)
        monkeypatch.setattr(plot_results, "draw_faces", lambda net, name: [])
        monkeypatch.setattr(pyplot, "show", lambda: shown.extend(pyplot.get_fignums()))
        args = [str(net_file), "--out", str(tmp_path)]
        for option, number in [([], 0), (["--no-show"], 0), (["--show"], 1)]:
            shown.clear()
            drawn[1] = ("two.png", pyplot.figure())
            assert plot_results.main([*args, *option]) == 0
            assert len(shown) == number


def test_several_pickles_are_compared(tmp_path, monkeypatch, capsys):
    """The table and one picture, of two nets that miss by different distances."""
    i = np.arange(20)
    X = np.repeat(i / 100, 96 * 96).reshape(-1, 1, 96, 96).astype(np.float32)
    monkeypatch.setattr(plot_results, "load2d", lambda test=False: (X, TRUTH[i]))
    nets = {name: {COLUMNS: Net(some_history(5))} for name in ("net1", "net2")}
    monkeypatch.setattr(plot_results, "load_nets", lambda path: nets[path.stem])
    arguments = ["net1.pickle", "net2.pickle", "--out", str(tmp_path), "--no-show"]
    assert plot_results.main(arguments) == 0
    out = capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["comparison.png"]
    assert "10 faces, the validation set" in out
    expected = np.sqrt(np.mean(MISS[:10] ** 2))
    assert f"all                     {expected:>10.2f}*{expected:>10.2f}*" in out

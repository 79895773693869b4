"""The layer list and the table of epochs, character for character."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import io
import math
from types import SimpleNamespace

import numpy as np
import pytest
from lasagne import layers
from nolearn.lasagne import NeuralNet, base

from net2 import net2
from theano_today.training import table

LAYERS = """\
  InputLayer        \t(None, 1, 96, 96)   \tproduces    9216 outputs
  Conv2DLayer       \t(None, 32, 94, 94)  \tproduces  282752 outputs
  MaxPool2DLayer    \t(None, 32, 47, 47)  \tproduces   70688 outputs
  Conv2DLayer       \t(None, 64, 46, 46)  \tproduces  135424 outputs
  MaxPool2DLayer    \t(None, 64, 23, 23)  \tproduces   33856 outputs
  Conv2DLayer       \t(None, 128, 22, 22) \tproduces   61952 outputs
  MaxPool2DLayer    \t(None, 128, 11, 11) \tproduces   15488 outputs
  DenseLayer        \t(None, 500)         \tproduces     500 outputs
  DenseLayer        \t(None, 500)         \tproduces     500 outputs
  DenseLayer        \t(None, 30)          \tproduces      30 outputs
"""

TABLE = """\

 Epoch  |  Train loss  |  Valid loss  |  Train / Val  |  Dur
--------|--------------|--------------|---------------|-------
     1  |    0.111763  |    0.042740  |     2.614951  |  1.2s
     2  |    0.018500  |    0.009413  |     1.965367  |  10.3s
"""

CLASSIFIER = """\

 Epoch  |  Train loss  |  Valid loss  |  Train / Val  |  Valid acc  |  Dur
--------|--------------|--------------|---------------|-------------|-------
     1  |    0.111763  |    0.042740  |     2.614951  |     91.25%  |  1.2s
"""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def epoch(number=1, train=0.111763, valid=0.04274, dur=1.2, **more):
    # What nolearn puts there: NumPy's booleans, not Python's.
    best = {"train_loss_best": np.bool_(True), "valid_loss_best": np.bool_(True)}
    info = {"epoch": number, "train_loss": train, "valid_loss": valid, "dur": dur}
    return info | best | {"valid_accuracy": 0.9125} | more


def stub(regression=True, **more):
    scores = {"scores_train": [], "scores_valid": [], "custom_scores": None}
    return SimpleNamespace(regression=regression, **(scores | more))


def printed(net, *history, sink=None):
    sink = sink or io.StringIO()
    log = table.PrintLog(sink)
    for n in range(1, len(history) + 1):
        log(net, list(history[:n]))
    return sink.getvalue()


def test_layers_of_net2():
    net = base.NeuralNet(**net2.get_params(deep=False))
    net.initialize_layers()
    sink = io.StringIO()
    table.PrintLayerInfo(sink)(net, [])
    assert sink.getvalue() == LAYERS


def test_layers_are_not_listed_again_when_training_goes_on():
    sink = io.StringIO()
    table.PrintLayerInfo(sink)(None, [epoch()])
    assert sink.getvalue() == ""


def test_table_of_a_regression():
    assert printed(stub(), epoch(), epoch(2, 0.0185, 0.009413, 10.31)) == TABLE


def test_table_of_a_classifier():
    assert printed(stub(regression=False), epoch()) == CLASSIFIER


def test_scores_have_columns_of_their_own():
    net = stub(
        scores_train=[("a score", None)],
        scores_valid=[("b", None)],
        custom_scores=[("longest of all", None)],
    )
    text = printed(net, epoch(**{"a score": 0.5, "b": 1.0, "longest of all": math.nan}))
    header, rule, row = text.splitlines()[1:]
    assert [cell.strip() for cell in header.split("|")] == [
        "Epoch", "Train loss", "Valid loss", "Train / Val", "a score", "b", "longest of all", "Dur",
    ]  # fmt: skip
    assert [cell.strip() for cell in row.split("|")[4:7]] == ["0.500000", "1.000000", "nan"]
    bars = [i for i, c in enumerate(header) if c == "|"]
    assert bars == [i for i, c in enumerate(rule) if c == "|"]
    assert bars == [i for i, c in enumerate(row) if c == "|"]


def test_only_a_new_best_is_coloured(terminal):
    worse = epoch(2, 0.2, 0.3, train_loss_best=np.bool_(False), valid_loss_best=np.bool_(False))
    *_, first, second = printed(stub(), epoch(), worse, sink=terminal).splitlines()
    assert first == (
        "     1  |  \033[94m  0.111763\033[0m  |  \033[32m  0.042740\033[0m"
        "  |     2.614951  |  1.2s"
    )
    assert second == "     2  |    0.200000  |    0.300000  |     0.666667  |  1.2s"


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(terminal, environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert "\033" not in printed(stub(), epoch(), sink=terminal)


def test_an_empty_no_color_is_none(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "")
    assert table.has_colour(terminal)


def test_a_sink_that_knows_nothing_of_terminals():
    class Tee:
        text = ""

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    sink = Tee()
    table.PrintLog(sink)(stub(), [epoch()])
    assert sink.text.endswith("|  1.2s\n")


def test_each_line_is_flushed():
    class Log(io.StringIO):
        flushed = ""

        def flush(self):
            self.flushed = self.getvalue()

    sink = Log()
    table.PrintLog(sink)(stub(), [epoch()])
    assert sink.flushed == sink.getvalue() != ""


@pytest.mark.parametrize("regression", [True, False])
def test_no_validation_set(terminal, regression):
    nan = math.nan
    info = epoch(valid=nan, valid_loss_best=nan, valid_accuracy=nan)
    row = printed(stub(regression), info, sink=terminal).splitlines()[-1]
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[2:-1] == ["-"] * (2 if regression else 3)
    assert "nan" not in row
    assert "\033[32m" not in row


def test_a_diverged_net():
    info = epoch(train=math.nan, valid=math.nan, valid_loss_best=np.bool_(False))
    row = printed(stub(), info).splitlines()[-1]
    assert row == "     1  |         nan  |         nan  |          nan  |  1.2s"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("zero", [0.0, np.float64(0)])
def test_a_validation_loss_of_zero(zero):
    assert "|          nan  |" in printed(stub(), epoch(valid=zero))


@pytest.mark.parametrize("colour", [False, True])
def test_verbose_2_adds_the_receptive_fields(colour, terminal):
    net = NeuralNet(
        [(layers.InputLayer, {"shape": (None, 1, 8, 8)}),
         (layers.Conv2DLayer, {"num_filters": 2, "filter_size": 3}),
         (layers.DenseLayer, {"num_units": 1})],
        verbose=2,
    )  # fmt: skip
    net.initialize_layers()
    sink = terminal if colour else io.StringIO()
    table.PrintLayerInfo(sink)(net, [])
    assert "cap." in sink.getvalue()
    assert "capacity too low" in sink.getvalue()
    assert ("\033" in sink.getvalue()) is colour


def test_nolearn_prints_with_them():
    net = NeuralNet([], verbose=1)
    assert [type(h) for h in net.on_epoch_finished] == [table.PrintLog]
    assert [type(h) for h in net.on_training_started] == [table.PrintLayerInfo]

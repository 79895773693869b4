"""fit and its end: by itself, by Ctrl-C, and the RMSE."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import errno
import os
import pickle
import pty
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from lasagne import layers
from nolearn.lasagne import BatchIterator, NeuralNet, TrainSplit

from tests.fresh_python import ROOT
from tests.tiny_nets import outcome
from tests.tiny_nets import tiny as tiny_net
from theano_today.errors import WriteError
from theano_today.training import interrupt, session
from theano_today.training.checkpoints import array_file
from theano_today.training.session import Plan

X = np.random.RandomState(0).uniform(size=(20, 6)).astype(np.float32)
Y = np.random.RandomState(1).uniform(size=(20, 2)).astype(np.float32)


def ctrl_c(number=signal.SIGINT):
    os.kill(os.getpid(), number)


def ctrl_c_at(batch, times=1, number=signal.SIGINT):
    """A handler for on_batch_finished: real signals while that batch ends."""
    count = 0

    def handler(nn, train_history):
        nonlocal count
        count += 1
        if count == batch:
            for _ in range(times):
                ctrl_c(number)

    return handler


def tiny(**changed):
    arguments = {
        "layers": [("input", layers.InputLayer), ("output", layers.DenseLayer)],
        "input_shape": (None, 6),
        "output_num_units": 2,
        "output_nonlinearity": None,
        "update_learning_rate": 0.01,
        "regression": True,
        "max_epochs": 3,
        "batch_iterator_train": BatchIterator(batch_size=4),
    }  # 16 faces to train with, hence 4 batches
    return NeuralNet(**(arguments | changed))


def ended(net):
    """Fit, and return how it ended: the text for a run that was stopped, the exit code."""
    end = session.fit(net, X, Y)
    return end.stopped, end.code


@pytest.mark.usefixtures("device")
def test_to_the_end(capsys):
    net = tiny(verbose=1)
    assert ended(net) == ("", 0)
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0] == "  InputLayer        \t(None, 6)           \tproduces       6 outputs"
    assert lines[3].startswith(" Epoch  |  Train loss")
    assert [line[:9] for line in lines[5:8]] == ["     1  |", "     2  |", "     3  |"]
    assert not lines[8:]
    assert "\033" not in out


def test_signals_and_handlers_are_given_back():
    mine = [lambda nn, history: None]
    net = tiny(on_batch_finished=mine, max_epochs=1)
    before = signal.getsignal(signal.SIGINT)
    session.fit(net, X, Y)
    assert net.on_batch_finished is mine
    assert len(mine) == 1
    assert net.on_epoch_finished == []
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("kind", [tuple, lambda handlers: handlers[0]])
def test_handlers_need_not_be_a_list(kind):
    seen = []
    net = tiny(on_batch_finished=kind([lambda nn, history: seen.append(1)]), max_epochs=1)
    given = net.on_batch_finished
    session.fit(net, X, Y)
    assert len(seen) == 4
    assert net.on_batch_finished is given


@pytest.mark.parametrize(
    ("batch", "epochs", "text"),
    [
        (2, 0, "2 batches of epoch 1"),
        (3, 0, "3 batches of epoch 1"),
        (5, 1, "epoch 1 (and 1 batch of the next)"),
        (7, 1, "epoch 1 (and 3 batches of the next)"),
    ],
)
def test_ctrl_c_ends_after_the_batch_in_hand(batch, epochs, text):
    seen = []
    net = tiny(on_batch_finished=[ctrl_c_at(batch), lambda nn, history: seen.append(1)])
    net.initialize()
    assert ended(net) == (text, 130)
    assert len(seen) == batch
    assert len(net.train_history_) == epochs


@pytest.mark.usefixtures("device")
def test_ctrl_c_while_validating_ends_after_the_epoch():
    class Validation(BatchIterator):
        def transform(self, Xb, yb):
            ctrl_c()
            return Xb, yb

    net = tiny(batch_iterator_test=Validation(128))
    assert ended(net) == ("epoch 1", 130)
    assert len(net.train_history_) == 1


@pytest.mark.usefixtures("device")
def test_ctrl_c_in_a_net_that_is_trained_further():
    net = tiny(max_epochs=2)
    session.fit(net, X, Y)
    net.on_batch_finished = [ctrl_c_at(2)]
    assert ended(net) == ("epoch 2 (and 2 batches of the next)", 130)


@pytest.mark.usefixtures("device")
def test_a_second_ctrl_c_ends_at_once():
    seen = []
    net = tiny(on_batch_finished=[ctrl_c_at(2, times=2), lambda nn, history: seen.append(1)])
    with pytest.raises(interrupt.Stopped) as stopped:
        session.fit(net, X, Y)
    assert interrupt.exit_code(stopped.value) == 130
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("number", "code", "words"), [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGHUP, 129, "SIGHUP")]
)
def test_other_signals_are_obeyed_and_do_not_insist(number, code, words, capsys):
    seen = []
    net = tiny(on_batch_finished=[ctrl_c_at(2, 2, number), lambda nn, history: seen.append(1)])
    end = session.fit(net, X, Y)
    assert (end.stopped, end.code, len(seen)) == ("2 batches of epoch 1", code, 2)
    end.conclude(Path("net2.pickle"))
    said = capsys.readouterr().err
    assert said == f"stopped by {words} after 2 batches of epoch 1; saved net2.pickle\n"


def test_a_terminal_that_is_closed(tmp_path):
    """What is printed afterwards is no error, and the exit code tells the signal."""
    code = (
        "import sys\n"
        "from theano_today.training.interrupt import Interrupt, say_from_signal_handler\n"
        "with Interrupt(lambda: say_from_signal_handler('never seen')) as stop:\n"
        "    print('ready', flush=True)\n"
        "    while not stop.requested: pass\n"
        "    for _ in range(3): print('never seen', flush=True)\n"
        "sys.exit(128 + stop.requested)\n"
    )
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", code])
    try:
        said = b""
        while b"ready\r\n" not in said:
            said += os.read(terminal, 100)
    finally:  # whatever happens, nobody is left behind waiting
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 129


@pytest.mark.usefixtures("device")
class TestCheckpointAtTheEnd:
    @pytest.fixture
    def plan(self, tmp_path):
        return Plan(tmp_path / "net2.checkpoints")

    @pytest.fixture(autouse=True)
    def command(self, monkeypatch):
        monkeypatch.setattr(sys, "argv", ["net2.py", "--fresh", "--out", "my net.pickle"])

    @pytest.mark.parametrize("batch", [2, 4, 6, 8, 11])
    def test_it_goes_on_from_the_batch_it_stopped_after(self, batch, plan, tmp_path, capsys):
        whole = tiny_net(dropout=True)
        session.fit(whole, X, Y)
        net = tiny_net(dropout=True, on_batch_finished=[ctrl_c_at(batch)])
        end = session.fit(net, X, Y, plan)
        assert (end.code, bool(end.stopped)) == (130, True)
        end.conclude(tmp_path / "net2.pickle")
        stopped, how = capsys.readouterr().err.strip().splitlines()
        assert stopped.startswith(f"stopped by Ctrl-C after {end.stopped}; saved ")
        assert how == "to resume: python net2.py --out 'my net.pickle'"

        net = tiny_net(dropout=True)
        end = session.fit(net, X, Y, plan)
        assert end.code == 0
        assert f"resuming after {end.checkpoint.saved or ''}" in capsys.readouterr().err
        assert outcome(net) == outcome(whole)
        end.conclude(tmp_path / "net2.pickle")
        assert not plan.folder.exists()

    def test_a_second_ctrl_c_leaves_the_last_checkpoint(self, plan, capsys):
        net = tiny_net(on_batch_finished=[ctrl_c_at(6, times=2)])
        with pytest.raises(interrupt.Stopped) as stopped:
            session.fit(net, X, Y, Plan(plan.folder, every=0))
        assert stopped.value.kept == (
            "the checkpoint after epoch 1 (and 1 batch of the next) is kept; to resume: "
            "python net2.py --out 'my net.pickle'"
        )
        whole, net = tiny_net(), tiny_net()
        session.fit(whole, X, Y)
        session.fit(net, X, Y, plan)
        assert outcome(net) == outcome(whole)

    def test_a_second_ctrl_c_while_the_checkpoint_is_written(self, plan, monkeypatch):
        write = array_file.write

        def interrupted(*arguments):
            ctrl_c()
            write(*arguments)

        net = tiny_net(on_batch_finished=[ctrl_c_at(6)])
        monkeypatch.setattr(array_file, "write", interrupted)
        with pytest.raises(interrupt.Stopped):
            session.fit(net, X, Y, plan)
        assert not plan.folder.exists()  # nothing half written, nothing locked

    def test_before_the_first_batch(self, plan):
        class Slow(BatchIterator):
            def transform(self, Xb, yb):
                ctrl_c()
                return Xb, yb

        with pytest.raises(interrupt.Stopped) as stopped:
            session.fit(tiny_net(batch_iterator_train=Slow(4)), X, Y, plan)
        assert stopped.value.kept == "nothing saved"
        assert not plan.folder.exists()

    def test_a_full_disk_then(self, plan, tmp_path, monkeypatch, capsys):
        def failing(*arguments):
            raise WriteError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")

        monkeypatch.setattr(array_file, "write", failing)
        end = session.fit(tiny_net(on_batch_finished=[ctrl_c_at(6)]), X, Y, plan)
        end.conclude(tmp_path / "net2.pickle")
        said = capsys.readouterr().err.strip().splitlines()
        assert said[0].startswith(f"no checkpoint in {plan.folder}: No space left on device; ")
        assert said[1].startswith("stopped by Ctrl-C after epoch 1 (and 2 batches of the next); ")
        assert len(said) == 2  # nothing to go on from is promised

    def test_killed_after_its_last_epoch(self, plan):
        whole = tiny_net()
        session.fit(whole, X, Y)
        net = tiny_net(on_epoch_finished=[lambda nn, h: len(h) == 3 and ctrl_c()])
        assert session.fit(net, X, Y, plan).code == 130
        net = tiny_net()
        end = session.fit(net, X, Y, plan)
        assert end.code == 0
        assert outcome(net) == outcome(whole)


@pytest.mark.usefixtures("device")
class TestBest:
    def test_best(self, capsys):
        net = tiny_net(update_learning_rate=0.9)
        session.fit(net, X, Y, Plan(best=True))
        best = min(net.train_history_, key=lambda row: row["valid_loss"])
        loss = float(np.mean((net.predict(X[:4]) - Y[:4]) ** 2))
        assert loss == pytest.approx(best["valid_loss"], rel=1e-5)
        assert f"restored the weights of epoch {best['epoch']}, " in capsys.readouterr().out
        assert net.on_epoch_finished == net.on_training_finished == []

    def test_best_at_ctrl_c(self, tmp_path):
        """The net gets the best weights; the checkpoint has the last, to go on from."""
        plan = Plan(tmp_path / "c", best=True)
        arguments = {"update_learning_rate": 0.9, "max_epochs": 6}
        whole = tiny_net(**arguments)
        session.fit(whole, X, Y, Plan(best=True))
        net = tiny_net(on_batch_finished=[ctrl_c_at(22)], **arguments)
        assert session.fit(net, X, Y, plan).code == 130
        best = min(net.train_history_, key=lambda row: row["valid_loss"])
        loss = float(np.mean((net.predict(X[:4]) - Y[:4]) ** 2))
        assert loss == pytest.approx(best["valid_loss"], rel=1e-5)
        net = tiny_net(**arguments)
        session.fit(net, X, Y, plan)
        assert outcome(net) == outcome(whole)

    def test_patience(self):
        net = tiny_net(max_epochs=50, update_learning_rate=0.9)
        session.fit(net, X, Y, Plan(patience=2))
        losses = [row["valid_loss"] for row in net.train_history_]
        assert len(losses) == int(np.argmin(losses)) + 1 + 2


def test_ctrl_c_before_the_end_of_the_first_batch():
    class Slow(BatchIterator):
        def transform(self, Xb, yb):
            ctrl_c()
            return Xb, yb

    with pytest.raises(KeyboardInterrupt):
        session.fit(tiny(batch_iterator_train=Slow(4)), X, Y)


def test_ctrl_c_while_compiling(monkeypatch):
    net = tiny()
    monkeypatch.setattr(net, "initialize", ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        session.fit(net, X, Y)


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert ended(tiny(on_batch_finished=[ctrl_c_at(2)])) == ("", 0)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread():
    done = []
    thread = threading.Thread(target=lambda: done.append(ended(tiny())))
    thread.start()
    thread.join()
    assert done == [("", 0)]


@pytest.mark.usefixtures("device")
def test_a_net_pickled_while_it_trains():
    copies = []
    net = tiny(on_epoch_finished=[lambda nn, history: copies.append(pickled(nn))], max_epochs=1)
    session.fit(net, X, Y)
    restored = pickle.loads(copies[0])
    assert restored.on_batch_finished == restored.on_epoch_finished == []


def pickled(net):
    own = net.on_epoch_finished
    net.on_epoch_finished = [h for h in own if getattr(h, "__name__", "") != "<lambda>"]
    try:
        return pickle.dumps(net, -1)
    finally:
        net.on_epoch_finished = own


@pytest.mark.usefixtures("device")
def test_no_validation_set(capsys):
    net = tiny(train_split=TrainSplit(eval_size=0), verbose=1, max_epochs=1)
    session.fit(net, X, Y)
    out = capsys.readouterr().out
    assert "     -" in out
    assert "nan" not in out

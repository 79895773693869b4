"""Runs that are broken off, and go on bit for bit as if they had never been."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import contextlib
import copy
import errno
import os
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import lasagne
import numpy as np
import pytest
import theano
from lasagne import layers
from lasagne.random import get_rng, set_rng
from nolearn.lasagne import BatchIterator, NeuralNet, TrainSplit

from tests.fresh_python import ROOT
from tests.tiny_nets import X, Y, compiled_once, outcome, tiny, values
from theano_today.errors import DataError, DivergedError, RunningError, WriteError
from theano_today.training.checkpoints import array_file, generations
from theano_today.training.checkpoints import handler as checkpoint
from theano_today.training.checkpoints.handler import Checkpoint
from theano_today.training.handlers.schedules import AdjustVariable, ReduceOnPlateau
from theano_today.training.handlers.stopping import EarlyStopping, RestoreBest
from theano_today.training.session import Plan, fit


class Crash(BaseException):
    """Ends a run as a kill does: nothing of ours catches it to save anything."""


class CrashAt:
    """A handler for on_batch_finished; batches that are only repeated do not count."""

    def __init__(self, batch):
        self.left = batch

    def __call__(self, nn, train_history):
        if not nn.train_iter_.repeating:
            self.left -= 1
            if self.left == 0:
                raise Crash


class Flip(BatchIterator):
    """As the tutorial's FlipBatchIterator: changes the data in place, by NumPy's random state."""

    def transform(self, Xb, yb):
        indices = np.random.choice(len(Xb), len(Xb) // 2, replace=False)
        Xb[indices] = Xb[indices, ::-1]
        return Xb, yb


class Own(BatchIterator):
    """Draws from a state of its own and from Python's."""

    def transform(self, Xb, yb):
        return Xb * np.float32(self.random.uniform(0.5, 2)), yb * np.float32(random.random())


def instances(**arguments):
    np.random.seed(7)
    layer = layers.DenseLayer(layers.InputLayer((None, 6)), 5)
    layer = layers.DenseLayer(layers.DropoutLayer(layer), 2, nonlinearity=None)
    return NeuralNet(
        layer, regression=True, max_epochs=3, update_learning_rate=0.05,
        batch_iterator_train=BatchIterator(4),
    )  # fmt: skip


def scored():
    return tiny(
        custom_scores=[("mean", lambda y, p: np.mean(y - p))],
        scores_train=[("scaled", lambda p, y: 2 * p[0].sum())],
    )


def adjusted():
    rate = theano.shared(np.float32(0.05))
    handlers = [AdjustVariable("update_learning_rate", 0.05, 0.001), RestoreBest(sink=NOWHERE)]
    return tiny(update_learning_rate=rate, on_epoch_finished=handlers)


def reduced():
    rate = theano.shared(np.float32(0.05))
    handlers = [ReduceOnPlateau(patience=1, key="epoch")]
    return tiny(update_learning_rate=rate, on_epoch_finished=handlers, max_epochs=5)


NOWHERE = open(os.devnull, "w")  # noqa: PTH123, SIM115 - as long as the tests run

NETS = {
    "momentum": tiny,
    "adam": lambda: tiny(update=lasagne.updates.adam),
    "dropout": lambda: tiny(dropout=True),
    "layer instances": instances,
    "shuffled": lambda: tiny(batch_iterator_train=BatchIterator(4, shuffle=True)),
    "shuffled split": lambda: tiny(train_split=TrainSplit(0.2, shuffle=True)),
    "no validation": lambda: tiny(train_split=TrainSplit(eval_size=0)),
    "flipped in place": lambda: tiny(batch_iterator_train=Flip(4)),
    "flipped, both iterators": lambda: tiny(
        batch_iterator_train=Flip(4), batch_iterator_test=Flip(3)
    ),
    "random states of its own": lambda: tiny(batch_iterator_train=Own(4)),
    "shuffled, and drawn from the same": lambda: tiny(batch_iterator_train=Own(4, shuffle=True)),
    "scores": scored,
    "adjusted rate": adjusted,
    "reduced rate": reduced,
}


def run(make, folder, crash_at=0, **plan):
    """Train a net as a new process would, and return its outcome; None if it crashed."""
    random.seed(3)
    net = compiled_once(make)
    net.on_batch_finished = [CrashAt(crash_at)]
    try:
        # Copies: an iterator may change its data.
        fit(net, X.copy(), Y.copy(), Plan(folder, **({"every": 0} | plan)))
    except Crash:
        return None
    return outcome(net)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "net2.checkpoints"


@pytest.mark.usefixtures("device")
class TestGoingOn:
    @pytest.mark.parametrize("name", NETS)
    def test_after_many_crashes(self, name, folder, capsys):
        whole = run(NETS[name], None)
        crashes = 0
        while (net := run(NETS[name], folder, crash_at=3)) is None and crashes < 20:
            crashes += 1
        assert crashes >= 3
        err = capsys.readouterr().err.splitlines()
        assert len(err) == crashes
        assert all(line.startswith("resuming after ") for line in err)
        assert net == whole

    @pytest.mark.parametrize("crash_at", range(1, 13))
    def test_after_every_batch(self, crash_at, folder):
        """12 batches in 3 epochs; the last crash is after the last batch, before its end."""
        make = NETS["dropout"]
        whole = run(make, None)
        assert run(make, folder, crash_at) is None
        assert run(make, folder) == whole

    def test_from_the_end_of_an_epoch(self, folder):
        """Checkpoints where the time is up: here after 1 of 3 epochs, with 3 batches lost."""
        make = NETS["flipped in place"]
        whole = run(make, None)

        class OneEpoch(Checkpoint):
            def __call__(self, nn, train_history):
                if not self.batches.outputs and len(train_history) == 1:
                    self.save(nn)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("theano_today.training.session.Checkpoint", OneEpoch)
            assert run(make, folder, crash_at=7) is None
        assert len(list(folder.glob("*.safetensors"))) == 1
        assert run(make, folder) == whole

    def test_with_lasagnes_own_random_state(self, folder):
        class Augmented(BatchIterator):
            def transform(self, Xb, yb):
                return Xb * np.float32(get_rng().uniform(0.5, 2)), yb

        def make():
            set_rng(np.random.RandomState(5))
            return tiny(batch_iterator_train=Augmented(4), dropout=True)

        # each lambda is a net of its own, compiled and drawn anew
        whole = run(lambda: make(), None)
        assert run(lambda: make(), folder, 6) is None
        assert run(lambda: make(), folder) == whole

    def test_more_epochs_than_were_asked_for_then(self, folder):
        whole = run(lambda: tiny(max_epochs=5), None)
        assert run(tiny, folder, 10) is None
        assert run(lambda: tiny(max_epochs=5), folder) == whole

    def test_fewer_epochs(self, folder):
        assert run(tiny, folder, 10) is None
        with pytest.raises(DataError, match=r"2 epochs have been trained already, asked for are 1"):
            run(lambda: tiny(max_epochs=1), folder)
        net = run(lambda: tiny(max_epochs=2), folder)  # of which two batches are one too many
        assert len(net.rows) == 2

    def test_a_net_trained_before(self, folder):
        def make():
            net = tiny(batch_iterator_train=Flip(4))
            return net.fit(X.copy(), Y.copy())

        whole = run(make, None)
        assert len(whole.rows) == 6
        assert run(make, folder, 6) is None
        assert run(make, folder) == whole

    def test_something_else_draws(self, folder, capsys):
        """What cannot be repeated is said."""

        def make():
            net = tiny(batch_iterator_train=BatchIterator(4, shuffle=True))
            net.on_epoch_finished = [lambda nn, history: nn.batch_iterator_train.random.rand()]
            return net

        assert run(make, folder, 6) is None
        assert run(make, folder) is not None
        assert "the order of the batches differs from here on" in capsys.readouterr().err

    def test_early_stopping_goes_on_too(self, folder):
        def make():
            return tiny(
                max_epochs=20,
                on_epoch_finished=[EarlyStopping(3, key="train_loss", sink=NOWHERE)],
                update_learning_rate=0.9,
            )

        whole = run(make, None)
        assert len(whole.rows) < 20  # it diverges slowly
        for _ in range(20):
            if (net := run(make, folder, 5)) is not None:
                break
        assert net == whole


class TestWhichRun:
    @pytest.fixture
    def crashed(self, folder):
        assert run(tiny, folder, 6) is None
        return folder

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: tiny(update_learning_rate=0.01), "update_learning_rate (0.05 there, 0.01 her"),
            (lambda: tiny(batch_iterator_train=BatchIterator(5)), "batch_iterator_train ("),
            (lambda: tiny(hidden_num_units=6), "layers ("),
            (lambda: tiny(dropout=True), "layers ("),
        ],
    )
    def test_another_net_is_refused(self, make, words, crashed):
        before = sorted(path.read_bytes() for path in crashed.iterdir())
        with pytest.raises(
            DataError, match="belongs to an unfinished run that differs in"
        ) as caught:
            run(make, crashed)
        assert words in str(caught.value)
        assert "Plan(resume=False) discards it" in str(caught.value)
        assert sorted(path.read_bytes() for path in crashed.glob("*.safetensors")) == before

    def test_other_data_or_settings_are_refused(self, crashed):
        with pytest.raises(DataError, match=r"differs in X \("):
            fit(tiny(), X + 1, Y, Plan(crashed))
        with pytest.raises(DataError, match=r"differs in y \("):
            fit(tiny(), X, Y[::-1], Plan(crashed))
        with pytest.raises(DataError, match=r"differs in seed \(none there, 1 here\)"):
            fit(tiny(), X, Y, Plan(crashed, settings={"seed": 1}))

    def test_insisting_on_other_settings(self, crashed, capsys):
        net = run(lambda: tiny(update_learning_rate=0.01), crashed, resume=True)
        assert len(net.rows) == 3
        assert net.rows[0] == run(tiny, None).rows[0]
        assert net.rows[2] != run(tiny, None).rows[2]
        said = capsys.readouterr().err
        assert "resuming with different settings: update_learning_rate (0.05 there, 0.01 h" in said

    def test_insisting_in_vain(self, crashed, folder):
        with pytest.raises(DataError, match=r"differs in layers"):
            run(lambda: tiny(hidden_num_units=6), crashed, resume=True)
        shutil.rmtree(crashed)
        with pytest.raises(
            DataError, match=r"Plan\(resume=True\): there is no checkpoint to resume in"
        ):
            run(tiny, folder, resume=True)
        assert not folder.exists()

    def test_fresh(self, crashed, capsys):
        assert run(tiny, crashed, resume=False) == run(tiny, None)
        assert capsys.readouterr().err == ""

    def test_its_own_behind_a_foreign_one(self, crashed, tmp_path, capsys):
        other = tmp_path / "other"
        assert run(lambda: tiny(hidden_num_units=6), other, 3) is None
        stray = max(other.glob("*.safetensors"))
        shutil.copy(stray, crashed / "checkpoint-000099.safetensors")
        assert run(tiny, crashed) == run(tiny, None)
        said = capsys.readouterr().err.splitlines()
        assert (
            "checkpoint-000099.safetensors: belongs to a different run, which differs in layers"
            in said[0]
        )

    def test_other_packages_are_mentioned(self, crashed, monkeypatch, capsys):
        monkeypatch.setattr(checkpoint, "made_with", lambda: {"NumPy": "9.9"})
        run(tiny, crashed)
        said = capsys.readouterr().err
        assert "the last digits may differ from here on: " in said
        assert f"NumPy ({np.__version__} there, 9.9 here)" in said


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def truncated(data):
    return data[: len(data) // 2]


def flipped(data):
    at = len(data) - 100
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


class TestDamage:
    @pytest.mark.parametrize(
        ("damage", "words"),
        [
            (truncated, ""),
            (flipped, "its checksum does not match: the file is damaged"),
            (lambda data: b"", "is cut off, or no safetensors file"),
            (lambda data: b"PK\3\4" + data, "is cut off, or no safetensors file"),
        ],
    )
    def test_the_one_before_is_used(self, damage, words, folder, capsys):
        assert run(tiny, folder, 6) is None
        newest, _ = sorted(folder.glob("*.safetensors"), reverse=True)
        newest.write_bytes(damage(newest.read_bytes()))
        assert run(tiny, folder) == run(tiny, None)
        said = capsys.readouterr().err.splitlines()
        assert said[0].startswith(f"{newest}: ")
        assert words in said[0]
        assert said[0].endswith("; not used")
        assert said[1].startswith("resuming after epoch 1, from ")  # 5 was damaged, hence 4

    def test_none_is_good(self, folder, capsys):
        assert run(tiny, folder, 6) is None
        for path in folder.glob("*.safetensors"):
            path.write_bytes(flipped(path.read_bytes()))
        assert run(tiny, folder) == run(tiny, None)
        assert len(capsys.readouterr().err.splitlines()) == 2

    @pytest.mark.parametrize(
        "content",
        [
            None,
            "[]",
            '{"dict": {"fingerprint": {"dict": {}}}}',
            '{"dict": {"fingerprint": {"dict": {}}, "state": 1}}',
            '{"array": "nowhere"}',
            "[" * 100_000,
        ],
    )
    def test_whole_but_not_ours(self, content, folder):
        folder.mkdir()
        texts = {"format": generations.FORMAT} | ({"content": content} if content else {})
        array_file.write(folder / "checkpoint-000001.safetensors", {}, texts)
        said = []
        net = tiny()
        net.initialize()
        before = values(net)
        with contextlib.suppress(DataError):
            Checkpoint(folder, say=said.append).resume(net)
            assert "is not a checkpoint" in said[0]
        assert values(net) == before

    def test_another_format(self, folder):
        folder.mkdir()
        texts = {"format": "net2 checkpoint 99", "content": "{}"}
        array_file.write(folder / "checkpoint-000001.safetensors", {}, texts)
        said = []
        assert Checkpoint(folder, say=said.append).find() is None
        assert "is of format 'net2 checkpoint 99', expected 'net2 checkpoint 1'" in said[0]


class TestFiles:
    def test_two_generations(self, folder):
        seen = []
        net = tiny(on_batch_finished=[lambda *_: seen.append(names(folder))])
        fit(net, X, Y, Plan(folder, every=0))
        files = [f"checkpoint-{i:06d}.safetensors" for i in range(1, 20)]
        assert seen[0] == ["lock"]
        assert seen[1:4] == [[files[0], "lock"], [*files[:2], "lock"], [*files[1:3], "lock"]]
        assert all(len(found) == 3 for found in seen[2:])

    def test_removed_at_the_end(self, folder):
        end = fit(tiny(), X, Y, Plan(folder, every=0))
        assert folder.exists()  # till the net is saved
        end.conclude(folder)
        assert not folder.exists()

    def test_nothing_else_is_touched(self, folder):
        folder.mkdir()
        (folder / "mine.txt").touch()
        fit(tiny(), X, Y, Plan(folder, every=0)).conclude(folder)
        assert names(folder) == ["mine.txt"]

    def test_leftovers_of_killed_writers_are_removed(self, folder, tmp_path):
        assert run(tiny, folder, 6) is None
        name = max(folder.glob("*.safetensors")).name
        (folder / f".{name}.0123456789abcdef.tmp").touch()
        (tmp_path / ".net2.pickle.0123456789abcdef.tmp").touch()
        (tmp_path / ".net2.pickle.mine.tmp").touch()
        end = fit(tiny(), X, Y, Plan(folder))
        assert not list(folder.glob(".*"))
        end.conclude(tmp_path / "net2.pickle")
        assert names(tmp_path) == [".net2.pickle.mine.tmp"]

    def test_one_process_at_a_time(self, folder):
        folder.mkdir()
        code = (
            "import theano_today, sys, pathlib\n"
            "from theano_today.training.checkpoints.lock import FolderLock\n"
            "lock = FolderLock(pathlib.Path(sys.argv[1]))\n"
            "print('locked', flush=True)\n"
            "sys.stdin.read()\n"
        )
        command = [sys.executable, "-c", code, str(folder)]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout.readline() == b"locked\n"
            with pytest.raises(RunningError) as caught:
                run(tiny, folder)
            other.kill()
        owner = f"process {other.pid} on {socket.gethostname()}"
        assert f"another run is at work here ({owner}); wait" in str(caught.value)
        assert (folder / "lock").exists()
        assert run(tiny, folder) is not None  # a dead process holds no lock

    def test_when_they_are_due(self, folder, monkeypatch):
        now = 100.0
        monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now)
        handler, net = Checkpoint(folder, every=60), tiny()
        net.initialize()
        written = []
        for now in (159.9, 160.0, 219.0, 221.0):  # noqa: B007 - what the clock says
            handler(net, [])
            written.append(len(handler.generations.good))
        assert written == [0, 1, 1, 2]

    def test_a_handler_in_a_notebook(self, folder):
        def make():
            net = tiny(on_epoch_finished=[Checkpoint(folder, every=0)], dropout=True)
            net.initialize()
            return net

        whole = tiny(dropout=True).fit(X, Y)
        make().fit(X, Y, epochs=2)
        net = make()
        (handler,) = net.on_epoch_finished
        assert handler.resume(net)
        net.fit(X, Y, epochs=1)
        assert outcome(net) == outcome(whole)
        assert copy.deepcopy(net).on_epoch_finished == []


class TestFaults:
    """A disk that is full, and the like: training goes on."""

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
    def test_one_warning_and_then_again(self, number, folder, monkeypatch, capsys):
        calls = 0
        write = array_file.write

        def failing(*arguments):
            nonlocal calls
            calls += 1
            if 3 <= calls < 7:
                raise WriteError(number, os.strerror(number), "somewhere")
            write(*arguments)

        monkeypatch.setattr(generations.array_file, "write", failing)
        assert run(tiny, folder) == run(tiny, None)
        assert calls == 15  # 12 batches and 3 epochs
        said = capsys.readouterr().err.splitlines()
        assert said == [
            f"no checkpoint in {folder}: {os.strerror(number)}; training goes on, and it is tried "
            "again every 0 s",
            "checkpoints are being written again",
        ]

    def test_no_folder_can_be_made(self, tmp_path, capsys):
        (tmp_path / "file").touch()
        assert run(tiny, tmp_path / "file" / "net2.checkpoints") == run(tiny, None)
        assert len(capsys.readouterr().err.splitlines()) == 1

    def test_somebody_removes_the_folder(self, folder, capsys):
        net = tiny(on_epoch_finished=[lambda nn, h: len(h) == 1 and shutil.rmtree(folder)])
        fit(net, X, Y, Plan(folder, every=0))
        assert len(list(folder.glob("*.safetensors"))) == 2
        assert (folder / "lock").exists()
        assert capsys.readouterr().err == ""

    def test_another_run_has_come_first_while_the_disk_was_full(self, folder, capsys, monkeypatch):
        """Neither loses anything: this one goes on without checkpoints."""

        def taken(self):
            raise RunningError("another run is at work here")

        def handler(nn, train_history):
            monkeypatch.setattr(generations.Generations, "open", taken)

        net = tiny(on_epoch_finished=[handler])
        fit(net, X, Y, Plan(folder, every=0))
        assert len(net.train_history_) == 3
        assert len(capsys.readouterr().err.splitlines()) == 1

    def test_history_that_cannot_be_written(self, folder, capsys):
        def handler(nn, train_history):
            train_history[-1]["when"] = {1, 2}

        net = tiny(on_epoch_finished=[handler])
        fit(net, X, Y, Plan(folder, every=0))
        (said,) = capsys.readouterr().err.splitlines()
        assert ".state.history.0.when is a set; training goes on" in said


@pytest.mark.usefixtures("device")
class TestDiverged:
    def test_batch_and_epoch_and_the_last_good_checkpoint(self, folder):
        class Bad(BatchIterator):
            count = 0

            def transform(self, Xb, yb):
                self.count += 1
                return (Xb * np.float32(np.nan), yb) if self.count == 7 else (Xb, yb)

        with pytest.raises(DivergedError) as caught:
            fit(tiny(batch_iterator_train=Bad(4)), X, Y, Plan(folder, every=0))
        text = str(caught.value)
        assert text.startswith("the loss became nan in epoch 2, batch 3; likely causes: ")
        assert "update_learning_rate is 0.05" in text
        assert "X goes from 0.00" in text
        assert f"after epoch 1 (and 2 batches of the next), is kept in {folder}" in text
        assert caught.value.exit_code == 3
        net = tiny()
        net.initialize()
        assert Checkpoint(folder).resume(net)
        assert np.isfinite(net.predict(X)).all()

    def test_between_two_checkpoints(self, folder):
        """On a device found at the epoch's end; named all the same, and nobody sees its row."""

        class Bad(BatchIterator):
            count = 0

            def transform(self, Xb, yb):
                self.count += 1
                return (Xb * np.float32(np.nan), yb) if self.count == 6 else (Xb, yb)

        seen = []
        net = tiny(
            batch_iterator_train=Bad(4),
            on_epoch_finished=[lambda nn, rows: seen.append(len(rows))],
        )
        with pytest.raises(DivergedError, match=r"became nan in epoch 2, batch 2; .*nothing saved"):
            fit(net, X, Y, Plan(folder, every=3600))
        assert seen == [1]
        assert len(net.train_history_) == 1
        assert not list(folder.glob("*.safetensors"))

    def test_weights_that_are_not_finite_are_never_written(self, folder):
        """A gradient may be inf where the loss was not: the loss says so a batch later."""
        with pytest.raises(DivergedError, match=r"in epoch 1, batch \d"):
            run(lambda: tiny(update_learning_rate=1e30), folder)
        assert [p.name for p in folder.glob("*.safetensors")] in (
            [], ["checkpoint-000001.safetensors"],
        )  # fmt: skip

    def test_validation(self, folder):
        class Bad(BatchIterator):
            def transform(self, Xb, yb):
                return Xb * np.float32(np.inf), yb

        with pytest.raises(DivergedError, match="the validation loss became nan in epoch 1"):
            run(lambda: tiny(batch_iterator_test=Bad(4)), folder)

"""The live line: on terminals only, never wider than they are, gone at the end."""

import io
import re
from types import SimpleNamespace

import pytest

from theano_today.training import progress
from theano_today.training.progress import LiveLine


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    return Terminal()


def net(samples=20, size=4):
    return SimpleNamespace(batch_iterator_train=SimpleNamespace(n_samples=samples, batch_size=size))


def run(live, nn, epochs, batches=5, past=0):
    history = [{}] * past
    with live:
        for _ in range(epochs):
            for _ in range(batches):
                live(nn, history)
                if live.shown and live.past is not None:
                    live.line.refresh()
            history.append({})


def drawn(text):
    """The live line's successive texts, without colours."""
    text = re.sub(r"\033\[[\d;?]*[a-zA-Z]", "", text)
    return [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]


def test_it_counts_epochs_and_batches(terminal):
    live = LiveLine(1000, terminal)
    run(live, net(), 2)
    lines = drawn(terminal.getvalue())
    assert any(re.match(r"epoch 1/1000 .* batch 3/5 +\S+ left", line) for line in lines)
    assert re.match(r"epoch 2/1000 .* batch 5/5 +\d+:\d\d:\d\d left", lines[-1])
    assert live.line.tasks[0].completed == 10
    assert live.line.tasks[0].total == 5000


def test_it_leaves_room_for_the_echo_of_ctrl_c(terminal):
    run(LiveLine(100_000, terminal), net(samples=99_996), 1, batches=30)
    assert max(map(len, drawn(terminal.getvalue()))) <= 76


def test_a_net_that_is_trained_further(terminal):
    live = LiveLine(2, terminal)
    run(live, net(), 2, past=3)
    lines = drawn(terminal.getvalue())
    assert lines[0].startswith("epoch 4/5 ")
    assert lines[-1].startswith("epoch 5/5 ")
    assert live.line.tasks[0].completed == live.line.tasks[0].total == 10


def test_it_is_erased_at_the_end(terminal):
    run(LiveLine(1, terminal), net(), 1)
    assert (
        terminal.getvalue().endswith("\r\033[1A\033[2K") or "\033[2K" in terminal.getvalue()[-20:]
    )
    assert terminal.getvalue().count("\033[?25l") == terminal.getvalue().count("\033[?25h") == 1


def test_it_says_that_it_is_stopping(terminal):
    live = LiveLine(2, terminal)
    with live:
        live(net(), [])
        live.say_stopping()
        live.line.refresh()
    assert drawn(terminal.getvalue())[-1] == progress.STOPPING


@pytest.mark.parametrize(
    "environment", [{"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}, {"TTY_INTERACTIVE": "1"}]
)
def test_nothing_in_a_pipe(environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    sink = io.StringIO()
    with progress.waiting("compiling", sink):
        pass
    run(LiveLine(2, sink), net(), 2)
    assert sink.getvalue() == ""


def test_nothing_on_a_dumb_terminal(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    with progress.waiting("compiling", terminal):
        pass
    run(LiveLine(2, terminal), net(), 2)
    assert terminal.getvalue() == ""


def test_stopping_is_said_on_stderr_where_there_is_no_line(capfd):
    LiveLine(2, io.StringIO()).say_stopping()
    assert capfd.readouterr().err == f"\n{progress.STOPPING}\n"


def test_an_iterator_that_does_not_know_its_end(terminal):
    run(LiveLine(2, terminal), SimpleNamespace(batch_iterator_train=iter(())), 2)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("batches", [3, 7])
def test_an_iterator_that_is_wrong_about_its_end(terminal, batches):
    live = LiveLine(2, terminal)
    run(live, net(), 2, batches=batches)
    assert f"batch {batches}/5" in drawn(terminal.getvalue())[-1]
    assert live.line.tasks[0].completed == 5 + min(batches, 5)


def test_waiting(terminal):
    with progress.waiting("compiling", terminal):
        pass
    assert "compiling" in terminal.getvalue()
    assert terminal.getvalue().count("\033[?25l") == terminal.getvalue().count("\033[?25h") == 1

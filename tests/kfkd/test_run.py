"""The end of a script that a signal stops, and the training that the command line asks for."""

import io
import os
import signal
import sys

import pytest

from kfkd import run
from theano_today.training.interrupt import Stopped


@pytest.fixture(autouse=True)
def script(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["net2.py"])


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


class TestRun:
    def test_returns_the_exit_code(self):
        assert run.run(lambda: 0) == 0

    def test_ctrl_c(self, capsys):
        assert run.run(ctrl_c) == 130
        assert capsys.readouterr().err == "net2.py: stopped by Ctrl-C; nothing saved\n"

    def test_another_signal(self, capsys):
        def stopped():
            error = Stopped(signal.SIGTERM)
            error.kept = "the rest"
            raise error

        assert run.run(stopped) == 143
        assert capsys.readouterr().err == "net2.py: stopped by SIGTERM; the rest\n"

    def test_the_terminals_echo_has_a_line_of_its_own(self, monkeypatch):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        monkeypatch.setattr(sys, "stderr", Terminal())
        run.run(ctrl_c)
        assert sys.stderr.getvalue() == "\nnet2.py: stopped by Ctrl-C; nothing saved\n"

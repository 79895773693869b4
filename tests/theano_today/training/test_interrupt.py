"""Ctrl-C and its kin: the first asks, a second Ctrl-C insists; what a script says at its end."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)
import os
import signal
import sys
import threading

import pytest

from tests.fresh_python import fresh_python
from theano_today.training import interrupt


class TestExcepthook:
    @pytest.fixture
    def hook(self, monkeypatch):
        passed = []
        monkeypatch.setattr(sys, "excepthook", lambda *args: passed.append(args[0]))
        interrupt.install()
        return sys.excepthook, passed

    def test_ctrl_c_in_the_projects_scripts(self, hook, monkeypatch, capsys):
        script = str(interrupt._ROOT / "net2.py")
        monkeypatch.setattr(sys.modules["__main__"], "__file__", script, raising=False)
        monkeypatch.setattr(sys, "argv", [script])
        with pytest.raises(SystemExit) as stopped:
            hook[0](KeyboardInterrupt, KeyboardInterrupt(), None)
        assert stopped.value.code == 130
        assert capsys.readouterr().err == "net2.py: stopped by Ctrl-C\n"

    def test_everything_else_is_somebody_elses(self, hook, monkeypatch):
        script = "/home/me/mine.py"
        monkeypatch.setattr(sys.modules["__main__"], "__file__", script, raising=False)
        hook[0](KeyboardInterrupt, KeyboardInterrupt(), None)
        hook[0](ValueError, ValueError(), None)
        assert hook[1] == [KeyboardInterrupt, ValueError]

    def test_installed_once(self, hook):
        interrupt.install()
        assert sys.excepthook is hook[0]

    def test_a_users_script_keeps_its_traceback(self):
        done = fresh_python("-c", "import theano_today; raise KeyboardInterrupt")
        assert "Traceback" in done.stderr


def send(number):
    os.kill(os.getpid(), number)


class TestInterrupt:
    def test_the_first_asks_and_a_second_ctrl_c_insists(self):
        said = []
        with interrupt.Interrupt(lambda: said.append(1)) as asked:
            assert not asked.requested
            send(signal.SIGINT)
            assert (asked.requested, asked.insisted, said) == (signal.SIGINT, False, [1])
            with pytest.raises(interrupt.Stopped):
                send(signal.SIGINT)
            assert (asked.insisted, said) == (True, [1])

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_others_do_not_insist(self, number):
        with interrupt.Interrupt(lambda: None) as asked:
            for _ in range(3):
                send(number)
            assert (asked.requested, asked.insisted) == (number, False)
            with pytest.raises(interrupt.Stopped) as stopped:
                send(signal.SIGINT)
        assert stopped.value.number == number  # what it was stopped by is the first

    def test_handlers_are_given_back_also_after_an_error(self):
        before = [signal.getsignal(number) for number in interrupt.SIGNALS]
        with pytest.raises(ZeroDivisionError), interrupt.Interrupt(lambda: None):
            assert signal.getsignal(signal.SIGTERM) not in before
            raise ZeroDivisionError
        assert [signal.getsignal(number) for number in interrupt.SIGNALS] == before

    def test_an_ignored_signal_stays_ignored(self):
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with interrupt.Interrupt(lambda: None) as asked:
                send(signal.SIGHUP)
                assert not asked.requested
        finally:
            signal.signal(signal.SIGHUP, before)

    def test_in_another_thread_signals_are_left_alone(self):
        found = []

        def work():
            with interrupt.Interrupt(lambda: None):
                found.append(signal.getsignal(signal.SIGINT))

        before = signal.getsignal(signal.SIGINT)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert found == [before]


@pytest.mark.parametrize(
    ("number", "word", "code"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)]
)
def test_words_and_exit_codes(number, word, code, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/mine.py"])
    error = interrupt.Stopped(number)
    assert isinstance(error, KeyboardInterrupt)
    assert (interrupt.cause(number), interrupt.exit_code(error)) == (word, code)
    interrupt.say_stopped(error, "; saved it")
    assert capsys.readouterr().err == f"mine.py: stopped by {word}; saved it\n"
    assert interrupt.exit_code(KeyboardInterrupt()) == 130


def test_a_line_from_a_signal_handler(capfd):
    interrupt.say_from_signal_handler("stopping")
    assert capfd.readouterr().err == "\nstopping\n"

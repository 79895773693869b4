"""Rows on stdout, notes on stderr, and a bar at a terminal."""

import io

import pytest

from kfkd.cluster.progress import Progress


def test_without_a_terminal(capsys):
    progress = Progress(2)
    progress.row("one")
    progress.note("lost")
    progress.close()
    assert capsys.readouterr() == ("one\n", "lost\n")


def test_quiet(capsys):
    progress = Progress(2, quiet=True)
    progress.row("one")
    progress.note("lost")
    progress.close()
    assert capsys.readouterr() == ("", "lost\n")


@pytest.mark.parametrize("total", [3, None])
def test_at_a_terminal(monkeypatch, total):
    screen = io.StringIO()
    screen.isatty = lambda: True
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    progress = Progress(total)
    progress.row("[row] 1 " + "x" * 70)  # no markup, and not wrapped
    progress.note("a note")
    progress.close()
    progress.close()
    shown = screen.getvalue()
    assert "[row] 1 " + "x" * 70 + "\n" in shown
    assert "a note" in shown
    assert "1/3" in shown or total is None
    assert shown.endswith(("\x1b[2K", "\x1b[?25h\x1b[1A\x1b[2K", "\n"))

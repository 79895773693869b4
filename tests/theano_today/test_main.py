"""python -m theano_today."""

import pytest

from theano_today import __main__
from theano_today.setup import packages


def test_setup_installs_the_packages(monkeypatch):
    called = []
    monkeypatch.setattr(packages, "install", lambda: called.append(True))
    assert __main__.main(["setup"]) == 0
    assert called == [True]


def test_a_program_that_is_not_there(tmp_path, capsys):
    assert __main__.main([str(tmp_path / "train.py")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("theano_today: error: ")
    assert "train.py" in line


@pytest.mark.parametrize("arguments", [[], ["--chek"], ["setup", "--sometimes"]])
def test_a_wrong_option_says_what_there_is(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        __main__.main(arguments)
    assert caught.value.code == 2
    assert "usage: python -m theano_today" in capsys.readouterr().err

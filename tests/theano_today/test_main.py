"""python -m theano_today."""

import pytest

from theano_today import __main__
from theano_today.setup import packages


def test_setup_installs_the_packages(monkeypatch):
    called = []
    monkeypatch.setattr(packages, "install", lambda: called.append(True))
    assert __main__.main(["setup"]) == 0
    assert called == [True]


@pytest.mark.parametrize("arguments", [[], ["train"]])
def test_anything_else_says_what_there_is(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        __main__.main(arguments)
    assert caught.value.code == 2
    assert "setup" in capsys.readouterr().err

"""python -m theano_today --check."""

from theano_today.runner import check
from theano_today.setup import compiler, packages


def lines(text):
    return {line[2:20].strip(): line for line in text.splitlines()}


def test_what_is_there(capsys, monkeypatch):
    versions = packages.PACKAGES | packages.TRANSLATORS
    real = check._version
    monkeypatch.setattr(check, "_version", lambda name: versions.get(name) or real(name))
    assert check.main() == 0
    shown = lines(capsys.readouterr().out)
    assert not any(line.startswith("!") for line in shown.values())
    for name in (
        "Python", "Theano", "fissix", "numpy", "C++ compiler", "BLAS", "device", "floatX",
        "compile directory", "engine",
    ):  # fmt: skip
        assert name in shown
    assert "vectors of" in shown["engine"]


def test_what_is_missing(capsys, monkeypatch):
    monkeypatch.setattr(check, "_version", lambda name: {"Lasagne": "0.2"}.get(name))
    monkeypatch.setattr(compiler, "_runs", lambda name: False)
    assert check.main() == 2
    out = capsys.readouterr().out
    shown = lines(out)
    assert shown["Theano"].startswith("! ")
    assert "not installed" in shown["Theano"]
    assert "0.2; programs here run on 0.1" in shown["Lasagne"]
    assert "Python 2 programs" in shown["fissix"]
    assert "no C++ compiler found" in shown["C++ compiler"]
    assert "Run: python -m theano_today setup" in out
    assert "optional" in shown["pandas"]

"""The benchmarks' arithmetic; nothing is timed here."""

import os

from benchmarks.common import Spread, fresh, interleave, or_nan, table, theano_flags, whole_run


def test_interleave_takes_turns_and_drops_the_warm_up():
    order = []

    def contestant(name, values):
        figures = iter(values)

        def measure():
            order.append(name)
            return {"seconds": next(figures)}

        return measure

    results = interleave(
        {"a": contestant("a", [99, 1, 2, 6]), "b": contestant("b", [99, 5, 4, 3])}, runs=3
    )
    assert order == ["a", "b"] * 4
    assert results == {"a": {"seconds": Spread(2, 1, 6)}, "b": {"seconds": Spread(4, 3, 5)}}
    assert table(results).splitlines() == ["   seconds", "a  2 (1 to 6)", "b  4 (3 to 5)"]


def test_a_contestant_that_fails_costs_its_row_only(capsys):
    calls = []

    def fails():
        calls.append(1)
        raise RuntimeError("no compiler\nand much more")

    results = interleave({"a": or_nan("a", fails), "b": or_nan("b", lambda: {"ms": 1.0})}, runs=3)
    assert table(results).splitlines() == ["   ms", "a  nan (nan to nan)", "b  1 (1 to 1)"]
    assert capsys.readouterr().err == "a: RuntimeError: no compiler\n"
    assert calls == [1]


def test_fresh():
    figures = fresh("import math", "print(math.pi)")
    assert sorted(figures) == ["peak MiB", "seconds"]
    assert figures["peak MiB"] > 1


def test_whole_run_counts_the_imports():
    figures = whole_run("import time; time.sleep(0.3)", os.environ)
    assert figures["processor"] > 0
    assert figures["seconds"] > 0.3
    assert figures["peak MiB"] > 1


def test_the_users_theano_flags_stay(monkeypatch):
    monkeypatch.delenv("THEANO_FLAGS", raising=False)
    assert theano_flags(engine="stock") == {"THEANO_FLAGS": "engine=stock"}
    monkeypatch.setenv("THEANO_FLAGS", "floatX=float32")
    assert theano_flags(engine="stock", cxx="g++") == {
        "THEANO_FLAGS": "floatX=float32,engine=stock,cxx=g++"
    }

"""Starts of programs, measured in turns."""

import pytest

from benchmarks import startup


@pytest.mark.parametrize("cold", [True, False])
def test_each_engine_has_its_own_folder(tmp_path, capsys, cold):
    code = (
        "import os, pathlib\n"
        "flags = dict(f.split('=') for f in os.environ['THEANO_FLAGS'].split(','))\n"
        "folder = pathlib.Path(flags['base_compiledir'])\n"
        "folder.mkdir(exist_ok=True)\n"
        "(folder / flags['engine']).touch()\n"
    )
    engines = {"ours": "fused", "theirs": "stock"}
    for engine in engines.values():
        (tmp_path / engine).mkdir()
        (tmp_path / engine / "compiled").touch()
    measure = startup.turn_of("a start", code, "processor", engines, tmp_path, cold)
    figures = measure()
    assert figures.keys() == engines.keys()
    assert all(seconds > 0 for seconds in figures.values())
    for engine in engines.values():
        left = {path.name for path in (tmp_path / engine).iterdir()}
        assert left == ({engine} if cold else {engine, "compiled"})
    said = capsys.readouterr().err.splitlines()
    assert [line.rpartition(" (")[2] for line in said] == ["processor)"] * 2
    assert said[0].startswith("a start: ours ")


def test_contestants_that_are_not_there(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["startup.py", "--contestants", "nobody"])
    with pytest.raises(SystemExit):
        startup.main()
    assert "this engine, stock Theano" in capsys.readouterr().err

"""The compiler's flags for this processor."""

from __future__ import annotations

import json
import platform

import pytest

import theano_today  # noqa: F401  (first: it mends what follows)

import theano  # isort: skip
from theano.gof import cmodule

from theano_today.compat.theano import processor_flags

Compiler = cmodule.GCC_compiler


@pytest.fixture
def probes(monkeypatch, tmp_path):
    """An empty compile directory; the flags with which Theano's probe was compiled."""
    monkeypatch.setattr(processor_flags, "folder", lambda module: str(tmp_path))
    monkeypatch.setattr(Compiler, "march_flags", None)
    probes = []

    def probe(flags):
        probes.append(flags)
        return original(flags)

    original = cmodule.try_march_flag
    monkeypatch.setattr(cmodule, "try_march_flag", probe)
    return probes


needs_cpuinfo = pytest.mark.skipif(
    not processor_flags.CPUINFO.exists(), reason="needs Linux's /proc/cpuinfo"
)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors have other flags")
def test_c_code_is_compiled_for_this_processor(probes):
    arguments = Compiler.compile_args()
    assert len(probes) == 1  # the first try: what the compiler says is taken
    assert any(argument.startswith("-march=") for argument in arguments)
    assert not any(argument.startswith("-march=") for argument in Compiler.compile_args(False))


@needs_cpuinfo
def test_found_once(probes, monkeypatch):
    first = Compiler.compile_args()
    monkeypatch.setattr(Compiler, "march_flags", None)
    assert Compiler.compile_args() == first
    assert len(probes) == 1


@needs_cpuinfo
@pytest.mark.parametrize("text", ["", "{", "[]", '["-march=x86-64", 1]', '"-march=native"'])
def test_damaged_file(probes, monkeypatch, tmp_path, text):
    first = Compiler.compile_args()
    (path,) = tmp_path.iterdir()
    flags = json.loads(path.read_text())
    path.write_text(text)
    monkeypatch.setattr(Compiler, "march_flags", None)
    assert Compiler.compile_args() == first
    assert len(probes) == 2
    assert json.loads(path.read_text()) == flags


@needs_cpuinfo
def test_another_processor_asks_again(probes, monkeypatch, tmp_path):
    Compiler.compile_args()
    other = tmp_path / "cpuinfo"
    other.write_text("model name\t: another one\n\nmodel name\t: another one\n")
    monkeypatch.setattr(processor_flags, "CPUINFO", other)
    monkeypatch.setattr(Compiler, "march_flags", None)
    Compiler.compile_args()
    assert len(probes) == 2


def test_a_folder_that_is_not_there(probes, monkeypatch, tmp_path):
    monkeypatch.setattr(processor_flags, "folder", lambda module: str(tmp_path / "none"))
    assert Compiler.compile_args()


def test_the_users_own(probes, monkeypatch, tmp_path):
    monkeypatch.setattr(theano.config.gcc, "cxxflags", "-march=x86-64")
    assert [a for a in Compiler.compile_args() if a.startswith("-march=")] == ["-march=x86-64"]
    assert not probes
    assert not list(tmp_path.iterdir())


def test_nothing_known_of_the_processor(probes, monkeypatch, tmp_path):
    monkeypatch.setattr(processor_flags, "CPUINFO", tmp_path / "none")
    assert Compiler.compile_args()
    assert not list(tmp_path.iterdir())

"""The kernels in every form they are compiled to, each checked by check_kernels.cpp.

That program compares them with loops by the definition. Here it is compiled for each vector
width, by each compiler and with each sanitizer that this machine has; .ci/run installs what
a machine of CI lacks. The cases are the same each time; by hand it takes other seeds.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from theano_today.engine.library import KERNELS

HERE = Path(__file__).parent
SOURCES = [HERE / "check_kernels.cpp", KERNELS / "glue.cpp"]
FLAGS = ["-std=c++17", "-pthread"]

SECTIONS = {
    "stages": 300,
    "nonfinite": 100,
    "chains": 100,
    "products": 150,
    "updates": 150,
    "streams": 150,
    "elementwise": 300,
    "dropout": 100,
    "pools": 150,
    "sums": 150,
    "channelwise": 150,
    "steps": 150,
    "functions": 100,
    "memory": 200,
    "callers": 10,
    "forks": 400,
}


@dataclass(frozen=True)
class Build:
    """One way to compile the kernels.

    Parameters
    ----------
    compiler : str
    flags : tuple of str
    sections : dict
        Those of check_kernels.cpp that are run, and of how many cases.
    only_on : str
        The machine, as platform.machine() has it; empty: any.
    supports : str
        What the processor must have, as __builtin_cpu_supports has it; empty: nothing.
    runner : str
        The program that runs it; empty: the machine itself.
    """

    compiler: str
    flags: tuple[str, ...]
    sections: dict[str, int]
    only_on: str = ""
    supports: str = ""
    runner: str = ""

    def compile(self, sources, program) -> str:
        """Return what the compiler said, empty if it succeeded."""
        command = [self.compiler, *FLAGS, *self.flags, *map(str, sources), "-o", str(program)]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stderr if done.returncode else ""

    def run(self, program, *arguments) -> subprocess.CompletedProcess:
        command = [*([self.runner] if self.runner else []), str(program), *map(str, arguments)]
        # A sanitizer's own allocator returns null for too much, as malloc does.
        options = dict.fromkeys(("ASAN_OPTIONS", "TSAN_OPTIONS"), "allocator_may_return_null=1")
        return subprocess.run(
            command, capture_output=True, text=True, timeout=240, env=os.environ | options
        )

    def lacks(self, folder) -> str:
        """Return why this machine cannot do it, empty if it can."""
        if self.only_on and platform.machine() != self.only_on:
            return f"for {self.only_on}, this machine is {platform.machine()}"
        for program in (self.compiler, self.runner):
            if program and shutil.which(program) is None:
                return f"{program} is not installed"
        source, program = folder / "probe.cpp", folder / "probe"
        test = f'!__builtin_cpu_supports("{self.supports}")' if self.supports else "0"
        source.write_text(f"int main() {{ return {test}; }}\n")
        if self.compile([source], program):
            return f"{self.compiler} cannot compile with {' '.join(self.flags)}"
        if self.run(program).returncode:
            what = self.supports or f"programs compiled with {' '.join(self.flags)}"
            return f"this machine does not run {what}"
        return ""


_alone = {k: n for k, n in SECTIONS.items() if k not in ("callers", "forks")}
# Emulated instruction by instruction, and qemu cannot fork a process of several threads.
_slowly = _alone | {"stages": 60, "nonfinite": 20, "chains": 20, "products": 60, "memory": 100}
# ThreadSanitizer's theano_today gives up when such a process forks.
_watched = {k: n // 5 for k, n in SECTIONS.items() if k != "forks"}

BUILDS = {
    "native": Build("g++", ("-O3", "-march=native"), SECTIONS),
    "avx2": Build("g++", ("-O3", "-mavx2", "-mfma"), _alone, "x86_64", "avx2"),
    "plain": Build("g++", ("-O3", "-march=x86-64"), _alone, "x86_64"),
    "clang": Build("clang++", ("-O3", "-march=native"), _alone),
    "clang-avx2": Build("clang++", ("-O3", "-mavx2", "-mfma"), _alone, "x86_64", "avx2"),
    "neon": Build("aarch64-linux-gnu-g++", ("-O2", "-static"), _slowly, runner="qemu-aarch64"),
    "addresses": Build(
        "g++",
        ("-O1", "-g", "-march=native", "-fsanitize=address,undefined", "-fno-sanitize-recover"),
        _watched,
    ),
    "threads": Build("g++", ("-O1", "-g", "-march=native", "-fsanitize=thread"), _watched),
}


@pytest.fixture(scope="module")
def programs(request, tmp_path_factory):
    """By name of a build: its program's path and what went wrong, or why it is left out.

    Only of the builds that the tests of this run name.
    """
    params = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = {p.params["name"] for p in params if p is not None and "section" in p.params}
    root = tmp_path_factory.mktemp("builds")  # which is not made for several threads

    def make(name):
        folder, build = root / name, BUILDS[name]
        folder.mkdir()
        lacks = build.lacks(folder)
        if lacks:
            return None, lacks
        return folder / "check", build.compile(SOURCES, folder / "check")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # The slowest to compile come last in the table: they go first.
        names = [name for name in reversed(BUILDS) if name in wanted]
        return dict(zip(names, pool.map(make, names), strict=True))


# What this machine itself runs. Other widths of vectors, clang and sanitizers are for the long
# tests: each compiles for ten seconds and more.
QUICK = ("native",)


def cases():
    for name, build in BUILDS.items():
        marks = [] if name in QUICK else [pytest.mark.long]
        yield from (pytest.param(name, s, marks=marks) for s in build.sections)


@pytest.mark.parametrize(("name", "section"), list(cases()))
def test_against_loops(programs, name, section):
    program, said = programs[name]
    if program is None:
        pytest.skip(said)
    assert not said, said
    done = BUILDS[name].run(program, section, BUILDS[name].sections[section])
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failures" in done.stdout


def test_the_widths_are_those_meant(programs):
    widths = {"avx2": 8, "clang-avx2": 8, "plain": 4, "neon": 4}
    tried = 0
    for name, width in widths.items():
        program, _ = programs.get(name, (None, ""))
        if program is not None:
            done = BUILDS[name].run(program, "memory", 1)
            assert f"vectors of {width} floats" in done.stdout
            tried += 1
    if not tried:
        pytest.skip("none of these builds was made here")

"""Ours against the stack of 2020: the dtypes, shapes, values and exceptions recorded on it."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.fresh_python import fresh_python

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # the programs' own imports, for Python 3.9 as well

import compare
import exempt
import expected
import not_run
import records

IN_C = ["constants", "elementwise", "indexing", "lasagnes", "linear", "loops"]
IN_C += ["models", "nets", "nolearns", "randoms", "recurrent", "reductions"]
PROGRAMS = sorted(file.stem for file in (HERE / "programs").glob("[!_]*.py"))


def recorded_here(folder, kind, *programs, share=1, flags=""):
    """What differs from the record, of these programs run in a process of their own."""
    float_, way = kind.split("-")
    # One folder for what is compiled: the processes of a run share it.
    done = fresh_python(
        HERE / "record.py",
        way,
        folder,
        *programs,
        "--share",
        share,
        THEANO_FLAGS=",".join(filter(None, [f"floatX={float_}", flags, compile_folder()])),
        timeout=3000,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found, compared = compare.differences(str(folder), float_, way)
    assert compared > 0
    return [f"{case}: {said}"[:400] for case, said in found]


def compile_folder():
    flags = os.environ.get("THEANO_FLAGS", "").split(",")
    return next((flag for flag in flags if flag.startswith("base_compiledir=")), "")


def test_some_of_all_programs(tmp_path):
    """One case in 40 of every program; the long tests run all."""
    assert recorded_here(tmp_path, "float32-python", share=40) == []


@pytest.mark.long
@pytest.mark.parametrize("program", PROGRAMS)
def test_in_python(program, tmp_path):
    assert recorded_here(tmp_path, "float32-python", program) == []


@pytest.mark.long
@pytest.mark.parametrize("program", expected.FLOAT64)
def test_float64(program, tmp_path):
    assert recorded_here(tmp_path, "float64-python", program) == []


@pytest.mark.parametrize("share", [3, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("program", expected.DEBUG)
def test_in_debug_mode(program, share, tmp_path):
    """Every optimisation is checked, and what each node does with memory of its own and others."""
    assert recorded_here(tmp_path, "float32-debug", program, share=share) == []


@pytest.mark.long
@pytest.mark.parametrize("engine", ["", "engine=stock"])
@pytest.mark.parametrize("program", IN_C)
def test_in_c(program, engine, tmp_path):
    assert recorded_here(tmp_path, "float32-c", program, flags=engine) == []


@pytest.mark.long
def test_whole_programs_in_c(tmp_path):
    """On the engine only: Theano's own C code of them takes minutes to compile."""
    assert recorded_here(tmp_path, "float32-c", "whole") == []


@pytest.mark.parametrize(
    "kind", ["float32-python", "float64-python", pytest.param("float32-c", marks=pytest.mark.long)]
)
def test_whole_programs_without_a_compiler(kind, tmp_path):
    found = recorded_here(tmp_path, kind, "whole", flags="cxx=")
    if kind.endswith("python"):
        # FAST_COMPILE with a compiler makes Ops of convolutions that have no Python code, and then
        # runs in Python, in 2020 as well. Without one it does not.
        (said,) = found
        assert said.startswith("whole lasagne convolutional net: ")
        found = []
    assert found == []


def test_every_program_has_a_record():
    recorded = sorted(file.name.split(".")[0] for file in expected.HERE.iterdir())
    assert recorded == PROGRAMS


def test_every_public_name_is_run_or_has_a_reason():
    used = set()
    for program in PROGRAMS:
        used.update(expected.read(program)["used"])
    names = set()
    for module, record in expected.read("names").items():
        if module not in ("used", "variables"):
            names.update(f"{module}.{name}" for name in record["is"])
    assert len(names) > 600
    assert sorted(names - used - set(not_run.NOT_RUN)) == []
    assert sorted(set(not_run.NOT_RUN) & used) == [], "has a program now"
    assert sorted(set(not_run.NOT_RUN) - names) == [], "no such name"


class TestDifference:
    """A judge that cannot say no is none: what is compared, and how closely."""

    def record(self, *values, dtype="float32", **more):
        return {"values": [[dtype, [len(values)], list(values)]], **more}

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ({"types": ["float32 0"]}, {"types": ["float64 0"]}),
            ({"types": ["float32 0"]}, {"types": ["float32 1"]}),
            ({"raises": ["built", "TypeError"]}, {"raises": ["called", "TypeError"]}),
            ({"raises": ["built", "TypeError"]}, {"raises": ["built", "ValueError"]}),
            ({"raises": ["built", "TypeError"]}, {"is": [1]}),
            ({"gradient raises": "TypeError"}, {}),
            ({"is": ["a"]}, {"is": ["b"]}),
            ({"is": [["int8", [], [1]]]}, {"is": [["int8", [], [2]]]}),
            ({"values": []}, {"values": [["int8", [], [2]]]}),
        ],
    )
    def test_differs(self, ours, theirs):
        assert records.difference(ours, theirs)
        assert records.difference(theirs, ours)
        assert not records.difference(ours, json.loads(json.dumps(ours)))

    @pytest.mark.parametrize(
        ("ours", "theirs", "ulps", "same"),
        [
            (1.0, 1.0000001, 1, True),
            (1.0, 1.0000005, 1, False),
            (1.0, 1.0000005, 8, True),
            (0.0, 1e-30, 8, False),
            (float("nan"), float("nan"), 0, True),
            (float("nan"), 1.0, 8, False),
            (float("inf"), float("inf"), 0, True),
            (float("inf"), 3e38, 8, False),
            (float("-inf"), float("inf"), 8, False),
        ],
    )
    def test_floats(self, ours, theirs, ulps, same):
        mine = self.record(ours, 5.0, ulps=[ulps, "each"])
        assert (records.difference(mine, self.record(theirs, 5.0)) == "") == same

    def test_units_of_the_largest(self):
        ours, theirs = (self.record(v, 1000.0, ulps=[4, "largest"]) for v in (0.0, 1e-4))
        assert records.difference(ours, theirs) == ""
        assert records.difference(self.record(0.0, 1000.0), theirs)

    def test_ints_are_exact(self):
        ours, theirs = (self.record(v, dtype="int64") for v in (2**62, 2**62 + 1))
        assert records.difference(ours | {"ulps": [9, "each"]}, theirs)


def test_exemptions_are_of_cases_that_exist():
    for pattern, _, why in exempt.EXEMPT:
        assert why
        program = pattern.split()[0]
        cases = [case for case in expected.read(program) if case != "used"]
        matching = [
            c
            for c in cases
            if exempt.reason(program, c, "python") or exempt.reason(program, c, "c")
        ]
        assert matching, pattern
        assert len(matching) < len(cases) / 5, f"{pattern} exempts too much of its program"

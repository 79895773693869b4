"""The fuzzer of graphs: that it finds what is wrong, and a minute of it."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import time

import numpy as np
import pytest
import theano.scalar as ts

from tests import fuzz_graphs
from theano_today.engine import elemwise


def test_some_graphs():
    others = fuzz_graphs.contestants()
    with fuzz_graphs.without_compiler():
        for seed in range(8):
            program = fuzz_graphs.draw_program(seed)
            assert program == fuzz_graphs.draw_program(seed)
            assert not fuzz_graphs.failure(program, others), program


def test_a_fault_is_found_and_shortened(monkeypatch):
    monkeypatch.setitem(elemwise._FUNCTIONS, ts.Sqr, lambda a: np.square(a) + 1)
    others = fuzz_graphs.contestants()
    with fuzz_graphs.without_compiler():
        for seed in range(200):
            program = fuzz_graphs.draw_program(seed)
            if not any(step.name == "sqr" for step in program.steps):
                continue
            done, said = fuzz_graphs.rounds(seed, time.monotonic() + 1e-3, others)
            if said:
                break
    assert done == 0
    assert "sqr(" in said
    assert said.startswith(f"seed {seed}\n")
    kept = [line for line in said.splitlines() if "# variant" in line]
    assert len(kept) < len(program.steps)


@pytest.mark.long
@pytest.mark.parametrize("with_torch", [False, True])
def test_a_minute(with_torch):
    if with_torch:
        pytest.importorskip("torch", reason="needs PyTorch: pip install -r requirements-gpu.txt")
    others = fuzz_graphs.contestants(with_torch=with_torch)
    with fuzz_graphs.without_compiler():
        _, said = fuzz_graphs.rounds(1000, time.monotonic() + 30, others)
    assert not said, said

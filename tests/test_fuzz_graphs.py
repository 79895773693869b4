"""The fuzzer of graphs: that it finds what is wrong, and some hundreds of them."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

from dataclasses import replace

import numpy as np
import pytest
import theano.scalar as ts

from tests import fuzz_graphs
from theano_today.engine import dispatch, elemwise


def test_some_graphs():
    others = fuzz_graphs.contestants()
    with fuzz_graphs.strictly():
        for seed in range(8):
            program = fuzz_graphs.draw_program(seed)
            assert program == fuzz_graphs.draw_program(seed)
            assert not fuzz_graphs.failure(program, others), program


def test_a_fault_is_found_and_shortened(monkeypatch):
    monkeypatch.setitem(elemwise._FUNCTIONS, ts.Sqr, lambda a: np.square(a) + 1)
    others = fuzz_graphs.contestants()
    with fuzz_graphs.strictly():
        for seed in range(200):
            program = fuzz_graphs.draw_program(seed)
            if not any(step.name == "sqr" for step in program.steps):
                continue
            done, said = fuzz_graphs.rounds([seed], others)
            if said:
                break
    assert done == 0
    assert "sqr(" in said
    assert said.startswith(f"seed {seed}\n")
    kept = [line for line in said.splitlines() if "# variant" in line]
    assert len(kept) < len(program.steps)


def test_only_what_theano_itself_cannot_compile_is_left_out(monkeypatch):
    """The product of negated means becomes one of another type, which Theano refuses."""
    program = fuzz_graphs.draw_program(848)
    with fuzz_graphs.strictly():
        assert not fuzz_graphs.failure(program, {})
        monkeypatch.setattr(fuzz_graphs, "MISTYPED", fuzz_graphs.MISTYPED[:2])
        said = fuzz_graphs.failure(program, {})
    assert said.startswith("reference: could not be compiled: BadOptimization")


@pytest.mark.parametrize(
    ("seed", "own"),
    [
        (512827, "_is_theanos_own"),  # local_useless_switch asks a numpy.bool for its type
        (507811, "_another_comes_first"),  # of two nodes that fail
        (509988, "_all_fused_are_ours"),  # i + (f + f) is one sum, in float64, if fused in Python
    ],
)
def test_what_theano_of_2020_did_as_well(seed, own, monkeypatch):
    """Each was run on the stack of 2020, which differs between its own linkers likewise."""
    program = fuzz_graphs.draw_program(seed)
    others = fuzz_graphs.contestants()
    with fuzz_graphs.strictly():
        assert not fuzz_graphs.failure(program, others)
        monkeypatch.setattr(fuzz_graphs, own, lambda *_: own == "_all_fused_are_ours")
        assert fuzz_graphs.failure(program, others)


@pytest.mark.parametrize(
    "seed",
    [
        8300414,  # cos(expm1(x)) of large x
        8300761,  # the floor of a square root that is 2, or a little less
    ],
)
def test_what_rounding_decides(seed, monkeypatch):
    pytest.importorskip("torch", reason="needs PyTorch: pip install -r requirements-gpu.txt")
    program = fuzz_graphs.draw_program(seed)
    others = fuzz_graphs.contestants(with_torch=True)
    with fuzz_graphs.strictly():
        assert not fuzz_graphs.failure(program, others)
        monkeypatch.setattr(fuzz_graphs, "_is_sensitive", lambda *_: False)
        assert "torch" in fuzz_graphs.failure(program, others)


# What was found with --torch, one of each kind.
FOUND = {
    8000159: "a number by x was rounded twice",
    8000193: "a square root of MKL's",
    8000544: "the position of the largest in no rows",
    8000603: "the smallest of nothing",
    8000644: "sigmoid of -709 and less",
    8100513: "a sum with both infinities in it, in another order",
    8100607: "lengths that do not fit, in other words",
    8100754: "softmax of rows without elements",
    8101337: "what is left of a difference of numbers about 1",
    8101779: "a cast of what an update rounded",
    8200918: "a product with both infinities in it",
    8300291: "local_reduce_join makes another type",
}


@pytest.mark.long
@pytest.mark.parametrize("seed", FOUND)
def test_what_was_found_by_torch(seed):
    pytest.importorskip("torch", reason="needs PyTorch: pip install -r requirements-gpu.txt")
    others = fuzz_graphs.contestants(with_torch=True)
    with fuzz_graphs.strictly():
        assert not fuzz_graphs.failure(fuzz_graphs.draw_program(seed), others), FOUND[seed]


def test_sums_of_terms_much_larger_than_they_are():
    """In another order: max - max + 1. What is exact is compared nonetheless."""
    x = fuzz_graphs.Input("float32", (3, 2), (False, False), "every other", 315851372)
    program = fuzz_graphs.Program((x,), (fuzz_graphs.Step("averaged", (0,), 360),), (1,))
    want = fuzz_graphs.run(program, fuzz_graphs.REFERENCE, "stock")
    assert fuzz_graphs._is_sensitive(program, want, fuzz_graphs.REFERENCE)
    tame = replace(program, inputs=(replace(x, seed=3),))
    want = fuzz_graphs.run(tame, fuzz_graphs.REFERENCE, "stock")
    assert not fuzz_graphs._is_sensitive(tame, want, fuzz_graphs.REFERENCE)


def test_another_error_is_a_failure_where_the_reference_has_it_nowhere(monkeypatch):
    program = fuzz_graphs.draw_program(507811)
    others = fuzz_graphs.contestants()
    run = fuzz_graphs.run

    def fails_otherwise(program, mode, how, **more):
        found = run(program, mode, how, **more)
        if mode is fuzz_graphs.OURS:
            found.error = KeyError("no")
        return found

    monkeypatch.setattr(fuzz_graphs, "run", fails_otherwise)
    with fuzz_graphs.strictly():
        assert "KeyError" in fuzz_graphs.failure(program, others)


def test_an_error_of_the_engine_alone(monkeypatch):
    def fails(node):
        raise ValueError("no")

    program = fuzz_graphs.draw_program(0)
    others = fuzz_graphs.contestants()
    monkeypatch.setattr(elemwise, "elemwise", fails)
    dispatch._functions.cache_clear()
    try:
        with fuzz_graphs.strictly():
            said = fuzz_graphs.failure(program, others)
    finally:
        dispatch._functions.cache_clear()
    assert said.startswith("engine: could not be compiled: ValueError")


@pytest.mark.long
@pytest.mark.parametrize(("with_torch", "count"), [(False, 240), (True, 160)])
def test_more_graphs(with_torch, count):
    if with_torch:
        pytest.importorskip("torch", reason="needs PyTorch: pip install -r requirements-gpu.txt")
    others = fuzz_graphs.contestants(with_torch=with_torch)
    with fuzz_graphs.strictly():
        _, said = fuzz_graphs.rounds(range(1000, 1000 + count), others)
    assert not said, said

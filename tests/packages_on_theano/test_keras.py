"""Keras on Theano: nets learn, are stored and loaded, and have the losses of stock Theano."""

from __future__ import annotations

import pytest

from tests.packages_on_theano.environments import run

pytestmark = pytest.mark.long


def losses(printed):
    return [[float(n) for n in line.split()[1:]] for line in printed if line.startswith("losses")]


@pytest.mark.parametrize(
    ("environment", "program", "arguments", "compared"),
    [
        ("keras2", "keras2_images.py", ["channels_first"], True),
        ("keras2", "keras2_images.py", ["channels_last"], True),
        ("keras2", "keras2_sequences.py", [], True),
        ("keras1", "keras1.py", ["th"], True),
        ("keras1", "keras1.py", ["tf"], False),
    ],
)
def test_nets_learn(environment, program, arguments, compared):
    printed = run(environment, program, *arguments)
    assert printed[-1] == "done"
    if not compared:  # as the other layout is
        return
    stock = run(environment, program, *arguments, THEANO_FLAGS="engine=stock")
    assert losses(printed)
    for ours, theirs in zip(losses(printed), losses(stock), strict=True):
        # Rounding grows while a net learns.
        assert ours[0] == pytest.approx(theirs[0], rel=1e-3)
        assert ours == pytest.approx(theirs, rel=0.05, abs=0.01)

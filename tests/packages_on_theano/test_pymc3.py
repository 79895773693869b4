"""PyMC3 3.8: find_MAP, ADVI, Metropolis and NUTS beside a posterior that has a formula."""

from __future__ import annotations

import pytest

from tests.packages_on_theano.environments import run

pytestmark = pytest.mark.long


def test_a_posterior():
    printed = run("pymc3", "pymc3_regression.py")  # it compares, and stops where they differ
    ways = [line.split()[0] for line in printed]
    assert [one for one in ("find_MAP", "ADVI", "Metropolis", "NUTS") if one not in ways] == []
    assert ways[-1] == "done"

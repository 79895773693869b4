"""The benchmark of the kernels' thresholds changes what stands in the kernels today."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import re

import pytest

from benchmarks import thresholds
from theano_today.engine.library import KERNELS


@pytest.mark.parametrize("name", thresholds.TEXTS)
def test_each_threshold_stands_where_it_is_looked_for_and_cites_the_benchmark(name):
    file, text, other = thresholds.TEXTS[name]
    code = (KERNELS / file).read_text()
    assert code.count(text) == 1
    assert re.sub(r"\d+( \* 1024)?;", "N;", text) == re.sub(
        r"\d+( \* 1024)?;", "N;", other.format(7)
    )
    before = code.partition(text)[0]
    quoted = f'"{name}"' if " " in name else name
    assert f"python benchmarks/thresholds.py --only {quoted}" in before[-700:]

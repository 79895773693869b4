"""Tests that translate Python 2 need fissix, which theano_today itself can do without."""

import importlib.util

import pytest

needs_fissix = pytest.mark.skipif(
    importlib.util.find_spec("fissix") is None,
    reason="fissix is not installed; requirements.txt has it",
)

"""Devices and their precision."""

from tests.theano_today.torch_link.compare import torch  # isort: skip  (skips)

import pytest

from theano_today.torch_link.target import PRECISIONS, set_precision


@pytest.mark.parametrize("precision", PRECISIONS)
def test_precision_for_all_that_ask(precision):
    """torch has an old and a new setting, and an error for whoever reads one that disagrees."""
    try:
        set_precision(precision)
        rounded = precision != "float32"
        assert torch.get_float32_matmul_precision() == ("high" if rounded else "highest")
        assert torch.backends.cuda.matmul.allow_tf32 is rounded
        assert torch.backends.cuda.matmul.fp32_precision == ("tf32" if rounded else "ieee")
        assert torch.backends.cudnn.conv.fp32_precision == ("tf32" if rounded else "ieee")
    finally:
        set_precision("float32")

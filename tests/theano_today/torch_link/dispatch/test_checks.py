"""Conditions on values of the device: an index is clamped, and the error comes with the results."""

from tests.theano_today.torch_link.compare import torch  # isort: skip  (skips)

import pytest

from theano_today.torch_link.dispatch.checks import collected, in_range


def test_what_is_in_range_stays():
    with collected() as checks:
        index = in_range(torch.tensor([0, 2, 1]), 3, IndexError, "out of bounds")
    assert index.tolist() == [0, 2, 1]
    (check,) = checks
    assert bool(check.fulfilled)
    assert (check.error, check.message) == (IndexError, "out of bounds")


@pytest.mark.parametrize("bad", [-1, 3])
def test_what_is_not_in_range_is_clamped_and_remembered(bad):
    with collected() as checks:
        index = in_range(torch.tensor([0, bad]), 3, IndexError, "out of bounds")
    assert index.min() >= 0
    assert index.max() <= 2
    assert [bool(check.fulfilled) for check in checks] == [False]


def test_of_nothing_nothing_can_be_taken():
    with collected():
        with pytest.raises(IndexError, match="empty"):
            in_range(torch.tensor([0]), 0, IndexError, "empty")
        assert in_range(torch.zeros(0, dtype=torch.int64), 0, IndexError, "empty").numel() == 0


def test_programs_within_programs_collect_for_themselves():
    with collected() as outer:
        in_range(torch.tensor(0), 1, IndexError, "outer")
        with collected() as inner:
            in_range(torch.tensor(5), 1, IndexError, "inner")
        in_range(torch.tensor(0), 1, IndexError, "outer")
    assert [check.message for check in outer] == ["outer", "outer"]
    assert [check.message for check in inner] == ["inner"]

"""Snapshots: kept, thinned out, read again."""

import numpy as np
import pytest

from kfkd.snapshots import MOST, Snapshots, beside, read
from theano_today.errors import DataError, MissingFileError

FACES = np.random.RandomState(0).randint(0, 256, (3, 96, 96)).astype(np.uint8)
TRUTH = np.random.RandomState(1).uniform(-1, 1, (3, 30)).astype(np.float32)


def some(epochs):
    found = Snapshots(FACES, TRUTH)
    for epoch in epochs:
        found.add(epoch, TRUTH + epoch)
    return found


def test_written_and_read(tmp_path):
    path = beside(tmp_path / "net2.pickle")
    assert path.name == "net2.snapshots.npz"
    some([1, 4, 9]).write(path)
    found = read(path)
    assert found.epochs == [1, 4, 9]
    np.testing.assert_array_equal(found.points, [TRUTH + 1, TRUTH + 4, TRUTH + 9])
    np.testing.assert_array_equal(found.faces, FACES)


def test_thinned_out_on_a_logarithmic_axis():
    found = some(range(1, 10_001))
    assert len(found.epochs) == MOST == len(found.points)
    assert found.epochs[:5] == [1, 2, 3, 4, 5]
    assert found.epochs[-1] == 10_000
    assert max(np.diff(np.log(found.epochs[5:]))) < 0.35
    np.testing.assert_array_equal(found.points[-1], TRUTH + np.float32(10_000))


def test_an_earlier_run_is_gone_on_with(tmp_path):
    path = tmp_path / "a.npz"
    some([1, 4, 9]).write(path)
    found = Snapshots(FACES, TRUTH)
    found.take_over(path, 5)
    assert found.epochs == [1, 4]
    other = Snapshots(FACES, TRUTH + 1)
    other.take_over(path, 5)
    assert other.epochs == []
    other.take_over(tmp_path / "b.npz", 5)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive", None])
def test_damaged(tmp_path, content):
    path = tmp_path / "a.npz"
    if content is None:
        np.savez(path, faces=FACES, truth=TRUTH, epochs=[1], points=TRUTH)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz"):
        read(path)


def test_missing(tmp_path):
    with pytest.raises(MissingFileError, match="--live writes"):
        read(tmp_path / "a.npz")

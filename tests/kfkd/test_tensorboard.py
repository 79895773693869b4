"""TensorBoard's event files, read by TensorBoard's own format."""

import struct
from types import SimpleNamespace

import numpy as np
import pytest

from kfkd.tensorboard import TensorBoard
from theano_today.errors import MissingPackageError

NET = SimpleNamespace(
    update_learning_rate=SimpleNamespace(get_value=lambda: np.float32(0.03)), update_momentum=0.9
)


def row(epoch):
    return {"epoch": epoch, "train_loss": 0.25, "valid_loss": 0.01 * epoch, "dur": 1.5}


def scalars(folder):
    """(epoch, name) -> value; each record is its length, a checksum, an Event, a checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found = {}
    for path in sorted(folder.iterdir()):
        content, place = path.read_bytes(), 0
        while place < len(content):
            (length,) = struct.unpack_from("<Q", content, place)
            event = Event.FromString(content[place + 12 : place + 12 + length])
            for value in event.summary.value:
                found[event.step, value.tag] = value.simple_value
            place += 16 + length
    return found


def test_scalars(tmp_path):
    pytest.importorskip("tensorboardX", reason="pip install -r requirements-examples.txt")
    board = TensorBoard(tmp_path / "a/b")
    board(NET, [row(1)])
    board(NET, [row(1), row(4)])
    board.close()
    found = scalars(tmp_path / "a/b")
    assert found[1, "loss/train"] == 0.25
    assert found[4, "loss/valid"] == pytest.approx(0.04)
    assert found[4, "learning_rate"] == pytest.approx(0.03)
    assert found[4, "momentum"] == pytest.approx(0.9)
    # 0.2 * 48, under a name that TensorBoard takes.
    assert [v for (e, name), v in found.items() if e == 4 and "RMSE" in name] == pytest.approx(
        [9.6]
    )


def test_no_package(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(MissingPackageError, match=r"requirements-examples\.txt"):
        TensorBoard(tmp_path)

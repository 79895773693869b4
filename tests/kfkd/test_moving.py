"""The moving picture of one face."""

import numpy as np
import pytest
from PIL import Image

from kfkd import moving
from kfkd.snapshots import Snapshots, beside
from theano_today.errors import DataError, MissingFileError

FACES = np.full((2, 96, 96), 128, np.uint8)
TRUTH = np.zeros((2, 4), np.float32)


def kept(tmp_path, epochs):
    snapshots = Snapshots(FACES, TRUTH)
    for epoch in epochs:
        snapshots.add(epoch, TRUTH + np.float32(0.5 / epoch))
    pickle = tmp_path / "net2.pickle"
    snapshots.write(beside(pickle))
    return pickle


def test_a_frame_an_epoch(tmp_path, capsys):
    out = tmp_path / "plots/face.gif"
    moving.write_gif(kept(tmp_path, [1, 2, 9]), out)
    assert "3 epochs, from 1 to 9" in capsys.readouterr().out
    with Image.open(out) as gif:
        assert gif.n_frames == 3
        durations = []
        for i in range(3):
            gif.seek(i)
            durations.append(gif.info["duration"])
            pixels = np.asarray(gif.convert("RGB"), int)
            blue = np.argwhere(np.abs(pixels - [0x56, 0xB4, 0xE9]).sum(axis=2) < 60)
            place = (48 + 24 / (1, 2, 9)[i] + 0.5) * moving.SCALE
            np.testing.assert_allclose(blue.mean(axis=0), [place, place], atol=2)
        assert durations == [100, 100, 2500]


def test_nothing_kept(tmp_path):
    with pytest.raises(MissingFileError, match="--live"):
        moving.write_gif(tmp_path / "net2.pickle", tmp_path / "face.gif")
    with pytest.raises(DataError, match="no snapshot"):
        moving.write_gif(kept(tmp_path, []), tmp_path / "face.gif")
    with pytest.raises(DataError, match="no snapshot of face 2"):
        moving.write_gif(kept(tmp_path, [1]), tmp_path / "face.gif", face=2)

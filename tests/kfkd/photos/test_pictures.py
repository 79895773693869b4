"""Pictures of every kind become the same pixels."""

import theano_today  # noqa: F401  # isort: skip

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kfkd.photos.pictures import pictures_in, read_picture
from tests.fresh_python import ROOT, fresh_python
from tests.photos import wall
from theano_today.errors import DataError, MissingFileError

GREY = wall(40, 30)


def near(picture, grey, atol=2):
    assert picture.colour.mode == "RGB"
    assert picture.colour.size == picture.grey.shape[::-1]
    np.testing.assert_allclose(picture.grey.astype(int), grey, atol=atol)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_kinds_of_pixels(mode, tmp_path):
    image = Image.fromarray(GREY)
    if mode in ("I;16", "I"):
        image = Image.fromarray(GREY.astype("uint16") * 257)
        image = image.convert("I") if mode == "I" else image
    elif mode == "F":
        image = Image.fromarray(GREY.astype("float32") / 255)
    else:
        image = image.convert(mode)
    near(read_picture(image), GREY, 8 if mode == "P" else 3)
    for ending in {"I": ["tif"], "F": ["tif"], "I;16": ["png", "tif"]}.get(mode, []):
        image.save(tmp_path / f"a.{ending}")
        near(read_picture(tmp_path / f"a.{ending}"), GREY, 3)


def test_one_bit_and_clear_pixels():
    bits = Image.fromarray(GREY > 127)
    near(read_picture(bits), (GREY > 127) * 255)
    clear = np.dstack([GREY] * 3 + [np.zeros_like(GREY)])
    near(read_picture(Image.fromarray(clear)), np.full_like(GREY, 255))


def test_arrays():
    near(read_picture(GREY), GREY, 0)
    near(read_picture(GREY[:, :, None]), GREY, 0)
    near(read_picture(np.dstack([GREY] * 3)), GREY, 1)
    near(read_picture(GREY.astype("uint16") * 257), GREY, 1)
    near(read_picture(GREY / 255), GREY, 1)
    for wrong in (np.zeros((2, 2, 2)), np.zeros(5), np.zeros((3, 3), "int64"), np.zeros((0, 4))):
        with pytest.raises(DataError, match=r"no picture|no pixels"):
            read_picture(wrong)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_as_the_camera_was_held(orientation, tmp_path):
    upright = Image.fromarray(GREY)
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = upright.transpose(back[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    for ending in ("png", "jpg"):
        stored.save(
            tmp_path / f"a.{ending}", exif=exif, **({"quality": 95} if ending == "jpg" else {})
        )
        near(read_picture(tmp_path / f"a.{ending}"), GREY, 6)


def test_broken_files(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.fromarray(GREY).save(tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "folder.png").mkdir()
    for name in ("text.jpg", "empty.png", "cut.png", "folder.png"):
        with pytest.raises(DataError, match=f"{name}: ") as error:
            read_picture(tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(MissingFileError, match=r"none\.png: is not there"):
        read_picture(tmp_path / "none.png")


def test_folders(tmp_path):
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "inside").mkdir()
    assert [p.name for p in pictures_in([tmp_path, tmp_path / "x.gif"])] == [
        "a.jpg",
        "b.PNG",
        "x.gif",
    ]
    with pytest.raises(DataError, match="no picture is in this folder"):
        pictures_in([tmp_path / "inside"])


def test_large_pictures_are_shrunk():
    picture = read_picture(np.tile(wall(500, 500), (8, 9)))
    assert picture.shrunk == 2
    assert picture.grey.shape == (2000, 2250)


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_hundred_megapixels_within_a_gigabyte(ending, tmp_path):
    path = tmp_path / f"large.{ending}"
    Image.fromarray(GREY).resize((12000, 8400)).convert("RGB").save(path)
    code = (
        "import sys; from kfkd.photos.pictures import read_picture; "
        "p = read_picture(sys.argv[1]); print(p.grey.shape, p.shrunk); "
        # Its own: what getrusage says of a process begins with what its parent held.
        "peak = next(l for l in open('/proc/self/status') if l.startswith('VmHWM')); "
        "assert int(peak.split()[1]) < 1e6, peak"
    )
    done = fresh_python("-c", code, path, cwd=ROOT)
    assert done.returncode == 0, done.stderr

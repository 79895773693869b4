"""scipy.misc as it was, and scipy.weave, which is gone."""

from __future__ import annotations

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore:scipy.misc is deprecated")


@pytest.fixture
def misc():
    pytest.importorskip("PIL")
    import scipy.misc

    return scipy.misc


def test_numbers():
    from scipy.misc import comb, factorial, logsumexp

    assert comb(5, 2) == 10
    assert factorial(4) == 24
    np.testing.assert_allclose(logsumexp([0.0, 0.0]), np.log(2))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_files(misc, tmp_path, shape):
    pixels = np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)
    misc.imsave(tmp_path / "x.png", pixels)
    got = misc.imread(tmp_path / "x.png")
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, pixels)
    with (tmp_path / "x.png").open("rb") as file:
        assert misc.imread(file, flatten=True).shape == (5, 7)
    gray = misc.imread(tmp_path / "x.png", flatten=1)
    assert gray.dtype == np.float32
    if len(shape) == 2:
        np.testing.assert_array_equal(gray, pixels)
    assert misc.imread(tmp_path / "x.png", mode="RGB").shape == (5, 7, 3)


def test_values_are_scaled(misc):
    assert misc.bytescale(np.array([91.0, 51.0, 71.0])).tolist() == [255, 0, 128]
    assert misc.bytescale(np.array([-128, 127], "int8")).tolist() == [0, 255]
    assert misc.bytescale(np.array([0, 10]), cmin=0, cmax=20, high=200, low=10).tolist() == [
        10,
        105,
    ]
    assert misc.bytescale(np.full(3, 7.0)).tolist() == [0, 0, 0]
    same = np.arange(4, dtype="uint8")
    assert misc.bytescale(same) is same
    image = misc.toimage(np.array([[0.0, 0.5], [1.0, 0.25]]))
    assert np.array(image).tolist() == [[0, 128], [255, 64]]
    np.testing.assert_array_equal(
        misc.fromimage(misc.toimage(np.array([[0.5, 300.0]]), mode="F")), [[0.5, 300.0]]
    )


def test_channels_first_or_last(misc):
    pixels = np.random.RandomState(0).randint(0, 256, (5, 7, 3)).astype(np.uint8)
    for axis in range(3):
        image = misc.toimage(np.moveaxis(pixels, 2, axis))
        assert (image.mode, image.size) == ("RGB", (7, 5))
        np.testing.assert_array_equal(misc.fromimage(image), pixels)
    with pytest.raises(ValueError, match=r"\(5, 7, 2\)"):
        misc.toimage(pixels[..., :2])
    with pytest.raises(ValueError, match="channels"):
        misc.imsave("never.png", pixels.transpose(2, 0, 1))
    with pytest.raises(ValueError, match="mode"):
        misc.toimage(pixels, mode="RGBA")


def test_sizes_and_turns(misc):
    pixels = np.random.RandomState(0).randint(0, 256, (6, 10)).astype(np.uint8)
    assert misc.imresize(pixels, 50).shape == misc.imresize(pixels, 0.5).shape == (3, 5)
    assert misc.imresize(pixels, (3, 4)).shape == (3, 4)
    big = misc.imresize(pixels, 2.0, interp="nearest")
    np.testing.assert_array_equal(big, np.repeat(np.repeat(pixels, 2, 0), 2, 1))
    ramp = misc.imresize(pixels / 255.0, 100)  # floats are scaled to their extremes
    assert ramp.dtype == np.uint8
    assert (ramp.min(), ramp.max()) == (0, 255)
    np.testing.assert_array_equal(misc.imrotate(pixels, 180, "nearest"), pixels[::-1, ::-1])
    color = np.dstack([pixels] * 3)
    assert misc.imresize(color, (12, 20)).shape == (12, 20, 3)


def test_what_is_gone(misc):
    with pytest.raises(RuntimeError, match="ascent"):
        misc.lena()
    with pytest.raises(ImportError, match="Python 2 only"):
        import scipy.weave  # noqa: F401
    with pytest.raises(ImportError, match="Python 2 only"):
        from scipy import weave  # noqa: F401

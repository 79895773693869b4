"""Photos of any kind as grey and coloured pixels, turned as the camera was held."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from theano_today.errors import DataError, MissingFileError

# What is read from a folder.
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")

_MOST = 400_000_000  # pixels: what would be an attack on the memory rather than a photo
_WORKED_ON = 12_000_000  # pixels; larger photos are shrunk as they are read


@dataclass
class Picture:
    """A photo as it is worked on.

    colour : PIL image, mode RGB
    grey : uint8, shape (height, width)
    shrunk : float
        How many of the photo's pixels one of these is wide; 1 but for large photos.
    """

    colour: Image.Image
    grey: NDArray[np.uint8]
    shrunk: float = 1.0


def read_picture(source: str | os.PathLike | Image.Image | NDArray) -> Picture:
    """Read a photo: a file, an image of Pillow, or an array.

    An array is (height, width), (height, width, 1), RGB or RGBA: integers of 8 or 16 bits, or
    floats from 0 to 1. What is transparent becomes white. Of several frames the first counts.

    Raises
    ------
    MissingFileError, DataError
        One line that names the file and what is wrong with it.
    """
    if isinstance(source, Image.Image):
        return _converted(source, "the image")
    if isinstance(source, np.ndarray):
        return _converted(_from_array(source), "the array")
    path = Path(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about sizes and about damaged EXIF
            Image.MAX_IMAGE_PIXELS, before = None, Image.MAX_IMAGE_PIXELS
            try:
                with Image.open(path) as image:
                    return _converted(image, path)
            finally:
                Image.MAX_IMAGE_PIXELS = before
    except FileNotFoundError:
        raise MissingFileError(f"{path}: is not there") from None
    except UnidentifiedImageError:
        raise DataError(f"{path}: is no picture, or of a kind that Pillow cannot read") from None
    except DataError:
        raise
    except Exception as error:  # a damaged picture can raise nearly anything
        reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
        raise DataError(f"{path}: cannot be read: {reason.splitlines()[0][:200]}") from None


def pictures_in(paths: list[Path]) -> list[Path]:
    """The files that are meant: a folder means the pictures in it, in order of their names."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS)
            if not inside:
                raise DataError(f"{path}: no picture is in this folder ({' '.join(ENDINGS)})")
            found += inside
        else:
            found.append(path)
    return found


def _converted(image: Image.Image, name: Any) -> Picture:
    width, height = image.size
    if width * height > _MOST:
        raise DataError(f"{name}: has {width} x {height} pixels, expected at most {_MOST:,}")
    if width * height == 0:
        raise DataError(f"{name}: has no pixels")
    whole = max(1, int(np.ceil(np.sqrt(width * height / _WORKED_ON))))
    if whole > 1:
        # JPEG decodes a half, a quarter or an eighth of the size at once.
        image.draft(None, (width // whole, height // whole))
    orientation = image.getexif().get(0x0112, 1)
    rest = max(1, int(np.ceil(np.sqrt(image.width * image.height / _WORKED_ON))))
    if rest > 1:
        image = (image if image.mode != "P" else image.convert("RGBA")).reduce(rest)
    shrunk = width / image.width
    image = _eight_bits(image)
    if orientation != 1:
        image.getexif()[0x0112] = orientation
        image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    colour = image.convert("RGB")
    return Picture(colour, np.asarray(colour.convert("L")), shrunk)


def _eight_bits(image: Image.Image) -> Image.Image:
    """An image whose channels have 8 bits, from whatever Pillow opens."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image).astype(np.float32)
        return _from_array(values / (65535 if image.mode != "F" else max(1.0, values.max())))
    return image


def _from_array(values: NDArray) -> Image.Image:
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if not (values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (3, 4))):
        raise DataError(
            f"an array of shape {values.shape} is no picture: expected (height, width), RGB or RGBA"
        )
    if values.dtype == np.uint16:
        values = values / np.float32(65535)
    if values.dtype.kind == "f":
        values = np.clip(np.nan_to_num(values), 0, 1) * 255 + 0.5
    elif values.dtype != np.uint8:
        raise DataError(
            f"an array of {values.dtype} is no picture: expected uint8, uint16 or floats"
        )
    return Image.fromarray(np.ascontiguousarray(values.astype(np.uint8)))

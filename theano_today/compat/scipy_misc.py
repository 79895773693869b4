"""scipy.misc, empty since SciPy 1.12, and scipy.weave.

Its functions for images left in 1.2 and 1.3 and are here by their formulas, on Pillow, which has to
be installed. Those of numbers live in scipy.special.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from theano_today import hooks

_MOVED = ("comb", "factorial", "factorial2", "factorialk", "logsumexp")
_RESAMPLING = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "cubic": 3}


def install() -> None:
    hooks.after_import("scipy.misc", _fill)
    hooks.supply("scipy.misc", _fill)
    hooks.supply("scipy.misc.pilutil", _fill)
    hooks.supply("scipy.weave", _no_weave)


def _fill(module: ModuleType) -> None:
    from scipy import special

    names: dict[str, Any] = {name: getattr(special, name) for name in _MOVED}
    functions = (imread, imsave, imresize, imrotate, fromimage, toimage, bytescale)
    functions += (face, ascent, lena)  # type: ignore[assignment]
    names |= {function.__name__: function for function in functions}
    for name, value in names.items():
        if name not in vars(module):
            setattr(module, name, value)


def _no_weave(module: ModuleType) -> None:
    raise ImportError(
        "scipy.weave left SciPy in 0.19 and was for Python 2 only. Write what it computed in "
        "NumPy, or as a Theano Op with C code.",
        name=module.__name__,
    )


def _image() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "scipy.misc's functions for images need Pillow: python -m pip install pillow"
        ) from error
    return Image


def face(gray=False):
    """Return the picture of a raccoon, which scipy.datasets has (and downloads)."""
    from scipy import datasets

    return datasets.face(gray)


def ascent():
    """Return the picture of a stairway, which scipy.datasets has (and downloads)."""
    from scipy import datasets

    return datasets.ascent()


def lena():
    """Raise a RuntimeError: the picture may not be given away."""
    raise RuntimeError(
        "scipy.misc.lena() left SciPy in 0.17, since the picture's licence does not allow it. "
        "scipy.misc.ascent() is a picture of the same size, 512 x 512, in gray."
    )


def bytescale(data, cmin=None, cmax=None, high=255, low=0):
    """Scale `data` from cmin...cmax, its extremes, to low...high as uint8; uint8 stays as it is."""
    data = np.asarray(data)
    if data.dtype == np.uint8:
        return data
    if not 0 <= low <= high <= 255:
        raise ValueError(f"low and high must be 0 <= low <= high <= 255; got {low} and {high}")
    cmin = data.min() if cmin is None else cmin
    cmax = data.max() if cmax is None else cmax
    # In float64: int8 from -128 to 127 overflowed in SciPy.
    lowest, span = float(cmin), float(cmax) - float(cmin)
    if span < 0:
        raise ValueError(f"cmax must not be below cmin; got {cmax} and {cmin}")
    scaled = (data - lowest) * ((high - low) / (span or 1.0)) + low
    return (scaled.clip(low, high) + 0.5).astype(np.uint8)


def fromimage(im, flatten=False, mode=None):
    """Return a PIL image as an array, in `mode` if given, or as float32 gray with flatten."""
    if mode is not None:
        im = im if im.mode == mode else im.convert(mode)
    elif im.mode == "P":  # the colors, not their numbers
        im = im.convert("RGBA" if "transparency" in im.info else "RGB")
    if flatten:
        im = im.convert("F")
    elif im.mode == "1":
        im = im.convert("L")
    return np.array(im)


def toimage(arr, high=255, low=0, cmin=None, cmax=None, pal=None, mode=None, channel_axis=None):
    """Return an array of 2 dimensions, or of 3 with 3 or 4 channels, as a PIL image.

    Values other than uint8 are scaled to `low` ... `high` (see bytescale), but for mode "F".
    """
    Image = _image()
    data = np.asarray(arr)
    if np.iscomplexobj(data):
        raise ValueError("Cannot convert a complex-valued array")
    if data.ndim == 2:
        return _gray(Image, data, (high, low, cmin, cmax), pal, mode)
    axes = [axis for n in (3, 4) for axis, size in enumerate(data.shape) if size == n]
    if data.ndim != 3 or not axes:
        raise ValueError(
            f"arr must have 2 dimensions, or 3 of which one is 3 or 4 long; got shape {data.shape}"
        )
    axis = axes[0] if channel_axis is None else channel_axis
    channels = data.shape[axis]
    if channels not in (3, 4):
        raise ValueError(f"axis {axis} must hold 3 or 4 channels; got shape {data.shape}")
    scaled = np.moveaxis(bytescale(data, cmin, cmax, high, low), axis, 2)
    mode = mode or ("RGB" if channels == 3 else "RGBA")
    if mode not in ("RGB", "RGBA", "YCbCr", "CMYK") or len(Image.new(mode, (1, 1)).getbands()) != (
        channels
    ):
        raise ValueError(f"mode {mode!r} does not have {channels} channels")
    return Image.frombytes(mode, scaled.shape[1::-1], scaled.tobytes())


def _gray(Image, data, scale, pal, mode):
    high, low, cmin, cmax = scale
    size = data.shape[::-1]
    if mode == "F":
        return Image.frombytes("F", size, data.astype(np.float32).tobytes())
    if mode in (None, "L", "P"):
        image = Image.frombytes("L", size, bytescale(data, cmin, cmax, high, low).tobytes())
        if pal is not None or mode == "P":
            gray = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
            image.putpalette(np.asarray(gray if pal is None else pal, np.uint8).tobytes())
        return image
    if mode == "1":
        return Image.fromarray(np.where(data > high, 255, 0).astype(np.uint8)).convert("1")
    if mode == "I":
        cmin = float(data.min() if cmin is None else cmin)
        cmax = float(data.max() if cmax is None else cmax)
        scaled = (data * 1.0 - cmin) * (high - low) / ((cmax - cmin) or 1.0) + low
        return Image.frombytes("I", size, scaled.astype(np.int32).tobytes())
    raise ValueError(f"mode must be None, L, P, 1, I or F for 2 dimensions; got {mode!r}")


def imread(name, flatten=False, mode=None):
    """Read a file (a name or an open file) as an array; see fromimage."""
    with _image().open(name) as image:
        return fromimage(image, flatten, mode)


def imsave(name, arr, format=None):
    """Write an array as an image, scaled as toimage does, in the format that the name ends in."""
    toimage(arr, channel_axis=2).save(name, format)


def imresize(arr, size, interp="bilinear", mode=None):
    """Return an image, as uint8 scaled to 0 ... 255, in another size.

    `size` is a percentage (int), a fraction (float) or (rows, columns). Pillow since 2.7 (2015)
    averages all pixels where an image shrinks.
    """
    image = toimage(arr, mode=mode)
    if isinstance(size, (int, np.integer)):
        new = tuple(int(n * (int(size) / 100.0)) for n in image.size)
    elif isinstance(size, (float, np.floating)):
        new = tuple(int(n * float(size)) for n in image.size)
    else:
        new = (int(size[1]), int(size[0]))
    return fromimage(image.resize(new, resample=_RESAMPLING[interp]))


def imrotate(arr, angle, interp="bilinear"):
    """Return an image turned by `angle` degrees, counter-clockwise, in the same size."""
    return fromimage(toimage(arr).rotate(angle, resample=_RESAMPLING[interp]))

"""A net's points for the faces of a photo, in the photo's pixels."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kfkd.photos.faces import Square, cut, find_faces, whole
from kfkd.photos.pictures import Picture, read_picture
from theano_today.errors import DataError, MissingFileError, MissingPackageError

# float32 (n, 1, 96, 96) from 0 to 1 -> (n, 30) from -1 to 1
Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def keypoints(
    image: str | os.PathLike | Image.Image | NDArray,
    net: Any = "net2.pickle",
    is_face: bool = False,
) -> list[NDArray[np.float64]]:
    """Find the keypoints of all faces in a photo.

    Parameters
    ----------
    image : path, PIL image or array
        See `read_picture`.
    net : path or NeuralNet
        A pickle of net2.py, a file .onnx of it, or the net itself.
    is_face : bool
        The picture is a face already, cut as Kaggle's are.

    Returns
    -------
    list of (15, 2) float64
        x and y of Kaggle's 15 keypoints in the photo's pixels, the largest face first: (0, 0) is
        the left upper corner, the first pixel's middle (0.5, 0.5).

    Raises
    ------
    MissingFileError, DataError, MissingPackageError
        One line that says what is wrong.
    """
    return points_of(read_picture(image), predictor(net), is_face)


def points_of(picture: Picture, predict: Predict, is_face: bool = False) -> list[NDArray]:
    """As `keypoints`, for a picture that was read."""
    grey = picture.grey
    # A face that somebody cut is taken as it is.
    found = (
        _predicted(grey, [whole(grey)], predict)
        if is_face
        else follow(grey, find_faces(grey), predict)
    )
    return [points * picture.shrunk for points in found]


# Where Kaggle's keypoints lie in a face, 0 to 96: the means of training.csv's training rows.
MEAN = np.array([
    [66.7, 37.3], [30.1, 37.5], [59.8, 38.3], [74.0, 38.1], [37.1, 38.4], [22.8, 38.5],
    [56.6, 29.7], [80.2, 30.1], [39.8, 29.9], [16.2, 30.9], [48.4, 57.8], [63.9, 76.4],
    [33.5, 76.6], [48.6, 73.2], [48.7, 83.2],
])  # fmt: skip

_MOST_TURNED = np.deg2rad(30)


def follow(grey: NDArray[np.uint8], squares: list[Square], predict: Predict) -> list[NDArray]:
    """The points in each square, in the picture's pixels, shape (15, 2).

    Twice: the first points tell how the head is turned, and the second are those of the square
    turned with it.
    """
    if not squares:
        return []
    first = _predicted(grey, squares, predict)
    turned = [s._replace(angle=_angle(p)) for s, p in zip(squares, first, strict=True)]
    return _predicted(grey, turned, predict)


def _predicted(grey: NDArray[np.uint8], squares: list[Square], predict: Predict) -> list[NDArray]:
    X = np.stack([cut(grey, square) for square in squares])[:, None]
    y = np.asarray(predict(X), np.float64).reshape(-1, 15, 2) * 48 + 48
    # Kaggle's coordinates count from the middle of the first pixel.
    return [square.to_picture(points + 0.5) for square, points in zip(squares, y, strict=True)]


def _angle(points: NDArray) -> float:
    """By how much the mean face has to be turned to lie on these points as well as can be.

    The least squares' similarity of complex numbers: its factor is sum(conj(m) p) / sum(|m|^2).
    """
    mean, found = (v - v.mean(0) for v in (MEAN, points))
    m, p = mean @ [1, 1j], found @ [1, 1j]
    return float(np.clip(np.angle(np.vdot(m, p)), -_MOST_TURNED, _MOST_TURNED))


def predictor(net: Any) -> Predict:
    """What predicts: a net, or a file of one, .onnx or a pickle.

    Raises
    ------
    MissingFileError, DataError, MissingPackageError
    """
    if hasattr(net, "predict"):
        return net.predict
    path = Path(net)
    if path.suffix == ".onnx":
        return _of_onnx(path)
    from kfkd.nets import load_net

    return load_net(path).predict


def _of_onnx(path: Path) -> Predict:
    try:
        import onnxruntime
    except ImportError:
        raise MissingPackageError(
            f"{path} needs onnxruntime: pip install -r requirements-examples.txt, or use the pickle"
        ) from None
    if not path.exists():
        raise MissingFileError(f"there is no {path}; python -m theano_today.export writes it")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(f"{path}: is no net of ONNX: {reason}") from None
    name = session.get_inputs()[0].name
    return lambda X: session.run(None, {name: X})[0]

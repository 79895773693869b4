"""A net's points for the faces of a photo, in the photo's pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kfkd.keypoints import COLUMNS
from kfkd.nets import load_nets, predict_keypoints
from kfkd.photos.faces import Square, cut, find_faces, whole
from kfkd.photos.pictures import Picture, read_picture
from theano_today.errors import DataError, MissingFileError, MissingPackageError

# Faces, float32 (n, 1, 96, 96) from 0 to 1 -> (n, 15, 2) in their pixels, as training.csv counts
Predict = Callable[[NDArray[np.float32]], NDArray[np.float64]]


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
    net : path, NeuralNet or dict of NeuralNets
        A pickle of net2.py or of any net of examples/kfkd.py, the specialists included, a file
        .onnx of one net, or what such a pickle holds.
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
    # Kaggle's coordinates count from the middle of the first pixel.
    return [s.to_picture(points + 0.5) for s, points in zip(squares, predict(X), strict=True)]


def _angle(points: NDArray) -> float:
    """By how much the mean face has to be turned to lie on these points as well as can be.

    The least squares' similarity of complex numbers: its factor is sum(conj(m) p) / sum(|m|^2).
    """
    mean, found = (v - v.mean(0) for v in (MEAN, points))
    m, p = mean @ [1, 1j], found @ [1, 1j]
    return float(np.clip(np.angle(np.vdot(m, p)), -_MOST_TURNED, _MOST_TURNED))


def predictor(net: Any) -> Predict:
    """What predicts: a net, the specialists, or a file of either.

    Parameters
    ----------
    net : path, NeuralNet or dict of NeuralNets
        As for `keypoints`.

    Raises
    ------
    MissingFileError, DataError, MissingPackageError
    """
    if isinstance(net, Mapping):
        return partial(predict_keypoints, net)
    if hasattr(net, "predict"):
        return partial(predict_keypoints, {COLUMNS: net})
    path = Path(net)
    return _of_onnx(path) if path.suffix == ".onnx" else predictor(load_nets(path))


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
    given, taken = session.get_inputs()[0], session.get_outputs()[0]
    face, points = given.shape[1:], taken.shape[1:]
    if face not in ([1, 96, 96], [9216]) or points != [30]:
        raise DataError(
            f"{path}: a net from {face} to {points} numbers, "
            "expected one from [1, 96, 96] or [9216] to [30]"
        )

    def predict(X: NDArray[np.float32]) -> NDArray[np.float64]:
        (y,) = session.run([taken.name], {given.name: X.reshape(-1, *face)})
        return y.astype(np.float64).reshape(-1, 15, 2) * 48 + 48

    return predict

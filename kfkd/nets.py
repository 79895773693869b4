"""Trained nets out of their pickles, and what they predict."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kfkd.keypoints import COLUMNS
from theano_today.errors import DataError, MissingFileError, UserError

# The columns that a net predicts -> the net.
Nets = Mapping[tuple[str, ...], Any]


def load_net(path: str | Path) -> Any:
    """Unpickle a trained net.

    Parameters
    ----------
    path : str or Path
        A pickle such as net2.py writes. Unpickling runs whatever code the file holds: open
        only files that you trust.

    Returns
    -------
    nolearn.lasagne.NeuralNet

    Raises
    ------
    MissingFileError
        If the file does not exist.
    DataError
        If the file cannot be read, is damaged or holds something other than a net.
    """
    net = _unpickle(path)
    if not _is_net(net):
        raise _something_else(path, net)
    return net


def load_nets(path: str | Path) -> Nets:
    """Unpickle a trained net, or the specialists, which are a dict of nets by their columns.

    Raises
    ------
    MissingFileError, DataError
        As `load_net`.
    """
    found = _unpickle(path)
    nets = found if isinstance(found, Mapping) else {COLUMNS: found}
    if not nets or not all(map(_is_net, nets.values())):
        raise _something_else(path, found)
    return {tuple(columns): net for columns, net in nets.items()}


def predict(net, X) -> NDArray[np.float64]:
    """Predict 30 coordinates for each face, by a net of images (net2) or of flat rows (net1)."""
    y = _outputs(net, X)
    if y.shape[1:] != (30,):
        raise DataError(
            f"the net's prediction has shape {y.shape}, expected ({len(X)}, 30): these pictures "
            "are for nets that predict all 15 keypoints"
        )
    return y


def predict_columns(nets: Nets, X) -> dict[str, NDArray[np.float64]]:
    """Predict the coordinates that the nets know, in pixels: for each column one value a face.

    Parameters
    ----------
    nets : dict
        Of `load_nets`.
    X : ndarray, shape (faces, 1, 96, 96)

    Returns
    -------
    dict of str to float64, shape (faces,)
        Not clipped; 0 is the left or upper edge of the image, 96 the other.

    Raises
    ------
    DataError
        A net's outputs are not as many as its columns.
    """
    found: dict[str, NDArray[np.float64]] = {}
    for columns, net in nets.items():
        y = _outputs(net, X)
        if y.shape != (len(X), len(columns)):
            names = ", ".join(map(str, columns[:2]))
            raise DataError(
                f"a net of {len(columns)} columns ({names}, ...) predicts an array of shape "
                f"{y.shape}, expected {(len(X), len(columns))}"
            )
        found.update(zip(columns, y.T * 48 + 48, strict=True))
    return found


def predict_keypoints(nets: Nets, X) -> NDArray[np.float64]:
    """Predict all keypoints, in pixels.

    Parameters
    ----------
    nets : dict
        Of `load_nets`.
    X : ndarray, shape (faces, 1, 96, 96)

    Returns
    -------
    float64, shape (faces, 15, 2)
        x and y as training.csv counts them, not clipped.

    Raises
    ------
    DataError
        No net knows one of the columns, or as `predict_columns`.
    """
    known = {column for columns in nets for column in columns}
    lacking = [column for column in COLUMNS if column not in known]
    if lacking:
        raise DataError(f"nothing here predicts {lacking[0]}: expected nets for all 15 keypoints")
    found = predict_columns(nets, X)
    return np.stack([found[column] for column in COLUMNS], axis=1).reshape(-1, 15, 2)


def _outputs(net, X) -> NDArray[np.float64]:
    # Of images or of flat rows, as its input layer says.
    input_shape = next(iter(net.layers_.values())).shape
    return np.asarray(net.predict(X.reshape((-1, *input_shape[1:]))), np.float64)


def _unpickle(path: str | Path) -> Any:
    try:
        with Path(path).open("rb") as f:
            return pickle.load(f)
    except UserError:
        raise
    except FileNotFoundError:
        raise MissingFileError(
            f"there is no {path}; train the net with `python net2.py` first, or name its pickle"
        ) from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        # Only the first line: Theano's messages run over pages.
        reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
        reason = reason.splitlines()[0]
        raise DataError(
            f"cannot read {path} ({reason}); expected a net as net2.py pickles it"
        ) from error


def _is_net(found: Any) -> bool:
    return all(
        hasattr(found, name) for name in ("predict", "train_split", "train_history_", "layers_")
    )


def _something_else(path: str | Path, found: Any) -> DataError:
    return DataError(
        f"{path} holds an object of class {type(found).__name__}; "
        "expected a NeuralNet as net2.py pickles it"
    )

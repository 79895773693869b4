"""X and y, looked at before training: what cannot work is said at once, not after an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from theano_today.errors import DataError

# Standardised images reach 5 or so; grey values go up to 255 and pixel coordinates to 96.
_GREATEST = 10
_ROWS = 1024  # looked at at a time: no copy of X is made


def checked(net, X, y, say: Callable[[str], None]) -> tuple[Any, Any]:
    """Check the data for ``net.fit(X, y)``.

    Parameters
    ----------
    net : NeuralNet
        With its layers made.
    X : ndarray, shape as the net's input_shape, or dict of such by input layer
    y : ndarray, shape (rows,) or (rows, outputs)
    say : callable
        Called with a line for each conversion.

    Returns
    -------
    X, y
        The same objects; converted to float32 what was float64 or float16.

    Raises
    ------
    DataError
        One line: what was given, what was expected, what to do.
    """
    if isinstance(X, dict):
        X = {name: _float32(array, name, say) for name, array in X.items()}
    else:
        X = _float32(X, "X", say)
    y = _float32(y, "y", say)
    images = list(X.items()) if isinstance(X, dict) else [("X", X)]
    for name, array in images:
        if len(array) != len(y):
            raise DataError(
                f"{name} has {len(array)} rows, y has {len(y)}; each row of {name} needs one of y"
            )
    _check_rows(net, len(y))
    for (name, array), expected in zip(images, _input_shapes(net, X), strict=True):
        _check_shape(name, array, expected)
        _check_values(name, array, "scale them to about 0 to 1, pixels by X / 255")
    if net.regression:
        _check_shape("y", y.reshape(len(y), -1), net.layers_[-1].output_shape)
        _check_values("y", y, "scale them to about -1 to 1, such as (y - 48) / 48")
    return X, y


def _float32(array: Any, name: str, say: Callable[[str], None]) -> np.ndarray:
    if not isinstance(array, np.ndarray):
        raise DataError(f"{name} is a {type(array).__name__}, expected a NumPy array")
    if array.ndim == 0:
        raise DataError(f"{name} is a single number, expected an array of rows")
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} is of dtype {array.dtype}, expected float32")
    if array.dtype.kind != "f" or array.dtype == np.float32:
        return array
    with np.errstate(over="ignore"):  # becomes inf, which is said below
        converted = array.astype(np.float32)
    say(f"{name} is {array.dtype}: converted to float32, which the net computes in")
    return converted


def _check_rows(net, rows: int) -> None:
    share = getattr(net.train_split, "eval_size", None)
    folds = round(1 / share) if share else 0
    if rows < folds:
        raise DataError(
            f"X and y have {rows} row{'s' if rows != 1 else ''}; the net validates with one of "
            f"{folds} folds (eval_size={share}): give {folds} rows or more"
        )
    if not rows:
        raise DataError("X and y have no rows")


def _input_shapes(net, X) -> list[tuple]:
    from lasagne.layers import InputLayer

    shapes = {n: layer.shape for n, layer in net.layers_.items() if isinstance(layer, InputLayer)}
    if not isinstance(X, dict):
        return list(shapes.values())[:1]
    if set(shapes) != set(X):
        raise DataError(f"X has the inputs {sorted(X)}, the net has {sorted(shapes)}")
    return [shapes[name] for name in X]


def _check_shape(name: str, array: np.ndarray, expected: tuple) -> None:
    fits = len(array.shape) == len(expected) and all(
        e is None or given == e for given, e in zip(array.shape[1:], expected[1:], strict=True)
    )
    if not fits:
        wanted = ", ".join(["rows", *("any" if e is None else str(e) for e in expected[1:])])
        raise DataError(f"{name} has shape {array.shape}, expected ({wanted})")


def _check_values(name: str, array: np.ndarray, remedy: str) -> None:
    for start, block in _blocks(array):
        low, high = block.min(), block.max()  # NaN if any value is
        if np.isfinite(low) and np.isfinite(high):
            if max(-float(low), float(high)) > _GREATEST:
                raise DataError(f"{name} has values from {low:g} to {high:g}; {remedy}")
            continue
        rows = np.flatnonzero(~np.isfinite(block).reshape(len(block), -1).all(axis=1))
        value = "NaN" if np.isnan(block[rows[0]]).any() else "inf"
        raise DataError(f"{name} has {value} in row {start + rows[0]}; leave such rows out")


def _blocks(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(array), _ROWS):
        if array[start : start + _ROWS].size:
            yield start, array[start : start + _ROWS]

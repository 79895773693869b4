"""Nested Python values as JSON and named arrays, and back to the same types.

What a run is made of besides weights: history rows with NumPy's numbers in them, random
states, tuples. JSON alone would return other types and a pickle could run code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from theano_today.errors import DataError

# A dict in the JSON is one of these, told by its only key.
_DICT, _TUPLE, _SCALAR, _ARRAY, _RANDOM = "dict", "tuple", "scalar", "array", "RandomState"


def encode(value: Any, arrays: dict[str, np.ndarray], name: str = "") -> Any:
    """Turn `value` into what JSON can hold exactly.

    Parameters
    ----------
    value : None, bool, int, float, str, NumPy number, ndarray, RandomState, or a dict with
            str keys, list or tuple of such
    arrays : dict
        Receives the ndarrays, not copied.
    name : str
        The array's name, or the start of the names of those inside.

    Raises
    ------
    TypeError
        If there is something else in `value`.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {_ARRAY: name}
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return {_SCALAR: [value.dtype.str, value.item()]}
    if isinstance(value, np.random.RandomState):
        # A copy: NumPy says only here that the key is not the generator's own memory.
        return {_RANDOM: encode(value.get_state(legacy=False), arrays, name)}
    if isinstance(value, Mapping) and all(type(key) is str for key in value):
        return {_DICT: {key: encode(v, arrays, f"{name}.{key}") for key, v in value.items()}}
    if isinstance(value, (list, tuple)):
        items = [encode(v, arrays, f"{name}.{i}") for i, v in enumerate(value)]
        return {_TUPLE: items} if isinstance(value, tuple) else items
    raise TypeError(f"{name or 'the value'} is a {type(value).__name__}")


def decode(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return what `encode` was given.

    Raises
    ------
    DataError
        If `value` does not come from `encode`.
    """
    try:
        return _decode(value, arrays)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise DataError(f"no value of ours: {error}") from error


def _decode(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_decode(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == _ARRAY:
        return arrays[content]
    if kind == _SCALAR:
        code, number = content
        dtype = np.dtype(code)
        if dtype.kind not in "biuf":
            raise ValueError(f"dtype {code!r}")
        return dtype.type(number)
    if kind == _TUPLE:
        return tuple(_decode(v, arrays) for v in content)
    if kind == _RANDOM:
        random = np.random.RandomState(0)
        random.set_state(_decode(content, arrays))
        return random
    if kind == _DICT:
        return {key: _decode(v, arrays) for key, v in content.items()}
    raise ValueError(f"kind {kind!r}")

"""nolearn's PrintLayerInfo with any shape: sizes that are None, layers without parameters.

It multiplies all sizes of a shape and divides by the image's, for which Lasagne allows None; and
adds the sizes of parameters, of which a net may have none. An unknown size is left out of totals,
and what depends on the image's is nan.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from theano_today import hooks
from theano_today.compat.source import edit


def install() -> None:
    hooks.after_import("nolearn.lasagne.util", _mend_table)
    hooks.after_import("nolearn.lasagne.handlers", _mend_greeting)


def _mend_table(util: ModuleType) -> None:
    util._image_size, util._whole = _image_size, _whole  # type: ignore[attr-defined]
    edit(
        util.get_conv_infos,
        {
            "layers[0].output_shape[2:]": "_image_size(layers[0].output_shape)",
            "reduce(mul, shape)": "reduce(mul, [n for n in shape if n is not None], 1)",
            # An unknown capacity is not a low one.
            "[np.logical_not(np.isfinite(capacity))]": "[np.logical_not("
            "np.isfinite(capacity) | np.isnan(real_filters))]",
            "real_filters.astype(int)": "_whole(real_filters)",
            "receptive_fields.astype(int)": "_whole(receptive_fields)",
        },
    )


def _image_size(shape: tuple) -> tuple:
    size = tuple(np.nan if n is None else n for n in shape[2:])
    return size if len(size) == 2 else (np.nan, np.nan)


def _whole(sizes: np.ndarray) -> np.ndarray:
    known = np.isfinite(sizes)
    numbers = np.where(known, sizes, 0).astype(int)
    return numbers if known.all() else np.where(known, numbers.astype(object), np.nan)


def _mend_greeting(handlers: ModuleType) -> None:
    edit(
        handlers.PrintLayerInfo._get_greeting,
        {
            "reduce(operator.mul, shape)": "reduce(operator.mul, shape, 1)",
            "shape in shapes])": "shape in shapes], 0)",
        },
    )

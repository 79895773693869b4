"""What NeuralNet is given: labels, pandas' columns, numbers of samples, paths.

NumPy, pandas and LabelEncoder make labels of int64, which the int32 variable of a classifier
refuses, with the whole array in the message. pandas' Series lost reshape (1.0), and takes labels,
not positions, in brackets (3.0). Python's paths are objects since 3.4.

Arrays that another process has sent lie where they lay in its message (Dask; joblib's memory maps):
not on a multiple of their items' size, which Theano's C code refuses, and not to be written to.
"""

from __future__ import annotations

import copy
import functools
import os
from types import ModuleType
from typing import Any

import numpy as np

from theano_today import hooks
from theano_today.compat.source import edit
from theano_today.errors import DataError


def install() -> None:
    hooks.after_import("nolearn.lasagne.base", _mend)
    hooks.after_import("nolearn.lasagne.handlers", _mend_handlers)


def _mend(base: ModuleType) -> None:
    _convert_targets(base)
    _copy_what_was_sent(base)
    _keep_splits_apart(base)
    _refuse_single_samples(base)
    _take_paths(base)


def _convert_targets(base: ModuleType) -> None:
    NeuralNet = base.NeuralNet
    fit, train_loop = NeuralNet.fit, NeuralNet.train_loop

    @functools.wraps(fit)
    def fit_of_array(self, X, y, *args, **kwargs):
        # The user's own way to split may want the Series.
        if self.train_split is None or type(self.train_split) is base.TrainSplit:
            y = _array(y)
        return fit(self, X, y, *args, **kwargs)

    @functools.wraps(train_loop)
    def train_loop_of_type(self, X, y, *args, **kwargs):
        # Here and not in fit, which encodes labels if the net is to do that.
        return train_loop(self, X, targets(y, self.y_tensor_type), *args, **kwargs)

    NeuralNet.fit, NeuralNet.train_loop = fit_of_array, train_loop_of_type


def _copy_what_was_sent(base: ModuleType) -> None:
    NeuralNet = base.NeuralNet
    fit = NeuralNet.fit

    def writes(iterator) -> bool:
        if getattr(iterator, "shuffle", False):
            return True
        return type(iterator).transform is not base.BatchIterator.transform

    @functools.wraps(fit)
    def fit_of_aligned(self, X, y, *args, **kwargs):
        iterators = self.batch_iterator_train, self.batch_iterator_test
        written = any(writes(i) for i in iterators if i is not None)
        return fit(self, _usable(X, written), _usable(y, written), *args, **kwargs)

    NeuralNet.fit = fit_of_aligned
    for name in ("predict_proba", "get_output"):
        setattr(NeuralNet, name, _with_aligned_input(getattr(NeuralNet, name)))


def _with_aligned_input(method):
    @functools.wraps(method)
    def method_of_aligned(self, *args):
        *others, X = args
        return method(self, *others, _usable(X))

    return method_of_aligned


def _usable(data: Any, written: bool = False) -> Any:
    """Return `data` itself, or copies of arrays that are not aligned, or cannot be written to."""
    if isinstance(data, dict):
        return {name: _usable(array, written) for name, array in data.items()}
    if not isinstance(data, np.ndarray) or data.dtype.hasobject:
        return data
    # Not np.require, which makes plain arrays of memmaps and masked arrays that lack nothing.
    fits = data.flags.aligned and (data.flags.writeable or not written)
    return data if fits else data.copy()


def _array(y: Any) -> Any:
    # A Series has both, an array neither; a DataFrame of several columns works as well.
    return y.to_numpy() if hasattr(y, "to_numpy") and hasattr(y, "iloc") else y


def targets(y: Any, variable: Any) -> Any:
    """Return `y` in the type that a net's targets have, if no value changes by that.

    Parameters
    ----------
    y : ndarray
        Anything else is returned as it is: Theano looks at it batch by batch.
    variable : TensorType
        The net's ``y_tensor_type``; int32 for classifiers.

    Returns
    -------
    ndarray
        `y` itself if Theano takes it, or if both types are floats: float64 is for the user, or
        the flag floatX, to convert.

    Raises
    ------
    DataError
        One line: a value would change, or labels are no numbers.
    """
    wanted = np.dtype(getattr(variable, "dtype", "float64"))
    if not isinstance(y, np.ndarray) or np.can_cast(y.dtype, wanted):
        return y
    if y.dtype.kind not in "biuf":
        if wanted.kind not in "iu":
            return y
        if y.dtype.kind == "O":
            # A column of pandas with None or a mixture in it; whole numbers among them are fine.
            try:
                numbers = y.astype(np.float64)
            except (TypeError, ValueError):
                pass
            else:
                return targets(numbers, variable)
        raise DataError(
            f"y is of dtype {y.dtype}, expected whole numbers from 0 on; NeuralNet("
            "use_label_encoder=True) numbers labels of other kinds"
        )
    if y.dtype.kind == "f" and wanted.kind == "f":
        return y
    with np.errstate(all="ignore"):
        converted = y.astype(wanted)
        # In the type they came in: float64 has no whole numbers beyond 2**53.
        same = converted.astype(y.dtype) == y
    if y.dtype.kind == "u":
        same &= converted >= 0  # 2**64 - 1 becomes -1, and that 2**64 - 1
    changed = np.argwhere(~same)
    if len(changed):
        row = tuple(int(i) for i in changed[0])
        raise DataError(
            f"y has {y[row]} in row {row[0]}, which {wanted} (the net's y_tensor_type) cannot "
            f"hold; y is of dtype {y.dtype}"
        )
    return converted


def _keep_splits_apart(base: ModuleType) -> None:
    # The default is one object for all nets, and the user's may be that of several.
    edit(
        base.NeuralNet.__init__,
        {
            "train_split.eval_size = kwargs.pop('eval_size')": "train_split = "
            "_split_of_size(train_split, kwargs.pop('eval_size'))"
        },
    )

    def _split_of_size(split, eval_size):
        split = base.TrainSplit(eval_size) if split is None else copy.deepcopy(split)
        split.eval_size = eval_size
        return split

    base._split_of_size = _split_of_size  # type: ignore[attr-defined]
    initialize = base.NeuralNet.initialize

    @functools.wraps(initialize)
    def initialize_with_split(self):
        # All that trains asks for it behind this.
        if self.train_split is None:
            self.train_split = base.TrainSplit(eval_size=0)
        initialize(self)

    base.NeuralNet.initialize = initialize_with_split


def _refuse_single_samples(base: ModuleType) -> None:
    NeuralNet = base.NeuralNet
    predict_proba, get_output = NeuralNet.predict_proba, NeuralNet.get_output

    @functools.wraps(predict_proba)
    def predict_proba_of_rows(self, X):
        with _Explained(self, X):
            return predict_proba(self, X)

    @functools.wraps(get_output)
    def get_output_of_rows(self, layer, X):
        with _Explained(self, X):
            return get_output(self, layer, X)

    NeuralNet.predict_proba, NeuralNet.get_output = predict_proba_of_rows, get_output_of_rows


class _Explained:
    """Says what is wrong with X when something went wrong.

    Not before: the net's own batch iterator may make images of what has fewer dimensions, or of no
    more than file names.
    """

    def __init__(self, net, X):
        self.net, self.X = net, X

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None or not issubclass(kind, (TypeError, ValueError, IndexError)):
            return
        shapes = {name: np.shape(x) for name, x in self._inputs()}
        for name, given in shapes.items():
            if given and given[0] == 0:
                raise DataError(
                    f"{name} has shape {given}, no samples; expected one or more"
                ) from error
        expected = getattr(self.net.layers_[0], "shape", None)
        given = shapes.get("X")
        if given is None or expected is None or len(given) != len(expected) - 1:
            return
        if all(e in (None, g) for g, e in zip(given, expected[1:], strict=True)):
            raise DataError(
                f"X has shape {given}, that of one sample; expected an array of samples: "
                "give X[None]"
            ) from error

    def _inputs(self):
        return self.X.items() if isinstance(self.X, dict) else [("X", self.X)]


def _take_paths(base: ModuleType) -> None:
    load = base.NeuralNet.load_params_from

    @functools.wraps(load)
    def load_params_from(self, source):
        return load(self, os.fspath(source) if isinstance(source, os.PathLike) else source)

    base.NeuralNet.load_params_from = load_params_from


def _mend_handlers(handlers: ModuleType) -> None:
    edit(handlers.SaveWeights.__call__, {"self.path.format(": "str(self.path).format("})

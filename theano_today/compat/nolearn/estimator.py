"""What nolearn 0.6.1 needs from today's scikit-learn: clone, get_params, grid search, tags.

scikit-learn reads every named argument of a constructor as an attribute (since 0.21 it is an
error if one is missing) and since 0.20 refuses to clone an estimator whose constructor keeps
a changed copy of an argument. NeuralNet does both: it drops `loss` and `X_tensor_type`, and
replaces None by fresh lists. Its get_params says that it contains any name, so that set_params
takes more than the constructor names; since 1.7 the HTML representation believes that.

Since 0.20 ensembles, calibration and cross_val_predict ask a classifier for its classes_, and since
1.6 whether something is one is a tag. A NeuralNet is a classifier or a regressor by `regression`.
"""

from __future__ import annotations

import functools
from types import ModuleType

import numpy as np

from theano_today import hooks


def install() -> None:
    hooks.after_import("nolearn.lasagne.base", _mend_estimator)


def _mend_estimator(base: ModuleType) -> None:
    from sklearn.base import clone

    NeuralNet = base.NeuralNet
    for dropped in ("loss", "X_tensor_type"):
        setattr(NeuralNet, dropped, None)

    def __sklearn_clone__(self):
        """Return an untrained net of the same arguments (the tutorial's specialists do this)."""
        params = {
            name: clone(value, safe=False) for name, value in self.get_params(deep=False).items()
        }
        # `verbose` makes the constructor append its printing handlers: leave ours out, or
        # every line would be printed twice.
        if self.verbose:
            for name, printer in _printers(base):
                params[name] = [h for h in _listed(params[name]) if type(h) is not printer]
        return type(self)(**params)

    NeuralNet.__sklearn_clone__ = __sklearn_clone__

    NeuralNet.set_params = _set_params_and_printers(base)
    NeuralNet.__sklearn_tags__ = _tags
    NeuralNet.classes_ = _Classes()

    # The one name of the constructor's signature that has no value of its own.
    base._dict.__contains__ = lambda self, name: name != "kwargs"


def _printers(base: ModuleType) -> tuple:
    # What the constructor appends if it is to be verbose; looked up late, for they are replaced.
    return (
        ("on_epoch_finished", base.PrintLog),
        ("on_training_started", base.PrintLayerInfo),
    )


def _listed(handlers) -> list:
    # nolearn takes one handler, a list or a tuple of them.
    return list(handlers) if isinstance(handlers, (list, tuple)) else [handlers]


def _set_params_and_printers(base: ModuleType):
    set_params = base.NeuralNet.set_params

    @functools.wraps(set_params)
    def set_params_and_printers(self, **params):
        """As scikit-learn's; `verbose` brings or takes away the printing handlers."""
        before = bool(self.verbose)
        set_params(self, **params)
        if bool(self.verbose) != before:
            for name, printer in _printers(base):
                others = [h for h in _listed(getattr(self, name)) if type(h) is not printer]
                setattr(self, name, others + [printer()] * bool(self.verbose))
        return self

    return set_params_and_printers


def _tags(self):
    from sklearn.base import BaseEstimator
    from sklearn.utils import ClassifierTags, RegressorTags

    tags = BaseEstimator.__sklearn_tags__(self)
    tags.target_tags.required = True
    if self.regression:
        tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        tags.target_tags.multi_output = True
    else:
        tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
    return tags


class _Classes:
    """The labels of a classifier's outputs, where nolearn has none: the numbers of its units.

    No data descriptor, so that the classes_ that fit sets (use_label_encoder=True) come first.
    """

    def __get__(self, net, owner=None):
        if net is None:
            return self
        made = vars(net).get("_output_layers")
        if made and not net.regression and not net.use_label_encoder:
            shape = made[0].output_shape
            if len(shape) == 2 and shape[1] is not None:
                return np.arange(shape[1])
        raise AttributeError("classes_: only a classifier whose layers were made has them")

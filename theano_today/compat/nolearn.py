"""What nolearn 0.6.1 needs from today's scikit-learn: clone, get_params, grid search.

scikit-learn reads every named argument of a constructor as an attribute (since 0.21 it is an
error if one is missing) and since 0.20 refuses to clone an estimator whose constructor keeps
a changed copy of an argument. NeuralNet does both: it drops `loss` and `X_tensor_type`, and
replaces None by fresh lists. Its get_params says that it contains any name, so that set_params
takes more than the constructor names; since 1.7 the HTML representation believes that.
"""

from __future__ import annotations

from types import ModuleType

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
        for name, printer in (
            ("on_epoch_finished", base.PrintLog),
            ("on_training_started", base.PrintLayerInfo),
        ):
            if self.verbose:
                # nolearn takes one handler or a list of them.
                handlers = params[name] if isinstance(params[name], list) else [params[name]]
                params[name] = [h for h in handlers if type(h) is not printer]
        return type(self)(**params)

    NeuralNet.__sklearn_clone__ = __sklearn_clone__

    # The one name of the constructor's signature that has no value of its own.
    base._dict.__contains__ = lambda self, name: name != "kwargs"

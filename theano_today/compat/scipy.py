"""What SciPy dropped: the public aliases of private modules."""

from __future__ import annotations

import importlib
from types import ModuleType

from theano_today import hooks
from theano_today.compat import scipy_misc

# Private since SciPy 1.8 (scipy.signal._signaltools, ._sigtools). Theano's ConvOp takes
# _valfrommode and _bvalfromboundary from the one and _convolve2d from the other; without them
# the Python implementation of convolution, which mode=FAST_COMPILE runs, refuses to work.
_PRIVATE = {
    "scipy.signal.signaltools": "scipy.signal._signaltools",
    "scipy.signal.sigtools": "scipy.signal._sigtools",
}


def install() -> None:
    scipy_misc.install()
    for name in _PRIVATE:
        hooks.supply(name, _fill)
        # SciPy 1.8 to 1.18 at least leave a signaltools that has the public names only.
        hooks.after_import(name, _add_private)


def _fill(module: ModuleType) -> None:
    for name, value in _names(module):
        setattr(module, name, value)


def _add_private(module: ModuleType) -> None:
    for name, value in _names(module):
        if name.startswith("_") and name not in module.__dict__:
            setattr(module, name, value)


def _names(module: ModuleType) -> list[tuple[str, object]]:
    private = importlib.import_module(_PRIVATE[module.__name__])
    return [(name, value) for name, value in vars(private).items() if name[:2] != "__"]

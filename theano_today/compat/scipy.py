"""What SciPy dropped: public aliases of private modules, windows, NumPy's names, trapz."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np

from theano_today import hooks
from theano_today.compat import scipy_misc, scipy_names

# Private since SciPy 1.8 (scipy.signal._signaltools, ._sigtools). Theano's ConvOp takes
# _valfrommode and _bvalfromboundary from the one and _convolve2d from the other; without them
# the Python implementation of convolution, which mode=FAST_COMPILE runs, refuses to work.
_PRIVATE = {
    "scipy.signal.signaltools": "scipy.signal._signaltools",
    "scipy.signal.sigtools": "scipy.signal._sigtools",
}


# Gone in 1.14.
_INTEGRALS = {"trapz": "trapezoid", "cumtrapz": "cumulative_trapezoid", "simps": "simpson"}


def install() -> None:
    scipy_misc.install()
    scipy_names.install()
    hooks.after_import("scipy", _offer_numpy)
    hooks.after_import("scipy.signal", _add_windows)
    hooks.after_import("scipy.integrate", _add_integrals)
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


def _offer_numpy(scipy: ModuleType) -> None:
    # scipy.zeros, scipy.randn and all others of NumPy's, gone in 1.12. Those of numpy.emath went
    # before NumPy's own: scipy.sqrt(-1) was 1j.
    of_today = scipy.__getattr__

    def __getattr__(name):
        try:
            return of_today(name)
        except AttributeError:
            for place in (np.emath, np, np.random) if not name.startswith("_") else ():
                if name in _public(place):
                    return getattr(place, name)
            raise

    scipy.__getattr__ = __getattr__  # type: ignore[method-assign]


def _public(place: ModuleType) -> list[str]:
    return ["rand", "randn"] if place is np.random else place.__all__


def _add_windows(signal: ModuleType) -> None:
    # scipy.signal.gaussian, hann and the rest: in scipy.signal.windows alone since 1.13.
    for name in signal.windows.__all__:
        if not hasattr(signal, name):
            setattr(signal, name, getattr(signal.windows, name))


def _add_integrals(integrate: ModuleType) -> None:
    for name, today in _INTEGRALS.items():
        if not hasattr(integrate, name):
            setattr(integrate, name, getattr(integrate, today))

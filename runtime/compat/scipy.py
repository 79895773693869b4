"""What SciPy dropped: the public alias of a private module."""

from __future__ import annotations

from types import ModuleType

from runtime.compat import hooks


def install() -> None:
    # scipy.signal.signaltools, private since 1.8, gone in 2.0: Theano's ConvOp imports
    # _valfrommode and _bvalfromboundary from it.
    hooks.supply("scipy.signal.signaltools", _fill_signaltools)


def _fill_signaltools(module: ModuleType) -> None:
    from scipy.signal import _signaltools

    module.__dict__.update(
        {name: value for name, value in vars(_signaltools).items() if name[:2] != "__"}
    )

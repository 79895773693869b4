"""Functions that scipy.stats, linalg, ndimage and signal dropped, by their formulas.

nanmean, nanstd, nanmedian, ss, signaltonoise left scipy.stats in 0.18 to 1.0, chisqprob in 1.0,
itemfreq in 1.3; linalg.pinv2 left in 1.9, ndimage.imread in 1.2, signal.ricker and cwt in 1.15.
Their defaults differ from NumPy's: axis 0, and a variance that is not biased.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from theano_today import hooks


def install() -> None:
    hooks.after_import("scipy.stats", _add_statistics)
    hooks.after_import("scipy.linalg", lambda linalg: _add(linalg, pinv2=linalg.pinv))
    hooks.after_import("scipy.ndimage", _add_imread)
    hooks.after_import("scipy.signal", _add_wavelets)


def _add(owner: Any, **names: Any) -> None:
    for name, value in names.items():
        if not hasattr(owner, name):
            setattr(owner, name, value)


def _along(x: Any, axis: int | None) -> tuple[np.ndarray, int]:
    return (np.ravel(x), 0) if axis is None else (np.asarray(x), axis)


def _add_statistics(stats: ModuleType) -> None:
    def nanmean(x, axis=0):
        return np.nanmean(*_along(x, axis))

    def nanmedian(x, axis=0):
        return np.nanmedian(*_along(x, axis))

    def nanstd(x, axis=0, bias=False):
        return np.nanstd(*_along(x, axis), ddof=0 if bias else 1)

    def ss(a, axis=0):
        """Return the sum of squares."""
        a, axis = _along(a, axis)
        return np.sum(a * a, axis)

    def signaltonoise(a, axis=0, ddof=0):
        a, axis = _along(a, axis)
        mean, deviation = np.asarray(a.mean(axis)), np.asarray(a.std(axis=axis, ddof=ddof))
        return np.where(deviation == 0, 0, mean / np.where(deviation == 0, 1, deviation))

    def chisqprob(chisq, df):
        return stats.chi2.sf(chisq, df)

    def itemfreq(a):
        return np.array(np.unique(a, return_counts=True)).T

    _add(stats, nanmean=nanmean, nanmedian=nanmedian, nanstd=nanstd, ss=ss)
    _add(stats, signaltonoise=signaltonoise, chisqprob=chisqprob, itemfreq=itemfreq)


def _add_imread(ndimage: ModuleType) -> None:
    def imread(fname, flatten=False, mode=None):
        from theano_today.compat import scipy_misc

        return scipy_misc.imread(fname, flatten, mode)

    _add(ndimage, imread=imread)


def _add_wavelets(signal: ModuleType) -> None:
    def ricker(points, a):
        """Return the Mexican hat wavelet of width `a` at `points` places around its middle."""
        x = np.arange(int(points)) - (points - 1.0) / 2
        scale = 2 / (np.sqrt(3 * a) * np.pi**0.25)
        return scale * (1 - x**2 / a**2) * np.exp(-(x**2) / (2 * a**2))

    def cwt(data, wavelet, widths, dtype=None, **kwargs):
        """Return the convolutions of `data` with a wavelet of each width, (widths, samples)."""
        rows = []
        for width in widths:
            made = wavelet(int(min(10 * width, len(data))), width, **kwargs)
            rows.append(np.convolve(data, np.conj(made)[::-1], mode="same"))
        result = np.array(rows)
        return result if dtype is None else result.astype(dtype)

    _add(signal, ricker=ricker, cwt=cwt)

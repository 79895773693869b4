"""Parts of SciPy that Theano imports at once and hardly ever uses: half of its own start.

scipy.stats has chi2sf; scipy.signal, convolutions in Python; scipy.special, erf, gamma and their
kin in Python. They come when they are first used.
"""

from __future__ import annotations

from theano_today import hooks

_SIGNAL = ("scipy.signal.signaltools", "scipy.signal.sigtools")


def install() -> None:
    hooks.import_late("theano.scalar.basic_scipy", ("scipy.special", "scipy.stats"))
    hooks.import_late("theano.tensor.nnet.abstract_conv", _SIGNAL)
    hooks.import_late("theano.tensor.nnet.conv", _SIGNAL)

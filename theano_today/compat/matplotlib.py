"""What matplotlib dropped: set_color_cycle and axisbg, gone in 2.2, and hold, gone in 3.0."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

from theano_today import hooks


def install() -> None:
    hooks.after_import("matplotlib.axes", _axes)
    hooks.after_import("matplotlib.pyplot", _pyplot)


def _add(owner: Any, **names: Any) -> None:
    for name, value in names.items():
        if not hasattr(owner, name):
            setattr(owner, name, value)


def _axes(module: ModuleType) -> None:
    axes = module.Axes
    _add(
        axes,
        set_color_cycle=_set_color_cycle,
        # plt.subplot(axisbg="gray") looks for a method of this name.
        set_axisbg=axes.set_facecolor,
        set_axis_bgcolor=axes.set_facecolor,
        get_axis_bgcolor=axes.get_facecolor,
        hold=lambda self, b=None: _hold(b),
        ishold=lambda self: True,
    )


def _pyplot(module: ModuleType) -> None:
    _add(module, hold=_hold, ishold=lambda: True)


def _set_color_cycle(self, clist):
    """Set the colors of the lines to come; None for the usual ones."""
    if clist is None:
        self.set_prop_cycle(None)
    else:
        self.set_prop_cycle(color=list(clist))


def _hold(b=None):
    """Do nothing: a plot is added to those that its axes have, always.

    Without an argument it switched between on and off; that does nothing either.
    """
    if b is not None and not b:
        warnings.warn(
            "hold(False): matplotlib adds to what axes show, always; call cla() before a plot that "
            "is to replace it",
            stacklevel=2,
        )

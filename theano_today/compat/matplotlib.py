"""What matplotlib dropped.

set_color_cycle and axisbg went in 2.2, hold in 3.0, cm.register_cmap and cm.get_cmap in 3.9. The
module matplotlib.style.core, whose names are matplotlib.style's, is going since 3.11.
"""

from __future__ import annotations

import importlib
import operator
import warnings
from types import ModuleType
from typing import Any

from theano_today import hooks
from theano_today.compat import matplotlib_calls


def install() -> None:
    hooks.after_import("matplotlib.axes", _axes)
    hooks.after_import("mpl_toolkits.mplot3d.axes3d", _axes3d)
    hooks.after_import("matplotlib.pyplot", _pyplot)
    matplotlib_calls.install()
    hooks.after_import("matplotlib.cm", _cm)
    hooks.after_import("matplotlib.style", _style)
    hooks.supply("matplotlib.style.core", _fill_style_core)


def _add(owner: Any, **names: Any) -> None:
    for name, value in names.items():
        if not hasattr(owner, name):
            setattr(owner, name, value)


def _axes3d(module: ModuleType) -> None:
    # ax.w_xaxis, gone in 3.8.
    for letter in "xyz":
        axis = property(operator.attrgetter(f"{letter}axis"))
        _add(module.Axes3D, **{f"w_{letter}axis": axis})


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
    _add(module, hold=_hold, ishold=lambda: True, register_cmap=_register_cmap)


def _cm(module: ModuleType) -> None:
    _add(module, register_cmap=_register_cmap, get_cmap=_get_cmap)


def _register_cmap(name=None, cmap=None):
    """Make a colormap known by `name`, its own by default; one of that name is replaced."""
    import matplotlib

    # matplotlib's own are not replaced: an error, as it was.
    known = name or cmap.name
    matplotlib.colormaps.register(cmap, name=known, force=known in matplotlib.colormaps)


def _get_cmap(name=None, lut=None):
    """Return the colormap of this name, or image.cmap's, with `lut` colors if that is given."""
    import matplotlib

    if isinstance(name, matplotlib.colors.Colormap):
        return name
    found = matplotlib.colormaps[name or matplotlib.rcParams["image.cmap"]]
    return found if lut is None else found.resampled(lut)


def _style(style: ModuleType) -> None:
    # An attribute without an import of its own until 3.11, where the module warns of its end.
    if hasattr(style, "core"):
        return

    def __getattr__(name):
        if name != "core":
            raise AttributeError(f"module {style.__name__!r} has no attribute {name!r}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module("matplotlib.style.core")

    style.__getattr__ = __getattr__  # type: ignore[method-assign]


def _fill_style_core(module: ModuleType) -> None:
    style = importlib.import_module("matplotlib.style")
    module.__dict__.update({k: v for k, v in vars(style).items() if not k.startswith("__")})


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

"""Arguments and names of matplotlib 1.4 that it refuses today.

- ``hist(x, normed=True)``, gone in 3.1; ``hold=``, 3.0; ``bar(left=...)``, 3.0;
  ``semilogx(basex=)``, ``nonposy=``, 3.5; ``savefig(frameon=)``, 3.5; ``use(warn=False)``, 3.3.
- ``fig.gca(projection="3d")``, gone in 3.6; floats as numbers of subplots, 3.4.
- the colormaps spectral and Vega10, gone in 2.2 and 3.0; the styles named seaborn, 3.8;
  ``rcParams["axes.color_cycle"]``, 2.2; ``contour(...).collections``, 3.10.
- mlab.normpdf, bivariate_normal, find and frange, gone in 3.1; matplotlib.finance, 2.2.

Only calls with such an argument, which matplotlib would refuse, are changed; the functions are
wrapped once Theano is imported, or the runner has started. Names are added at once.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from theano_today import hooks
from theano_today.compat.whole_floats import ORIGINAL, is_number

# What an argument is called today; None: there is none.
_RENAMED: dict[str, str | None] = {
    "normed": "density",
    "hold": None,
    "faceted": None,
    "basex": "base",
    "basey": "base",
    "nonposx": "nonpositive",
    "nonposy": "nonpositive",
}
_PLOTS = (
    "plot", "scatter", "hist", "hist2d", "imshow", "contour", "contourf", "pcolor", "pcolormesh",
    "errorbar", "fill", "fill_between", "step", "stem", "boxplot", "loglog", "semilogx", "semilogy",
    "set_xscale", "set_yscale", "quiver", "pie",
)  # fmt: skip
_COLORMAPS = {
    "spectral": "nipy_spectral",
    "Vega10": "tab10",
    "Vega20": "tab20",
    "Vega20b": "tab20b",
    "Vega20c": "tab20c",
}


def install() -> None:
    hooks.after_import("matplotlib", _add_colormaps)
    hooks.after_import("matplotlib.mlab", _add_formulas)
    hooks.after_import("matplotlib.artist", _add_to_artists)
    hooks.after_import("matplotlib.backend_bases", _add_to_canvas)
    hooks.after_import("matplotlib.contour", _add_collections)
    hooks.after_import("matplotlib.style", _add_styles)
    hooks.supply("mpl_toolkits.axes_grid", _fill_axes_grid)
    hooks.supply("matplotlib.finance", _refuse_finance)
    for name in ("matplotlib", "matplotlib.pyplot", "theano"):
        hooks.after_import(name, _wrap_for_theano)


def _wrap_for_theano(module: ModuleType) -> None:
    if "theano" in sys.modules and "matplotlib" in sys.modules:
        wrap(sys.modules["matplotlib"])


def wrap(matplotlib: ModuleType) -> None:
    """Let matplotlib's functions take what they took, in the modules that are imported by now."""
    loaded = sys.modules.get
    _replace(matplotlib, "use", _dropping("warn"))
    _replace(matplotlib.RcParams, "__setitem__", _setting)
    if (gridspec := loaded("matplotlib.gridspec")) is not None:
        _replace(gridspec.GridSpecBase, "__init__", _counting)
        _replace(gridspec.SubplotSpec, "_from_subplot_args", _counting, static=True)
    if (figure := loaded("matplotlib.figure")) is not None:
        _replace(figure.Figure, "savefig", _saving)
        _replace(figure.Figure, "gca", _projecting)
    if (axes := loaded("matplotlib.axes")) is not None:
        for name in _PLOTS:
            _replace(axes.Axes, name, _renaming)
        _replace(axes.Axes, "bar", functools.partial(_renaming, more={"left": "x"}))
        _replace(axes.Axes, "barh", functools.partial(_renaming, more={"bottom": "y"}))
        _replace(axes.Axes, "legend", _placing)
    if (pyplot := loaded("matplotlib.pyplot")) is not None:
        # What is given by name is not passed on as it is: these have arguments of their own.
        for name in ("bar", "barh"):
            more: dict[str, str | None] = {"left": "x"} if name == "bar" else {"bottom": "y"}
            _replace(pyplot, name, functools.partial(_renaming, more=more))
        _replace(pyplot, "gca", _projecting_current)


def _replace(owner: Any, name: str, make: Callable, static: bool = False) -> None:
    function = getattr(owner, name, None)
    if function is None or hasattr(function, ORIGINAL):
        return
    wrapped = functools.wraps(function)(make(function))
    setattr(wrapped, ORIGINAL, function)
    setattr(owner, name, staticmethod(wrapped) if static else wrapped)


def _renaming(function: Callable, more: dict[str, str | None] | None = None) -> Callable:
    names: dict[str, str | None] = _RENAMED | (more or {})

    def renaming(*arguments, **options):
        if names.keys() & options.keys():
            for old in names.keys() & options.keys():
                new, value = names[old], options.pop(old)
                if old == "normed":
                    options["density"] = bool(value) or options.get("density", False)
                elif new is not None:
                    options[new] = value
        return function(*arguments, **options)

    return renaming


def _dropping(name: str) -> Callable:
    def make(function: Callable) -> Callable:
        def dropping(*arguments, **options):
            options.pop(name, None)
            return function(*arguments, **options)

        return dropping

    return make


def _setting(function: Callable) -> Callable:
    def set_item(self, key, value):
        if key == "axes.color_cycle":
            from cycler import cycler

            colors = value.split(",") if isinstance(value, str) else list(value)
            key, value = "axes.prop_cycle", cycler(color=[str(c).strip() for c in colors])
        function(self, key, value)

    return set_item


def _counting(function: Callable) -> Callable:
    def whole(value):
        if isinstance(value, tuple):
            return tuple(map(whole, value))
        return int(value) if is_number(value) else value

    def counting(*arguments, **options):
        return function(
            *map(whole, arguments), **{name: whole(value) for name, value in options.items()}
        )

    return counting


def _saving(function: Callable) -> Callable:
    def savefig(self, *arguments, **options):
        if not options.pop("frameon", True):
            options.setdefault("facecolor", "none")
        return function(self, *arguments, **options)

    return savefig


def _projecting(function: Callable) -> Callable:
    def gca(self, **options):
        if not options:
            return function(self)
        current = self.axes[-1:] and function(self)
        if current and current.name == options.get("projection", "rectilinear"):
            return current
        return self.add_subplot(**options)

    return gca


def _projecting_current(function: Callable) -> Callable:
    def gca(**options):
        return sys.modules["matplotlib.pyplot"].gcf().gca(**options) if options else function()

    return gca


def _placing(function: Callable) -> Callable:
    def legend(self, *arguments, **options):
        by_text = len(arguments) == 2 and isinstance(arguments[1], (str, int))
        if by_text or len(arguments) == 3:
            *arguments, options["loc"] = arguments  # type: ignore[assignment]
        return function(self, *arguments, **options)

    return legend


# ---- names


def _add(owner: Any, **names: Any) -> None:
    for name, value in names.items():
        if not hasattr(owner, name):
            setattr(owner, name, value)


def _add_colormaps(matplotlib: ModuleType) -> None:
    cm = sys.modules["matplotlib.cm"]
    for old, new in _COLORMAPS.items():
        if old not in matplotlib.colormaps and new in matplotlib.colormaps:
            for end in ("", "_r"):
                matplotlib.colormaps.register(matplotlib.colormaps[new + end], name=old + end)
                _add(cm, **{old + end: matplotlib.colormaps[old + end]})


def _add_formulas(mlab: ModuleType) -> None:
    def normpdf(x, mu, sigma):
        return np.exp(-0.5 * ((np.asarray(x) - mu) / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)

    def bivariate_normal(X, Y, sigmax=1.0, sigmay=1.0, mux=0.0, muy=0.0, sigmaxy=0.0):
        x, y = X - mux, Y - muy
        rho = sigmaxy / (sigmax * sigmay)
        z = x**2 / sigmax**2 + y**2 / sigmay**2 - 2 * rho * x * y / (sigmax * sigmay)
        scale = 2 * np.pi * sigmax * sigmay * np.sqrt(1 - rho**2)
        return np.exp(-z / (2 * (1 - rho**2))) / scale

    def find(condition):
        return np.ravel(condition).nonzero()[0]

    def frange(start, end=None, step=1.0):
        """Return floats from start to end, both included."""
        start, end = (0.0, start) if end is None else (start, end)
        return start + np.arange(int(np.floor((end - start) / step + 1e-9)) + 1) * step

    _add(mlab, normpdf=normpdf, bivariate_normal=bivariate_normal, find=find, frange=frange)


def _add_to_artists(artist: ModuleType) -> None:
    _add(artist.Artist, get_axes=lambda self: self.axes)


def _add_to_canvas(bases: ModuleType) -> None:
    def set_window_title(self, title):
        if self.manager is not None:
            self.manager.set_window_title(title)

    _add(bases.FigureCanvasBase, set_window_title=set_window_title)


def _add_collections(contour: ModuleType) -> None:
    # One artist has drawn all levels since 3.8.
    _add(contour.ContourSet, collections=property(lambda self: [self]))


def _add_styles(style: ModuleType) -> None:
    # reload_library begins with the one whose name is private.
    for library in (style.library, getattr(style, "_base_library", {})):
        for name in list(library):
            if name.startswith("seaborn-v0_8"):
                library.setdefault(name.replace("-v0_8", ""), library[name])


def _fill_axes_grid(module: ModuleType) -> None:
    today = importlib.import_module("mpl_toolkits.axes_grid1")
    vars(module).update({k: v for k, v in vars(today).items() if k[:2] != "__"})


def _refuse_finance(module: ModuleType) -> None:
    raise ImportError(
        "matplotlib.finance left matplotlib in 2.2; there is a package: python -m pip install "
        "mplfinance",
        name=module.__name__,
    )

"""``yaml.load(text)``, which PyYAML 6.0 refuses: since then it wants a Loader.

pylearn2 and Keras load their models' descriptions so. The Loader is PyYAML 5's default, FullLoader,
which makes no objects of arbitrary classes; constructors that a program adds are added to it.
"""

from __future__ import annotations

import functools
import inspect
from types import ModuleType

from theano_today import hooks


def install() -> None:
    hooks.after_import("yaml", _default_loader)


def _default_loader(yaml: ModuleType) -> None:
    for name in ("load", "load_all"):
        function = getattr(yaml, name)
        if inspect.signature(function).parameters["Loader"].default is inspect.Parameter.empty:
            setattr(yaml, name, _with_default(function, yaml.FullLoader))


def _with_default(function, default):
    @functools.wraps(function)
    def load(stream, Loader=default):
        return function(stream, Loader)

    return load

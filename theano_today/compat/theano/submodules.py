"""Submodules of Theano as attributes, without an import of their own.

``theano.ifelse.ifelse(...)`` and ``theano.sandbox.rng_mrg.MRG_RandomStreams()`` worked behind
``import theano`` wherever the old GPU back end was, which imported half of Theano; Keras 1 and
many programs rely on it. That back end left in 0.10, and the attributes with it.

They are imported when somebody asks for them. What is no submodule is an AttributeError as ever.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from theano_today import hooks

_PACKAGES = (
    "theano",
    "theano.compile",
    "theano.sandbox",
    "theano.sandbox.linalg",
    "theano.tensor",
    "theano.tensor.nnet",
    "theano.tensor.signal",
)
# Programs ask by hasattr whether there is the one; the others are no part of what programs use.
_LEFT_ALONE = ("gpuarray", "tests", "conftest")


def install() -> None:
    for name in _PACKAGES:
        hooks.after_import(name, _mend)


def _mend(package: ModuleType) -> None:
    def __getattr__(name):
        missing = f"module {package.__name__!r} has no attribute {name!r}"
        full = f"{package.__name__}.{name}"
        private = name.startswith("_") or name in _LEFT_ALONE
        if private or importlib.util.find_spec(full) is None:
            raise AttributeError(missing, name=name, obj=package)
        try:
            return importlib.import_module(full)
        except ImportError as error:
            raise AttributeError(f"{missing}: {error}", name=name, obj=package) from error

    package.__getattr__ = __getattr__  # type: ignore[method-assign]

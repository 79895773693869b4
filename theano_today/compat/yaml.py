"""``yaml.load(text)``, which PyYAML 6.0 refuses: since then it wants a Loader.

pylearn2 and Keras load their models' descriptions so. The Loader is PyYAML 5's default, FullLoader,
which makes no objects of arbitrary classes; constructors that a program adds are added to it.

Beyond it, NumPy's numbers are made, which are written as calls of NumPy's own functions with a
dtype and bytes: Keras 1 writes the size of a layer behind Flatten so.
"""

from __future__ import annotations

import functools
import inspect
from types import ModuleType

import numpy as np

from theano_today import hooks

_CALL = "tag:yaml.org,2002:python/object/apply:"
_scalar = np.float64().__reduce__()[0]
_OF_NUMPY = {
    "numpy.dtype": np.dtype,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy.core.multiarray.scalar": _scalar,  # until 2.0
}


def install() -> None:
    hooks.after_import("yaml", _default_loader)


def _default_loader(yaml: ModuleType) -> None:
    for name in ("load", "load_all"):
        function = getattr(yaml, name)
        if inspect.signature(function).parameters["Loader"].default is inspect.Parameter.empty:
            setattr(yaml, name, _with_default(function, yaml.FullLoader))


def _with_default(function, full):
    @functools.wraps(function)
    def load(stream, Loader=None):
        return function(stream, _with_numbers(full) if Loader is None else Loader)

    return load


def _with_numbers(full) -> type:
    """Return a FullLoader, with the constructors that it has by now, and NumPy's numbers."""

    class FullLoader(full):
        def find_python_name(self, name, *rest, **more):
            return _OF_NUMPY.get(name) or super().find_python_name(name, *rest, **more)

        def make_python_instance(self, suffix, node, args=None, kwds=None, *rest, **more):
            if suffix in _OF_NUMPY:
                more, rest = {"unsafe": True}, ()
            return super().make_python_instance(suffix, node, args, kwds, *rest, **more)

        def construct_number(self, suffix, node):
            if suffix not in _OF_NUMPY:
                return self.construct_undefined(node)
            return self.construct_python_object_apply(suffix, node)

    FullLoader.add_multi_constructor(_CALL, FullLoader.construct_number)
    return FullLoader

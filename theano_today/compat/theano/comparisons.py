"""Ops, types and optimisations are compared and looked up half a million times for a net.

An Op is equal to others of its type with equal properties (``__props__``). Theano read them one by
one, by a generator each, even to compare an Op with itself; so for its hash. The hash of an
optimisation asked first whether it had a number. Constants are compared by their sums first and
with regard to NaN, which takes ten calls of NumPy; where both are numbers, one comparison will do.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import attrgetter
from types import ModuleType
from typing import Any

import numpy as np

from theano_today import hooks


def install() -> None:
    hooks.after_import("theano.gof.utils", _mend_properties)
    hooks.after_import("theano.gof.opt", _mend_optimizers)
    hooks.after_import("theano.tensor.var", _mend_constants)


def _mend_properties(utils: ModuleType) -> None:
    original = utils.MetaObject.__new__

    @functools.wraps(original)
    def __new__(cls, name, bases, namespace):
        written = set(namespace)  # the original adds to it
        made = original(cls, name, bases, namespace)
        properties = namespace.get("__props__")
        if properties is not None:
            for method, ours in (("__eq__", _equal(properties)), ("__hash__", _hash(properties))):
                if method not in written:
                    ours.__name__, ours.__qualname__ = method, f"{name}.{method}"
                    ours.__module__ = made.__module__
                    setattr(made, method, ours)
        return made

    utils.MetaObject.__new__ = staticmethod(__new__)


def _getter(properties: tuple[str, ...]) -> Callable[[Any], tuple]:
    """Return what reads these attributes, as a tuple however many they are."""
    if len(properties) == 1:
        get = attrgetter(*properties)
        return lambda x: (get(x),)
    return attrgetter(*properties) if properties else lambda x: ()


def _equal(properties: tuple[str, ...]) -> Callable[[Any, Any], bool]:
    get = _getter(properties)

    def equal(self, other):
        return self is other or (type(self) == type(other) and get(self) == get(other))  # noqa: E721

    return equal


def _hash(properties: tuple[str, ...]) -> Callable[[Any], int]:
    get = _getter(properties)

    def of_properties(self):
        return hash((type(self), get(self)))

    return of_properties


def _mend_optimizers(opt: ModuleType) -> None:
    for cls in (opt.Optimizer, opt.LocalOptimizer):
        cls.__hash__ = _numbered(cls.__hash__)


def _numbered(first: Callable[[Any], int]) -> Callable[[Any], int]:
    """Return the hash of an optimisation, whose number `first` gives it."""

    @functools.wraps(first)
    def __hash__(self):
        try:
            return self._optimizer_idx
        except AttributeError:
            return first(self)

    return __hash__


def _mend_constants(var: ModuleType) -> None:
    constant = var.TensorConstant
    original = constant.equals

    @functools.wraps(original)
    def equals(self, other):
        if self is other:
            return True
        if isinstance(other, constant):
            a, b = self.data, other.data
            if type(a) is type(b) is np.ndarray and not a.ndim and not b.ndim:
                if self.type != other.type:
                    return False
                a, b = a[()], b[()]
                return bool(a == b or (a != a and b != b))
        return original(self, other)

    constant.equals = equals

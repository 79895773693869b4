"""Random states, which Theano copies.

- Since NumPy 2.0 ``copy.copy(RandomState)`` returns a second RandomState on the same bit
  generator: a draw from the copy is a draw from the original. An Op that is not to change its
  input, two arguments that are the same state, and linkers that run a graph twice rely on a copy.
- ``RandomState.__getstate__`` returns a dict since NumPy 1.17: Theano compared its keys.
"""

from __future__ import annotations

import copy
import types
from types import ModuleType

import numpy as np

from theano_today import hooks


def install() -> None:
    for name in ("theano.tensor.raw_random", "theano.gof.link", "theano.gof.cc"):
        hooks.after_import(name, _copy_by_name)
    hooks.after_import("theano.compile.function_module", _copy_by_module)
    hooks.after_import("theano.tensor.raw_random", _mend_random_state_type)
    hooks.after_import("theano.tensor.basic", _mend_check_equal)


def copied(value):
    """``copy.copy(value)``, but of a RandomState one that draws by itself."""
    return copy.deepcopy(value) if isinstance(value, np.random.RandomState) else copy.copy(value)


def equal_states(a, b) -> bool:
    """Whether two RandomStates are to draw the same numbers."""
    a, b = a.get_state(legacy=False), b.get_state(legacy=False)
    if a["bit_generator"] != b["bit_generator"] or a["has_gauss"] != b["has_gauss"]:
        return False
    if a["has_gauss"] and a["gauss"] != b["gauss"]:
        return False
    return a["state"].keys() == b["state"].keys() and all(
        np.array_equal(a["state"][name], b["state"][name]) for name in a["state"]
    )


def _copy_by_name(module: ModuleType) -> None:
    module.copy = copied  # type: ignore[attr-defined]


def _copy_by_module(module: ModuleType) -> None:
    module.copy = types.SimpleNamespace(**{**vars(copy), "copy": copied})  # type: ignore[attr-defined]


def _mend_random_state_type(raw_random: ModuleType) -> None:
    def may_share_memory(a, b):
        # A state that the user copied by copy.copy draws from the same bit generator.
        state = np.random.RandomState
        if not (isinstance(a, state) and isinstance(b, state)):
            return a is b
        return a._bit_generator is b._bit_generator

    raw_random.RandomStateType.may_share_memory = staticmethod(may_share_memory)


def _mend_check_equal(basic: ModuleType) -> None:
    original = basic.check_equal_numpy

    def check_equal_numpy(x, y):
        if isinstance(x, np.random.RandomState) and isinstance(y, np.random.RandomState):
            return equal_states(x, y)
        return original(x, y)

    check_equal_numpy.__doc__ = original.__doc__
    basic.check_equal_numpy = check_equal_numpy  # type: ignore[attr-defined]
    basic.compile.register_checker(check_equal_numpy)  # goes before Theano's own

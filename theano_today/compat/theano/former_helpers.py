"""Modules that helped Theano to run on several Pythons, gone in 0.7 and 0.8: programs import them.

- theano.compat.six, with theano.compat.six.moves: the six that Theano had inside
- theano.compat.python2x and theano.gof.python25: OrderedDict, any, all, ... before Python had them
"""

from __future__ import annotations

import collections
import functools
import importlib
import itertools
import sys
from collections.abc import Mapping, MutableMapping
from types import ModuleType
from typing import Any

from theano_today import hooks

_SIX = "theano.compat.six"


def install() -> None:
    hooks.supply(_SIX, _fill_six)
    hooks.supply(f"{_SIX}.moves", _fill_moves)
    for name in ("theano.compat.python2x", "theano.gof.python25"):
        hooks.supply(name, _fill_python2x)


def _fill_six(module: ModuleType) -> None:
    six: Any = importlib.import_module("six")
    kept = ("__name__", "__spec__", "__path__", "__loader__", "__package__", "moves")
    vars(module).update({name: v for name, v in vars(six).items() if name not in kept})
    # An attribute in six, which needs no import.
    module.moves = importlib.import_module(f"{_SIX}.moves")  # type: ignore[attr-defined]


def _fill_moves(module: ModuleType) -> None:
    six: Any = importlib.import_module("six")
    moves = six.moves
    # six finds each when it is asked for it: not every Python has all that they name.
    module.__getattr__ = lambda name: getattr(moves, name)  # type: ignore[method-assign]
    for moved in six._moved_attributes:
        if isinstance(moved, six.MovedModule):
            hooks.supply(f"{module.__name__}.{moved.name}", _fill_moved)


def _fill_moved(module: ModuleType) -> None:
    moves: Any = importlib.import_module("six.moves")
    found = getattr(moves, module.__name__.rpartition(".")[2])
    # The very module, so that its types are those of the others: import looks it up again.
    sys.modules[module.__name__] = found


def _fill_python2x(module: ModuleType) -> None:
    from theano.compat import DefaultOrderedDict

    vars(module).update(
        all=all,
        any=any,
        combinations=itertools.combinations,
        Counter=collections.Counter,
        defaultdict=collections.defaultdict,
        DefaultOrderedDict=DefaultOrderedDict,
        deque=collections.deque,
        DictMixin=MutableMapping,
        Mapping=Mapping,
        maxsize=sys.maxsize,
        MutableMapping=MutableMapping,
        OrderedDict=collections.OrderedDict,
        partial=functools.partial,
        product=itertools.product,
    )

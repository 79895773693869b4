"""Tags of variables, which are copied whenever a graph is cloned.

Python's copy module takes an object apart and puts it together again, in ten steps where a tag is
a dictionary of attributes and needs one.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from theano_today import hooks


def install() -> None:
    hooks.after_import("theano.gof.utils", _mend)


def _mend(utils: ModuleType) -> None:
    utils.scratchpad.__copy__ = _copied


def _copied(self: Any) -> Any:
    cls: Any = type(self)
    copied = cls.__new__(cls)
    copied.__dict__.update(self.__dict__)
    return copied

"""Python 2's standard library, as far as programs of the time import it.

`supplied.py` has the modules whose names are gone; they work by plain ``import theano_today`` as
well, where no module of that name is installed. The others are variants, for translated code
alone: the module of today with Python 2's names, and Python 2's behaviour where that differs
without an error (pickle's text encoding, random's numbers, math.floor's type). Whatever a variant
does not define is the module's own, and what is assigned to its attributes is assigned to the
module.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

# What translated code imports from here under the same name.
VARIANTS = frozenset(
    [
        "cPickle",
        "codecs",
        "pickle",
        "random",
        "math",
        "string",
        "itertools",
        "json",
        "os",
        "sys",
        "types",
        "csv",
        "urllib",
        "operator",
        "struct",
        "subprocess",
        "gzip",
        "marshal",
        "zlib",
        "bz2",
        "base64",
        "binascii",
        "hashlib",
        "re",
    ]
)
PREFIX = __name__


class Variant(ModuleType):
    """A module that passes on everything it does not define to the module of today."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["__today__"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__") or name in self.__dict__:
            super().__setattr__(name, value)
        else:
            setattr(self.__dict__["__today__"], name, value)

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__:
            super().__delattr__(name)
        else:
            delattr(self.__dict__["__today__"], name)

    def __dir__(self) -> list[str]:
        # __all__ besides: types.CapsuleType of Python 3.13 is there only once it is asked for.
        names = self.__dict__
        return sorted({*names, *names["__all__"], *dir(names["__today__"])})


def vary(module: ModuleType, today: ModuleType) -> None:
    """Make `module`, which is being imported, a variant of the module `today`."""
    names = vars(module)
    own = [name for name in names if not name.startswith("_") and name not in _IMPORTED]
    public = getattr(today, "__all__", None) or [n for n in dir(today) if not n.startswith("_")]
    names["__today__"] = today
    names["__python2__"] = True
    names["__all__"] = sorted({*own, *public})
    module.__class__ = Variant


_IMPORTED = frozenset({"annotations", "today", "vary", "sys", "files", "Any"})


def get(name: str) -> ModuleType:
    """Import the variant of the module `name`."""
    return importlib.import_module(f"{PREFIX}.{name}")

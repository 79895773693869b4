"""numpy.distutils takes a logger of its own, not the one of the whole program.

Theano imports it on Python 3.11, and numpy.distutils.log makes distutils' logger an object of its
own class, whose level is WARNING. That was distutils' own logger; since setuptools 65.6 it is the
root logger. A program that says ``logging.basicConfig(level=logging.INFO)`` lost its lines of INFO
with ``import theano``, ``logging.warning`` wrote to stdout, and ``logging.exception`` raised a
TypeError.
"""

from __future__ import annotations

import importlib
import logging
import warnings
from types import ModuleType

from theano_today import hooks

_given: list[ModuleType] = []
# numpy.distutils.log's names of the logger's methods, which it puts its own functions around.
_METHODS = {
    "log": "log",
    "fatal": "critical",
    "_error": "error",
    "_warn": "warning",
    "_info": "info",
    "_debug": "debug",
}


def install() -> None:
    hooks.before_import("numpy.distutils.log", _give_own)
    hooks.after_import("numpy.distutils.log", _give_back)


def _give_own() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy.distutils imports it whatever it says
        log = importlib.import_module("distutils.log")
    if getattr(log, "_global_log", None) is logging.root:
        log._global_log = logging.getLogger("numpy.distutils")  # type: ignore[attr-defined]
        _given.append(log)


def _give_back(module: ModuleType) -> None:
    while _given:
        distutils = _given.pop()
        own = distutils._global_log
        distutils._global_log = logging.root  # type: ignore[attr-defined]
        for name, method in _METHODS.items():
            if hasattr(module, name):
                setattr(module, name, getattr(own, method))

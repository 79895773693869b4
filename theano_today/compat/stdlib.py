"""What Python's standard library dropped between 3.4 and 3.14.

distutils, gone in 3.12, is not here: setuptools, which Lasagne needs for pkg_resources,
brings it back under its old name.
"""

from __future__ import annotations

import collections
import collections.abc
import configparser
import importlib
import importlib.machinery
import importlib.util
import inspect
import sys
from types import ModuleType

from theano_today import hooks


def install() -> None:
    _alias_collections()
    # configparser.SafeConfigParser, gone in 3.12: ConfigParser has been the same class since 3.2.
    if not hasattr(configparser, "SafeConfigParser"):
        configparser.SafeConfigParser = configparser.ConfigParser  # type: ignore[attr-defined]
    # inspect.getargspec, gone in 3.11.
    if not hasattr(inspect, "getargspec"):
        inspect.getargspec = _getargspec  # type: ignore[attr-defined]
    hooks.supply("imp", _fill_imp)


def _alias_collections() -> None:
    # The abstract base classes live in collections.abc since 3.3; the old place closed in 3.10.
    for name in collections.abc.__all__:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))


ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")


def _getargspec(function):
    spec = inspect.getfullargspec(function)
    return ArgSpec(spec.args, spec.varargs, spec.varkw, spec.defaults)


def _fill_imp(module: ModuleType) -> None:
    # imp, gone in 3.12. Theano loads its compiled modules with load_dynamic and reloads
    # with reload; the tests of old projects look for modules with find_module.
    def load_dynamic(name, path, file=None):
        loader = importlib.machinery.ExtensionFileLoader(name, path)
        spec = importlib.machinery.ModuleSpec(name, loader, origin=path)
        loaded = importlib.util.module_from_spec(spec)
        loader.exec_module(loaded)
        sys.modules[name] = loaded
        return loaded

    def find_module(name, path=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None:
            raise ImportError(f"No module named {name!r}", name=name)
        return None, spec.origin, ("", "", 5 if spec.submodule_search_locations else 1)

    def get_suffixes():
        return (
            [(suffix, "rb", 3) for suffix in importlib.machinery.EXTENSION_SUFFIXES]
            + [(suffix, "r", 1) for suffix in importlib.machinery.SOURCE_SUFFIXES]
            + [(suffix, "rb", 2) for suffix in importlib.machinery.BYTECODE_SUFFIXES]
        )

    module.reload = importlib.reload  # type: ignore[attr-defined]
    module.load_dynamic = load_dynamic  # type: ignore[attr-defined]
    module.find_module = find_module  # type: ignore[attr-defined]
    module.get_suffixes = get_suffixes  # type: ignore[attr-defined]
    module.new_module = ModuleType  # type: ignore[attr-defined]

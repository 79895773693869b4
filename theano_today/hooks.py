"""Hooks into Python's import system: supply a module that is gone, mend one as it is imported.

A module is mended after it was executed; where its own source keeps it from that, the source is
rewritten.

Hooks instead of eager imports keep `import theano_today` cheap and make the order of imports
irrelevant: what is already imported is mended at once.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import warnings
from collections.abc import Callable, Collection
from types import ModuleType

Fill = Callable[[ModuleType], None]
Change = Callable[[ast.Module], ast.Module]

_supplied: dict[str, Fill] = {}
_replaced: dict[str, Fill] = {}
_rewritten: dict[str, tuple[Change, Fill | None]] = {}
_late: dict[str, frozenset[str]] = {}
# By module, then by the function's own name: registering the same hook twice changes nothing.
_before: dict[str, dict[str, Callable[[], None]]] = {}
_after: dict[str, dict[str, Fill]] = {}
# Packages whose source is compiled without a word.
_old: set[str] = set()
_DONE = "__theano_today_patches__"  # in a patched module: the names of the patches it has


def supply(name: str, fill: Fill) -> None:
    """Let ``import name`` work where no installed package defines `name`.

    Parameters
    ----------
    name : str
        Full dotted name. Its parent package, if any, must exist or be supplied as well.
    fill : callable
        Called once with the new, empty module, to put its names in.
    """
    _supplied[name] = fill


def replace(name: str, fill: Fill) -> None:
    """Like `supply`, for a module that is installed but cannot be imported any more."""
    _replaced[name] = fill


def rewrite(name: str, change: Change, prepare: Fill | None = None) -> None:
    """Execute ``change(tree)`` in place of module `name`'s own source, parsed as `tree`.

    The change is made anew at each import: no bytecode is stored. ``prepare(module)``, if given,
    is called before, to put in names that the source does not bind any more.
    """
    _rewritten[name] = change, prepare


def import_late(name: str, modules: Collection[str]) -> None:
    """Let module `name` import `modules` when it first uses them, not when it is executed.

    Of ``from one.of.them import f`` f must be a function, of ``import one.of.them`` the package
    must import what it is asked for. Should one not be installed, the first use says so.
    """
    _late[name] = frozenset(modules)


def compile_quietly(package: str) -> None:
    """Show no warning about the source of any module of `package`, now or as an error."""
    _old.add(package)


def before_import(name: str, function: Callable[[], None]) -> None:
    """Call `function` each time just before module `name` is executed.

    An exception from `function` is the exception of ``import name``.
    """
    _before.setdefault(name, {})[_key(function)] = function


def after_import(name: str, patch: Fill) -> None:
    """Call ``patch(module)`` each time module `name` was executed; now if it already was.

    Each execution of the module is patched once, however often this is called.
    """
    _after.setdefault(name, {})[_key(patch)] = patch
    module = sys.modules.get(name)
    if module is not None:
        _apply(patch, module)


@contextlib.contextmanager
def _no_syntax_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        # The category until Python 3.11
        warnings.filterwarnings("ignore", "(?s).*invalid escape sequence", DeprecationWarning)
        yield


def _compile_quietly(loader) -> None:
    original = loader.source_to_code

    def source_to_code(*arguments, **more):
        with _no_syntax_warnings():
            return original(*arguments, **more)

    loader.source_to_code = source_to_code


def _key(function: Callable) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _apply(patch: Fill, module: ModuleType) -> None:
    # Remembered in the module: it may outlive this one (a test that imports theano_today afresh).
    done = module.__dict__.setdefault(_DONE, set())
    if _key(patch) not in done:
        done.add(_key(patch))
        patch(module)


class _FillingLoader(importlib.abc.Loader):
    def __init__(self, fill: Fill) -> None:
        self.fill = fill

    def exec_module(self, module: ModuleType) -> None:
        self.fill(module)


def _filled(name: str, fill: Fill) -> importlib.machinery.ModuleSpec | None:
    # Every supplied module may have submodules that are supplied as well: call it a package.
    return importlib.util.spec_from_loader(
        name, _FillingLoader(fill), origin="supplied by theano_today", is_package=True
    )


def _executes(spec: importlib.machinery.ModuleSpec, change: Change, prepare: Fill | None) -> Fill:
    def execute(module: ModuleType) -> None:
        if prepare is not None:
            prepare(module)
        source = spec.loader.get_source(spec.name)  # type: ignore[union-attr]
        file = spec.origin or "<unknown>"
        with _no_syntax_warnings():
            tree = ast.fix_missing_locations(change(ast.parse(source, file)))
            code = compile(tree, file, "exec", dont_inherit=True)
        exec(code, module.__dict__)

    return execute


class _LateModule:
    """What ``from name import f`` takes functions from that import `name` when they are called."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Callable:
        name = self._name

        def function(*arguments, **more):
            return getattr(importlib.import_module(name), attribute)(*arguments, **more)

        function.__name__ = function.__qualname__ = attribute
        function.__module__ = name
        return function


def _builtins_that_import_late(modules: Collection[str]) -> dict[str, object]:
    def __import__(name, globals=None, locals=None, fromlist=(), level=0):
        if level == 0 and name in modules and name not in sys.modules:
            if fromlist:
                return _LateModule(name)
            name = name.partition(".")[0]
        return builtins.__import__(name, globals, locals, fromlist, level)

    return vars(builtins) | {"__import__": __import__}


class _First(importlib.abc.MetaPathFinder):
    """Sits before Python's own finders."""

    def find_spec(self, name, path=None, target=None):
        if name in _replaced:
            return _filled(name, _replaced[name])
        hooked = any(name in names for names in (_before, _after, _rewritten, _late))
        old = name.partition(".")[0] in _old
        if not hooked and not old:
            return None
        spec = self._found_by_others(name, path, target)
        if spec is None or spec.loader is None:
            return None
        if old and hasattr(spec.loader, "source_to_code"):
            _compile_quietly(spec.loader)
        if not hooked:
            return spec
        execute = spec.loader.exec_module
        if name in _rewritten:
            execute = _executes(spec, *_rewritten[name])

        def exec_module(module):
            for function in _before.get(name, {}).values():
                function()
            module.__dict__.pop(_DONE, None)  # importlib.reload keeps a module's names
            if name in _late:
                module.__dict__["__builtins__"] = _builtins_that_import_late(_late[name])
            execute(module)
            for patch in _after.get(name, {}).values():
                _apply(patch, module)

        # On the instance: the loader keeps its type, so that inspect, pkgutil and
        # importlib.resources find sources and data files. On a copy: pytest has one loader for
        # all modules whose assertions it rewrites.
        spec.loader = copy.copy(spec.loader)
        spec.loader.exec_module = exec_module
        return spec

    def _found_by_others(self, name, path, target):
        # All of them, not PathFinder alone: editable installs bring finders of their own.
        for finder in sys.meta_path:
            if not _is_ours(finder) and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    return spec
        return None


class _Last(importlib.abc.MetaPathFinder):
    """Sits behind Python's own finders: an installed module always wins."""

    def find_spec(self, name, path=None, target=None):
        return _filled(name, _supplied[name]) if name in _supplied else None


def put_behind(finder: importlib.abc.MetaPathFinder) -> None:
    """Put a finder before Python's own, and behind the hooks, which then mend what it finds."""
    ours = [i for i, one in enumerate(sys.meta_path) if _is_ours(one)]
    sys.meta_path.insert(1 + ours[0] if ours else 0, finder)


def _is_ours(finder: object) -> bool:
    # By name, because a reloaded hooks module has new classes.
    return type(finder).__module__ == __name__


def install() -> None:
    """Put both finders into ``sys.meta_path``, in place of those of an earlier import."""
    sys.meta_path[:] = [f for f in sys.meta_path if not _is_ours(f)]
    sys.meta_path.insert(0, _First())
    sys.meta_path.append(_Last())

"""Which names there are, and which test runs which."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import types
from pathlib import Path

import lasagne
import numpy as np
import theano

# Lasagne's unreleased master, rather than 0.1, the last release.
MASTER = hasattr(lasagne.layers, "BatchNormLayer")

# By name: the modules of the tests that run it.
RUN: dict[str, list[str]] = {}

# What Theano computes with Python and NumPy: the C code is not the point here.
MODE = theano.Mode(linker="py", optimizer=None)


def runs(prefix, *names):
    """Say that a test runs ``prefix.name`` for each of the words in `names`."""

    def note(test):
        for words in names:
            for name in words.split():
                RUN.setdefault(f"{prefix}.{name}", []).append(test.__module__.rpartition(".")[2])
        return test

    return note


def compute(outputs, inputs=None, **more):
    """Return the values of some expressions, without C code; `inputs` maps variables to arrays."""
    inputs = inputs or {}
    return theano.function(list(inputs), outputs, mode=MODE, on_unused_input="ignore", **more)(
        *inputs.values()
    )


def draw(*shape, seed=0, low=-1.0, high=1.0):
    """Return a float32 array of uniform numbers."""
    return np.random.RandomState(seed).uniform(low, high, size=shape).astype("float32")


def close(got, want, rtol=1e-4, atol=1e-5, what=""):
    """Assert equal shapes and nearly equal values."""
    assert np.shape(got) == np.shape(want), (np.shape(got), np.shape(want), what)
    np.testing.assert_allclose(got, want, rtol=rtol, atol=atol, err_msg=str(what))


def modules(package):
    """Yield all modules of a package but its tests."""
    yield package
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if "tests" not in found.name and not found.name.endswith("conftest"):
            yield importlib.import_module(found.name)


def public_names(package):
    """Return all public names that the modules of `package` define, as ``module.name``.

    Functions, classes and instances of these classes, aliases included. Layers are
    ``lasagne.layers.name``, in whichever module of it they are: that changed.
    """
    found = set()
    for module in modules(package):
        for name, value in vars(module).items():
            if name.startswith("_") or isinstance(value, types.ModuleType):
                continue
            if inspect.isclass(value) or inspect.isfunction(value):
                home = value.__module__
            else:
                home = getattr(type(value), "__module__", "")
            if home == module.__name__:
                layers = home.startswith("lasagne.layers.")
                found.add(f"{'lasagne.layers' if layers else home}.{name}")
    return found


def used_names(package, root="theano.tensor"):
    """Return the names of theano.tensor that the sources of `package` use, as ``theano....``."""
    found = set()
    folder = Path(package.__file__).parent
    for file in folder.rglob("*.py"):
        if "tests" in file.relative_to(folder).parts:
            continue
        tree = ast.parse(file.read_text())
        short = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                short |= {a.asname or a.name: a.name for a in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                short |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        for node in ast.walk(tree):
            if isinstance(node, (ast.Attribute, ast.Name)):
                words = ast.unparse(node).split(".")
                for i in range(len(words), 0, -1):
                    start = ".".join(words[:i])
                    if start in short:
                        whole = ".".join([short[start], *words[i:]])
                        if whole.startswith(root + "."):
                            found.add(whole)
                        break
    return {name for name in found if _is_value(name)}


def _is_value(name):
    """Whether a dotted name of theano is a function or class, not a module or its method."""
    words = name.split(".")
    value = importlib.import_module("theano")
    for i, word in enumerate(words[1:], 2):
        if not hasattr(value, word):
            try:
                value = importlib.import_module(".".join(words[:i]))
                continue
            except ImportError:
                return False
        if not isinstance(value, types.ModuleType):
            return False
        value = getattr(value, word)
    return not isinstance(value, types.ModuleType)

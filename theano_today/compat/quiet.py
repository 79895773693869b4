"""Warnings about the old packages' own age, about which their users can do nothing.

What Theano, Lasagne and nolearn say themselves stays, and so does whatever points to the user's
code. Left out, and where:

- while their source is compiled (where no bytecode is stored, or with -B): escape sequences and
  "is" with a literal, a SyntaxWarning since Python 3.12, and an error under -W error
- while they are imported: modules and functions on their way out of Python, setuptools and SciPy
- pkg_resources, which warns of itself, is not imported for them: Lasagne asks it for its own
  version, theano.gpuarray for an exception. Its own filters would travel to joblib's workers, and
  be imported there from a place that no filter knows.
- when functions are compiled: numpy.core, renamed in NumPy 2.0
  and files that convolutions read and leave open (-W always, python -X dev)
- when a layer is applied: Lasagne calls conv2d's input_shape by its old name, image_shape
"""

from __future__ import annotations

import ast
import importlib.metadata
import io
import re
import sys
import warnings
from pathlib import Path
from types import ModuleType

from theano_today import hooks
from theano_today.compat.source import edit

# Category, message (a regular expression for its beginning) and the modules that cause it.
_AT_IMPORT: list[tuple[type[Warning], str, list[str]]] = [
    (DeprecationWarning, "Use shutil.which", ["theano.configdefaults"]),
    (DeprecationWarning, r"(?s)\s*.numpy.distutils. is deprecated", ["theano.gof.cmodule"]),
    (DeprecationWarning, "the imp module is deprecated", ["theano.tests.breakpoint"]),
    (
        DeprecationWarning,
        "Please (import|use) .convolve.",
        ["theano.tensor.nnet.abstract_conv", "theano.tensor.nnet.conv"],
    ),
    (ResourceWarning, "unclosed file", ["theano.gof.lazylinker_c"]),
    (UserWarning, "pkg_resources is deprecated", ["keras.callbacks"]),  # Keras 1
]


def install() -> None:
    for package in ("theano", "lasagne", "nolearn", "keras", "pymc3"):
        hooks.compile_quietly(package)
    for _, _, modules in _AT_IMPORT:
        for name in modules:
            hooks.before_import(name, _filter)
    hooks.rewrite("lasagne", _without_pkg_resources)
    hooks.rewrite("theano.gpuarray.linalg", _without_pkg_resources)
    hooks.after_import("theano.gof.cc", _mend_key)
    hooks.after_import("theano.tensor.nnet", _mend_conv2d)
    for name in ("corr", "corr3d"):
        hooks.after_import(f"theano.tensor.nnet.{name}", _mend_open)


def _filter() -> None:
    # Just before, so that they stand in front of filters that are set later than by us.
    for category, message, modules in _AT_IMPORT:
        for name in modules:
            warnings.filterwarnings("ignore", message, category, re.escape(name) + "$")


class _PkgResources:
    """What the old packages use of pkg_resources."""

    DistributionNotFound = importlib.metadata.PackageNotFoundError
    get_distribution = staticmethod(importlib.metadata.distribution)


class _WithoutPkgResources(ast.NodeTransformer):
    def visit_Import(self, node):
        if [alias.name for alias in node.names] != ["pkg_resources"]:
            return node
        return ast.copy_location(
            ast.ImportFrom(__name__, [ast.alias(_PkgResources.__name__, "pkg_resources")], 0), node
        )


def _without_pkg_resources(tree: ast.Module) -> ast.Module:
    return _WithoutPkgResources().visit(tree)


def _mend_key(cc: ModuleType) -> None:
    # For each function that is compiled.
    edit(cc.CLinker.cmodule_key_, {"np.core._multiarray": "np._core._multiarray"})


def _mend_open(corr: ModuleType) -> None:
    corr.open = lambda path: io.StringIO(Path(path).read_text())  # type: ignore[attr-defined]


def _mend_conv2d(nnet: ModuleType) -> None:
    nnet._warn_users = _warn_users  # type: ignore[attr-defined]
    asked = "if image_shape is not None:\n        warnings.warn("
    edit(nnet.conv2d, {asked: asked.replace("warnings.warn", "_warn_users")})


def _warn_users(message, stacklevel):
    """Warn the caller of the function that calls this, unless that is Lasagne."""
    caller = sys._getframe(2).f_globals.get("__name__", "")
    if caller.partition(".")[0] != "lasagne":
        warnings.warn(message, stacklevel=stacklevel + 1)

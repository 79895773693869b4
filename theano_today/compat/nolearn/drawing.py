"""Diagrams of nets: pydotplus, GraphViz and IPython, which nolearn.lasagne.visualize may need.

None of them is a requirement of nolearn. What is missing is said in one line; GraphViz's absence
was an error from inside pydotplus. A file's name may be a path.
"""

from __future__ import annotations

import functools
import os
import shutil
from types import ModuleType

from theano_today import hooks
from theano_today.errors import MissingPackageError, SetupError


def install() -> None:
    hooks.after_import("nolearn.lasagne.visualize", _mend)


def _mend(visualize: ModuleType) -> None:
    make, to_file = visualize.make_pydot_graph, visualize.draw_to_file
    to_notebook = visualize.draw_to_notebook

    @functools.wraps(make)
    def make_pydot_graph(*args, **kwargs):
        try:
            return make(*args, **kwargs)
        except ModuleNotFoundError as error:
            raise _missing(error) from error

    @functools.wraps(to_file)
    def draw_to_file(layers, filename, **kwargs):
        try:
            return to_file(layers, os.fspath(filename), **kwargs)
        except Exception as error:
            _explain(error)
            raise

    @functools.wraps(to_notebook)
    def draw_to_notebook(layers, **kwargs):
        try:
            return to_notebook(layers, **kwargs)
        except ModuleNotFoundError as error:
            raise _missing(error) from error
        except Exception as error:
            _explain(error)
            raise

    visualize.make_pydot_graph = make_pydot_graph  # type: ignore[attr-defined]
    visualize.draw_to_file = draw_to_file  # type: ignore[attr-defined]
    visualize.draw_to_notebook = draw_to_notebook  # type: ignore[attr-defined]


def _missing(error: ModuleNotFoundError) -> Exception:
    if isinstance(error, MissingPackageError) or error.name not in ("pydotplus", "IPython"):
        return error
    return MissingPackageError(
        f"nolearn draws nets by {error.name}, which is not installed: pip install "
        f"{error.name.lower()}",
        name=error.name,
    )


def _explain(error: Exception) -> None:
    # pydotplus's own class, which says the same of a diagram that GraphViz refuses.
    if type(error).__name__ == "InvocationException" and shutil.which("dot") is None:
        raise SetupError(
            "nolearn draws nets by GraphViz, whose program dot was not found: install it (apt-get "
            "install graphviz, brew install graphviz)"
        ) from error

"""Optimised graphs, kept on disk from one run of a program to the next.

Most of the time from the start of a program to its first batch is Theano's optimizer, which
makes the same graph of the same graph at each start. Here the result is kept in the compile
directory. The next run that compiles exactly that graph, under the same conditions, takes it from
there:

- encoding.py: a graph and its Ops as plain data, always the same for the same graph
- decoding.py: a graph of such data
- conditions.py: what else the outcome depends on: options, versions, files, code that is replaced
- files.py: the folder of kept graphs
- optimize.py: what Theano calls instead of its optimizer

A graph is kept only where all of it is known to be Theano's or ours: an Op of the user's, an
optimisation that he registered, a function or method that he replaced, and nothing is kept or
used. ``THEANO_FLAGS=keep_graphs=False`` turns it off.
"""

from __future__ import annotations

import time
from types import ModuleType

from theano_today import hooks

STARTED = time.time_ns()


def install() -> None:
    hooks.after_import("theano.configparser", _add_flag)
    hooks.after_import("theano", _patch)


def _add_flag(configparser: ModuleType) -> None:
    configparser.AddConfigVar(
        "keep_graphs",
        "Keep optimised graphs in the compile directory, for the next run of the program",
        configparser.BoolParam(True),
        in_c_key=False,
    )


def _patch(theano: ModuleType) -> None:
    from theano_today.kept_graphs import optimize

    optimize.patch(theano.compile.function_module)

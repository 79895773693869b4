"""Copies of functions that keep the order in which their Ops run.

An Op that works in place has to run after all that read what it overwrites. Who says so is the
DestroyHandler of the compiled graph, and Function.copy leaves it out: its copies ran their Ops in
any order that the arrows allow, so that gradients came out wrong, silently and in Theano of 2020
as well. copy.deepcopy and pickle keep it.
"""

from __future__ import annotations

from types import ModuleType

from theano_today import hooks
from theano_today.compat.source import edit


def install() -> None:
    hooks.after_import("theano.compile.function_module", _keep_the_order)


def _keep_the_order(function_module: ModuleType) -> None:
    function_module.__dict__["_attach_destroy_handler"] = _attach_destroy_handler
    # Behind the place where shared variables are swapped, of which no feature is told.
    edit(
        function_module.Function.copy,
        {"update_i = len(outs)": "update_i = len(outs); _attach_destroy_handler(fg_cpy)"},
    )


def _attach_destroy_handler(graph) -> None:
    from theano.gof import DestroyHandler

    graph.attach_feature(DestroyHandler())

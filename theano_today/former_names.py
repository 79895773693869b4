"""Modules by the names they had when pickles were made that name them.

Until November 2026 all of this was one package, runtime. Its nets' pickles name the function that
restores a net, the printers and the handlers.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from theano_today import hooks

_TRAINING = "theano_today.training"
FORMER = {
    "runtime.training.pickling": f"{_TRAINING}.pickling",
    "runtime.training.table": f"{_TRAINING}.table",
    "runtime.training.stopping": f"{_TRAINING}.handlers.stopping",
    "runtime.training.schedules": f"{_TRAINING}.handlers.schedules",
    "runtime.training.history_log": f"{_TRAINING}.handlers.history_log",
    "runtime.training.checkpoint": f"{_TRAINING}.checkpoints.handler",
}


def install() -> None:
    # A package of the user's own that is called runtime goes first: see `hooks.supply`.
    hooks.supply("runtime", _fill)
    hooks.supply("runtime.training", _fill)
    for name in FORMER:
        hooks.supply(name, _fill)


def _fill(module: ModuleType) -> None:
    if module.__name__ in FORMER:
        now = importlib.import_module(FORMER[module.__name__])
        names = {name: value for name, value in vars(now).items() if not name.startswith("__")}
        if "restore_of_runtime" in names:
            names["restore"] = names["restore_of_runtime"]
        module.__dict__.update(names)

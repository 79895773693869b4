"""All that a run is made of at one moment: taken from a net, and put back into one.

Only get_value and set_value of Theano's shared variables are used, so that it is all the same
where their values live.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from theano_today.errors import DataError
from theano_today.training.pickling import HANDLERS, update_variables


def capture(net) -> dict[str, Any]:
    """Take down the state of an initialized net.

    Returns
    -------
    dict
        "parameters" by layer, "update" (velocities and the like, dropout's random streams
        among them), "variables" (arguments of the net that are shared variables, such as a
        learning rate), "history" (``train_history_``) and "handlers" (see `stateful`). The
        arrays are not copied where they need not be: use them before training goes on.
    """
    return {
        "parameters": {
            name: [p.get_value(borrow=True) for p in layer.get_params()]
            for name, layer in net.layers_.items()
        },
        "update": [v.get_value(borrow=True) for v in update_variables(net)],
        "variables": {name: v.get_value() for name, v in _own_variables(net)},
        "history": net.train_history_,
        "handlers": [(type(h).__qualname__, h.state_dict()) for h in stateful(net)],
    }


def restore(net, state: dict[str, Any]) -> None:
    """Put back what `capture` returned, into an initialized net of the same make.

    Raises
    ------
    DataError
        If the net is of another make; it is as it was then.
    """
    targets = [p for layer in net.layers_.values() for p in layer.get_params()]
    values = list(itertools.chain.from_iterable(state["parameters"].values()))
    targets += update_variables(net)
    values += state["update"]
    own = dict(_own_variables(net))
    targets += own.values()
    values += [state["variables"].get(name) for name in own]
    handlers = list(stateful(net))
    if (
        list(state["parameters"]) != list(net.layers_)
        or len(targets) != len(values)
        or not all(map(_fits, targets, values))
    ):
        raise DataError("the state belongs to a different net or update rule")
    if not all(isinstance(row, dict) and "epoch" in row for row in state["history"]):
        raise DataError("the history has malformed rows")
    if [kind for kind, _ in state["handlers"]] != [type(h).__qualname__ for h in handlers]:
        raise DataError("the state belongs to a net with different handlers")

    for variable, value in zip(targets, values, strict=True):
        variable.set_value(value)
    net.train_history_[:] = state["history"]
    for handler, (_, content) in zip(handlers, state["handlers"], strict=True):
        handler.load_state_dict(content)


def stateful(net) -> Iterator[Any]:
    """Find the handlers of a net that have a state: methods state_dict and load_state_dict.

    state_dict returns a dict of numbers, texts, arrays, lists, tuples and dicts of such.
    """
    seen = set()
    for name in HANDLERS:
        handlers = getattr(net, name)
        for handler in handlers if isinstance(handlers, (list, tuple)) else [handlers]:
            if hasattr(handler, "state_dict") and id(handler) not in seen:
                seen.add(id(handler))  # one may serve on several occasions
                yield handler


def _own_variables(net) -> list[tuple[str, Any]]:
    return [(name, v) for name, v in vars(net).items() if hasattr(v, "set_value")]


def _fits(variable, value: Any) -> bool:
    current = variable.get_value(borrow=True)
    if not isinstance(current, np.ndarray):
        return type(current) is type(value)  # a RandomState, of Theano's slower streams
    return isinstance(value, np.ndarray) and (
        (current.dtype, current.shape) == (value.dtype, value.shape)
    )

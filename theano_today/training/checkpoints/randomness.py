"""Everything random that a run draws from: taken down, and put back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from theano_today.training.random_state import go_on_from


def random_state(net) -> dict[str, Any]:
    """Take down the state of all random numbers on the host.

    Dropout's streams are not among them: they are variables of the compiled training function
    (see `pickling.update_variables`).

    Returns
    -------
    dict
        "python" and "numpy" (the global states), "lasagne" (None while Lasagne uses
        NumPy's), and "net": one state for each generator that the net's batch iterators and
        its train_split hold, by name. Made of what `plain.encode` takes.
    """
    from lasagne.random import get_rng

    rng = get_rng()
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "lasagne": None if rng is np.random else rng.get_state(legacy=False),
        "net": {name: generator.get_state(legacy=False) for name, generator in _generators(net)},
    }


def set_random_state(net, state: dict[str, Any]) -> None:
    """Put back what `random_state` returned."""
    from lasagne.random import get_rng

    random.setstate(state["python"])
    if not go_on_from(net, state["numpy"]):
        np.random.set_state(state["numpy"])
    if state["lasagne"] is not None and get_rng() is not np.random:
        get_rng().set_state(state["lasagne"])
    for name, generator in _generators(net):
        if name in state["net"]:
            generator.set_state(state["net"][name])


def same(one: Any, other: Any) -> bool:
    """Compare two random states, or parts of them."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(v, other[k]) for k, v in one.items())
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    return one == other


def _generators(net) -> Iterator[tuple[str, np.random.RandomState]]:
    for owner in ("batch_iterator_train", "batch_iterator_test", "train_split"):
        for name, value in getattr(getattr(net, owner), "__dict__", {}).items():
            if isinstance(value, np.random.RandomState):
                yield f"{owner}.{name}", value

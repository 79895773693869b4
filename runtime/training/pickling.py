"""net2.pickle: small, loadable in a fresh process, free of compiled code and of devices.

nolearn 0.6.1 pickles the whole net, its three compiled Theano functions and their graphs
included: several times the size of the weights, a raised recursion limit, a compilation at
every load, and a first import (nolearn itself) that fails on today's Python. Here a NeuralNet
pickles as

    restore(class, state, parameters, update state)

`restore` comes first in the file, and importing it is what makes the old packages importable.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from runtime.compat import hooks

# Made by initialize() from the rest; see NeuralNet.initialize and get_output.
_DERIVED = (
    "layers_",
    "_output_layers",
    "_initialized",
    "_get_output_fn_cache",
    "_pending_update_state",
    "train_iter_",
    "eval_iter_",
    "predict_iter_",
)


def install() -> None:
    hooks.after_import("nolearn.lasagne.base", _patch)


def _patch(base: ModuleType) -> None:
    NeuralNet = base.NeuralNet
    initialize = NeuralNet.initialize

    def initialize_and_restore(self):
        initialize(self)
        pending = vars(self).pop("_pending_update_state", None)
        if pending is not None:
            set_update_state(self, pending)

    initialize_and_restore.__doc__ = initialize.__doc__
    NeuralNet.initialize = initialize_and_restore
    NeuralNet.__reduce_ex__ = lambda self, protocol: reduce(self)


def reduce(net) -> tuple:
    """Return what pickle and copy.deepcopy store of `net` (see `restore`)."""
    attributes = vars(net)
    state = {name: value for name, value in attributes.items() if name not in _DERIVED}
    parameters = net.get_all_params_values() if "layers_" in attributes else None
    return restore, (type(net), state, parameters, get_update_state(net))


def restore(
    cls: type,
    state: dict[str, Any],
    parameters: dict[str, list[np.ndarray]] | None,
    update_state: list[np.ndarray] | None,
):
    """Rebuild a pickled NeuralNet; nothing is compiled until it is used.

    Parameters
    ----------
    cls : type
        nolearn.lasagne.NeuralNet or a subclass.
    state : dict
        Its attributes: the constructor's arguments and train_history_.
    parameters : dict or None
        For each layer's name the list of its parameters, float32 arrays; None for a net
        that was never initialized.
    update_state : list of ndarray or None
        See `get_update_state`.
    """
    net = cls.__new__(cls)
    vars(net).update(state)
    if parameters is None:
        return net
    _build_layers(net)
    for name, values in parameters.items():
        for parameter, value in zip(net.layers_[name].get_params(), values, strict=True):
            parameter.set_value(value)
    net._pending_update_state = update_state
    for name in ("train_iter_", "eval_iter_", "predict_iter_"):
        setattr(net, name, _CompiledOnFirstCall(net, name))
    return net


def _build_layers(net) -> None:
    # Layers draw their initial weights; loading a pickle must not move the user's random state.
    from lasagne.random import get_rng

    rng = get_rng()
    random_state = rng.get_state()
    try:
        net.initialize_layers()
    finally:
        rng.set_state(random_state)


class _CompiledOnFirstCall:
    """Stands for one of a reloaded net's three functions: predicting compiles only one."""

    def __init__(self, net, name: str) -> None:
        self.net = net
        self.name = name

    def __call__(self, *args, **kwargs):
        if self.name == "predict_iter_":
            self.net.predict_iter_ = _compile_predict(self.net)
        else:
            self.net.initialize()
        return getattr(self.net, self.name)(*args, **kwargs)


def _compile_predict(net):
    """Compile what NeuralNet._create_iter_funcs compiles as its predict function."""
    import theano
    from lasagne.layers import InputLayer, get_output

    inputs = [
        theano.In(layer.input_var, name=layer.name)
        for layer in net.layers_.values()
        if isinstance(layer, InputLayer)
    ]
    return theano.function(
        inputs,
        get_output(net._output_layers, None, deterministic=True),
        allow_input_downcast=True,
        on_unused_input="ignore",
    )


def update_variables(net) -> list:
    """Return the shared variables that the update rule keeps besides the net's own.

    For nesterov_momentum these are the velocities, one per parameter, in the order of the
    compiled function's updates. A learning rate or momentum that is itself a shared variable
    is an argument of the net, not part of this.
    """
    own = {id(v) for v in (*net.get_all_params(), *vars(net).values())}
    inputs = net.train_iter_.maker.expanded_inputs
    return [
        i.variable for i in inputs if i.shared and i.update is not None and id(i.variable) not in own
    ]


def get_update_state(net) -> list[np.ndarray] | None:
    """Return the values of `update_variables`, or None if the net was never compiled."""
    if getattr(net, "_initialized", False):
        return [variable.get_value() for variable in update_variables(net)]
    return vars(net).get("_pending_update_state")


def set_update_state(net, values: list[np.ndarray]) -> None:
    """Put back what `get_update_state` returned, so that training goes on with its momentum.

    Raises
    ------
    ValueError
        If the net's update rule keeps other variables: it was changed after the net was saved.
    """
    variables = update_variables(net)
    have, given = [v.get_value(borrow=True).shape for v in variables], [v.shape for v in values]
    if have != given:
        raise ValueError(
            f"the update rule {net.update!r} keeps arrays of shapes {have}, the saved net has "
            f"{given}: reload the net with the update rule it was trained with"
        )
    for variable, value in zip(variables, values, strict=True):
        variable.set_value(value)

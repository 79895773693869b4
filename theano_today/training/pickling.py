"""net2.pickle: small, loadable in a fresh process, free of compiled code and of devices.

nolearn 0.6.1 pickles the whole net, its three compiled Theano functions and their graphs
included: several times the size of the weights, a raised recursion limit, a compilation at
every load, and a first import (nolearn itself) that fails on today's Python. Here a NeuralNet
pickles as

    restore(class), then its attributes, and under SAVED what `set_state` needs besides

`restore` comes first in the file, and importing it is what makes the old packages importable.
"""

from __future__ import annotations

import copy
import functools
import sys
import warnings
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from theano_today import hooks
from theano_today.training import former_layers
from theano_today.training.random_state import compiling_lock, nothing_drawn

SAVED = "_saved"

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

HANDLERS = (
    "on_batch_finished",
    "on_epoch_finished",
    "on_training_started",
    "on_training_finished",
)


def install() -> None:
    hooks.after_import("nolearn.lasagne.base", _patch)
    hooks.after_import("lasagne.layers.base", _patch_layer)


def _patch(base: ModuleType) -> None:
    NeuralNet = base.NeuralNet
    initialize, set_state_of_nolearn = NeuralNet.initialize, NeuralNet.__setstate__

    @functools.wraps(initialize)
    def initialize_and_restore(self):
        with _deep_graphs():
            initialize(self)
        pending = vars(self).pop("_pending_update_state", None)
        if pending is not None:
            set_update_state(self, *pending)

    def __setstate__(self, state):
        if SAVED in state:
            set_state(self, state)
        else:
            set_state_of_nolearn(self, state)

    NeuralNet.initialize = initialize_and_restore
    NeuralNet.__reduce_ex__ = lambda self, protocol: (restore, (type(self),), get_state(self))
    NeuralNet.__setstate__ = __setstate__


def _patch_layer(base: ModuleType) -> None:
    # A dropout layer's random stream remembers each mask it drew, and with it the graph of
    # the whole net below. Nobody needs that again: a restored net draws from a new graph.
    def __getstate__(self):
        state = dict(vars(self))
        for name, value in state.items():
            if getattr(value, "state_updates", None):
                state[name] = copy.copy(value)
                state[name].state_updates = []
        return state

    base.Layer.__getstate__ = __getstate__


def restore(cls: type):
    """Make the empty net that a pickle's attributes are then put into (see `set_state`)."""
    return object.__new__(cls)


def restore_of_runtime(cls: type):
    """The same for pickles of November 2026 (former_names.py), whose layers are looked through."""
    net = restore(cls)
    net._of_runtime = True
    return net


def get_state(net) -> dict[str, Any]:
    """Return what pickle, copy.copy and copy.deepcopy store of `net`.

    Returns
    -------
    dict
        The net's attributes (the constructor's arguments, train_history_ and the like), and
        first of all SAVED, a tuple of

        - all layers from input to output, if the net was made of Layer instances. They come
          before anything that refers to them: pickle goes from layer to layer by a loop
          instead of a recursion as deep as the net;
        - the parameters, float32 arrays listed by layer name; empty for Layer instances,
          which hold theirs, and None for a net that was never initialized;
        - the state of the update rule (see `get_update_state`).
    """
    from lasagne.layers import Layer, get_all_layers

    attributes = net.__getstate__()
    state = {name: value for name, value in attributes.items() if name not in _DERIVED}
    for name in HANDLERS:
        if isinstance(state.get(name), list):
            state[name] = [h for h in state[name] if not hasattr(h, "only_for_this_run")]

    instances = [layer for layer in net.layers if isinstance(layer, Layer)]
    parameters = None
    if "layers_" in vars(net):
        parameters = {} if instances else dict(net.get_all_params_values())
    return {SAVED: (get_all_layers(instances), parameters, get_update_state(net)), **state}


def set_state(net, state: dict[str, Any]) -> None:
    """Put back what `get_state` returned; nothing is compiled until the net is used."""
    attributes = dict(state)
    _, parameters, update_state = attributes.pop(SAVED)
    vars(net).update(attributes)
    if vars(net).pop("_of_runtime", False):
        former_layers.mend_net(net)
    if parameters is None:
        return
    build(net)
    for name, values in parameters.items():
        for parameter, value in zip(net.layers_[name].get_params(), values, strict=True):
            parameter.set_value(value)
    if update_state is not None:
        net._pending_update_state = net.update, update_state


def build(net) -> None:
    """Make a net's layers, their weights to be set by the caller; compile when they are used."""
    with nothing_drawn(net):
        net.initialize_layers()
    for name in ("train_iter_", "eval_iter_", "predict_iter_"):
        setattr(net, name, _CompiledOnFirstCall(net, name))


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
    with compiling_lock, _deep_graphs():
        return theano.function(
            inputs,
            get_output(net._output_layers, None, deterministic=True),
            allow_input_downcast=True,
            on_unused_input="ignore",
        )


@contextmanager
def _deep_graphs():
    # theano.grad goes down the graph by recursion, some 15 calls for each layer.
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 20_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def update_variables(net) -> list:
    """Return the shared variables that the update rule keeps besides the net's own.

    For nesterov_momentum these are the velocities, one per parameter, in the order of the
    compiled function's updates; dropout's random streams are among them. A learning rate or
    momentum that is itself a shared variable is an argument of the net, not part of this.
    """
    own = {id(v) for v in (*net.get_all_params(), *vars(net).values())}
    maker = getattr(net.train_iter_, "maker", None)  # a subclass may train with what it likes
    return [
        i.variable
        for i in (maker.expanded_inputs if maker else ())
        if i.shared and i.update is not None and id(i.variable) not in own
    ]


def get_update_state(net) -> list[np.ndarray] | None:
    """Return the values of `update_variables`, or None if the net was never compiled."""
    if getattr(net, "_initialized", False):
        return [variable.get_value() for variable in update_variables(net)]
    _, values = vars(net).get("_pending_update_state", (None, None))
    return values


def set_update_state(net, update, values: list[np.ndarray]) -> None:
    """Put back what `get_update_state` returned, so that training goes on with its momentum.

    Warns, and lets training start without, if the net has another update rule than `update`.
    """
    variables = update_variables(net)
    have, given = [v.get_value(borrow=True).shape for v in variables], [v.shape for v in values]
    if net.update is not update or have != given:
        warnings.warn(
            "the net's update rule was changed after it was saved: training continues from "
            "the saved weights, but without momentum",
            stacklevel=3,
        )
        return
    for variable, value in zip(variables, values, strict=True):
        variable.set_value(value)

"""NeuralNet(random_state=...): random numbers of a net's own, as scikit-learn's estimators have.

nolearn and Lasagne draw from NumPy's global generator, so that a net's initial weights depend on
what was drawn before: on the order of a search's fits, and on which process does which. A net with
the argument random_state, an int or a RandomState, draws whatever it draws by initialize, fit and
partial_fit from numbers of its own: an int gives what ``np.random.seed`` just before fit would
give. They go on from one call to the next, go into its pickle, and leave the global generator
alone. Like every argument it is copied by clone and can be searched over.

The generator is global, hence one net of a process at a time: others, of other threads, wait. Nets
without random_state take turns only while they are compiled, which Theano cannot do in two threads.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np

from theano_today import hooks
from theano_today.compat.source import edit
from theano_today.errors import DataError

NAME = "random_state"
_STATE = "_random_numbers"  # the net's, between two calls

# Taken in this order.
_drawing_lock = threading.RLock()
compiling_lock = threading.RLock()


class _Here(threading.local):
    rng = None  # what Lasagne draws from, in this thread; None: as set_rng says
    nets: tuple = ()  # whose own numbers are in use, or are not to be


_here = _Here()


def install() -> None:
    hooks.after_import("lasagne.random", _ask_the_thread)
    hooks.after_import("nolearn.lasagne.base", _patch)


def _ask_the_thread(random: ModuleType) -> None:
    random._here = _here  # type: ignore[attr-defined]
    edit(random.get_rng, {"return _rng": "return _here.rng or _rng"})


def _patch(base: ModuleType) -> None:
    NeuralNet = base.NeuralNet
    check, set_params = NeuralNet._check_for_unused_kwargs, NeuralNet.set_params
    initialize = NeuralNet.initialize

    @functools.wraps(check)
    def check_others(self):
        """As nolearn's, which knows no argument but those of layers, update and objective."""
        named = self._kwarg_keys
        self._kwarg_keys = [name for name in named if name != NAME]
        try:
            check(self)
        finally:
            self._kwarg_keys = named

    @functools.wraps(initialize)
    def initialize_alone(self):
        with compiling_lock:
            initialize(self)

    @functools.wraps(set_params)
    def set_and_keep_params(self, **params):
        """As scikit-learn's; what the constructor was not given is an argument from now on."""
        set_params(self, **params)
        known = set(self._get_param_names())
        self._kwarg_keys += [n for n in params if n not in known and "__" not in n]
        return self

    NeuralNet._check_for_unused_kwargs = check_others
    NeuralNet.set_params = set_and_keep_params
    NeuralNet.initialize = initialize_alone
    # In this order: fit and initialize call the next one.
    for name in ("initialize_layers", "initialize", "fit"):
        setattr(NeuralNet, name, _with_own_numbers(getattr(NeuralNet, name)))


def _with_own_numbers(method):
    @functools.wraps(method)
    def method_with_own_numbers(self, *args, **kwargs):
        with own_numbers(self):
            return method(self, *args, **kwargs)

    return method_with_own_numbers


@contextmanager
def own_numbers(net) -> Iterator[None]:
    """Have the global generator draw a net's own numbers; nothing for nets without random_state.

    Raises
    ------
    DataError
        random_state is neither None, an int from 0 to 2**32 - 1 nor a RandomState.
    """
    given = getattr(net, NAME, None)
    if given is None:
        yield
        return
    with _drawing_lock:
        if _in_hand(net):  # fit, which calls initialize
            yield
            return
        own, before = vars(net).get(_STATE) or _first(given), np.random.get_state()
        np.random.set_state(own)
        try:
            with _drawing_from(np.random, net):
                yield
        finally:
            own = np.random.get_state()
            setattr(net, _STATE, own)
            if isinstance(given, np.random.RandomState):
                given.set_state(own)
            np.random.set_state(before)


@contextmanager
def nothing_drawn(net) -> Iterator[None]:
    """Make a net's layers, whose weights are set then, without moving anybody's random numbers.

    A worker of a cluster unpickles nets in one thread while another one trains: no waiting.
    """
    from lasagne.random import get_rng

    alone = _drawing_lock.acquire(blocking=False)
    before = np.random.get_state() if alone else None
    # Dropout's streams have a seed for life, which is to be as it was: drawn, not a constant.
    copy = np.random.RandomState()
    copy.set_state(get_rng().get_state())
    try:
        with _drawing_from(copy, net):
            yield
    finally:
        if (
            before is not None
        ):  # the user's own way to draw weights may have called np.random itself
            np.random.set_state(before)
            _drawing_lock.release()


@contextmanager
def _drawing_from(rng, net) -> Iterator[None]:
    before = _here.rng, _here.nets
    _here.rng, _here.nets = rng, (*_here.nets, net)
    try:
        yield
    finally:
        _here.rng, _here.nets = before


def go_on_from(net, state) -> bool:
    """Put `state`, of a checkpoint, in place of a net's own numbers; False if it has none in use.

    Parameters
    ----------
    state : dict or tuple
        As ``np.random.get_state`` returns it.
    """
    if getattr(net, NAME, None) is None or _in_hand(net):
        return False
    setattr(net, _STATE, state)
    return True


def _in_hand(net) -> bool:
    return any(other is net for other in _here.nets)


def _first(given):
    if isinstance(given, np.random.RandomState):
        return given.get_state()
    try:
        return np.random.RandomState(given).get_state()
    except (TypeError, ValueError):
        raise DataError(
            f"random_state={given!r}: expected a whole number from 0 to {2**32 - 1}, a "
            "numpy.random.RandomState or None"
        ) from None

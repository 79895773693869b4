"""Which Ops are Theano's own, as Theano wrote them.

The engine computes what an Op's C code would. That holds for Theano's own classes only: a
subclass has code of its own, and so may an instance or a class whose methods the user
replaced. Those run as Theano runs them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# The methods that decide what an Op computes, besides those that make C code.
_METHODS = frozenset(
    "make_thunk make_c_thunk make_py_thunk prepare_node perform impl _c_all".split()  # noqa: SIM905
)


# By class: its methods when Theano had been imported.
_remembered: dict[type, dict[str, Any]] = {}
# See `keeps_promises`
_converting: set[type] = set()


def remember(ops: Iterable[type]) -> None:
    """Note the methods of Theano's scalar Ops and of these; to be called once it is imported."""
    import theano.scalar as ts

    scalars = (c for c in vars(ts.basic).values() if isinstance(c, type))
    _remembered.clear()
    remember_more([*(c for c in scalars if issubclass(c, ts.ScalarOp)), *ops])


def remember_more(ops: Iterable[type]) -> None:
    """The same for Ops of a module that Theano does not import by itself."""
    _remembered.update({cls: _methods(cls) for cls in ops})


def remember_converting(ops: Iterable[type]) -> None:
    """Note Ops that run on the engine, which converts what they are given (thunks.py)."""
    _converting.update(ops)


def keeps_promises(op: Any) -> bool:
    """Say whether what an Op returns is surely of the types that its outputs have.

    True of the engine's own. Theano's C code keeps them as well, but for many an Op it is Python
    that runs, which hands on what an Op of the user's has returned.
    """
    from theano.tensor.elemwise import DimShuffle

    if type(op).__module__.startswith("theano_today.engine."):
        return True
    if type(op) is DimShuffle and op.drop:  # by Python
        return False
    return type(op) in _converting and is_genuine(op)


def is_genuine(op: Any) -> bool:
    """Say whether `op`, an Op or a scalar Op, is one of Theano's own, unchanged."""
    methods = _remembered.get(type(op))
    if methods is None or not methods.keys().isdisjoint(vars(op)):
        return False
    return all(getattr(type(op), name, None) is method for name, method in methods.items())


def _methods(cls: type) -> dict[str, Any]:
    names = (n for n in dir(cls) if n in _METHODS or n.startswith("c_"))
    return {name: getattr(cls, name) for name in names}

"""The table of Ops that run on the device: which function of torch does what an Op says.

A rule is found by the exact type of the Op, never by its base classes: a subclass (Theano's own
Mean is one of CAReduce, and somebody's own Op may be) is free to compute something else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import torch

from theano_today.torch_link.target import Target

# build(op, node, target) reads what is known while linking, and returns the function of the
# node's inputs that is called each time: tensors, but for those named in Rule.host. It returns
# a tensor, or a tuple of them for a node with several outputs; None instead of a function
# says that this node must run on the host.
Build = Callable[[Any, Any, Target], Callable | None]


@dataclass(frozen=True)
class Rule:
    """How one type of Op runs on the device.

    Parameters
    ----------
    build : function
        See `Build`.
    host : function of (op, node)
        Which inputs the function takes as NumPy values: shapes, indices, axes.
    numbers : "none", "0-d" or "one element"
        Which inputs known on the host (constants, values made of shapes) it takes as Python
        numbers; all others are uploaded.
    """

    build: Build
    host: Callable[[Any, Any], Collection[int]]
    numbers: str


RULES: dict[type, Rule] = {}


def implements(*ops: type, host: Any = (), numbers: str = "none"):
    """Enter a `Build` into the table, for each of `ops`.

    Parameters
    ----------
    ops : types
    host : indices of inputs, or a function of (op, node) that returns them
    numbers : str
        See `Rule`.
    """
    wanted = host if callable(host) else lambda op, node: host

    def enter(build: Build) -> Build:
        for op in ops:
            RULES[op] = Rule(build, wanted, numbers)
        return build

    return enter


def from_second(op, node) -> range:
    """For `implements`: all inputs but the first are wanted on the host."""
    return range(1, len(node.inputs))


def every_input(op, node) -> range:
    """For `implements`: all inputs are wanted on the host."""
    return range(len(node.inputs))


def ints(values) -> list[int]:
    """Python's integers from an array or a sequence of them."""
    return [int(value) for value in values]


def is_number(x) -> bool:
    """True for a Python number that stands for a variable known on the host."""
    return not isinstance(x, torch.Tensor)

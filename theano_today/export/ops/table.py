"""Where the rules are entered, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from theano.gof import Type

# rule(writer, node) -> a value's name, or one for each output
Rule = Callable[[Any, Any], Any]

RULES: dict[type, Rule] = {}

FIRST, LAST = -(2**63), 2**63 - 1  # where a slice of ONNX without a limit begins and ends


def implements(*ops: type) -> Callable[[Rule], Rule]:
    """Enter a rule into the table, for each of `ops`."""

    def enter(rule: Rule) -> Rule:
        for op in ops:
            RULES[op] = rule
        return rule

    return enter


def needed(writer: Any, variable: Any, what: str) -> np.ndarray:
    """A value that must be known now, such as the size of a window.

    Raises
    ------
    NotImplementedError
        It depends on an input.
    """
    value = writer.known(variable)
    if value is None:
        raise NotImplementedError(f"{what} that depends on the input")
    return value


def vector(writer: Any, value: str) -> str:
    """A scalar of int64 as a vector of one."""
    return writer.graph.add("Reshape", value, writer.graph.ints([1]))


def scalar(writer: Any, value: str) -> str:
    return writer.graph.add("Reshape", value, writer.graph.ints([]))


def entries(idx_list: Any, inputs: list) -> list:
    """The indices of a Subtensor; a Type in its list stands for the next of its inputs."""
    left = list(inputs)

    def taken(entry: Any) -> Any:
        if isinstance(entry, slice):
            return slice(taken(entry.start), taken(entry.stop), taken(entry.step))
        return left.pop(0) if isinstance(entry, Type) else entry

    return [taken(entry) for entry in idx_list]

"""Functions of images and channels as a program for kernels/channels.hpp."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from theano.gof import Constant

from theano_today.engine import formulas
from theano_today.engine.channelwise.composites import name_of

_MOST_REGISTERS = 24  # more would not stay in the cache


class Instruction(ctypes.Structure):
    """As kernels/channels.hpp has it."""

    _fields_ = [(name, ctypes.c_int32) for name in ("what", "to", "a", "b", "c", "d", "e")]


@dataclass
class Program:
    """Functions as instructions of kernels/channels.hpp.

    Attributes
    ----------
    instructions : array of Instruction
        The `first` ones are of channels' numbers alone, in as many first registers.
    registers : int
        All of them.
    constants : list of ndarray
        Numbered behind the inputs; registers come behind them.
    places : list of int
        The numbers of the values that are the outputs.
    """

    instructions: ctypes.Array
    first: int
    registers: int
    constants: list[np.ndarray]
    places: list[int]


# What several instructions do in one, as in kernels/channels.hpp
SEVERAL = {
    name: 1000 + k
    for k, name in enumerate((
        "rectify", "rectify_gradient", "multiply_and_add", "subtract_multiply", "normalize",
        "normalize_and_add", "normalize_rectify", "normalize_gradient", "multiply_and_add_twice",
        "multiply_and_add_thrice", "subtract_multiply_divide",
    ))
}  # fmt: skip
_MOST_OPERANDS = 5  # of an instruction


@dataclass(eq=False)
class Step:
    """An instruction before it has a register: its name, and its operands.

    Operands are steps, or the numbers of inputs and constants.
    """

    name: str
    operands: list


class _Steps:
    """The steps of a graph of scalars, in their order."""

    def __init__(self, graph, of_images) -> None:
        self.values: dict = {v: i for i, v in enumerate(graph.inputs)}
        self.varying: set = {i for i, images in enumerate(of_images) if images}
        self.constants: list[np.ndarray] = []
        self.numbers: dict[int, float] = {}  # the constants' values, by their places
        self.steps: list[Step] = []
        self.outputs: list = []
        nodes = graph.toposort()
        for v in (v for node in nodes for v in node.inputs):
            if isinstance(v, Constant) and v not in self.values:
                place = len(graph.inputs) + len(self.constants)
                self.values[v], self.numbers[place] = place, float(v.data)
                self.constants.append(np.array([v.data], np.float32))
        for node in nodes:
            self.values[node.outputs[0]] = self._add(node)

    def _add(self, node) -> Step:
        name = name_of(node)
        assert name is not None
        operands = [self.values[v] for v in node.inputs]
        if len(operands) < 3:
            return self._step(name, operands)
        total = operands[0]  # a sum or product of several: one after the other
        for operand in operands[1:]:
            total = self._step(name, [total, operand])
        return total

    def _step(self, name, operands) -> Step:
        for known in self.steps:
            if known.name == name and known.operands == operands:
                return known
        step = Step(name, operands)
        self.steps.append(step)
        if not self.varying.isdisjoint(operands):
            self.varying.add(step)
        return step

    def _only_for(self, step, user) -> bool:
        others = [s for s in self.steps if s is not user and step in s.operands]
        return not others and step not in self.outputs and user.operands.count(step) == 1

    def join(self, outputs) -> None:
        """Make one step of several, as long as there are some to be joined."""
        self.outputs = outputs
        joined = True
        while joined:
            joined = False
            for step in self.steps:
                found = self._joined(step) if step in self.varying else None
                if found is not None:
                    step.name, step.operands = found
                    joined = True
            self.steps = self._needed(outputs)

    def _joined(self, step):
        """Return the name and the operands of what does this step and one before it, or None."""
        found = self._rectify(step) or self._rectify_gradient(step) or self._pair(step)
        return found or self._with_before(step)

    def _needed(self, outputs) -> list[Step]:
        waiting, needed = list(outputs), set()
        while waiting:
            step = waiting.pop()
            if isinstance(step, Step) and step not in needed:
                needed.add(step)
                waiting += step.operands
        return [step for step in self.steps if step in needed]

    def _is_half(self, operand) -> bool:
        return isinstance(operand, int) and self.numbers.get(operand) == 0.5

    def _half_of(self, operand):
        """Return x if the operand is 0.5 * x."""
        if isinstance(operand, Step) and operand.name == "mul":
            for half, x in _both(operand.operands):
                if self._is_half(half):
                    return x
        return None

    def _rectify(self, step):
        total = self._half_of(step)
        if isinstance(total, Step) and total.name == "add":
            for x, size in _both(total.operands):
                if isinstance(size, Step) and (size.name, size.operands) == ("abs", [x]):
                    return "rectify", [x]
        return None

    def _rectify_gradient(self, step):
        # 0.5 * g + 0.5 * g * sign(z)
        if step.name != "add":
            return None
        for half, product in _both(step.operands):
            g = self._half_of(half)
            if g is None or not isinstance(product, Step) or product.name != "mul":
                continue
            for same, sign in _both(product.operands):
                if same is half and isinstance(sign, Step) and sign.name == "sgn":
                    return "rectify_gradient", [g, sign.operands[0]]
        return None

    def _pair(self, step):
        first = {"add": "mul", "mul": "sub"}.get(step.name)
        name = "multiply_and_add" if first == "mul" else "subtract_multiply"
        for one, other in _both(step.operands) if first else ():
            if isinstance(one, Step) and one.name == first and one in self.varying:
                return name, [*one.operands, other]
        return None

    def _with_before(self, step):
        for place, before, name in _CHAINS.get(step.name, ()):
            operands = step.operands
            # Only what is added may come first or last: (a - b) * c + d, and d + (a - b) * c
            places = (0, 1) if step.name == "add" else (place,)
            for at in places:
                one = operands[at]
                if isinstance(one, Step) and one.name == before and self._only_for(one, step):
                    rest = [o for k, o in enumerate(operands) if k != at]
                    if name == "normalize_gradient":
                        return name, [*rest, *one.operands]
                    return name, [*one.operands, *rest]
        return None


# By the name of a step: the place of one before it, that one's name, and what does both
_CHAINS = {
    "add": [
        (0, "subtract_multiply", "normalize"),
        (0, "normalize", "normalize_and_add"),
        (0, "multiply_and_add", "multiply_and_add_twice"),
        (0, "multiply_and_add_twice", "multiply_and_add_thrice"),
    ],
    "rectify": [(0, "normalize", "normalize_rectify")],
    "rectify_gradient": [(1, "normalize", "normalize_gradient")],
    "div": [(0, "subtract_multiply", "subtract_multiply_divide")],
}


def _both(pair):
    return [(pair[0], pair[1]), (pair[1], pair[0])]


def program_of(composite, of_images, sums: Sequence[bool] = ()) -> Program | None:
    """Return what a Composite computes as a program, or None.

    `of_images` says which of its inputs are images, `sums` which of its outputs are summed up.
    """
    graph = composite.fgraph
    for node in graph.toposort():
        constants = [v for v in node.inputs if isinstance(v, Constant)]
        if name_of(node) is None or any(v.dtype != "float32" for v in constants):
            return None
    found = _Steps(graph, of_images)
    outputs = [found.values[v] for v in graph.outputs]
    if any(out not in found.varying or isinstance(out, int) for out in outputs):
        return None
    for k, of_sum in enumerate(sums):
        # What is summed up as it is, is not copied before.
        if of_sum and outputs[k].name == "identity":
            (outputs[k],) = outputs[k].operands
    found.join(outputs)
    before = [step for step in found.steps if step not in found.varying]
    order = before + [step for step in found.steps if step in found.varying]
    last_use = {operand: k for k, step in enumerate(order) for operand in step.operands}
    last_use |= dict.fromkeys([*outputs, *before], len(order))
    operands = len(graph.inputs) + len(found.constants)
    places: dict[Step, int] = {}
    free: list[int] = []
    held: list[Step] = []
    registers = 0
    instructions = (Instruction * len(order))()
    for k, (one, step) in enumerate(zip(instructions, order, strict=True)):
        sources = [places[o] if isinstance(o, Step) else o for o in step.operands]
        if free:
            place = free.pop()
        else:
            place, registers = operands + registers, registers + 1
        one.what = SEVERAL.get(step.name) or formulas.number(f"{step.name}.f4")
        one.to = places[step] = place
        more = [sources[0]] * (_MOST_OPERANDS - len(sources))
        one.a, one.b, one.c, one.d, one.e = [*sources, *more]
        held.append(step)
        for ended in [s for s in held if last_use.get(s, -1) <= k]:
            held.remove(ended)
            free.append(places[ended])
    if registers > _MOST_REGISTERS:
        return None
    return Program(
        instructions, len(before), registers, found.constants,
        [places[out] if isinstance(out, Step) else out for out in outputs],
    )  # fmt: skip

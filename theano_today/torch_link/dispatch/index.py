"""Indexing: x[1:, None, -1], x[indices], and setting or incrementing what these name."""

from __future__ import annotations

import torch
from theano.gof import Type
from theano.tensor import TensorType
from theano.tensor import subtensor as st
from theano.tensor.type_other import NoneTypeT, SliceType

from theano_today.torch_link.dispatch.basic import from_second, implements, is_number
from theano_today.torch_link.dispatch.checks import in_range


def _basic_index(idx_list):
    """Return a function: the values that stand for the Types in `idx_list` -> ints, slices."""

    def index(values):
        remaining = iter(values)

        def one(entry):
            if entry is None:
                return None
            return int(next(remaining)) if isinstance(entry, Type) else int(entry)

        return [
            slice(one(e.start), one(e.stop), one(e.step)) if isinstance(e, slice) else one(e)
            for e in idx_list
        ]

    return index


def take(x: torch.Tensor, index: list) -> torch.Tensor:
    """``x[index]`` for ints and slices; torch itself knows no negative steps."""
    flipped, forward = [], []
    axis = 0
    for i, entry in enumerate(index):
        if isinstance(entry, slice):
            if entry.step is not None and entry.step < 0:
                places = range(*entry.indices(x.shape[i]))
                entry = slice(places[-1], places[0] + 1, -entry.step) if places else slice(0, 0)
                flipped.append(axis)
            axis += 1
        forward.append(entry)
    y = x[tuple(forward)]
    return y.flip(flipped) if flipped else y


@implements(st.Subtensor, host=from_second)
def subtensor(op, node, target):
    index = _basic_index(op.idx_list)
    return lambda x, *values: take(x, index(values))


@implements(st.IncSubtensor, host=lambda op, node: range(2, len(node.inputs)), numbers="0-d")
def inc_subtensor(op, node, target):
    index = _basic_index(op.idx_list)

    def function(x, y, *values):
        x = target.full(x, node.outputs[0].type.dtype) if is_number(x) else x
        places = index(values)
        result = x.clone(memory_format=torch.contiguous_format)
        backwards = any(isinstance(e, slice) and (e.step or 1) < 0 for e in places)
        if not backwards:
            _assign(result[tuple(places)], y, op.set_instead_of_inc)
            return result
        # By the numbers of the elements, in the order in which y names them.
        numbers = torch.arange(result.numel(), device=result.device).view(result.shape)
        numbers = take(numbers, places)
        flat = result.view(-1)
        chosen = flat[numbers]
        _assign(chosen, y, op.set_instead_of_inc)
        flat[numbers] = chosen
        return result

    return function


def _assign(view, y, overwrite: bool) -> None:
    if not overwrite:
        view += y if is_number(y) else y.to(view.dtype)
    elif is_number(y):
        view.fill_(y)
    else:
        view.copy_(y)


def _position(index: torch.Tensor, size: int) -> torch.Tensor:
    """Indices as NumPy reads them (-1 is the last), within 0 to size - 1."""
    index = index.long()
    message = f"index out of bounds for an axis of size {size}"
    return in_range(torch.where(index < 0, index + size, index), size, IndexError, message)


@implements(st.AdvancedSubtensor1)
def rows(op, node, target):
    return lambda x, i: x.index_select(0, _position(i, x.shape[0]))


@implements(st.AdvancedIncSubtensor1, numbers="0-d")
def inc_rows(op, node, target):
    def function(x, y, i):
        y = target.full(y, node.outputs[0].type.dtype) if is_number(y) else y.to(x.dtype)
        values = y.expand((i.shape[0], *x.shape[1:]))
        index = (_position(i, x.shape[0]),)
        return x.clone().index_put_(index, values, accumulate=not op.set_instead_of_inc)

    return function


def _advanced(variables):
    """Return a function: (x, values) -> a tuple for ``x[...]``, or None for what is not covered."""
    kinds = []
    for v in variables:
        if isinstance(v.type, TensorType) and v.type.dtype != "bool":
            kinds.append("tensor")
        elif isinstance(v.type, (SliceType, NoneTypeT)):
            kinds.append("host")
        else:
            return None

    def index(x, values):
        places: list = []
        axis = 0
        for kind, value in zip(kinds, values, strict=True):
            if kind == "tensor":
                places.append(_position(value, x.shape[axis]))
            else:
                places.append(value)
            axis += value is not None
        # Of a 0-d tensor torch's x[...] makes an int: it waits for the value, and puts the
        # result's axes elsewhere than NumPy.
        axes = max(p.ndim for p in places if isinstance(p, torch.Tensor))
        return tuple(
            p.reshape([1] * axes) if isinstance(p, torch.Tensor) and p.ndim == 0 else p
            for p in places
        )

    return index


def _not_tensors(start: int):
    def host(op, node):
        return [i for i, v in enumerate(node.inputs) if i >= start and _on_host(v)]

    return host


def _on_host(v) -> bool:
    return isinstance(v.type, (SliceType, NoneTypeT))


def _forward(variables) -> bool:
    # Only slices without a step, or with a constant positive one.
    return all(_step_is_positive(v) for v in variables if isinstance(v.type, SliceType))


def _step_is_positive(v) -> bool:
    if hasattr(v, "data"):
        return v.data.step is None or v.data.step > 0
    step = v.owner.inputs[2] if v.owner is not None and len(v.owner.inputs) > 2 else None
    return step is None or getattr(step, "data", 0) is None or getattr(step, "data", 0) > 0


@implements(st.AdvancedSubtensor, host=_not_tensors(1))
def advanced_subtensor(op, node, target):
    index = _advanced(node.inputs[1:])
    if index is None or not _forward(node.inputs[1:]):
        return None
    return lambda x, *values: x[index(x, values)]


@implements(st.AdvancedIncSubtensor, host=_not_tensors(2), numbers="0-d")
def advanced_inc_subtensor(op, node, target):
    index = _advanced(node.inputs[2:])
    if index is None or not all(isinstance(v.type, TensorType) for v in node.inputs[2:]):
        return None

    def function(x, y, *values):
        places = index(x, values)
        y = target.full(y, node.outputs[0].type.dtype) if is_number(y) else y.to(x.dtype)
        shape = torch.broadcast_shapes(*(p.shape for p in places)) + x.shape[len(places) :]
        accumulate = not op.set_instead_of_inc
        return x.clone().index_put_(places, y.expand(shape), accumulate=accumulate)

    return function

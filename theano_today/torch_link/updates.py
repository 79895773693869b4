"""New values of shared variables, written into the memory that the variables have.

Theano means all updates to happen at once: a new value may be another variable's old one (a
swap), a view of one, or have another shape. So everything is computed first, values that live
in memory about to be overwritten are copied, and then one call writes them all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from theano_today.torch_link.residency import DeviceArray


class Update(NamedTuple):
    """One shared variable: its cell, the registers of its old and new value, and its dtype.

    dtype is None for what is no tensor on the device, such as NumPy's random state.
    """

    cell: list
    old: int
    new: int
    dtype: torch.dtype | None


def write(updates: list[Update], registers: list[Any]) -> bool:
    """Carry out the updates.

    Returns
    -------
    bool
        True if every variable kept its memory; False if one changed its shape, hence its
        address.
    """
    old_memory = overwritten(updates, registers)
    into, values, kept = [], [], True
    moved: list[tuple[list, Any]] = []
    for update in updates:
        new = registers[update.new]
        if update.dtype is None:
            moved.append((update.cell, new))
            continue
        old = registers[update.old]
        new = new.to(update.dtype)
        if new is old:
            continue
        if memory(new) in old_memory:
            new = new.clone()
        if new.shape == old.shape:
            into.append(old)
            values.append(new)
        else:
            # clone as well: an expanded or shared tensor must not become a variable's memory.
            moved.append((update.cell, DeviceArray(new.contiguous().clone())))
            kept = False
    if into:
        torch._foreach_copy_(into, values)
    for cell, value in moved:
        cell[0] = value
    return kept


def overwritten(updates: list[Update], registers: list[Any]) -> set[int]:
    """The addresses of the memory that `write` will write to."""
    return {memory(registers[u.old]) for u in updates if u.dtype is not None}


def memory(tensor: torch.Tensor) -> int:
    """The address of the block that a tensor is a view of."""
    return tensor.untyped_storage().data_ptr()

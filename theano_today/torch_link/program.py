"""What theano.function calls: fetch inputs, run the steps, write updates, hand out results."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import theano
import torch
from theano.gof.link import raise_with_op
from theano.tensor import TensorType

from theano_today.torch_link import updates
from theano_today.torch_link.dispatch import checks
from theano_today.torch_link.feeding import Feeder
from theano_today.torch_link.lowering import Kind, Lowered, Step
from theano_today.torch_link.recording import Recording
from theano_today.torch_link.residency import DeviceArray
from theano_today.torch_link.results import Mailbox, Results
from theano_today.torch_link.target import Target, download
from theano_today.torch_link.updates import Update

# Batches come in few sizes: whole ones and the last of an epoch, for training and validation.
MOST_RECORDINGS = 16
_REMEMBERED = 256  # sizes seen once


class Program:
    """A compiled graph; calling it does what Theano's own virtual machine does.

    Parameters
    ----------
    lowered : Lowered
    input_storage, output_storage : lists of cells
        One-element lists: where theano.function puts inputs and looks for outputs.
    updated : list of (int, int)
        Updates, as indices of (input, output).
    target : Target
    """

    # What theano.compile.function_module.Function asks of a virtual machine.
    need_update_inputs = False
    allow_gc = True
    keeps_device_arrays = True  # see residency.py

    def __init__(self, lowered: Lowered, input_storage, output_storage, updated, target: Target):
        self.lowered = lowered
        self.input_storage = input_storage
        self.output_storage = output_storage
        self.target = target
        self.storage_map: dict = {}
        self.updates = [
            Update(
                input_storage[i],
                lowered.inputs[i].register,
                lowered.outputs[o].register,
                getattr(torch, lowered.inputs[i].type.dtype) if lowered.inputs[i].shared else None,
            )
            for i, o in updated
        ]
        returned = len(lowered.outputs) - len(updated)
        self.returned = lowered.outputs[:returned]
        self.recordable = lowered.count(Kind.SYNC) == 0 and all(
            u.dtype is not None for u in self.updates
        )
        self.recordings: OrderedDict[Any, Recording] = OrderedDict()
        self.seen: OrderedDict[Any, None] = OrderedDict()
        self.feeder = Feeder(target)
        self.mailbox: Mailbox | None = None  # where results go that are read later

    def __call__(self, output_subset=None) -> None:
        with torch.no_grad(), self.target.current():
            key = self._key()
            recording = self.recordings.get(key)
            if recording is not None and recording.still_valid(self._shared()):
                recording.feed(self._fed(recording.inputs))
                results = recording.replay()
            elif self._worth_recording(key):
                results = self._record(key)
            else:
                results = self._run_once()
        self._hand_out(results)

    # -- inputs ---------------------------------------------------------------------------

    def _shared(self) -> list[torch.Tensor]:
        """The tensors of the shared variables, uploaded where that was not done yet."""
        tensors = []
        for given, cell in zip(self.lowered.inputs, self.input_storage, strict=True):
            if given.shared:
                if not isinstance(cell[0], DeviceArray):
                    cell[0] = DeviceArray(self.target.upload(cell[0]))
                tensors.append(cell[0].tensor)
        return tensors

    def _fed(self, into: list[torch.Tensor | None]) -> list[torch.Tensor | None]:
        """Copy the arguments to the device, to given tensors where there are some."""
        tensors: list[torch.Tensor | None] = []
        for given, cell, destination in zip(
            self.lowered.inputs, self.input_storage, into, strict=True
        ):
            if given.host or given.shared:
                tensors.append(None)
            else:
                tensors.append(self.feeder(_argument(given, cell), destination))
        return tensors

    def _registers(self, fed: list[torch.Tensor | None]) -> list[Any]:
        shared = iter(self._shared())
        registers = list(self.lowered.registers)
        for given, cell, tensor in zip(self.lowered.inputs, self.input_storage, fed, strict=True):
            if given.host:
                registers[given.register] = _argument(given, cell)
            else:
                registers[given.register] = next(shared) if given.shared else tensor
        return registers

    # -- running --------------------------------------------------------------------------

    def _run_once(self) -> Results:
        registers = self._registers(self._fed([None] * len(self.input_storage)))
        with checks.collected() as found:
            self.run(registers)
        results = Results(self, registers, found)
        if not self.write_updates(registers):
            self.recordable = False
        return results

    def run(self, registers: list[Any], kinds: frozenset[Kind] = frozenset(Kind)) -> None:
        """Run the steps of some kinds."""
        run_steps([step for step in self.lowered.steps if step.kind in kinds], registers)

    def write_updates(self, registers: list[Any]) -> bool:
        """See `updates.write`."""
        return updates.write(self.updates, registers)

    # -- recordings -----------------------------------------------------------------------

    def _key(self):
        if not self.recordable:
            return None
        return tuple(
            cell[0].item() if given.constant_shape else np.shape(cell[0])
            for given, cell in zip(self.lowered.inputs, self.input_storage, strict=True)
            if not given.shared
        )

    def _worth_recording(self, key) -> bool:
        """True at the second sight of `key`: a size that never comes again is not worth it."""
        if key is None or (key not in self.recordings and len(self.recordings) >= MOST_RECORDINGS):
            return False
        if key in self.seen:
            return True
        self.seen[key] = None
        if len(self.seen) > _REMEMBERED:
            self.seen.popitem(last=False)
        return False

    def _record(self, key) -> Results:
        fed = self._fed([None] * len(self.input_storage))
        inputs = [None if t is None else t.clone() for t in fed]
        recording = Recording(self, self._registers(inputs), inputs, self._shared())
        results = recording.first_results
        if recording.works:
            self.recordings[key] = recording
        else:
            self.recordable = False
        return results

    # -- outputs --------------------------------------------------------------------------

    def _hand_out(self, results: Results) -> None:
        values = results.now() if self.mailbox is None else results.later(self.mailbox)
        # The rest are updates: their cells may be those of the variables.
        for cell, value in zip(self.output_storage, values, strict=False):
            cell[0] = value


def run_steps(steps: list[Step], registers: list[Any]) -> None:
    """Run some steps; what they raise names the step's node as Theano does."""
    step = None
    try:
        for step in steps:
            found = step.function(*[registers[i] for i in step.inputs])
            if len(step.outputs) == 1:
                registers[step.outputs[0]] = found
            else:
                for register, value in zip(step.outputs, found, strict=True):
                    registers[register] = value
            for register in step.frees:
                registers[register] = None
    except Exception as error:
        _raise(error, step, registers)


def _argument(given, cell):
    """The value in a cell, as theano.function left it there or a caller of `fn` put it."""
    value = cell[0]
    if isinstance(value, DeviceArray):  # a variable shared with a function of another dtype rule
        return value.numpy()
    if isinstance(given.type, TensorType):
        return theano._asarray(value, given.type.dtype)
    return value


def _raise(error: Exception, step, registers) -> None:
    """Raise `error` as Theano does: with the node, its inputs' shapes, and hints."""
    if step is None or step.node is None:
        raise error
    if isinstance(error, torch.OutOfMemoryError):
        error = MemoryError(str(error))
    elif type(error) is RuntimeError:
        # torch's word for whatever does not fit together; Theano's is ValueError.
        error = ValueError(str(error))
    seen = SimpleNamespace(
        inputs=[[_shown(registers[i])] for i in step.inputs],
        outputs=[[None] for _ in step.outputs],
    )
    raise_with_op(step.node, seen, (type(error), error, error.__traceback__))


def _shown(value):
    """What raise_with_op prints of a tensor: its shape, and its values if they are few."""
    if not isinstance(value, torch.Tensor):
        return value
    if value.numel() <= 100:
        with suppress(RuntimeError):  # in a CUDA graph, or of a device that has failed
            return download(value)
    strides = tuple(step * value.element_size() for step in value.stride())
    return SimpleNamespace(shape=tuple(value.shape), strides=strides, size=value.numel())

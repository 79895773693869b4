"""A run of a program for inputs of one size, recorded once and replayed as a whole.

Launching net2's kernels one by one takes the host longer than the device needs for a batch. On
CUDA the kernels are captured in a CUDA graph, which starts them all by one call; they read the
inputs from tensors at fixed addresses, and so they do shared variables (residency.py). Elsewhere,
and in the tests, a replay runs the DEVICE steps on the same fixed tensors: the same code but for
the capture itself. Either way the steps on the host are not run again: their results depend on
the inputs' shapes only, and those are the same.
"""

from __future__ import annotations

import logging
from typing import Any

import torch

from runtime.torch_link.dispatch import checks
from runtime.torch_link.lowering import Kind
from runtime.torch_link.results import Results

log = logging.getLogger("net2")

_DEVICE = frozenset((Kind.DEVICE,))
# One pool for all graphs of a device: they never run at the same time, so that what one needs
# for a moment the next may use. Results are copied out of it behind each replay.
_pools: dict[torch.device, Any] = {}


class Recording:
    """Runs `program` once, and records it.

    Parameters
    ----------
    program : Program
    registers : list
        With the inputs in place.
    inputs : list of tensors, or None for what is no argument on the device
        At addresses of their own: `feed` copies into them.
    shared : list of tensors
        Of the shared variables.

    Attributes
    ----------
    works : bool
        False if it cannot be replayed. Its first run is valid either way.
    first_results : Results
        Of that run.
    results : Results
        Of the last replay.
    """

    def __init__(self, program, registers, inputs, shared) -> None:
        self.program = program
        self.inputs = inputs
        self.shared = shared
        self.graph: torch.cuda.CUDAGraph | None = None
        with checks.collected() as found:
            program.run(registers)
        self.first_results = Results(program, registers, found)
        # Host values and uploads stay in these; what was computed from them is computed anew.
        self.registers: list[Any] = list(registers)
        self.works = program.write_updates(registers)
        self.results: Results | None = None
        if self.works and program.target.is_cuda:
            self.works = self._capture()

    def _restore_inputs(self) -> None:
        shared = iter(self.shared)
        for given, tensor in zip(self.program.lowered.inputs, self.inputs, strict=True):
            if given.shared:
                self.registers[given.register] = next(shared)
            elif not given.host:
                self.registers[given.register] = tensor

    def _capture(self) -> bool:
        device = self.program.target.device
        if device not in _pools:
            _pools[device] = torch.cuda.graph_pool_handle()
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        try:
            with torch.cuda.graph(graph, pool=_pools[device]):
                self._run()
        except (RuntimeError, ValueError) as error:
            log.warning("torch link: this graph is not recorded, and so slower: %s", error)
            return False
        self.graph = graph
        return True

    def _run(self) -> None:
        self._restore_inputs()
        with checks.collected() as found:
            self.program.run(self.registers, _DEVICE)
        self.results = Results(self.program, self.registers, found)
        self.program.write_updates(self.registers)

    def still_valid(self, shared: list[torch.Tensor]) -> bool:
        """True while the shared variables are where they were."""
        return all(now is then for now, then in zip(shared, self.shared, strict=True))

    def feed(self, tensors: list[torch.Tensor | None]) -> None:
        """Put new inputs where the recording reads them; see Feeder, which may have done it."""
        for mine, given in zip(self.inputs, tensors, strict=True):
            if mine is not None and given is not mine:
                mine.copy_(given)

    def replay(self) -> Results:
        """Run it again, on what was fed; the next replay overwrites the results on the device."""
        if self.graph is not None:
            self.graph.replay()
        else:
            self._run()
        assert self.results is not None
        return self.results

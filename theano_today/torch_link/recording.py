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
import warnings
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from theano_today.torch_link.dispatch import checks
from theano_today.torch_link.lowering import Kind
from theano_today.torch_link.results import Results

log = logging.getLogger("theano_today")

_DEVICE = frozenset((Kind.DEVICE,))


class _GraphPool(NamedTuple):
    """The memory of all CUDA graphs of one device, and the stream that they are captured on.

    The graphs never run at the same time, so that what one needs for a moment the next may use.
    Results are copied out of it behind each replay.
    """

    handle: Any
    stream: torch.cuda.Stream  # memory is shared between captures on one stream only
    keeper: torch.cuda.CUDAGraph  # an empty one: torch refuses a pool whose graphs are all gone

    @classmethod
    def on(cls, device: torch.device) -> _GraphPool:
        """Return the one of a device."""
        if device not in _pools:
            pool = cls(
                torch.cuda.graph_pool_handle(), torch.cuda.Stream(device), torch.cuda.CUDAGraph()
            )
            with pool.capture(pool.keeper):
                pass
            _pools[device] = pool
        return _pools[device]

    @contextmanager
    def capture(self, graph: torch.cuda.CUDAGraph):
        """Capture in `graph` what is launched inside."""
        with warnings.catch_warnings():
            # So is that of a function which returns a view of its argument.
            warnings.filterwarnings("ignore", message="The CUDA Graph is empty")
            with torch.cuda.graph(graph, pool=self.handle, stream=self.stream):
                yield


_pools: dict[torch.device, _GraphPool] = {}
# Whose capture failed: the allocator of torch goes on asking them whether it is under way.
_failed: list[torch.cuda.CUDAGraph] = []


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
        graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream(device)
        cause = ""
        try:
            with _GraphPool.on(device).capture(graph):
                try:
                    self._run()
                except Exception as error:
                    cause = str(error)  # the capture's own error, which follows, says less
                    raise
        except Exception as error:  # whatever it was, the run before it went well
            # torch leaves the stream of the capture the current one, and its pool closed.
            torch.cuda.set_stream(stream)
            _pools.pop(device, None)
            _failed.append(graph)
            log.warning("torch link: this graph is not recorded, and so slower: %s", cause or error)
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

"""A CUDA device that is none: tensors without memory, and stand-ins for what torch.cuda has.

It refuses what a GPU would: Ops on tensors of two devices, and in a CUDA graph whatever waits for
the device, copies from memory that is not page-locked, or runs on the host. It has no values:
what is read back is 1. What kernels compute, and when, only a GPU can show.
"""

from __future__ import annotations

import weakref
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from theano_today import torch_link
from theano_today.torch_link.lowering import lower
from theano_today.torch_link.program import Program
from theano_today.torch_link.target import Target

aten = torch.ops.aten
# torch's FakeTensorMode has one that is named cuda, but where torch is built for the CPU alone
# its tensors can't be indexed.
DEVICE = torch.device("meta")


class FakeTarget(Target):
    """`DEVICE`, taken for CUDA."""

    is_cuda = True


TARGET = FakeTarget(DEVICE)
MODE = torch_link.mode(TARGET)


class Refused(RuntimeError):
    """What CUDA would not do."""


class FakeCuda(TorchDispatchMode):
    """While it is entered, functions linked for `TARGET` can be called.

    Attributes
    ----------
    capturing : bool
        A CUDA graph is being captured.
    failures : list of Exception
        What captures failed of.
    kernels : set of str
        The C++ of those that were launched.
    stream : Stream
        The current one.
    current : torch.device or None
        The current device; None stands for any other.
    waits : int
        How often the host has waited for the device: for values that it read, for a copy from
        memory that is not page-locked, for an event.
    """

    def __init__(self) -> None:
        super().__init__()
        self.capturing = False
        self.failures: list[BaseException] = []
        self.kernels: set[str] = set()
        self.stream = Stream()
        self.current: torch.device | None = None
        self.waits = 0
        self.patches = ExitStack()

    def __enter__(self):
        for name, substitute in _substitutes(self).items():
            self.patches.enter_context(mock.patch(f"torch.cuda.{name}", substitute))
        # The tensors have no address.
        self.patches.enter_context(mock.patch("theano_today.torch_link.updates.memory", _storage))
        self.patches.enter_context(mock.patch("theano_today.torch_link.recording._pools", {}))
        return super().__enter__()

    def __exit__(self, *raised) -> None:
        super().__exit__(*raised)
        self.patches.close()

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if kwargs.pop("pin_memory", False) and self.capturing:
            raise Refused("page-locked memory allocated in a CUDA graph")
        devices = {x.device.type for x in _tensors(args, kwargs)}
        if op in (aten._to_copy.default, aten.copy_.default):
            to = torch.device(kwargs.get("device") or args[0].device).type
            if devices | {to} == {"meta", "cpu"}:
                if self.capturing:
                    raise Refused(f"a copy to {to} in a CUDA graph")
                self.waits += not _non_blocking(op, args, kwargs)
                if to == "cpu":
                    return torch.ones(args[0].shape, dtype=args[0].dtype)
        elif len(devices) > 1:
            raise Refused(f"{op} of tensors on two devices")
        found = op(*args, **kwargs)
        if self.capturing and any(x.device != DEVICE for x in _tensors(found)):
            raise Refused(f"{op} on the host in a CUDA graph")
        self.stream.work()
        return found


def _non_blocking(op, args, kwargs) -> bool:
    if op is aten.copy_.default:
        return bool(args[2] if len(args) > 2 else kwargs.get("non_blocking"))
    return bool(kwargs.get("non_blocking"))


def _tensors(*trees) -> list[torch.Tensor]:
    return [x for x in tree_leaves(trees) if isinstance(x, torch.Tensor)]


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata


class Stream:
    """Knows how much of every stream's work is done before its own next kernel starts."""

    def __init__(self, device=None) -> None:
        self.done: dict[Stream, int] = {self: 0}

    def work(self) -> None:
        self.done[self] += 1

    def wait_event(self, event) -> None:
        for stream, count in event.done.items():
            self.done[stream] = max(count, self.done.get(stream, 0))


class Event:
    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda = cuda
        self.done: dict[Stream, int] = {}

    def record(self, stream=None) -> None:
        self.done = dict((stream or torch.cuda.current_stream()).done)

    def synchronize(self) -> None:
        self.cuda.waits += 1


class Graph:
    replays = 0

    def replay(self) -> None:
        self.replays += 1


class Pool:
    """A pool of memory: of no use once all of its graphs are gone, or a capture failed."""

    def __init__(self) -> None:
        self.graphs: weakref.WeakSet[Graph] = weakref.WeakSet()
        self.used = self.open = False

    def begin(self, graph) -> None:
        if self.open:
            raise RuntimeError("beginAllocateToPool: already recording to mempool_id")
        if self.used and not self.graphs:
            raise RuntimeError("use_count > 0 INTERNAL ASSERT FAILED")
        self.used = self.open = True
        self.graphs.add(graph)


def _substitutes(cuda: FakeCuda) -> dict:
    @contextmanager
    def current(device):
        before, cuda.current = cuda.current, device
        yield
        cuda.current = before

    def current_stream(device=None):
        if (device or cuda.current) != DEVICE:
            raise Refused("the stream of another device")
        return cuda.stream

    @contextmanager
    def on(stream):
        before, cuda.stream = cuda.stream, stream
        yield
        cuda.stream = before

    class Capture:
        """torch.cuda.graph: where it fails, the stream stays and the pool is not closed."""

        def __init__(self, graph, pool=None, stream=None) -> None:
            self.graph, self.pool, self.own = graph, pool or Pool(), stream or Stream()

        def __enter__(self) -> None:
            self.before, cuda.stream = cuda.stream, self.own
            self.pool.begin(self.graph)
            cuda.capturing = True

        def __exit__(self, kind, error, trace) -> None:
            cuda.capturing = False
            if error is not None:
                cuda.failures.append(error)
                raise RuntimeError("operation failed due to a previous error during capture")
            cuda.stream, self.pool.open = self.before, False

    def kernel(code: str, **defaults):
        def launch(*tensors, **numbers):
            cuda.kernels.add(code)
            assert 0 < len(tensors) <= 8
            assert set(numbers) <= set(defaults)
            assert all(x.device == DEVICE and x.dtype == torch.float32 for x in tensors)
            return tensors[0].new_empty(torch.broadcast_shapes(*(x.shape for x in tensors)))

        return launch

    def raw_kernel(code: str, name: str):
        def launch(grid, block, arguments):
            cuda.kernels.add(code)
            tensors = [x for x in arguments if isinstance(x, torch.Tensor)]
            assert tensors
            assert all(x.device == DEVICE and x.is_contiguous() for x in tensors)
            assert all(isinstance(x, (int, float, torch.Tensor)) for x in arguments)
            assert 0 < grid[0] < 2**31
            assert 0 < block[0] <= 1024
            cuda.stream.work()

        return launch

    return {
        "_compile_kernel": raw_kernel,
        "CUDAGraph": Graph, "graph": Capture, "graph_pool_handle": Pool,
        "Stream": Stream, "Event": lambda: Event(cuda), "stream": on,
        "current_stream": current_stream,
        "set_stream": lambda stream: setattr(cuda, "stream", stream),
        "device": current, "mem_get_info": lambda device: (2**40, 2**40),
        "jiterator._create_jit_fn": kernel,
    }  # fmt: skip


def replays(function, values) -> None:
    """Assert that the graph of a theano.function without updates can be captured and replayed."""
    fgraph = function.maker.fgraph
    lowered = lower(fgraph, fgraph.toposort(), TARGET)
    inputs, given = [], iter(values)
    for described, container in zip(lowered.inputs, function.input_storage, strict=True):
        held = container.storage[0]
        value = next(given) if held is None else held
        inputs.append([np.asarray(value, described.type.dtype)])
    program = Program(lowered, inputs, [[None] for _ in fgraph.outputs], [], TARGET)
    with FakeCuda() as cuda:
        for _ in range(3):
            program()
    assert_replayed(program, cuda)


def assert_replayed(program: Program, cuda: FakeCuda) -> None:
    """Assert that each of a program's calls but two was the replay of a CUDA graph."""
    for error in cuda.failures:
        raise error
    assert program.recordings
    assert all(recording.graph.replays for recording in program.recordings.values())

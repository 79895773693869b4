"""Functions of images and channels, and their sums over images, as an Op."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
from theano.gof import Apply, Op
from theano.tensor import TensorType

from theano_today.engine import library
from theano_today.engine.channelwise.composites import evaluated
from theano_today.engine.channelwise.program import program_of
from theano_today.engine.conv_pool.op import from_blocks, to_blocks
from theano_today.engine.elemwise import shape_of
from theano_today.engine.programs import HEAD
from theano_today.engine.thunks import Latest, thunk_of

AXES = (0, 2, 3)
# Which axes are of length 1
IMAGES, BLOCKED = (False,) * 4, (False,) * 5
OF_CHANNELS, NUMBER = (True, False, True, True), (True,) * 4


class Operand(ctypes.Structure):
    """As kernels/channels.hpp has it."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("image", "channel", "pixel")),
    ]


class Result(ctypes.Structure):
    """As kernels/channels.hpp has it."""

    _fields_ = [("out", ctypes.c_void_p), ("value", ctypes.c_int64), ("is_sum", ctypes.c_int64)]


class Channelwise(Op):
    """Elementwise functions of images and of channels' numbers, or their sums.

    Inputs: float32, (n, c, h, w), (1, c, 1, 1) or (1, 1, 1, 1), at least one of the first kind.
    Outputs: float32, (n, c, h, w), or (c,) where it is a sum.

    Parameters
    ----------
    composite : Composite
        The functions, as scalars.
    sums : tuple of bool
        Which outputs are sums over all axes but the channels.
    blocked : bool
        Images are (n, blocks, h, w, V), as stages hand them over, zeros behind the last channel
        (kernels/stage.hpp). How many channels there are is the last input then, an int64.
    """

    __props__ = ("composite", "sums", "blocked")

    def __init__(self, composite, sums, blocked=False):
        self.composite, self.sums, self.blocked = composite, sums, blocked

    def __str__(self):
        sums = sum(self.sums)
        what = f"{sums} sums, {len(self.sums) - sums} images"
        return f"Channelwise{{{what}{', blocked' * self.blocked}}}"

    def make_node(self, *inputs):
        images = TensorType("float32", BLOCKED if self.blocked else IMAGES)
        kinds = {True: TensorType("float32", (False,)), False: images}
        return Apply(self, list(inputs), [kinds[of_sum]() for of_sum in self.sums])

    def infer_shape(self, node, shapes):
        images = next(
            shape for v, shape in zip(node.inputs, shapes, strict=True)
            if v.broadcastable in (IMAGES, BLOCKED)
        )  # fmt: skip
        channels = (node.inputs[-1],) if self.blocked else images[1:2]
        return [channels if of_sum else images for of_sum in self.sums]

    def kinds(self, node):
        """Return of each input but the number of channels what axes are of length 1."""
        inputs = node.inputs[:-1] if self.blocked else node.inputs
        return [IMAGES if v.broadcastable == BLOCKED else v.broadcastable for v in inputs]

    def shape(self, arrays, kinds, channels=None):
        """Return the images' n, channels, h and w.

        Raises
        ------
        ValueError
            If arrays do not fit each other.
        """
        if not self.blocked:
            return shape_of(arrays, kinds)
        shapes = [(a.shape[0], channels, *a.shape[2:4]) if a.ndim == 5 else a.shape for a in arrays]
        return shape_of([_Shaped(shape) for shape in shapes], kinds)

    @np.errstate(all="ignore")
    def perform(self, node, inputs, outputs):
        if self.blocked:
            *inputs, channels = inputs
            inputs = [from_blocks(a, int(channels)) if a.ndim == 5 else a for a in inputs]
        shape = shape_of(inputs, self.kinds(node))
        values = evaluated(self.composite, inputs)
        for cell, value, of_sum in zip(outputs, values, self.sums, strict=True):
            value = np.broadcast_to(np.asarray(value, np.float32), shape)
            total = value.sum(AXES, np.float64) + 0.0 if of_sum else value
            cell[0] = np.array(total, np.float32)
            if self.blocked and not of_sum:
                cell[0] = to_blocks(cell[0])

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        kinds = self.kinds(node)
        program = None
        if library.kernels() is not None:
            program = program_of(self.composite, [kind == IMAGES for kind in kinds], self.sums)
        if program is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")
        run = Calls(self, program, kinds)
        return thunk_of(run, node, storage_map, compute_map)


class Calls:
    """Calls of the kernel; how arrays of some shapes and strides lie is found out once."""

    def __init__(self, op, program, kinds) -> None:
        self.op, self.program, self.kinds = op, program, kinds
        self.fixed = [id(a) for a in program.constants]
        self.count = len(kinds) + len(self.fixed) + len(op.sums)
        self.objects = ctypes.c_int64 * self.count
        self.ready = Latest()

    def __call__(self, *arrays) -> list[np.ndarray]:
        """Return the outputs.

        Raises
        ------
        ValueError
            If the arrays do not fit each other.
        """
        channels = None
        if self.op.blocked:
            channels, arrays = int(arrays[-1]), arrays[:-1]
        key = channels, *[(a.shape, a.strides) for a in arrays]
        ready = self.ready.get(key)
        if ready is None:
            ready = self.ready.keep(key, self._prepare(arrays, channels))
        shapes, contiguous, described = ready
        outputs = [library.empty(shape) for shape in shapes]
        if described is None:
            for out in outputs:
                out.fill(0)
            return outputs
        if not contiguous:
            arrays = tuple([np.ascontiguousarray(a) for a in arrays])
        objects = self.objects(*map(id, arrays), *self.fixed, *map(id, outputs))
        _, _, arguments = described
        library.call("today_channelwise", objects, HEAD, *arguments)
        return outputs

    def _prepare(self, arrays, channels):
        """Return the outputs' shapes, whether all arrays are contiguous, and the call.

        The call is what the kernel's arguments point to and these; None for no elements.
        """
        op, program, kinds = self.op, self.program, self.kinds
        lanes = library.lanes() if op.blocked else 1
        n, c, h, w = shape = op.shape(arrays, kinds, channels)
        if op.blocked:
            shape = n, library.blocks(c), h, w, lanes
        shapes = [(c,) if of_sum else shape for of_sum in op.sums]
        if n * c * h * w == 0:
            return shapes, True, None
        operands = (Operand * (len(arrays) + len(self.fixed)))()
        each = h * w * lanes  # floats of a channel, or of a block
        for one, kind in zip(operands, kinds, strict=False):
            if kind == IMAGES:
                one.image, one.channel, one.pixel = -(-c // lanes) * each, each, 1
            elif kind == OF_CHANNELS:
                one.channel = 1
        results = (Result * len(shapes))()
        for one, place, of_sum in zip(results, program.places, op.sums, strict=True):
            one.value, one.is_sum = place, of_sum
        arguments = (
            ctypes.addressof(program.instructions), len(program.instructions), program.first,
            ctypes.addressof(operands), len(operands), program.registers,
            ctypes.addressof(results), len(results), n, c, each, lanes,
        )  # fmt: skip
        contiguous = all(a.flags.c_contiguous for a in arrays)
        return shapes, contiguous, (operands, results, arguments)


@dataclass
class _Shaped:
    """What shape_of() asks of an array."""

    shape: tuple[int, ...]

    @property
    def ndim(self) -> int:
        return len(self.shape)

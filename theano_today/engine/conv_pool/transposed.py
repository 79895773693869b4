"""Transposed convolutions: the gradient of a convolution by its input, as a layer of its own.

DCGAN's generators and autoencoders' decoders are made of AbstractConv2d_gradInputs, Lasagne's
TransposedConv2DLayer. The same Op is the gradient of a convolution that no stage was made of. It
runs on the kernel that computes the gradients of stages.
"""

from __future__ import annotations

import numpy as np
import theano
from theano import tensor
from theano.gof import Apply

from theano_today.engine import library
from theano_today.engine.conv_pool import reference
from theano_today.engine.conv_pool.op import _Stage, from_blocks, to_blocks
from theano_today.engine.conv_pool.padding import border_of
from theano_today.engine.thunks import thunk_of


class ConvTransposed(_Stage):
    """The gradient of a convolution by its input.

    Inputs: filters w (f, c, i, j) and g (n, f, oh, ow), both float32, and the rows and the columns
    of the result, integers. Output: (n, c, rows, columns), float32. In blocks: g where `g_blocked`,
    the result where `dx_blocked`. The other parameters are `_Stage`'s.
    """

    __props__ = (
        "filter_size", "border", "flip", "subsample", "dilation", "g_blocked", "dx_blocked",
    )  # fmt: skip

    pool, rectify, ignore_border = 1, False, True
    x_blocked, scale, in_order = False, None, False

    def __init__(
        self, filter_size, border, flip, subsample=(1, 1), dilation=(1, 1),
        g_blocked=False, dx_blocked=False,
    ):  # fmt: skip
        self.filter_size, self.border, self.flip = filter_size, border, flip
        self.subsample, self.dilation = subsample, dilation
        self.g_blocked, self.dx_blocked = g_blocked, dx_blocked

    def make_node(self, w, g, rows, columns):
        planes = (g.broadcastable[0], w.broadcastable[1], False, False)
        shape = (False,) * 5 if self.dx_blocked else planes
        return Apply(self, [w, g, rows, columns], [tensor.TensorType("float32", shape)()])

    def infer_shape(self, node, shapes):
        _, _, rows, columns = node.inputs
        images, channels = shapes[1][0], shapes[0][1]
        if self.dx_blocked:
            return [(images, library.blocks(channels), rows, columns, library.lanes())]
        return [(images, channels, rows, columns)]

    def described(self, w, g, rows, columns):
        """Return the shape of the result and the kernels' description.

        Raises
        ------
        ValueError
            If the convolution of such a result with w has not g's shape.
        """
        shape = len(g), w.shape[1], int(rows), int(columns)
        stage = self.stage_shape(shape, w, dx_blocked=self.dx_blocked, p_blocked=self.g_blocked)
        wanted: tuple[int, ...] = (len(g), len(w), stage.out_rows, stage.out_columns)
        if self.g_blocked:
            wanted = (len(g), library.blocks(len(w)), *wanted[2:], library.lanes())
        if g.shape != wanted:
            raise ValueError(
                f"a transposed convolution to {shape[2]}x{shape[3]} with filters of shape "
                f"{w.shape} has an input of shape {g.shape}; expected {wanted}"
            )
        return shape, stage

    def perform(self, node, inputs, outputs):
        w, g, *_ = inputs
        shape, _ = self.described(*inputs)
        g = from_blocks(g, len(w)) if self.g_blocked else g
        nothing = np.zeros(shape, w.dtype)
        stage = nothing, w, None, g, self.border, self.flip
        *_, dx = reference.conv_grad(*stage, **self.unpooled())
        dx = to_blocks(dx) if self.dx_blocked else np.ascontiguousarray(dx)
        outputs[0][0] = theano._asarray(dx, dtype="float32")

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        if library.stages() is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")

        def run(w, g, rows, columns):
            w, g = map(np.ascontiguousarray, (w, g))
            shape, stage = self.described(w, g, rows, columns)
            if self.dx_blocked:
                shape = (*shape[:1], library.blocks(shape[1]), *shape[2:], library.lanes())
            dx = library.empty(shape)
            links = [library.link(stage, w=w, g=g, dx=dx)]
            library.call_chain("today_backward", links)
            return (dx,)

        return thunk_of(run, node, storage_map, compute_map)


def transposed(node):
    """Return what replaces an AbstractConv2d_gradInputs, or the reason why nothing does."""
    op, (w, g, size) = node.op, node.inputs
    if {v.dtype for v in (w, g)} != {"float32"}:
        return "not float32"
    if op.num_groups != 1 or getattr(op, "unshared", False):
        return "grouped or unshared filters"
    known = tuple(op.kshp[2:]) if op.kshp is not None else (None, None)
    if None in known:
        return "a filter size that is not known before the net runs"
    known = tuple(map(int, known))
    reach = tuple((n - 1) * apart + 1 for n, apart in zip(known, op.filter_dilation, strict=True))
    border = border_of(op.border_mode, reach)
    if border is None:
        return "a border that is not valid, same, full or a number"
    fused = ConvTransposed(
        known, tuple(map(int, border)), bool(op.filter_flip), tuple(map(int, op.subsample)),
        tuple(map(int, op.filter_dilation)),
    )  # fmt: skip
    (old,) = node.outputs
    return tensor.patternbroadcast(fused(w, g, size[0], size[1]), old.broadcastable)

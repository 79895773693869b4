"""The Theano Ops of a stage: ConvPool and, for its gradients, ConvPoolGrad.

They are put into a graph by rewrite.py only, after gradients were taken. perform() is the
NumPy reference; make_thunk() calls the kernels.
"""

from __future__ import annotations

import ctypes

import numpy as np
import theano
import theano.tensor as T
from theano.gof import Apply, Op

from runtime.engine import library
from runtime.engine.conv_pool import reference
from runtime.engine.thunks import thunk_of


class _Stage(Op):
    """What both Ops know of their stage.

    Parameters
    ----------
    filter_size : (int, int)
    border : (int, int, int, int)
        Rows and columns of zeros around x: top, bottom, left, right.
    flip : bool
        The filters are turned by 180 degrees, Theano's default.
    rectify : bool
    ignore_border : bool
        Windows that reach over the border are left out.
    x_last : bool
        x comes from another stage, which wrote it channels last (see library.empty_last), and
        its gradient goes there.
    """

    def infer_out(self, rows, columns):
        """Return the rows and columns of z, of x's."""
        top, bottom, left, right = self.border
        i, j = self.filter_size
        return rows + top + bottom - i + 1, columns + left + right - j + 1

    def infer_pooled(self, rows, columns):
        """Return the rows and columns of p, of x's."""
        up = 0 if self.ignore_border else 1
        return tuple((size + up) // 2 for size in self.infer_out(rows, columns))

    def stage(self, x_shape, filters, p_last):
        """Return the kernels' description of a batch of this shape."""
        images, channels, rows, columns = x_shape
        out, pooled = self.infer_out(rows, columns), self.infer_pooled(rows, columns)
        if min(out) < 1:
            raise ValueError(
                f"an image of {rows}x{columns} with a border of {self.border} is smaller than "
                f"the filters, {self.filter_size[0]}x{self.filter_size[1]}"
            )
        return library.Stage(
            images, channels, rows, columns, filters, *self.filter_size, self.border[0],
            self.border[2], *out, *pooled, self.flip, self.rectify, self.x_last, p_last,
        )  # fmt: skip

    def _x(self, x):
        return library.as_last(x) if self.x_last else np.ascontiguousarray(x)


def _pointer(array):
    return None if array is None else array.ctypes.data


class ConvPool(_Stage):
    """Max-pooled, rectified outputs of a convolution, and which output won in each window.

    Inputs: x (n, c, h, w), filters w (f, c, i, j) and, where `bias`, b (f,), all float32.
    Outputs: p (n, f, ph, pw) float32, winners (n, ph, pw, padded f) uint8. See `_Stage` for
    the other parameters; `p_last`: p is written channels last.
    """

    __props__ = (
        "filter_size", "border", "flip", "rectify", "ignore_border", "bias", "x_last", "p_last",
    )  # fmt: skip

    def __init__(
        self, filter_size, border, flip, rectify, ignore_border, bias, x_last=False, p_last=False
    ):
        self.filter_size, self.border, self.flip = filter_size, border, flip
        self.rectify, self.ignore_border, self.bias = rectify, ignore_border, bias
        self.x_last, self.p_last = x_last, p_last

    def make_node(self, x, w, *b):
        pattern = (x.broadcastable[0], w.broadcastable[0], False, False)
        p = T.TensorType("float32", pattern)()
        winners = T.TensorType("uint8", (False,) * 4)()
        return Apply(self, [x, w, *b], [p, winners])

    def infer_shape(self, node, shapes):
        (images, _, rows, columns), (filters, *_) = shapes[:2]
        pooled = self.infer_pooled(rows, columns)
        lanes = library.lanes()
        padded = (filters + lanes - 1) // lanes * lanes
        return [(images, filters, *pooled), (images, *pooled, padded)]

    def perform(self, node, inputs, outputs):
        p, winners = reference.conv_pool(
            *inputs, border=self.border, flip=self.flip, rectify=self.rectify,
            ignore_border=self.ignore_border,
        )  # fmt: skip
        padding = library.round_up(p.shape[1]) - p.shape[1]
        outputs[0][0] = p
        outputs[1][0] = np.pad(winners, ((0, 0), (0, 0), (0, 0), (0, padding)))

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        kernels = library.kernels()
        if kernels is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")

        def run(x, w, b=None):
            stage = self.stage(x.shape, len(w), self.p_last)
            shape = stage.images, stage.filters, stage.pool_rows, stage.pool_columns
            p = library.empty_last(*shape) if self.p_last else library.empty(shape)
            n, f, *pooled = shape
            winners = library.empty((n, *pooled, library.round_up(f)), "uint8")
            x, w = self._x(x), np.ascontiguousarray(w)
            b = None if b is None else np.ascontiguousarray(b)
            library.call(
                kernels.net2_forward, ctypes.byref(stage), *map(_pointer, (x, w, b, p, winners))
            )
            return p, winners

        return thunk_of(run, node, storage_map, compute_map)


class ConvPoolGrad(_Stage):
    """The gradients of a stage.

    Inputs: x, filters w, winners (of ConvPool) and g, the gradient of p (n, f, ph, pw).
    Outputs: those of w (f, c, i, j) and b (f,) where `of_weights`, then that of x where
    `of_inputs`, all float32. `g_last`: g comes from another stage, channels last.
    """

    __props__ = (
        "filter_size", "border", "flip", "rectify", "ignore_border", "of_weights", "of_inputs",
        "x_last", "g_last",
    )  # fmt: skip

    def __init__(
        self, filter_size, border, flip, rectify, ignore_border, of_weights, of_inputs,
        x_last=False, g_last=False,
    ):  # fmt: skip
        self.filter_size, self.border, self.flip = filter_size, border, flip
        self.rectify, self.ignore_border = rectify, ignore_border
        self.of_weights, self.of_inputs = of_weights, of_inputs
        self.x_last, self.g_last = x_last, g_last

    def make_node(self, x, w, winners, g):
        outputs = []
        if self.of_weights:
            outputs += [w.type(), T.TensorType("float32", (w.broadcastable[0],))()]
        if self.of_inputs:
            outputs.append(x.type())
        return Apply(self, [x, w, winners, g], outputs)

    def infer_shape(self, node, shapes):
        x, w, *_ = shapes
        return ([w, w[:1]] if self.of_weights else []) + ([x] if self.of_inputs else [])

    def perform(self, node, inputs, outputs):
        x, w, winners, g = inputs
        gradients = reference.conv_pool_grad(x, w, winners, g, self.border, self.flip)
        wanted = [*[self.of_weights] * 2, self.of_inputs]
        for cell, value in zip(
            outputs, (v for v, yes in zip(gradients, wanted, strict=True) if yes), strict=True
        ):
            cell[0] = theano._asarray(value, dtype="float32")

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        kernels = library.kernels()
        if kernels is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")

        def run(x, w, winners, g):
            stage = self.stage(x.shape, len(w), self.g_last)
            results = []
            if self.of_weights:
                results += [library.empty(w.shape), library.empty((len(w),))]
            dw, db = results or (None, None)
            dx = None
            if self.of_inputs:
                dx = library.empty_last(*x.shape) if self.x_last else library.empty(x.shape)
                results.append(dx)
            x, w = self._x(x), np.ascontiguousarray(w)
            g = library.as_last(g) if self.g_last else np.ascontiguousarray(g)
            arrays = (x, w, winners, g, dw, db, dx)
            library.call(kernels.net2_backward, ctypes.byref(stage), *map(_pointer, arrays))
            return results

        return thunk_of(run, node, storage_map, compute_map)

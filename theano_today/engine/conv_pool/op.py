"""The Theano Ops of a stage: ConvPool and, for its gradients, ConvPoolGrad.

They are put into a graph by rewrite.py only, after gradients were taken. perform() is the
NumPy reference; make_thunk() calls the kernels.
"""

from __future__ import annotations

import numpy as np
import theano
import theano.tensor as T
from theano.gof import Apply, Op

from theano_today.engine import library
from theano_today.engine.conv_pool import reference
from theano_today.engine.thunks import thunk_of


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
    x_blocked : bool
        x comes from another stage, which wrote it in blocks of channels: (n, blocks, h, w, V)
        for vectors of V channels, zeros behind the last (see kernels/stage.hpp).
    scale : float or None
        Where a dropout layer follows: p is multiplied by this float32 and by a mask.
    pool : int
        2, or 1 for a stage without a pool: p is then z, or z rectified.
    subsample, dilation : (int, int)
        Without a pool: the steps in which filters go over x, and in which their taps lie.
    in_order : bool
        Without a pool: equal patches have equal sums wherever they are, since a pool that is no
        part of the stage compares them. No Winograd, whose sums depend on the place in a square.
    """

    def in_words(self):
        """Say what it computes, in few words."""
        words = ["{}x{}".format(*self.filter_size)]
        for name, numbers in ("stride", self.subsample), ("dilation", self.dilation):
            if numbers != (1, 1):
                words.append("{} {}x{}".format(name, *numbers))
        told = ("rectify", self.rectify), ("pool", self.pool == 2), ("dropout", self.dropped)
        return " + ".join([" ".join(words), *(word for word, holds in told if holds)])

    def infer_out(self, rows, columns):
        """Return the rows and columns of z, of x's."""
        top, bottom, left, right = self.border
        beyond = rows + top + bottom, columns + left + right
        return tuple(
            (n - (size - 1) * apart - 1) // step + 1
            for n, size, apart, step in zip(
                beyond, self.filter_size, self.dilation, self.subsample, strict=True
            )
        )

    def infer_pooled(self, rows, columns):
        """Return the rows and columns of p, of x's."""
        if self.pool == 1:
            return self.infer_out(rows, columns)
        up = 0 if self.ignore_border else 1
        return tuple((size + up) // 2 for size in self.infer_out(rows, columns))

    @property
    def dropped(self):
        """Whether a mask (n, f, ph, pw), bool, is among the inputs."""
        return self.scale is not None

    def check_mask(self, mask, stage):
        """Raise ValueError if a mask is not of p's shape."""
        shape = stage.images, stage.filters, stage.pool_rows, stage.pool_columns
        if mask.shape != shape:
            raise ValueError(f"Input dimension mis-match: a mask of shape {mask.shape} for {shape}")

    def drop(self, p, mask):
        """Return p, or its gradient, (n, f, ph, pw), behind the dropout layer."""
        if p.shape != mask.shape:
            raise ValueError(f"Input dimension mis-match: {mask.shape} for {p.shape}")
        return p * p.dtype.type(self.scale) * mask

    @property
    def has_winners(self):
        """Say whether going backward needs the winners; else they are an array of 0 blocks."""
        return self.pool == 2 or self.rectify

    def unpooled(self):
        """Return the settings of a stage without a pool, for reference.py."""
        return {"subsample": self.subsample, "dilation": self.dilation}

    def stage_shape(self, shape, w, *, dx_blocked=False, p_blocked=False):
        """Return the kernels' description of a batch of images of this shape and these filters.

        Raises
        ------
        ValueError
            If they do not fit each other, or the filters are larger than the images.
        """
        images, here, rows, columns = shape[:4]
        filters, channels, *size = w.shape
        wanted = library.blocks(channels) if self.x_blocked else channels
        if tuple(size) != self.filter_size or here != wanted:
            raise ValueError(
                f"images of shape {shape} do not fit filters of shape {w.shape}; expected "
                f"{channels} channels and filters of {self.filter_size[0]}x{self.filter_size[1]}"
            )
        out, pooled = self.infer_out(rows, columns), self.infer_pooled(rows, columns)
        if min(out) < 1:
            raise ValueError(
                f"an image of {rows}x{columns} with a border of {self.border} is smaller than "
                f"the filters, {size[0]}x{size[1]}"
                + (f" with a dilation of {self.dilation}" if self.dilation != (1, 1) else "")
            )
        return library.StageShape(
            images, channels, rows, columns, filters, *size, self.border[0], self.border[2],
            *out, *pooled, self.flip, self.rectify, self.x_blocked, dx_blocked, p_blocked,
            self.pool, *self.subsample, *self.dilation, self.in_order,
        )  # fmt: skip


def forward(stages, kept, x, factors):
    """Call the kernels for stages that follow each other.

    Parameters
    ----------
    stages : sequence of ConvPool
    kept : sequence of (bool, bool)
        Which of each one's p and winners are wanted.
    x : ndarray
        The first one's.
    factors : sequence of (w,), (w, b), (w, mask) or (w, b, mask)
        Each one's.

    Returns
    -------
    list of (p, winners)
        Each one's; None is what is not wanted.
    """
    links, pairs, shape = [], [], x.shape
    for op, wanted, own in zip(stages, kept, factors, strict=True):
        w, bias, mask = op.split(own)
        stage = op.stage_shape(shape, w, p_blocked=op.p_blocked)
        if op.dropped:
            op.check_mask(mask, stage)
        shape, winners_shape = op.shapes(stage)
        p = library.empty(shape) if wanted[0] else None
        winners = library.empty(winners_shape, "uint8") if wanted[1] else None
        link = library.link(stage, x=x, w=w, b=bias, p=p, winners=winners, mask=mask)
        link.scale = op.scale or 0
        links.append(link)
        pairs.append((p, winners))
    library.call_chain("today_forward", links)
    return pairs


def backward(stages, arrays):
    """Call the kernels for the gradients of stages that follow each other.

    Parameters
    ----------
    stages : sequence of ConvPoolGrad
    arrays : sequence of ndarray
        x, w, winners and, behind dropout, the mask of each, then g, the gradient of the last
        one's p.

    Returns
    -------
    list of ndarray
        The gradients of each one's w and b, then that of the first one's x, those that are wanted.
    """
    *rest, g = arrays
    dx = stages[0].empty_dx(*rest[:2])
    links, results = [], []
    for op in stages:
        own, rest = rest[: op.count], rest[op.count :]
        x, w, winners = own[:3]
        mask = own[3] if op.dropped else None
        stage = op.stage_shape(x.shape, w, dx_blocked=op.dx_blocked, p_blocked=op.g_blocked)
        if op.dropped:
            op.check_mask(mask, stage)
        dw, db = op.empty(w)
        link = library.link(stage, x=x, w=w, winners=winners, g=g, dw=dw, db=db, dx=dx, mask=mask)
        link.scale = op.scale or 0
        links.append(link)
        results += [dw, db]
    library.call_chain("today_backward", links)
    return [array for array in [*results, dx] if array is not None]


def _blocked_type(dtype):
    return T.TensorType(dtype, (False,) * 5)


def to_blocks(array):
    """Return (n, c, h, w) as (n, blocks, h, w, V)."""
    n, c, h, w = array.shape
    lanes = library.lanes()
    blocked = np.zeros((n, library.blocks(c) * lanes, h, w), array.dtype)
    blocked[:, :c] = array
    blocked = blocked.reshape(n, library.blocks(c), lanes, h, w)  # n may be 0: no -1 here
    return np.ascontiguousarray(blocked.transpose(0, 1, 3, 4, 2))


def from_blocks(array, channels):
    """Return (n, blocks, h, w, V) as (n, c, h, w)."""
    n, blocks, h, w, lanes = array.shape
    return array.transpose(0, 1, 4, 2, 3).reshape(n, blocks * lanes, h, w)[:, :channels]


def _in_whole_blocks(factor):
    """Return w or b with filters of zeros behind the last, as the kernels have them."""
    more = library.blocks(len(factor)) * library.lanes() - len(factor)
    return np.concatenate([factor, np.zeros((more, *factor.shape[1:]), factor.dtype)])


def same_winners(first, second):
    """Say whether two arrays of winners differ in hardly any window, as rounding may have it.

    For DebugMode, which compares those of perform() with the kernels': of two outputs that are
    equal but for the last bit of their sums, either may win. On random images that is one window
    in a million or so; one in a thousand, or a single one, is let pass.
    """
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    return np.count_nonzero(first != second) <= max(1, first.size // 1000)


class ConvPool(_Stage):
    """Max-pooled, rectified outputs of a convolution, and which output won in each window.

    Without a pool: outputs, rectified or not, and rectify's slopes.

    Inputs: x (n, c, h, w), filters w (f, c, i, j) and, where `bias`, b (f,), all float32, and,
    where `scale` is not None, a mask (n, f, ph, pw), bool. Outputs: p (n, f, ph, pw), or in blocks
    where `p_blocked`, float32; and winners, in blocks, uint8 (see kernels/window.hpp). The other
    parameters are `_Stage`'s.
    """

    __props__ = (
        "filter_size", "border", "flip", "rectify", "ignore_border", "bias",
        "x_blocked", "p_blocked", "scale", "pool", "subsample", "dilation", "in_order",
    )  # fmt: skip

    def __init__(
        self, filter_size, border, flip, rectify, ignore_border, bias,
        x_blocked=False, p_blocked=False, scale=None,
        pool=2, subsample=(1, 1), dilation=(1, 1), in_order=False,
    ):  # fmt: skip
        self.filter_size, self.border, self.flip = filter_size, border, flip
        self.rectify, self.ignore_border, self.bias = rectify, ignore_border, bias
        self.x_blocked, self.p_blocked, self.scale = x_blocked, p_blocked, scale
        self.pool, self.subsample, self.dilation = pool, subsample, dilation
        self.in_order = in_order

    def __str__(self):
        return f"ConvPool{{{self.in_words()}}}"

    def split(self, factors):
        """Return w, b and mask, or None for what is not there, of the inputs but x."""
        w, *rest = factors
        return w, rest[0] if self.bias else None, rest[-1] if self.dropped else None

    def make_node(self, x, w, *rest):
        if self.p_blocked:
            p = _blocked_type("float32")()
        else:
            p = T.TensorType("float32", (x.broadcastable[0], w.broadcastable[0], False, False))()
        winners = _blocked_type("uint8")()
        winners.tag.values_eq_approx = same_winners
        return Apply(self, [x, w, *rest], [p, winners])

    def infer_shape(self, node, shapes):
        images, rows, columns = shapes[0][0], shapes[0][2], shapes[0][3]
        filters, lanes = shapes[1][0], library.lanes()
        pooled = self.infer_pooled(rows, columns)
        blocked = (images, library.blocks(filters), *pooled, lanes)
        winners = blocked if self.has_winners else (images, 0, *pooled, lanes)
        return [blocked if self.p_blocked else (images, filters, *pooled), winners]

    def shapes(self, stage):
        """Return the shapes of p and of winners."""
        n, f, pooled = stage.images, stage.filters, (stage.pool_rows, stage.pool_columns)
        blocked = n, library.blocks(f), *pooled, library.lanes()
        winners = blocked if self.has_winners else (n, 0, *pooled, library.lanes())
        return blocked if self.p_blocked else (n, f, *pooled), winners

    def perform(self, node, inputs, outputs):
        x, *factors = inputs
        w, b, mask = self.split(factors)
        filters, channels = w.shape[:2]
        stage = (
            from_blocks(x, channels) if self.x_blocked else x, _in_whole_blocks(w),
            None if b is None else _in_whole_blocks(b), self.border, self.flip, self.rectify,
        )  # fmt: skip
        if self.pool == 1:
            p, winners = reference.conv(*stage, **self.unpooled())
        else:
            p, winners = reference.conv_pool(*stage, self.ignore_border)
        if self.dropped:
            p[:, :filters] = self.drop(p[:, :filters], mask)
        outputs[0][0] = to_blocks(p) if self.p_blocked else np.ascontiguousarray(p[:, :filters])
        winners = to_blocks(winners.transpose(0, 3, 1, 2))
        outputs[1][0] = winners if self.has_winners else winners[:, :0]

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        if library.stages() is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")

        def run(*arrays):
            x, *factors = map(np.ascontiguousarray, arrays)
            return forward([self], [(True, True)], x, [factors])[0]

        return thunk_of(run, node, storage_map, compute_map)


class ConvPoolGrad(_Stage):
    """The gradients of a stage.

    Inputs: x, filters w, winners (of ConvPool), where `scale` is not None the mask, and g, the
    gradient of p, all as ConvPool has them. Outputs: the gradients of w (f, c, i, j) and of b
    (f,) where `of_weights`, then that of x where `of_inputs`, all float32. In blocks: g where
    `g_blocked`, the gradient of x where `dx_blocked`.
    """

    __props__ = (
        "filter_size", "border", "flip", "rectify", "ignore_border", "of_weights", "of_inputs",
        "x_blocked", "dx_blocked", "g_blocked", "scale",
        "pool", "subsample", "dilation", "in_order",
    )  # fmt: skip

    def __init__(
        self, filter_size, border, flip, rectify, ignore_border, of_weights, of_inputs,
        x_blocked=False, dx_blocked=False, g_blocked=False, scale=None,
        pool=2, subsample=(1, 1), dilation=(1, 1), in_order=False,
    ):  # fmt: skip
        self.filter_size, self.border, self.flip = filter_size, border, flip
        self.rectify, self.ignore_border = rectify, ignore_border
        self.of_weights, self.of_inputs = of_weights, of_inputs
        self.x_blocked, self.dx_blocked, self.g_blocked = x_blocked, dx_blocked, g_blocked
        self.scale = scale
        self.pool, self.subsample, self.dilation = pool, subsample, dilation
        self.in_order = in_order

    def __str__(self):
        return f"ConvPoolGrad{{{self.in_words()}}}"

    @property
    def count(self):
        """How many inputs it has but g."""
        return 3 + self.dropped

    def make_node(self, x, w, *rest):
        outputs = []
        if self.of_weights:
            outputs += [w.type(), T.TensorType("float32", (w.broadcastable[0],))()]
        if self.of_inputs:
            planes = (x.broadcastable[0], w.broadcastable[1], False, False)
            planes_type = T.TensorType("float32", planes)
            outputs.append((_blocked_type("float32") if self.dx_blocked else planes_type)())
        return Apply(self, [x, w, *rest], outputs)

    def infer_shape(self, node, shapes):
        x, w, *_ = shapes
        blocks = [library.blocks(w[1]), *x[2:4], library.lanes()]
        dx = (x[0], *(blocks if self.dx_blocked else (w[1], *x[2:4])))
        return ([w, w[:1]] if self.of_weights else []) + ([dx] if self.of_inputs else [])

    def empty(self, w):
        """Return arrays for the gradients of w and b, or None twice."""
        if not self.of_weights:
            return None, None
        return library.empty(w.shape), library.empty((len(w),))

    def empty_dx(self, x, w):
        """Return an array for the gradient of x, or None."""
        if not self.of_inputs:
            return None
        n, channels, size = len(x), w.shape[1], x.shape[2:4]
        blocked = n, library.blocks(channels), *size, library.lanes()
        return library.empty(blocked if self.dx_blocked else (n, channels, *size))

    def perform(self, node, inputs, outputs):
        x, w, winners, *mask, g = inputs
        filters, channels = w.shape[:2]
        x = from_blocks(x, channels) if self.x_blocked else x
        g = from_blocks(g, filters) if self.g_blocked else g
        g = self.drop(g, mask[0]) if self.dropped else g
        won = None
        if self.has_winners:
            won = from_blocks(winners, filters).transpose(0, 2, 3, 1)  # (n, ph, pw, f)
        stage = x, w, won, g, self.border, self.flip
        if self.pool == 1:
            dw, db, dx = reference.conv_grad(*stage, **self.unpooled())
        else:
            dw, db, dx = reference.conv_pool_grad(*stage)
        values = [dw, db] if self.of_weights else []
        if self.of_inputs:
            values.append(to_blocks(dx) if self.dx_blocked else np.ascontiguousarray(dx))
        for cell, value in zip(outputs, values, strict=True):
            cell[0] = theano._asarray(value, dtype="float32")

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        if library.stages() is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")

        def run(*arrays):
            return backward([self], list(map(np.ascontiguousarray, arrays)))

        return thunk_of(run, node, storage_map, compute_map)

"""Images that stay in blocks of channels between stages: batch normalisation, rectify, sums.

Stages compute on blocked images, (n, blocks, h, w, V). What lies between them in a residual net, a
DCGAN, or any net with batch normalisation, is elementwise functions and sums over all but the
channels, which Channelwise does in either form. Where more is saved than lost, such functions that
read each other's images, and the stages around them, exchange blocks. What else reads one of the
images gets it as planes.

Saved is a rearrangement wherever a stage writes or reads one of the images; lost is one for each
image that something else writes or reads.
"""

from __future__ import annotations

import logging

import numpy as np
import theano.scalar as ts
from theano.compile import SharedVariable, optdb
from theano.compile.ops import Shape_i
from theano.gof import Apply, Op, Variable
from theano.tensor import TensorType, lscalar

from theano_today.engine import library
from theano_today.engine.channelwise.composites import computed, is_constant, number_of, scalar_op
from theano_today.engine.channelwise.op import Channelwise
from theano_today.engine.channelwise.program import program_of
from theano_today.engine.channelwise.rewrite import is_function, is_sum
from theano_today.engine.conv_pool.op import ConvPool, ConvPoolGrad, from_blocks, to_blocks
from theano_today.engine.conv_pool.rewrite import remade
from theano_today.engine.conv_pool.transposed import ConvTransposed
from theano_today.engine.patterns import ON_KERNELS, Rewrite
from theano_today.engine.thunks import thunk_of

log = logging.getLogger("theano_today")

_IMAGES = (False,) * 4


class ToBlocks(Op):
    """Images (n, c, h, w) in blocks, (n, blocks, h, w, V); both float32."""

    __props__ = ()

    def make_node(self, x):
        return Apply(self, [x], [TensorType("float32", (False,) * 5)()])

    def infer_shape(self, node, shapes):
        n, c, h, w = shapes[0]
        return [(n, library.blocks(c), h, w, library.lanes())]

    def perform(self, node, inputs, outputs):
        outputs[0][0] = to_blocks(inputs[0])

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        if library.kernels() is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")

        def run(x):
            n, c, h, w = x.shape
            x = np.ascontiguousarray(x)
            out = library.empty((n, library.blocks(c), h, w, library.lanes()))
            library.call("today_to_blocks", x.ctypes.data, out.ctypes.data, n, c, h * w)
            return (out,)

        return thunk_of(run, node, storage_map, compute_map)


class ToPlanes(Op):
    """Images in blocks, and how many channels they have, as (n, c, h, w)."""

    __props__ = ()

    def make_node(self, x, count):
        return Apply(self, [x, count], [TensorType("float32", _IMAGES)()])

    def infer_shape(self, node, shapes):
        n, _, h, w, _ = shapes[0]
        return [(n, node.inputs[1], h, w)]

    def perform(self, node, inputs, outputs):
        outputs[0][0] = np.ascontiguousarray(from_blocks(inputs[0], int(inputs[1])))

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        if library.kernels() is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")

        def run(x, count):
            (n, _, h, w, _), c = x.shape, int(count)
            x = np.ascontiguousarray(x)
            out = library.empty((n, c, h, w))
            library.call("today_to_planes", x.ctypes.data, out.ctypes.data, n, c, h * w)
            return (out,)

        return thunk_of(run, node, storage_map, compute_map)


class SameChannels(Op):
    """How many channels images have that meet each other: int64 scalars, which must be equal.

    Blocks do not show it: 17 channels lie in as many as 20.
    """

    __props__ = ()

    def make_node(self, *counts):
        return Apply(self, list(counts), [lscalar()])

    def infer_shape(self, node, shapes):
        return [()]

    def perform(self, node, inputs, outputs):
        counts = {int(count) for count in inputs}
        if len(counts) > 1:
            raise ValueError(
                f"Input dimension mis-match: images of {sorted(counts)} channels meet each other"
            )
        outputs[0][0] = np.asarray(counts.pop(), np.int64)


def _is_image(v: Variable) -> bool:
    kind = v.type
    return isinstance(kind, TensorType) and (kind.dtype, kind.broadcastable) == (
        "float32", _IMAGES,
    )  # fmt: skip


def _written(node) -> tuple[Variable, tuple] | None:
    """Return the image that a stage writes as planes, and which length of w its channels are."""
    op = node.op
    if isinstance(op, ConvPool) and not op.p_blocked:
        return node.outputs[0], (node.inputs[1], 0)
    if isinstance(op, ConvPoolGrad) and op.of_inputs and not op.dx_blocked:
        return node.outputs[-1], (node.inputs[1], 1)
    if isinstance(op, ConvTransposed) and not op.dx_blocked:
        return node.outputs[0], (node.inputs[0], 1)
    return None


def _read(node) -> list[tuple[int, str, tuple]]:
    """Return the images that a stage reads as planes: place, property, length of w."""
    op, found = node.op, []
    if isinstance(op, (ConvPool, ConvPoolGrad)) and not op.x_blocked:
        found.append((0, "x_blocked", (node.inputs[1], 1)))
    if isinstance(op, ConvPoolGrad) and not op.g_blocked:
        found.append((len(node.inputs) - 1, "g_blocked", (node.inputs[1], 0)))
    if isinstance(op, ConvTransposed) and not op.g_blocked:
        found.append((1, "g_blocked", (node.inputs[0], 0)))
    return found


def _functions_of(node):
    """Return what a node computes as Channelwise's composite and sums, of which of its inputs."""
    if isinstance(node.op, Channelwise):
        return node.op.composite, node.op.sums, node.inputs
    scalars = [number_of(v) if is_constant(v) else ts.float32() for v in node.inputs]
    varying = {s: v for s, v in zip(scalars, node.inputs, strict=True) if not is_constant(v)}
    inputs = list(varying.values())
    if is_sum(node):
        return ts.Composite(list(varying), [ts.identity(*scalars)]), (True,), inputs
    op = scalar_op(node)
    outputs = computed(op, scalars)
    return ts.Composite(list(varying), outputs), (False,), inputs


class _Group:
    """Functions and sums whose images are blocked together, or not."""

    def __init__(self, nodes) -> None:
        self.nodes = nodes
        images = [v for node in nodes for v in [*node.inputs, *node.outputs] if _is_image(v)]
        self.images = list(dict.fromkeys(images))
        self.lengths: list[tuple] = []  # of w: the channels
        self.saved = sum(self._saved(v) for v in self.images)

    def _saved(self, v: Variable) -> int:
        saved = 0
        if v.owner is not None and (written := _written(v.owner)) and written[0] is v:
            self.lengths.append(written[1])
            saved += 1
        elif v.owner not in self.nodes:
            saved -= 1
        for user, place in v.clients:
            found = [of for at, _, of in _read(user) if at == place] if user != "output" else []
            self.lengths += found
            saved += len(found)
        return saved - self.others_read(v)

    def others_read(self, v: Variable) -> bool:
        """Say whether something reads this image that takes no blocks."""
        for user, place in v.clients:
            if user == "output" or not (
                user in self.nodes
                or any(at == place for at, *_ in _read(user))
                or isinstance(user.op, Shape_i)
            ):
                return True
        return False

    def pays(self) -> bool:
        """Say whether to block it: zeros behind the last channel cost time as well."""
        if self.saved <= 0 or not self.lengths:
            return False
        for w, axis in self.lengths:
            if not isinstance(w, SharedVariable):
                return False
            count = w.get_value(borrow=True).shape[axis]
            if 4 * count < 3 * library.blocks(count) * library.lanes():
                return False
        for node in self.nodes:
            composite, _, inputs = _functions_of(node)
            of_images = [_is_image(v) for v in inputs]
            if program_of(composite, of_images) is None:
                return False
        return True

    def channels(self) -> Variable:
        """Return how many channels its images have."""
        counts = list(dict.fromkeys(self.lengths))
        made = [Shape_i(axis)(w) for w, axis in counts]
        return made[0] if len(made) == 1 else SameChannels()(*made)


def _groups(order) -> list[_Group]:
    nodes = [
        node for node in order
        if (isinstance(node.op, Channelwise) and not node.op.blocked)
        or is_function(node) or is_sum(node)
    ]  # fmt: skip
    group_of: dict = {}  # by image: the list of nodes
    for node in nodes:
        mine = [node]
        for v in [v for v in [*node.inputs, *node.outputs] if _is_image(v)]:
            other = group_of.get(v)
            if other is not None and other is not mine:
                small, large = sorted((mine, other), key=len)
                large += small
                for image, group in group_of.items():
                    if group is small:
                        group_of[image] = large
                mine = large
            group_of[v] = mine
    found = {id(group): group for group in group_of.values()}
    return [_Group(group) for group in found.values()]


class BlockImages(Rewrite):
    """Let functions between stages compute on blocks, where that saves rearrangements."""

    def rewrite(self, fgraph):
        order = fgraph.toposort()
        group_of, counts = {}, {}
        groups = [group for group in _groups(order) if group.pays()]
        for group in groups:
            count = group.channels()
            for v in group.images:
                group_of[v], counts[v] = group, count
        if not groups:
            return
        blocked: dict[Variable, Variable] = {}
        pairs: list[tuple[Variable, Variable]] = []

        def in_blocks(v):
            if v not in blocked:
                blocked[v] = ToBlocks()(v)
            return blocked[v]

        replaced: dict[Variable, Variable] = {}
        for node in order:
            inputs = [replaced.get(v, v) for v in node.inputs]
            new = self._remade(node, inputs, group_of, counts, in_blocks)
            if new is None:
                continue
            for old, made in zip(node.outputs, new.outputs, strict=True):
                if old not in group_of:
                    replaced[old] = made
                    pairs.append((old, made))
                    continue
                blocked[old] = made
                for user, _ in old.clients:
                    if user != "output" and isinstance(user.op, Shape_i):
                        axis = user.op.i
                        length = counts[old] if axis == 1 else Shape_i(axis)(made)
                        pairs.append((user.outputs[0], length))
                if group_of[old].others_read(old):
                    pairs.append((old, ToPlanes()(made, counts[old])))
        fgraph.replace_all_validate(pairs, reason="conv_pool_blocks")
        log.info("%d functions between stages compute on blocks", sum(len(g.nodes) for g in groups))

    @staticmethod
    def _remade(node, inputs, group_of, counts, in_blocks):
        """Return a node that exchanges blocks, or None where nothing changes."""
        images = [v for v in [*inputs, *node.outputs] if v in group_of]
        if images and node in group_of[images[0]].nodes:
            composite, sums, read = _functions_of(node)
            now = dict(zip(node.inputs, inputs, strict=True))
            inputs = [in_blocks(now[v]) if _is_image(v) else now[v] for v in read]
            return Channelwise(composite, sums, blocked=True).make_node(*inputs, counts[images[0]])
        changes = {}
        for place, name, _ in _read(node):
            if inputs[place] in group_of:
                inputs[place], changes[name] = in_blocks(inputs[place]), True
        written = _written(node)
        if written is not None and written[0] in group_of:
            name = "p_blocked" if isinstance(node.op, ConvPool) else "dx_blocked"
            changes[name] = True
        return remade(node, inputs=inputs, **changes) if changes else None


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=conv_pool_blocks`` turns it off."""
    # Behind Channelwise (49.8), before stages become chains (49.9). Once: Theano may be reloaded.
    if "conv_pool_blocks" not in optdb:
        optdb.register("conv_pool_blocks", BlockImages(), 49.85, "fast_run", ON_KERNELS)

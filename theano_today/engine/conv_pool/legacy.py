"""ConvOp, the convolution of 2010 to 2015, in the words of today's: AbstractConv2d.

theano.tensor.nnet.conv.conv2d and theano.tensor.signal.conv.conv2d make ConvOps, and the
gradient of a ConvOp is two more of them:

    forward, valid      z = ConvOp{valid}(x, w)
    gradient of w       dw = turned(swapped(ConvOp{valid}(swapped(x), turned(swapped(dz)))))
    gradient of x       dx = ConvOp{full}(dz, turned(swapped(w)))
    forward, full       z = ConvOp{full}(x, w)
    gradient of w       dw = ConvOp{valid}(swapped(dz), turned(swapped(x)))
    gradient of x       dx = ConvOp{valid}(dz, turned(swapped(w)))

where swapped exchanges the first two axes and turned reverses the last two. Each becomes
AbstractConv2d or one of its gradients, so that rewrite.py finds stages in them, and Theano
makes products of matrices of the rest.

What a ConvOp was told of its inputs' shapes it verifies each time it runs; so do these graphs,
by `Sizes`, where the shapes do not follow from others. ConvOps with logical shapes (gradients of
strided ones), with openmp, and of other dtypes stay what they are.
"""

from __future__ import annotations

from theano import tensor
from theano.compile import ops, optdb
from theano.gof import Apply, Constant, Op, Variable
from theano.tensor import elemwise, subtensor
from theano.tensor.nnet import abstract_conv, conv
from theano.tensor.signal import pool

from theano_today.engine.patterns import Rewrite

Known = tuple[int | None, ...]


class Sizes(Op):
    """Its input, once that has these sizes.

    Parameters
    ----------
    sizes : tuple of int or None
        None is any size.
    """

    __props__ = ("sizes",)
    view_map = {0: [0]}  # noqa: RUF012  (Theano's own protocol)

    def __init__(self, sizes):
        self.sizes = sizes

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        (x,) = inputs
        if any(given not in (None, n) for given, n in zip(self.sizes, x.shape, strict=True)):
            raise ValueError(
                f"an array of shape {x.shape} in a convolution whose image_shape and filter_shape "
                f"say {self.sizes}; give the shapes that arrays have, or None"
            )
        outputs[0][0] = x

    def infer_shape(self, node, shapes):
        return [[n if given is None else tensor.as_tensor_variable(given)
                 for given, n in zip(self.sizes, shapes[0], strict=True)]]  # fmt: skip


# ---- what is known of a shape ------------------------------------------------------------


def known_shape(v: Variable) -> Known:
    """Return v's sizes as far as they follow from constants in the graph."""
    unknown = (None,) * v.ndim
    if isinstance(v, Constant):
        return v.data.shape
    node = v.owner
    if node is None:
        return unknown
    first = node.inputs[0]
    if isinstance(node.op, Sizes):
        return node.op.sizes
    if isinstance(node.op, abstract_conv.AbstractConv2d):
        return abstract_conv.get_conv_output_shape(
            node.op.imshp or unknown, node.op.kshp or unknown, node.op.border_mode,
            node.op.subsample, node.op.filter_dilation,
        )  # fmt: skip
    if isinstance(node.op, pool.Pool):
        settings = [tuple(s.data) if isinstance(s, Constant) else None for s in node.inputs[1:]]
        shape = known_shape(first)
        if None in shape[-node.op.ndim :] or None in settings:
            return (*shape[: -node.op.ndim], *[None] * node.op.ndim)
        ws, stride, pad = settings
        pooled = pool.Pool.out_shape(shape, ws, node.op.ignore_border, stride, pad, node.op.ndim)
        return tuple(None if n is None else int(n) for n in pooled)
    if isinstance(node.op, elemwise.DimShuffle):
        shape = known_shape(first)
        return tuple(1 if axis == "x" else shape[axis] for axis in node.op.new_order)
    if isinstance(node.op, elemwise.Elemwise):
        return tuple(map(_broadcast, zip(*_operands(node), strict=True)))
    if isinstance(node.op, ops.Rebroadcast):
        return known_shape(first)
    if isinstance(node.op, tensor.Reshape) and isinstance(node.inputs[1], Constant):
        return tuple(int(n) if n >= 0 else None for n in node.inputs[1].data)
    return unknown


def _operands(node) -> list[Known]:
    return [
        tuple(1 if one else n for one, n in zip(v.broadcastable, known_shape(v), strict=True))
        for v in node.inputs
    ]


def _broadcast(sizes) -> int | None:
    # An axis that is known to be of another size than 1 decides: the others must agree.
    larger = [n for n in sizes if n not in (None, 1)]
    if larger:
        return larger[0]
    return None if None in sizes else 1


# ---- patterns ----------------------------------------------------------------------------


def swapped(v: Variable) -> Variable | None:
    """Return x if v is x with its first two axes exchanged."""
    node = v.owner
    if node is None or not isinstance(node.op, elemwise.DimShuffle):
        return None
    exchanged = node.op.new_order == (1, 0, 2, 3) and node.inputs[0].ndim == 4
    return node.inputs[0] if exchanged else None


def turned(v: Variable) -> Variable | None:
    """Return x if v is x[:, :, ::-1, ::-1]."""
    node = v.owner
    if node is None or not isinstance(node.op, subtensor.Subtensor):
        return None
    whole, reverse = slice(None), slice(None, None, -1)
    found = node.op.get_constant_idx(node.inputs, allow_partial=True)
    return node.inputs[0] if found == [whole, whole, reverse, reverse] else None


def turned_and_swapped(v: Variable) -> Variable | None:
    """Return x if v is x with its first two axes exchanged and its last two reversed."""
    inner = turned(v)
    return None if inner is None else swapped(inner)


def swapped_and_turned_later(v: Variable) -> list[Variable] | None:
    """Return what is made of v if that is only ever v swapped and turned; else None."""
    results = []
    for node, _ in v.clients:
        if node == "output" or swapped(node.outputs[0]) is not v:
            return None
        for user, _ in node.outputs[0].clients:
            if user == "output" or turned(user.outputs[0]) is not node.outputs[0]:
                return None
            results.append(user.outputs[0])
    return results


# ---- the rewrite -------------------------------------------------------------------------


class LegacyConv(Rewrite):
    """Replace ConvOp by AbstractConv2d, and its gradients by that one's."""

    def rewrite(self, fgraph):
        checked: dict = {}
        for node in fgraph.toposort():
            if isinstance(node.op, conv.ConvOp) and node in fgraph.apply_nodes:
                pairs = _replacements(node, checked) if _is_plain(node) else []
                fgraph.replace_all_validate(
                    [(old, tensor.patternbroadcast(new, old.broadcastable)) for old, new in pairs],
                    reason="legacy_conv",
                )


def _is_plain(node) -> bool:
    op = node.op
    return (
        type(op) is conv.ConvOp
        and node.inputs[0].dtype in ("float32", "float64")
        and op.imshp == op.imshp_logical
        and op.kshp == op.kshp_logical
        and not op.openmp
    )


def _replacements(node, checked) -> list[tuple[Variable, Variable]]:
    """Return pairs of what is in the graph and what computes the same."""
    op, (images, filters), (z,) = node.op, node.inputs, node.outputs
    channels, rows, columns = op.imshp
    unit = (op.dx, op.dy) == (1, 1)
    x, g, w = swapped(images), turned_and_swapped(filters), turned_and_swapped(filters)
    if unit and op.out_mode == "valid" and x is not None and g is not None:
        later = swapped_and_turned_later(z)
        if later:
            # images: (c, n, ...), filters: (f, n, ...)
            imshp, kshp = (channels, op.bsize, rows, columns), (op.nkern, op.bsize, *op.outshp)
            dw = _grad_weights("valid", x, g, imshp, kshp, checked)
            return [(old, dw) for old in later]
        # images: dz (f, n, ...), filters: x (c, n, ...)
        imshp, kshp = (channels, op.nkern, *op.kshp), (op.bsize, op.nkern, *op.outshp)
        return [(z, _grad_weights("full", g, x, imshp, kshp, checked))]
    if unit and w is not None:
        mode = "full" if op.out_mode == "valid" else "valid"
        kshp = (channels, op.nkern, *op.kshp)
        w = _checked(w, kshp, checked)
        imshp = (op.bsize, op.nkern, *op.outshp)
        dx = abstract_conv.AbstractConv2d_gradInputs(imshp, kshp, mode, (1, 1), True)
        size = [_image_size(mode, images, w, axis) for axis in (2, 3)]
        return [(z, dx(w, images, tensor.stack(size)))]
    imshp, kshp = (op.bsize, *op.imshp), (op.nkern, channels, *op.kshp)
    images, filters = _checked(images, imshp, checked), _checked(filters, kshp, checked)
    forward = abstract_conv.AbstractConv2d(imshp, kshp, op.out_mode, (op.dx, op.dy), True)
    return [(z, forward(images, filters))]


def _grad_weights(mode, x, g, imshp, kshp, checked) -> Variable:
    x = _checked(x, imshp, checked)
    op = abstract_conv.AbstractConv2d_gradWeights(imshp, kshp, mode, (1, 1), True)
    size = [_filter_size(mode, x, g, axis) for axis in (2, 3)]
    return op(x, g, tensor.stack(size))


def _filter_size(mode, x, g, axis) -> Variable:
    if mode == "valid":
        return x.shape[axis] - g.shape[axis] + 1
    return g.shape[axis] - x.shape[axis] + 1


def _image_size(mode, g, w, axis) -> Variable:
    if mode == "valid":
        return g.shape[axis] + w.shape[axis] - 1
    return g.shape[axis] - w.shape[axis] + 1


def _checked(v: Variable, sizes: Known, checked: dict) -> Variable:
    """Return v, with a node that verifies these sizes unless they follow from others."""
    sizes = tuple(sizes)
    known = known_shape(v)
    if all(given in (None, n) for given, n in zip(sizes, known, strict=True)):
        return v
    # One and the same for a convolution and its gradients: rewrite.py wants the same variable.
    if (v, sizes) not in checked:
        checked[v, sizes] = Sizes(sizes)(v)
    return checked[v, sizes]


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=legacy_conv`` turns it off."""
    # Before conv_pool (0.05), which reads what this writes.
    if "legacy_conv" not in optdb:
        optdb.register("legacy_conv", LegacyConv(), 0.04, "fast_run")

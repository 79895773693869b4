"""ConvOp: theano.tensor.nnet.conv.conv2d and signal.conv.conv2d, which programs until 2015 use.

Its gradients are ConvOps as well, of images and filters spread out with zeros in between: to the
op's "logical" shapes. An output is a convolution: filters are turned over.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from theano.tensor.nnet.conv import ConvOp

from theano_today.torch_link.dispatch.basic import implements
from theano_today.torch_link.target import torch_dtype


@implements(ConvOp)
def legacy_convolution(op, node, target):
    dtype = node.outputs[0].type.dtype
    if dtype not in ("float32", "float64"):  # nor does Theano's C code
        return None
    low = target.precision == "bf16" and dtype == "float32"
    inner = torch.bfloat16 if low else torch_dtype(dtype)

    def function(x, filters):
        _refuse("image", op.imshp, x.shape[1:])
        _refuse("filter", op.kshp, filters.shape[2:])
        _refuse("batch size", (op.bsize,), x.shape[:1])
        _refuse("number of filters", (op.nkern,), filters.shape[:1])
        x = _spread(x, op.imshp_logical[1:], top_aligned=True)
        filters = _spread(filters, op.kshp_logical, op.kshp_logical_top_aligned)
        sides = [k - 1 for k in filters.shape[2:]] if op.out_mode == "full" else 0
        x, filters = x.to(inner), filters.flip((2, 3)).to(inner)
        return F.conv2d(x, filters, None, (op.dx, op.dy), sides).to(torch_dtype(dtype))

    return function


def _refuse(what: str, declared, shape) -> None:
    declared = declared or [None] * len(shape)
    if any(d is not None and d != s for d, s in zip(declared, shape, strict=True)):
        raise ValueError(
            f"ConvOp: {what} shape {tuple(shape)} at run time, {tuple(declared)} was declared"
        )


def _spread(x, logical, top_aligned: bool):
    """(n, channels, rows, columns) -> (n, channels, *logical), with zeros in between."""
    sizes = [
        s if wanted is None else wanted for s, wanted in zip(x.shape[2:], logical, strict=True)
    ]
    if sizes == list(x.shape[2:]):
        return x
    places: list = [slice(None), slice(None)]
    for size, wanted in zip(x.shape[2:], sizes, strict=True):
        step = -(-wanted // size)
        first = 0 if top_aligned else (wanted - size * step - 1 + step) % step
        places.append(slice(first, None, step))
    result = x.new_zeros((*x.shape[:2], *sizes))
    result[tuple(places)] = x
    return result

"""Matrix products: Dot and the BLAS Ops that Theano's optimizer makes of it."""

from __future__ import annotations

import torch
from theano.tensor import basic as tb
from theano.tensor import blas

from theano_today.torch_link.dispatch.basic import implements, is_number
from theano_today.torch_link.target import torch_dtype


def _product(node, target, function):
    """`function` of tensors in the precision wanted, with the output's dtype."""
    out = node.outputs[0].type.dtype
    if not out.startswith("float"):
        return None  # torch multiplies no matrices of integers on a GPU
    dtype = torch_dtype(out)
    inner = torch.bfloat16 if target.precision == "bf16" and out == "float32" else dtype

    def call(*matrices):
        try:
            return function(*[m.to(inner) for m in matrices]).to(dtype)
        except RuntimeError as error:
            raise _shape_error(error, matrices) from None

    return call


def _shape_error(error: RuntimeError, matrices) -> Exception:
    left, right = matrices[-2:]
    if left.shape[-1] == right.shape[-2 if right.ndim > 1 else -1]:
        return error
    return ValueError(
        f"Shape mismatch: x has {left.shape[-1]} cols (and {left.shape[0]} rows) but y has "
        f"{right.shape[0]} rows (and {right.shape[-1]} cols)"
    )


@implements(tb.Dot, blas.Dot22)
def dot(op, node, target):
    return _product(node, target, torch.matmul)


@implements(blas.Dot22Scalar, numbers="0-d")
def dot_scaled(op, node, target):
    product = _product(node, target, torch.mm)
    return product and (lambda x, y, scale: product(x, y) * scale)


@implements(blas.BatchedDot)
def batched_dot(op, node, target):
    x, y = node.inputs

    def function(a, b):
        a = a if x.ndim == 3 else a[:, None, :]  # (n, k) -> (n, 1, k)
        b = b if y.ndim == 3 else b[:, :, None]  # (n, k) -> (n, k, 1)
        return torch.bmm(a, b)

    product = _product(node, target, function)
    if product is None:
        return None

    def call(a, b):
        if a.shape[0] != b.shape[0]:
            raise TypeError(
                f"batched_dot of {a.shape[0]} and {b.shape[0]} matrices; the numbers must agree"
            )
        rows, columns = tuple(a.shape[1:-1]), tuple(b.shape[2:])
        return product(a, b).reshape((a.shape[0], *rows, *columns))

    return call


def _accumulated(node, target, fused, product):
    """``beta * z + alpha * product``, by `fused` if both factors are numbers."""
    rounded = _product(node, target, product)

    def call(z, alpha, x, y, beta):
        if is_number(alpha) and is_number(beta) and target.precision != "bf16":
            try:
                return fused(z, x, y, beta=beta, alpha=alpha)
            except RuntimeError as error:
                raise _shape_error(error, (x, y)) from None
        return beta * z + alpha * rounded(x, y)

    return rounded and call


@implements(blas.Gemm, numbers="0-d")
def gemm(op, node, target):
    return _accumulated(node, target, torch.addmm, torch.mm)


@implements(blas.Gemv, numbers="0-d")
def gemv(op, node, target):
    return _accumulated(node, target, torch.addmv, torch.mv)


@implements(blas.Ger, numbers="0-d")
def ger(op, node, target):
    return lambda a, alpha, x, y: a + alpha * torch.outer(x, y)

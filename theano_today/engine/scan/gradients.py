"""What becomes of the arrays of all steps that a scan's gradient takes and gives.

The loop of a gradient runs backwards: what it computes of each step is in the wrong order, and so
is what it takes of the scan forward. Of an LSTM with gates g that are computed of states h,

    the weights' gradient   reshape(h[::-1]) transposed @ reshape(dg), both of all steps
    dg[::-1]                is added to zeros, as h[:steps] was a part of what is longer

Each of these is a copy of all steps. Here the loop writes from the last entry to the first
(`backwards`), so that dg[::-1] lies in memory as everybody wants it; the product takes both arrays
in their former order; and the gradient of the last step, which is added to zeros of a batch, then
to zeros of all steps, is written once.
"""

from __future__ import annotations

import numpy as np
from theano.compile import optdb
from theano.gof import Apply, Op
from theano.gof.opt import copy_stack_trace
from theano.scan_module.scan_op import Scan
from theano.tensor import TensorType, basic, blas
from theano.tensor.elemwise import DimShuffle
from theano.tensor.subtensor import Subtensor

from theano_today.engine import dispatch, genuine, library
from theano_today.engine.patterns import Rewrite
from theano_today.engine.products import product

NAME = "scan_gradients"


class ProductOverSteps(Op):
    """reshape(x, shape) @ reshape(y, other) for x (n, steps, rows) and y (steps, rows, m).

    Where the steps of y are in the reverse order in memory, both are taken in the order of memory:
    then neither is copied. The sum over all steps and rows is the same but for rounding.
    """

    __props__ = ()

    def make_node(self, x, shape, y, other):
        return Apply(self, [x, shape, y, other], [TensorType("float32", (False, False))()])

    def perform(self, node, inputs, output_storage) -> None:
        x, shape, y, other = inputs
        n, steps, rows = x.shape
        alike = y.shape[:2] == (steps, rows)
        alike = alike and _means(shape, (n, steps * rows))
        if alike and y.strides[0] < 0 and _means(other, (steps * rows, y.shape[2])):
            x, y = x[:, ::-1], y[::-1]
        x, y = dispatch.reshaped(x, shape, 2), dispatch.reshaped(y, other, 2)
        output_storage[0][0] = product(x, y) if library.kernels() else np.dot(x, y)

    def infer_shape(self, node, input_shapes):
        _, shape, _, other = node.inputs
        return [(shape[0], other[1])]

    def connection_pattern(self, node):
        return [[True], [False], [True], [False]]


def _means(shape, lengths: tuple[int, int]) -> bool:
    """Say whether a reshape to `shape`, where a length may be -1, gives these lengths."""
    given = [int(n) for n in shape]
    fits = len(given) == 2 and all(a in (b, -1) for a, b in zip(given, lengths, strict=True))
    return fits and given != [-1, -1]


class TakeGradients(Rewrite):
    """Make `ProductOverSteps` of a product of what was reshaped for it."""

    def rewrite(self, fgraph):
        for node in fgraph.toposort():
            if type(node.op) is blas.Dot22 and genuine.is_genuine(node.op):
                x, y = (_reshaped(v) for v in node.inputs)
                if x is None or y is None or not _runs_backwards(x[0]) or not _of_scan(y[0]):
                    continue
                made = ProductOverSteps()(*x, *y)
                copy_stack_trace(node.outputs[0], made)
                fgraph.replace_all_validate([(node.outputs[0], made)], reason=NAME)


def _reshaped(v) -> list | None:
    """Return x and the shape of reshape(x, shape), of three dimensions, that only v needs."""
    node = v.owner
    if node is None or type(node.op) is not basic.Reshape or not genuine.is_genuine(node.op):
        return None
    fits = node.inputs[0].ndim == 3 and v.type.dtype == "float32" and len(v.clients) == 1
    return node.inputs if fits else None


def _runs_backwards(v) -> bool:
    """Say whether v is x[...:...:-1] with its last axis in front."""
    node = v.owner
    if node is None or not isinstance(node.op, DimShuffle) or node.op.new_order != (2, 0, 1):
        return False
    part = node.inputs[0].owner
    if part is None or type(part.op) is not Subtensor:
        return False
    entry, *more = part.op.get_constant_idx(part.inputs, allow_partial=True)
    return not more and isinstance(entry, slice) and _is_minus_one(entry.step)


def _is_minus_one(step) -> bool:
    return isinstance(step, (int, np.integer)) and step == -1


def _of_scan(v) -> bool:
    return v.owner is not None and type(v.owner.op) is Scan


def backwards(node) -> set[int]:
    """Return which outputs of a scan are to be stored from the last entry to the first.

    Those that are wanted in this order, as x[::-1], and else only by `ProductOverSteps`.
    """
    op = node.op
    first = op.n_mit_mot + op.n_mit_sot + op.n_sit_sot
    found = set()
    for k in range(first, first + op.n_nit_sot):
        clients = node.outputs[k].clients
        reverse = [c for c, at in clients if c != "output" and at == 0 and _is_reverse(c)]
        others = [(c, at) for c, at in clients if c not in reverse]
        if reverse and all(
            c != "output" and type(c.op) is ProductOverSteps and at == 2 for c, at in others
        ):
            found.add(k)
    return found


def _is_reverse(node) -> bool:
    """Say whether a node is x[::-1]."""
    if type(node.op) is not Subtensor:
        return False
    entry, *more = node.op.get_constant_idx(node.inputs, allow_partial=True)
    if more or not isinstance(entry, slice) or not _is_minus_one(entry.step):
        return False
    return entry.start is None and entry.stop is None


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=scan_gradients`` turns it off."""
    if NAME in optdb:
        return  # Theano was reloaded
    # Behind BLAS (1.7) and what merges and fuses (49), before what works in place (75)
    optdb.register(NAME, TakeGradients(), 49.45, "fast_run", "scan")

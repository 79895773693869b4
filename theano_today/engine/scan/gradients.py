"""What becomes of the arrays of all steps that a scan's gradient takes and gives.

The loop of a gradient runs backwards: what it computes of each step is in the wrong order, and so
is what it takes of the scan forward. Of an LSTM with gates g that are computed of states h,

    the weights' gradient   reshape(h[::-1]) transposed @ reshape(dg), both of all steps
    dg[::-1]                is added to zeros, as g was a part of what is longer; then it is a
                            factor of other weights' gradients, and its sum that of a bias

Each of these is a copy of all steps. Here the loop writes from the last entry to the first
(`backwards`), so that dg[::-1] lies in memory as everybody wants it, and the product takes both
arrays in their former order. All products with dg, and its sum, are taken in one pass over it
(`GradientsOverSteps`). The gradient of the last step, which is added to zeros of a batch and these
to zeros of all steps, is written where it belongs at once (`IncreasedZeros`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from theano.compile import optdb
from theano.gof import Apply, Op
from theano.gof.graph import ancestors
from theano.gof.opt import copy_stack_trace
from theano.scan_module.scan_op import Scan
from theano.tensor import TensorType, basic, blas
from theano.tensor.elemwise import DimShuffle, Sum
from theano.tensor.subtensor import Subtensor, get_idx_list

from theano_today.engine import dispatch, genuine, library, readers
from theano_today.engine.patterns import ON_KERNELS, Rewrite
from theano_today.engine.products import matrix, product

NAME = "scan_gradients"
_MANY = 2048  # rows from which on the kernel's product() divides them among threads, too


class ProductOverSteps(Op):
    """reshape(x, shape) @ reshape(y, other) for x (n, steps, rows) and y (steps, rows, m).

    Where the steps of y are in the reverse order in memory, both are taken in the order of memory:
    then neither is copied. The sum over all steps and rows is the same but for rounding.
    """

    __props__ = ()
    adds_up = True  # see readers.py

    def make_node(self, x, shape, y, other):
        return Apply(self, [x, shape, y, other], [TensorType("float32", (False, False))()])

    def perform(self, node, inputs, output_storage) -> None:
        output_storage[0][0] = multiplied(*matrices(*inputs))

    def infer_shape(self, node, input_shapes):
        _, shape, _, other = node.inputs
        return [(shape[0], other[1])]

    def connection_pattern(self, node):
        return [[True], [False], [True], [False]]


class IncreasedZeros(Op):
    """Zeros, increased by other zeros with their axes in another order, increased by y.

    Parameters
    ----------
    outer, inner : IncSubtensor
        What increases the zeros, and the other zeros.
    order : tuple of int
        Of the other zeros' axes.

    Inputs are y, the lengths of the zeros, of the other zeros, and what `outer` and `inner` are
    given as indices.
    """

    __props__ = ("outer", "inner", "order")

    def __init__(self, outer, inner, order) -> None:
        self.outer, self.inner, self.order = outer, inner, order

    def make_node(self, y, *others):
        zeros = TensorType(y.dtype, (False,) * self._ndims()[0])
        return Apply(self, [y, *others], [zeros()])

    def __str__(self) -> str:
        return f"IncreasedZeros{{{self.outer}, {self.inner}}}"

    def _ndims(self) -> tuple[int, int]:
        return len(self.order) + self.dropped(), len(self.order)

    def dropped(self) -> int:
        """Say how many axes of the zeros are a single index."""
        return sum(not isinstance(entry, slice) for entry in self.outer.idx_list)

    def _parts(self, others) -> tuple:
        """Return the lengths of both and the indices of both."""
        ndim, other = self._ndims()
        indices = others[ndim + other :]
        count = len(get_needed(self.outer.idx_list))
        return others[:ndim], others[ndim : ndim + other], indices[:count], indices[count:]

    def perform(self, node, inputs, output_storage) -> None:
        y, *others = inputs
        *lengths, outer, inner = self._parts(others)
        shape, of_other = (tuple(int(n) for n in some) for some in lengths)
        if min(*shape, *of_other) < 0:
            raise MemoryError(f"alloc failed: of shape {min(shape, of_other)}")
        zeros = library.empty(shape, y.dtype)
        zeros[...] = 0
        part = zeros[_index(self.outer, zeros, outer)]
        behind = tuple(np.argsort(self.order))
        fits = part.shape == tuple(of_other[k] for k in self.order)
        # Else it is broadcast, or an error.
        other = part.transpose(behind) if fits else np.zeros(of_other, y.dtype)
        target = other[_index(self.inner, other, inner)]
        np.add(y, np.zeros((), y.dtype), out=target)  # 0 + -0 is 0
        if not fits:
            np.add(part, other.transpose(self.order), out=part)
        output_storage[0][0] = zeros

    def infer_shape(self, node, input_shapes):
        return [tuple(self._parts(node.inputs[1:])[0])]

    def connection_pattern(self, node):
        return [[k == 0] for k in range(len(node.inputs))]


def get_needed(idx_list) -> list:
    """Return the entries of an index that are inputs of its node."""
    ends: list = []
    for entry in idx_list:
        ends += [entry.start, entry.stop, entry.step] if isinstance(entry, slice) else [entry]
    return [end for end in ends if end is not None and not isinstance(end, (int, np.integer))]


def _index(op, x, values) -> tuple:
    return (*get_idx_list((x, *values), op.idx_list), ...)


def _increased_once(node):
    if not _of_zeros(node):
        return None
    shuffled = node.inputs[1].owner
    if shuffled is None or type(shuffled.op) is not DimShuffle:
        return None
    other, order = shuffled.inputs[0].owner, tuple(shuffled.op.new_order)
    if other is None or not _of_zeros(other) or sorted(order, key=str) != [*range(len(order))]:
        return None
    op = IncreasedZeros(node.op, other.op, order)
    alone = len(shuffled.outputs[0].clients) == len(other.outputs[0].clients) == 1
    zeros, out = node.inputs[0], node.outputs[0]
    part = out.ndim - op.dropped()  # its dimensions
    if not alone or part != len(order) or out.broadcastable != (False,) * out.ndim:
        return None
    if len({v.type.dtype for v in (out, other.outputs[0], other.inputs[1])}) > 1:
        return None
    lengths = [*zeros.owner.inputs[1:], *other.inputs[0].owner.inputs[1:]]
    return op(other.inputs[1], *lengths, *node.inputs[2:], *other.inputs[2:])


def _of_zeros(node) -> bool:
    return genuine.is_genuine(node.op) and readers.increases_zeros(node)


def _means(shape, lengths: tuple[int, int]) -> bool:
    """Say whether a reshape to `shape`, where a length may be -1, gives these lengths."""
    given = [int(n) for n in shape]
    fits = len(given) == 2 and all(a in (b, -1) for a, b in zip(given, lengths, strict=True))
    return fits and given != [-1, -1]


def matrices(x, shape, y, other) -> tuple[np.ndarray, np.ndarray]:
    """Return the factors of a `ProductOverSteps`.

    Raises
    ------
    ValueError
        In Theano's words, where an array does not have that shape.
    """
    n, steps, rows = x.shape
    alike = y.shape[:2] == (steps, rows) and _means(shape, (n, steps * rows))
    if alike and y.strides[0] < 0 and _means(other, (steps * rows, y.shape[2])):
        x, y = x[:, ::-1], y[::-1]
    return dispatch.reshaped(x, shape, 2), dispatch.reshaped(y, other, 2)


def multiplied(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return x @ y, without a compiler, too."""
    return product(x, y) if library.kernels() else np.dot(x, y)


class GradientsOverSteps(Op):
    """A `ProductOverSteps`, further products and a sum over the first two axes.

    Inputs are those of the first, the factors of the other products, and what is summed, of three
    dimensions. Where all of them are of the same array as y, as is usual, it is read only once.
    """

    __props__ = ("count",)
    adds_up = True

    def __init__(self, count: int) -> None:
        self.count = count  # of the other products

    def make_node(self, *inputs):
        matrix = TensorType("float32", (False, False))
        vector = TensorType("float32", inputs[-1].broadcastable[2:])
        products = [matrix() for _ in range(self.count + 1)]
        return Apply(self, list(inputs), [*products, vector()])

    def perform(self, node, inputs, output_storage) -> None:
        factors, summed = inputs[4:-1], inputs[-1]
        x, y = matrices(*inputs[:4])
        pairs = [(x, y), *zip(factors[::2], factors[1::2], strict=True)]
        results = _in_one_pass([left for left, _ in pairs], y, [b for _, b in pairs], summed)
        if results is None:
            total = summed.sum((0, 1), np.float64) + 0.0  # C code starts with 0: of -0 comes 0
            results = [*[multiplied(*pair) for pair in pairs], np.asarray(total, np.float32)]
        for cell, result in zip(output_storage, results, strict=True):
            cell[0] = result

    def infer_shape(self, node, input_shapes):
        _, shape, _, other = node.inputs[:4]
        shapes = input_shapes[4:-1]
        products = [(a[0], b[1]) for a, b in zip(shapes[::2], shapes[1::2], strict=True)]
        return [(shape[0], other[1]), *products, input_shapes[-1][2:]]

    def connection_pattern(self, node):
        shapes = 1, 3
        return [[k not in shapes] * len(node.outputs) for k in range(len(node.inputs))]


def _in_one_pass(lefts, y, rights, summed) -> list | None:
    """Return left @ y for all these, and the sum of y's rows; None if another way is as good.

    `rights` and `summed` should be the same as y.
    """
    rows, n = y.shape
    address = y.ctypes.data
    if rows <= max(2 * n, _MANY) or not library.kernels() or not y.flags.c_contiguous:
        return None
    for b in (*rights, summed):
        if b.ctypes.data != address or not b.flags.c_contiguous or b.shape[-1] != n:
            return None
        if b.size != y.size:
            return None
    if any(left.shape[1] != rows for left in lefts):
        return None
    results = [library.empty((len(left), n)) for left in lefts]
    total = np.empty(n, np.float32)
    words = np.array(
        [
            (address, row, column, len(left), result.ctypes.data)
            for left, result in zip(lefts, results, strict=True)
            for address, row, column in [matrix(left)]
        ],
        np.int64,
    )
    library.call(
        "today_products_and_sum", words.ctypes.data, len(words), address, n, rows,
        total.ctypes.data,
    )  # fmt: skip
    return [*results, total]


class TakeGradients(Rewrite):
    """Make `ProductOverSteps` of a product of what was reshaped for it, with what goes with it.

    And `IncreasedZeros` of zeros that are increased by zeros, which nothing else needs.
    """

    def rewrite(self, fgraph):
        for node in fgraph.toposort():
            made = _increased_once(node)
            if made is not None:
                copy_stack_trace(node.outputs[0], made)
                fgraph.replace_all_validate([(node.outputs[0], made)], reason=NAME)
        for node in fgraph.toposort():
            if type(node.op) is blas.Dot22 and genuine.is_genuine(node.op):
                x, y = (_reshaped(v) for v in node.inputs)
                if x is None or y is None or not _runs_backwards(x[0]) or not _of_scan(y[0]):
                    continue
                old = [node.outputs[0]]
                made = [ProductOverSteps()(*x, *y)]
                with_it = _others(y[0], old[0])
                if with_it is not None:
                    products, total = with_it
                    factors = [v for p in products for v in p.inputs]
                    op = GradientsOverSteps(len(products))
                    made = op(*x, *y, *factors, total.inputs[0], return_list=True)
                    old += [p.outputs[0] for p in products] + [total.outputs[0]]
                for a, b in zip(old, made, strict=True):
                    copy_stack_trace(a, b)
                fgraph.replace_all_validate(list(zip(old, made, strict=True)), reason=NAME)


def _others(y, result) -> tuple[list, Any] | None:
    """Return the products that have y, added to zeros, as right factor, and the sum of it.

    None unless there is one sum, or if one of these needs `result`.
    """
    products: list = []
    sums: list = []
    waiting = [y]
    while waiting:
        v = waiting.pop()
        for client, at in v.clients:
            if client == "output" or not genuine.is_genuine(client.op):
                continue
            kind = type(client.op)
            if (at == 0 and _is_reverse(client)) or (at == 1 and readers.increases_zeros(client)):
                waiting.append(client.outputs[0])
            elif kind is basic.Reshape and at == 0 and client.outputs[0].ndim == 2:
                rights = client.outputs[0].clients
                products += [p for p, k in rights if _is_product(p, k) and p is not result.owner]
            elif kind is Sum and v.ndim == 3 and _over_steps_and_rows(client):
                sums.append(client)
    needed = [v for node in (*products, *sums) for v in node.inputs]
    if len(sums) != 1 or len(products) > 3 or result in ancestors(needed):
        return None
    return products, sums[0]


def _over_steps_and_rows(node) -> bool:
    op, dtype = node.op, node.outputs[0].type.dtype
    return tuple(op.axis or ()) == (0, 1) and (op.acc_dtype, dtype) == ("float64", "float32")


def _is_product(node, at: int) -> bool:
    if node == "output" or type(node.op) is not blas.Dot22 or at != 1:
        return False
    return genuine.is_genuine(node.op)


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
            c != "output" and type(c.op) in (ProductOverSteps, GradientsOverSteps) and at == 2
            for c, at in others
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
    optdb.register(NAME, TakeGradients(), 49.45, "fast_run", "scan", ON_KERNELS)

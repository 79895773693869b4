"""What lies around the images of a convolution, as rows and columns of zeros.

border_mode says so; or Lasagne's pad='same', a full convolution of which the middle is cut out;
or its pad=1 and PadLayer, which put x into zeros before.
"""

from __future__ import annotations

import theano
from theano import scalar, tensor
from theano.gof import Constant, Variable
from theano.tensor import subtensor

from theano_today.engine.patterns import either_way, is_number, operands


def border_of(mode, size) -> tuple[int, int, int, int] | None:
    """Return rows and columns of zeros that a border_mode means: top, bottom, left, right."""
    rows, columns = size
    if mode == "valid":
        return 0, 0, 0, 0
    if mode == "half":
        return rows // 2, rows // 2, columns // 2, columns // 2
    if mode == "full":
        return rows - 1, rows - 1, columns - 1, columns - 1
    if isinstance(mode, tuple) and all(isinstance(n, int) for n in mode):
        return mode[0], mode[0], mode[1], mode[1]
    return None


def same_border(crop, x, size) -> tuple[int, int, int, int] | None:
    """Return the border of a full convolution cropped to x's size, as Lasagne's pad='same'."""
    starts = [(n - 1) // 2 for n in size]
    indices = subtensor.get_idx_list(crop.inputs, crop.op.idx_list)
    if len(indices) != 4 or any(i != slice(None, None, None) for i in indices[:2]):
        return None
    for axis, index, start in zip((2, 3), indices[2:], starts, strict=True):
        if not isinstance(index, slice) or index.step is not None:
            return None
        if _constant(index.start) != start:
            return None
        if not _is_size_plus(index.stop, x, axis, start):
            return None
    (rows, columns), (top, left) = size, (n // 2 for n in size)
    return top, rows - 1 - top, left, columns - 1 - left


def _is_size_plus(v, x: Variable, axis: int, number: int) -> bool:
    # x.shape[axis] + number, as Theano writes it; + 0 may be there or not
    if not isinstance(v, Variable):
        return False
    if v.owner is not None and isinstance(v.owner.op, tensor.basic.ScalarFromTensor):
        v = v.owner.inputs[0]
    options = either_way(operands(v, scalar.Add, 2))
    if number == 0:
        options = [*options, (v, None)]
    for size, plus in options:
        if plus is not None and not is_number(plus, number):
            continue
        if _is_size(size, x, axis):
            return True
    return False


def _is_size(v: Variable, x: Variable, axis: int) -> bool:
    # Subtensor(Shape(x), axis)
    node = v.owner
    if node is None or not isinstance(node.op, subtensor.Subtensor):
        return False
    shape = node.inputs[0].owner
    if shape is None or not isinstance(shape.op, theano.compile.ops.Shape):
        return False
    index = subtensor.get_idx_list(node.inputs, node.op.idx_list)
    return shape.inputs[0] is x and len(index) == 1 and _constant(index[0]) == axis


def without_padding(padded: Variable) -> tuple[Variable, tuple[int, int, int, int]]:
    """Return what zeros were put around, and how many rows and columns: as border_of()."""
    nothing = padded, (0, 0, 0, 0)
    node = padded.owner
    if node is None or not isinstance(node.op, subtensor.IncSubtensor):
        return nothing
    zeros, x = node.inputs[:2]
    if not node.op.set_instead_of_inc or x.ndim != 4 or zeros.owner is None:
        return nothing
    if not isinstance(zeros.owner.op, tensor.Alloc) or not is_number(zeros.owner.inputs[0], 0):
        return nothing
    if x.broadcastable[2:] != (False, False):
        return nothing
    indices = subtensor.get_idx_list(node.inputs[1:], node.op.idx_list)
    if len(indices) != 4 or any(i != slice(None, None, None) for i in indices[:2]):
        return nothing
    # The zeros have as many images and channels, or IncSubtensor would repeat x.
    sizes = zeros.owner.inputs[1:]
    if len(sizes) != 4 or not all(_is_size(sizes[axis], x, axis) for axis in (0, 1)):
        return nothing
    border = []
    for axis, index in zip((2, 3), indices[2:], strict=True):
        before = _constant(index.start) if isinstance(index, slice) else None
        if before is None or before < 0 or index.step is not None:
            return nothing
        if not _is_size_plus(index.stop, x, axis, before):
            return nothing
        total = _number_added(sizes[axis], x, axis)
        if total is None or total < before:
            return nothing
        border += [before, total - before]
    return x, tuple(border)  # type: ignore[return-value]


def _constant(v) -> int | None:
    if isinstance(v, Variable):
        return int(v.data) if isinstance(v, Constant) else None
    return v


def _number_added(v: Variable, x: Variable, axis: int) -> int | None:
    # The number in x.shape[axis] + number + ..., as Lasagne adds them up
    if _is_size(v, x, axis):
        return 0
    for size, plus in either_way(operands(v, scalar.Add, 2)):
        number = _constant(plus) if isinstance(plus, Constant) else None
        rest = _number_added(size, x, axis) if number is not None else None
        if number is not None and rest is not None:
            return number + rest
    return None

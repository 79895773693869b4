"""New values are written all at once, into the memory that the variables have."""

from tests.theano_today.torch_link.compare import torch  # isort: skip  (skips)

import pytest

from theano_today.torch_link.residency import DeviceArray
from theano_today.torch_link.updates import Update, memory, overwritten, write

FLOAT = torch.float32


def variables(*values):
    tensors = [torch.tensor(v, dtype=FLOAT) for v in values]
    return tensors, [[DeviceArray(t)] for t in tensors]


def test_a_swap():
    (a, b), cells = variables([1.0, 2.0], [3.0, 4.0])
    updates = [Update(cells[0], 0, 1, FLOAT), Update(cells[1], 1, 0, FLOAT)]
    assert write(updates, [a, b])
    assert (a.tolist(), b.tolist()) == ([3, 4], [1, 2])


def test_a_view_of_what_is_overwritten():
    (a,), cells = variables([1.0, 2.0, 3.0])
    address = a.data_ptr()
    assert write([Update(cells[0], 0, 1, FLOAT)], [a, a.flip(0) * 1 + 0 * a])
    assert a.tolist() == [3, 2, 1]
    assert write([Update(cells[0], 0, 1, FLOAT)], [a, a[[1, 1, 1]]])
    assert a.tolist() == [2, 2, 2]
    assert write([Update(cells[0], 0, 1, FLOAT)], [a, a[:1].expand(3)])
    assert a.data_ptr() == address


def test_another_shape_moves_the_variable_and_says_so():
    (a,), cells = variables([1.0, 2.0])
    new = torch.ones(1).expand(3)
    assert not write([Update(cells[0], 0, 1, FLOAT)], [a, new])
    moved = cells[0][0]
    assert type(moved) is DeviceArray
    assert memory(moved.tensor) != memory(new)


@pytest.mark.parametrize("dtype", [torch.float64, torch.int32])
def test_the_variables_dtype_is_kept(dtype):
    (a,), cells = variables([1.0, 2.0])
    assert write([Update(cells[0], 0, 1, FLOAT)], [a, torch.tensor([5, 6], dtype=dtype)])
    assert (a.dtype, a.tolist()) == (FLOAT, [5, 6])


def test_what_is_no_tensor_goes_into_its_cell():
    cell = ["old"]
    assert write([Update(cell, 0, 1, None)], ["old", "new"])
    assert cell == ["new"]


def test_what_will_be_overwritten():
    (a, b), cells = variables([1.0], [2.0])
    updates = [Update(cells[0], 0, 1, FLOAT), Update(["state"], 1, 0, None)]
    assert overwritten(updates, [a, b]) == {memory(a[:0])}

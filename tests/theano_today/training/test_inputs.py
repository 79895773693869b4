"""X and y that cannot be trained on are said to be before training; the rest is converted."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
from lasagne import layers
from nolearn.lasagne import NeuralNet, TrainSplit

from tests.tiny_nets import X, Y, tiny
from theano_today.errors import DataError
from theano_today.training.inputs import checked


def net(**arguments):
    made = tiny(**arguments)
    made.initialize_layers()
    return made


def put(array, index, value):
    array = array.copy()
    array[index] = value
    return array


def silent(text):
    raise AssertionError(text)


def test_good_data_are_not_copied():
    found = checked(net(), X, Y, silent)
    assert found[0] is X
    assert found[1] is Y


@pytest.mark.parametrize("dtype", [np.float64, np.float16, ">f4"])
def test_other_floats_are_converted(dtype):
    said = []
    found_X, found_y = checked(net(), X.astype(dtype), Y.astype(dtype), said.append)
    assert found_X.dtype == found_y.dtype == np.dtype("=f4")
    np.testing.assert_allclose(found_X, X, rtol=1e-3)
    kind = np.dtype(dtype)
    assert said == [
        f"{name} is {kind}: converted to float32, which the net computes in" for name in "Xy"
    ]


@pytest.mark.parametrize(
    ("bad_X", "bad_y", "message"),
    [
        (put(X, (7, 3), np.nan), Y, "X has NaN in row 7; leave such rows out"),
        (put(X, (0, 0), np.inf), Y, "X has inf in row 0; leave such rows out"),
        (put(X, (0, 0), -np.inf), Y, "X has inf in row 0; leave such rows out"),
        (X, put(Y, (19, 1), np.nan), "y has NaN in row 19; leave such rows out"),
        (X.astype(np.float64) * 1e300, Y, "X has inf in row 0; leave such rows out"),
        (X[:19], Y, "X has 19 rows, y has 20; each row of X needs one of y"),
        (X[:4], Y[:4], "X and y have 4 rows; the net validates with one of 5 folds (eval_size=0.2)"
         ": give 5 rows or more"),
        (X[:1], Y[:1], "X and y have 1 row; the net validates with one of 5 folds (eval_size=0.2)"
         ": give 5 rows or more"),
        (X[:0], Y[:0], "X and y have 0 rows; the net validates with one of 5 folds (eval_size=0.2)"
         ": give 5 rows or more"),
        (X[:, :5], Y, "X has shape (20, 5), expected (rows, 6)"),
        (X.reshape(20, 1, 6), Y, "X has shape (20, 1, 6), expected (rows, 6)"),
        (X, Y[:, :1], "y has shape (20, 1), expected (rows, 2)"),
        (X, Y[:, 0], "y has shape (20, 1), expected (rows, 2)"),
        (np.round(X * 255), Y, "X has values from 1 to 252; scale them to about 0 to 1, pixels by "
         "X / 255"),
        ((X * 255).astype(np.uint8), Y, "X has values from 1 to 252; scale them to about "
         "0 to 1, pixels by X / 255"),
        (X, Y * 48 + 48, "y has values from 48.0055 to 94.4766; scale them to about -1 to 1, such "
         "as (y - 48) / 48"),
        (list(X), Y, "X is a list, expected a NumPy array"),
        (X, None, "y is a NoneType, expected a NumPy array"),
        (X, np.float32(1)[()], "y is a float32, expected a NumPy array"),
        (X, np.array(1.0), "y is a single number, expected an array of rows"),
        (X.astype(object), Y, "X is of dtype object, expected float32"),
        (X.astype(str), Y, "X is of dtype <U32, expected float32"),
        (X.astype(complex), Y, "X is of dtype complex128, expected float32"),
    ],
)  # fmt: skip
def test_bad_data(bad_X, bad_y, message):
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in (bad_X, bad_y)]
    with pytest.raises(DataError) as caught:
        checked(net(), bad_X, bad_y, lambda text: None)
    assert str(caught.value) == message
    np.testing.assert_array_equal(bad_X, given[0])


def test_in_a_later_block_of_rows():
    many = np.zeros((3000, 6), np.float32)
    many[2500, 2] = np.nan
    with pytest.raises(DataError, match="X has NaN in row 2500;"):
        checked(net(), many, np.zeros((3000, 2), np.float32), silent)


def test_few_rows_without_a_validation_set():
    alone = net(train_split=TrainSplit(eval_size=0))
    checked(alone, X[:1], Y[:1], silent)
    with pytest.raises(DataError, match="X and y have no rows"):
        checked(alone, X[:0], Y[:0], silent)


def test_targets_of_one_output_may_be_flat():
    _, y = checked(net(output_num_units=1), X, Y[:, 0], silent)
    assert y.shape == (20,)


def test_classes_are_not_scaled():
    labels = np.arange(20, dtype=np.int32) * 5
    checked(net(regression=False), X, labels, silent)


def test_several_inputs():
    a, b = layers.InputLayer((None, 6), name="a"), layers.InputLayer((None, 2), name="b")
    both = NeuralNet(layers.DenseLayer(layers.ConcatLayer([a, b]), 2), regression=True)
    both.initialize_layers()
    checked(both, {"a": X, "b": Y}, Y, silent)
    checked(both, {"b": Y, "a": X}, Y, silent)
    with pytest.raises(DataError, match=r"b has shape \(20, 6\), expected \(rows, 2\)"):
        checked(both, {"a": X, "b": X}, Y, silent)
    with pytest.raises(DataError, match=r"X has the inputs \['a'\], the net has \['a', 'b'\]"):
        checked(both, {"a": X}, Y, silent)

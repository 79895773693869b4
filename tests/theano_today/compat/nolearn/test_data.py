"""Labels, pandas' columns, splits, numbers of samples and paths, as programs give them."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pickle

import numpy as np
import pandas
import pytest
from lasagne import layers
from lasagne.nonlinearities import softmax
from nolearn.lasagne import BatchIterator, NeuralNet, SaveWeights, TrainSplit
from theano import tensor as T

from tests.tiny_nets import X, Y, compiled_once, outcome, tiny
from theano_today.compat.nolearn.data import targets
from theano_today.errors import DataError

LABELS = (X[:, 0] > 0.5).astype(np.int32)


def classifier():
    return tiny(regression=False, output_nonlinearity=softmax)


def encoding():
    return tiny(regression=False, output_nonlinearity=softmax, use_label_encoder=True)


def fitted(y, make=classifier):
    return outcome(compiled_once(make).fit(X.copy(), y))


@pytest.mark.parametrize(
    "convert",
    [
        lambda y: y.astype(np.int64),
        lambda y: y.astype(np.uint64),
        lambda y: y.astype(np.float64),
        lambda y: y.astype(object),
        lambda y: pandas.Series(y),
        lambda y: pandas.Series(y.astype(np.int64), index=np.arange(20)[::-1]),
        lambda y: pandas.Series(y, index=list("abcdefghijklmnopqrst"), dtype="int64"),
        lambda y: pandas.Series(y, dtype="Int64"),
        lambda y: pandas.Series(y).astype("category"),
    ],
)
def test_labels_of_other_types_train_as_int32(convert):
    given = convert(LABELS)
    before = given.copy()
    assert fitted(given) == fitted(LABELS)
    assert (given == before).all()
    assert given.dtype == before.dtype


def test_label_encoder():
    words = np.where(LABELS, "yes", "no")
    assert fitted(pandas.Series(words), encoding) == fitted(words, encoding)
    net = compiled_once(encoding)
    assert list(net.classes_) == ["no", "yes"]
    assert set(net.predict(X)) <= {"no", "yes"}


def test_targets_of_a_regression():
    whole = np.arange(40).reshape(20, 2) % 3
    net = compiled_once(tiny)
    assert outcome(net.fit(X, whole)) == outcome(compiled_once(tiny).fit(X, np.float32(whole)))
    frame = pandas.DataFrame(Y, columns=["left", "right"])
    assert fitted(frame, tiny) == fitted(Y, tiny)


@pytest.mark.parametrize(
    ("y", "wanted"),
    [
        ([0, 2**31], "y has 2147483648 in row 1, which int32"),
        ([-(2**31) - 1, 0], "y has -2147483649 in row 0, which int32"),
        (np.array([1, 2**64 - 1], np.uint64), "y has 18446744073709551615 in row 1, which int32"),
        ([0.0, 0.5], "y has 0.5 in row 1, which int32"),
        ([np.nan, 1], "y has nan in row 0, which int32"),
        ([np.inf, 1], "y has inf in row 0, which int32"),
        ([[0, 1], [2**40, 3]], "y has 1099511627776 in row 1, which int32"),
        (["a", "b"], "y is of dtype <U1, expected whole numbers"),
        (np.array([None, 1.0]), "y has nan in row 0, which int32"),
        (np.array(["a", 1.0], object), "y is of dtype object, expected whole numbers"),
    ],
)
def test_labels_that_would_change_are_refused_in_one_line(y, wanted):
    with pytest.raises(DataError) as caught:
        targets(np.asarray(y), T.ivector)
    assert str(caught.value).startswith(wanted)
    assert "\n" not in str(caught.value)


def test_what_keeps_its_values_is_converted():
    random = np.random.RandomState(3)
    for kind, low, high in [("i8", -(2**31), 2**31), ("u8", 0, 2**31), ("f8", -(2**31), 2**31)]:
        y = random.randint(low, high, size=50).astype(kind)
        y[:2] = low, high - 1
        found = targets(y, T.ivector)
        assert found.dtype == np.int32
        assert [int(n) for n in found] == [int(n) for n in y]
    for kept in (np.arange(3, dtype=np.int8), np.array([True, False]), np.arange(3, dtype="i4")):
        assert targets(kept, T.ivector) is kept


def test_whole_numbers_as_float_targets():
    assert targets(np.array([2**24, -3]), T.fmatrix).dtype == np.float32
    with pytest.raises(DataError, match="y has 16777217 in row 1, which float32"):
        targets(np.array([0, 2**24 + 1]), T.fmatrix)
    doubles = np.array([0.1])  # Theano says what it thinks of those
    assert targets(doubles, T.fmatrix) is doubles


def test_eval_size_is_of_one_net():
    mine = TrainSplit(eval_size=0.25)
    for given in ({}, {"train_split": mine}, {"train_split": None}):
        with pytest.warns(UserWarning, match="'eval_size' argument has been deprecated"):
            net = tiny(eval_size=0.5, **given)
        assert net.train_split.eval_size == 0.5
    assert tiny().train_split.eval_size == 0.2
    assert tiny(train_split=mine).train_split is mine
    assert mine.eval_size == 0.25


def without_split():
    return tiny(train_split=None)


def test_no_split_trains_on_everything():
    net = compiled_once(without_split).fit(X, Y)
    assert np.isnan(net.train_history_[-1]["valid_loss"])
    net = compiled_once(tiny)
    net.train_split = TrainSplit(eval_size=0)
    assert outcome(net.fit(X, Y))[1] == fitted(Y, without_split)[1]


def test_one_sample_and_none():
    net = compiled_once(classifier)
    assert net.predict(X[:1]).shape == (1,)
    for predict in (net.predict, net.predict_proba, lambda x: net.get_output("hidden", x)):
        with pytest.raises(DataError) as caught:
            predict(X[0])
        assert str(caught.value) == (
            "X has shape (6,), that of one sample; expected an array of samples: give X[None]"
        )
        with pytest.raises(DataError) as caught:
            predict(X[:0])
        assert str(caught.value) == "X has shape (0, 6), no samples; expected one or more"
    with pytest.raises(TypeError, match="Bad input argument"):  # Theano's own
        net.predict(X[None])


def test_rows_that_a_batch_iterator_makes_samples_of(monkeypatch):
    net = compiled_once(classifier)
    monkeypatch.setattr(net.batch_iterator_test, "transform", lambda Xb, yb: (X[Xb], yb))
    np.testing.assert_array_equal(net.predict(np.arange(6)), net.predict(np.arange(20))[:6])


def test_paths(tmp_path):
    net = compiled_once(tiny)
    net.save_params_to(tmp_path / "weights")
    before = outcome(net)
    for parameter in net.get_all_params():
        parameter.set_value(parameter.get_value() + 1)
    net.load_params_from(tmp_path / "weights")
    assert outcome(net) == before
    SaveWeights(tmp_path / "{epoch}.weights")(net, [{"epoch": 7, "valid_loss": 1.0}])
    assert pickle.loads((tmp_path / "0007.weights").read_bytes()).keys() == set(net.layers_)


def test_several_inputs_without_samples():
    a, b = layers.InputLayer((None, 6), name="a"), layers.InputLayer((None, 2), name="b")
    both = NeuralNet(layers.DenseLayer(layers.ConcatLayer([a, b]), 2), regression=True)
    both.initialize_layers()
    both.predict_iter_ = None  # is not called
    with pytest.raises(DataError, match=r"a has shape \(0, 6\), no samples"):
        both.predict({"a": X[:0], "b": Y[:0]})


def unaligned(array):
    """A copy that cannot be written to, one byte behind where its items belong."""
    memory = np.frombuffer(b"." + array.tobytes(), np.uint8)[1:]
    sent = memory.view(array.dtype).reshape(array.shape)
    assert not sent.flags.aligned
    assert not sent.flags.writeable
    return sent


@pytest.mark.parametrize("shuffle", [False, True])
def test_arrays_as_another_process_sends_them(shuffle):
    split = TrainSplit(eval_size=0)
    nets = [
        tiny(train_split=split, max_epochs=1, batch_iterator_train=BatchIterator(4, shuffle))
        for _ in range(2)
    ]
    np.random.seed(1)
    expected = nets[0].fit(X.copy(), Y.copy()).predict(X)
    np.random.seed(1)
    nets[1].fit(unaligned(X), unaligned(Y))
    np.testing.assert_array_equal(nets[1].predict(unaligned(X)), expected)
    last = nets[1].layers_["output"]
    np.testing.assert_array_equal(nets[1].get_output(last, unaligned(X)), expected)

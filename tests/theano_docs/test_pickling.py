"""tutorial/loading_and_saving, library/misc/pkl_utils: what a pickle of Theano's objects holds."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import copy
import pickle
import zipfile

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile.sharedvalue import SharedVariable
from theano.misc import pkl_utils
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams


def again(thing):
    return pickle.loads(pickle.dumps(thing, protocol=pickle.HIGHEST_PROTOCOL))


def test_shared_variables_and_graphs():
    s, x = theano.shared(np.arange(3.0), name="weights"), T.dvector("x")
    s2, x2, y2 = again((s, x, s * x + 300))
    assert (s2.name, x2.name) == ("weights", "x")
    assert x2.type == x.type
    np.testing.assert_array_equal(s2.get_value(), [0, 1, 2])
    # In one pickle they stay one graph.
    f = theano.function([x2], y2)
    s2.set_value(np.ones(3))
    np.testing.assert_array_equal(f([1, 2, 3]), [301, 302, 303])
    np.testing.assert_array_equal(s.get_value(), [0, 1, 2])


def test_functions_with_a_state():
    s, x = theano.shared(10.0, name="total"), T.dscalar("x")
    f = theano.function([x], s * 2, updates=[(s, s + x)])
    f(1)
    g = again(f)
    assert (float(g(5)), float(g(0))) == (22, 32)
    assert s.get_value() == 11  # the pickle has a state of its own
    assert float(f(0)) == 22


def test_functions_in_one_pickle_share_their_variables():
    s = theano.shared(np.float64(1))
    up = theano.function([], updates=[(s, s + 1)])
    read = theano.function([], s)
    up2, read2, s2 = again([up, read, s])
    up2()
    assert (read2(), s2.get_value(), s.get_value()) == (2, 2, 1)


def test_deep_copies_of_functions():
    s, x = theano.shared(1.0), T.dscalar("x")
    f = theano.function([x], s + x, updates=[(s, s + 1)])
    g = copy.deepcopy(f)
    assert g(0) == 1
    assert s.get_value() == 1


@pytest.mark.parametrize("reoptimize", [True, False])
def test_reoptimized_or_as_it_was(reoptimize):
    x = T.dvector("x")
    f = theano.function([x], T.log(1 + T.exp(x)))
    data = pickle.dumps(f)
    with theano.configparser.change_flags(reoptimize_unpickled_function=reoptimize):
        g = pickle.loads(data)
    value = [-700.0, 0, 3]
    np.testing.assert_array_equal(f(value), g(value))
    assert len(g.maker.fgraph.apply_nodes) == len(f.maker.fgraph.apply_nodes)


@pytest.mark.parametrize("kind", [RandomStreams, MRG_RandomStreams])
def test_random_streams_go_on_where_they_stood(kind):
    f = theano.function([], kind(44).uniform((4,)))
    f()
    g = again(f)
    for _ in range(2):
        np.testing.assert_array_equal(f(), g())


def test_scans_and_conditions():
    from theano.ifelse import ifelse

    x = T.dvector("x")
    out, _ = theano.scan(lambda v, s: s * 0.5 + v, sequences=x, outputs_info=T.zeros((), "float64"))
    f = theano.function([x], ifelse(x.sum() > 0, out[-1], -out[0]))
    g = again(f)
    for value in [1.0, 2], [-1.0, -2]:
        assert f(value) == g(value)


class Model:
    """A class of the user's, as the tutorial has it: what is not to be saved is left out."""

    def __init__(self):
        self.w, self.b = theano.shared(np.eye(2)), theano.shared(np.zeros(2))
        self.data = object()

    def __getstate__(self):
        return self.w, self.b

    def __setstate__(self, state):
        self.w, self.b = state
        self.data = None


def test_a_class_that_says_what_it_saves():
    model = again(Model())
    assert model.data is None
    assert model.w.get_value().tolist() == [[1, 0], [0, 1]]


class TestZipped:
    """theano.misc.pkl_utils.dump: arrays stand in the zip file as NPY files."""

    def test_numpy_reads_the_values(self, tmp_path):
        file = tmp_path / "model.zip"
        s, t = theano.shared(np.arange(4.0), name="foo"), theano.shared(np.eye(2), name="bar")
        with file.open("wb") as f:
            pkl_utils.dump((s, t), f)
        with np.load(file, allow_pickle=True) as arrays:
            assert {"foo", "bar", "pkl"} <= set(arrays.keys())
            np.testing.assert_array_equal(arrays["foo"], np.arange(4.0))
        with file.open("rb") as f:
            s2, t2 = pkl_utils.load(f)
        assert isinstance(s2, SharedVariable)
        np.testing.assert_array_equal(s2.get_value(), s.get_value())
        np.testing.assert_array_equal(t2.get_value(), np.eye(2))

    def test_names_that_come_twice(self, tmp_path):
        file = tmp_path / "model.zip"
        variables = [theano.shared(np.full(2, float(i)), name="w") for i in range(3)]
        variables.append(theano.shared(np.full(2, 9.0)))
        with file.open("wb") as f:
            pkl_utils.dump(variables, f)
        with file.open("rb") as f:
            back = pkl_utils.load(f)
        for a, b in zip(variables, back, strict=True):
            np.testing.assert_array_equal(a.get_value(), b.get_value())
        names = zipfile.ZipFile(file).namelist()
        assert len(names) == len(set(names)) == 5

    def test_plain_arrays_too(self, tmp_path):
        file = tmp_path / "things.zip"
        with file.open("wb") as f:
            pkl_utils.dump({"a": np.arange(3), "b": [np.eye(2), "text"]}, f)
        with file.open("rb") as f:
            back = pkl_utils.load(f)
        assert back["a"].tolist() == [0, 1, 2]
        assert back["b"][1] == "text"
        assert back["b"][0].tolist() == np.eye(2).tolist()


def test_the_pickler_for_graphs(tmp_path):
    x = T.dvector("x")
    y = x * 2 + 1
    file = tmp_path / "graph"
    with file.open("wb") as f:
        pkl_utils.StripPickler(f, protocol=-1).dump(y)
    with file.open("rb") as f:
        z = pickle.load(f)
    np.testing.assert_array_equal(theano.function([z.owner.inputs[0].owner.inputs[0]], z)([1]), [3])

"""Shared variables on the device: all that Theano lets one do with them."""

from tests.theano_today.torch_link.compare import FAST_RUN, TORCH  # isort: skip  (skips)

import copy
import pickle

import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.fresh_python import says
from theano_today.torch_link.residency import DeviceArray

A = np.float32([[1, 2, 3], [4, 5, 6]])


def on_device(variable):
    return isinstance(variable.container.storage[0], DeviceArray)


def address(variable):
    return variable.container.storage[0].tensor.data_ptr()


@pytest.fixture
def w():
    """A variable that is on the device already, and doubles at each call of double()."""
    variable = theano.shared(A, name="w")
    double = theano.function([], variable.sum(), updates=[(variable, variable * 2)], mode=TORCH)
    assert double() == 21
    variable.double = double
    assert on_device(variable)
    return variable


class TestValues:
    def test_get(self, w):
        for borrow in (False, True):
            value = w.get_value(borrow=borrow)
            assert type(value) is np.ndarray
            np.testing.assert_array_equal(value, 2 * A)
            value[:] = 0  # one's own copy
            np.testing.assert_array_equal(w.get_value(), 2 * A)
        assert w.get_value(return_internal_type=True) is w.container.storage[0]

    @pytest.mark.parametrize("borrow", [False, True])
    def test_set_keeps_the_address(self, w, borrow):
        before, new = address(w), A + 1
        w.set_value(new, borrow=borrow)
        assert address(w) == before
        new[:] = 0
        assert w.double() == (A + 1).sum()
        np.testing.assert_array_equal(w.get_value(), 2 * (A + 1))

    def test_set_to_another_shape(self, w):
        w.set_value(np.ones((5, 5), np.float32))
        for total in (25, 50, 100, 200):
            assert w.double() == total

    def test_set_strange_arrays(self, w):
        w.set_value(A.T.copy().T)  # not C-contiguous
        np.testing.assert_array_equal(w.get_value(), A)
        frozen = A + 3
        frozen.flags.writeable = False
        w.set_value(frozen)
        np.testing.assert_array_equal(w.get_value(), A + 3)
        w.set_value(w.get_value(return_internal_type=True))
        np.testing.assert_array_equal(w.get_value(), A + 3)

    def test_what_the_type_refuses(self, w):
        with pytest.raises(TypeError, match="w"):
            w.set_value(np.ones(3, np.float32))
        with pytest.raises(TypeError):
            w.set_value(A.astype(np.float64))
        np.testing.assert_array_equal(w.get_value(), 2 * A)

    @pytest.mark.parametrize("borrow", [False, True])
    def test_zero(self, w, borrow):
        before = address(w)
        w.zero(borrow=borrow)
        assert address(w) == before
        assert w.double() == 0


class TestCopies:
    def test_pickle_and_deepcopy(self, w):
        for again in (pickle.loads(pickle.dumps(w)), copy.deepcopy(w)):
            assert type(again.container.storage[0]) is np.ndarray
            np.testing.assert_array_equal(again.get_value(), 2 * A)
            again.set_value(A)
        np.testing.assert_array_equal(w.get_value(), 2 * A)

    def test_the_file_needs_no_torch(self, w, tmp_path):
        file = tmp_path / "variable.pickle"
        del w.double  # which names its mode, and with it the link
        function = theano.function([], w * 3)
        held = w.get_value(return_internal_type=True)
        file.write_bytes(pickle.dumps((w, held, function)))
        out = says(
            "import sys, pickle, theano_today\n"
            "class NoTorch:\n"
            "    def find_spec(self, name, *rest):\n"
            "        if name == 'torch': raise ModuleNotFoundError(name)\n"
            "sys.meta_path.insert(0, NoTorch())\n"
            f"w, held, function = pickle.load(open({str(file)!r}, 'rb'))\n"
            "print(w.get_value().sum(), type(held).__name__, function().sum())",
            THEANO_FLAGS="optimizer=fast_compile,linker=py",
        )
        assert out.split() == ["42.0", "ndarray", "126.0"]

    def test_a_clone_shares_the_memory(self, w):
        clone = w.clone()
        w.double()
        np.testing.assert_array_equal(clone.get_value(), 4 * A)
        clone.set_value(A)
        assert w.double() == 21

    def test_a_pickled_function(self, w):
        function = theano.function([], w * 3, mode=None)
        again = pickle.loads(pickle.dumps(function))
        np.testing.assert_array_equal(again(), 6 * A)

    def test_copies_of_functions(self, w):
        x = T.matrix()
        add = theano.function([x], w.sum(), updates=[(w, w + x)], mode=TORCH)
        other = theano.shared(A * 0)
        swapped = add.copy(swap={w: other})
        assert add(A) == 42
        assert swapped(A) == [0]
        np.testing.assert_array_equal(other.get_value(), A)
        still = add.copy(delete_updates=True)
        assert still(A) == still(A) == [63]

    def test_as_an_array(self, w):
        held = w.get_value(return_internal_type=True)
        np.testing.assert_array_equal(np.asarray(held), 2 * A)
        np.testing.assert_array_equal(held + 1, 2 * A + 1)
        np.testing.assert_array_equal(np.sqrt(held), np.sqrt(2 * A))
        assert (held.shape, held.ndim, held.size, len(held)) == ((2, 3), 2, 6, 2)
        assert held.dtype == np.float32
        assert held[1, 2] == 12


class TestUpdates:
    def test_old_values_are_what_is_returned(self):
        """The output and the update are of the same moment, at each way to run."""
        w = theano.shared(A)
        step = theano.function([], [w, w.T, w[0]], updates=[(w, w + 1)], mode=TORCH)
        for i in range(5):
            whole, turned, row = step()
            np.testing.assert_array_equal(whole, A + i)
            np.testing.assert_array_equal(turned, (A + i).T)
            np.testing.assert_array_equal(row, A[0] + i)

    def test_swap_alias_and_views(self):
        a, b = theano.shared(A), theano.shared(A * 10)
        c, d = theano.shared(A * 0), theano.shared(A[0] * 0)
        updates = [(a, b), (b, a), (c, a[::-1]), (d, b[1] + c[0])]
        step = theano.function([], updates=updates, mode=TORCH)
        expected = [A, A * 10, A * 0, A[0] * 0]
        for _ in range(5):
            step()
            x, y, z, _w = expected
            expected = [y, x, x[::-1], y[1] + z[0]]
            for variable, value in zip((a, b, c, d), expected, strict=True):
                np.testing.assert_array_equal(variable.get_value(), value)

    def test_a_variable_updated_with_itself(self):
        w = theano.shared(A)
        step = theano.function([], updates=[(w, w)], mode=TORCH)
        for _ in range(3):
            step()
        np.testing.assert_array_equal(w.get_value(), A)

    def test_to_a_constant_or_an_argument(self):
        w, x = theano.shared(A), T.matrix()
        step = theano.function([x], updates=[(w, x)], mode=TORCH)
        for i in range(4):
            step(A * i)
            np.testing.assert_array_equal(w.get_value(), A * i)
        reset = theano.function([], updates=[(w, T.zeros((2, 3)))], mode=TORCH)
        reset()
        assert not w.get_value().any()

    def test_growing(self):
        w = theano.shared(np.ones((1, 2), np.float32))
        grow = theano.function([], w.sum(), updates=[(w, T.concatenate([w, w]))], mode=TORCH)
        assert [grow() for _ in range(5)] == [2, 4, 8, 16, 32]
        assert w.get_value().shape == (32, 2)

    def test_of_other_dtypes(self):
        count, flag = theano.shared(0), theano.shared(np.int8(1))
        step = theano.function([], [count * 2], updates=[(count, count + 1), (flag, -flag)],
                               mode=TORCH)  # fmt: skip
        assert [int(step()[0]) for _ in range(4)] == [0, 2, 4, 6]
        assert count.get_value().dtype == np.int64
        assert flag.get_value().dtype == np.int8

    def test_default_updates(self):
        w = theano.shared(A)
        w.default_update = w + 1
        read = theano.function([], w.sum(), mode=TORCH)
        assert [read() for _ in range(4)] == [21, 27, 33, 39]


class TestBothKindsOfFunctions:
    def test_they_see_each_others_updates(self, w):
        before = address(w)
        add = theano.function([], w.sum(), updates=[(w, w + 1)], mode=FAST_RUN)
        assert add() == 42
        assert w.double() == 48
        assert add() == 96
        assert w.double() == 102
        assert address(w) == before

    def test_a_recording_stays_right(self, w):
        read = theano.function([], w * 1, mode=FAST_RUN)
        for i in range(2, 7):
            w.double()
            np.testing.assert_array_equal(read(), 2.0**i * A)

    def test_givens(self, w):
        x = T.matrix()
        total = theano.function([], (x * x).sum(), givens={x: w}, mode=TORCH)
        assert total() == total() == total() == (4 * A * A).sum()
        w.set_value(A)
        assert total() == (A * A).sum()

    def test_an_error_in_a_function_gives_the_array_back(self, w):
        x = T.matrix()
        bad = theano.function([x], T.dot(w, x), mode=FAST_RUN)
        with pytest.raises(ValueError, match=r"[Ss]hape"):
            bad(A)
        assert on_device(w)
        assert w.double() == 42


def test_generic_variables_stay_objects():
    rng = T.shared_randomstreams.RandomStreams(3)
    draw = theano.function([], rng.uniform((2, 2)), mode=TORCH)
    stock = theano.function([], T.shared_randomstreams.RandomStreams(3).uniform((2, 2)),
                            mode=FAST_RUN)  # fmt: skip
    for _ in range(4):
        np.testing.assert_array_equal(draw(), stock())


def test_uint64_stays_on_the_host():
    v = theano.shared(np.uint64(2**63))
    one = np.uint64(1)
    step = theano.function([], v + one, updates=[(v, v - one)], mode=TORCH)
    assert step() == 2**63 + 1
    assert step() == 2**63
    assert v.get_value() == 2**63 - 2


def test_a_function_that_returns_what_it_updates():
    """The old value is returned, and the new one is there."""
    x = theano.shared(np.float32([1, 2]))
    function = theano.function([], [x, x * 1, x], updates=[(x, x + 1)], mode=TORCH)
    for old in ([1, 2], [2, 3], [3, 4], [4, 5]):
        for found in function():
            assert type(found) is np.ndarray
            assert found.tolist() == old
        assert x.get_value().tolist() == [old[0] + 1, old[1] + 1]

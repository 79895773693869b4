"""Calls of a linked function: arguments, results, recordings, errors, what runs on the host."""

from tests.theano_today.torch_link.compare import FAST_RUN, TORCH, agree, torch  # isort: skip  (skips)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.ifelse import ifelse

from theano_today.torch_link.program import MOST_RECORDINGS
from theano_today.torch_link.results import Later, Mailbox

A = np.float32([[1, 2, 3], [4, 5, 6]])


class TestArguments:
    def test_kinds_of_arrays(self):
        x = T.matrix()
        double = theano.function([x], x * 2, mode=TORCH, allow_input_downcast=True)
        frozen = A.copy()
        frozen.flags.writeable = False
        for value in (A, A[::-1], A[:, ::2], A.T, np.asfortranarray(A), frozen, A.tolist(),
                      A.astype(float), np.zeros((0, 3), np.float32)):  # fmt: skip
            for _ in range(3):
                np.testing.assert_array_equal(double(value), np.asarray(value, np.float32) * 2)

    def test_arguments_and_results_are_nobody_elses(self):
        x = T.matrix()
        same = theano.function([x], [x, x + 0, x[0]], mode=TORCH)
        kept = []
        for i in range(5):
            value = A + i
            kept.append((same(value), value.copy()))
            value[:] = -1
        for found, value in kept:
            np.testing.assert_array_equal(found[0], value)
            np.testing.assert_array_equal(found[2], value[0])
            found[0][:] = 0

    def test_defaults_names_and_none(self):
        x, y = T.scalar("x"), T.scalar("y")
        f = theano.function([x, theano.In(y, value=2.0)], {"sum": x + y, "x": x}, mode=TORCH)
        assert f(1)["sum"] == 3
        assert f(1, y=5)["sum"] == 6
        assert f(1, output_subset=["x"]) == {"x": 1}
        assert theano.function([], mode=TORCH)() == []

    def test_a_mutable_argument(self):
        x = T.matrix()
        f = theano.function([theano.In(x, mutable=True)], x + 1, mode=TORCH)
        value = A.copy()
        np.testing.assert_array_equal(f(value), A + 1)
        np.testing.assert_array_equal(value, A)


class TestRecordings:
    def test_one_for_each_size_seen_twice(self):
        x = T.matrix()
        w = theano.shared(np.float32(0))
        f = theano.function([x], x.sum() + x.shape[0], updates=[(w, w + x.sum())], mode=TORCH)
        total = 0
        for rows in (4, 2, 4, 2, 4, 3, 4, 2, 1):
            value = np.random.RandomState(rows).randint(0, 9, (rows, 3)).astype(np.float32)
            assert f(value) == value.sum() + rows
            total += value.sum()
            assert w.get_value() == total
        assert len(f.fn.recordings) == 2

    def test_not_more_than_a_few(self):
        x = T.vector()
        f = theano.function([x], x.sum(), mode=TORCH)
        for size in range(2 * MOST_RECORDINGS):
            for _ in range(3):
                assert f(np.ones(size, np.float32)) == size
        assert len(f.fn.recordings) == MOST_RECORDINGS

    def test_sizes_given_as_numbers(self):
        n, x = T.iscalar(), T.vector()
        f = theano.function([n, x], T.zeros((n,)) + x[n], mode=TORCH)
        value = np.arange(5, dtype=np.float32)
        for k in (2, 3, 2, 3, 2, 3):
            np.testing.assert_array_equal(f(k, value), np.full(k, k, np.float32))

    def test_a_variable_that_moved(self):
        w = theano.shared(A)
        f = theano.function([], w.sum(), mode=TORCH)
        for i in range(6):
            value = np.full((1 + i // 3, 2), i, np.float32)
            w.set_value(value)
            assert f() == value.sum()

    def test_none_of_what_waits_for_the_device(self):
        x = T.vector()
        f = theano.function([x], x[T.cast(x[0], "int32")], mode=TORCH)
        for k in (1, 2, 1, 0):
            assert f(np.float32([k, 10, 20])) == [k, 10, 20][k]
        assert not f.fn.recordings


class TestErrors:
    @pytest.mark.parametrize("runs", [0, 1, 2, 5])
    def test_the_node_is_named_and_the_function_lives_on(self, runs):
        x, y = T.matrix("x"), T.matrix("y")
        w = theano.shared(np.float32(0))
        f = theano.function([x, y], T.dot(x, y).sum(), updates=[(w, w + 1)], mode=TORCH)
        for _ in range(runs):
            f(A, A.T)
        with pytest.raises(ValueError, match="Shape mismatch") as caught:
            f(A, A)
        text = str(caught.value)
        assert "Apply node that caused the error: Dot22(x, y)" in text
        assert "Inputs shapes: [(2, 3), (2, 3)]" in text
        assert "Backtrace when the node is created" in text
        assert w.get_value() == runs
        assert f(A, A.T) == np.dot(A, A.T).sum()

    def test_bad_arguments_are_theanos_business(self):
        x = T.matrix("x")
        f = theano.function([x], x, mode=TORCH)
        with pytest.raises(TypeError, match="Wrong number of dimensions"):
            f(A[0])
        with pytest.raises(TypeError, match="Missing required input"):
            f()


class TestOnTheHost:
    def test_a_lazy_choice(self):
        c, x = T.iscalar("c"), T.matrix()
        agree([c, x], [ifelse(T.gt(c, 0), x * 2, x - 1)], np.int32(1), A, on_device=False,
              stock=FAST_RUN)  # fmt: skip

    def test_ops_of_ones_own(self, caplog):
        @theano.compile.ops.as_op(itypes=[T.fmatrix], otypes=[T.fmatrix])
        def mirrored(x):
            return x[:, ::-1].copy()

        x = T.matrix()
        w = theano.shared(np.float32(1))
        f = theano.function([x], mirrored(x * 2) + w, updates=[(w, w + 1)], mode=TORCH)
        for i in range(4):
            np.testing.assert_array_equal(f(A), 2 * A[:, ::-1] + 1 + i)
        said = [r.getMessage() for r in caplog.records if "has no torch function" in r.getMessage()]
        assert len(said) == 1

    def test_all_of_it_there(self):
        """Nothing is copied to the device and back: a random stream takes thousands of calls."""
        x = T.matrix()
        function = theano.function([x], T.sort(x, 1), mode=TORCH)
        assert len(function.fn.lowered.steps) == 1
        np.testing.assert_array_equal(function(A[:, ::-1]), A)

    def test_sorting_and_other_rarities(self):
        x = T.matrix()
        outputs = [T.sort(x, 1), T.argsort(x, 0), T.extra_ops.diff(x), T.tri(3)]
        agree([x], outputs, A[:, ::-1].copy(), on_device=False, stock=FAST_RUN)

    def test_complex_numbers(self):
        z = T.zvector()
        agree([z], [z * 2, abs(z)], np.array([1 + 2j, 3j]), on_device=False, stock=FAST_RUN)


class TestLater:
    def test_it_is_a_number(self):
        x = T.matrix()
        f = theano.function([x], [x.sum(), x.max()], mode=TORCH)
        f.fn.mailbox = Mailbox(f.fn.target)
        results = [f(A + i) for i in range(5)]
        for i, (total, top) in enumerate(results):
            assert type(total) is Later
            assert (total.shape, total.ndim, total.dtype) == ((), 0, np.float32)
            assert float(total) == 21 + 6 * i
            assert top == 6 + i
            assert top + 1 == 7 + i
            assert f"{top:.1f}" == f"{6 + i:.1f}"
        columns = np.array(results, dtype=object).T
        assert [np.mean(v) for v in columns[0]] == [21, 27, 33, 39, 45]
        assert np.average([np.mean(v) for v in columns[1]], weights=[1] * 5) == 8

    def test_arrays_come_at_once(self):
        x = T.matrix()
        f = theano.function([x], [x.sum(), x * 2], mode=TORCH)
        f.fn.mailbox = Mailbox(f.fn.target)
        assert all(type(r) is np.ndarray for r in f(A))

    def test_a_bad_index_is_found_when_looked_at(self):
        x, i = T.vector(), T.ivector()
        f = theano.function([x, i], x[i].sum(), mode=TORCH)
        f.fn.mailbox = Mailbox(f.fn.target)
        good, bad = f(A[0], np.int32([0, 1])), f(A[0], np.int32([0, 3]))
        assert float(good) == 3
        with pytest.raises(IndexError, match="out of bounds"):
            float(bad)


def test_two_devices_in_one_process():
    """A mode names its device: nothing is global but the default."""
    from theano_today import torch_link
    from theano_today.torch_link.target import Target

    x = T.matrix()
    modes = [torch_link.mode(Target(torch.device("cpu"), p)) for p in ("float32", "bf16")]
    exact, rounded = (theano.function([x], T.dot(x, x.T), mode=mode) for mode in modes)
    value = np.float32([[1 + 2**-10]])
    assert exact(value) == value * value
    assert rounded(value) == 1
    assert rounded(value).dtype == np.float32


def test_constants_for_what_runs_on_the_host():
    """uint64 is no dtype of the device: what goes with it comes to the host, constants as well."""
    u = T.TensorType("uint64", (False, False))()
    c = np.arange(6, dtype=np.float32).reshape(2, 3)
    outputs = [T.concatenate([u, T.cast(c, "uint64")]), u * c]
    joined, product = theano.function([u], outputs, mode=TORCH)(np.full((2, 3), 2, "uint64"))
    np.testing.assert_array_equal(joined, [[2] * 3, [2] * 3, [0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(product, 2 * c)

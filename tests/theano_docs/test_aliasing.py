"""tutorial/aliasing, library/compile/shared: which memory is Theano's, and who may write to it."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import theano
import theano.tensor as T
from theano import In, Out


def same_memory(a, b):
    return np.shares_memory(a, b)


class TestShared:
    def test_a_copy_unless_borrowed(self):
        given = np.ones(3)
        default, copied = theano.shared(given), theano.shared(given, borrow=False)
        borrowed = theano.shared(given, borrow=True)
        given += 4
        assert default.get_value().tolist() == [1, 1, 1]
        assert copied.get_value().tolist() == [1, 1, 1]
        assert borrowed.get_value().tolist() == [5, 5, 5]

    def test_never_aliased_to_each_other(self):
        given = np.ones(3)
        a, b = theano.shared(given), theano.shared(given)
        assert not same_memory(a.get_value(borrow=True), b.get_value(borrow=True))

    def test_get_value(self):
        s = theano.shared(np.arange(4.0))
        inner = s.container.value
        assert not same_memory(s.get_value(), inner)
        assert not same_memory(s.get_value(borrow=False), inner)
        assert s.get_value(borrow=True) is s.get_value(borrow=True, return_internal_type=True)
        assert same_memory(s.get_value(borrow=True), inner)
        deep = s.get_value(borrow=False, return_internal_type=True)
        assert not same_memory(deep, inner)

    def test_set_value(self):
        s, given = theano.shared(np.zeros(3)), np.arange(3.0)
        s.set_value(given)
        assert not same_memory(s.get_value(borrow=True), given)
        s.set_value(given, borrow=True)
        assert same_memory(s.get_value(borrow=True), given)

    def test_written_in_place_through_a_borrowed_value(self):
        s = theano.shared(np.zeros(3))
        value = s.get_value(borrow=True)
        value[1] = 8
        s.set_value(value, borrow=True)
        assert s.get_value().tolist() == [0, 8, 0]

    def test_another_length_is_fine_another_dtype_or_ndim_is_not(self):
        s = theano.shared(np.zeros(3, "float32"))
        s.set_value(np.ones(7, "float32"))
        assert s.get_value().shape == (7,)
        with pytest.raises(TypeError):
            s.set_value(np.ones((2, 2), "float32"))
        with pytest.raises(TypeError):
            s.set_value(np.ones(3, "complex64"))
        with pytest.raises(TypeError):
            theano.shared(np.zeros(3, "float32"), strict=True).set_value(np.ones(3, "float64"))

    def test_what_a_clone_shares(self):
        s = theano.shared(np.zeros(2), name="weights")
        clone = s.clone()
        clone.set_value(np.array([1.0, 2]))
        assert s.get_value().tolist() == [1, 2]

    def test_values_that_are_no_arrays(self):
        assert theano.shared(5).dtype == "int64"
        assert theano.shared(5.5).dtype == "float64"
        assert theano.shared(np.float32(1)).dtype == "float32"
        assert theano.shared(True).dtype == "bool"
        assert theano.shared([1, 2]).get_value() == [1, 2]  # generic: any Python object
        assert isinstance(theano.shared([1, 2]).type, theano.gof.type.Generic)
        with pytest.raises(TypeError):
            theano.shared(T.dscalar())

    def test_zero_sets_all_of_it(self):
        s = theano.shared(np.ones((2, 2)))
        s.zero()
        assert not s.get_value().any()
        kept = s.get_value(borrow=True)
        s.set_value(np.ones((2, 2)))
        s.zero(borrow=True)
        assert not s.get_value().any()
        assert kept.shape == (2, 2)

    def test_a_default_update(self):
        s = theano.shared(np.float64(2))
        s.default_update = s * 3
        f = theano.function([], s)
        assert [float(f()) for _ in range(3)] == [2, 6, 18]
        still = theano.function([], s, no_default_updates=True)
        assert [float(still()) for _ in range(2)] == [54, 54]
        other = theano.function([], s, updates=[(s, s + 1)])
        other()
        assert s.get_value() == 55  # what is asked for goes first


class TestFunctions:
    """The default: what comes in is not written to, what comes out is the caller's."""

    def test_results_are_the_callers(self):
        s, x = theano.shared(np.arange(3.0)), T.dvector()
        f = theano.function([x], [s, s + x, x, x[::-1], s.reshape((3, 1)), x * 1])
        given = np.array([5.0, 6, 7])
        first = f(given)
        kept = [np.array(r) for r in first]
        for r in first:
            assert not same_memory(r, s.get_value(borrow=True))
            assert not same_memory(r, given)
            r[...] = -1  # spoils nothing
        second = f(np.array([5.0, 6, 7]))
        for a, b in zip(kept, second, strict=True):
            np.testing.assert_array_equal(a, b)
        assert s.get_value().tolist() == [0, 1, 2]
        assert given.tolist() == [5, 6, 7]

    def test_two_outputs_of_one_variable_are_two_arrays(self):
        x = T.dvector()
        y = x + 1
        a, b = theano.function([x], [y, y])([1, 2])
        assert not same_memory(a, b)

    def test_earlier_results_stay(self):
        x = T.dmatrix()
        f = theano.function([x], [x * 2, T.dot(x, x), T.exp(x).sum(axis=0)])
        first = f(np.eye(3))
        kept = [r.copy() for r in first]
        f(np.full((3, 3), 9.0))
        for a, b in zip(kept, first, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_inputs_are_not_written_to(self):
        x, y = T.dmatrices("x", "y")
        z = T.inc_subtensor(x[0], 5)
        f = theano.function([x, y], [T.set_subtensor(x[1], 7), z, T.exp(x) + y, T.dot(x, y) + y])
        a, b = np.arange(9.0).reshape(3, 3), np.ones((3, 3))
        f(a, b)
        assert (a == np.arange(9.0).reshape(3, 3)).all()
        assert (b == 1).all()

    def test_a_mutable_input_may_be_written_to(self):
        x = T.dvector("x")
        f = theano.function([In(x, mutable=True)], T.inc_subtensor(x[:2], 10))
        given = np.zeros(3)
        np.testing.assert_array_equal(f(given), [10, 10, 0])
        np.testing.assert_array_equal(given, [10, 10, 0])

    def test_a_borrowed_output_may_be_theanos_own_memory(self):
        s = theano.shared(np.arange(3.0))
        f = theano.function([], Out(s, borrow=True))
        assert same_memory(f(), s.get_value(borrow=True))
        assert not same_memory(theano.function([], s)(), s.get_value(borrow=True))

    def test_borrowed_in_and_out_compute_the_same(self):
        x, given = T.fmatrix(), np.arange(6, dtype="float32").reshape(2, 3)
        y = 2 * x + 1
        f = theano.function([In(x, borrow=True)], Out(y, borrow=True))
        np.testing.assert_array_equal(f(given.copy()), 2 * given + 1)
        np.testing.assert_array_equal(f(given[:1].copy()), 2 * given[:1] + 1)

    def test_borrow_against_mutable(self):
        with pytest.raises(AssertionError):
            In(T.dvector(), mutable=True, borrow=False)

    def test_updates_do_not_alias(self):
        a, b = theano.shared(np.zeros(3)), theano.shared(np.ones(3))
        out = theano.function([], b, updates=[(a, b), (b, b)])()
        one, two = a.get_value(borrow=True), b.get_value(borrow=True)
        assert not same_memory(one, two)
        assert not same_memory(out, one)
        assert not same_memory(out, two)

    def test_an_update_that_is_an_input(self):
        s, x = theano.shared(np.zeros(3)), T.dvector()
        f = theano.function([x], [], updates=[(s, x)])
        given = np.array([1.0, 2, 3])
        f(given)
        given[:] = 0
        assert s.get_value().tolist() == [1, 2, 3]

    def test_free_lets_go_of_intermediates(self):
        x = T.dvector()
        mode = theano.compile.get_default_mode().clone(optimizer=None)
        f = theano.function([x], T.exp(x).sum(), mode=mode)
        f([0.0, 0])
        f.free()
        assert f([0.0, 0]) == 2

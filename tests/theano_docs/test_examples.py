"""tutorial/adding, tutorial/examples: expressions, default values, shared variables, copies."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import theano
import theano.tensor as T
from theano import In


class TestAdding:
    def test_scalars_give_an_array_without_dimensions(self):
        p, q = T.dscalar("p"), T.dscalar("q")
        f = theano.function([p, q], p + q)
        got = f(5, 8.25)
        assert isinstance(got, np.ndarray)
        assert (got.shape, got.dtype, float(got)) == ((), np.dtype("float64"), 13.25)

    def test_a_constructor_is_the_type_of_its_variables(self):
        p = T.dscalar("p")
        assert p.type is T.dscalar
        assert (str(p), p.name) == ("p", "p")
        assert repr(p.type) == "TensorType(float64, scalar)"
        assert isinstance(p, T.TensorVariable)
        assert T.ivector().name is None

    def test_pp_prints_the_formula(self):
        p, q = T.dscalars("p", "q")
        assert theano.pp(p + q) == "(p + q)"

    def test_eval_is_a_function_without_compiling_one_oneself(self):
        p, q = T.dscalars("p", "q")
        s = p + q
        assert s.eval({p: 2.5, q: 4}) == 6.5
        compiled = dict(s._fn_cache)
        assert s.eval({p: 1, q: 1}) == 2
        assert s._fn_cache == compiled  # the second time it is there already

    def test_matrices_as_lists_and_as_arrays(self):
        p, q = T.dmatrices("p", "q")
        f = theano.function([p, q], p + q)
        a, b = [[1, 5], [0, 2]], [[7, 7], [9, 1]]
        want = np.array([[8.0, 12], [9, 3]])
        for got in f(a, b), f(np.array(a), np.array(b)):
            np.testing.assert_array_equal(got, want)
            assert got.dtype == "float64"

    @pytest.mark.parametrize(
        ("letter", "dtype"),
        [
            *[("b", "int8"), ("w", "int16"), ("i", "int32"), ("l", "int64"), ("f", "float32")],
            *[("d", "float64"), ("c", "complex64"), ("z", "complex128")],
        ],
    )
    def test_the_types_that_are_there(self, letter, dtype):
        patterns = {
            "scalar": (),
            "vector": (False,),
            "matrix": (False, False),
            "row": (True, False),
            "col": (False, True),
            "tensor3": (False,) * 3,
            "tensor4": (False,) * 4,
            "tensor5": (False,) * 5,
            "tensor6": (False,) * 6,
            "tensor7": (False,) * 7,
        }
        for word, pattern in patterns.items():
            kind = getattr(T, letter + word)
            assert (kind.dtype, kind.broadcastable) == (dtype, pattern)


class TestLogisticFunction:
    def test_elementwise_and_as_a_tanh(self):
        x = T.dmatrix("x")
        f = theano.function([x], [1 / (1 + T.exp(-x)), (1 + T.tanh(x / 2)) / 2])
        values = np.array([[0.0, 3, -4], [-0.5, 9, -11]])
        for got in f(values):
            np.testing.assert_allclose(got, 1 / (1 + np.exp(-values)), rtol=1e-12, atol=1e-15)

    def test_several_outputs_come_as_a_list(self):
        a, b = T.dmatrices("a", "b")
        gap = a - b
        got = theano.function([a, b], [gap, abs(gap), gap**2])([[3, 1]], [[5, -1.5]])
        assert type(got) is list
        assert [g.tolist() for g in got] == [[[-2, 2.5]], [[2, 2.5]], [[4, 6.25]]]


class TestDefaultValues:
    def test_by_position_and_by_name(self):
        x, y, w = T.dscalars("x", "y", "w")
        f = theano.function([x, In(y, value=3), In(w, value=10, name="weight")], (x - y) * w)
        assert f(7) == 40
        assert f(7, 2) == 50
        assert f(7, 2, -1) == -5
        assert f(7, weight=2) == 8
        assert f(7, weight=2, y=7) == 0
        assert f(7) == 40  # what was given before is forgotten

    def test_a_name_that_is_not_there(self):
        x, y = T.dscalars("x", "y")
        f = theano.function([x, In(y, value=3, name="z")], x + y)
        with pytest.raises(TypeError):
            f(1, y=2)  # In's own name counts

    def test_a_missing_argument(self):
        x, y = T.dscalars("x", "y")
        f = theano.function([x, y], x + y)
        with pytest.raises(TypeError, match=r"Missing required input: y"):
            f(1)


class TestSharedVariables:
    def test_updates_happen_after_the_outputs_were_computed(self):
        total, step = theano.shared(100), T.iscalar("step")
        f = theano.function([step], total, updates=[(total, total + step)])
        back = theano.function([step], total, updates={total: total - step})
        assert (f(5), total.get_value()) == (100, 105)
        assert (f(1000), total.get_value()) == (105, 1105)
        assert (back(6), total.get_value()) == (1105, 1099)
        total.set_value(-4)
        assert (f(1), total.get_value()) == (-4, -3)

    def test_givens_replace_it_for_one_function(self):
        total, step = theano.shared(9), T.iscalar("step")
        other = T.scalar(dtype=total.dtype)
        formula = total * 3 + step
        f = theano.function([step, other], formula, givens=[(total, other)])
        assert f(1, 7) == 22
        assert total.get_value() == 9

    def test_givens_replace_expressions_too(self):
        x, y = T.dvectors("x", "y")
        square = x**2
        f = theano.function([y], square.sum() + 1, givens={square: y * 10})
        assert f([1, 2.5]) == 36

    def test_broadcastable_is_false_unless_asked_for(self):
        value = np.zeros((1, 4), "float32")
        assert theano.shared(value).broadcastable == (False, False)
        assert theano.shared(value, broadcastable=(True, False)).broadcastable == (True, False)

    def test_simultaneous_updates_see_the_old_values(self):
        a, b = theano.shared(1.5), theano.shared(-7.0)
        theano.function([], updates=[(a, b), (b, a)])()
        assert (a.get_value(), b.get_value()) == (-7.0, 1.5)


class TestCopy:
    def accumulator(self):
        total, step = theano.shared(0), T.iscalar("step")
        return total, theano.function([step], total, updates=[(total, total + step)])

    def test_swap_gives_it_a_state_of_its_own(self):
        total, f = self.accumulator()
        f(10)
        other = theano.shared(1)
        g = f.copy(swap={total: other})
        assert g(50) == [1]
        assert (total.get_value(), other.get_value()) == (10, 51)
        assert f(2) == 10
        assert (total.get_value(), other.get_value()) == (12, 51)

    def test_without_updates(self):
        total, f = self.accumulator()
        f(10)
        g = f.copy(delete_updates=True)
        assert g(400) == [10]
        assert total.get_value() == 10
        f(1)
        assert g(400) == [11]

    def test_a_plain_copy_shares_the_state(self):
        total, f = self.accumulator()
        g = f.copy()
        f(3)
        assert g(4) == [3]
        assert total.get_value() == 7

    def test_swap_wants_variables_of_one_type(self):
        total, f = self.accumulator()
        with pytest.raises(Exception, match="Type of given SharedVariable"):
            f.copy(swap={total: theano.shared(0.5)})


def test_logistic_regression_learns():
    rng = np.random.RandomState(4)
    n, features = 60, 20
    inputs, labels = rng.randn(n, features), rng.randint(size=n, low=0, high=2)
    x, y = T.dmatrix("x"), T.dvector("y")
    w, b = theano.shared(rng.randn(features), name="w"), theano.shared(0.0, name="b")
    start = w.get_value()
    p = 1 / (1 + T.exp(-T.dot(x, w) - b))
    entropy = -y * T.log(p) - (1 - y) * T.log(1 - p)
    cost = entropy.mean() + 0.01 * (w**2).sum()
    gw, gb = T.grad(cost, [w, b])
    train = theano.function(
        [x, y], [p > 0.5, entropy], updates=((w, w - 0.1 * gw), (b, b - 0.1 * gb))
    )
    predict = theano.function([x], p > 0.5)
    for _ in range(300):
        predicted, losses = train(inputs, labels)

    # The same by NumPy; a Python float is a float32 where floatX is.
    rate, decay = np.array([0.1, 0.01], theano.config.floatX).astype("float64")
    weights, bias = start, 0.0
    for _ in range(300):
        q = 1 / (1 + np.exp(-inputs @ weights - bias))
        want = -labels * np.log(q) - (1 - labels) * np.log(1 - q)
        slope = (q - labels) / n
        weights, bias = (
            weights - rate * (inputs.T @ slope + 2 * decay * weights),
            bias - rate * slope.sum(),
        )
    np.testing.assert_allclose(losses, want, rtol=1e-9)
    np.testing.assert_allclose(w.get_value(), weights, rtol=1e-9)
    np.testing.assert_allclose(b.get_value(), bias, rtol=1e-9)
    assert (predicted == (q > 0.5)).all()
    assert (predict(inputs) == labels).mean() > 0.7

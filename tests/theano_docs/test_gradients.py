"""tutorial/gradients, library/gradient: grad, its options, jacobian, hessian, R- and L-operator."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import theano
import theano.tensor as T
from theano import gradient


class TestGrad:
    def test_of_a_square(self):
        x = T.dscalar("x")
        f = theano.function([x], T.grad(x**2, x))
        assert f(3) == 6
        np.testing.assert_allclose(f(-51.25), -102.5)

    def test_as_it_is_printed_and_after_optimization(self):
        x = T.dscalar("x")
        slope = T.grad(x**2, x)
        assert theano.pp(slope) == (
            "((fill((x ** TensorConstant{2}), TensorConstant{1.0}) * TensorConstant{2}) * "
            "(x ** (TensorConstant{2} - TensorConstant{1})))"
        )
        f = theano.function([x], slope)
        assert theano.pp(f.maker.fgraph.outputs[0]) == "(TensorConstant{2.0} * x)"
        assert len(f.maker.fgraph.apply_nodes) == 1

    def test_of_the_logistic_function(self):
        x = T.dmatrix("x")
        f = theano.function([x], T.grad(T.sum(1 / (1 + T.exp(-x))), x))
        value = np.array([[0.0, 2], [-3, 0.25]])
        s = 1 / (1 + np.exp(-value))
        np.testing.assert_allclose(f(value), s * (1 - s), rtol=1e-12)

    def test_a_list_in_a_list_out(self):
        a, b = T.dscalars("a", "b")
        both = T.grad(a**2 * b, [b, a])
        assert isinstance(both, list)
        assert [float(g) for g in theano.function([a, b], both)(3, 5)] == [9, 30]
        assert isinstance(T.grad(a * b, (a, b)), tuple)

    def test_only_scalars_have_one(self):
        x = T.dvector()
        with pytest.raises(TypeError, match="cost must be a scalar"):
            T.grad(x**2, x)

    def test_of_integers_it_is_zero_and_of_floats_a_float(self):
        i, x = T.iscalar("i"), T.fscalar("x")
        gi, gx = T.grad(T.cast(i, "float32") * x, [i, x])
        assert gx.dtype == "float32"
        assert gi.dtype.startswith("float")
        got = theano.function([i, x], [gi, gx])(4, np.float32(3))
        assert got[1] == 4

    def test_known_gradients_in_place_of_a_cost(self):
        x = T.dvector("x")
        y = x**3
        g = T.grad(None, x, known_grads={y: T.constant(np.array([1.0, 10, 100]))})
        np.testing.assert_allclose(theano.function([x], g)([1, 2, 3]), [3, 120, 2700])

    def test_what_is_held_constant(self):
        x = T.dscalar("x")
        y = x**2
        g = T.grad(y * x, x, consider_constant=[y])
        assert theano.function([x], g)(3) == 9

    def test_disconnected_inputs(self):
        x, y = T.dscalars("x", "y")
        with pytest.raises(gradient.DisconnectedInputError):
            T.grad(x**2, y)
        with pytest.raises(gradient.DisconnectedInputError):
            T.grad(x**2, y, disconnected_inputs="raise")
        with pytest.warns(UserWarning, match="not part of the computational graph"):
            T.grad(x**2, y, disconnected_inputs="warn")
        zero = T.grad(x**2, y, disconnected_inputs="ignore")
        assert theano.function([x, y], zero, on_unused_input="ignore")(1, 2) == 0
        with pytest.raises(ValueError, match="disconnected_inputs"):
            T.grad(x**2, y, disconnected_inputs="perhaps")

    def test_what_is_returned_for_disconnected_ones(self):
        x, y = T.dscalars("x", "y")
        ask = {"disconnected_inputs": "ignore"}
        assert T.grad(x**2, [x, y], return_disconnected="None", **ask)[1] is None
        g = T.grad(x**2, [x, y], return_disconnected="Disconnected", **ask)[1]
        assert isinstance(g.type, gradient.DisconnectedType)
        zero = T.grad(x**2, [x, y], return_disconnected="zero", **ask)[1]
        assert zero.eval({y: 5}) == 0

    def test_where_there_is_none(self):
        i, x = T.lscalar("i"), T.dvector("x")
        cost = T.eye(i).sum() + x.sum()
        assert T.grad(cost, x).dtype == "float64"
        bad = gradient.grad_undefined(T.exp, 0, x, "says the test")
        assert isinstance(bad.type, theano.gof.null_type.NullType)
        x0 = T.dscalar("x0")
        op = gradient.undefined_grad(x0)
        with pytest.raises(gradient.NullTypeGradError):
            T.grad(op**2, x0)

    def test_of_something_that_is_not_differentiable(self):
        x = T.dvector("x")
        with pytest.raises(gradient.NullTypeGradError):
            T.grad(T.sort(x, axis=None)[0] + T.argsort(x).sum() * 1.0, x) and None
            unsupported = gradient.grad_not_implemented(T.exp, 0, x, "on purpose")
            raise gradient.NullTypeGradError(str(unsupported))

    def test_subgraph_grad(self):
        x = T.dvector("x")
        w = [theano.shared(np.array([1.0, 2])), theano.shared(np.array([3.0, 4]))]
        h = x * w[0]
        cost = T.sum((h * w[1]) ** 2)
        end_params, end = gradient.subgraph_grad([w[1]], [h], cost=cost)
        next_known = dict(zip([h], end, strict=True))
        start_params, _ = gradient.subgraph_grad([w[0]], [x], start=next_known)
        by_hand = T.grad(cost, [w[1], w[0]])
        got = theano.function([x], end_params + start_params + by_hand)([0.5, -1])
        np.testing.assert_allclose(got[0], got[2])
        np.testing.assert_allclose(got[1], got[3])


class TestManipulatedGradients:
    def gradient_of(self, wrap, value):
        x = T.dvector("x")
        f = theano.function([x], [wrap(x), T.grad((wrap(x) ** 2).sum(), x)])
        return f(value)

    def test_disconnected(self):
        x = T.dvector("x")
        y = gradient.disconnected_grad(x)
        with pytest.raises(gradient.DisconnectedInputError):
            T.grad((y**2).sum(), x)
        g = T.grad((y * x).sum(), x)
        np.testing.assert_array_equal(theano.function([x], g)([3, 4]), [3, 4])

    def test_zero(self):
        y, g = self.gradient_of(gradient.zero_grad, [3, 4])
        assert (y.tolist(), g.tolist()) == ([3, 4], [0, 0])

    def test_clipped(self):
        y, g = self.gradient_of(lambda x: gradient.grad_clip(x, -1, 2), [-3, 0.25, 4])
        assert (y.tolist(), g.tolist()) == ([-3, 0.25, 4], [-1, 0.5, 2])

    def test_scaled(self):
        y, g = self.gradient_of(lambda x: gradient.grad_scale(x, 300), [1, -2])
        assert (y.tolist(), g.tolist()) == ([1, -2], [600, -1200])

    @pytest.mark.filterwarnings("ignore:consider_constant")
    def test_considered_constant(self):
        _, g = self.gradient_of(lambda x: x * gradient.consider_constant(x), [1, 2])
        np.testing.assert_allclose(g, [2, 16])


def test_jacobian_and_hessian():
    x = T.dvector("x")
    y = x**3 * x[0]
    j = gradient.jacobian(y, x)
    h = gradient.hessian((x**3).sum() + x[0] * x[1], x)
    i, updates = theano.scan(
        lambda i, y, x: T.grad(y[i], x), sequences=T.arange(y.shape[0]), non_sequences=[y, x]
    )
    got = theano.function([x], [j, h, i], updates=updates)([2, 3, -1])
    v = np.array([2.0, 3, -1])
    want = np.diag(3 * v**2 * v[0])
    want[:, 0] += v**3
    np.testing.assert_allclose(got[0], want)
    np.testing.assert_allclose(got[2], want)
    want = np.diag(6 * v)
    want[0, 1] = want[1, 0] = 1
    np.testing.assert_allclose(got[1], want)


def test_a_jacobian_wants_a_vector():
    x = T.dvector("x")
    with pytest.raises(AssertionError):
        gradient.hessian(x * 2, x)
    scalar = gradient.jacobian((x**2).sum(), x)
    np.testing.assert_allclose(theano.function([x], scalar)([1, 2]), [2, 4])


def test_operators():
    rng = np.random.RandomState(0)
    w, v, x, u = T.dmatrix("w"), T.dmatrix("v"), T.dvector("x"), T.dvector("u")
    y = T.tanh(T.dot(x, w))
    right, left = T.Rop(y, w, v), T.Lop(y, w, u)
    values = rng.randn(3, 4), rng.randn(3, 4), rng.randn(3), rng.randn(4)
    r, lv = theano.function([w, v, x, u], [right, left])(*values)
    wv, vv, xv, uv = values
    slope = 1 - np.tanh(xv @ wv) ** 2
    assert r.shape == (4,)  # as the output
    assert lv.shape == (3, 4)  # as the parameter
    np.testing.assert_allclose(r, slope * (xv @ vv), rtol=1e-10)
    np.testing.assert_allclose(lv, np.outer(xv, uv * slope), rtol=1e-10)


def test_hessian_times_a_vector_both_ways():
    x, v = T.dvector("x"), T.dvector("v")
    g = T.grad(T.sum(x**4) + x[0] * x[1], x)
    f = theano.function([x, v], [T.grad(T.sum(g * v), x), T.Rop(g, x, v)])
    a, b = np.array([1.0, -2, 3]), np.array([0.5, 2, -1])
    h = np.diag(12 * a**2)
    h[0, 1] = h[1, 0] = 1
    for got in f(a, b):
        np.testing.assert_allclose(got, h @ b)


@pytest.mark.parametrize(
    "expression",
    [
        lambda x, v: T.max(x, axis=1),
        lambda x, v: x[1:, ::2],
        lambda x, v: T.set_subtensor(x[0], 2.0),
        lambda x, v: T.nnet.softmax(x),
        lambda x, v: T.join(0, x, x**2),
        lambda x, v: x.reshape((12,)) ** 2,
        lambda x, v: (x**2).dimshuffle(1, "x", 0),
        lambda x, v: x.sum(axis=0) * x.shape[0],
        lambda x, v: T.alloc(x[0, 0], 3, 2),
        lambda x, v: theano.scan(lambda row: T.tanh(row) * row.sum(), sequences=x)[0],
    ],
)
def test_what_has_an_r_operator(expression):
    # The list of library/gradient: checked against finite differences.
    x, v = T.dmatrix("x"), T.dmatrix("v")
    y = expression(x, v)
    f = theano.function([x], y)
    r = theano.function([x, v], T.Rop(y, x, v), on_unused_input="ignore")
    rng = np.random.RandomState(2)
    a, b = rng.randn(3, 4), rng.randn(3, 4)
    want = (f(a + 1e-6 * b) - f(a - 1e-6 * b)) / 2e-6
    np.testing.assert_allclose(r(a, b), want, rtol=1e-5, atol=1e-7)


def test_verify_grad_finds_a_wrong_one():
    class Wrong(theano.Op):
        __props__ = ()
        itypes = (T.dvector,)
        otypes = (T.dvector,)

        def perform(self, node, inputs, outputs):
            outputs[0][0] = inputs[0] ** 2

        def grad(self, inputs, gradients):
            return [gradients[0] * inputs[0]]  # twice as much would be right

    rng = np.random.RandomState(5)
    gradient.verify_grad(lambda x: T.exp(x) * x, [np.array([0.5, 1])], rng=rng)
    with pytest.raises(gradient.verify_grad.E_grad):
        gradient.verify_grad(Wrong(), [np.array([0.5, 1])], rng=rng)

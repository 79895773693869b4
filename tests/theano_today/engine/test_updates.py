"""Momentum updates: which graphs become one pass over memory, and what that computes."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.theano_graphs import by_perform, by_thunk, count, engine, relative
from theano_today.engine.updates import Momentum

RANDOM = np.random.RandomState(0)


def noise(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def by_definition(nesterov, w, v, g, rate, momentum):
    """Lasagne's formulas, in double precision: the new w and v."""
    w, v, g = (a.astype(np.float64) for a in (w, v, g))
    new = momentum * v - rate * g
    return (w + momentum * new - rate * g if nesterov else w + new), new


@pytest.mark.parametrize("run", [by_thunk, by_perform])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("inplace", [False, True])
class TestOp:
    @pytest.mark.parametrize(
        "shape", [(), (1,), (30,), (1001,), (7, 9), (5, 2, 3, 3), (0,), (4, 0)]
    )
    def test_a_gradient(self, run, nesterov, inplace, shape):
        w, v, g = noise(*shape), noise(*shape), noise(*shape)
        w, v, g = np.asarray(w), np.asarray(v), np.asarray(g)
        want = by_definition(nesterov, w, v, g, 0.01, 0.9)
        before = w.copy(), v.copy()
        op = Momentum(nesterov, inplace=inplace)
        got = run(op, w, v, g, np.float32(0.01), np.float32(0.9))
        for mine, theirs in zip(got, want, strict=True):
            assert mine.dtype == np.float32
            # Of the terms, not of their sum: the only element of an array may nearly cancel.
            terms = max(1e-3, *(abs(a).max(initial=0) for a in (before[0], before[1])))
            assert abs(mine - theirs).max(initial=0) <= 1e-6 * terms
        if inplace and run is by_thunk:
            assert got[0] is w
            assert got[1] is v
        if not inplace:
            np.testing.assert_array_equal([w, v], before)

    @pytest.mark.parametrize("shape", [(7, 9, 5), (70, 33, 128), (3, 0, 4), (0, 2, 3), (1, 1, 1)])
    def test_a_product(self, run, nesterov, inplace, shape):
        m, n, k = shape
        w, v, a, b = noise(m, n), noise(m, n), noise(k, m).T, noise(k, n)
        want = by_definition(nesterov, w, v, a.astype(np.float64) @ b, 0.01, 0.9)
        op = Momentum(nesterov, True, inplace)
        got = run(op, w, v, a, b, np.float32(0.01), np.float32(0.9))
        for mine, theirs in zip(got, want, strict=True):
            assert relative(mine, theirs) <= 1e-5

    def test_other_strides(self, run, nesterov, inplace):
        w, v, g = noise(8, 6), noise(8, 6), noise(8, 6)
        want = by_definition(nesterov, w, v, g, 0.01, 0.9)
        op = Momentum(nesterov, inplace=inplace)
        for turned in range(1, 8):
            arrays = [
                np.asfortranarray(x) if turned & 1 << i else x.copy()
                for i, x in enumerate((w, v, g))
            ]
            got = run(op, *arrays, np.float32(0.01), np.float32(0.9))
            for mine, theirs in zip(got, want, strict=True):
                assert relative(mine, theirs) <= 1e-5


@pytest.mark.parametrize("of_product", [False, True])
@pytest.mark.parametrize("run", [by_thunk, by_perform])
@pytest.mark.parametrize("rule", [lasagne.updates.momentum, lasagne.updates.nesterov_momentum])
def test_what_is_not_finite(rule, run, of_product):
    # Each of these as a weight, a velocity and a gradient, in all combinations.
    largest = np.finfo("float32").max
    kinds = [0, 1, -0.5, np.inf, -np.inf, np.nan, largest, -largest, 0.6 * largest]
    w, v, g = (a.ravel()[:, None] for a in np.meshgrid(*[np.float32(kinds)] * 3))
    rate, momentum = np.float32(0.75), np.float32(0.9)

    w0 = theano.shared(w)
    gradient = T.fmatrix()
    with np.errstate(all="ignore"):
        steps = rule([gradient], [w0], learning_rate=rate, momentum=momentum)
    (velocity,) = (u for u in steps if u is not w0)
    velocity.set_value(v)
    with engine("stock"):
        theano.function([gradient], [], updates=steps)(g)

    factors = (g, np.ones((1, 1), "float32")) if of_product else (g,)
    op = Momentum(rule is lasagne.updates.nesterov_momentum, of_product)
    got = run(op, w, v, *factors, rate, momentum)
    np.testing.assert_array_equal(np.isnan(got), np.isnan([w0.get_value(), velocity.get_value()]))
    np.testing.assert_allclose(got, [w0.get_value(), velocity.get_value()], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shape", [(64, 3, 40), (171, 150, 128), (200, 33, 300), (90, 1000, 33)])
def test_a_gradient_of_zeros_scattered_all_over(shape):
    """The numbers of a dense product, to the last bit; 0 * inf is NaN."""
    m, n, k = shape
    w, v, x, g = noise(m, n), noise(m, n), noise(k, m), noise(k, n)
    g[1:][RANDOM.uniform(size=(k - 1, n)) < 0.8] = 0  # no unit is dead
    rates = np.float32(0.01), np.float32(0.9)
    op = Momentum(True, True)
    got = by_thunk(op, w, v, x.T, g, *rates)
    want = by_definition(True, w, v, x.T.astype(np.float64) @ g, *rates)
    for mine, theirs in zip(got, want, strict=True):
        assert relative(mine, theirs) <= 1e-5
    for first in range(0, m, 50):  # of few rows there is no list
        part = slice(first, first + 50)
        few = by_thunk(op, w[part].copy(), v[part].copy(), x.T[part], g, *rates)
        for mine, theirs in zip(got, few, strict=True):
            np.testing.assert_array_equal(mine[part], theirs)
    x[7, 20] = np.inf
    _, velocity = by_thunk(op, w, v, x.T, g, *rates)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(np.isnan(velocity), np.isnan(x.T @ g))


def test_arrays_that_do_not_fit():
    rate = np.float32(0.1)
    with pytest.raises(ValueError, match="do not fit"):
        by_thunk(Momentum(True), noise(3, 4), noise(3, 4), noise(4, 3), rate, rate)
    with pytest.raises(ValueError, match="do not fit"):
        by_thunk(
            Momentum(True, True), noise(3, 4), noise(3, 4), noise(3, 5), noise(6, 4), rate, rate
        )
    with pytest.raises(ValueError, match="do not fit"):  # a velocity that set_value has changed
        shapes = (3, 4), (2, 2), (3, 5), (5, 4)
        by_thunk(Momentum(True, True), *(np.ones(s, np.float32) for s in shapes), rate, rate)


def test_an_op_of_the_users_in_place_of_a_subtraction():
    """It was taken for Theano's own, and its result for a difference."""

    class Less(theano.scalar.Sub):
        def impl(self, x, y):
            return x - y - 1

    less = T.Elemwise(Less(theano.scalar.upcast_out, "less"))
    w, v = (theano.shared(np.ones((3, 4), np.float32)) for _ in range(2))
    g = T.fmatrix()
    stepped = less(w, np.float32(0.1) * g)
    x = np.float32(0.9) * v + stepped - w
    mode = theano.Mode("py", "fast_run")  # Less has the C code of Sub
    f = theano.function([g], [], updates=[(v, x), (w, np.float32(0.9) * x + stepped)], mode=mode)
    assert not count(f, "Momentum")
    f(np.ones((3, 4), np.float32))
    np.testing.assert_allclose(w.get_value(), 0.9 * (0.9 - 0.1 - 1) - 0.1, 1e-5)


# ---- in graphs ------------------------------------------------------------------------------


def net():
    """Two dense layers: weights, biases, and a scalar gain: parameters of 2, 1 and 0 axes."""
    random = np.random.RandomState(1)
    params = [
        theano.shared(random.normal(size=shape).astype(np.float32), f"p{i}")
        for i, shape in enumerate([(6, 8), (8,), (8, 3), (3,), ()])
    ]
    W, b, V, c, gain = params
    x, y = T.matrix("x"), T.matrix("y")
    h = T.dot(x, W) + b
    out = gain * (T.dot(0.5 * (h + abs(h)), V) + c)
    return x, y, T.mean(T.sqr(out - y)), params


RULES = {
    "nesterov": (lambda loss, p, rate: lasagne.updates.nesterov_momentum(loss, p, rate, 0.9), True),
    "momentum": (lambda loss, p, rate: lasagne.updates.momentum(loss, p, rate, 0.9), True),
    "no momentum": (lambda loss, p, rate: lasagne.updates.momentum(loss, p, rate, 0.0), None),
    "sgd": (lasagne.updates.sgd, False),
    "adam": (lasagne.updates.adam, False),
    "adagrad": (lasagne.updates.adagrad, False),
    "rmsprop": (lasagne.updates.rmsprop, False),
    "rmsprop and nesterov": (
        lambda loss, p, rate: lasagne.updates.apply_nesterov_momentum(
            lasagne.updates.rmsprop(loss, p, rate), momentum=0.9
        ),
        None,
    ),
}


def trained(name, rule, rate, batches=5, extra=None):
    """A fresh net's function and its parameters after some batches, compiled by engine `name`."""
    x, y, loss, params = net()
    updates = rule(loss, params, rate)
    with engine(name):
        function = theano.function(
            [x, y], [loss, *(extra(params) if extra else [])], updates=updates
        )
    random = np.random.RandomState(2)
    losses = [
        function(
            random.normal(size=(n, 6)).astype(np.float32),
            random.normal(size=(n, 3)).astype(np.float32),
        )
        for n in range(4, 4 + batches)
    ]
    return function, [p.get_value() for p in params], losses


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("shared_rate", [False, True])
def test_rules(name, shared_rate):
    rule, becomes_one = RULES[name]
    rate = theano.shared(np.float32(0.03)) if shared_rate else 0.03
    function, ours, losses = trained("fused", rule, rate)
    _, theirs, their_losses = trained("stock", rule, rate)
    start = [p.get_value() for p in net()[3]]
    for got, want, was in zip(ours, theirs, start, strict=True):
        assert got.dtype == np.float32
        assert relative(got - was, want - was) <= 1e-4
    np.testing.assert_allclose(losses, their_losses, rtol=1e-5)
    if becomes_one is not None:
        assert count(function, "Momentum") == (5 if becomes_one else 0)
    if becomes_one:
        ops = [n.op for n in function.maker.fgraph.toposort() if isinstance(n.op, Momentum)]
        assert all(op.inplace for op in ops)
        assert {op.nesterov for op in ops} == {name == "nesterov"}
        assert sum(op.of_product for op in ops) == 2  # both weight matrices


def test_a_rate_that_changes_between_calls():
    rate = theano.shared(np.float32(0.03))
    x, y, loss, params = net()
    function = theano.function([x, y], updates=RULES["nesterov"][0](loss, params, rate))
    assert count(function, "Momentum") == 5
    values = [p.get_value() for p in params]
    rate.set_value(np.float32(0))
    function(noise(4, 6), noise(4, 3))
    for p, value in zip(params, values, strict=True):
        np.testing.assert_array_equal(p.get_value(), value)


def test_excluded():
    x, y, loss, params = net()
    mode = theano.compile.get_default_mode().excluding("momentum")
    updates = RULES["nesterov"][0](loss, params, 0.03)
    assert count(theano.function([x, y], updates=updates, mode=mode), "Momentum") == 0


def test_a_gradient_that_somebody_else_wants():
    def rule(loss, params, rate):
        grads = T.grad(loss, params)
        seen.append(grads[0])
        return lasagne.updates.nesterov_momentum(grads, params, rate, 0.9)

    results = {}
    for name in ("fused", "stock"):
        seen = []
        results[name] = trained(name, rule, 0.03, extra=lambda _, seen=seen: seen)
    function, ours, outputs = results["fused"]
    ops = [n.op for n in function.maker.fgraph.toposort() if isinstance(n.op, Momentum)]
    assert len(ops) == 5
    assert sum(op.of_product for op in ops) == 1
    for got, want in zip(ours, results["stock"][1], strict=True):
        assert relative(got, want) <= 1e-5  # of five steps: 6e-6 with other random numbers
    for mine, theirs in zip(outputs, results["stock"][2], strict=True):
        assert relative(mine[1], theirs[1]) <= 1e-5


def test_old_values_as_outputs_are_the_old_ones():
    """Stepping in place must not change what the same call returns."""
    for name in ("fused", "stock"):
        x, y, loss, params = net()
        start = [p.get_value() for p in params]
        updates = RULES["nesterov"][0](loss, params, 0.03)
        old = [T.sum(T.sqr(p)) for p in params] + [p * 1 for p in params]
        with engine(name):
            function = theano.function([x, y], old, updates=updates)
        got = function(noise(4, 6), noise(4, 3))
        for value, squares, copy in zip(start, got[:5], got[5:], strict=True):
            assert relative(squares, (value.astype(np.float64) ** 2).sum()) <= 1e-6
            np.testing.assert_array_equal(copy, value)


def test_the_new_values_used_by_other_updates():
    """A running average of the parameters, as some nets keep one."""

    def rule(loss, params, rate):
        updates = lasagne.updates.nesterov_momentum(loss, params, rate, 0.9)
        for p in params:
            mean = theano.shared(np.zeros_like(p.get_value()), broadcastable=p.broadcastable)
            means.append(mean)
            updates[mean] = np.float32(0.5) * mean + np.float32(0.5) * updates[p]
        return updates

    results = []
    for name in ("fused", "stock"):
        means = []
        _, params, _ = trained(name, rule, 0.03)
        results.append([*params, *(m.get_value() for m in means)])
    for got, want in zip(*results, strict=True):
        assert relative(got, want) <= 1e-5


def test_values_borrowed_from_the_user():
    """set_value(borrow=True) of a strided array: stepped all the same."""
    results = []
    for name in ("fused", "stock"):
        x, y, loss, params = net()
        with engine(name):
            function = theano.function([x, y], updates=RULES["nesterov"][0](loss, params, 0.03))
        params[0].set_value(np.asfortranarray(params[0].get_value()), borrow=True)
        random = np.random.RandomState(4)
        for _ in range(3):
            function(random.normal(size=(4, 6)).astype(np.float32),
                     random.normal(size=(4, 3)).astype(np.float32))  # fmt: skip
        results.append([p.get_value() for p in params])
    for got, want in zip(*results, strict=True):
        assert relative(got, want) <= 1e-5


def test_parameters_of_double_precision_are_left_alone():
    w = theano.shared(np.ones((3, 4)))
    x = T.dmatrix()
    updates = lasagne.updates.nesterov_momentum(T.sum(T.sqr(T.dot(x, w))), [w], 0.1, 0.9)
    function = theano.function([x], updates=updates)
    assert count(function, "Momentum") == 0
    function(np.ones((2, 3)))
    assert w.get_value().dtype == np.float64

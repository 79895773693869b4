"""lasagne.updates over several steps, against loops of NumPy."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

from collections import OrderedDict

import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import updates

from tests.lasagne_names.catalogue import MODE, close, compute, draw, runs

STEPS = 5
W, B = draw(3, 2), draw(2, seed=1)
X = draw(STEPS, 4, 3, seed=2)


def gradients(w, b, x):
    """Of mean((x w + b)^2)."""
    y = x @ w + b
    scale = 2 / y.size
    return scale * x.T @ y, scale * y.sum(0)


def learnt(make, floatx="float32"):
    """Return w and b after some steps of the updates that make(loss, params) returns."""
    w, b = theano.shared(W.astype(floatx)), theano.shared(B.astype(floatx))
    x = T.matrix()
    step = theano.function([x], [], updates=make(T.mean((T.dot(x, w) + b) ** 2), [w, b]), mode=MODE)
    for batch in X:
        step(batch)
    assert w.dtype == b.dtype == floatx
    return w.get_value(), b.get_value()


def by_loop(rule):
    """Return w and b after the same steps; rule(g, state, t) returns what to subtract."""
    values = [W.astype(float), B.astype(float)]
    states = [{}, {}]
    for t, x in enumerate(X, 1):
        grads = gradients(*values, x)
        values = [v - rule(g, s, t) for v, g, s in zip(values, grads, states, strict=True)]
    return values


def sgd(g, s, t):
    return 0.1 * g


def momentum(g, s, t):
    s["v"] = 0.8 * s.get("v", 0) - 0.1 * g
    return -s["v"]


def nesterov(g, s, t):
    s["v"] = 0.8 * s.get("v", 0) - 0.1 * g
    return -(0.8 * s["v"] - 0.1 * g)


def adagrad(g, s, t):
    s["a"] = s.get("a", 0) + g**2
    return 0.1 * g / np.sqrt(s["a"] + 1e-6)


def rmsprop(g, s, t):
    s["a"] = 0.7 * s.get("a", 0) + 0.3 * g**2
    return 0.1 * g / np.sqrt(s["a"] + 1e-5)


def adadelta(g, s, t):
    s["a"] = 0.9 * s.get("a", 0) + 0.1 * g**2
    step = g * np.sqrt(s.get("d", 0) + 1e-6) / np.sqrt(s["a"] + 1e-6)
    s["d"] = 0.9 * s.get("d", 0) + 0.1 * step**2
    return 0.5 * step


def adam(g, s, t):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.99 * s.get("v", 0) + 0.01 * g**2
    rate = 0.01 * np.sqrt(1 - 0.99**t) / (1 - 0.9**t)
    return rate * s["m"] / (np.sqrt(s["v"]) + 1e-8)


RULES = {
    "sgd": (lambda e, p: updates.sgd(e, p, 0.1), sgd),
    "momentum": (lambda e, p: updates.momentum(e, p, 0.1, 0.8), momentum),
    "nesterov": (lambda e, p: updates.nesterov_momentum(e, p, 0.1, momentum=0.8), nesterov),
    "apply_momentum": (
        lambda e, p: updates.apply_momentum(updates.sgd(e, p, 0.1), momentum=0.8), momentum,
    ),
    "apply_nesterov": (
        lambda e, p: updates.apply_nesterov_momentum(updates.sgd(e, p, 0.1), p, 0.8), nesterov,
    ),
    "adagrad": (lambda e, p: updates.adagrad(e, p, 0.1), adagrad),
    "rmsprop": (lambda e, p: updates.rmsprop(e, p, 0.1, 0.7, 1e-5), rmsprop),
    "adadelta": (lambda e, p: updates.adadelta(e, p, 0.5, 0.9), adadelta),
    "adam": (lambda e, p: updates.adam(e, p, 0.01, beta2=0.99), adam),
    "a shared rate": (lambda e, p: updates.sgd(e, p, theano.shared(np.float32(0.1))), sgd),
    "gradients": (lambda e, p: updates.sgd(T.grad(e, p), p, 0.1), sgd),
}  # fmt: skip


@runs(
    "lasagne.updates",
    "sgd momentum apply_momentum nesterov_momentum apply_nesterov_momentum adagrad rmsprop",
    "adadelta adam get_or_compute_grads",
)
@pytest.mark.parametrize("name", RULES)
def test_rules(name):
    make, rule = RULES[name]
    for got, want in zip(learnt(make), by_loop(rule), strict=True):
        close(got, want, rtol=1e-3)


def test_momentum_for_some_parameters():
    def make(loss, params):
        return updates.apply_momentum(updates.sgd(loss, params, 0.1), params[:1], 0.8)

    w, b = learnt(make)
    with_, without = by_loop(momentum), by_loop(sgd)
    # Only the first step of the two is common: w and b depend on each other.
    assert abs(w - with_[0]).max() < 0.1
    assert not np.allclose(b, with_[1], atol=1e-4)
    assert abs(b - without[1]).max() < 0.1


@runs("lasagne.updates", "get_or_compute_grads")
def test_gradients():
    w = theano.shared(W)
    loss = T.sum(w**2)
    (got,) = compute(updates.get_or_compute_grads(loss, [w]))
    close(got, 2 * W)
    given = [T.constant(W)]
    assert updates.get_or_compute_grads(given, [w]) is given
    with pytest.raises(ValueError, match="1 gradient expressions for 2 parameters"):
        updates.get_or_compute_grads(given, [w, w])


@runs("lasagne.updates", "norm_constraint total_norm_constraint")
def test_constraints():
    cube = draw(3, 2, 2, 2, seed=4)

    def limited(a, limit, axes):
        norms = np.sqrt((a.astype(float) ** 2).sum(axes, keepdims=True))
        return a * np.clip(norms, 0, limit) / (1e-7 + norms)

    v = T.constant
    scaled, norm = updates.total_norm_constraint([v(W), v(cube)], 1.0, return_norm=True)
    got = compute(
        [
            updates.norm_constraint(v(W), 0.5),
            updates.norm_constraint(v(W), 0.5, norm_axes=(1,)),
            updates.norm_constraint(v(cube), 0.5),
            *scaled,
            norm,
            *updates.total_norm_constraint([v(W)], 100.0),
        ]
    )
    total = np.sqrt((W**2).sum() + (cube**2).sum())
    for y, want in zip(
        got,
        [limited(W, 0.5, 0), limited(W, 0.5, 1), limited(cube, 0.5, (1, 2, 3)), W / total,
         cube / total, total, W],
        strict=True,
    ):  # fmt: skip
        assert y.dtype == np.float32
        close(y, want)
    with pytest.raises(ValueError, match="Unsupported tensor dimensionality"):
        updates.norm_constraint(v(B), 1.0)


def test_updates_are_ordered():
    w, b = theano.shared(W), theano.shared(B)
    for name, (make, _) in RULES.items():
        made = make(T.sum(w) + T.sum(b), [w, b])
        assert isinstance(made, OrderedDict), name
        assert [p for p in made if p in (w, b)] == [w, b]

"""Recurrent layers against loops over time: masks, directions, initial states, gradients."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano.tensor as T
from lasagne import init, layers, nonlinearities
from lasagne.layers import Gate, InputLayer, get_all_params, get_output

from tests.lasagne_names.catalogue import MASTER, close, compute, draw, runs

X = draw(2, 4, 3)
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], "float32")
H = 2


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def loop(step, states, x=X, mask=None, backwards=False):
    """Return the last of the states at each time; step(x_t, *states) returns the next ones."""
    times = range(x.shape[1])
    out = np.zeros((len(x), x.shape[1], H))
    for t in reversed(times) if backwards else times:
        new = step(x[:, t], *states)
        if mask is not None:
            m = mask[:, t, None]
            new = [n * m + old * (1 - m) for n, old in zip(new, states, strict=True)]
        states = new
        out[:, t] = states[-1]
    return out


def built(cls, settings, **always):
    """Return the layers, with the inputs that they have in common."""
    incoming, mask = InputLayer((None, 4, 3)), InputLayer((None, 4))
    found = []
    for s in settings:
        s = dict(s)
        if s.pop("mask", False):
            s["mask_input"] = mask
        found.append(cls(incoming, H, **(always | s)))
    return incoming, mask, found


def values(layer):
    return {p.name.rpartition(".")[2]: p.get_value().astype(float) for p in get_all_params(layer)}


def start(layer, name="hid_init"):
    given = values(layer).get(name)
    return np.repeat(given, 2, 0) if given is not None else draw(2, H, seed=9)


def compare(incoming, mask, found, reference, settings, gradients=()):
    outputs = [get_output(layer) for layer in found]
    costs = [(get_output(found[i]) ** 2).sum() for i in gradients]
    chosen = [get_all_params(found[i], trainable=True) for i in gradients]
    outputs += [g for c, p in zip(costs, chosen, strict=True) for g in T.grad(c, p)]
    got = iter(compute(outputs, {incoming.input_var: X, mask.input_var: MASK}))
    wanted = [reference(layer) for layer in found]
    for layer, s, want in zip(found, settings, wanted, strict=True):
        y = next(got)
        close(y, want(), atol=1e-5, what=s)
        assert layer.output_shape == (None, 4, H), s
    for i, parameters in zip(gradients, chosen, strict=True):
        for p in parameters:
            by_theano, value = next(got), p.get_value()
            numeric = np.zeros(value.shape)
            for place in np.ndindex(value.shape):
                sides = []
                for sign in (1, -1):
                    moved = value.copy()
                    moved[place] += sign * 1e-2
                    p.set_value(moved)
                    sides.append((reference(found[i])() ** 2).sum())
                numeric[place] = (sides[0] - sides[1]) / 2e-2
            p.set_value(value)
            close(by_theano, numeric, rtol=2e-2, atol=2e-3)


COMMON = [
    {},
    {"mask": True},
    {"backwards": True, "learn_init": True, "hid_init": init.Normal(1.0)},
    {"unroll_scan": True, "mask": True},
    {"unroll_scan": True, "backwards": True, "precompute_input": False},
    {"precompute_input": False, "gradient_steps": -1, "grad_clipping": 100.0},
]


@runs("lasagne.layers", "RecurrentLayer")
def test_recurrent():
    settings = [*COMMON, {"nonlinearity": None, "b": None}]
    incoming, mask, found = built(
        layers.RecurrentLayer, settings, W_in_to_hid=init.Normal(0.5),
        W_hid_to_hid=init.Normal(0.5),
    )  # fmt: skip

    def reference(layer):
        def run():
            s = settings[found.index(layer)]
            f = (lambda z: z) if "nonlinearity" in s else (lambda z: np.maximum(z, 0))
            W_in, W_hid = layer.W_in_to_hid.get_value(), layer.W_hid_to_hid.get_value()
            b = 0 if layer.b is None else layer.b.get_value()

            def step(x, h):
                return [f(x @ W_in + b + h @ W_hid)]

            return loop(
                step, [start(layer)], mask=MASK if s.get("mask") else None,
                backwards=s.get("backwards", False),
            )  # fmt: skip

        return run

    compare(incoming, mask, found, reference, settings, gradients=[2])


@runs("lasagne.layers", "CustomRecurrentLayer")
def test_custom_recurrent():
    def layer(cls=layers.CustomRecurrentLayer, **settings):
        to_hidden = layers.DenseLayer(
            InputLayer((None, 3)), H, W=draw(3, H), b=None, nonlinearity=None
        )
        around = layers.DenseLayer(InputLayer((None, H)), H, W=draw(H, H, seed=1), b=None)
        around = layers.DenseLayer(around, H, W=draw(H, H, seed=2), b=None, nonlinearity=None)
        return cls(incoming, to_hidden, around, nonlinearity=nonlinearities.tanh, **settings)

    incoming = InputLayer((2, 4, 3))
    found = [layer(), layer(precompute_input=False, backwards=True), layer(unroll_scan=True)]
    got = compute([get_output(one) for one in found], {incoming.input_var: X})

    def step(x, h):
        hidden = np.maximum(h @ draw(H, H, seed=1), 0) @ draw(H, H, seed=2)
        return [np.tanh(x @ draw(3, H) + hidden)]

    zero = np.zeros((2, H))
    for y, backwards in zip(got, (False, True, False), strict=True):
        close(y, loop(step, [zero], backwards=backwards))
    assert len(get_all_params(found[0])) == 4  # with hid_init
    with pytest.raises(ValueError, match="Gradient steps must be -1"):
        layer(unroll_scan=True, gradient_steps=3)
    with pytest.raises(ValueError, match="None when unroll_scan"):
        incoming = InputLayer((2, None, 3))
        layer(unroll_scan=True)


@runs("lasagne.layers", "LSTMLayer Gate")
def test_lstm():
    settings = [*COMMON, {"peepholes": False}, {"nonlinearity": None}]
    settings[2] = settings[2] | {"cell_init": init.Normal(1.0)}
    gate = {"W_in": init.Normal(0.7), "W_hid": init.Normal(0.7), "b": init.Normal(0.5)}
    incoming, mask, found = built(
        layers.LSTMLayer, settings, ingate=Gate(W_cell=init.Normal(0.7), **gate),
        forgetgate=Gate(W_cell=init.Normal(0.7), **gate),
        outgate=Gate(W_cell=init.Normal(0.7), **gate),
        cell=Gate(W_cell=None, nonlinearity=nonlinearities.tanh, **gate),
    )  # fmt: skip

    def reference(layer):
        def run():
            v, s = values(layer), settings[found.index(layer)]
            f = (lambda z: z) if "nonlinearity" in s else np.tanh

            def pre(x, h, name):
                return x @ v[f"W_in_to_{name}"] + h @ v[f"W_hid_to_{name}"] + v[f"b_{name}"]

            def step(x, c, h):
                peep = [v.get(f"W_cell_to_{g}", 0) for g in ("ingate", "forgetgate", "outgate")]
                i = sigmoid(pre(x, h, "ingate") + c * peep[0])
                g = sigmoid(pre(x, h, "forgetgate") + c * peep[1])
                new = g * c + i * np.tanh(pre(x, h, "cell"))
                o = pre(x, h, "outgate")
                # Lasagne 0.1 forgets that the output gate's peephole belongs inside.
                o = sigmoid(o + new * peep[2]) if MASTER else sigmoid(o) + new * peep[2]
                return [new, o * f(new)]

            return loop(
                step, [start(layer, "cell_init"), start(layer)],
                mask=MASK if s.get("mask") else None, backwards=s.get("backwards", False),
            )  # fmt: skip

        return run

    compare(incoming, mask, found, reference, settings, gradients=[2])
    assert Gate().nonlinearity is nonlinearities.sigmoid
    assert Gate(nonlinearity=None).nonlinearity is nonlinearities.identity
    assert not hasattr(Gate(W_cell=None), "W_cell")


@runs("lasagne.layers", "GRULayer")
def test_gru():
    settings = COMMON
    gate = {"W_in": init.Normal(0.7), "W_hid": init.Normal(0.7), "b": init.Normal(0.5)}
    incoming, mask, found = built(
        layers.GRULayer, settings, resetgate=Gate(W_cell=None, **gate),
        updategate=Gate(W_cell=None, **gate),
        hidden_update=Gate(W_cell=None, nonlinearity=nonlinearities.tanh, **gate),
    )  # fmt: skip

    def reference(layer):
        def run():
            v, s = values(layer), settings[found.index(layer)]

            def step(x, h):
                a = {
                    n: (x @ v[f"W_in_to_{n}"] + v[f"b_{n}"], h @ v[f"W_hid_to_{n}"])
                    for n in ("resetgate", "updategate", "hidden_update")
                }
                r, u = sigmoid(sum(a["resetgate"])), sigmoid(sum(a["updategate"]))
                new = np.tanh(a["hidden_update"][0] + r * a["hidden_update"][1])
                return [(1 - u) * h + u * new]

            return loop(
                step, [start(layer)], mask=MASK if s.get("mask") else None,
                backwards=s.get("backwards", False),
            )  # fmt: skip

        return run

    compare(incoming, mask, found, reference, settings, gradients=[2])


@pytest.mark.parametrize("cls", [layers.RecurrentLayer, layers.LSTMLayer, layers.GRULayer])
def test_an_initial_state_from_outside(cls):
    """As a decoder gets it: an expression, not a parameter."""
    incoming = InputLayer((None, 4, 3))
    h = T.matrix()
    # Lasagne's master wants a layer there.
    layer = cls(incoming, H, hid_init=InputLayer((None, H), h) if MASTER else h)
    plain = cls(incoming, H)
    assert len(get_all_params(layer)) == len(get_all_params(plain)) - 1
    for mine, theirs in zip(
        get_all_params(layer),
        [p for p in get_all_params(plain) if "hid_init" not in p.name],
        strict=True,
    ):
        theirs.set_value(mine.get_value())
    rows = draw(1, H, seed=4)
    next(p for p in get_all_params(plain) if "hid_init" in p.name).set_value(rows)
    first, second = compute(
        [get_output(layer), get_output(plain)], {incoming.input_var: X, h: np.repeat(rows, 2, 0)}
    )
    close(first, second)
    assert abs(first).max() > 0

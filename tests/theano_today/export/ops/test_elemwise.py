"""Elementwise functions, one by one."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import theano.tensor as T
from lasagne.layers import InputLayer
from theano.tensor.nnet import sigm

from tests.exported import Expression, agree, agree_on, draw
from theano_today.export.convert import convert
from theano_today.export.model import read_model

ANY = np.concatenate([draw(6, 5, low=-4, high=4), np.zeros((1, 5), "float32")])

EVERYWHERE = {
    "add": lambda x: x + 1.5 + x, "mul": lambda x: x * 2 * x, "sub": lambda x: 3 - x,
    "true_div": lambda x: x / 7, "neg": lambda x: -x, "abs": abs, "sgn": T.sgn, "exp": T.exp,
    "expm1": T.expm1, "exp2": T.exp2, "sqr": T.sqr, "tanh": T.tanh, "sinh": T.sinh,
    "cosh": T.cosh, "sin": T.sin, "cos": T.cos, "arctan": T.arctan, "arcsinh": T.arcsinh,
    "floor": T.floor, "ceil": T.ceil, "trunc": T.trunc, "half_to_even": T.round,
    "half_away": lambda x: T.round(x, mode="half_away_from_zero"), "erf": T.erf, "erfc": T.erfc,
    "deg2rad": T.deg2rad, "rad2deg": T.rad2deg, "clip": lambda x: T.clip(x, -1, 2),
    "maximum": lambda x: T.maximum(x, 0.5), "minimum": lambda x: T.minimum(x, x * x),
    "power": lambda x: abs(x) ** 1.5, "mod": lambda x: x % 1.25, "mod_negative": lambda x: x % -0.7,
    "int_div": lambda x: x // 0.75, "switch": lambda x: T.switch(x > 0, x, 0.1 * x),
    "where": lambda x: T.where(T.and_(T.ge(x, -1), T.le(x, 1)), 1, x), "elu": T.nnet.elu,
    "relu": T.nnet.relu, "leaky": lambda x: T.nnet.relu(x, 0.2), "softplus": T.nnet.softplus,
    "sigmoid": T.nnet.sigmoid, "hard": T.nnet.hard_sigmoid, "fast": sigm.ultra_fast_sigmoid,
    "softsign": T.nnet.nnet.softsign, "second": lambda x: T.fill(x, 3.0),
    "truths": lambda x: (x > 0) * x + T.neq(x, 0) - T.eq(x, 0) + T.lt(x, 1) * 2,
    "cast": lambda x: T.cast(T.cast(x * 100, "int8"), "float32"),
    "not": lambda x: x * (1 - (x > 1)),
    "isnan": lambda x: T.isnan(x) * 1.0 + T.isinf(x),
}  # fmt: skip

POSITIVE = {
    "log": T.log, "log2": T.log2, "log10": T.log10, "log1p": T.log1p, "sqrt": T.sqrt,
    "inv": T.inv, "power": lambda x: x**-0.7, "arccosh": lambda x: T.arccosh(1 + x),
}  # fmt: skip

INSIDE = {
    "arcsin": T.arcsin, "arccos": T.arccos, "arctanh": T.arctanh, "tan": T.tan,
}  # fmt: skip


def test_functions():
    agree_on(EVERYWHERE, ANY)
    agree_on(POSITIVE, draw(4, 5, low=0.05, high=4))
    agree_on(INSIDE, draw(4, 5, low=-0.9, high=0.9))


def test_integers():
    x = np.arange(-10, 10, dtype="int32").reshape(4, 5)
    agree_on(
        {
            "div": lambda x: x // 3, "mod": lambda x: x % 3, "down": lambda x: x // -3,
            "half": lambda x: x / 4, "max": lambda x: T.maximum(x, 2), "mixed": lambda x: x * 0.5,
            "narrow": lambda x: T.cast(x, "int8") + 1, "wide": lambda x: T.cast(x, "int64") * x,
        },
        x,
    )  # fmt: skip


def test_strange_floats():
    """Infinity and NaN as Theano has them."""
    x = np.array([[np.nan, np.inf, -np.inf, 0, -0.0, 1e38, 1e-40]], "float32")
    names = ["add", "mul", "abs", "exp", "tanh", "sigmoid", "isnan", "switch", "floor"]
    with np.errstate(all="ignore"):
        agree_on({name: EVERYWHERE[name] for name in names}, x)


def test_rectify_is_one_node():
    """Relu differs from the formula in one value: -inf becomes 0, not NaN."""
    x = InputLayer((None, 3), name="x")
    for f in (lambda x: 0.5 * (x + abs(x)), lambda x: (abs(x) + x) * 0.5):
        proto = agree([Expression(x, f)], draw(2, 3))
        assert [n.op_type for n in proto.graph.node] == ["Relu", "Identity"]
    for f in (lambda x: 0.5 * (x + abs(x + 1)), lambda x: 0.4 * (x + abs(x))):
        proto = convert(read_model([Expression(x, f)]), {})
        assert "Relu" not in [n.op_type for n in proto.graph.node]

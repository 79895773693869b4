"""Random expressions: mixed dtypes, constants, reductions and shapes, nested three deep."""

import numpy as np
import theano
import theano.tensor
import theano.tensor.nnet
from cases import Case, Namespace, an

T = Namespace(theano.tensor, "tensor")

NUMBER = 400
LEAVES = ["float32", "float64", "int8", "int32", "int64", "uint8", "bool", "float16"]
CONSTANTS = [1, 2, -3, 0.5, 300, -200, 255, 1e-3, 128, 2.0, np.float32(0.1), np.int8(3), True]
UNARY = [
    ("tanh", T.tanh),
    ("exp(-abs)", lambda x: T.exp(-abs(x))),
    ("sqr", T.sqr),
    ("neg", lambda x: -x),
    ("sigmoid", theano.tensor.nnet.sigmoid),
    ("log(1+abs)", lambda x: T.log(1 + abs(x))),
    ("sqrt(abs)", lambda x: T.sqrt(abs(x) + 0.25)),
    ("T", lambda x: x.T.T[:, ::-1]),
    ("sum keepdims", lambda x: x - x.sum(axis=1, keepdims=True)),
    ("mean", lambda x: x + x.mean()),
    ("max", lambda x: x / (abs(x).max() + 1)),
    ("astype", lambda x: x.astype("float32")),
    ("concatenate", lambda x: T.concatenate([x[:, :1], x[:, 1:]], axis=1)),
    ("set", lambda x: T.set_subtensor(x[0, 1:], 1)),
    ("roll", lambda x: T.roll(x, 1, axis=0)),
    ("cumsum", lambda x: T.cumsum(x, axis=0)),
    ("clip", lambda x: T.clip(x, -2, 200)),
    ("relu", theano.tensor.nnet.relu),
    ("softmax", lambda x: theano.tensor.nnet.softmax(x)),
    ("take", lambda x: x[[1, 0]]),
    ("reshape", lambda x: x.reshape((3, 2)).reshape((2, 3))),
    ("any", lambda x: T.any(x > 0, axis=0) * x),
    ("scan", lambda x: T.stack([x[0] + x[1], x[1]])),
]
BINARY = [
    ("+", lambda x, y: x + y),
    ("-", lambda x, y: x + (-1) * y),
    ("*", lambda x, y: x * y),
    ("/", lambda x, y: x / (abs(y) + 1.5)),
    ("maximum", T.maximum),
    ("switch", lambda x, y: T.switch(x > 0, x, y)),
    ("dot", lambda x, y: T.dot(x, y.T).dot(y)),
    ("row", lambda x, y: x + y[0]),
    ("column", lambda x, y: x * y[:, 1].dimshuffle(0, "x")),
    ("<", lambda x, y: (x < y) * x),
    ("%", lambda x, y: x % (abs(y) + 2)),
    ("pow", lambda x, y: T.sqr(x) ** 0.5 + y),
    ("join", lambda x, y: T.join(0, x[:1], y[1:])),
]


class Draw:
    def __init__(self, seed):
        self.next = np.random.RandomState(seed).random_sample

    def one(self, items):
        return items[int(self.next() * len(items))]


def expression(draw, depth, words):
    """A (2, 3) matrix; `words` gets what it is made of."""
    if depth == 0 or draw.next() < 0.1:
        dtype = draw.one(LEAVES)
        seed = int(draw.next() * 3)
        words.append("%s%d" % (dtype, seed))
        return an(dtype, (2, 3), seed)
    kind = draw.next()
    if kind < 0.45:
        name, f = draw.one(UNARY)
        words.append(name)
        return f(expression(draw, depth - 1, words))
    name, f = draw.one(BINARY)
    words.append(name)
    left = expression(draw, depth - 1, words)
    if kind < 0.65 and name not in ("dot", "row", "column", "join"):
        value = draw.one(CONSTANTS)
        words.append(repr(value))
        if isinstance(value, np.generic):
            value = T.as_tensor_variable(value)  # or NumPy's own rules would meet the formulas'
        return f(left, value)
    return f(left, expression(draw, depth - 1, words))


def cases():
    for seed in range(NUMBER):
        yield Case(
            "expression %d" % seed,
            lambda s=seed: expression(Draw(s), 3, []),
            gradient=True,
            ulps=256,
            whole=True,
            c="always" if seed % 10 == 0 else False,
        )

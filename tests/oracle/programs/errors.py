"""Which exception an Op raises when it is called with what does not fit."""

import numpy as np
import theano
import theano.ifelse
import theano.tensor as T
from cases import Case, given


def x(*shape):
    return given(np.arange(np.prod(shape, dtype=int)).reshape(shape).astype("float32"))


def whole(*values):
    return given(np.array(values, "int64"))


def number(value):
    return given(np.array(value, "int64"))


def row(*shape):
    """A variable whose first axis is said to have length 1."""
    return T.unbroadcast(T.addbroadcast(x(*shape), 0), 0)


EXPRESSIONS = {
    "join of other columns": lambda: T.join(0, x(2, 3), x(2, 4)),
    "join of other columns, negative axis": lambda: T.join(-2, x(2, 3), x(2, 4)),
    "join of other rows": lambda: T.join(1, x(2, 3), x(3, 3)),
    "join along a variable axis": lambda: T.join(number(0), x(2, 3), x(2, 4)),
    "join along an axis that is not there": lambda: T.join(number(2), x(2, 3), x(2, 3)),
    "join along a negative axis that is not there": lambda: T.join(number(-3), x(2, 3), x(2, 3)),
    "stack of other lengths": lambda: T.stack([x(2), x(3)]),
    "concatenate of other lengths": lambda: T.concatenate([x(2, 2), x(3, 3)], 1),
    "split into other lengths": lambda: T.split(x(5), whole(2, 2), 2),
    "split into negative lengths": lambda: T.split(x(5), whole(6, -1), 2),
    "rebroadcast": lambda: T.addbroadcast(x(2, 3), 0),
    "rebroadcast of nothing": lambda: T.addbroadcast(x(0, 3), 0),
    "rebroadcast and back": lambda: row(2, 3),
    "patternbroadcast": lambda: T.patternbroadcast(x(2, 3), (False, True)),
    "x[4]": lambda: x(3)[number(4)],
    "x[-4]": lambda: x(3)[number(-4)],
    "x[3]": lambda: x(3)[3],
    "x[0] of nothing": lambda: x(0, 2)[0],
    "x[1, 5]": lambda: x(2, 3)[1, number(5)],
    "x[::0]": lambda: x(3)[:: number(0)],
    "x[5:]": lambda: x(3)[number(5) :],
    "x[[0, 3]]": lambda: x(3)[whole(0, 3)],
    "x[[-4]]": lambda: x(3)[whole(-4)],
    "x[[0, 3]] of rows": lambda: x(3, 2)[whole(0, 3)],
    "x[[0, 1], [0, 5]]": lambda: x(3, 2)[whole(0, 1), whole(0, 5)],
    "x[[0, 1], [0, 1, 2]]": lambda: x(3, 2)[whole(0, 1), whole(0, 1, 2)],
    "x[mask] of another length": lambda: x(3)[given(np.array([True, False]))],
    "set x[4]": lambda: T.set_subtensor(x(3)[number(4)], 1),
    "inc x[-4]": lambda: T.inc_subtensor(x(3)[number(-4)], 1),
    "set x[::0]": lambda: T.set_subtensor(x(3)[:: number(0)], 1),
    "set x[:2] to three": lambda: T.set_subtensor(x(3)[:2], x(3)),
    "inc x[:2] by three": lambda: T.inc_subtensor(x(3)[:2], x(3)),
    "set x[1:] to a row of another length": lambda: T.set_subtensor(x(3, 2)[1:], x(3)),
    "set x[[0, 3]]": lambda: T.set_subtensor(x(3)[whole(0, 3)], x(2)),
    "inc x[[0, 3]]": lambda: T.inc_subtensor(x(3)[whole(0, 3)], x(2)),
    "set x[[0, 1]] to three": lambda: T.set_subtensor(x(3)[whole(0, 1)], x(3)),
    "inc x[[0, 1]] by three": lambda: T.inc_subtensor(x(3)[whole(0, 1)], x(3)),
    "set x[[0], [5]]": lambda: T.set_subtensor(x(3, 2)[whole(0), whole(5)], 1),
    "reshape to another size": lambda: x(6).reshape((4, 2)),
    "reshape to a variable shape": lambda: x(6).reshape(whole(4, 2), ndim=2),
    "reshape to -1, -1": lambda: x(6).reshape(whole(-1, -1), ndim=2),
    "reshape to -1, 4": lambda: x(6).reshape(whole(-1, 4), ndim=2),
    "reshape of nothing to -1, 0": lambda: x(0, 3).reshape(whole(-1, 0), ndim=2),
    "alloc of a negative length": lambda: T.alloc(x(1)[0], number(-2)),
    "alloc of another shape": lambda: T.alloc(x(3), number(2), number(4)),
    "sum of other lengths": lambda: x(2) + x(3),
    "sum of a row that is not one": lambda: x(2, 3) + x(1, 3),
    "sum of nothing and one": lambda: x(0) + x(1),
    "dot of other lengths": lambda: T.dot(x(2, 3), x(2, 3)),
    "dot of a vector of another length": lambda: T.dot(x(2, 3), x(2)),
    "dot of vectors": lambda: T.dot(x(2), x(3)),
    "batched_dot of other batches": lambda: T.batched_dot(x(2, 3, 4), x(3, 4, 5)),
    "maximum of nothing": lambda: x(0).max(),
    "argmax of nothing": lambda: T.argmax(x(0, 3), axis=0),
    "mean of nothing": lambda: x(0).mean(),
    "specify_shape": lambda: T.specify_shape(x(2, 3), (2, 4)),
    "assertion": lambda: T.opt.Assert("no")(x(2), T.eq(x(1)[0], 1)),
    "arange with step 0": lambda: T.arange(number(0), number(3), number(0)),
    "i // 0": lambda: whole(3, 4) // whole(1, 0),
    "i % 0": lambda: whole(3, 4) % whole(1, 0),
    "eye of a negative size": lambda: T.eye(number(-1)),
    "diagonal of a vector that is a matrix": lambda: T.diag(x(2, 3)[0:1]),
    "softmax and labels out of range": lambda: T.nnet.categorical_crossentropy(
        T.nnet.softmax(x(2, 3)), whole(0, 3)
    ),
    "softmax and too few labels": lambda: T.nnet.categorical_crossentropy(
        T.nnet.softmax(x(2, 3)), whole(0)
    ),
    "convolution of other channels": lambda: T.nnet.conv2d(x(1, 2, 5, 5), x(1, 3, 2, 2)),
    "convolution with a filter too large": lambda: T.nnet.conv2d(x(1, 1, 2, 2), x(1, 1, 3, 3)),
    "ifelse of another type": lambda: theano.ifelse.ifelse(number(1), x(2), x(2, 3)),
    "as many outputs": lambda: T.nonzero(x(2, 3))[2],
}


def cases():
    for name, build in EXPRESSIONS.items():
        c = "only" if name.startswith("convolution") else "always"
        yield Case(name, build, alone=True, c=c)

"""The types of expressions, without values: functions of every dtype, pair and triple of them."""

import itertools

import theano
import theano.tensor
import theano.tensor.extra_ops
import theano.tensor.nnet
from cases import DTYPES, Case, public_names, str_of_type
from theano.configparser import change_flags

MODULES = [theano.tensor, theano.tensor.nnet, theano.tensor.extra_ops]
POLICIES = ["custom", "numpy+floatX"]
FLOATX = ["float16", "float32", "float64"]
TRIPLES = {
    "upcast": theano.scalar.upcast,
    "add": lambda *d: theano.tensor.add(*map(vector, d)).dtype,
    "join": lambda *d: theano.tensor.join(0, *map(vector, d)).dtype,
    "stack": lambda *d: theano.tensor.stack([vector(t) for t in d]).dtype,
    "switch": lambda *d: theano.tensor.switch(*map(vector, d)).dtype,
    "clip": lambda *d: theano.tensor.clip(*map(vector, d)).dtype,
}
CHANGES = {
    "set_subtensor": lambda x, y: theano.tensor.set_subtensor(x[1:], y[1:]),
    "inc_subtensor": lambda x, y: theano.tensor.inc_subtensor(x[1:], y[1:]),
    "set_subtensor of indices": lambda x, y: theano.tensor.set_subtensor(x[[0, 1]], y[:2]),
    "alloc": lambda x, y: theano.tensor.alloc(x[0], y[0]),
    "x[y]": lambda x, y: x[y],
    "x[y] = x": lambda x, y: theano.tensor.set_subtensor(x[y], x),
    "x[y[0]]": lambda x, y: x[y[0]],
    "x[:y[0]]": lambda x, y: x[: y[0]],
    "reshape": lambda x, y: x.reshape(y, ndim=2),
    "arange": lambda x, y: theano.tensor.arange(x[0], y[0]),
    "updates": lambda x, y: (
        theano.function([y], updates=[(shared(x.dtype), y)], mode=UNOPTIMISED) and x
    ),
}
UNOPTIMISED = theano.Mode("py", None)


def vector(dtype):
    return theano.tensor.TensorType(dtype, (False,))()


def matrix(dtype):
    return theano.tensor.TensorType(dtype, (False, False))()


def shared(dtype):
    return theano.shared(theano.tensor.TensorType(dtype, (False,)).value_zeros((3,)))


def said(function, *dtypes):
    """The types of what a function of dtypes gives, or the class of its exception."""
    try:
        found = function(*dtypes)
    except Exception as error:
        return type(error).__name__
    if isinstance(found, str):
        return found
    found = found if isinstance(found, (list, tuple)) else [found]
    return ", ".join(
        str_of_type(v.type) if isinstance(v, theano.gof.Variable) else type(v).__name__
        for v in found
    )


def of_all(function, count, policy="custom", floatX=None):
    """What `function` says to all combinations of `count` dtypes, in order."""
    with change_flags(cast_policy=policy, floatX=floatX or theano.config.floatX):
        return [said(function, *d) for d in itertools.product(DTYPES, repeat=count)]


def cases():
    for name, function in TRIPLES.items():
        yield Case(f"triples {name}", lambda f=function: of_all(f, 3), c=False)
    for policy, floatX in itertools.product(POLICIES, FLOATX):
        for count in (2, 3):
            yield Case(
                "upcast of %d, %s %s" % (count, policy, floatX),
                lambda n=count, p=policy, x=floatX: of_all(theano.scalar.upcast, n, p, x),
                c=False,
            )
    for name, function in CHANGES.items():
        yield Case(
            f"pairs {name}",
            lambda f=function: of_all(lambda a, b: f(vector(a), vector(b)), 2),
            c=False,
        )
    for module in MODULES:
        label = module.__name__.replace("theano.", "")
        for name in public_names(module, label):
            for make in (vector, matrix):
                yield from of_function(label + "." + name, getattr(module, name), make)


def of_function(name, function, make):
    """Cases of functions that take one variable, or two, of floats or of integers."""
    for count in (1, 2):
        if any(gives_a_variable(function, [make(d)] * count) for d in ("float64", "int8")):
            yield Case(
                f"{name} of {count} ({make.__name__})",
                lambda f=function, n=count, m=make: of_all(lambda *dtypes: f(*map(m, dtypes)), n),
                c=False,
            )


def gives_a_variable(function, arguments):
    try:
        found = function(*arguments)
    except Exception:
        return False
    found = found if isinstance(found, (list, tuple)) else [found]
    return any(isinstance(v, theano.gof.Variable) for v in found)

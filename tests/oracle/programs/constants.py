"""Constants: which dtype a Python number, a NumPy scalar or array gets, and gives to others.

Theano's rule: the smallest of int8, int16, int32, int64 (uint64 beyond), and for floats floatX
or float64 as config.floatX says; NumPy's own scalars and arrays keep their dtype.
"""

import operator

import numpy as np
import theano
import theano.tensor
from cases import DTYPES, Case, Namespace, an, numbers

T = Namespace(theano.tensor, "tensor")

INTS = [0, 1, -1, 100, 127, 128, -128, -129, 200, 255, 256, 300, 600, 784, -200, 32767, 32768]
INTS += [-32768, -32769, 65535, 65536, 10**6, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32]
INTS += [2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), -(2**63) - 1, 2**64]
OTHERS = [0.0, -0.0, 0.5, 0.1, 1 / 3, 1e10, 1e-10, 1e38, 1e39, 1e300, 2.0**24 + 1, float("inf")]
OTHERS += [float("nan"), True, False, 1 + 2j, 300.0, 65504.0, 65505.0, 1e-46]

OPERATORS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": operator.pow,
    "lt": operator.lt,
    "ge": operator.ge,
    "and": operator.and_,
    "maximum": T.maximum,
    "eq": T.eq,
}


def cases():
    for value in INTS + OTHERS:
        for make in ("constant", "as_tensor_variable", "as_tensor"):
            yield Case(f"{make}({value!r})", lambda m=make, v=value: getattr(T, m)(v))
        yield Case(f"shared({value!r})", lambda v=value: theano.shared(v))
        yield Case(f"scalar.constant({value!r})", lambda v=value: scalar_constant(v))
        yield Case(f"constant([{value!r}, 1])", lambda v=value: T.constant([v, 1]))
        for dtype in ("int8", "uint8", "int16", "int64", "uint64", "float16", "float32", "float64"):
            yield Case(
                f"constant({value!r}, dtype={dtype})",
                lambda v=value, d=dtype: T.constant(v, dtype=d),
            )
    for dtype in DTYPES:
        for shape in ((), (0,), (3,), (1, 3), (2, 1, 2)):
            array = numbers(dtype, shape)
            yield Case(f"constant({dtype} {shape})", lambda a=array: T.constant(a))
            yield Case(f"shared({dtype} {shape})", lambda a=array: theano.shared(a))
        scalar = numbers(dtype, ())[()]
        yield Case(f"constant(np.{dtype})", lambda s=scalar: T.constant(s))
        yield Case(f"constant([np.{dtype}])", lambda s=scalar: T.constant([s, s]))
        yield Case(f"constant(np.{dtype}, ndim=2)", lambda s=scalar: T.constant(s, ndim=2))
    for name, value in {
        "[]": [],
        "[[]]": [[]],
        "[1, 2]": [1, 2],
        "[1, 300]": [1, 300],
        "(1, 2.5)": (1, 2.5),
        "[[1], [2]]": [[1], [2]],
        "[True, 2]": [True, 2],
        "[1, 2**63]": [1, 2**63],
        "range(300)": list(range(300)),
        "'text'": "text",
        "None": None,
        "{}": {},
        "[1, 'a']": [1, "a"],
    }.items():
        yield Case(f"constant({name})", lambda v=value: T.constant(v))
        yield Case(f"as_tensor_variable({name})", lambda v=value: T.as_tensor_variable(v))
    yield Case("as_tensor_variable([x, 1])", lambda: T.as_tensor_variable([an("float32", ()), 1]))
    yield Case("as_tensor_variable([i, 300])", lambda: T.as_tensor_variable([an("int8", ()), 300]))
    for name, operate in OPERATORS.items():
        for value in [1, -1, 100, 127, 128, 255, -129, 300, 40000, 2**31, 2**63, 0.5, 1e300, True]:
            yield Case(
                f"types of x {name} {value!r}",
                lambda o=operate, v=value: types(lambda dtype: o(an(dtype, (3,)), v)),
            )
            yield Case(
                f"types of {value!r} {name} x",
                lambda o=operate, v=value: types(lambda dtype: o(v, an(dtype, (3,)))),
            )
    for dtype in ("int8", "uint8", "int32", "int64", "uint64", "float32", "float64"):
        for name in ("add", "sub", "mul", "truediv", "lt", "maximum"):
            for value in (-200, 127, 128, 300, 70000, 0.5):
                yield Case(
                    f"{dtype} {name} {value!r}",
                    lambda o=OPERATORS[name], d=dtype, v=value: o(an(d, (3,)), v),
                    c=dtype in ("int8", "int64", "float32") and value in (-200, 300, 0.5),
                )
    yield Case("clip(f, 0, 255)", lambda: T.clip(an("float32", (3,)), 0, 255), gradient=True)
    yield Case("clip(i, -300, 300)", lambda: T.clip(an("int8", (3,)), -300, 300))
    for stop in (5, 127, 128, 200, 300):
        yield Case("arange(%d)" % stop, lambda s=stop: T.arange(s))
    yield Case("arange(250, 300, 7)", lambda: T.arange(250, 300, 7))
    yield Case("arange(300, 0, -50)", lambda: T.arange(300, 0, -50))
    yield Case("arange(0, 2, 0.25)", lambda: T.arange(0, 2, 0.25))
    for dtype in DTYPES[1:12]:
        yield Case(f"arange({dtype})", lambda d=dtype: T.arange(T.constant(5, dtype=d)))
        yield Case(f"arange(5, dtype={dtype})", lambda d=dtype: T.arange(5, dtype=d))
    yield Case("alloc(300, 2, 3)", lambda: T.alloc(300, 2, 3))
    yield Case("alloc(1.5, 130)", lambda: T.alloc(1.5, 130))
    yield Case("eye(130).sum(0)", lambda: T.eye(130).sum(axis=0))
    yield Case("reshape to 784", lambda: an("float32", (2, 392)).reshape((1, 784)).sum(axis=1))
    yield Case("tile 300", lambda: T.tile(an("int8", (2,)), 300).sum())
    yield Case("x[i * 200:(i + 1) * 200]", slices)
    yield Case("cast(300, int8)", lambda: T.cast(300, "int8"))
    yield Case("cast(-1, uint8)", lambda: T.cast(-1, "uint8"))
    yield Case("switch(x, 300, -300)", lambda: T.switch(an("int8", (3,)), 300, -300))
    yield Case("switch(x, 300, 0.5)", lambda: T.switch(an("int8", (3,)), 300, 0.5))
    yield Case("x ** 200", lambda: an("float64", (3,), low=0.9, high=1.1) ** 200, gradient=True)
    for allowed in (True, False, None):
        for value in (1, 300, -1, 0.5, 2.0**40, np.float64(0.1), np.int64(7), np.array([1])):
            for dtype in ("int8", "uint8", "float32", "int64"):
                yield Case(
                    f"input {dtype} of {type(value).__name__} {value}, downcast {allowed}",
                    lambda a=allowed, v=value, d=dtype: passed(a, v, d),
                )


def types(make):
    """The result's dtype for an operand of each dtype, or the class of the exception."""
    return [typed(make, dtype) for dtype in DTYPES]


def typed(make, dtype):
    try:
        return make(dtype).dtype
    except Exception as error:
        return type(error).__name__


def scalar_constant(value):
    constant = theano.scalar.constant(value)
    return [constant.type.dtype, constant.data]


def slices():
    data = theano.shared(numbers("float32", (1000,)))
    i = T.constant(2)
    return [data[i * 200 : (i + 1) * 200].sum(), (i * 600).astype("int64")]


def passed(allowed, value, dtype):
    variable = theano.tensor.TensorType(dtype, (False,) * np.ndim(value))()
    function = theano.function(
        [variable], variable + 0, allow_input_downcast=allowed, mode="FAST_COMPILE"
    )
    return function(value)

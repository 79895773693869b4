"""Expressions of variables and constants: their types by Theano's rules, stated here once more.

A constant has the smallest type that holds it (policy "custom") or NumPy's and floatX
("numpy+floatX"); an Op's result the type that holds all its inputs' types. The rules here, and the
same expressions by the thousand, were compared with Theano 1.0.5 on NumPy 1.19.5: dtype for dtype.
"""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import functools
import operator

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.configparser import change_flags

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
REALS = ["bool", *INTEGERS, "float16", "float32", "float64"]
INTS = [-(2**63), -(2**31) - 1, -32769, -200, -129, -128, -1, 0, 2, 127, 128, 255, 256, 600]
INTS += [32767, 32768, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**64 - 1]
FLOATS = [0.5, 0.1, -2.0, 1e39, float("inf"), float("nan"), 16777217.0]
NUMPY = [np.dtype(dtype).type(1) for dtype in REALS]
FUSED = theano.Mode("py", "fast_run")
SETTINGS = [
    (policy, floatX)
    for policy in ("custom", "numpy+floatX")
    for floatX in ("float32", "float64", "float16")
]


@pytest.fixture(params=SETTINGS, ids=" ".join)
def setting(request):
    policy, floatX = request.param
    with change_flags(cast_policy=policy, floatX=floatX):
        yield request.param


def dtype_of(constant, setting):
    policy, floatX = setting
    if isinstance(constant, np.generic):
        return constant.dtype.name
    if isinstance(constant, float):
        if policy != "custom" or floatX != "float64":
            return floatX
        with np.errstate(over="ignore"):
            exact = np.float64(np.float32(constant)) == np.float64(constant)
        return "float32" if exact else "float64"
    if policy != "custom":
        return "int64" if constant < 2**63 else "uint64"
    fitting = [d for d in INTEGERS[:4] if np.iinfo(d).min <= constant <= np.iinfo(d).max]
    return [*fitting, "uint64"][0]


def common(setting, *dtypes):
    """The type that holds `dtypes`; under numpy+floatX no float64 unless one of them is."""
    policy, floatX = setting
    result = functools.reduce(np.promote_types, dtypes).name
    if policy == "custom" or result not in ("float32", "float64"):
        return result
    if "float64" in dtypes or (floatX == "float16" and "float32" in dtypes):
        return result
    return {"float32": "float16", "float64": floatX}[result] if floatX == "float16" else (
        floatX if result == "float64" else result
    )  # fmt: skip


def quotient(setting, x, c):
    if x.startswith("float") or c.startswith("float"):
        return common(setting, x, c)
    return setting[1]


def power(setting, x, c):
    return "int8" if x == c == "bool" else common(setting, x, c)


# Each: the expression, and its type from the setting, that of the variable and of the constant.
EXPRESSIONS = {
    "x + c": (operator.add, common),
    "x * c": (operator.mul, common),
    "c * x": (lambda x, c: T.as_tensor_variable(c) * x, common),
    "x / c": (operator.truediv, quotient),
    "x // c": (operator.floordiv, common),
    "x % c": (operator.mod, common),
    "x ** c": (operator.pow, power),
    "x < c": (operator.lt, lambda setting, x, c: "bool"),
    "eq": (T.eq, lambda setting, x, c: "bool"),
    "maximum": (T.maximum, common),
    "clip": (lambda x, c: T.clip(x, 0, c), lambda s, x, c: common(s, x, dtype_of(0, s), c)),
    "clip to 255": (
        lambda x, c: T.clip(x, c, 255),
        lambda s, x, c: common(s, x, c, dtype_of(255, s)),
    ),
    "switch": (lambda x, c: T.switch(T.eq(x, x), x, c), common),
    "concatenate": (lambda x, c: T.concatenate([x, T.as_tensor_variable([c])]), None),
    "alloc": (lambda x, c: T.alloc(c, 300), lambda setting, x, c: c),
    "fill": (T.fill, lambda setting, x, c: c),
    "cast": (lambda x, c: T.cast(c, x.dtype), lambda setting, x, c: x),
    "set_subtensor": (lambda x, c: T.set_subtensor(x[:2], c), lambda setting, x, c: x),
    "tile": (lambda x, c: T.tile(x, 300), lambda setting, x, c: x),
    "reshape": (lambda x, c: x.reshape((784, -1)), lambda setting, x, c: x),
    "a slice": (lambda x, c: x[T.lscalar() * 500 : 600], lambda setting, x, c: x),
}


def check(name, setting, dtypes, constants):
    expression, rule = EXPRESSIONS[name]
    if name in ("tile", "reshape", "a slice"):
        constants = [0]
    for dtype in dtypes:
        x = T.vector("x", dtype)
        for constant in constants:
            if name == "concatenate":
                # What is in a list has NumPy's type.
                expected = common(setting, dtype, np.asarray([constant]).dtype.name)
            else:
                expected = rule(setting, dtype, dtype_of(constant, setting))
            assert expression(x, constant).dtype == expected, (dtype, constant)


@pytest.mark.parametrize("name", [name for name in EXPRESSIONS if name != "clip to 255"])
def test_types(name, setting):
    check(name, setting, ["bool", "uint8", "float32"], [-200, 300, 2**63, 0.1, np.uint8(1)])


@pytest.mark.long
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_all_types(name, setting):
    check(name, setting, REALS, [*INTS, *FLOATS, *NUMPY])


def test_types_without_a_variable(setting):
    _, floatX = setting
    assert T.eye(300).dtype == T.zeros((300, 2)).dtype == T.tri(300).dtype == floatX
    assert T.arange(600).dtype == T.arange(-600, 600, 200).dtype == "int64"
    assert T.arange(T.iscalar() * 600, dtype="int8").dtype == "int8"
    assert (T.fmatrix().shape[0] * 600).dtype == "int64"
    assert T.fmatrix()[T.lscalar() * 600].dtype == "float32"
    assert T.repeat(T.ivector(), 300).dtype == T.roll(T.ivector(), 300).dtype == "int32"
    assert T.alloc(1, 300, 300).dtype == dtype_of(1, setting)


@pytest.mark.parametrize("mode", ["FAST_COMPILE", pytest.param(FUSED, marks=pytest.mark.long)])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_values(dtype, mode):
    """Each expression by NumPy, with the constant and the variable in the type of the result."""
    values = np.array([0, 1, 7, 100], dtype)
    x = T.vector("x", dtype)
    setting = (theano.config.cast_policy, theano.config.floatX)
    formulas, expected = [], []
    for constant in [-(2**63), -32769, -200, -1, 0, 127, 256, 600, 2**31, 2**63, 0.1, -2.0]:
        c = dtype_of(constant, setting)
        result = common(setting, dtype, c)
        with np.errstate(all="ignore"):
            left, right = values.astype(result), np.array(constant, c).astype(result)
            for formula in (operator.add, operator.mul, operator.sub, np.maximum, operator.lt):
                formulas.append(T.maximum(x, constant) if formula is np.maximum else None)
                if formulas[-1] is None:
                    formulas[-1] = formula(x, constant)
                expected.append(formula(left, right))
            if constant != 0 and result != "float64":
                formulas += [x // constant, x % constant]
                expected += [left // right, left % right]
    results = theano.function([x], formulas, mode=mode)(values)
    for result, number, formula in zip(results, expected, formulas, strict=True):
        assert result.dtype == number.dtype, formula
        np.testing.assert_array_equal(result, number, err_msg=theano.pp(formula))


def test_values_of_indices_and_shapes():
    i, x = T.lscalar("i"), T.matrix("x", "float32")
    data = np.arange(1200 * 784, dtype="float32").reshape(1200, 784)
    results = theano.function(
        [i, x],
        [
            x[i * 500 : (i + 1) * 500],
            T.arange(600)[i * 300 :],
            x[:2].reshape((-1, 28, 28)),
            T.tile(x[:1, :3], (300, 1)),
            T.eye(300, 200, -150),
            T.clip(x, 255, 600).sum(axis=1) - 200,
            T.set_subtensor(x[1000:, 600:], 300),
            x.shape[0] * 600 - 200,
        ],
        mode="FAST_COMPILE",
    )(1, data)
    stored = data.copy()
    stored[1000:, 600:] = 300
    expected = [
        data[500:1000],
        np.arange(300, 600),
        data[:2].reshape(-1, 28, 28),
        np.tile(data[:1, :3], (300, 1)),
        np.eye(300, 200, -150),
        np.clip(data, 255, 600).sum(axis=1) - 200,
        stored,
        1200 * 600 - 200,
    ]
    for result, number in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, number, rtol=1e-6)

"""library/scalar, library/tensor/basic, glossary: which dtype an expression has.

The rules are stated here in full, without NumPy. They are compared with what the stack of 2020
said (tests/oracle/expected/types.json.gz), and with graphs that are built here: an expression
has its dtype before it is compiled, and its value has it afterwards.
"""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import functools
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.configparser import change_flags

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))  # the programs' own imports

import expected
import programs.types as program

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES += ["float16", "float32", "float64", "complex64", "complex128"]
INTEGERS, FLOATS = DTYPES[1:9], DTYPES[9:12]
PAIRS = list(itertools.product(DTYPES, repeat=2))
TRIPLES = list(itertools.product(DTYPES, repeat=3))
SETTINGS = list(itertools.product(["custom", "numpy+floatX"], FLOATS))


RECORDS = expected.read("types")


# ---- the rules ---------------------------------------------------------------------------


def bits(dtype):
    return int(dtype.lstrip("boluintfaecmpx"))


def kind(dtype):
    return ("bool", "uint", "int", "float", "complex").index(dtype.rstrip("0123456789"))


def to_float(dtype):
    """The smallest float that has every integer of a type of 8 or 16 bits, and float64."""
    return {8: "float16", 16: "float32"}.get(bits(dtype), "float64")


def both(a, b):
    """The smallest type that has the values of both."""
    if kind(a) > kind(b):
        a, b = b, a
    if a == "bool" or a == b:
        return b
    if kind(a) == kind(b):
        return max(a, b, key=bits)
    if kind(b) == 2:  # signed, and a is unsigned
        wanted = max(2 * bits(a), bits(b))
        return f"int{wanted}" if wanted <= 64 else "float64"
    part = to_float(a) if kind(a) < 3 else a
    if kind(b) == 3:
        return both(part, b)
    return f"complex{max(64, 2 * bits(part), bits(b))}"


def upcast(*dtypes, setting=("custom", "float32")):
    """One after the other: int8, uint8 and float16 make float32, in another order float16.

    Under numpy+floatX nothing becomes wider than floatX unless some input was: float64 becomes
    floatX, if no input is float64, and float32 float16.
    """
    found = functools.reduce(both, dtypes)
    policy, floatX = setting
    if policy == "custom" or found not in ("float32", "float64"):
        return found
    if "float64" in dtypes or (floatX == "float16" and "float32" in dtypes):
        return found
    return floatX if bits(found) > bits(floatX) else found


def refuses(error, *kinds):
    """`upcast`, but `error` for these kinds of dtypes."""

    def rule(*dtypes):
        return error if {d.rstrip("0123456789") for d in dtypes} & set(kinds) else upcast(*dtypes)

    return rule


def of_discrete(floating, error="TypeError", booleans=True):
    def rule(*dtypes):
        if any(kind(d) > 2 or (d == "bool" and not booleans) for d in dtypes):
            return error
        return floating(*dtypes)

    return rule


def as_float(dtype):
    """exp, log, sqrt, ...: float32 for integers of up to 16 bits, otherwise float64."""
    if kind(dtype) > 2:
        return dtype
    return "float32" if dtype == "bool" or bits(dtype) <= 16 else "float64"


def as_real(dtype):
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


def accumulated(dtype):
    """sum and prod: integers are added up in 64 bits, with or without a sign as they have."""
    if kind(dtype) > 2:
        return dtype
    return "uint64" if kind(dtype) == 1 else "int64"


def averaged(dtype):
    return dtype if kind(dtype) > 2 else "float64"


def quotient(*dtypes):
    """True division: integers by integers are floatX."""
    return upcast(*dtypes) if any(kind(d) > 2 for d in dtypes) else "float32"


def constantly(dtype):
    return lambda *_: dtype


def real(rule, error="TypeError"):
    return lambda *dtypes: error if any(kind(d) == 4 for d in dtypes) else rule(*dtypes)


def floats_only(rule, error="TypeError"):
    return lambda *dtypes: rule(*dtypes) if all(kind(d) == 3 for d in dtypes) else error


def same(dtype):
    return dtype


FLOATING = (
    "exp exp2 expm1 log log2 log10 log1p sqrt inv sin cos tan arcsin arccos arctan sinh cosh "
)
FLOATING += "tanh arcsinh arccosh arctanh deg2rad rad2deg erf gamma gammaln psi j0 j1 i0 i1"
REAL = "ceil floor trunc erfc erfcx erfinv erfcinv"
SAME = "sqr largest tensor_copy zeros_like ones_like cumsum cumprod max"
ONE = {
    **dict.fromkeys(FLOATING.split(), as_float),
    **dict.fromkeys(REAL.split(), real(as_float)),
    **dict.fromkeys(SAME.split(), same),
    **dict.fromkeys(("abs_", "real", "imag"), as_real),
    **dict.fromkeys(("sum", "prod"), accumulated),
    **dict.fromkeys(("mean", "var", "std"), averaged),
    **dict.fromkeys(("any", "all", "isnan", "isinf"), constantly("bool")),
    **dict.fromkeys(("round", "round_half_to_even"), floats_only(same)),
    "iround": floats_only(constantly("int64")),
    "argmax": constantly("int64"),
    "argmin": real(constantly("int64"), "NotImplementedError"),
    "min": real(same, "NotImplementedError"),
    "ptp": real(refuses("TypeError", "bool"), "NotImplementedError"),
    "neg": refuses("TypeError", "bool"),
    "sgn": real(refuses("TypeError", "bool")),
    "conj": lambda d: "int8" if d == "bool" else d,
    "angle": constantly("float64"),
    "invert": of_discrete(same),
}
NNET = {
    **dict.fromkeys(("sigmoid", "softplus", "softsign", "ultra_fast_sigmoid"), as_float),
    "hard_sigmoid": real(as_float),
    "softmax": floats_only(same, "ValueError"),
}
TWO = {
    **dict.fromkeys(("add", "mul", "maximum"), upcast),
    "true_div": quotient,
    **dict.fromkeys(("eq", "neq"), constantly("bool")),
    **dict.fromkeys(("lt", "gt", "le", "ge"), constantly("bool")),
    "sub": lambda a, b: "TypeError" if a == b == "bool" else upcast(a, b),
    "minimum": upcast,
    "int_div": upcast,
    "mod": upcast,
    "pow": lambda a, b: "int8" if a == b == "bool" else upcast(a, b),
    "arctan2": lambda a, b: both(as_float(a), as_float(b)),
    "complex": real(lambda *d: f"complex{max(64, 2 * bits(as_float(upcast(*d))))}"),
    **dict.fromkeys(("dot", "outer", "smallest"), upcast),
    "second": lambda a, b: b,
}


THREE = {
    **dict.fromkeys(("add", "join", "stack"), upcast),
    "switch": lambda condition, a, b: upcast(a, b),
    "clip": real(upcast),
}
# What the second of a pair may be.
INDICES = {"x[y]", "x[y[0]]", "x[y] = x"}  # whole numbers, and a boolean
LENGTHS = {"alloc", "x[:y[0]]"}  # whole numbers


def pairs(name):
    def rule(x, y):
        fits = {
            **dict.fromkeys(INDICES, kind(y) < 3),
            **dict.fromkeys(LENGTHS, 0 < kind(y) < 3),
            "reshape": kind(y) == 2,
            "updates": x == y,
        }
        return x if fits.get(name, True) else "TypeError"

    return rule


def arange(start, stop):
    """Whole numbers make int64, as NumPy's do; the step, 1, is of int8."""
    found = upcast(start, stop, "int8")
    return found if kind(found) > 2 else "int64"


def recorded(name):
    return [said.split()[0].rstrip(",") for said in RECORDS[name]["is"]]


def dtype_of(function, *dtypes, make=program.vector):
    """The dtype that an expression has, or the name of the exception."""
    return program.said(function, *[make(d) for d in dtypes]).split()[0].rstrip(",")


# ---- the tests ---------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SETTINGS, ids=" ".join)
def test_upcast(setting):
    with change_flags(cast_policy=setting[0], floatX=setting[1]):
        for combinations, count in ((PAIRS, 2), (TRIPLES, 3)):
            want = [upcast(*dtypes, setting=setting) for dtypes in combinations]
            assert [theano.scalar.upcast(*dtypes) for dtypes in combinations] == want
            name = "upcast of {}, {} {}".format(count, *setting)
            if name in RECORDS:
                assert recorded(name) == want


def test_the_order_counts():
    assert upcast("int8", "uint8", "float16") == "float32"
    assert upcast("int8", "float16", "uint8") == "float16"
    assert theano.scalar.upcast("int8", "uint8", "float16") == "float32"
    assert theano.scalar.upcast("int8", "float16", "uint8") == "float16"


@pytest.mark.parametrize("name", THREE)
def test_three(name):
    want = [THREE[name](*dtypes) for dtypes in TRIPLES]
    assert recorded(f"triples {name}") == want
    some = slice(None, None, 7)  # all of them: test_oracle.py
    assert [program.said(program.TRIPLES[name], *d) for d in TRIPLES[some]] == want[some]


@pytest.mark.parametrize("name", [*ONE, *[f"nnet.{name}" for name in NNET]])
def test_one(name):
    rule = NNET[name[5:]] if name.startswith("nnet.") else ONE[name]
    want = [rule(dtype) for dtype in DTYPES]
    function = getattr(T.nnet, name[5:]) if name.startswith("nnet.") else getattr(T, name)
    assert recorded(f"tensor.{name} of 1 (matrix)") == want
    assert [dtype_of(function, dtype, make=program.matrix) for dtype in DTYPES] == want


@pytest.mark.parametrize("name", TWO)
def test_two(name):
    want = [TWO[name](*dtypes) for dtypes in PAIRS]
    assert recorded(f"tensor.{name} of 2 (vector)") == want
    assert [dtype_of(getattr(T, name), *dtypes) for dtypes in PAIRS] == want


@pytest.mark.parametrize("name", program.CHANGES)
def test_changes_indices_and_lengths(name):
    rule = arange if name == "arange" else pairs(name)
    want = [rule(*dtypes) for dtypes in PAIRS]
    assert recorded(f"pairs {name}") == want
    some = slice(None, None, 5 if name == "updates" else 1)
    assert [dtype_of(program.CHANGES[name], *d) for d in PAIRS[some]] == want[some]


@pytest.mark.parametrize("floatX", FLOATS)
def test_division_of_integers_is_floatX(floatX):
    with change_flags(floatX=floatX):
        for a, b in itertools.product(DTYPES[:9], repeat=2):
            assert dtype_of(lambda x, y: x / y, a, b) == floatX
            assert dtype_of(lambda x, y: x // y, a, b) == upcast(a, b)


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool"])
def test_accumulators(dtype):
    """sum and prod have the dtype that is asked for; cumsum and cumprod that of their input."""
    x = program.matrix(dtype)
    for wanted in DTYPES[1:]:
        if kind(wanted) == 4:
            continue
        assert T.sum(x, dtype=wanted).dtype == wanted
        assert T.prod(x, dtype=wanted).dtype == wanted
    assert T.cumsum(x).dtype == T.cumprod(x).dtype == dtype
    assert T.mean(x, dtype="float32").dtype == "float32"


def test_values_have_the_dtype_that_was_promised():
    """Of every function of one or two above, of every dtype that it takes."""
    x = {dtype: T.TensorType(dtype, (False, False))() for dtype in DTYPES}
    values = {dtype: np.array([[1, 0], [0, 1]], dtype) for dtype in DTYPES}
    slow = {"j0", "j1", "i0", "i1", "outer", "complex"}  # a second each, to be compiled
    outputs = []
    for dtype in ("bool", "int8", "uint16", "int64", "float32", "float64"):
        for name, rule in ONE.items():
            if name.startswith("cum") and kind(dtype) < 3:
                continue  # NumPy's result in its Python code, of int64; of the dtype in its C code
            if name not in slow and rule(dtype) in DTYPES:
                outputs.append((getattr(T, name)(x[dtype]), rule(dtype)))
        for name, rule in TWO.items():
            if name not in slow | {"int_div", "mod", "arctan2"}:  # by 0
                for other in ("int8", "float32"):
                    if rule(dtype, other) in DTYPES:
                        function = getattr(T, name)
                        outputs.append((function(x[dtype], x[other]), rule(dtype, other)))
    assert len(outputs) > 300
    mode = theano.Mode("py", None)
    function = theano.function(
        list(x.values()), [o for o, _ in outputs], mode=mode, on_unused_input="ignore"
    )
    with np.errstate(all="ignore"):
        found = function(*values.values())
    for value, (output, dtype) in zip(found, outputs, strict=True):
        assert str(value.dtype) == dtype == output.dtype, output

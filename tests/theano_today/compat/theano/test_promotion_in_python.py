"""Theano's Python code (FAST_COMPILE, no compiler, DebugMode) on integers: it wraps as C does."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.scalar import Composite

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
UNOPTIMIZED = theano.Mode("py", None)
FUSED = theano.Mode("py", "fast_run")


def edges(dtype):
    info = np.iinfo(dtype)
    return np.array([0, 1, info.max, info.min, info.max // 2 + 1, 7], dtype)


def of_rank(array):
    """The same numbers as a vector, as vectors of one element, and as scalars."""
    yield array
    yield from (number.reshape(1) for number in array)
    yield from (number.reshape(()) for number in array)


def computed(make, arrays, mode):
    inputs = [T.TensorType(array.dtype, (False,) * array.ndim)() for array in arrays]
    return theano.function(inputs, make(*inputs), mode=mode)(*arrays)


@pytest.mark.parametrize("source", [*INTEGERS, "bool", "float32", "float64"])
@pytest.mark.filterwarnings("error:overflow", "error:invalid value")
def test_casts(source):
    given = np.array([0, 1], source) if source == "bool" else None
    if source.startswith("float"):
        given = np.array([0.0, -0.0, 1.75, 100.9, 1e39 if source == "float64" else 1e38], source)
    given = edges(source) if given is None else given
    targets = [*INTEGERS, "bool", "float16", "float32", "float64", "complex64"]
    for array in of_rank(given):
        fits = source in INTEGERS or array.max() < 128
        names = targets if fits else [name for name in targets if name not in INTEGERS]
        with np.errstate(all="raise"):
            cast = computed(lambda x: [T.cast(x, name) for name in names], [array], UNOPTIMIZED)  # noqa: B023
        for name, result in zip(names, cast, strict=True):
            with np.errstate(all="ignore"):
                expected = array.astype(name)
            assert result.dtype == name
            np.testing.assert_array_equal(result, expected)


def test_casts_of_floats_that_do_not_fit():
    """Cut off towards 0, then modulo 2 to the number of bits."""
    given = np.array([300.7, -129.9, -1.5, 70000.0, 3e9])
    for name in INTEGERS:
        expected = [int(value) for value in given]
        result = computed(lambda x: T.cast(x, name), [given], UNOPTIMIZED)  # noqa: B023
        np.testing.assert_array_equal(result, np.array(expected).astype(name))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("mode", [UNOPTIMIZED, FUSED, "FAST_COMPILE"])
def test_sums_and_products_of_three(dtype, mode):
    def formulas(x, y):
        return [T.add(x, y, y), T.mul(x, y, y), T.fill(x, T.cast(-3, dtype))]

    for x in of_rank(edges(dtype)):
        y = np.full_like(x, edges(dtype)[4])
        results = computed(formulas, [x, y], mode)
        with np.errstate(over="ignore"):
            expected = [x + y + y, x * y * y, np.broadcast_to(np.array(-3).astype(dtype), x.shape)]
        for result, number in zip(results, expected, strict=True):
            assert result.dtype == dtype
            np.testing.assert_array_equal(result, number)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_constants_in_the_type_of_a_variable(dtype):
    wrapped = np.array(300).astype(dtype)
    for x in of_rank(edges(dtype)):
        in_place = computed(lambda x: T.add(T.cast(x, dtype), x, x), [x], FUSED)
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(in_place, x + x + x)
    x = edges(dtype)
    set_, increased, filled = computed(
        lambda x: [
            T.set_subtensor(x[1:3], T.cast(300, dtype)),
            T.inc_subtensor(x[[1, 1, 2]], T.cast(100, dtype)),
            T.alloc(T.cast(300, dtype), 2, 3),
        ],
        [x],
        "FAST_COMPILE",
    )
    expected = x.copy()
    expected[1:3] = wrapped
    np.testing.assert_array_equal(set_, expected)
    np.testing.assert_array_equal(filled, np.full((2, 3), wrapped))
    expected = x.copy()
    with np.errstate(over="ignore"):
        np.add.at(expected, [1, 1, 2], np.array(100, dtype))
    np.testing.assert_array_equal(increased, expected)


# Not uint64, whose -1 Theano's rewrites put through float64: 0, in 2020 as well.
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_the_opposite_of_an_unsigned_number(dtype):
    """Two rewrites make a constant -1 of the variable's type."""
    x = edges(dtype)
    with theano.configparser.change_flags(on_opt_error="raise"):
        for mode in (FUSED, "FAST_COMPILE"):
            results = computed(lambda x: [-x, -x * x, (-x) * x * (-x)], [x], mode)
            with np.errstate(over="ignore"):
                expected = [-x, -x * x, x * x * x]
            for result, number in zip(results, expected, strict=True):
                assert result.dtype == dtype
                np.testing.assert_array_equal(result, number)


FORMULAS = {
    "int8 meets int64": lambda v: v["int64"] * 2 + 1,
    "a quotient": lambda v: (v["int64"] * 3 - 7) // 2,
    "a sum that wraps": lambda v: (v["int8"] + v["int8"]) * v["float32"],
    "unsigned": lambda v: (v["uint8"] + v["uint8"]) * 2,
    "a remainder": lambda v: (v["int32"] * 1000) % 7,
    "of a negative number": lambda v: (v["int32"] % -7) * 3 - 1,
    "a cast to few bits": lambda v: T.cast(v["int64"], "int8") * 1000 + 3,
    "a cast of a comparison": lambda v: T.cast(v["uint8"] > 5, "int8") * 300 + 1,
    "clip": lambda v: T.clip(v["int64"] * 2, -300, 300),
    "switch": lambda v: T.switch(v["int32"] > 5, v["int32"] * 300, v["int32"] - 5),
    "uint64 meets int8": lambda v: (v["uint64"] + 1) * 2,
    "types of different sign": lambda v: (v["uint8"] * v["uint8"]) + v["int8"],
    "bits": lambda v: (v["int64"] | 300) * 2 + 1,
    "more bits": lambda v: (v["int8"] ^ -1) * 2 + 300,
    "no bits": lambda v: (~v["uint8"]) * 3 - 1,
    "a power": lambda v: (v["int8"] ** 2) * 2 + 5,
    "the sign": lambda v: T.sgn(v["int8"]) * 300 + 1,
    "the maximum": lambda v: T.maximum(v["int8"] * 2, 300) + 1,
    "more than int64": lambda v: (v["int64"] * 2**40) * 2 + 1,
    "a root": lambda v: T.sqrt(abs(v["int16"])) * 2 + 1,
    "a fraction": lambda v: (v["int8"] / 3) * 2 + 1,
    "floats": lambda v: (v["float32"] * 0.1 + 0.2) * 3,
    "the root of a negative number": lambda v: (v["float32"] ** 0.5) * 2 + 1,
    "a cast to float32": lambda v: T.cast(v["float64"], "float32") * 0.1 + 1,
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_fused_formulas(name):
    """A Composite in Python, against its Ops one at a time, which are NumPy's on arrays."""
    random = np.random.RandomState(1)
    values = {dtype: np.append(edges(dtype), random.randint(0, 100, 9)) for dtype in INTEGERS}
    values = {dtype: array.astype(dtype) for dtype, array in values.items()}
    for dtype in ("float32", "float64"):
        values[dtype] = np.array([0.1, -3.3, 1e30, 7, 0, *random.normal(size=10)], dtype)
    variables = {dtype: T.vector(dtype, dtype) for dtype in values}
    formula = FORMULAS[name](variables)
    inputs = theano.gof.graph.inputs([formula])
    inputs = [variable for variable in inputs if variable in variables.values()]
    given = [values[variable.dtype] for variable in inputs]
    fused = theano.function(inputs, formula, mode=FUSED)
    assert any(
        isinstance(getattr(node.op, "scalar_op", None), Composite)
        for node in fused.maker.fgraph.toposort()
    )
    result, expected = fused(*given), theano.function(inputs, formula, mode=UNOPTIMIZED)(*given)
    assert result.dtype == expected.dtype == formula.dtype
    if formula.dtype.startswith("float"):
        np.testing.assert_allclose(result, expected, rtol=3e-7)
    else:
        np.testing.assert_array_equal(result, expected)


def test_a_composite_of_scalars_keeps_its_types():
    x, y = theano.scalar.float32("x"), theano.scalar.int64("y")
    composite = Composite([x, y], [x * 0.1 + 2, y * 2])
    composite.init_py_impls()
    numbers = composite.impl(np.float32(3), np.int64(1000))
    assert [type(number) for number in numbers] == [np.float32, np.int64]
    assert numbers == (np.float32(np.float32(0.1) * 3.0 + 2), 2000)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_bitwise_and_of_nothing(dtype):
    all_bits = theano.tensor.elemwise.CAReduce(theano.scalar.and_, axis=[0])
    result = computed(all_bits, [np.zeros((0, 2), dtype)], UNOPTIMIZED)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, np.array([-1, -1]).astype(dtype))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool", "uint64"])
@pytest.mark.long
def test_numbers_that_debug_mode_fills_memory_with(dtype):
    x = T.vector(dtype=dtype)
    mode = theano.compile.DebugMode(check_c_code=False, check_preallocated_output="ALL")
    results = [T.set_subtensor(T.AllocEmpty(dtype)(3)[:], x), x[::-1], T.concatenate([x, x])]
    results = theano.function([x], results, mode=mode)(np.array([0, 1, 1], dtype))
    for result, expected in zip(results, [[0, 1, 1], [1, 1, 0], [0, 1, 1, 0, 1, 1]], strict=True):
        np.testing.assert_array_equal(result, np.array(expected, dtype))


def test_choices_in_an_unsigned_type():
    choice = theano.sandbox.multinomial.ChoiceFromUniform(odtype="uint8")
    chances = np.array([[0.25, 0.25, 0.5], [1, 0, 0]])
    numbers = np.array([0.3, 0.9])
    result = computed(lambda p, u: choice(p, u, 1), [chances, numbers], UNOPTIMIZED)
    assert result.dtype == "uint8"
    np.testing.assert_array_equal(result, [[1], [0]])

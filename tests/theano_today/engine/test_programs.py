"""Elementwise formulas by the kernel: NumPy's numbers, for any way that arrays can lie."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano.scalar as ts
import theano.tensor as T
from theano.tensor.elemwise import Elemwise

from tests.theano_graphs import fused
from theano_today.engine import elemwise, library, programs
from theano_today.engine.formulas import Formula

RANDOM = np.random.RandomState(0)
SPECIAL = np.array([0, -0.0, 1, -1, np.nan, np.inf, -np.inf, 1e30, -1e-30, 1e-42, 88], "float32")

FORMULAS = {
    "copy": lambda x, y, z: T.basic.tensor_copy(x),
    "add": lambda x, y, z: x + y,
    "sub": lambda x, y, z: x - y,
    "mul": lambda x, y, z: x * y * z * x,
    "div": lambda x, y, z: x / y,
    "neg": lambda x, y, z: -x,
    "abs": lambda x, y, z: abs(x),
    "sgn": lambda x, y, z: T.sgn(x),
    "sqr": lambda x, y, z: T.sqr(x),
    "sqrt": lambda x, y, z: T.sqrt(x),
    "inv": lambda x, y, z: T.inv(x),
    "maximum": lambda x, y, z: T.maximum(x, y),
    "minimum": lambda x, y, z: T.minimum(x, y),
    "eq": lambda x, y, z: T.eq(x, y),
    "neq": lambda x, y, z: T.neq(x, y),
    "lt": lambda x, y, z: T.lt(x, y),
    "gt": lambda x, y, z: T.gt(x, y),
    "le": lambda x, y, z: T.le(x, y),
    "ge": lambda x, y, z: T.ge(x, y),
    "switch": lambda x, y, z: T.switch(x > y, z, y),
    "rectify": lambda x, y, z: 0.5 * (x + abs(x)),
    "leaky": lambda x, y, z: 0.6 * x + 0.4 * abs(x),
    "adam": lambda x, y, z: x - 0.01 * (0.9 * y + 0.1 * z) / (T.sqrt(0.999 * T.sqr(z)) + 1e-8),
}  # fmt: skip


def composite(formula, dtypes=("float32",) * 3):
    """The scalar graph of a formula of three arrays, as one Op, and its number of inputs."""
    x, y, z = (ts.get_scalar_type(d)() for d in dtypes)
    made = {"x": x, "y": y, "z": z}
    tensors = [T.TensorType(d, ())(name) for d, name in zip(dtypes, made, strict=True)]
    output = formula(*tensors)

    def scalar(v):
        while v.owner is not None and type(v.owner.op).__name__ == "DimShuffle":
            v = v.owner.inputs[0]
        if v in tensors:
            return made[v.name]
        if v.owner is None:
            return ts.constant(v.data[()], dtype=v.dtype)
        return v.owner.op.scalar_op(*map(scalar, v.owner.inputs))

    return ts.Composite([x, y, z], [scalar(output)])


def node_of(op, arrays, broadcastable=None, overwritten=None):
    """An Elemwise node for arrays, declared to be of length 1 where they are."""
    broadcastable = broadcastable or [tuple(n == 1 for n in a.shape) for a in arrays]
    inputs = [T.TensorType(str(a.dtype), b)() for a, b in zip(arrays, broadcastable, strict=True)]
    pattern = {} if overwritten is None else {0: overwritten}
    return Elemwise(op, pattern).make_node(*inputs)


def both(op, arrays, broadcastable=None, overwritten=None):
    """What the node of these arrays gives by the kernel and by NumPy."""
    node = node_of(op, arrays, broadcastable, overwritten)
    results = []
    program = programs.program_of(node, lambda a: elemwise.shape_of(a, declared(node)))
    for run in (program.run, elemwise.by_numpy(node)):
        copies = [a.copy("K") if overwritten == k else a for k, a in enumerate(arrays)]
        (out,) = run(*copies)
        results.append(out)
        if overwritten is not None:
            assert out is copies[overwritten]
    return results


def declared(node):
    return [v.type.broadcastable for v in node.inputs]


def assert_same(pair):
    """The same bits, but for those of NaN."""
    mine, other = pair
    assert mine.dtype == other.dtype
    assert mine.shape == other.shape
    np.testing.assert_array_equal(mine, other)
    if mine.dtype == np.float32:
        some = ~np.isnan(mine)
        np.testing.assert_array_equal(np.signbit(mine)[some], np.signbit(other)[some])


@pytest.mark.parametrize("name", FORMULAS)
def test_each_formula(name):
    op = composite(FORMULAS[name])
    pairs = np.array(np.meshgrid(SPECIAL, SPECIAL, SPECIAL)).reshape(3, -1)
    noise = RANDOM.normal(size=(3, 1500)).astype("float32")
    for threads in (1, 3):
        library.kernels().today_set_threads(threads)
        for values in (pairs, noise, noise[:, :5], noise[:, :512], noise[:, :513]):
            assert_same(both(op, list(np.ascontiguousarray(values)), [(False,)] * 3))
    large = RANDOM.normal(size=(3, 200_001)).astype("float32")
    assert_same(both(op, list(large)))
    library.kernels().today_set_threads(library.threads())


SHAPES = [  # of x, y, z
    ((7, 100), (7, 100), (7, 100)),
    ((7, 100), (1, 100), (1, 1)),
    ((1, 129), (7, 129), (7, 1)),
    ((2, 3, 70, 2), (1, 3, 1, 1), (2, 3, 70, 2)),
    ((2, 3, 70, 2), (2, 1, 70, 2), (1, 1, 1, 1)),
    ((5, 1, 100), (5, 4, 100), (1, 4, 1)),
    ((1, 1, 900), (1, 1, 900), (1, 1, 900)),
    ((3, 4, 5), (3, 4, 1), (3, 4, 5)),
    ((0, 100), (1, 100), (0, 100)),
    ((300, 200), (1, 200), (300, 1)),
    ((2, 3, 2, 3, 2, 3), (2, 1, 2, 1, 2, 1), (1, 3, 1, 3, 1, 3)),  # too many axes
]


@pytest.mark.parametrize("shapes", SHAPES)
def test_broadcast_arrays(shapes):
    op = composite(FORMULAS["adam"])
    arrays = [RANDOM.normal(size=s).astype("float32") for s in shapes]
    broadcastable = [tuple(n == 1 for n in s) for s in shapes]
    assert_same(both(op, arrays, broadcastable))
    for k, shape in enumerate(shapes):
        if shape == np.broadcast_shapes(*shapes):
            assert_same(both(op, arrays, broadcastable, overwritten=k))


@pytest.mark.parametrize("change", [
    lambda a: a.T, lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a[:, ::2],
    lambda a: a[2:, 3:], np.asfortranarray,
])  # fmt: skip
def test_arrays_that_lie_otherwise(change):
    op = composite(FORMULAS["leaky"])
    x = change(RANDOM.normal(size=(150, 150)).astype("float32"))
    y, z = RANDOM.normal(size=(2, *x.shape)).astype("float32")
    assert_same(both(op, [x, y, z], [(False, False)] * 3))
    assert_same(both(op, [y, x, z], [(False, False)] * 3, overwritten=1))


def test_masks():
    op = composite(
        lambda x, y, z: 1.25 * x * T.cast(y, "float32") * z, ("float32", "bool", "float32")
    )
    for shape in ((9, 117), (40_000,)):
        x, z = RANDOM.normal(size=(2, *shape)).astype("float32")
        mask = RANDOM.uniform(size=shape) < 0.5
        assert_same(both(op, [x, mask, z]))


def reached(name, x):
    """The function in float64, and within how many units in the last place the kernel is."""
    x = x.astype("float64")
    with np.errstate(all="ignore"):
        # Limits as in Theano's C code
        return {
            "exp": (lambda: np.exp(x), 2),
            "log": (lambda: np.log(x), 2),
            "tanh": (lambda: np.tanh(x), 2),
            "sigmoid": (lambda: np.where(x < -88, 0, np.where(x > 15, 1, 1 / (1 + np.exp(-x)))), 3),
            "softplus": (
                lambda: np.where(x < -103, 0, np.where(x > 14, x, np.log1p(np.exp(x)))), 3,
            ),
        }[name]  # fmt: skip


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sigmoid", "softplus"])
def test_transcendental_functions(name):
    function = getattr(T, name, None) or getattr(T.nnet, name)
    node = function(T.fvector()).owner
    run = elemwise.elemwise(node)
    bits = RANDOM.randint(0, 2**32, 200_000, np.int64).astype("uint32")  # all exponents
    for x in (SPECIAL, bits.view("float32"), RANDOM.normal(size=99_999).astype("float32") * 9):
        (mine,) = run(x)
        compute, units = reached(name, x)
        with np.errstate(all="ignore"):
            want = compute()
            rounded = want.astype("float32")
        np.testing.assert_array_equal(np.isfinite(mine), np.isfinite(rounded))
        some = np.isfinite(rounded)
        np.testing.assert_array_equal(mine[~some], rounded[~some])
        unit = np.maximum(np.spacing(np.abs(rounded[some])), np.float32(1.5e-45))
        assert (np.abs(mine[some] - want[some]) / unit).max() <= units
        np.testing.assert_array_equal(np.signbit(mine[some]), np.signbit(rounded[some]))


WHOLE = {
    "int8": np.array([0, 1, -1, 127, -128, 100, 5], "int8"),
    "int32": np.array([0, 1, -1, 2**31 - 1, -(2**31), 100, 5], "int32"),
    "int64": np.array([0, 1, -1, 2**63 - 1, -(2**63), 100, 5], "int64"),
    "bool": np.array([0, 1, 1, 0], "bool"),
    "float64": SPECIAL.astype("float64"),
}


@pytest.mark.parametrize("dtype", WHOLE)
def test_other_types(dtype):
    pairs = np.array(np.meshgrid(WHOLE[dtype], WHOLE[dtype])).reshape(2, -1)
    x, y = np.ascontiguousarray(pairs)
    v, w = (T.TensorType(dtype, (False,))() for _ in range(2))
    outputs = {"eq": T.eq(v, w), "neq": T.neq(v, w)}
    if dtype == "bool":
        outputs |= {"and": v & w, "or": v | w, "xor": v ^ w, "invert": ~v}
        outputs |= {"float": T.cast(v, "float32")}
    else:
        outputs |= {"lt": v < w, "add": v + w, "sub": v - w, "mul": v * w, "neg": -v}
        outputs |= {"switch": T.switch(v > 0, v, w).owner.inputs[0], "sqr": T.sqr(v)}
        outputs |= {"ge": v >= w, "float": T.cast(v, "float32")}
    for name, out in outputs.items():
        node = out.owner
        program = programs.program_of(node, lambda a, n=node: elemwise.shape_of(a, declared(n)))
        given = zip((x, y), declared(node), strict=False)
        arrays = [a[:1] if ones == (True,) else a for a, ones in given]
        if any(v.type.dtype != dtype for v in node.inputs):
            continue
        (mine,), cell = program.run(*arrays), [None]
        node.op.perform(node, arrays, [cell])
        other = cell[0]
        assert mine.dtype == other.dtype == node.outputs[0].type.dtype, name
        np.testing.assert_array_equal(mine, other, err_msg=name)


def test_clip_between_whole_numbers():
    """As gradients are clipped in Lasagne: the bounds are integers of 8 bits."""
    x = T.fvector()
    node = T.clip(x, -1, 2).owner
    assert [v.type.dtype for v in node.inputs] == ["float32", "int8", "int8"]
    (got,) = elemwise.elemwise(node)(SPECIAL, np.int8([-1]), np.int8([2]))
    want = np.where(SPECIAL < -1, -1, np.where(SPECIAL > 2, 2, SPECIAL))  # of NaN itself
    np.testing.assert_array_equal(got, want)
    assert got.dtype == np.float32


def several(in_place):
    """x * y - z, its square root's size, and whether it is positive, of x, y, z."""
    x, y, z = (ts.float32() for _ in range(3))
    first = x * y - z
    op = ts.Composite([x, y, z], [first, ts.sqrt(ts.abs_(first)) + x, ts.gt(first, x * z)])
    vectors = [T.TensorType("float32", (False, False))() for _ in range(3)]
    return Elemwise(op, in_place).make_node(*vectors)


@pytest.mark.parametrize("in_place", [{}, {0: 0}, {1: 0}, {0: 2, 1: 0}, {0: 0, 1: 2}, {1: 1}])
def test_several_outputs(in_place):
    """What overwrites an input waits until nothing reads that any more."""
    node = several(in_place)
    program = programs.program_of(node, lambda a: elemwise.shape_of(a, declared(node)))
    for shape in ((1, 1), (7, 9), (40, 1000)):
        x, y, z = RANDOM.normal(size=(3, *shape)).astype("float32")
        first = x * y - z
        want = first, np.sqrt(abs(first)) + x, first > x * z
        for turned in (False, True):
            arrays = [(a.T.copy().T if turned else a.copy()) for a in (x, y, z)]
            got = program.run(*arrays)
            for k, (mine, other) in enumerate(zip(got, want, strict=True)):
                assert mine.dtype == other.dtype
                np.testing.assert_array_equal(mine, other, err_msg=str(k))
                assert k not in in_place or mine is arrays[in_place[k]]


def test_the_same_bits_for_any_number_of_threads():
    op = composite(lambda x, y, z: T.tanh(x) * T.nnet.sigmoid(y) + T.exp(z))
    arrays = list(RANDOM.normal(size=(3, 123, 457)).astype("float32"))
    node = node_of(op, arrays)
    found = []
    for threads in (1, 2, 5):
        library.kernels().today_set_threads(threads)
        (out,) = elemwise.elemwise(node)(*arrays)
        found.append(out.tobytes())
    library.kernels().today_set_threads(library.threads())
    assert len(set(found)) == 1


def test_numbers_in_the_place_of_arrays():
    """A function that trusts its inputs hands on what it is given."""
    x, y = T.fscalar(), T.fscalar()
    for overwritten in (None, 0):
        pattern = {} if overwritten is None else {0: overwritten}
        run = elemwise.elemwise(Elemwise(ts.mul, pattern).make_node(x, y))
        (got,) = run(np.float32(3), np.asarray(np.float32(1.5)))
        assert isinstance(got, np.ndarray)
        assert got == np.float32(4.5)
    function = fused([x, y], x * y + T.exp(x))
    function.trust_input = True
    np.testing.assert_allclose(function(np.float32(2), np.float32(3)), 6 + np.exp(2), rtol=1e-6)


@pytest.mark.parametrize("overwritten", [None, 0])
def test_an_op_that_does_not_keep_its_word(overwritten):
    """What a user's perform() gives may be of another type than its variable."""
    x = RANDOM.normal(size=(3, 50)).astype("float32")
    y = RANDOM.normal(size=(3, 50))
    node = node_of(composite(FORMULAS["adam"]), [x] * 3, overwritten=overwritten)
    (want,) = elemwise.elemwise(node)(x.copy(), y.astype("float32"), x)
    (got,) = elemwise.elemwise(node)(x.astype("float64"), y, x)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, want)


def test_memory_beside_the_arrays_is_left_alone():
    op = composite(FORMULAS["adam"])
    for count in (1, 15, 16, 17, 511, 513, 1031):
        around = np.full((3, count + 32), 7, "float32")
        inside = around[:, 16 : 16 + count]
        inside[:] = RANDOM.normal(size=(3, count))
        node = node_of(op, list(inside), overwritten=1)
        (out,) = elemwise.elemwise(node)(*inside)
        assert np.shares_memory(out, inside[1])
        assert (around[:, :16] == 7).all()
        assert (around[:, 16 + count :] == 7).all()


JOINED = {  # with the functions that are left
    "mul_add": (lambda x, y, z: x * y + z, {"mul_add"}),
    "add_mul": (lambda x, y, z: z + x * y, {"mul_add"}),
    "mul_mul": (lambda x, y, z: x * y * z, {"mul_mul"}),
    "mul_sub": (lambda x, y, z: (x - y) * z, {"mul_sub"}),
    "sub_sqr": (lambda x, y, z: x - T.sqr(y), {"sub_sqr"}),
    "mul_sub_sqr": (lambda x, y, z: z * (x - T.sqr(y)), {"mul_sub_sqr"}),
    "as the slope of a sigmoid": (lambda x, y, z: x * y * z * (x - z), {"mul_mul", "mul_sub"}),
    "of two that are the same": (lambda x, y, z: x * y + x * y, {"mul", "add"}),
    "a sum of products": (lambda x, y, z: x * y + y * z, {"mul", "mul_add"}),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", JOINED)
def test_functions_that_are_joined(name, dtype):
    """A product and a sum are rounded once or twice; wherever an element lies, it is the same."""
    formula, functions = JOINED[name]
    node = node_of(composite(formula, (dtype,) * 3), [np.zeros(2, dtype)] * 3)
    joined = Formula(node, joined=True)
    assert {of.partition(".")[0] for of in joined.names} == functions

    def shape_of(arrays):
        return elemwise.shape_of(arrays, declared(node))

    program = programs.Program(joined, [dtype] * 3, [dtype], {}, shape_of)
    noise = RANDOM.normal(size=(3, 1100)).astype(dtype)
    special = np.array(np.meshgrid(SPECIAL, SPECIAL, SPECIAL)).reshape(3, -1).astype(dtype)
    for arrays in (noise, special):
        arrays = list(np.ascontiguousarray(arrays))
        with np.errstate(all="ignore"):
            (want,) = elemwise.by_numpy(node)(*arrays)

        (got,) = program.run(*arrays)
        if arrays[0] is not noise[0] and name in ("mul_mul", "mul_sub"):
            np.testing.assert_array_equal(got, want)
        size = sum(abs(a) for a in arrays) ** 2 * 4 * np.finfo(dtype).eps
        close = (abs(got - want) <= size) | (got == want) | (np.isnan(got) & np.isnan(want))
        assert close[np.isfinite(want)].all()
        for first, end in ((1, 1100), (3, 20), (17, 18), (513, 600)):
            (part,) = program.run(*[a[first:end].copy() for a in arrays])
            np.testing.assert_array_equal(part, got[first:end])


def test_what_is_not_joined():
    """Values that something else needs, too."""
    x, y = ts.float32("x"), ts.float32("y")
    product = x * y
    op = ts.Composite([x, y], [product, product + x])
    node = Elemwise(op).make_node(T.fvector(), T.fvector())
    formula = Formula(node, joined=True)
    assert {of.partition(".")[0] for of in formula.names} == {"mul", "add"}
    plain = node_of(composite(JOINED["mul_add"][0]), [np.zeros(2, "float32")] * 3)
    assert {of.partition(".")[0] for of in Formula(plain).names} == {"mul", "add"}

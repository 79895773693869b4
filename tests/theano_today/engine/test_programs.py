"""Elementwise programs: NumPy's numbers, to the last bit, for any way that arrays can lie."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano.scalar as ts
import theano.tensor as T
from theano.tensor.elemwise import Elemwise

from theano_today.engine import elemwise, library, programs

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


def both(op, arrays, broadcastable, overwritten=None):
    """What the node of these arrays gives by a program and by NumPy; the former is tried."""
    inputs = [T.TensorType(str(a.dtype), b)() for a, b in zip(arrays, broadcastable, strict=True)]
    node = Elemwise(op, {} if overwritten is None else {0: overwritten})(*inputs).owner
    results = []
    for smallest in (0, 1 << 60):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(programs, "SMALLEST", smallest)
            copies = [a.copy("K") if overwritten == k else a for k, a in enumerate(arrays)]
            (out,) = elemwise.elemwise(node)(*copies)
            results.append(out)
            if overwritten is not None:
                assert out is copies[overwritten]
    return results


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
    if name not in ("copy",):
        assert programs.program_of(op, [T.fmatrix()] * 3, None) is not None
    pairs = np.array(np.meshgrid(SPECIAL, SPECIAL, SPECIAL)).reshape(3, -1)
    noise = RANDOM.normal(size=(3, 1500)).astype("float32")
    for threads in (1, 3):
        library.kernels().today_set_threads(threads)
        for values in (pairs, noise, noise[:, :5], noise[:, :512], noise[:, :513]):
            assert_same(both(op, list(np.ascontiguousarray(values)), [(False,)] * 3))
    large = RANDOM.normal(size=(3, 200_001)).astype("float32")
    assert_same(both(op, list(large), [(False,)] * 3))
    library.kernels().today_set_threads(library.threads())


SHAPES = [  # of x, y, z
    ((7, 100), (7, 100), (7, 100)),
    ((7, 100), (1, 100), (1, 1)),
    ((1, 129), (7, 129), (7, 1)),
    ((2, 3, 70, 2), (1, 3, 1, 1), (2, 3, 70, 2)),
    ((2, 3, 70, 2), (2, 1, 70, 2), (1, 1, 1, 1)),
    ((5, 1, 100), (5, 4, 100), (1, 4, 1)),
    ((1, 1, 900), (1, 1, 900), (1, 1, 900)),
    ((3, 4, 5), (3, 4, 1), (3, 4, 5)),  # rows too short
    ((0, 100), (1, 100), (0, 100)),
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
    assert programs.program_of(op, [None] * 3, None) is not None
    for shape in ((9, 117), (40_000,)):
        x, z = RANDOM.normal(size=(2, *shape)).astype("float32")
        mask = RANDOM.uniform(size=shape) < 0.5
        assert_same(both(op, [x, mask, z], [(False,) * len(shape)] * 3))


def test_what_is_left_to_numpy():
    for formula, dtypes in (
        (lambda x, y, z: T.exp(x) + y * z, ("float32",) * 3),
        (lambda x, y, z: x + y * z, ("float64",) * 3),
        (lambda x, y, z: x + y * z, ("float32", "float64", "float32")),
        (lambda x, y, z: x + y * z, ("int32",) * 3),
        (lambda x, y, z: T.tanh(x + y * z), ("float32",) * 3),
    ):
        assert programs.program_of(composite(formula, dtypes), [None] * 3, None) is None


def test_memory_beside_the_arrays_is_left_alone():
    op = composite(FORMULAS["adam"])
    for count in (1, 15, 16, 17, 511, 513, 1031):
        around = np.full((4, count + 32), 7, "float32")
        inside = around[:, 16 : 16 + count]
        inside[:3] = RANDOM.normal(size=(3, count))
        program = programs.program_of(op, [None] * 3, None)
        assert program.run(list(inside[:3]), inside[3])
        assert (around[:, :16] == 7).all()
        assert (around[:, 16 + count :] == 7).all()

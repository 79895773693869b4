"""The Op of functions of images and channels: the kernel against NumPy."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import theano.scalar as ts
import theano.tensor as T

from theano_today.engine.channelwise.op import Channelwise


def drawn(random):
    """Return a Channelwise of random functions, and arrays for it."""
    half = ts.constant(0.5, dtype="float32")
    kinds = [(2, 3), *[(1, 3), (1, 1), (2, 3)][: random.randint(1, 4)]]
    inputs = [ts.float32() for _ in kinds]
    known = list(inputs)
    functions = [
        ts.add, ts.mul, ts.sub, ts.true_div, ts.maximum, lambda a, b: a * b + a,
        lambda a, b: ts.sgn(a) * ts.sqr(b),
        lambda a, b: ts.add(a, b, a), lambda a, b: ts.sqrt(abs(a) + abs(b)),
        lambda a, b: half * (a + b + abs(a + b)),
        lambda a, b: half * a + half * a * ts.sgn(b),
        lambda a, b: (a - b) * inputs[-1] + inputs[-1], lambda a, b: (a - b) * inputs[-1] / b,
        lambda a, b: a * b + inputs[-1] + b + a,
    ]  # fmt: skip
    for _ in range(random.randint(1, 12)):
        a, b = (known[random.randint(len(known))] for _ in range(2))
        known.append(functions[random.randint(len(functions))](a, b))
    outputs = [
        ts.identity(inputs[0]) if random.randint(5) == 0 else ts.add(known[0], v)
        for v in known[-random.randint(1, 4) :]
    ]
    sums = tuple(bool(random.randint(2)) for _ in outputs)
    n, c, h, w = random.randint(1, 8), random.randint(1, 40), *random.randint(1, 30, 2)
    shapes = {(2, 3): (n, c, h, w), (1, 3): (1, c, 1, 1), (1, 1): (1, 1, 1, 1)}
    arrays = [random.normal(size=shapes[kind]).astype(np.float32) for kind in kinds]
    return Channelwise(ts.Composite(inputs, outputs), sums), arrays


def evaluate(op, arrays, how):
    kinds = [
        T.TensorType(
            a.dtype,
            [length == 1 for length in a.shape] if a.shape[:1] == (1,) else (False,) * a.ndim,
        )
        for a in arrays
    ]
    inputs = [kind() for kind in kinds]
    node = op.make_node(*inputs)
    outputs = [[None] for _ in node.outputs]
    if how == "perform":
        op.perform(node, arrays, outputs)
    else:
        storage = dict(zip(inputs, [[a] for a in arrays], strict=True))
        storage |= dict(zip(node.outputs, outputs, strict=True))
        op.make_thunk(node, storage, {v: [False] for v in node.outputs}, [])()
    return [cell[0] for cell in outputs]


def test_random_functions():
    """The kernel against NumPy: functions to the last bit, sums in float64."""
    random = np.random.RandomState(4)
    for _ in range(150):
        op, arrays = drawn(random)
        if arrays[0].shape[0] == 1:  # it would be taken for channels' numbers
            continue
        if random.randint(4) == 0:
            arrays[0].flat[random.randint(arrays[0].size)] = (np.nan, np.inf)[random.randint(2)]
        got, want = (evaluate(op, arrays, how) for how in ("kernel", "perform"))
        for one, other, of_sum in zip(got, want, op.sums, strict=True):
            assert one.dtype == other.dtype == np.float32
            assert one.shape == other.shape
            if of_sum:
                np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-30)
            else:
                np.testing.assert_array_equal(one, other)

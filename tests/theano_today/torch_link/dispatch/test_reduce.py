"""Sums, products, extremes, means and cumulative sums along all kinds of axes."""

from tests.theano_today.torch_link.compare import FAST_RUN, agree, refused  # isort: skip

import numpy as np
import pytest
import theano.tensor as T

RS = np.random.RandomState(0)
A = RS.randint(-4, 5, (3, 4, 5)).astype(np.float32)
M, N = A[0], A[1].T.copy()


# Each compiles a module of C for each kind of sum.
LONG = [pytest.param(dtype, marks=pytest.mark.long) for dtype in ("float64", "int8")]


class TestReductions:
    @pytest.mark.parametrize("dtype", ["float32", "int64", "bool", *LONG])
    def test_each_along_all_kinds_of_axes(self, dtype):
        x = T.tensor3("x", dtype)
        outputs = []
        for axis in (None, 0, 2, (0, 2), (1, -1)):
            outputs.append(x.sum(axis))
            if dtype != "bool":
                outputs += [x.prod(axis), x.max(axis), x.min(axis), x.mean(axis)]
        outputs += [T.any(x, 1), T.all(x, 1), T.any(T.eq(x, 0)), T.all(x >= 0, axis=(0, 1))]
        if dtype != "bool":
            outputs += [T.argmax(x, 1), T.argmax(x), *T.max_and_argmax(x, 2), T.argmin(x, 0),
                        x.sum(1, keepdims=True), x.var(0), T.std(x)]  # fmt: skip
        agree([x], outputs, A.astype(dtype), rtol=1e-6, atol=1e-7, stock=FAST_RUN)

    def test_float32_is_added_up_in_float64(self):
        x = T.vector("x")
        values = np.full(3_000_001, 0.1, np.float32)
        agree([x], [x.sum()], values, rtol=1e-7, stock=FAST_RUN)

    def test_a_mean_by_an_op_of_its_own_is_no_sum(self):
        x = T.matrix("x")
        agree([x], [T.mean(x, op=True)], M, on_device=False, stock=FAST_RUN)

    @pytest.mark.parametrize("function", [T.max, T.min, T.argmax, T.argmin])
    @pytest.mark.parametrize("axis", [0, 1, None])
    @pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
    def test_extremes_of_nothing(self, function, axis, shape):
        x = T.matrix("x")
        values = np.zeros(shape, np.float32)
        if axis is not None and shape[axis]:
            agree([x], [function(x, axis)], values, stock=FAST_RUN)
        else:
            theirs, ours = refused([x], function(x, axis), values)
            assert type(ours) is type(theirs) is ValueError
            assert str(ours).splitlines()[0] == str(theirs).splitlines()[0]

    def test_cumulative(self):
        x = T.matrix("x")
        outputs = [T.cumsum(x, 0), T.cumsum(x), T.cumprod(x, 1), T.extra_ops.cumprod(x)]
        agree([x], outputs, M, stock=FAST_RUN)

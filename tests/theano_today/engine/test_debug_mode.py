"""mode="DebugMode" on the engine's Ops and thunks: what it checks of every Op holds for ours.

It compares perform() with what runs, each rewrite's new values with the old, and asks whether
inputs stay as they are, outputs share memory only as declared, and memory that is handed in for
the outputs, of any strides and size, changes nothing.
"""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile import debugmode
from theano.compile.debugmode import BadThunkOutput, DebugMode
from theano.tensor.signal.pool import pool_2d

from tests.theano_graphs import by_perform, by_thunk, names
from theano_today.engine.conv_pool import op as conv_pool_op
from theano_today.engine.conv_pool.op import ConvPool

RANDOM = np.random.RandomState(0)


def noise(*shape):
    return np.asarray(RANDOM.normal(size=shape), np.float32)


def debug_mode(*preallocated):
    """What runs is compared with perform(); nothing is compiled for the comparison."""
    mode = DebugMode(optimizer="fast_run", check_c_code=False, check_py_code=True)
    mode.check_preallocated_output = list(preallocated)
    return mode


class Net:
    """Stages of convolution, bias, rectify and max-pool."""

    def __init__(self, channels, filters, size=3, border="valid", rectify=True, ignore_border=True):
        self.x = T.tensor4("x")
        self.parameters, p = [], self.x
        for f in filters:
            shape = f, channels, size, size
            w, b = theano.shared(0.3 * noise(*shape), "w"), theano.shared(0.1 * noise(f), "b")
            self.parameters += [w, b]
            z = T.nnet.conv2d(p, w, filter_shape=shape, border_mode=border)
            z = z + b.dimshuffle("x", 0, "x", "x")
            a = T.nnet.relu(z) if rectify else z
            p = pool_2d(a, (2, 2), ignore_border=ignore_border)
            channels = f
        self.p = p

    def run(self, x, *preallocated, gradients=True):
        cost, updates = (self.p**2).sum() + self.p.sum(), None
        outputs = [self.p]
        if gradients:
            outputs.append(T.grad(cost, self.x))
            updates = lasagne.updates.nesterov_momentum(cost, self.parameters, 0.001, 0.9)
        f = theano.function([self.x], outputs, updates=updates, mode=debug_mode(*preallocated))
        f(x)
        return names(f)


class TestStages:
    @pytest.mark.parametrize("filters", [4, 17])
    def test_forward(self, filters):
        preallocated = "previous", "c_contiguous", "f_contiguous", "wrong_size"
        net = Net(1, [filters])
        assert "ConvPool" in net.run(noise(2, 1, 6, 7), *preallocated, gradients=False)

    def test_incomplete_windows_and_no_rectify(self):
        net = Net(2, [4], border="half", rectify=False, ignore_border=False)
        assert "ConvPoolGrad" in net.run(noise(2, 2, 5, 6), "c_contiguous", "f_contiguous")

    def test_a_chain_with_momentum(self):
        kinds = Net(3, [5, 18]).run(noise(1, 3, 10, 11))
        assert {"ConvPool", "ConvPoolGrad", "Momentum"} <= set(kinds)

    def test_winograds_filters(self):
        Net(9, [4], size=2).run(noise(2, 9, 6, 7))

    @pytest.mark.parametrize("size", [2, 3])
    def test_ties(self, size):
        Net(9, [4], size=size).run(np.full((1, 9, 6, 9), 0.3, np.float32))

    def test_at_the_kink(self):
        Net(1, [4]).run(np.zeros((1, 1, 6, 6), np.float32))

    @pytest.mark.parametrize("shape", [(0, 1, 8, 8), (3, 1, 4, 5)])
    def test_small_shapes(self, shape):
        Net(1, [3]).run(noise(*shape))

    @pytest.mark.parametrize("value", [0.5, np.nan, np.inf, -np.inf])
    def test_perform_fills_whole_blocks_as_the_kernels_do(self, value):
        x = noise(2, 9, 6, 6)
        x[0, 0, 3, 4] = value
        for size, p_blocked in (2, False), (3, True):
            w = noise(3, 9, size, size)
            op = ConvPool((size,) * 2, (0,) * 4, True, True, False, False, p_blocked=p_blocked)
            with np.errstate(invalid="ignore"):  # inf - inf, in Python
                want = by_perform(op, x, w)
            p, winners = by_thunk(op, x, w)
            np.testing.assert_allclose(p, want[0], 1e-5, 1e-5)
            np.testing.assert_array_equal(winners, want[1])

    @pytest.mark.parametrize("place", [0, 1])
    def test_a_kernel_that_is_wrong_is_found(self, place, monkeypatch):
        forward = conv_pool_op.forward

        def wrong(*arguments):
            pairs = forward(*arguments)
            pairs[0][place][:] = 1 + pairs[0][place]
            return pairs

        monkeypatch.setattr(conv_pool_op, "forward", wrong)
        with pytest.raises(BadThunkOutput, match="ConvPool"):
            Net(1, [4]).run(noise(2, 1, 8, 8), gradients=False)


class TestWinners:
    def winners(self):
        return ConvPool((3, 3), (0,) * 4, True, True, True, False)(T.tensor4(), T.tensor4())[1]

    def test_a_near_tie_may_go_either_way(self):
        equal = self.winners().tag.values_eq_approx
        first = RANDOM.randint(1, 16, size=(2, 1, 10, 10, 16)).astype(np.uint8)
        second = first.copy()
        assert equal(first, second)
        second[0, 0, 0, :3, 0] ^= 1  # 3 of 3,200
        assert equal(first, second)
        second[0, 0, 0, 3, 0] ^= 1
        assert not equal(first, second)

    def test_another_shape_or_type(self):
        equal = self.winners().tag.values_eq_approx
        assert not equal(np.zeros((1, 1, 2, 2, 4), np.uint8), np.zeros((1, 1, 2, 2, 8), np.uint8))
        assert not equal(np.zeros((1, 1, 2, 2, 4), np.uint8), np.zeros((1, 1, 2, 2, 4), np.int8))


class TestThunks:
    """dispatch.py's: DebugMode leaves Theano's own make_thunk alone if not told otherwise."""

    @pytest.fixture(autouse=True)
    def every_thunk(self, monkeypatch):
        monkeypatch.setattr(debugmode, "default_make_thunk", [])

    def check(self, inputs, outputs, *values, **more):
        f = theano.function(
            inputs, outputs, mode=debug_mode("ALL"), on_unused_input="ignore", **more
        )
        f(*values)
        return f

    @pytest.mark.parametrize("shape", [(), (3,), (1, 4), (0, 3)])
    def test_elementwise(self, shape):
        for dtype in "float32", "float64":
            x, y = (T.TensorType(dtype, (False,) * len(shape))(name) for name in "xy")
            values = [RANDOM.normal(size=shape).astype(dtype) for _ in "xy"]
            self.check([x, y], [
                T.tanh(x) * y + T.exp(-abs(y)), T.switch(x > y, x, -y), T.maximum(x, y) / (2 + x),
                T.sqrt(abs(x)) - T.sgn(y), T.cast(x > 0, dtype) * y, T.cast(x, "int64") // 3,
            ], *values)  # fmt: skip

    def test_integers(self):
        x, y = T.lmatrix("x"), T.lmatrix("y")
        values = [RANDOM.randint(-9, 9, size=(3, 4)), 1 + RANDOM.randint(0, 9, size=(3, 4))]
        self.check([x, y], [x // y, x * y - 3, abs(x), T.cast(x, "int8"), x < y], *values)

    def test_in_place(self):
        x, v = theano.shared(noise(3, 4)), theano.shared(np.float32(2))
        y = T.fmatrix("y")
        updates = [(x, x * y + 1), (v, v * 2 + y.sum())]
        self.check([y], [x.sum() * 2], noise(3, 4), updates=updates)

    @pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 1), (0, 4, 5), (3, 0, 5)])
    def test_products(self, shape):
        m, k, n = shape
        x, y, z, a = T.fmatrix("x"), T.fmatrix("y"), T.fmatrix("z"), T.fscalar("a")
        self.check(
            [x, y, z, a], [T.dot(x, y), a * T.dot(x, y), z - a * T.dot(x, y), T.dot(y.T, x.T)],
            noise(m, k), noise(k, n), noise(m, n), np.float32(0.3),
        )  # fmt: skip

    def test_shapes_and_views(self):
        x = T.tensor3("x", dtype="float32")
        n = T.lscalar("n")
        self.check([x, n], [
            x.dimshuffle(2, "x", 0, 1), x.reshape((n, -1)), x[:, ::-1, n], x.sum(axis=1), x.sum(),
            T.alloc(x[0], n, 3, 4), T.join(1, x, x), T.stack([n, n + 1]), x.flatten(2), x.shape,
            T.addbroadcast(x[:1], 0) + x,
        ], noise(2, 3, 4), 2)  # fmt: skip

"""library/tensor/basic: types, constants, shapes, reductions, indices, operators, elementwise."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import theano
import theano.tensor as T

RNG = np.random.RandomState(1)


def run(outputs, *pairs):
    """Evaluate `outputs`, one or many, where each variable has the value beside it."""
    inputs = [variable for variable, _ in pairs]
    f = theano.function(inputs, outputs, on_unused_input="ignore")
    return f(*[value for _, value in pairs])


class TestCreation:
    def test_three_ways_to_one_type(self):
        ways = (
            T.scalar("n", dtype="int32"),
            T.iscalar("n"),
            T.TensorType(dtype="int32", broadcastable=())("n"),
        )
        assert len({v.type for v in ways}) == 1
        assert {v.name for v in ways} == {"n"}

    @pytest.mark.parametrize("word", ["scalar", "vector", "row", "col", "matrix", *"3456"])
    def test_floatX_by_default(self, word):
        make = getattr(T, f"tensor{word}" if word.isdigit() else word)
        assert make().dtype == theano.config.floatX
        assert make("name", "uint16").dtype == "uint16"

    def test_plural_constructors(self):
        assert [v.name for v in T.dmatrices("a", "b")] == ["a", "b"]
        assert [v.name for v in T.lscalars(3)] == [None] * 3
        assert {v.type for v in T.fvectors(2)} == {T.fvector}
        assert [v.name for v in T.scalars("xyz")] == ["x", "y", "z"]

    def test_types_of_ones_own(self):
        mine = T.TensorType("float64", (False,) * 2)
        assert mine == T.dmatrix
        assert hash(mine) == hash(T.dmatrix)
        eight = T.TensorType("float64", (False,) * 8)("z")
        assert (eight.ndim, eight.name) == (8, "z")
        middle = T.TensorType("complex64", [False, True, False])
        assert middle.broadcastable == (False, True, False)
        with pytest.raises(TypeError):
            T.TensorType("float128x", ())

    @pytest.mark.parametrize(
        ("number", "dtype"),
        [
            *[(0, "int8"), (1, "int8"), (127, "int8"), (-128, "int8")],
            *[(128, "int16"), (-129, "int16"), (255, "int16"), (32767, "int16")],
            *[(32768, "int32"), (-32769, "int32"), (2**31 - 1, "int32")],
            *[(2**31, "int64"), (-(2**63), "int64"), (2**63, "uint64")],
            *[(1.0, "float32"), (0.1, "float32"), (1e-3, "float32")],
            (1j, "complex128"),
        ],
    )
    def test_numbers_take_the_smallest_type(self, number, dtype):
        assert T.as_tensor_variable(number).dtype == dtype
        assert T.constant(number).dtype == dtype

    def test_truth_values_are_refused(self):
        with pytest.raises(TypeError, match="True or False"):
            T.as_tensor_variable(True)
        assert T.as_tensor_variable(np.array(True)).dtype == "bool"

    def test_floats_that_float32_cannot_hold(self):
        # With floatX=float64 only those that float32 holds exactly are float32.
        assert T.constant(0.1).dtype == "float32"
        with theano.configparser.change_flags(floatX="float64"):
            assert T.constant(0.5).dtype == "float32"
            assert T.constant(0.1).dtype == "float64"

    def test_arrays_keep_their_type_and_ones_broadcast(self):
        value = np.zeros((1, 3, 1), "uint16")
        c = T.as_tensor_variable(value)
        assert (c.dtype, c.broadcastable) == ("uint16", (True, False, True))
        assert T.as_tensor_variable([[1, 2], [3, 4]]).dtype == "int64"
        assert T.as_tensor_variable([1.5, 2]).dtype == "float64"
        assert T.as_tensor_variable(T.dvector(), ndim=3).broadcastable == (True, True, False)
        with pytest.raises(ValueError, match="dimensions"):
            T.as_tensor_variable(np.ones((3, 2)), ndim=1)

    def test_lists_of_variables_are_joined(self):
        a, b = T.dscalars("a", "b")
        y = T.as_tensor_variable([a, 5, b])
        np.testing.assert_array_equal(run(y, (a, 1), (b, 2)), [1, 5, 2])

    def test_filled_tensors(self):
        x, n, k = T.fmatrix(), T.lscalar(), T.lscalar()
        outputs = [
            T.zeros_like(x), T.ones_like(x), T.ones_like(x, dtype="int32"), T.fill(x, 0.5),
            T.zeros((n, 2)), T.ones((2, n), dtype="int16"), T.alloc(np.int32(7), n, 1, 2),
            T.eye(n), T.eye(n, 600, k, dtype="int8"), T.identity_like(x), T.zeros((200,), "int64"),
        ]  # fmt: skip
        got = run(outputs, (x, np.ones((2, 3), "float32")), (n, 4), (k, 300))
        want = [
            np.zeros((2, 3), "float32"), np.ones((2, 3), "float32"), np.ones((2, 3), "int32"),
            np.full((2, 3), 0.5, "float32"), np.zeros((4, 2), "float32"), np.ones((2, 4), "int16"),
            np.full((4, 1, 2), 7, "int32"), np.eye(4, dtype="float32"),
            np.eye(4, 600, 300, dtype="int8"), np.eye(2, 3, dtype="float32"),
            np.zeros(200, "int64"),
        ]  # fmt: skip
        for g, w in zip(got, want, strict=True):
            assert g.dtype == w.dtype
            np.testing.assert_array_equal(g, w)

    def test_ranges_and_grids(self):
        n, x = T.lscalar(), T.dscalar()
        grid, open_ = T.mgrid[0:3, 10:600:200], T.ogrid[0:3, 0:4]
        got = run([T.arange(n), T.arange(-n, n, 300), T.arange(x, 2), *grid, *open_],
                  (n, 700), (x, 0.5))  # fmt: skip
        want = [np.arange(700), np.arange(-700, 700, 300), np.arange(0.5, 2)]
        want += [*np.mgrid[0:3, 10:600:200], *np.ogrid[0:3, 0:4]]
        for g, w in zip(got, want, strict=True):
            np.testing.assert_array_equal(g, w)
        assert T.arange(600).dtype == T.arange(3).dtype == "int64"
        assert T.arange(0.5, 3).dtype == theano.config.floatX


class TestShapes:
    def test_shapes_known_and_inferred(self):
        x, n = T.dtensor4("x"), T.lscalar("n")
        value = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
        got = run(
            [
                x.shape, x.reshape((n, 4, 5)), T.reshape(x, (-1,)),
                x.reshape(T.stack([n, 20]), ndim=2),
                T.flatten(x, 2), x.flatten(), x.ravel(), T.shape_padleft(x, 2), T.shape_padright(x),
                T.shape_padaxis(x, -1), T.shape_padaxis(x, 1), x.dimshuffle(3, "x", 0, 2, 1), x.T,
                x.transpose(1, 0, 3, 2), x.swapaxes(0, 2), x.size, T.shape(x)[1],
            ],
            (x, value), (n, 6),
        )  # fmt: skip
        want = [
            [2, 3, 4, 5], value.reshape(6, 4, 5), value.reshape(-1), value.reshape(6, 20),
            value.reshape(2, 60), value.ravel(), value.ravel(), value[None, None], value[..., None],
            value[..., None], value[:, None], value.transpose(3, 0, 2, 1)[:, None], value.T,
            value.transpose(1, 0, 3, 2), value.swapaxes(0, 2), 120, 3,
        ]  # fmt: skip
        for g, w in zip(got, want, strict=True):
            np.testing.assert_array_equal(g, w)
        assert T.shape_padleft(x, 2).broadcastable == (True, True) + (False,) * 4
        assert x.shape.dtype == "int64"

    def test_a_new_shape_of_unknown_length(self):
        x, shape = T.dvector(), T.lvector()
        with pytest.raises(ValueError, match="length"):
            x.reshape(shape)
        assert run(x.reshape(shape, ndim=2), (x, np.zeros(6)), (shape, [2, 3])).shape == (2, 3)

    def test_a_dimension_dropped_must_be_broadcastable(self):
        with pytest.raises(ValueError, match=r"drop|broadcast"):
            T.dmatrix().dimshuffle(1)
        r = T.drow()
        assert run(r.dimshuffle(1), (r, [[1, 2, 3]])).tolist() == [1, 2, 3]

    def test_broadcastable_or_not(self):
        x, row = T.dmatrix(), T.drow()
        assert T.addbroadcast(x, 0).broadcastable == (True, False)
        assert T.unbroadcast(row, 0).broadcastable == (False, False)
        assert T.patternbroadcast(x, (False, True)).broadcastable == (False, True)
        with pytest.raises(ValueError, match=r"[Dd]imension"):
            run(T.addbroadcast(x, 0) * 2, (x, np.ones((2, 3))))

    def test_tile_repeat_and_roll(self):
        x = T.dmatrix()
        value = np.arange(6.0).reshape(2, 3)
        got = run([T.tile(x, (2, 300)), T.repeat(x, 3, axis=1), x.repeat(2), T.roll(x, 1, axis=1),
                   T.roll(x, -4)], (x, value))  # fmt: skip
        want = [np.tile(value, (2, 300)), np.repeat(value, 3, 1), value.repeat(2),
                np.roll(value, 1, 1), np.roll(value, -4)]  # fmt: skip
        for g, w in zip(got, want, strict=True):
            np.testing.assert_array_equal(g, w)

    def test_joined_and_stacked(self):
        x, y, v = T.fmatrix("x"), T.ftensor3("y"), T.fvector("v")
        a, b, c = (RNG.rand(*s).astype("float32") for s in [(2, 3), (1, 2, 4), (2,)])
        joined = T.concatenate([x, y[0], T.shape_padright(v)], axis=1)
        got = run(
            [joined, T.stack([x, x + 1]), T.stack([x, x], axis=-1), T.stack([x, x], axis=1),
             T.join(0, x, x), T.stacklists([[x, x], [x, x * 2]]), T.horizontal_stack(x, x),
             T.vertical_stack(x, x)],
            (x, a), (y, b), (v, c),
        )  # fmt: skip
        want = [np.hstack([a, b[0], c[:, None]]), np.stack([a, a + 1]), np.stack([a, a], -1),
                np.stack([a, a], 1), np.vstack([a, a]), np.array([[a, a], [a, a * 2]]),
                np.hstack([a, a]), np.vstack([a, a])]  # fmt: skip
        for g, w in zip(got, want, strict=True):
            np.testing.assert_array_equal(g, w)
            assert g.dtype == "float32"

    def test_the_old_stack(self):
        a, b = T.dscalars("a", "b")
        with pytest.warns(DeprecationWarning, match="stack"):
            s = T.stack(a, b, 3)
        np.testing.assert_array_equal(run(s, (a, 1), (b, 2)), [1, 2, 3])

    def test_choose(self):
        i = T.lvector()
        choices = np.array([[0, 1, 2], [10, 11, 12], [20, 21, 22]])
        got = run([T.choose(i, choices), T.choose(i - 1, choices, mode="wrap"),
                   T.choose(i * 2, choices, mode="clip")], (i, [2, 0, 1]))  # fmt: skip
        want = [np.choose([2, 0, 1], choices), np.choose([1, -1, 0], choices, mode="wrap"),
                np.choose([4, 0, 2], choices, mode="clip")]  # fmt: skip
        for g, w in zip(got, want, strict=True):
            np.testing.assert_array_equal(g, w)


class TestReductions:
    @pytest.mark.parametrize("keepdims", [False, True])
    @pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), [1, 2]])
    def test_as_numpy(self, axis, keepdims):
        x = T.dtensor3()
        value = RNG.randn(3, 4, 2)
        several = tuple(axis) if isinstance(axis, list) else axis
        names = ["sum", "mean", "max", "min", "prod", "var", "std", "any", "all"]
        got = run([getattr(T, n)(x, axis=axis, keepdims=keepdims) for n in names], (x, value))
        for name, g in zip(names, got, strict=True):
            want = getattr(np, name)(value, axis=several, keepdims=keepdims)
            np.testing.assert_allclose(g, want, rtol=1e-10)
            assert g.shape == want.shape

    @pytest.mark.parametrize("axis", [None, 0, 1, -1])
    def test_arg_reductions(self, axis):
        x = T.dmatrix()
        value = RNG.randn(4, 5)
        m, a = T.max_and_argmax(x, axis=axis)
        kept = T.argmax(x, axis=axis, keepdims=True)
        got = run([T.argmax(x, axis=axis), T.argmin(x, axis=axis), m, a, kept], (x, value))
        want = [value.argmax(axis), value.argmin(axis), value.max(axis), value.argmax(axis)]
        for g, w in zip(got, want, strict=False):
            np.testing.assert_array_equal(g, w)
        assert got[0].dtype == "int64"
        assert got[4].size == np.size(want[0])
        assert got[4].ndim == 2

    @pytest.mark.parametrize(
        ("given", "result"),
        [
            *[("int8", "int64"), ("int32", "int64"), ("uint8", "uint64"), ("uint32", "uint64")],
            *[("float32", "float32"), ("float64", "float64"), ("complex64", "complex64")],
        ],
    )
    def test_dtypes_of_sums_and_products(self, given, result):
        x = T.vector(dtype=given)
        assert x.sum().dtype == result
        assert x.prod().dtype == result
        assert x.sum(dtype="float64" if given != "complex64" else "complex128").dtype.endswith(
            "64" if given != "complex64" else "128"
        )

    def test_dtypes_of_means(self):
        assert T.ivector().mean().dtype == "float64"
        assert T.fvector().mean().dtype == "float32"
        assert T.bvector().mean(dtype="float32").dtype == "float32"

    def test_float32_is_summed_in_float64(self):
        x = T.fvector()
        value = np.array([1e8, *[1.0] * 1000, -1e8], "float32")
        got = run([x.sum(), x.sum(acc_dtype="float32"), x.mean()], (x, value))
        assert got[0] == 1000
        assert got[0].dtype == got[1].dtype == "float32"
        np.testing.assert_allclose(got[2], np.float32(1000 / len(value)))

    def test_small_integers_do_not_wrap(self):
        x = T.bvector()
        got = run([x.sum(), x.prod(), x.max(), x.sum(dtype="int8")],
                  (x, np.full(5, 100, "int8")))  # fmt: skip
        assert [int(g) for g in got] == [500, 10**10, 100, np.full(5, 100).sum().astype("int8")]

    def test_products_and_zeros(self):
        x = T.dmatrix()
        slopes = [T.grad(x.prod(axis=1).sum(), x),
                  T.grad(T.prod(x, axis=1, no_zeros_in_input=True).sum(), x)]  # fmt: skip
        value = np.array([[2.0, 0, 5], [0, 0, 3], [1, 2, 4]])
        safe, fast = run(slopes, (x, value))
        np.testing.assert_allclose(safe, [[0, 10, 0], [0, 0, 0], [8, 4, 2]])
        np.testing.assert_allclose(fast[2], [8, 4, 2])
        y = T.prod(x, no_zeros_in_input=True)
        twice = T.grad(T.grad(y, x).sum(), x)
        np.testing.assert_allclose(run(twice, (x, [[2.0, 3, 5]])), [[8, 7, 5]])

    def test_methods_are_the_functions(self):
        x = T.dmatrix()
        value = RNG.randn(3, 3)
        got = run(
            [x.norm(2), x.norm(1, axis=1), x.diagonal(), x.trace(), x.clip(-0.5, 0.5), x.round(),
             x.ptp(axis=0), x.sort(axis=0), x.argsort(), x.cumsum(axis=1), x.take([0, -1], axis=1),
             x.nonzero_values(), x.astype("int32"), x.copy()],
            (x, value),
        )  # fmt: skip
        want = [
            np.sqrt((value**2).sum()), abs(value).sum(1), value.diagonal(), np.trace(value),
            value.clip(-0.5, 0.5), np.trunc(value + np.copysign(0.5, value)), np.ptp(value, axis=0),
            np.sort(value, 0), value.argsort(), value.cumsum(1), value.take([0, -1], axis=1),
            value[value != 0], value.astype("int32"), value,
        ]  # fmt: skip
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w)


class TestIndexing:
    def test_basic_and_advanced(self):
        x, i, v = T.dtensor3(), T.lscalar(), T.lvector()
        value, where = RNG.randn(4, 5, 6), [3, 0, 3]
        keys = {
            "x[i]": value[2], "x[-1]": value[-1], "x[i:, ::2]": value[2:, ::2],
            "x[::-1]": value[::-1], "x[..., 0]": value[..., 0],
            "x[:, None, :2, :]": value[:, None, :2],
            "x[v]": value[where], "x[:, v]": value[:, where], "x[v, v]": value[where, where],
            "x[v, :, v]": value[where, :, where], "x[[0, 1], v[:2]]": value[[0, 1], where[:2]],
            "x[x > 1]": value[value > 1], "x[x[:, 0, 0] > 0]": value[value[:, 0, 0] > 0],
            "x[1:3, v, i]": value[1:3, where, 2], "x[i:i + 300]": value[2:302],
            "x[v.dimshuffle(0, 'x'), v]": value[np.array(where)[:, None], where],
        }  # fmt: skip
        got = run([eval(k, {"x": x, "i": i, "v": v}) for k in keys], (x, value), (i, 2), (v, where))
        for (key, want), g in zip(keys.items(), got, strict=True):
            np.testing.assert_array_equal(g, want, err_msg=key)

    def test_assignment_has_functions(self):
        x, v = T.dmatrix(), T.lvector()
        with pytest.raises(TypeError, match="item assignment"):
            x[0] = 1
        value = np.arange(12.0).reshape(3, 4)
        got = run(
            [
                T.set_subtensor(x[1], 300), T.inc_subtensor(x[:, 1:3], 0.5),
                T.inc_subtensor(x[v], 1.0), T.set_subtensor(x[v, v], -1.0),
                T.set_subtensor(x[x > 5], 0.0), T.inc_subtensor(x[::-1], 2.0),
                T.inc_subtensor(x[v], np.arange(4.0)),
            ],
            (x, value), (v, [0, 2, 2]),
        )  # fmt: skip
        want = [value.copy() for _ in got]
        want[0][1] = 300
        want[1][:, 1:3] += 0.5
        np.add.at(want[2], [0, 2, 2], 1.0)  # what is named twice grows twice
        want[3][[0, 2, 2], [0, 2, 2]] = -1
        want[4][value > 5] = 0
        want[5] += 2
        np.add.at(want[6], [0, 2, 2], np.arange(4.0))
        for g, w in zip(got, want, strict=True):
            np.testing.assert_array_equal(g, w)

    def test_the_gradient_of_an_index(self):
        x, v = T.dvector(), T.lvector()
        g = T.grad((x[v] ** 2).sum() + x[-1], x)
        np.testing.assert_allclose(run(g, (x, [1, 2, 3]), (v, [0, 0, 1])), [4, 4, 1])

    def test_out_of_range(self):
        x, i = T.dvector(), T.lscalar()
        f = theano.function([x, i], x[i])
        assert f([1, 2], -2) == 1
        with pytest.raises(IndexError):
            f([1, 2], 2)

    def test_iterating_over_what_has_no_known_length(self):
        with pytest.raises((TypeError, ValueError)):
            list(T.dvector())
        with pytest.raises(TypeError):
            bool(T.dvector() > 1)
        with pytest.raises((TypeError, ValueError)):
            len(T.dvector())


class TestOperators:
    def test_arithmetic_and_its_dtypes(self):
        a, f = T.itensor3("a"), T.fmatrix("f")
        assert (a + 3).dtype == "int32"
        assert (3 - a).dtype == "int32"
        assert (a * 3.5).dtype == "float64"
        assert (a / 2).dtype == theano.config.floatX
        assert (a // 2).dtype == "int32"
        assert (a + f).dtype == "float64"
        assert (T.wvector() * f).dtype == "float32"
        assert (f * 255).dtype == (f + 0.1).dtype == (f - 600).dtype == "float32"
        assert (a * 600).dtype == "int32"
        assert (T.bvector() + 300).dtype == "int16"
        assert (T.fscalar() * T.dscalar()).dtype == "float64"

    def test_values(self):
        a, b = T.ivector("a"), T.ivector("b")
        one, two = np.array([7, -7, 0, 300], "int32"), np.array([2, 2, -3, -7], "int32")
        expressions = [a + b, a - b, a * b, a / b, a // b, a % b, a**2, -a, abs(a), 300 - a,
                       2.5 // b, 2.2**a, divmod(a, b)[1], a & b, a | b, a ^ 1, ~a, a & 255,
                       a < b, a <= b, a > b, a >= b, T.eq(a, b), T.neq(a, b)]  # fmt: skip
        got = run(expressions, (a, one), (b, two))
        want = [one + two, one - two, one * two, one / two, one // two, one % two, one**2, -one,
                abs(one), 300 - one, 2.5 // two, np.float32(2.2) ** one.astype(float), one % two,
                one & two, one | two,
                one ^ 1, ~one, one & 255, one < two, one <= two, one > two, one >= two, one == two,
                one != two]  # fmt: skip
        for e, g, w in zip(expressions, got, want, strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-6, err_msg=str(e.owner.op))
            assert g.dtype == e.dtype
        assert {(a < b).dtype, T.eq(a, b).dtype, T.isnan(a * 1.0).dtype} == {"bool"}

    def test_no_operators_in_place(self):
        x = T.dvector()
        before = x
        x += 1  # a new variable
        assert x is not before
        assert x.owner is not None

    def test_precedence(self):
        a = T.dscalar("a")
        assert theano.pp(-(a**2)) == theano.pp(-(a**2))
        got = run([-(a**2), 2 + a * 3, (2 + a) * 3, 2**-a], (a, 2))
        assert [float(g) for g in got] == [-4, 8, 12, 0.25]

    def test_numpy_arrays_on_the_left(self):
        x = T.dvector()
        left = np.array([1.0, 2, 3]) * x
        assert isinstance(left, T.TensorVariable)
        np.testing.assert_array_equal(run(left, (x, [2, 2, 2])), [2, 4, 6])
        assert isinstance(np.float32(3) * x, T.TensorVariable)


class TestElementwise:
    def test_casts(self):
        x = T.dvector()
        value = np.array([1.9, -1.9, 300.5])
        for dtype in ("int8", "int16", "int32", "int64", "float32", "float64", "complex64"):
            got = run(T.cast(x, dtype), (x, value[:2]))
            np.testing.assert_array_equal(got, value[:2].astype(dtype))
            assert got.dtype == dtype
        assert T.cast(x, "floatX").dtype == theano.config.floatX
        assert T.cast(x, "float64") is x
        with pytest.raises(TypeError, match="complex"):
            T.cast(T.zvector(), "float64")

    def test_complex_numbers(self):
        z, x = T.zvector(), T.dvector()
        value = np.array([3 + 4j, -1j, -2])
        got = run([T.real(z), T.imag(z), abs(z), T.angle(z), T.conj(z), T.real(x), T.imag(x)],
                  (z, value), (x, [1, 2]))  # fmt: skip
        want = [value.real, value.imag, abs(value), np.angle(value), value.conj(), [1, 2], [0, 0]]
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w)
        assert got[0].dtype == "float64"

    def test_close_nan_inf(self):
        a, b = T.dvectors("a", "b")
        one = np.array([1, 1e10, np.nan, np.inf, -np.inf, 0])
        two = np.array([1 + 1e-9, 1.00001e10, np.nan, np.inf, np.inf, 1e-7])
        got = run([T.isnan(a), T.isinf(a), T.isclose(a, b), T.isclose(a, b, equal_nan=True),
                   T.allclose(a, b), T.allclose(a[:2], b[:2])], (a, one), (b, two))  # fmt: skip
        want = [np.isnan(one), np.isinf(one), np.isclose(one, two),
                np.isclose(one, two, equal_nan=True), False, True]  # fmt: skip
        for g, w in zip(got, want, strict=True):
            np.testing.assert_array_equal(g, w)

    def test_switch_and_clip(self):
        c, x, y = T.bvector(), T.dmatrix(), T.dvector()
        value = np.arange(6.0).reshape(2, 3)
        got = run([T.switch(c, x, y), T.where(x > 2, x, -300), T.clip(x, y, 4), T.clip(x, 1, 255)],
                  (c, [1, 0, 1]), (x, value), (y, [9, 2, 3.5]))  # fmt: skip
        want = [np.where([1, 0, 1], value, [9, 2, 3.5]), np.where(value > 2, value, -300),
                np.minimum(np.maximum(value, [9, 2, 3.5]), 4), value.clip(1, 255)]  # fmt: skip
        np.testing.assert_array_equal(got[0], want[0])
        np.testing.assert_array_equal(got[1], want[1])
        np.testing.assert_array_equal(got[2][:, 1:], want[2][:, 1:])  # 9 > 4: it is not said
        np.testing.assert_array_equal(got[3], want[3])
        assert T.switch(T.fscalar() > 0, 1, 0).dtype == "int8"
        assert T.clip(T.fvector(), 0, 255).dtype == "float32"

    def test_bits_want_integers(self):
        with pytest.raises((TypeError, NotImplementedError)):
            T.dvector() & 1
        i = T.ivector()
        aliases = {"bitwise_and": T.and_, "bitwise_or": T.or_, "bitwise_xor": T.xor,
                   "bitwise_not": T.invert}  # fmt: skip
        for name, function in aliases.items():
            assert getattr(T, name) is function
        assert run(T.invert(i), (i, [0, -1, 255])).tolist() == [-1, 0, -256]

    def test_functions(self):
        from scipy import special

        x = T.dvector()
        value = np.array([0.3, 0.9, 0.51])
        table = {
            "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2,
            "log10": np.log10, "log1p": np.log1p, "sqrt": np.sqrt, "sqr": np.square,
            "inv": np.reciprocal, "neg": np.negative, "sgn": np.sign, "abs_": np.abs,
            "ceil": np.ceil, "floor": np.floor, "trunc": np.trunc, "cos": np.cos, "sin": np.sin,
            "tan": np.tan, "arccos": np.arccos, "arcsin": np.arcsin, "arctan": np.arctan,
            "cosh": np.cosh, "sinh": np.sinh, "tanh": np.tanh, "arctanh": np.arctanh,
            "arcsinh": np.arcsinh, "deg2rad": np.deg2rad, "rad2deg": np.rad2deg,
            "erf": special.erf, "erfc": special.erfc, "erfinv": special.erfinv,
            "erfcinv": special.erfcinv, "gamma": special.gamma, "gammaln": special.gammaln,
            "psi": special.psi, "j0": special.j0, "j1": special.j1, "i0": special.i0,
            "i1": special.i1,
        }  # fmt: skip
        got = run([getattr(T, name)(x) for name in table], (x, value))
        for (name, function), g in zip(table.items(), got, strict=True):
            np.testing.assert_allclose(g, function(value), rtol=1e-9, err_msg=name)

    def test_two_arguments(self):
        a, b = T.dvectors("a", "b")
        one, two = np.array([1.0, -2, 3]), np.array([2.0, 2, -5])
        names = ["maximum", "minimum", "arctan2"]
        got = run([getattr(T, n)(a, b) for n in names], (a, one), (b, two))
        for n, g in zip(names, got, strict=True):
            np.testing.assert_allclose(g, getattr(np, n)(one, two))

    def test_rounding(self):
        x = T.dvector()
        value = [0.5, 1.5, 2.5, -0.5, -2.5, 2.4, -300.6]
        got = run([T.round(x, mode="half_away_from_zero"), T.round(x, mode="half_to_even"),
                   T.iround(x, mode="half_away_from_zero")], (x, value))  # fmt: skip
        away = [1, 2, 3, -1, -3, 2, -301]
        assert got[0].tolist() == away
        assert got[1].tolist() == [0, 2, 2, -0.0, -2, 2, -301]
        assert (got[2].dtype, got[2].tolist()) == ("int64", away)

    def test_broadcasting_is_declared(self):
        m, v, r, c = T.dmatrix(), T.dvector(), T.drow(), T.dcol()
        value = np.arange(6.0).reshape(2, 3)
        got = run([m + v, m * r, m - c, r + c, m + 1], (m, value), (v, [1, 2, 3]),
                  (r, [[1, 2, 3]]), (c, [[10], [20]]))  # fmt: skip
        row, col = np.array([[1.0, 2, 3]]), np.array([[10.0], [20]])
        want = [value + row, value * row, value - col, row + col, value + 1]
        for g, w in zip(got, want, strict=True):
            np.testing.assert_array_equal(g, w)
        assert (r + c).broadcastable == (False, False)
        a, b = T.dmatrices("a", "b")
        with pytest.raises(ValueError, match=r"mis-?match"):
            run(a + b, (a, np.ones((1, 3))), (b, np.ones((2, 3))))


class TestLinearAlgebra:
    @pytest.mark.parametrize(
        ("a", "b"),
        [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 3, 4), (4, 5)),
         ((2, 4), (3, 4, 5)), ((0, 3), (3, 2)), ((2, 0), (0, 3))],
    )  # fmt: skip
    def test_dot(self, a, b):
        one, two = RNG.randn(*a), RNG.randn(*b)
        x, y = (T.TensorType("float64", (False,) * v.ndim)() for v in (one, two))
        np.testing.assert_allclose(run(T.dot(x, y), (x, one), (y, two)), one.dot(two), rtol=1e-10)

    def test_outer_and_tensordot(self):
        x, y = T.dtensor3(), T.dtensor4()
        a, b = RNG.randn(2, 3, 4), RNG.randn(5, 6, 4, 3)
        got = run(
            [T.tensordot(x, y, [[1, 2], [3, 2]]), T.tensordot(x, y.T, 0),
             T.outer(x[0, 0], y[0, 0, 0]), T.tensordot(x, x, axes=[[0], [0]])],
            (x, a), (y, b),
        )  # fmt: skip
        want = [np.tensordot(a, b, [[1, 2], [3, 2]]), np.tensordot(a, b.T, 0),
                np.outer(a[0, 0], b[0, 0, 0]), np.tensordot(a, a, [[0], [0]])]  # fmt: skip
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-10)

    def test_batches(self):
        x, y = T.dtensor3(), T.dtensor4()
        a, b = RNG.randn(3, 4, 5), RNG.randn(3, 5, 4, 6)
        z = T.dtensor3()
        c = RNG.randn(3, 5, 2)
        got = run([T.batched_dot(x, z), T.batched_tensordot(x, y, axes=[[1, 2], [2, 1]]),
                   T.grad((T.batched_dot(x, z) ** 2).sum(), x)],
                  (x, a), (y, b), (z, c))  # fmt: skip
        product = a @ c
        np.testing.assert_allclose(got[0], product)
        np.testing.assert_allclose(got[1], np.einsum("nij,njik->nk", a, b))
        np.testing.assert_allclose(got[2], 2 * product @ c.transpose(0, 2, 1))

"""tutorial/loop, library/scan: loops, reductions, maps, folds, taps, updates, until."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)


import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

RNG = np.random.RandomState(0)


def test_a_map_over_rows():
    x, w, b = T.dmatrix("x"), T.dmatrix("w"), T.dvector("b")
    out, updates = theano.scan(lambda row: T.tanh(T.dot(row, w) + b), sequences=x)
    assert len(updates) == 0
    values = RNG.randn(5, 3), RNG.randn(3, 2), RNG.randn(2)
    got = theano.function([x, w, b], out)(*values)
    np.testing.assert_allclose(got, np.tanh(values[0] @ values[1] + values[2]), rtol=1e-12)


def test_a_recurrence_with_sequences_forward_and_backward():
    x, w, y, u, p, v = T.dvector(), T.dmatrix(), T.dmatrix(), T.dmatrix(), T.dmatrix(), T.dmatrix()
    out, _ = theano.scan(
        lambda y, p, before: T.tanh(T.dot(before, w) + T.dot(y, u) + T.dot(p, v)),
        sequences=[y, p[::-1]],
        outputs_info=[x],
    )
    a = [RNG.randn(*s) for s in [(2,), (2, 2), (6, 2), (2, 2), (6, 2), (2, 2)]]
    got = theano.function([x, w, y, u, p, v], out)(*a)
    state = a[0]
    for t in range(6):
        state = np.tanh(state @ a[1] + a[2][t] @ a[3] + a[4][5 - t] @ a[5])
        np.testing.assert_allclose(got[t], state, rtol=1e-10)


def test_norms_and_a_trace():
    x = T.dmatrix()
    rows, _ = theano.scan(lambda r: T.sqrt((r**2).sum()), sequences=[x])
    columns, _ = theano.scan(lambda c: T.sqrt((c**2).sum()), sequences=[x.T])
    trace, _ = theano.scan(
        lambda i, j, total: T.cast(x[i, j] + total, "float32"),
        sequences=[T.arange(x.shape[0]), T.arange(x.shape[1])],
        outputs_info=np.asarray(0.0, dtype="float32"),
    )
    value = RNG.randn(4, 4)
    r, c, t = theano.function([x], [rows, columns, trace[-1]])(value)
    np.testing.assert_allclose(r, np.linalg.norm(value, axis=1))
    np.testing.assert_allclose(c, np.linalg.norm(value, axis=0))
    np.testing.assert_allclose(t, np.trace(value), rtol=1e-5)
    assert t.dtype == "float32"


def test_two_steps_back():
    x, u, v, n = T.dmatrix(), T.dmatrix(), T.dmatrix(), T.iscalar()
    out, _ = theano.scan(
        lambda before2, before1: T.dot(before2, u) + T.tanh(T.dot(before1, v)),
        n_steps=n,
        outputs_info=[{"initial": x, "taps": [-2, -1]}],
    )
    a = [RNG.randn(2, 2) for _ in range(3)]
    got = theano.function([x, u, v, n], out)(*a, 7)
    states = [*a[0]]
    for _ in range(7):
        states.append(states[-2] @ a[1] + np.tanh(states[-1] @ a[2]))
    np.testing.assert_allclose(got, states[2:], rtol=1e-10)


def test_updates_of_a_shared_variable():
    count, n = theano.shared(3), T.iscalar()
    _, updates = theano.scan(lambda: {count: count + 2}, n_steps=n)
    f = theano.function([n], [], updates=updates)
    f(5)
    assert count.get_value() == 13
    f(1)
    assert count.get_value() == 15


def test_what_the_updates_stand_for():
    a = theano.shared(1)
    _, updates = theano.scan(lambda: {a: a + 1}, n_steps=10)
    before, after = a + 1, updates[a] + 1
    f = theano.function([], [before, after], updates=updates)
    assert [int(v) for v in f()] == [2, 12]
    assert a.get_value() == 11
    assert [int(v) for v in f()] == [12, 22]
    still = theano.function([], [before, after])
    assert [int(v) for v in still()] == [22, 32]
    assert a.get_value() == 21


def test_random_numbers_move_on_in_every_step():
    draw = RandomStreams(1234)
    x = T.dmatrix()
    inside, updates = theano.scan(
        lambda row: row * draw.uniform(size=row.shape, dtype="float64"), sequences=x
    )
    noise = draw.uniform(size=(3,), dtype="float64")
    outside, more = theano.scan(lambda row, noise: row * noise, sequences=x, non_sequences=noise)
    f = theano.function([x], [inside, outside], updates=updates + more)
    one = np.ones((4, 3))
    a, b = f(one)
    assert len(np.unique(a)) == 12
    assert (b == b[0]).all()  # one draw for all the steps
    c, d = f(one)
    assert not np.intersect1d(a, c).size
    assert not np.intersect1d(b, d).size


def test_without_its_updates_the_numbers_come_again():
    draw = RandomStreams(99)
    out, _ = theano.scan(lambda: draw.normal(size=(2,)), n_steps=4)
    f = theano.function([], out, no_default_updates=True)
    np.testing.assert_array_equal(f(), f())
    # A stream's own update, which Theano adds, is that of one step.
    g = theano.function([], out)
    first, second = g(), g()
    np.testing.assert_array_equal(first[1:], second[:-1])
    assert (first != second).any()


def test_a_gibbs_chain():
    rng = np.random.RandomState(3)
    w, b, c = [theano.shared(rng.rand(*s)) for s in [(3, 2), (3,), (2,)]]

    def step(v, w, b, c):
        h = draw.binomial(size=(2,), n=1, p=T.nnet.sigmoid(T.dot(v, w) + c))
        return draw.binomial(size=v.shape, n=1, p=T.nnet.sigmoid(T.dot(h, w.T) + b), dtype=v.dtype)

    v, chains = T.vector(), []
    for shared in (False, True):
        draw = RandomStreams(1234)
        fn = step if shared else lambda v: step(v, w, b, c)
        out, updates = theano.scan(
            fn, outputs_info=v, n_steps=10, non_sequences=[w, b, c] if shared else None
        )
        f = theano.function([v], out, updates=updates)
        start = np.zeros(3, theano.config.floatX)
        chains.append([f(start), f(start)])
    np.testing.assert_array_equal(chains[0], chains[1])
    assert (chains[0][0] != chains[0][1]).any()
    assert set(np.unique(chains)) <= {0, 1}


def test_strict_wants_the_shared_variables_by_name():
    w, v = theano.shared(np.eye(2)), T.dvector()
    with pytest.raises(theano.gof.fg.MissingInputError):
        theano.scan(lambda v: T.dot(v, w), outputs_info=v, n_steps=3, strict=True)
    out, _ = theano.scan(
        lambda v, w: T.dot(v, w), outputs_info=v, non_sequences=[w], n_steps=3, strict=True
    )
    np.testing.assert_array_equal(theano.function([v], out[-1])([1, 2]), [1, 2])


def test_powers():
    k, a = T.iscalar("k"), T.dvector("a")
    out, updates = theano.scan(
        lambda before, a: before * a, outputs_info=T.ones_like(a), non_sequences=a, n_steps=k
    )
    f = theano.function([a, k], [out[-1], out], updates=updates)
    last, all_ = f(np.arange(5.0), 3)
    np.testing.assert_array_equal(last, np.arange(5.0) ** 3)
    np.testing.assert_array_equal(all_, [np.arange(5.0) ** i for i in (1, 2, 3)])


def test_sequences_end_with_the_shortest():
    c, x = T.dvector("c"), T.dscalar("x")
    terms, _ = theano.scan(
        lambda c, power, x: c * x**power,
        outputs_info=None,
        sequences=[c, T.arange(10000)],
        non_sequences=x,
    )
    total, _ = theano.scan(
        lambda c, power, before, x: before + c * x**power,
        outputs_info=T.as_tensor_variable(np.asarray(0, "float64")),
        sequences=[c, T.arange(10000)],
        non_sequences=x,
    )
    f = theano.function([c, x], [terms.sum(), total[-1]])
    assert [float(v) for v in f([3, 0, -2, 1], 5)] == [78, 78]


def test_an_accumulator_keeps_its_dtype():
    n = T.iscalar()
    numbers = T.arange(n)
    out, _ = theano.scan(
        lambda i, total: total + i,
        outputs_info=T.as_tensor_variable(np.asarray(0, numbers.dtype)),
        sequences=numbers,
    )
    np.testing.assert_array_equal(theano.function([n], out)(300), np.cumsum(np.arange(300)))
    with pytest.raises(ValueError, match="dtype"):
        # int8 to begin with, int64 afterwards.
        theano.scan(
            lambda i, total: total + i, outputs_info=T.as_tensor_variable(0), sequences=numbers
        )


def test_new_variables_inside():
    place, value, model = T.imatrix(), T.dvector(), T.dmatrix()

    def put(place, value, model):
        zeros = T.zeros_like(model)
        return T.set_subtensor(zeros[place[0], place[1]], value)

    out, _ = theano.scan(put, outputs_info=None, sequences=[place, value], non_sequences=model)
    got = theano.function([place, value, model], out)(
        np.array([[0, 2], [1, 1]], "int32"), [7, -8], np.full((2, 3), 9.0)
    )
    want = np.zeros((2, 2, 3))
    want[0, 0, 2], want[1, 1, 1] = 7, -8
    np.testing.assert_array_equal(got, want)


def test_taps_of_sequences_outputs_and_several_of_each():
    u, x0, y0 = T.dvector("u"), T.dvector("x0"), T.dscalar("y0")

    def step(u_back, u_now, u_next, x3, x1, y1):
        x = x3 + 0.5 * x1 + u_back * u_next
        return [x, y1 * 0.5 + u_now]

    (x, y), _ = theano.scan(
        step,
        sequences={"input": u, "taps": [-2, 0, 1]},
        outputs_info=[{"initial": x0, "taps": [-3, -1]}, y0],
    )
    uv, xv = np.arange(1.0, 9), [1.0, -1, 2]
    gx, gy = theano.function([u, x0, y0], [x, y])(uv, xv, 4.0)
    xs, ys = list(xv), [4.0]
    for t in range(2, 7):
        ys.append(ys[-1] * 0.5 + uv[t])
        xs.append(xs[-3] + 0.5 * xs[-1] + uv[t - 2] * uv[t + 1])
    np.testing.assert_allclose(gx, xs[3:])
    np.testing.assert_allclose(gy, ys[1:])


def test_until():
    limit = T.dscalar()
    out, _ = theano.scan(
        lambda before, limit: (before * 2, theano.scan_module.until(before * 2 > limit)),
        outputs_info=T.constant(1.0, dtype="float64"),
        non_sequences=limit,
        n_steps=1024,
    )
    f = theano.function([limit], [out, out[-1]])
    got, last = f(45)
    assert got.tolist() == [2, 4, 8, 16, 32, 64]
    assert last == 64
    assert f(1)[0].tolist() == [2]


def test_backwards():
    x = T.dvector()
    out, _ = theano.scan(
        lambda x, s: s * 2 + x,
        sequences=x,
        outputs_info=T.constant(0.0, dtype="float64"),
        go_backwards=True,
    )
    np.testing.assert_array_equal(theano.function([x], out)([1, 2, 3]), [3, 8, 17])


def test_map_reduce_foldl_foldr():
    x = T.dvector("x")
    zero = T.constant(0.0, dtype="float64")
    m, _ = theano.map(lambda v: v**2, sequences=x)
    r, _ = theano.reduce(lambda v, s: s * 3 + v, sequences=x, outputs_info=zero)
    left, _ = theano.foldl(lambda v, s: s * 3 + v, sequences=x, outputs_info=zero)
    right, _ = theano.foldr(lambda v, s: s * 3 + v, sequences=x, outputs_info=zero)
    got = theano.function([x], [m, r, left, right])([1, 2, 3])
    assert got[0].tolist() == [1, 4, 9]
    assert [float(g) for g in got[1:]] == [18, 18, 34]


@pytest.mark.long
def test_gradients_through_time():
    w, x = T.dscalar("w"), T.dvector("x")

    def build(**more):
        h, _ = theano.scan(
            lambda x, h, w: T.tanh(w * h + x),
            sequences=x,
            outputs_info=T.constant(0.0, dtype="float64"),
            non_sequences=w,
            **more,
        )
        return h

    h = build()
    f = theano.function([w, x], [h[-1], T.grad(h[-1], w), *T.grad((h**2).sum(), [w, x])])
    short = theano.function([w, x], T.grad(build(truncate_gradient=2)[-1], w))
    wv, xv = 0.7, np.array([0.3, -0.2, 0.9, 0.1])

    def run(w, x):
        h, states = 0.0, []
        for v in x:
            h = np.tanh(w * h + v)
            states.append(h)
        return np.array(states)

    got, e = f(wv, xv), 1e-6
    np.testing.assert_allclose(got[0], run(wv, xv)[-1])
    np.testing.assert_allclose(
        got[1], (run(wv + e, xv)[-1] - run(wv - e, xv)[-1]) / 2 / e, rtol=1e-6
    )
    squares = [((run(wv + s, xv)) ** 2).sum() for s in (e, -e)]
    np.testing.assert_allclose(got[2], (squares[0] - squares[1]) / 2 / e, rtol=1e-6)
    for i in range(4):
        step = e * np.eye(4)[i]
        slope = ((run(wv, xv + step) ** 2).sum() - (run(wv, xv - step) ** 2).sum()) / 2 / e
        np.testing.assert_allclose(got[3][i], slope, rtol=1e-5)
    # Truncated: only the last two steps count.
    states = np.concatenate([[0], run(wv, xv)])
    slope = 0.0
    for t in (2, 3):
        slope = (1 - states[t + 1] ** 2) * (states[t] + wv * slope)
    np.testing.assert_allclose(short(wv, xv), slope, rtol=1e-10)


def test_none_and_single_and_list_outputs():
    x = T.dvector()
    single, _ = theano.scan(lambda v: v + 1, sequences=x)
    as_list, _ = theano.scan(lambda v: v + 1, sequences=x, return_list=True)
    assert isinstance(single, T.TensorVariable)
    assert isinstance(as_list, list)


def test_zero_steps_and_negative_steps():
    x = T.dvector()
    out, _ = theano.scan(lambda v: v + 1, sequences=x)
    assert theano.function([x], out.shape)([]).tolist() == [0]
    n = T.iscalar()
    steps, _ = theano.scan(
        lambda s: s + 1, outputs_info=T.constant(0.0, dtype="float64"), n_steps=n
    )
    assert theano.function([n], steps)(3).tolist() == [1, 2, 3]


@pytest.mark.long
def test_scan_checkpoints_has_the_same_end_and_gradient():
    x = T.dvector()

    def last(scan, **more):
        out, _ = scan(
            fn=lambda h, x: T.tanh(h * 1.5 + x),
            outputs_info=T.zeros_like(x),
            non_sequences=x,
            n_steps=6,
            **more,
        )
        return out[-1]

    a, b = last(theano.scan), last(theano.scan_checkpoints, save_every_N=2)
    f = theano.function([x], [a, b, T.grad(a.sum(), x), T.grad(b.sum(), x)])
    got = f([0.2, -0.7])
    np.testing.assert_allclose(got[0], got[1])
    np.testing.assert_allclose(got[2], got[3])

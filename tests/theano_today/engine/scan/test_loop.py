"""Scans by the kernels: against the same steps in NumPy, or written out as a graph."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import pickle
import threading

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.scan_module import scan_op, until

from tests.theano_today.compat.theano.test_scan_loop import (
    PLAIN,
    WRITTEN_OUT,
    Program,
    compiled,
    stacked,
)
from theano_today.engine import genuine, library
from theano_today.engine.scan import loop

pytestmark = pytest.mark.skipif(library.kernels() is None, reason="needs the kernels")

# The mode of inner functions that the kernels run
ORDINARY = theano.compile.mode.get_mode("FAST_RUN")
assert_close = np.testing.assert_allclose


@pytest.fixture(autouse=True)
def scans_as_compiled(monkeypatch):
    """Other Ops run their perform(), so that nothing has to be compiled, but scans do not."""
    make_thunk = scan_op.Scan.make_thunk

    def without_impl(self, node, storage_map, compute_map, no_recycling, impl=None):
        return make_thunk(self, node, storage_map, compute_map, no_recycling)

    monkeypatch.setattr(scan_op.Scan, "make_thunk", without_impl)
    monkeypatch.setitem(genuine._remembered[scan_op.Scan], "make_thunk", without_impl)


@pytest.fixture
def runs(monkeypatch):
    """The programs that ran, one entry for each call."""
    done = []
    run = loop.Bound.run

    def noted(self, *arguments):
        done.append(self)
        return run(self, *arguments)

    monkeypatch.setattr(loop.Bound, "run", noted)
    return done


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64"])
def test_random_programs(seed, dtype, runs):
    program = Program(seed, dtype)
    variables = program.variables()
    outputs = program.scan(variables, mode=ORDINARY)
    parts = [slice(None), slice(-1, None), slice(-2, None), slice(1, None, 2)]
    chosen = [parts[(seed + k) % 4] for k in range(len(outputs))]
    f = compiled(variables, [o[part] for o, part in zip(outputs, chosen, strict=True)])
    with np.errstate(over="ignore"):
        want = program.written_out(program.values)
    first, second = f(*program.values), f(*program.values)
    for got in first, second:
        for value, steps, part in zip(got, want, chosen, strict=True):
            assert value.dtype == dtype
            expected = stacked(steps, program.shape, dtype)[part]
            if dtype.startswith("float"):
                tolerance = 1e-12 if dtype == "float64" else 1e-5
                assert_close(value, expected, tolerance, tolerance)
            else:
                np.testing.assert_array_equal(value, expected)
    assert len(runs) == 2 or not any(isinstance(n.op, scan_op.Scan) for n in nodes(f))


def nodes(f):
    return f.maker.fgraph.apply_nodes


@pytest.mark.parametrize("seed", range(6))
def test_until(seed, runs):
    program = Program(seed + 100, "int64")
    variables, stop = program.variables(), T.lscalar()
    outputs = program.scan(variables, stop, mode=ORDINARY)
    f = compiled([*variables, stop], outputs + [o[-1] for o in outputs])
    for limit in -(10**6), 0, 10, 10**9:
        want = program.written_out(program.values, limit)
        got = f(*program.values, limit)
        for value, last, steps in zip(got[: len(want)], got[len(want) :], want, strict=True):
            np.testing.assert_array_equal(value, stacked(steps, program.shape, "int64"))
            np.testing.assert_array_equal(last, steps[-1])
    assert runs


@pytest.mark.parametrize("seed", range(4))
def test_gradients_of_random_programs(seed, runs):
    program = Program(seed + 200, "float64")
    variables = program.variables()
    cost = sum((o**2).sum() + o[-1].sum() for o in program.scan(variables, mode=ORDINARY))
    steps = program.written_out(variables)
    written = sum((T.stack(s) ** 2).sum() + s[-1].sum() for s in steps)
    gradients = [
        T.grad(c, variables, disconnected_inputs="ignore") if variables else []
        for c in (cost, written)
    ]
    got, want = (
        compiled(variables, [c, *g], mode)(*program.values)
        for c, g, mode in zip((cost, written), gradients, (PLAIN, WRITTEN_OUT), strict=True)
    )
    for a, b in zip(got, want, strict=True):
        assert_close(a, b, 1e-9, 1e-9)
    assert runs


class Recurrence:
    """h[t] = tanh(x[t] w + h[t-1] u + b), for batches, with all its gradients."""

    def __init__(self, steps=5, rows=40, inputs=3, units=7, dtype="float32", **more):
        random = np.random.RandomState(3)
        shapes = {
            "x": (steps, rows, inputs), "h": (rows, units),
            "w": (inputs, units), "u": (units, units), "b": (units,),
        }  # fmt: skip
        self.values = {k: random.normal(size=s).astype(dtype) * 0.5 for k, s in shapes.items()}
        self.variables = [T.TensorType(dtype, (False,) * v.ndim)(k) for k, v in self.values.items()]
        x, h, w, u, b = self.variables
        states, _ = theano.scan(
            lambda x_t, h, w, u, b: T.tanh(T.dot(x_t, w) + T.dot(h, u) + b),
            sequences=x, outputs_info=h, non_sequences=[w, u, b], mode=ORDINARY, **more,
        )  # fmt: skip
        self.states = states
        written, h_t = [], h
        for t in range(steps):
            h_t = T.tanh(T.dot(x[t], w) + T.dot(h_t, u) + b)
            written.append(h_t)
        self.written = T.stack(written)

    def functions(self):
        results = []
        for states, mode in (self.states, PLAIN), (self.written, WRITTEN_OUT):
            gradients = T.grad((states[-1] ** 2).sum() + states.sum(), self.variables)
            results.append(compiled(self.variables, [states, *gradients], mode))
        return results


@pytest.mark.parametrize("rows", [1, 2, 16, 17, 40])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_recurrences_of_batches(rows, dtype, runs):
    recurrence = Recurrence(rows=rows, dtype=dtype)
    got, want = (f(*recurrence.values.values()) for f in recurrence.functions())
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    for a, b in zip(got, want, strict=True):
        assert_close(a, b, tolerance, tolerance)
    assert len(runs) == 2
    # Rows are divided, forwards and backwards.
    assert [run.rows for run in runs] == ([rows] * 2 if rows > 1 else [0, 0])


def test_other_sizes_at_the_next_call(runs):
    recurrence = Recurrence()
    ours, theirs = recurrence.functions()
    for rows in 40, 3, 40, 50:
        values = dict(recurrence.values)
        values["x"] = np.resize(values["x"], (5, rows, 3))
        values["h"] = np.resize(values["h"], (rows, 7))
        for a, b in zip(ours(*values.values()), theirs(*values.values()), strict=True):
            assert_close(a, b, 2e-5, 2e-5)
    assert len({id(run) for run in runs}) == 6


def test_the_same_bits_for_any_number_of_threads():
    recurrence = Recurrence(rows=70)
    f, _ = recurrence.functions()
    results = []
    try:
        for threads in 1, 2, 3:
            library.call("today_set_threads", threads)
            results.append(f(*recurrence.values.values()))
    finally:
        library.call("today_set_threads", library.threads())
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


def test_inputs_of_any_strides(runs):
    recurrence = Recurrence()
    ours, theirs = recurrence.functions()
    values = {k: v.copy() for k, v in recurrence.values.items()}
    values["x"] = np.asfortranarray(values["x"])
    values["u"] = values["u"].T
    values["w"] = np.repeat(values["w"], 2, 1)[:, ::-2]
    values["h"] = np.repeat(values["h"], 3, 0)[::3]
    values["b"] = np.broadcast_to(values["b"][:1], (7,))
    for a, b in zip(ours(*values.values()), theirs(*values.values()), strict=True):
        assert_close(a, b, 2e-5, 2e-5)


def test_nan_and_infinity_go_where_they_do_in_stock():
    recurrence = Recurrence()
    ours, theirs = recurrence.functions()
    for name, value in ("x", np.nan), ("h", np.inf), ("u", -np.inf), ("b", np.nan), ("w", 3e38):
        values = {k: v.copy() for k, v in recurrence.values.items()}
        values[name].flat[4] = value
        for a, b in zip(ours(*values.values()), theirs(*values.values()), strict=True):
            np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
            assert_close(a, b, 2e-5, 2e-5)


def test_copies_pickles_and_threads_of_a_function():
    recurrence = Recurrence()
    f = compiled(recurrence.variables, [recurrence.states])
    values = list(recurrence.values.values())
    want = f(*values)
    for other in copy.deepcopy(f), pickle.loads(pickle.dumps(f)):
        for a, b in zip(other(*values), want, strict=True):
            np.testing.assert_array_equal(a, b)
    others = [copy.deepcopy(f) for _ in range(3)]
    results = {}

    def work(k):
        results[k] = [others[k](*values) for _ in range(5)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for several in results.values():
        for got in several:
            for a, b in zip(got, want, strict=True):
                np.testing.assert_array_equal(a, b)


class TestErrors:
    """They are those of the ordinary loop, which takes over."""

    def test_number_of_steps(self):
        n, x = T.lscalar("n"), T.dvector("x")
        total, _ = theano.scan(
            lambda a, s: s + a, sequences=x, outputs_info=T.zeros((), "float64"), n_steps=n,
            mode=ORDINARY,
        )  # fmt: skip
        f = compiled([x, n], total)
        assert f([1.0, 2.0], 2).tolist() == [1, 3]
        with pytest.raises(NotImplementedError, match="0 iteration"):
            f([1.0], 0)
        with pytest.raises(IndexError, match="negative number of step -2"):
            f([1.0], -2)
        with pytest.raises(ValueError, match="shorter than the required number"):
            f([1.0], 2)

    def test_shapes_that_do_not_fit(self):
        recurrence = Recurrence()
        f, _ = recurrence.functions()
        values = dict(recurrence.values)
        f(*values.values())
        values["u"] = values["u"][:, :6]
        with pytest.raises(ValueError, match="Apply node that caused the error"):
            f(*values.values())

    def test_an_index_out_of_range(self):
        x = T.fmatrix()
        parts, _ = theano.scan(lambda a: a[4] * 2, sequences=x, mode=ORDINARY)
        f = compiled([x], parts)
        assert f(np.ones((2, 5), "float32")).tolist() == [2, 2]
        with pytest.raises(IndexError):
            f(np.ones((2, 4), "float32"))


def test_what_is_not_covered_runs_as_before(runs):
    x = T.fmatrix()
    sines, _ = theano.scan(lambda a: T.sin(a) * 2, sequences=x, mode=PLAIN)
    value = np.ones((2, 3), "float32")
    assert_close(compiled([x], sines)(value), 2 * np.sin(value), 1e-6)
    assert not runs


@pytest.mark.parametrize("of_state", [False, True])
def test_an_output_that_is_the_same_at_each_step(of_state, runs):
    """Beside a state of rows that are divided: what is not cannot be computed in its place."""
    x = T.matrix()
    state = [T.zeros_like(x)] if of_state else []
    found, _ = theano.scan(
        lambda *taps: [*(h + taps[-1] for h in taps[:-1]), taps[-1]],
        outputs_info=[*state, None], non_sequences=[x], n_steps=3, mode=ORDINARY,
    )  # fmt: skip
    found = found if of_state else [found]
    f = theano.function([x], [*found, T.grad(sum(v.sum() for v in found), x)])
    value = np.arange(10, dtype="float32").reshape(5, 2)
    *states, same, gradient = f(value)
    np.testing.assert_array_equal(same, [value] * 3)
    np.testing.assert_array_equal(gradient, np.full((5, 2), 9 if of_state else 3))
    for state in states:
        np.testing.assert_array_equal(state, [value, 2 * value, 3 * value])
    assert len(runs) == 2


def test_steps_that_hand_on_their_states():
    a, b = T.fvector(), T.fvector()
    (first, second, third), _ = theano.scan(
        lambda a, b: (b, a, a), outputs_info=[a, b, None], n_steps=5, mode=ORDINARY
    )
    f = compiled([a, b], [first, second, third, first[-1], second[-1]])
    one, two = np.float32([1, 2]), np.float32([3, 4])
    got = f(one, two)
    assert got[0].tolist() == [[3, 4], [1, 2]] * 2 + [[3, 4]]
    assert got[1].tolist() == [[1, 2], [3, 4]] * 2 + [[1, 2]]
    assert got[2].tolist() == got[1].tolist()
    last = compiled([a, b], [first[-1], second[-1]])(one, two)
    assert [v.tolist() for v in last] == [[3, 4], [1, 2]]


@pytest.mark.parametrize(
    "name", ["sum", "mul", "set", "inc", "join", "reshape", "alloc", "column", "vector", "bools"]
)
def test_ops_within_steps(name, runs):
    x, h = T.ftensor3(), T.fmatrix()
    steps = {
        "sum": lambda x, h: h + x.sum(axis=1, keepdims=True) * x.sum() + x.sum(axis=0),
        "mul": lambda x, h: T.switch(x > h, x / (1 + h * h), T.maximum(x, -h)) - T.exp(h) / 9,
        "set": lambda x, h: T.set_subtensor(h[:, 1:3], x[:, ::2] * h[:, :2]),
        "inc": lambda x, h: T.inc_subtensor(h[1:], x[:-1]) / 2 + h[0],
        "join": lambda x, h: T.concatenate([x[:, :2], h[:, 1:]], axis=1)[:, ::-1][:, :4],
        "reshape": lambda x, h: (x * 2).reshape((x.shape[1], x.shape[0])).T + h.flatten()[:4],
        "alloc": lambda x, h: (
            T.zeros_like(x) + h[0] * T.alloc(x[0], x.shape[0], 4) + T.ones_like(h)
        ),
        "column": lambda x, h: h * x[:, 0].dimshuffle(0, "x") + x[:, 1:].sum() - h[::-1],
        "vector": lambda x, h: h + T.dot(x, h[0]).dimshuffle(0, "x") * T.dot(h[1], x.T).sum(),
        "bools": lambda x, h: T.switch(T.and_(x > 0, T.neq(h, 0)), x, h) + T.cast(h > x, "float32"),
    }
    step = steps[name]
    h_all, _ = theano.scan(step, sequences=x, outputs_info=h, mode=ORDINARY)
    written, h_t = [], h
    for t in range(3):
        h_t = step(x[t], h_t)
        written.append(h_t)
    random = np.random.RandomState(0)
    values = random.normal(size=(3, 6, 4)).astype("f"), random.normal(size=(6, 4)).astype("f")
    results = []
    for states, mode in (h_all, PLAIN), (T.stack(written), WRITTEN_OUT):
        gradients = T.grad((states**2).sum(), [x, h])
        results.append(compiled([x, h], [states, *gradients], mode)(*values))
    for a, b in zip(*results, strict=True):
        assert_close(a, b, 1e-4, 1e-4)
    assert runs


CUTS = [  # the columns of each of three gates
    ((0, 7), (7, 14), (14, 21)),
    ((0, 7), (9, 16), (14, 21)),  # overlapping
    ((1, 8), (13, 20), (13, 20)),  # some columns for nothing
    ((14, None), (None, 7), (-14, -7)),
]


@pytest.mark.parametrize(("rows", "cuts"), [(1, CUTS[0]), (6, CUTS[3]), *((37, c) for c in CUTS)])
def test_gates(rows, cuts, runs):
    """A product that is cut into gates, as Lasagne's recurrent layers do it, gradients clipped."""
    steps, units = 4, 7
    x, h, u = T.ftensor3(), T.fmatrix(), T.fmatrix()

    def step(x, h, u):
        z = theano.gradient.grad_clip(x + T.dot(h, u), -1, 1)
        a, b, c = (z[:, first:last] for first, last in cuts)
        return T.nnet.sigmoid(a) * h + T.nnet.softplus(b) * T.tanh(T.clip(c, -0.5, 1))

    h_all, _ = theano.scan(step, sequences=x, outputs_info=h, non_sequences=[u], mode=ORDINARY)
    written, h_t = [], h
    for t in range(steps):
        h_t = step(x[t], h_t, u)
        written.append(h_t)
    random = np.random.RandomState(0)
    values = [
        random.normal(size=s).astype("f") * np.float32(0.5)  # far from where 1 - sigmoid cancels
        for s in ((steps, rows, 3 * units), (rows, units), (units, 3 * units))
    ]
    results = []
    for states, mode in (h_all, PLAIN), (T.stack(written), WRITTEN_OUT):
        gradients = T.grad((states**2).sum() / rows, [x, h, u])
        results.append(compiled([x, h, u], [states, *gradients], mode)(*values))
    for a, b in zip(*results, strict=True):
        assert_close(a, b, 2e-5, 2e-5)
    assert len(runs) == 2


def test_until_with_a_batch(runs):
    x, h = T.ftensor3(), T.fmatrix()
    states, _ = theano.scan(
        lambda x, h: (h + x, until((h + x).sum() > 10)), sequences=x, outputs_info=h, mode=ORDINARY
    )
    f = compiled([x, h], [states, states[-1]])
    all_states, last = f(np.ones((9, 2, 3), "float32"), np.zeros((2, 3), "float32"))
    assert all_states.shape == (2, 2, 3)
    assert (last == 2).all()
    assert runs

"""scan: the loop against the same steps without it, in NumPy or written out as a graph."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import pickle

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.gof.vm import VM_Linker
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.scan_module import scan_op, until
from theano.tensor.shared_randomstreams import RandomStreams

from theano_today.compat.theano import scan_loop

# Ops run their perform(), so that little has to be compiled, but scans run scan_loop.py.
PLAIN = theano.Mode(VM_Linker(use_cloop=False, c_thunks=False), "fast_run")
# What is written out step by step is a large graph: optimising it takes longest, and says nothing.
WRITTEN_OUT = theano.Mode(VM_Linker(use_cloop=False, c_thunks=False), None)


@pytest.fixture(autouse=True)
def scans_as_compiled(monkeypatch):
    make_thunk = scan_op.Scan.make_thunk

    def without_impl(self, node, storage_map, compute_map, no_recycling, impl=None):
        return make_thunk(self, node, storage_map, compute_map, no_recycling)

    monkeypatch.setattr(scan_op.Scan, "make_thunk", without_impl)


def long(case):
    return pytest.param(case, marks=pytest.mark.long)


def loop(*arguments, **more):
    return theano.scan(*arguments, **{"mode": PLAIN, **more})


def compiled(inputs, outputs, mode=PLAIN, **more):
    return theano.function(inputs, outputs, mode=mode, on_unused_input="ignore", **more)


class Program:
    """A random scan. Its step has operators only, so that it runs on arrays as well as in graphs.

    Arrays are of one dtype: integers wrap and must agree to the last bit.
    """

    STEPS = 6

    def __init__(self, seed, dtype):
        self.random = np.random.RandomState(seed)
        self.dtype = dtype
        rank = self.random.randint(0, 3)
        self.shape = (2, 3)[:rank]
        self.sequences = [self.taps(-2, 3) for _ in range(self.random.randint(0, 3))]
        kinds = [[], [-1], self.taps(-3, 0)]
        self.states = [kinds[k] for k in self.random.randint(0, 3, size=self.random.randint(1, 4))]
        self.values = [self.array(self.STEPS + 4) for _ in self.sequences]
        self.values += [self.array(-min(taps)) for taps in self.states if taps]
        self.values += [self.array() for _ in range(self.random.randint(0, 3))]
        self.backwards = bool(self.random.randint(2))
        self.weights = self.random.randint(-2, 3, size=(len(self.states), 20))

    def taps(self, first, end):
        some = self.random.choice(range(first, end), self.random.randint(1, 3), replace=False)
        return [int(tap) for tap in some]

    def array(self, *lead):
        shape = (*lead, *self.shape)
        values = self.random.randint(-9, 9, size=shape)
        return np.asarray(values if self.dtype.startswith("int") else values / 20, self.dtype)

    def step(self, *arguments):
        results = []
        for weights in self.weights:
            total = sum(
                (int(w) * a for w, a in zip(weights, arguments, strict=False)),
                np.zeros(self.shape, self.dtype),
            )
            results.append(total - total * total / 3 if "float" in self.dtype else total)
        return results

    def variables(self):
        return [T.TensorType(self.dtype, (False,) * a.ndim)() for a in self.values]

    def split(self, values):
        a, b = len(self.sequences), len(self.sequences) + sum(map(bool, self.states))
        return values[:a], values[a:b], values[b:]

    def scan(self, variables, stop=None, **more):
        sequences, initial, others = self.split(variables)
        rest = iter(initial)
        outputs_info = [{"initial": next(rest), "taps": t} if t else None for t in self.states]
        for info in outputs_info:
            if info and info["taps"] == [-1]:
                info["initial"] = info["initial"][0]

        def step(*arguments):
            results = [T.as_tensor_variable(value) for value in self.step(*arguments)]
            return (results, until(T.sum(results[0]) > stop)) if stop is not None else results

        outputs, _ = loop(
            step,
            sequences=[
                {"input": s, "taps": taps}
                for s, taps in zip(sequences, self.sequences, strict=True)
            ],
            outputs_info=outputs_info,
            non_sequences=others,
            n_steps=self.STEPS,
            go_backwards=self.backwards,
            **more,
        )
        return outputs if isinstance(outputs, list) else [outputs]

    def written_out(self, values, stop=None):
        """Return, for each output, the list of its steps; `values` are arrays or variables."""
        sequences, initial, others = self.split(values)
        rest = iter(initial)
        done = []
        for taps in self.states:
            start = next(rest) if taps else None
            done.append([start[k] for k in range(-min(taps))] if taps else [])
        before = [len(d) for d in done]
        for i in range(self.STEPS):
            arguments = []
            for s, taps in zip(sequences, self.sequences, strict=True):
                # The first and the last entry that all taps together reach
                here = self.STEPS + 3 - max(0, *taps) - i if self.backwards else i - min(0, *taps)
                arguments += [s[here + tap] for tap in taps]
            for d, taps in zip(done, self.states, strict=True):
                arguments += [d[len(d) + tap] for tap in taps]
            results = self.step(*arguments, *others)
            for d, value in zip(done, results, strict=True):
                d.append(value)
            if stop is not None and results[0].sum() > stop:
                break
        return [d[n:] for d, n in zip(done, before, strict=True)]


def stacked(steps, shape, dtype):
    return np.array(steps, dtype).reshape(len(steps), *shape)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("dtype", ["int8", "int64", "float64"])
def test_random_programs(seed, dtype):
    program = Program(seed, dtype)
    variables = program.variables()
    outputs = program.scan(variables)
    # Of one that only these read, scan keeps no more steps than they need.
    parts = [slice(None), slice(-1, None), slice(-2, None), slice(1, None, 2)]
    chosen = [parts[(seed + k) % 4] for k in range(len(outputs))]
    f = compiled(variables, [o[part] for o, part in zip(outputs, chosen, strict=True)])
    with np.errstate(over="ignore"):
        want = program.written_out(program.values)
    first, second = f(*program.values), f(*program.values)
    for got in first, second:  # the second call has memory of the first at hand
        for value, steps, part in zip(got, want, chosen, strict=True):
            assert value.dtype == dtype
            expected = stacked(steps, program.shape, dtype)[part]
            if dtype == "float64":
                np.testing.assert_allclose(value, expected, 1e-12, 1e-12)
            else:
                np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("seed", range(6))
def test_until(seed):
    program = Program(seed + 100, "int64")
    variables, stop = program.variables(), T.lscalar()
    outputs = program.scan(variables, stop)
    f = compiled([*variables, stop], outputs + [o[-1] for o in outputs])
    for limit in -(10**6), 0, 10, 10**9:
        want = program.written_out(program.values, limit)
        got = f(*program.values, limit)
        for value, last, steps in zip(got[: len(want)], got[len(want) :], want, strict=True):
            np.testing.assert_array_equal(value, stacked(steps, program.shape, "int64"))
            np.testing.assert_array_equal(last, steps[-1])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint16", "int64"])
def test_until_with_a_number_of_steps_of_any_type(dtype):
    n = T.TensorType(dtype, ())("n")
    counts, _ = loop(
        lambda k: (k + 1, until(T.ge(k, 3))), outputs_info=T.constant(np.int64(0)), n_steps=n
    )
    f = compiled([n], counts)
    assert f(100).tolist() == [1, 2, 3, 4]
    assert f(2).tolist() == [1, 2]


@pytest.mark.parametrize("seed", [1, 3, *(long(seed) for seed in (0, 2, 4, 5))])
def test_gradients(seed):
    program = Program(seed + 200, "float64")
    variables = program.variables()
    cost = sum((o**2).sum() + o[-1].sum() for o in program.scan(variables))
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
        np.testing.assert_allclose(a, b, 1e-9, 1e-9)


class TestRecurrence:
    """h[t] = tanh(x[t] + w h[t-1]), as recurrent nets have it."""

    STEPS, UNITS = 6, 3
    X = np.random.RandomState(1).normal(size=(STEPS, UNITS))
    W = 0.5 * np.random.RandomState(2).normal(size=(UNITS, UNITS))

    def scan(self, x, w, **more):
        h, _ = loop(
            lambda x_t, h, w: T.tanh(x_t + T.dot(h, w)),
            sequences=x, outputs_info=T.zeros((self.UNITS,), "float64"), non_sequences=w, **more,
        )  # fmt: skip
        return h

    def written_out(self, x, w, cut=None):
        h, steps = T.zeros((self.UNITS,), "float64"), []
        for t in range(self.STEPS):
            if t == cut:
                h = theano.gradient.disconnected_grad(h)
            h = T.tanh(x[t] + T.dot(h, w))
            steps.append(h)
        return steps

    def same(self, ours, theirs, *variables):
        values = {"x": self.X, "w": self.W}
        given = [values[v.name] for v in variables]
        got, want = (
            compiled(variables, ours)(*given),
            compiled(variables, theirs, WRITTEN_OUT)(*given),
        )
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, 1e-6, 1e-8)  # floatX is float32

    @pytest.mark.long
    def test_second_derivatives(self):
        x, w = T.dmatrix("x"), T.dmatrix("w")
        results = []
        for last in self.scan(x, w)[-1], self.written_out(x, w)[-1]:
            g = T.grad((last**2).sum(), w)
            results.append([T.Rop(last, w, T.ones_like(w)), T.grad((g**2).sum(), w)])
        self.same(*results, x, w)

    @pytest.mark.long
    def test_hessian(self):
        x, w = T.dmatrix("x"), T.dmatrix("w")
        v = x.flatten()
        results = []
        for build in self.scan, self.written_out:
            last = build(v.reshape((self.STEPS, self.UNITS)), w)[-1]
            g = T.grad((last**2).sum(), v)
            results.append(T.stack([T.grad(g[k], v) for k in range(4)]))
        hessian = theano.gradient.hessian(
            (self.scan(v.reshape((self.STEPS, self.UNITS)), w)[-1] ** 2).sum(), v
        )
        self.same([results[0], hessian[:4]], [results[1], results[1]], x, w)

    @pytest.mark.parametrize("steps", [1, 2, long(5), long(6)])
    def test_truncated_gradients(self, steps):
        x, w = T.dmatrix("x"), T.dmatrix("w")
        last = self.scan(x, w, truncate_gradient=steps)[-1]
        written = self.written_out(x, w, cut=self.STEPS - steps)[-1]
        ours, theirs = (T.grad((h**2).sum(), [x, w]) for h in (last, written))
        self.same(ours, theirs, x, w)

    def test_copies_and_pickles_of_a_function(self):
        x, w = T.dmatrix("x"), theano.shared(self.W, "w")
        f = theano.function([x], [self.scan(x, w)[-1]], updates=[(w, 0.9 * w)], mode="FAST_COMPILE")
        others = [copy.deepcopy(f), pickle.loads(pickle.dumps(f))]
        results = [[g(self.X)[0] for _ in range(2)] for g in (f, *others)]
        for other in results[1:]:
            np.testing.assert_array_equal(results[0], other)

    def test_profile(self):
        x, w = T.dmatrix("x"), T.dmatrix("w")
        h = self.scan(x, w, profile=True)
        f = compiled([x, w], h)
        f(self.X, self.W)
        (node,) = [n for n in f.maker.fgraph.apply_nodes if isinstance(n.op, scan_op.Scan)]
        profile = node.op.fn.maker.profile
        assert (profile.callcount, profile.nbsteps) == (1, self.STEPS)
        assert profile.call_time >= profile.vm_call_time > 0


def test_it_is_this_loop_that_runs(monkeypatch):
    called = []
    perform = scan_loop.perform
    module = __import__("theano.scan_module.scan_perform_ext", fromlist=["perform"])
    monkeypatch.setattr(module, "perform", lambda *a: called.append(a) or perform(*a))
    total, _ = loop(lambda a, b: a + b, outputs_info=T.constant(1.0), sequences=T.arange(4.0))
    assert compiled([], total)().tolist() == [1, 2, 4, 7]
    assert len(called) == 1


@pytest.mark.parametrize("streams", [RandomStreams, MRG_RandomStreams])
def test_random_streams(streams):
    within, alone = streams(42), streams(42)
    draws, updates = loop(lambda: within.normal((2,)), n_steps=4)
    f = compiled([], draws, updates=updates)
    one = compiled([], alone.normal((2,)))
    got = [f(), f()]
    np.testing.assert_array_equal(np.concatenate(got), [one() for _ in range(8)])


def test_shared_variables_that_a_step_updates():
    count, w = theano.shared(np.int64(3)), theano.shared(2.0)
    values, updates = loop(lambda x: (x * count * w, {count: count + 1}), sequences=T.arange(4))
    f = compiled([], values, updates=updates)
    assert f().tolist() == [0, 8, 20, 36]
    assert count.get_value() == 7
    assert f().tolist() == [0, 16, 36, 60]


def test_scans_in_scans():
    x = T.dmatrix("x")
    rows, _ = loop(
        lambda row: loop(lambda a, s: s + a, row, outputs_info=T.zeros((), "float64"))[0],
        sequences=x,
    )
    values = np.random.RandomState(0).normal(size=(3, 4))
    got, gradient = compiled([x], [rows, T.grad((rows[:, -1] ** 2).sum(), x)])(values)
    np.testing.assert_allclose(got, np.cumsum(values, 1), 1e-12)
    np.testing.assert_allclose(
        gradient, np.broadcast_to(2 * values.sum(1, keepdims=True), (3, 4)), 1e-12
    )


def test_views_of_scan():
    x = T.lvector("x")
    squares, _ = theano.map(lambda a: a * a, x, mode=PLAIN)
    total, _ = theano.reduce(lambda a, s: s + a, x, T.constant(np.int64(0)), mode=PLAIN)
    left, _ = theano.foldl(lambda a, s: 2 * s - a, x, T.constant(np.int64(1)), mode=PLAIN)
    right, _ = theano.foldr(lambda a, s: 2 * s - a, x, T.constant(np.int64(1)), mode=PLAIN)
    got = compiled([x], [squares, total, left, right])([3, 1, 4])
    assert [a.tolist() for a in got] == [[9, 1, 16], 8, -10, -13]


class TestErrors:
    def steps(self):
        n, x = T.lscalar("n"), T.dvector("x")
        total, _ = loop(
            lambda a, s: s + a, sequences=x, outputs_info=T.zeros((), "float64"), n_steps=n
        )
        return compiled([x, n], total)

    def test_none(self):
        with pytest.raises(NotImplementedError, match="0 iteration"):
            self.steps()([1.0], 0)

    def test_a_negative_number(self):
        with pytest.raises(IndexError, match="negative number of step -2"):
            self.steps()([1.0], -2)

    def test_a_sequence_that_is_too_short(self):
        with pytest.raises(ValueError, match="shorter than the required number"):
            self.steps()([1.0], 2)

    def test_an_output_that_changes_its_shape(self):
        sizes, _ = loop(lambda n: T.zeros((n,)), sequences=T.arange(1, 4))
        with pytest.raises(ValueError, match="has changed shape"):
            compiled([], sizes)()

    @pytest.mark.parametrize("linker", ["cvm", "vm"])
    def test_the_node_within_is_named(self, linker):
        x = T.dmatrix("x")
        mode = theano.Mode(linker, None)
        dots, _ = theano.scan(lambda a: T.dot(a, T.zeros((5,))), sequences=x, mode=mode)
        with pytest.raises(ValueError, match=r"(?s)Apply node that caused the error: dot.*scan_fn"):
            compiled([x], dots)(np.ones((2, 3)))

"""What the loop forward keeps for its gradient: Lasagne's recurrent layers, and other scans."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import functools
import pickle

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne.layers import GRULayer, InputLayer, LSTMLayer, RecurrentLayer, get_output
from theano.gof import FunctionGraph, MergeOptimizer, graph
from theano.scan_module.scan_op import Scan
from theano.tensor import blas

from tests.theano_today.compat.theano.test_scan_loop import PLAIN, WRITTEN_OUT, compiled, long
from tests.theano_today.engine.scan.test_loop import ORDINARY, runs, scans_as_compiled
from theano_today.engine import library
from theano_today.engine.scan import keep

pytestmark = pytest.mark.skipif(library.kernels() is None, reason="needs the kernels")
__all__ = ["runs", "scans_as_compiled"]  # fixtures

WITHOUT = PLAIN.excluding(keep.NAME)


def scans(f) -> list:
    return [node for node in f.maker.fgraph.toposort() if isinstance(node.op, Scan)]


def products(scan) -> int:
    """Return how many products a scan's steps have."""
    kinds = blas.Gemm, blas.Dot22, blas.Dot22Scalar, T.Dot
    return sum(isinstance(node.op, kinds) for node in scan.op.fn.maker.fgraph.toposort())


LAYERS = {
    "lstm": (LSTMLayer, {}),
    "lstm, every option": (
        LSTMLayer,
        {"backwards": True, "learn_init": True, "grad_clipping": 0.01, "mask": True},
    ),
    "lstm without peepholes, truncated": (
        LSTMLayer,
        {"peepholes": False, "gradient_steps": 2, "precompute_input": False},
    ),
    "gru": (GRULayer, {}),
    "gru, every option": (
        GRULayer,
        {"backwards": True, "learn_init": True, "grad_clipping": 0.01, "mask": True},
    ),
    "recurrent": (RecurrentLayer, {"mask": True, "grad_clipping": 0.01}),
    "recurrent, tanh": (RecurrentLayer, {"nonlinearity": T.tanh}),
}
QUICK = "lstm, every option", "recurrent"


class Layer:
    """A recurrent layer with all gradients, as a scan or step by step."""

    def __init__(self, name, rows=19, steps=3, units=5, **more):
        self.cls, options = LAYERS[name]
        self.options = options | more
        self.masked = self.options.pop("mask", False)
        self.truncated = "gradient_steps" in self.options
        self.steps, self.units = steps, units
        random = np.random.RandomState(1)
        self.values = [
            random.normal(size=(rows, steps, 3)).astype("float32"),
            (random.rand(rows, steps) > 0.3).astype("float32"),
            random.normal(size=(rows, steps, units)).astype("float32"),
        ]
        self.variables = [T.ftensor3("x"), T.fmatrix("mask"), T.ftensor3("weights")]

    def outputs(self, **more):
        lasagne.random.set_rng(np.random.RandomState(7))
        x, mask, weights = self.variables
        incoming = InputLayer((None, self.steps, 3), x)
        given = {"mask_input": InputLayer((None, self.steps), mask)} if self.masked else {}
        layer = self.cls(incoming, self.units, **given, **self.options, **more)
        out = get_output(layer)
        cost = ((out**2) * (weights if out.ndim == 3 else weights[:, 0])).sum()
        params = layer.get_params(trainable=True)
        return [out, *T.grad(cost, [x, *params])]

    def function(self, mode, **more):
        return compiled(self.variables, self.outputs(**more), mode)


@functools.cache
def lstm(**more):
    layer = Layer("lstm", **more)
    return layer.function(PLAIN), layer.values


@pytest.mark.parametrize("name", [n if n in QUICK else long(n) for n in LAYERS])
def test_layers(name, runs):
    layer = Layer(name)
    ours = layer.function(PLAIN)
    got = ours(*layer.values)
    assert len(runs) == 2
    forward, backwards = scans(ours)
    assert products(forward) == (1 if layer.options.get("precompute_input", True) else 2)
    assert products(backwards) == products(forward)
    if layer.truncated:  # unrolled, the whole gradient is computed
        want = layer.function(WITHOUT)(*layer.values)
    else:
        want = layer.function(WRITTEN_OUT, unroll_scan=True)(*layer.values)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, 2e-5, 2e-5)


@pytest.mark.parametrize("shape", [(1, 1, 1), long((33, 2, 17)), long((0, 3, 2))])
def test_shapes(shape):
    layer = Layer("gru", *shape)
    got = layer.function(PLAIN)(*layer.values)
    want = layer.function(WRITTEN_OUT, unroll_scan=True)(*layer.values)
    for a, b in zip(got, want, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, 2e-5, 2e-5)


@pytest.mark.long
def test_nan_and_infinity_go_where_they_do_in_stock():
    ours, (x, *others) = lstm()
    functions = ours, Layer("lstm").function(WRITTEN_OUT, unroll_scan=True)
    for value in np.nan, np.inf, -np.inf:
        x = x.copy()
        x[2, 1, 0] = value
        a, b = (f(x, *others) for f in functions)
        for got, want in zip(a, b, strict=True):
            np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
            np.testing.assert_allclose(got, want, 2e-5, 2e-5)


def test_the_same_bits_on_any_number_of_threads():
    f, values = lstm()
    values = [np.tile(v, (4,) + (1,) * (v.ndim - 1)) for v in values]
    kernels = library.kernels()
    results = []
    for threads in 1, 2, 3, 5:
        kernels.today_set_threads(threads)
        results.append(f(*values))
    kernels.today_set_threads(library.threads())
    for others in results[1:]:
        for a, b in zip(results[0], others, strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_is_kept_has_the_order_of_the_graph():
    # DebugMode compiles a graph ten times, and refuses scans that differ.
    outputs = Layer("gru").outputs()
    given = [v for v in graph.inputs(outputs) if not isinstance(v, graph.Constant)]
    found = []
    for _ in range(4):
        fgraph = FunctionGraph(given, outputs, clone=True)
        for optimizer in MergeOptimizer(), keep.KeepForGradient():
            optimizer.optimize(fgraph)
        found.append([node.op for node in fgraph.toposort() if isinstance(node.op, Scan)])
    first, *others = found
    assert len(first[0].outputs) > 2
    assert others == [first] * 3


def test_copies_and_pickles():
    curved = Curved()
    gradients = T.grad((curved.results[0] ** 2).sum(), curved.variables)
    f = compiled(curved.variables, gradients)
    want = f(*curved.values)
    for other in copy.deepcopy(f), pickle.loads(pickle.dumps(f)):
        for a, b in zip(other(*curved.values), want, strict=True):
            np.testing.assert_array_equal(a, b)


class Curved:
    """h[t] = tanh(x[t] + h[t-1] u) * sigmoid(h[t-1] u) + r[t], with an output r of each step."""

    STEPS = 4

    def __init__(self, **more):
        random = np.random.RandomState(2)
        shapes = (self.STEPS, 6, 3), (6, 3), (3, 3)
        self.values = [random.normal(size=s).astype("float64") for s in shapes]
        self.variables = x, h, u = T.dtensor3(), T.dmatrix(), T.dmatrix()
        self.results, _ = theano.scan(
            self.step, sequences=x, outputs_info=[h, None], non_sequences=[u], mode=ORDINARY, **more
        )
        written: list = [[], []]
        for t in range(self.STEPS):
            h, r = self.step(x[t], h, u)
            written[0].append(h)
            written[1].append(r)
        self.written = [T.stack(v) for v in written]

    @staticmethod
    def step(x, h, u):
        product = T.dot(h, u)
        r = T.exp(-T.sqr(product))
        return T.tanh(x + product) * T.nnet.sigmoid(product) + r, r

    def compare(self, function):
        got, want = (
            compiled(self.variables, function(*results), mode)(*self.values)
            for results, mode in ((self.results, PLAIN), (self.written, WRITTEN_OUT))
        )
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, 1e-6, 1e-6)


def test_gradients_of_two_costs(runs):
    curved = Curved()
    curved.compare(
        lambda h, r: [
            *T.grad((h**2).sum() + r[1].sum(), curved.variables),
            *T.grad(T.exp(r).sum(), curved.variables),
            h[-1],
        ]
    )
    assert len(runs) == 3


@pytest.mark.long
def test_second_derivatives():
    """They are Theano's, which differ from the truth here, in 2020 as well."""
    curved = Curved()
    first = T.grad((curved.results[0] ** 3).sum(), curved.variables)
    second = T.grad(sum((g**2).sum() for g in first), curved.variables)
    got, want = (
        compiled(curved.variables, second, mode)(*curved.values) for mode in (PLAIN, WITHOUT)
    )
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, 1e-9, 1e-9)


def test_r_op():
    curved = Curved()
    curved.compare(lambda h, r: [T.Rop(h, curved.variables[2], curved.variables[2] * 2)])


def test_other_scans_are_left_alone():
    x, h, u = T.dtensor3(), T.dmatrix(), T.dmatrix()
    initial = {"initial": T.stack([h, h + 1]), "taps": [-2]}
    states, _ = theano.scan(lambda x, h, u: T.tanh(x + T.dot(h, u)), x, initial, [u], mode=ORDINARY)
    written = [h, h + 1]
    for t in range(3):
        written.append(T.tanh(x[t] + T.dot(written[t], u)))
    shapes = (3, 6, 3), (6, 3), (3, 3)
    values = [np.random.RandomState(k).normal(size=s) for k, s in enumerate(shapes)]
    got, want = (
        compiled([x, h, u], T.grad((s**2).sum(), [x, h, u]), mode)(*values)
        for s, mode in ((states, PLAIN), (T.stack(written[2:]), WRITTEN_OUT))
    )
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, 1e-6, 1e-6)


def test_it_can_be_excluded():
    curved = Curved()
    gradient = T.grad(curved.results[0].sum(), curved.variables)
    for mode, n in (PLAIN, 1), (WITHOUT, 3):
        _, backwards = scans(compiled(curved.variables, gradient, mode))
        assert products(backwards) == n

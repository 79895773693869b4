"""How functions are called, copied and shared, by the engine and by stock Ops.

Each of three graphs: convolutions with pools, dense layers, and elementwise formulas. The
reference is engine=stock on the Ops' own Python code, and nothing else than a plain call of it.
"""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import copy
import functools
import pickle
import threading

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers
from theano import In, Out
from theano.configparser import change_flags

from tests.theano_graphs import count, engine

GRAPHS = ["convolutions", "dense", "elementwise"]
PYTHON = theano.Mode("py", "fast_compile").excluding("cxx_only")


def convolutions():
    x = T.tensor4("x")
    last = layers.InputLayer((None, 2, 12, 11), x)
    for filters in (4, 8):
        last = layers.MaxPool2DLayer(layers.Conv2DLayer(last, filters, (2, 2)), (2, 2))
    return x, layers.DenseLayer(last, 3, nonlinearity=None)


def dense():
    x = T.matrix("x")
    last = layers.DenseLayer(layers.InputLayer((None, 7), x), 9, nonlinearity=T.tanh)
    return x, layers.DenseLayer(last, 3, nonlinearity=T.nnet.softmax)


def elementwise():
    x = T.tensor3("x")

    class Formula(layers.Layer):
        def __init__(self, incoming):
            super().__init__(incoming)
            self.w = self.add_param(lasagne.init.Uniform(), (5,), name="w")

        def get_output_for(self, input, **more):
            scaled = input * self.w.dimshuffle("x", "x", 0)
            return T.switch(scaled > 0, T.tanh(scaled), abs(scaled) / 3) + input.sum(
                axis=1, keepdims=True
            )

    return x, Formula(layers.InputLayer((None, 4, 5), x))


SHAPES = {"convolutions": (6, 2, 12, 11), "dense": (6, 7), "elementwise": (6, 4, 5)}


def value(name, seed=0):
    return np.random.RandomState(seed).uniform(-1, 1, SHAPES[name]).astype(np.float32)


def compiled(name, how="fused", *, borrow=False, updates=True, mutable=False, **more):
    """The function x -> output, loss and gradients, which also takes a step of momentum."""
    lasagne.random.set_rng(np.random.RandomState(3))
    x, last = globals()[name]()
    output = layers.get_output(last)
    loss = T.sqr(output - 0.5).mean()
    params = layers.get_all_params(last)
    outputs = [output, loss, *T.grad(loss, params)]
    if borrow:
        outputs = [Out(o, borrow=True) for o in outputs]
    steps = lasagne.updates.nesterov_momentum(loss, params, 0.1) if updates else None
    compiler = theano.config.cxx
    if how == "stock":
        more["mode"], compiler = PYTHON, ""
    with engine(how), change_flags(cxx=compiler):
        return theano.function(
            [In(x, borrow=True, mutable=mutable)], outputs, updates=steps, **more
        )


@functools.cache
def reference(name, calls=2, seeds=(0, 0)):
    """What stock Theano gives, call by call."""
    function = compiled(name, "stock")
    return [[np.array(a) for a in function(value(name, seeds[i]))] for i in range(calls)]


def assert_same(found, want):
    for got, expected in zip(found, want, strict=True):
        assert type(got) is np.ndarray
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        scale = float(abs(expected).max(initial=1e-9))
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-5 * scale)


@pytest.fixture(params=GRAPHS)
def name(request):
    return request.param


def test_the_engine_is_asked():
    assert count(compiled("convolutions"), "ConvPool", "ConvPoolGrad") == 4
    assert count(compiled("dense"), "Momentum") == 4


LAYOUTS = {
    "memmap": None,  # below
    "big-endian": lambda a: a.astype(">f4"),
    "read-only": lambda a: _read_only(a.copy()),
    "Fortran": np.asfortranarray,
    "backwards": lambda a: a[tuple([slice(None, None, -1)] * a.ndim)].copy()[
        tuple([slice(None, None, -1)] * a.ndim)
    ],
    "every other": lambda a: np.repeat(np.repeat(a, 2, 0), 3, -1)[::2, ..., ::3],
    "float16": lambda a: a.astype(np.float16),
    "subclass": lambda a: a.view(Mine),
}


class Mine(np.ndarray):
    """Somebody's own kind of array."""


def _read_only(a):
    a.flags.writeable = False
    return a


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(name, layout, tmp_path, functions):
    given = value(name)
    want = reference(name)[0]
    if layout == "memmap":
        laid_out = np.memmap(tmp_path / "x", np.float32, "w+", shape=given.shape)
        laid_out[...] = given
    else:
        laid_out = LAYOUTS[layout](given)
    if layout == "float16":
        given = laid_out.astype(np.float32)
        want = functions[name, "stock"](given)
    before = laid_out.tobytes()
    assert_same(functions[name, "fused"](laid_out), want)
    assert laid_out.tobytes() == before
    # Unchecked: native byte order, the right dtype, any strides.
    if layout not in ("big-endian", "float16", "subclass"):
        trusting = copy.copy(functions[name, "fused"])
        trusting.trust_input = True
        try:
            assert_same(trusting(laid_out), want)
        finally:
            trusting.trust_input = False


@pytest.fixture(scope="module")
def functions():
    """Without updates: the same at each call."""
    return {
        (name, how): compiled(name, how, updates=False)
        for name in GRAPHS for how in ("fused", "stock")
    }  # fmt: skip


def test_unaligned_arrays_are_refused(name, functions):
    given = value(name)
    there = np.zeros(given.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(given.shape)
    there[...] = given
    for how in ("fused", "stock"):
        with pytest.raises(TypeError, match="aligned"):
            functions[name, how](there)


def test_repeated_elements(name, functions):
    """np.broadcast_to's: all images are one, in the same memory."""
    given = np.broadcast_to(value(name)[:1], SHAPES[name])
    assert_same(functions[name, "fused"](given), functions[name, "stock"](given.copy()))


def test_no_rows(name, functions):
    given = value(name)[:0]
    if name == "convolutions":  # flatten(2) asks for (0, -1)
        for how in ("fused", "stock"):
            with pytest.raises(ValueError, match=r"(?i)cannot reshape"):
                functions[name, how](given)
        return
    found, want = functions[name, "fused"](given), functions[name, "stock"](given)
    for got, expected in zip(found, want, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_without_garbage_collection(name):
    """Intermediate results are kept from call to call, and are nobody's result."""
    with change_flags(allow_gc=False):
        function = compiled(name)
    first = function(value(name))
    kept = [a.copy() for a in first]
    second = function(value(name))
    assert_same(second, reference(name)[1])
    for a, b in zip(first, kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_fn_by_itself(name):
    """function.fn() computes from what the containers hold, as `for _ in range(n): f.fn()`."""
    function = compiled(name)
    function(value(name))
    function.input_storage[0].storage[0] = value(name)
    function.fn()
    found = [np.array(container.storage[0]) for container in function.output_storage]
    assert_same(found[: len(reference(name)[1])], reference(name)[1])


def test_borrowed_results(name):
    """Documented: right when they are returned; a later call may write to the same memory."""
    function = compiled(name, borrow=True)
    found = function(value(name))
    assert_same([np.array(a) for a in found], reference(name)[0])
    assert_same([np.array(a) for a in function(value(name))], reference(name)[1])


def test_results_are_nobody_elses(name):
    function = compiled(name)
    given = value(name)
    results = function(given)
    shared = [v.get_value(borrow=True) for v in function.get_shared()]
    for i, result in enumerate(results):
        others = [*shared, given, *results[:i], *results[i + 1 :]]
        assert not any(np.shares_memory(result, other) for other in others)
        result[...] = 7
    assert_same(function(given), reference(name)[1])


def test_inputs_that_may_be_overwritten(name):
    """In(mutable=True): whatever becomes of the argument, the results are right."""
    function = compiled(name, mutable=True)
    assert_same(function(value(name)), reference(name)[0])
    assert_same(function(value(name)), reference(name)[1])


COPIES = {
    "copy": lambda f: f.copy(),
    "copy sharing memory": lambda f: f.copy(share_memory=True),
    "copy.copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda f: pickle.loads(pickle.dumps(f)),
}


@pytest.mark.parametrize("how", COPIES)
def test_copies(name, how):
    """Function.copy shares the shared variables, deepcopy and pickle take them along."""
    function = compiled(name)
    assert_same(function(value(name)), reference(name)[0])
    again = COPIES[how](function)
    assert_same(again(value(name)), reference(name)[1])
    third = function(value(name))
    if how in ("deepcopy", "pickle"):
        assert_same(third, reference(name)[1])
    else:
        assert third[1] != reference(name)[1][1]  # the loss of the third step
        assert_same(third, _third(name))


@functools.cache
def _third(name):
    return reference(name, 3, (0, 0, 0))[2]


def test_a_copy_with_other_shared_variables(name):
    function = compiled(name)
    others = {v: theano.shared(v.get_value(), v.name, broadcastable=v.broadcastable)
              for v in function.get_shared()}  # fmt: skip
    again = function.copy(swap=others)
    assert_same(again(value(name)), reference(name)[0])
    assert_same(function(value(name)), reference(name)[0])
    for mine, other in others.items():
        np.testing.assert_array_equal(mine.get_value(), other.get_value())


def test_a_copy_without_updates(name):
    function = compiled(name)
    again = function.copy(delete_updates=True)
    for _ in range(2):
        assert_same(again(value(name)), reference(name)[0])
    assert_same(function(value(name)), reference(name)[0])


def test_functions_in_threads(name):
    """Two functions of variables of their own, each in a thread: as one after the other."""
    functions = [compiled(name), compiled(name)]
    seeds = [(0, 0), (1, 1)]
    found, failed = [None, None], []

    def calls(i):
        try:
            start.wait()
            found[i] = [functions[i](value(name, seed)) for seed in seeds[i]]
        except BaseException as error:
            failed.append(error)

    start = threading.Barrier(2)
    threads = [threading.Thread(target=calls, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    for i in range(2):
        for got, want in zip(found[i], reference(name, 2, seeds[i]), strict=True):
            assert_same(got, want)

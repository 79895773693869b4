"""Which thunk runs a node."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.fresh_python import says
from tests.theano_graphs import count, engine, fused, stock
from theano_today.engine import dispatch, library


def test_on_by_default_and_off_by_a_flag():
    assert theano.config.engine == "fused"
    assert dispatch.is_on()
    with engine("stock"):
        assert not dispatch.is_on()
    assert says("import theano_today, theano; print(theano.config.engine)") == "fused\n"


def test_off_where_there_are_no_kernels(monkeypatch):
    monkeypatch.setattr(library, "kernels", lambda: None)
    assert not dispatch.is_on()
    x = T.matrix()
    assert fused([x], x * 2)(np.ones((2, 2), np.float32)).tolist() == [[2, 2], [2, 2]]


def test_a_net_needs_no_compiled_module(tmp_path):
    """What the 30 seconds of a first start went into. The kernels are there already."""
    code = """
import theano_today, numpy as np, theano, theano.tensor as T, lasagne
from lasagne import layers
from pathlib import Path
net = layers.InputLayer((None, 1, 12, 12))
net = layers.MaxPool2DLayer(layers.Conv2DLayer(net, 3, (3, 3)), (2, 2))
net = layers.DenseLayer(layers.DenseLayer(net, 7), 4, nonlinearity=None)
x, y = layers.get_all_layers(net)[0].input_var, T.matrix()
loss = T.mean((layers.get_output(net) - y) ** 2)
updates = lasagne.updates.nesterov_momentum(loss, layers.get_all_params(net), 0.1, 0.9)
before = len(list(Path(theano.config.compiledir).glob('tmp*')))
train = theano.function([x, y], loss, updates=updates)
predict = theano.function([x], layers.get_output(net))
print(train(np.ones((2, 1, 12, 12), 'f'), np.ones((2, 4), 'f')) > 0, predict.n_returned_outputs)
print(len(list(Path(theano.config.compiledir).glob('tmp*'))) - before)
"""
    flags = f"base_compiledir={theano.config.base_compiledir},compiledir={tmp_path}"
    assert says(code, THEANO_FLAGS=flags).split() == ["True", "1", "0"]


def test_views_and_shapes_in_python():
    x = T.tensor3()
    outputs = [
        x.dimshuffle(1, 0, "x", 2), x.sum(axis=1), x.sum(), x.reshape((-1, 2)), x[1:, ::-1],
        T.join(0, x, x), T.alloc(x[0, 0, 0], 2, x.shape[0]), T.stack([x.shape[0], x.shape[1]]),
        x.shape, T.addbroadcast(x[:1], 0), x.mean(axis=(0, 2)),
    ]  # fmt: skip
    ours, theirs = fused([x], outputs), stock([x], outputs)
    for value in (np.arange(24, dtype=np.float32).reshape(2, 3, 4),
                  np.arange(24, dtype=np.float32).reshape(4, 3, 2).T):  # fmt: skip
        for got, want in zip(ours(value), theirs(value), strict=True):
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want)


def test_outputs_do_not_share_memory_with_inputs_or_parameters():
    w = theano.shared(np.ones((3, 3), np.float32))
    x = T.matrix()
    function = fused([x], [x, x.T, w, w.T, w[0], T.cast(x, "float32"), x.reshape((9,))])
    value = np.ones((3, 3), np.float32)
    outputs = function(value)
    for output in outputs:
        output[...] = 5
    assert (value == 1).all()
    assert (w.get_value() == 1).all()


def test_an_error_names_the_node():
    """As Theano does: the Op, the inputs' shapes."""
    x, y = T.matrix(), T.matrix()
    function = fused([x, y], T.dot(x, y))
    with pytest.raises(ValueError, match=r"Apply node that caused the error: .*Dot22") as caught:
        function(np.ones((2, 3), np.float32), np.ones((4, 5), np.float32))
    assert "Inputs shapes: [(2, 3), (4, 5)]" in str(caught.value)


def test_lazy_branches_run_only_what_is_wanted():
    from theano.ifelse import ifelse

    x, c = T.matrix(), T.scalar()
    function = fused([x, c], ifelse(T.gt(c, 0), T.dot(x, x), x * 2))
    value = np.ones((2, 2), np.float32)
    assert function(value, np.float32(1)).tolist() == [[2, 2], [2, 2]]
    wrong = np.ones((2, 3), np.float32)  # no product, but nobody asked for it
    assert function(wrong, np.float32(-1)).tolist() == [[2, 2, 2]] * 2


def test_scan_and_its_gradient():
    x, w = T.matrix(), theano.shared(0.5 * np.eye(3, dtype=np.float32))
    states, _ = theano.scan(lambda row, h: T.tanh(T.dot(h, w) + row), x, T.zeros((3,), "float32"))
    outputs = [states, T.grad(T.sum(T.sqr(states)), w)]
    value = np.random.RandomState(0).normal(size=(5, 3)).astype(np.float32)
    # The reference in Python: it would be 37 modules of C.
    reference = theano.function([x], outputs, mode="FAST_COMPILE")
    for got, want in zip(fused([x], outputs)(value), reference(value), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_a_profile_can_be_made():
    x = T.matrix()
    function = fused([x], T.dot(x, x) + 1, profile=True)
    function(np.ones((2, 2), np.float32))
    assert function.profile.fct_callcount == 1
    assert count(function, "Dot22", "Gemm") == 1


def test_the_sign_of_zero():
    """A sum of -0 is 0, since C begins with 0; what is filled with -0 is filled with -0."""
    x, n = T.matrix(), T.lscalar()
    outputs = [x.sum(), x.sum(0), x.sum(1), T.alloc(x[0, 0], n, 2), T.alloc(x[0], n, 3)]
    function = fused([x, n], outputs)
    results = function(np.full((2, 3), -0.0, np.float32), 4)
    assert [bool(np.signbit(r).any()) for r in results] == [False] * 3 + [True] * 2
    assert all(np.signbit(r).all() for r in results[3:])
    assert [r.shape for r in results[3:]] == [(4, 2), (4, 3)]


@pytest.mark.parametrize("allow_gc", [True, False])
def test_parts_of_zeros(allow_gc):
    """As gradients of parts of arrays are: zeros that are only increased take no memory."""
    n, y, small = T.lscalar(), T.tensor3(), T.matrix()
    zeros = T.zeros((6, 4, 3))

    def increased(x, part, by):
        return T.inc_subtensor(x[part], by)

    index = np.index_exp
    cases = [
        (index[:], y, index[:]), (index[:n], y[:4], index[:4]), (index[n:], y[:2], index[4:]),
        (index[::-1], y, index[::-1]), (index[::2, :, 1:], y[:3, :, :2], index[::2, :, 1:]),
        (index[2], small, index[2]), (index[-1:9], y[:1], index[-1:9]),
        (index[5:2], y[:0], index[5:2]), (index[:], small, index[:]),
    ]  # fmt: skip
    outputs = [increased(zeros, part, by) for part, by, _ in cases]
    outputs += [T.set_subtensor(zeros[part], by) for part, by, _ in cases]
    once = increased(zeros, index[:n], y[:4])
    twice = [
        increased(T.zeros((6, 4, 3)), part, once) for part in (index[::-1], index[:], index[0:])
    ]
    mode = theano.compile.mode.get_mode("FAST_RUN")
    mode = mode.clone(link_kwargs={"allow_gc": allow_gc})
    function = theano.function([n, y, small], [*outputs, *twice], mode=mode)
    random = np.random.RandomState(0)
    big, flat = random.normal(size=(6, 4, 3)).astype("f"), random.normal(size=(4, 3)).astype("f")
    big[0] = -0.0
    for _ in range(2):
        got = function(4, big, flat)
        for k, (_, by, part) in enumerate(cases):
            value = np.zeros((6, 4, 3), "f")
            given = {y: big, small: flat}.get(by)
            if given is None:
                given = big[: value[part].shape[0], :, : value[part].shape[2]]
            for only_set in False, True:
                want = value.copy()
                want[part] = given if only_set else want[part] + given
                ours = got[k + len(cases) * only_set]
                np.testing.assert_array_equal(ours, want)
                np.testing.assert_array_equal(np.signbit(ours), np.signbit(want))
        first = np.concatenate([big[:4] + 0, np.zeros((2, 4, 3), "f")])
        for ours, want in zip(got[-3:], [first[::-1], first, first], strict=True):
            np.testing.assert_array_equal(ours, want)
        for ours in got:
            assert ours.flags.writeable
            ours[...] = 7


def test_alloc_of_a_negative_length():
    n = T.lscalar()
    function = fused([n], T.alloc(np.float32(3), n, 2))
    with pytest.raises(MemoryError, match=r"alloc failed: of shape \(-2, 2\)"):
        function(-2)
    assert function(0).shape == (0, 2)


def test_copies_keep_the_order():
    """Results in Fortran's order are in it, as from Theano's C code; all others are in C's."""
    x = T.matrix()
    function = fused([x], [x, x.T])
    value = np.ones((2, 3), np.float32)
    same, turned = function(value)
    assert same.flags.c_contiguous
    assert turned.flags.f_contiguous
    every_other = function(np.ones((2, 6), np.float32)[:, ::2])[0]
    assert every_other.flags.c_contiguous


@pytest.mark.parametrize(
    ("dtype", "build"),
    [
        ("float32", lambda x: T.exp(x)),
        ("float64", lambda x: T.exp(x)),
        ("float32", lambda x: x * 2 + 1),
        ("float64", lambda x: x * 2 + 1),
        ("float32", lambda x: T.dot(x, x)),
    ],
)
def test_what_trust_input_lets_through(dtype, build):
    """Theano's C code refuses it; exp of an int8 would be NumPy's, in float16."""
    x = T.TensorType(dtype, (False, False))("x")
    f = fused([x], build(x))
    f.trust_input = True
    right = np.ones((2, 2), dtype)
    f(right)
    for wrong in (2, 2.0, [[1.0]], None):
        with pytest.raises(ValueError, match="expected an ndarray"):
            f(wrong)
    other = "float64" if dtype == "float32" else "float32"
    for wrong in (right.astype(other), right.astype("int8"), right[0], np.ones((), dtype)):
        with pytest.raises(TypeError, match=f"expected {dtype} of 2 dimensions, got {wrong.dtype}"):
            f(wrong)
    np.testing.assert_array_equal(f(right), build(x).eval({x: right}))


class Twice(theano.Op):
    __props__ = ()

    def make_node(self, x):
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0] * 2


class TwiceInC(Twice):
    def c_code(self, node, name, inputs, outputs, sub):
        raise AssertionError("asked for C code")


def test_who_has_no_c_code_is_not_asked_for_it(monkeypatch):
    """Nor are the keys of all compiled modules read to find that out."""

    def module_cache():
        raise AssertionError("read")

    x = T.matrix()
    monkeypatch.setattr(theano.gof.cc, "get_module_cache", module_cache)
    assert fused([x], Twice()(x))([[1, 2]]).tolist() == [[2, 4]]
    with pytest.raises(AssertionError, match=r"read|asked for C code"):
        fused([x], TwiceInC()(x))
    asked = Twice()
    asked.c_code = TwiceInC().c_code  # an instance's own
    with pytest.raises(AssertionError, match=r"read|asked for C code"):
        fused([x], asked(x))

"""What Theano calls to run a node."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.gof import Apply, Op
from theano.tensor.signal.pool import pool_2d

from tests.theano_graphs import fused, names
from theano_today.engine.thunks import Latest, thunk_of


def pieces():
    x, y = T.scalar(), T.scalar()
    node = T.add(x, y).owner
    storage = {x: [2.0], y: [3.0], node.outputs[0]: [None]}
    return node, storage, [storage[v] for v in node.outputs], x


def test_the_latest_are_kept():
    latest = Latest()
    for k in range(40):
        assert latest.keep(k, str(k)) == str(k)
    assert list(latest.items()) == [(k, str(k)) for k in range(24, 40)]


def test_it_reads_writes_and_says_that_it_has():
    node, storage, outputs, x = pieces()
    computed = {v: [False] for v in node.outputs}
    thunk = thunk_of(lambda a, b: (a + b,), node, storage, computed)
    assert (thunk.inputs, thunk.outputs) == ([storage[v] for v in node.inputs], outputs)
    assert thunk.lazy is False
    thunk()
    assert outputs == [[5.0]]
    assert list(computed.values()) == [[True]]
    storage[x][0] = 10.0  # what is there when it is called
    thunk()
    assert outputs == [[13.0]]


def test_without_a_compute_map():
    """As Theano's PerformLinker calls make_thunk."""
    node, storage, outputs, _ = pieces()
    thunk_of(lambda a, b: (a * b,), node, storage, None)()
    assert outputs == [[6.0]]


def test_too_few_outputs_are_an_error():
    node, storage, _, _ = pieces()
    with pytest.raises(ValueError, match="shorter"):
        thunk_of(lambda a, b: (), node, storage, None)()


def unaligned(x):
    memory = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    memory[...] = x
    return memory


# What an Op's perform may return in place of float32 in memory of its own
KINDS = {
    "float64": lambda x: x.astype("float64"),
    "float16": lambda x: x.astype("float16"),
    "int64": lambda x: x.astype("int64"),
    "bool": lambda x: x > 2,
    "other byte order": lambda x: x.astype(">f4"),
    "unaligned": unaligned,
    "read-only": lambda x: np.broadcast_to(x[:1] if x.ndim else x, x.shape),
    "backwards": lambda x: x[::-1].copy()[::-1] if x.ndim else x.copy(),
    "Fortran": lambda x: x.copy("F"),
    "subclass": lambda x: x.copy().view(np.recarray),
    "number of NumPy's": lambda x: x.astype("float64")[()],
}


class Odd(Op):
    """x, as one of KINDS, which make_node says nothing of."""

    __props__ = ("kind",)

    def __init__(self, kind):
        self.kind = kind

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = KINDS[self.kind](inputs[0])


def graph(x, images, scale, w, b):
    """Outputs that are computed by the kernels from x, images and scale."""
    centred = images - images.mean((0, 2, 3), keepdims=True)
    filters = w[:4, :27].reshape((4, 3, 3, 3))
    z = T.nnet.conv2d(images, filters, filter_shape=(4, 3, 3, 3)) + b.dimshuffle("x", 0, "x", "x")
    return [
        x.sum(0), T.dot(x, w), x * 2, T.exp(x), x.T.sum(), x.dimshuffle(0, "x", 1)[::2].sum(2),
        T.join(0, x, x).sum(0),  # by Python, which hands on what it is given
        x * scale + 1, T.inc_subtensor(x[1:], w[0, 0]), T.nnet.sigmoid(x) ** 2,
        pool_2d(images, (3, 3), ignore_border=True), (centred**2).sum((0, 2, 3)),
        pool_2d(T.nnet.relu(z), (2, 2), ignore_border=True),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def plain():
    inputs = T.matrix(), T.tensor4(), T.scalar(), T.matrix(), T.vector()
    return fused(inputs, graph(*inputs))


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_op_of_the_users_returns(kind, plain):
    """Read as what had been promised, it made other numbers, or a crash."""
    rng = np.random.RandomState(0)
    given = [
        np.asarray(rng.randint(0, 5, shape), "float32")
        for shape in [(120, 70), (2, 3, 9, 9), (), (70, 30), (4,)]
    ]
    inputs = T.matrix(), T.tensor4(), T.scalar(), T.matrix(), T.vector()
    f = fused(inputs, graph(*(Odd(kind)(v) for v in inputs[:3]), *inputs[3:]))
    assert {"Sum", "Pool", "ConvPool", "Channelwise"} <= set(names(f))
    before = [x.copy() for x in given]
    converted = [np.array(KINDS[kind](x), "float32") for x in given[:3]]
    for got, want in zip(f(*given), plain(*converted, *given[3:]), strict=True):
        assert type(got) is np.ndarray
        assert got.dtype == want.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=1e-6)
    for x, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(x, copy)


def test_another_number_of_dimensions_is_refused():
    class Flat(Odd):
        def perform(self, node, inputs, outputs):
            outputs[0][0] = inputs[0].ravel()

    x = T.matrix()
    for output in (Flat("")(x).sum(), Flat("")(x) * 2):
        with pytest.raises(TypeError, match="expected 2 dimensions, got 1"):
            fused([x], output)(np.ones((3, 4), "float32"))


def test_what_must_not_be_written_to():
    """An argument that may be overwritten, but lies in memory that is read-only."""
    x = T.vector()
    f = theano.function([theano.In(x, mutable=True)], x * 2)
    assert f.maker.fgraph.toposort()[-1].op.inplace_pattern
    value = np.arange(5, dtype="float32")
    value.flags.writeable = False
    np.testing.assert_array_equal(f(value), [0, 2, 4, 6, 8])
    np.testing.assert_array_equal(value, np.arange(5))


@pytest.mark.parametrize("length", [1, 2, 40])
def test_an_axis_that_is_not_as_short_as_declared(length):
    x, y = T.row(), T.matrix()
    f = fused([x, y], [x + y, T.exp(x) * y])
    f.trust_input = True
    given = np.ones((length, 3), "float32"), np.ones((40, 3), "float32")
    if length == 1:
        f(*given)
    else:
        with pytest.raises(ValueError, match="on a broadcastable dimension"):
            f(*given)

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

from collections import OrderedDict

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.misc.frozendict import frozendict

from theano_today.kept_graphs import decoding
from theano_today.kept_graphs.decoding import Decoder
from theano_today.kept_graphs.encoding import Encoder, UnsupportedError, as_bytes

VALUES = [
    None, True, 3, 2**70, 0.1, -0.0, float("nan"), 1j, "text", "ü" * 500, b"bytes",
    (1, (2,), []), [1, [2]], {"b": 1, "a": [2]}, OrderedDict([(2, 1), (1, 2)]), {3, 1, 2},
    frozenset("abc"), slice(1, None, -1), np.float32(0.1), np.int64(3), np.bool_(True),
    np.dtype("float32"), np.float64, int, T.exp, theano.config.floatX, np.add,
    T.fmatrix, theano.tensor.opt.encompasses_broadcastable, T.TensorType, frozendict({1: 2}),
]  # fmt: skip


def written():
    """Return an encoder of what is to be put together again."""
    encoder = Encoder().fork()
    encoder.new_traces = True
    return encoder


def there_and_back(x):
    encoder = written()
    plain = encoder.plain(x)
    decoder = Decoder([], [], [], encoder.texts)
    decoder.add(encoder.records)
    return decoder.value(plain), as_bytes((plain, tuple(encoder.records), tuple(encoder.texts)))


@pytest.mark.parametrize("x", VALUES)
def test_values(x):
    found, written = there_and_back(x)
    assert type(found) is type(x)
    assert repr(found) == repr(x) or found == x
    assert there_and_back(found)[1] == written


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (0.0, -0.0), (1, True), (1, 1.0), (0, None), ((1,), [1]), ("1", b"1"), ({1: 2}, [(1, 2)]),
        (OrderedDict([(1, 2)]), {1: 2}), ({1}, frozenset({1})), (np.float32(1), 1.0),
        (np.float32(1), np.float64(1)), (0.1, np.nextafter(0.1, 1).item()),
        ((1, (2, 3)), (1, 2, 3)),
        (T.exp, T.log), (T.sum, T.mean), (T.fmatrix, T.dmatrix), (slice(1), slice(None, None, 1)),
        (T.Sum(axis=0), T.Sum(axis=1)), (np.zeros(3), np.zeros((1, 3))),
        (np.zeros(3), np.zeros(3, "float32")), (np.zeros(3), -np.zeros(3)),
        (np.zeros((2, 2)), np.zeros((2, 2), order="F")),
    ],
)  # fmt: skip
def test_values_that_differ(a, b):
    encoded = [as_bytes((e.plain(x), tuple(e.records))) for x in (a, b) for e in (Encoder(),)]
    assert encoded[0] != encoded[1]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (40, 50), (3, 1, 4)])
def test_arrays(order, shape):
    size = int(np.prod(shape))
    array = np.arange(size, dtype="float32").reshape(shape, order=order)
    if order == "F":
        array.flags.writeable = False
    encoder = written()
    plain = encoder.plain(array)
    decoder = Decoder([], [], [], [])
    decoder.arrays += [decoding.array(*record) for record in encoder.array_records]
    found = decoder.value(plain)
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.strides) == (array.dtype, array.strides)
    assert found.flags.writeable == array.flags.writeable


@pytest.mark.parametrize(
    "x",
    [
        object(), lambda: 1, np.array([None]), np.ma.zeros(3), type("Mine", (), {}),
        np.zeros((4, 4))[::2, ::2], pytest, type("Sub", (int,), {})(3),
        type("MyDict", (dict,), {})(), np.zeros(3, "U1"), np.array,
    ],
    ids=lambda x: type(x).__name__,
)  # fmt: skip
def test_what_is_not_supported(x):
    with pytest.raises((UnsupportedError, AttributeError)):
        written().plain([x])


def test_the_same_object_twice_is_not_two_that_are_equal():
    a, b = (T.Elemwise(theano.scalar.exp) for _ in range(2))
    encoders = Encoder(), Encoder()
    plain = [e.plain(ops) for e, ops in zip(encoders, ([a, a], [a, b]), strict=True)]
    assert as_bytes(plain[0]) != as_bytes(plain[1])
    # A type is a value.
    types = [T.TensorType("float32", (False,)) for _ in range(2)]
    encoder = Encoder()
    first, second = encoder.plain(types)[1:]
    assert first == second


def test_what_holds_itself():
    op = T.Elemwise(theano.scalar.exp)
    op.itself = op
    with pytest.raises(UnsupportedError, match="holds itself"):
        Encoder().plain(op)


def test_long_chain_of_an_inner_graph():
    x = y = theano.scalar.float32("x")
    for _ in range(5000):
        y = theano.scalar.tanh(y)
    encoder = Encoder()
    place = encoder.place(y)
    decoder = Decoder([], [], [], encoder.texts)
    decoder.traces = encoder.traces
    decoder.add(encoder.records)
    count = 0
    found = decoder.objects[place]
    while found.owner is not None:
        found, count = found.owner.inputs[0], count + 1
    assert count == 5000
    assert x.type == found.type

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.gof.type import generic
from theano.ifelse import IfElse
from theano.sandbox.rng_mrg import mrg_uniform
from theano.tensor.opt import MakeVector
from theano.tensor.raw_random import RandomFunction, random_state_type
from theano.tensor.signal.pool import Pool
from theano.tensor.sort import SortOp
from theano.tensor.type_other import NoneConst, SliceType, none_type_t

from theano_today.kept_graphs import decoding, encoding


def copied(x):
    """Return what is made of the records of an Op, a type or a variable."""
    encoder = encoding.Encoder().fork()
    encoder.new_traces = True
    place = encoder.place(x) if isinstance(x, theano.gof.Variable) else encoder.instance(x)
    arrays = [decoding.array(*record) for record in encoder.array_records]
    decoder = decoding.Decoder([], arrays, encoder.traces, encoder.texts)
    decoder.add(encoder.records)
    return decoder.objects[place]


OPS = [
    T.exp, T.inplace.exp_inplace, T.Sum(axis=1), T.Dot(), T.nnet.softmax_op, MakeVector("int64"),
    T.nnet.sigmoid, T.blas.gemm_inplace, T.Subtensor([slice(T.iscalar(), None)]),
    SortOp("quicksort"), T.DimShuffle((True, False), (1, "x")), T.Alloc(), T.Reshape(2),
    T.ARange("int64"), IfElse(2), mrg_uniform(T.fvector, inplace=True), Pool(ignore_border=True),
    theano.gradient.GradClip(-1, 1), RandomFunction("uniform", T.dvector),
]  # fmt: skip


@pytest.mark.parametrize("op", OPS, ids=str)
def test_ops(op):
    found = copied(op)
    assert type(found) is type(op)
    assert (found, hash(found), str(found)) == (op, hash(op), str(op))


TYPES = [generic, none_type_t, SliceType(), T.fmatrix, theano.scalar.float32]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_types(kind):
    found = copied(kind)
    assert (found, hash(found)) == (kind, hash(kind))
    if kind in (generic, none_type_t):
        assert found is kind


def test_constants():
    for x in (
        NoneConst,
        T.constant(np.float32([1, 2])),
        T.constant(3),
        T.constant(np.ones((9, 9))),
    ):
        found = copied(x)
        assert found is not x
        assert found.equals(x)
        assert found.type == x.type


def test_scan():
    x = T.fvector("x")
    s, _ = theano.scan(lambda a, s: T.tanh(a * s), [x], [T.constant(np.float32(1))])
    op = next(
        v.owner.op for v in theano.gof.graph.ancestors([s])
        if v.owner and isinstance(v.owner.op, theano.scan_module.scan_op.Scan)
    )  # fmt: skip
    found = copied(op)
    assert found == op
    assert hash(found) == hash(op)
    assert found.mode_instance.linker.allow_gc == op.mode_instance.linker.allow_gc
    assert vars(op).keys() - vars(found).keys() <= {"destroy_map"}


def test_what_is_equal_to_itself_alone():
    with pytest.raises(encoding.UnsupportedError, match="RandomStateType"):
        copied(random_state_type)
    encoder = encoding.Encoder()
    place = encoder.instance(random_state_type)
    assert encoder.fork().instance(random_state_type) == place


def test_what_is_no_class_of_theanos():
    for module, name in (("os", "system"), ("subprocess", "Popen"), ("theanosaurus", "A")):
        with pytest.raises(ValueError, match="not of Theano"):
            decoding.Decoder([], [], [], []).add([(encoding.INSTANCE, (module, name), (), None)])

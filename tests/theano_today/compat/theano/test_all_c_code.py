"""The C code of every Op of Theano: compiled, and compared with its Python code or NumPy.

The Ops are found by looking through the package's modules. One that has no line here fails
test_nothing_is_forgotten; those of scalars are in test_scalar_c_code.py.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest

import theano_today  # noqa: F401  (first: it mends what follows)

import theano  # isort: skip
import theano.tensor as T
from scipy import sparse as scipy_sparse
from theano import gof, gradient, scalar
from theano.compile import ops as compile_ops
from theano.scalar.basic import ScalarOp
from theano.sparse import basic as sparse_basic
from theano.tensor import blas, extra_ops, subtensor
from theano.tensor import elemwise as te
from theano.tensor.nnet import abstract_conv, corr, corr3d, neighbours
from theano.tensor.nnet import bn as batch_norm
from theano.tensor.nnet import nnet as nn
from theano.tensor.signal import pool
from theano.typed_list import TypedListType
from theano.typed_list import basic as lists

from tests.theano_graphs import engine

LEFT_OUT = (".tests", ".gpuarray", ".sandbox.cuda", ".misc", ".d3viz", ".sandbox.minimal")


def modules():
    for found in pkgutil.walk_packages(theano.__path__, "theano."):
        if not any(part in found.name for part in LEFT_OUT):
            try:
                yield importlib.import_module(found.name)
            except ImportError:
                continue  # what only some machines have, and what theano_today refuses


def ops_with_c_code():
    """Return Op classes of Theano's that bring C code, by name."""
    found = {}
    for module in modules():
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, gof.Op):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    mine = {}
    for name, op in found.items():
        bringers = [c for c in op.__mro__ if "c_code" in vars(c)]
        abstract = bringers[0].__module__ in ("theano.gof.op", "theano.gof.utils")
        from_file = issubclass(op, gof.COp) and op is not gof.COp
        theanos = name.startswith("theano.") and ".gpuarray" not in name
        if theanos and (from_file or not abstract):
            mine[name.removeprefix("theano.")] = op
    return mine


# ---- data --------------------------------------------------------------------------------


def numbers(*shape, dtype="float32", seed=0):
    return np.random.RandomState(seed).uniform(-3, 3, size=shape).astype(dtype)


X, Y, V, W = numbers(3, 4), numbers(3, 4, seed=1), numbers(4, seed=2), numbers(3, seed=3)
CUBE, IMAGES = numbers(2, 3, 4), numbers(2, 2, 6, 5, seed=4)
FILTERS, VOLUMES = numbers(3, 2, 3, 2, seed=5), numbers(1, 2, 5, 4, 4, seed=6)
BLOCKS = numbers(2, 2, 2, 2, 3, seed=7)
FLAGS = np.array([[True, False, True], [True, True, True]])
LABELS = np.array([2, 0, 3], "int32")
CSC = scipy_sparse.random(5, 4, 0.5, "csc", dtype="float32", random_state=0)
CSR = scipy_sparse.random(5, 4, 0.5, "csr", dtype="float32", random_state=0)
DENSE = numbers(5, 4, seed=8)
HALF, TWO = np.float32(0.5), np.float32(2)


def pieces(a):
    return a.data, a.indices, a.indptr


def at_entries(a, dense):
    """Return the elements of `dense` where the CSC or CSR matrix `a` has its entries."""
    out = []
    for k in range(len(a.indptr) - 1):
        for j in a.indices[a.indptr[k] : a.indptr[k + 1]]:
            out.append(dense[j, k] if a.format == "csc" else dense[k, j])
    return np.array(out, dense.dtype)


def windows(op, x, *arrays):
    """Return op(x, ..., window, stride, padding)."""
    return op(x, *arrays, (3, 2), (2, 2), (1, 0))


def maxima(x):
    return windows(pool.Pool(True, "max", 2), x)


def entries():
    """Name -> (what computes it, arguments, what it is compared with).

    The last is a graph, whose Ops run in Python, or a function of NumPy; None is the same graph.
    """

    def numpy(function):
        return "numpy", function

    def graph(function):
        return "graph", function

    multi, rng = (
        importlib.import_module(f"theano.sandbox.{name}") for name in ("multinomial", "rng_mrg")
    )
    sparse_opt = importlib.import_module("theano.sparse.opt")
    blas_c = importlib.import_module("theano.tensor.blas_c")
    opt = importlib.import_module("theano.tensor.opt")
    from theano.scalar.basic_sympy import SymPyCCode

    def symbolic(x, y):
        sympy = pytest.importorskip("sympy")
        a, b = sympy.symbols("a b")
        return te.Elemwise(SymPyCCode([a, b], a * b + 1))(x, y)

    def composite(x, y):
        a, b = scalar.float32(), scalar.float32()
        return te.Elemwise(scalar.Composite([a, b], [a * b + b]))(x, y)

    pvals = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]], "float32")
    unis = np.array([0.35, 0.75], "float32")
    big = np.array([[3, 1, 4], [1, 5, 9], [2, 6, 5]], "int64")
    seeds = np.array([[12345, 6, 7, 8, 9, 10], [11, 12, 13, 14, 15, 16]], "int32")
    half = {"border_mode": "half"}
    size, size3 = np.array([3, 2]), np.array([2, 2, 3])
    correlate, volume = abstract_conv.AbstractConv2d, abstract_conv.AbstractConv3d
    return {
        "compile.ops.DeepCopyOp": (compile_ops.deep_copy_op, [X], None),
        "compile.ops.Rebroadcast": (lambda x: T.addbroadcast(x, 0), [X[:1]], None),
        "compile.ops.Shape": (compile_ops.Shape(), [X], None),
        "compile.ops.Shape_i": (compile_ops.Shape_i(1), [X], None),
        "compile.ops.SpecifyShape": (lambda x: T.specify_shape(x, (3, 4)), [X], None),
        "compile.ops.ViewOp": (compile_ops.view_op, [X], None),
        "gradient.ConsiderConstant": (gradient.consider_constant, [X], None),
        "gradient.DisconnectedGrad": (gradient.disconnected_grad, [X], None),
        "gradient.GradClip": (lambda x: gradient.grad_clip(x, -1, 1), [X], None),
        "gradient.GradScale": (lambda x: gradient.grad_scale(x, 2), [X], None),
        "gradient.UndefinedGrad": (gradient.undefined_grad, [X], None),
        "gradient.ZeroGrad": (gradient.zero_grad, [X], None),
        "sandbox.multinomial.MultinomialFromUniform": (
            multi.MultinomialFromUniform("float32"), [pvals, unis, np.int64(1)], None),
        "sandbox.multinomial.ChoiceFromUniform": (
            multi.ChoiceFromUniform(replace=False, odtype="int64"),
            [pvals, np.repeat(unis, 2), np.int64(2)], None),
        "sandbox.multinomial.MultinomialWOReplacementFromUniform": (
            multi.MultinomialWOReplacementFromUniform(odtype="int64"),
            [pvals, np.repeat(unis, 2), np.int64(2)], None),
        "sandbox.rng_mrg.DotModulo": (
            rng.DotModulo(),
            [big, np.array([5, 6, 7], "int32"), np.int32(2**31 - 1), big.T.copy(),
             np.array([8, 9, 10], "int32"), np.int32(2147462579)], None),
        "sandbox.rng_mrg.mrg_uniform": (
            rng.mrg_uniform(T.TensorType("float32", (False, False)), False),
            [seeds, np.array([3, 4], "int32")], None),
        "sparse.basic.StructuredDotGradCSC": (
            sparse_basic.StructuredDotGradCSC(),
            [CSC.indices, CSC.indptr, numbers(4, 3), numbers(5, 3, seed=1)], None),
        "sparse.basic.StructuredDotGradCSR": (
            sparse_basic.StructuredDotGradCSR(),
            [CSR.indices, CSR.indptr, numbers(4, 3), numbers(5, 3, seed=1)], None),
        "sparse.opt.AddSD_ccode": (
            sparse_opt.AddSD_ccode("csc"), [CSC, DENSE], numpy(lambda a, y: a.toarray() + y)),
        "sparse.opt.CSMGradC": (
            sparse_opt.CSMGradC(),
            [*pieces(CSC), np.array(CSC.shape, "int32"),
             *pieces(scipy_sparse.csc_matrix(DENSE)), np.array(CSC.shape, "int32")],
            numpy(lambda *_: at_entries(CSC, DENSE))),
        "sparse.opt.MulSDCSC": (
            sparse_opt.MulSDCSC(), [*pieces(CSC), DENSE],
            numpy(lambda *_: CSC.data * at_entries(CSC, DENSE))),
        "sparse.opt.MulSDCSR": (
            sparse_opt.MulSDCSR(), [*pieces(CSR), DENSE],
            numpy(lambda *_: CSR.data * at_entries(CSR, DENSE))),
        "sparse.opt.MulSVCSR": (
            sparse_opt.MulSVCSR(), [*pieces(CSR), V], numpy(lambda d, i, p, v: d * v[i])),
        "sparse.opt.StructuredAddSVCSR": (
            sparse_opt.StructuredAddSVCSR(), [*pieces(CSR), V],
            numpy(lambda d, i, p, v: d + v[i])),
        "sparse.opt.SamplingDotCSR": (
            lambda *v: sparse_opt.SamplingDotCSR()(*v)[0],
            [numbers(5, 3), numbers(4, 3, seed=1), *pieces(CSR), np.int32(4)],
            numpy(lambda x, y, d, *_: d * at_entries(CSR, x @ y.T))),
        "sparse.opt.StructuredDotCSC": (
            sparse_opt.StructuredDotCSC(), [*pieces(CSC), np.int32(5), numbers(4, 3)], None),
        "sparse.opt.StructuredDotCSR": (
            sparse_opt.StructuredDotCSR(), [*pieces(CSR), numbers(4, 3)], None),
        "tensor.basic.Alloc": (lambda v: T.alloc(v, 3, 4), [V], None),
        "tensor.basic.AllocEmpty": (
            lambda n: T.AllocEmpty("float32")(n, 4).shape, [np.int64(3)], None),
        "tensor.basic.Argmax": (
            lambda x: [T.argmax(x, None), T.basic.Argmax((0,))(x)], [X], None),
        "tensor.basic.Flatten": (T.basic.Flatten(2), [CUBE], None),
        "tensor.basic.Join": (lambda x, y: T.join(0, x, y), [X, Y], None),
        "tensor.basic.MaxAndArgmax": (
            lambda x: [*T.basic.MaxAndArgmax([0, 1])(x), *T.basic.MaxAndArgmax([1])(x)],
            [X], None),
        "tensor.basic.Mean": (T.basic.Mean(), [X], None),
        "tensor.basic.Reshape": (lambda x: x.reshape((2, -1)), [X], None),
        "tensor.basic.ScalarFromTensor": (
            lambda x: T.tensor_from_scalar(T.scalar_from_tensor(x)), [HALF], None),
        "tensor.basic.Split": (
            lambda x: T.basic.Split(2)(x, 0, np.array([1, 2])), [X], None),
        "tensor.blas.Gemm": (
            blas.gemm_no_inplace, [numbers(3, 3), HALF, X, Y.T, TWO], None),
        "tensor.blas_c.CGemv": (
            blas_c.cgemv_no_inplace,
            [W, HALF, X[::-1], V[::-1], TWO], None),
        "tensor.elemwise.All": (te.All(1), [FLAGS], None),
        "tensor.elemwise.Any": (te.Any(0), [~FLAGS], None),
        "tensor.elemwise.CAReduce": (te.CAReduce(scalar.maximum, [0]), [X], None),
        "tensor.elemwise.CAReduceDtype": (
            te.CAReduceDtype(scalar.add, [1], dtype="float64"), [X], None),
        "tensor.elemwise.DimShuffle": (lambda x: x.dimshuffle(1, "x", 0), [X], None),
        "tensor.elemwise.Elemwise": (lambda x, v: x * v, [X, V], None),
        "tensor.elemwise.Prod": (te.Prod(), [X], None),
        "tensor.elemwise.ProdWithoutZeros": (
            te.ProdWithoutZeros((0,)), [np.maximum(X, 0)], None),
        "tensor.elemwise.Sum": (te.Sum(axis=[0, 2]), [CUBE], None),
        "tensor.extra_ops.CpuContiguous": (extra_ops.cpu_contiguous, [X.T], None),
        "tensor.extra_ops.CumOp": (
            lambda x: [extra_ops.CumOp(axis, mode)(x)
                       for axis in (None, 0, 1) for mode in ("add", "mul")], [X], None),
        "tensor.extra_ops.SearchsortedOp": (
            lambda v, x: [T.extra_ops.searchsorted(v, x, side) for side in ("left", "right")],
            [np.sort(V), np.concatenate([V, W])], None),
        "tensor.nnet.bn.BNComposite": (
            lambda *v: te.Elemwise(batch_norm.BNComposite("float32"))(*v),
            [X, Y, np.abs(X) + 1, X, Y], numpy(lambda x, m, s, g, b: (x - m) * (g / s) + b)),
        "tensor.nnet.corr.CorrMM": (
            corr.CorrMM(**half), [IMAGES, FILTERS],
            graph(correlate(**half, filter_flip=False))),
        "tensor.nnet.corr.CorrMM_gradInputs": (
            corr.CorrMM_gradInputs(), [FILTERS, numbers(2, 3, 4, 4), np.array([6, 5])],
            graph(abstract_conv.AbstractConv2d_gradInputs(filter_flip=False))),
        "tensor.nnet.corr.CorrMM_gradWeights": (
            corr.CorrMM_gradWeights(), [IMAGES, numbers(2, 3, 4, 4), size],
            graph(abstract_conv.AbstractConv2d_gradWeights(filter_flip=False))),
        "tensor.nnet.corr3d.Corr3dMM": (
            corr3d.Corr3dMM(), [VOLUMES, BLOCKS], graph(volume(filter_flip=False))),
        "tensor.nnet.corr3d.Corr3dMM_gradInputs": (
            corr3d.Corr3dMM_gradInputs(),
            [BLOCKS, numbers(1, 2, 4, 3, 2), np.array([5, 4, 4])],
            graph(abstract_conv.AbstractConv3d_gradInputs(filter_flip=False))),
        "tensor.nnet.corr3d.Corr3dMM_gradWeights": (
            corr3d.Corr3dMM_gradWeights(), [VOLUMES, numbers(1, 2, 4, 3, 2), size3],
            graph(abstract_conv.AbstractConv3d_gradWeights(filter_flip=False))),
        "tensor.nnet.neighbours.Images2Neibs": (
            neighbours.Images2Neibs("valid"),
            [IMAGES, np.array([2, 3]), np.array([1, 2])], None),
        "tensor.nnet.nnet.CrossentropySoftmax1HotWithBiasDx": (
            nn.crossentropy_softmax_1hot_with_bias_dx, [W, np.abs(X), LABELS], None),
        "tensor.nnet.nnet.CrossentropySoftmaxArgmax1HotWithBias": (
            nn.crossentropy_softmax_argmax_1hot_with_bias, [X, V, LABELS], None),
        "tensor.nnet.nnet.LogSoftmax": (nn.LogSoftmax(), [X], None),
        "tensor.nnet.nnet.Softmax": (nn.Softmax(), [X], None),
        "tensor.nnet.nnet.SoftmaxGrad": (nn.SoftmaxGrad(), [X, np.abs(Y)], None),
        "tensor.nnet.nnet.SoftmaxWithBias": (nn.SoftmaxWithBias(), [X, V], None),
        "tensor.opt.Assert": (
            lambda x: opt.Assert("all are below 9")(x, T.all(x < 9)), [X], None),
        "tensor.opt.MakeVector": (opt.MakeVector("float32"), [HALF, TWO], None),
        "tensor.signal.pool.Pool": (
            lambda x: [windows(pool.Pool(border, mode, 2), x) for border, mode in (
                (True, "max"), (True, "sum"), (True, "average_inc_pad"),
                (True, "average_exc_pad"))], [IMAGES], None),
        "tensor.signal.pool.MaxPoolGrad": (
            lambda x, g: windows(pool.MaxPoolGrad(True, 2), x, maxima(x), g),
            [IMAGES, numbers(2, 2, 3, 2)], None),
        "tensor.signal.pool.AveragePoolGrad": (
            lambda x, g: windows(pool.AveragePoolGrad(True, "average_inc_pad", 2), x, g),
            [IMAGES, numbers(2, 2, 3, 2)], None),
        "tensor.signal.pool.DownsampleFactorMaxGradGrad": (
            lambda x, g: windows(pool.DownsampleFactorMaxGradGrad(True, "max", 2), x, maxima(x), g),
            [IMAGES, numbers(2, 2, 6, 5, seed=9)], None),
        "tensor.signal.pool.MaxPoolRop": (
            lambda x, e: windows(pool.MaxPoolRop(True, "max", 2), x, e),
            [IMAGES, numbers(2, 2, 6, 5, seed=9)], None),
        "tensor.subtensor.AdvancedSubtensor1": (
            lambda x, *indices: [subtensor.AdvancedSubtensor1()(x, i) for i in indices],
            [X, np.array([2, -1, 0, 2]), np.array([2, 0], "uint64"), np.array([1], "int8")],
            None),
        "tensor.subtensor.IncSubtensor": (
            lambda x, v: [T.inc_subtensor(x[::-1, 1:3], v), T.set_subtensor(x[1], v[0])],
            [X, V[:2]], None),
        "tensor.subtensor.Subtensor": (
            lambda x, i: [x[::-2, 1:], x[i, -1], x[i:, ::3]], [X, np.int64(1)], None),
        "typed_list.basic.GetItem": (lists.GetItem(), [[X, Y], np.int64(1)], None),
        "typed_list.basic.Length": (lists.Length(), [[X, Y, X]], None),
        "typed_list.basic.Reverse": (lists.Reverse(), [[X, Y]], None),
        "scalar.basic.Composite": (composite, [X, Y], None),
        "scalar.basic_sympy.SymPyCCode": (symbolic, [X, Y],
            numpy(lambda x, y: x.astype(float) * y + 1)),
    }  # fmt: skip


# Compared in tests of their own.
ELSEWHERE = {
    "tensor.nnet.conv.ConvOp": "test_legacy_conv.py",
    "sparse.opt.UsmmCscDense": "test_blas.py",
    "gof.type._make_cdata": "test_c_code.py",
    "scalar.basic.ScalarOp": "test_scalar_c_code.py",  # and all of its kind
}

# Those that Python runs on purpose.
IN_PYTHON = {
    "tensor.blas.BatchedDot": "no BLAS to link to: blas.py",
    "tensor.blas_c.CGer": "no BLAS to link to, and no ger of Theano's own: blas.py",
    "tensor.subtensor.AdvancedIncSubtensor1": "NumPy's private iterator: c_code.py",
}

# Those that cannot be had.
NEEDS_MORE = {
    "tensor.blas.Dot22": "a BLAS to link to; without, Theano has NumPy do it",
    "tensor.blas.Dot22Scalar": "a BLAS to link to; without, Theano has NumPy do it",
    "compile.ops.OutputGuard": "Theano alone puts it into graphs, when it compiles a function",
    "tensor.nnet.ctc.ConnectionistTemporalClassification": "Baidu's library warp-ctc",
}

IN_ENTRIES = {"Composite", "BNComposite", "SymPyCCode"}


def test_nothing_is_forgotten():
    known = {**entries(), **ELSEWHERE, **IN_PYTHON, **NEEDS_MORE}
    found = ops_with_c_code()
    assert len(found) > 150
    missing = {
        name
        for name, op in found.items()
        if name not in known and (not issubclass(op, ScalarOp) or op.__name__ in IN_ENTRIES)
    }
    assert not missing
    gone = {name for name in known if name not in found} - {"scalar.basic.ScalarOp"}
    assert not gone


def test_tests_that_stand_elsewhere():
    for name, file in ELSEWHERE.items():
        assert name.rpartition(".")[2] in Path(__file__).with_name(file).read_text()


@pytest.mark.parametrize("name", IN_PYTHON)
def test_what_refuses_c_says_so(name):
    op = ops_with_c_code()[name]
    with pytest.raises(NotImplementedError, match=r"BLAS|private"):
        op.c_code(
            op(*((False,) if op.__name__ == "CGer" else ())),
            None,
            "name",
            ["x", "y", "i"],
            ["z"],
            {"fail": ""},
        )


def variable(a):
    if isinstance(a, list):
        return TypedListType(variable(a[0]).type)()
    if scipy_sparse.issparse(a):
        return theano.sparse.SparseType(a.format, str(a.dtype))()
    return T.TensorType(str(a.dtype), (False,) * np.ndim(a))()


def run(build, arrays, linker, owner=None):
    """Return what the graph computes; with an `owner`, assert that its Ops run in C."""
    inputs = [variable(a) for a in arrays]
    outputs = build(*inputs)
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    with engine("stock"):
        mode = theano.Mode(linker=linker, optimizer=None)
        function = theano.function(
            [theano.In(v, borrow=True) for v in inputs],
            outputs,
            mode=mode,
            on_unused_input="ignore",
        )
    if owner is not None:
        program = zip(function.fn.nodes, function.fn.thunks, strict=True)
        in_c = {type(node.op): hasattr(thunk, "cthunk") for node, thunk in program}
        assert in_c.get(owner, False), in_c
    return function(*arrays)


def arguments(arrays):
    # A copy of each: some Ops work in place.
    return [a if isinstance(a, list) or scipy_sparse.issparse(a) else np.array(a) for a in arrays]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(entries()))
def test_c_code_computes_the_same(name):
    build, arrays, how = entries()[name]
    owner = ops_with_c_code()[name]
    if issubclass(owner, ScalarOp):
        owner = te.Elemwise
    got = run(build, arguments(arrays), "vm", owner)
    if how is None:
        want = run(build, arguments(arrays), "py")
    elif how[0] == "graph":
        want = run(how[1], arguments(arrays), "py")
    else:
        want = [how[1](*arguments(arrays))]
    assert len(got) == len(want)
    for one, other in zip(got, want, strict=True):
        same(one, other)


def same(one, other):
    if isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
        return
    one, other = np.asarray(one), np.asarray(other)
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)

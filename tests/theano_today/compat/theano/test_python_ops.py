"""The Python implementation of each Op gives what it gave in 2020: FAST_COMPILE and cxx= run it."""

import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

import theano_today  # noqa: F401
from tests import python_ops

RECORDED = Path(__file__).with_name("python_ops.npz")

MODULES = """
    tensor.basic tensor.elemwise tensor.subtensor tensor.extra_ops tensor.sort tensor.nlinalg
    tensor.slinalg tensor.fft tensor.fourier tensor.blas tensor.blas_c tensor.blas_scipy tensor.opt
    tensor.raw_random tensor.nnet.nnet tensor.nnet.bn tensor.nnet.neighbours tensor.nnet.conv3d2d
    tensor.nnet.abstract_conv tensor.nnet.blocksparse tensor.signal.pool sparse.basic sparse.opt
    compile.ops sandbox.multinomial sandbox.rng_mrg typed_list.basic
""".split()  # noqa: SIM905

# Ops with a perform that none of the graphs has.
ELSEWHERE = {
    **dict.fromkeys(["IncDiagonalSubtensor"], "test_arrays.py"),
    **dict.fromkeys(["MaxPoolRop"], "test_indexing.py"),
    **dict.fromkeys(
        ["BaseAdvancedSubtensor", "BaseAdvancedIncSubtensor", "AbstractConv"], "abstract"
    ),
    **dict.fromkeys(["AbstractConv_gradInputs", "AbstractConv_gradWeights"], "abstract"),
    **dict.fromkeys(["CAReduce", "CAReduceDtype"], "abstract"),
    **dict.fromkeys(["__ComparisonOpSD", "__ComparisonOpSS"], "abstract"),
    **dict.fromkeys(["AllocEmpty"], "gives no values"),
    **dict.fromkeys(["CGemv", "CGer", "Shape_i"], "the optimizer's: perform of others"),
    **dict.fromkeys(["StructuredDotCSC", "StructuredDotCSR", "csm_grad"], "the optimizer's"),
    **dict.fromkeys(["CholeskyGrad"], "Cholesky.L_op does without it"),
    **dict.fromkeys(["OutputGuard", "ViewOp"], "hand on what they are given"),
    **dict.fromkeys(["FromFunctionOp"], "runs a function of the user's"),
}


@pytest.fixture(scope="module")
def computed():
    return python_ops.computed()


def test_same_dtypes_shapes_and_values_as_in_2020(computed):
    values, _ = computed
    recorded = python_ops.load(RECORDED)
    assert sorted(values) == sorted(recorded)
    for name, wanted in recorded.items():
        got = values[name]
        assert (name, got.dtype, got.shape) == (name, wanted.dtype, wanted.shape)
        if wanted.dtype.kind in "biu":
            np.testing.assert_array_equal(got, wanted, err_msg=name)
        else:
            scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=1e-30)
            np.testing.assert_allclose(
                got, wanted, rtol=1e-5, atol=3e-6 * float(scale), err_msg=name
            )


def test_no_op_is_left_out(computed):
    import theano

    _, ran = computed
    left_out = set()
    for name in MODULES:
        for op, cls in vars(importlib.import_module(f"theano.{name}")).items():
            if not inspect.isclass(cls) or not issubclass(cls, theano.Op):
                continue
            scalar = issubclass(cls, theano.scalar.ScalarOp)
            own = cls.__module__ == f"theano.{name}"
            if own and not scalar and cls.perform is not theano.Op.perform and op not in ran:
                left_out.add(op)
    assert left_out <= set(ELSEWHERE)

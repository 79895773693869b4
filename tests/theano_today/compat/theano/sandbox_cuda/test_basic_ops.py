"""Transfers return their argument; the general Ops compute what NumPy does."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox import cuda
from theano.sandbox.cuda import basic_ops as ops
from theano.sandbox.cuda import extra_ops, fftconv, neighbours, nnet

from tests.numpy_layers import conv

MODE = theano.Mode(linker="py", optimizer=None)
RANDOM = np.random.RandomState(0)
A = RANDOM.normal(size=(3, 4)).astype("float32")


def computed(outputs):
    return theano.function([], outputs, mode=MODE)()


def test_transfers():
    x = T.matrix()
    for transfer in (
        ops.host_from_gpu, ops.gpu_from_host, ops.gpu_contiguous, ops.cp_on_negative_strides,
        ops.HostFromGpu(), ops.as_cuda_ndarray_variable, cuda.as_cuda_ndarray_variable,
    ):  # fmt: skip
        assert transfer(x) is x
    assert ops.gpu_from_host(A).eval().tolist() == A.tolist()
    assert ops.as_cuda_array(A.astype("float64")).dtype == np.float32
    with pytest.raises(TypeError, match="Don't know how to cast"):
        ops.as_cuda_array([1, 2])


def test_a_transfer_inside_a_graph_passes_its_value():
    """As pickled graphs have them."""
    x = T.fmatrix()
    y = theano.gof.Apply(ops.HostFromGpu(), [x], [x.type()]).outputs[0]
    function = theano.function([x], [y * 2, T.grad(T.sum(y**2), x)])
    doubled, gradient = function(A)
    np.testing.assert_array_equal(doubled, 2 * A)
    np.testing.assert_allclose(gradient, 2 * A)


def test_the_tutorials_words():
    """From Theano's page "Using the GPU"."""
    x = theano.shared(A)
    f = theano.function([], theano.Out(cuda.basic_ops.gpu_from_host(T.exp(x)), borrow=True))
    np.testing.assert_allclose(np.asarray(f()), np.exp(A), rtol=1e-5)


def test_variables():
    for word, ndim in (("fscalar", 0), ("fvector", 1), ("fmatrix", 2), ("ftensor3", 3)):
        variable = getattr(cuda, word)(word)
        assert variable.type == T.TensorType("float32", (False,) * ndim)
        assert variable.name == word
    assert cuda.ftensor4().ndim == 4
    assert cuda.frow().broadcastable == (True, False)
    assert cuda.fcol().broadcastable == (False, True)
    for word in ("scalar", "vector", "matrix", "row", "col", "tensor3", "tensor4"):
        assert getattr(cuda.basic_ops, word)().type == getattr(T, word)().type
    with pytest.raises(TypeError, match="only supports dtype float32"):
        ops.matrix(dtype="float64")


def test_general_ops():
    a = T.constant(A)
    add, sqr = theano.scalar.add, theano.scalar.sqr
    got = computed(
        [
            ops.GpuElemwise(theano.scalar.mul)(a, a),
            ops.GpuDimShuffle((False, False), (1, "x", 0))(a),
            ops.GpuCAReduce((1, 0), add)(a),
            ops.GpuCAReduce((1, 1), add, pre_scalar_op=sqr)(a),
            ops.GpuReshape(1)(a, (12,)),
            ops.gpu_flatten(a.dimshuffle(0, "x", 1), 2),
            ops.GpuFlatten(1)(a),
            ops.gpu_join(0, a, a),
            *ops.GpuSplit(2)(a, 1, (1, 3)),
            ops.gpu_shape(a),
            ops.gpu_alloc(np.float32(7), 2, 3),
            ops.gpu_eye(3, 4, 1),
            ops.GpuAdvancedSubtensor1()(a, [2, 0]),
            ops.gpu_alloc_empty(2, 5).shape,
        ]
    )
    wanted = [
        A * A, A.T[:, None], A.sum(0), (A**2).sum(), A.ravel(), A, A.ravel(), np.vstack([A, A]),
        A[:, :1], A[:, 1:], A.shape, np.full((2, 3), 7), np.eye(3, 4, 1), A[[2, 0]], (2, 5),
    ]  # fmt: skip
    for y, want in zip(got, wanted, strict=True):
        assert np.shape(y) == np.shape(want)
        np.testing.assert_allclose(y, want, rtol=1e-5)
    with pytest.raises(TypeError, match="must have rank 3"):
        ops.GpuCAReduce((1, 0, 0), add)(a)


def test_ops_of_nets():
    labels, bias = np.array([1, 0, 3]), A[1]
    e = np.exp(A - A.max(1, keepdims=True))
    softmax = e / e.sum(1, keepdims=True)
    eb = np.exp(A + bias)
    biased = eb / eb.sum(1, keepdims=True)
    x4 = RANDOM.normal(size=(1, 2, 4, 4)).astype("float32")
    got = computed(
        [
            nnet.gpu_softmax(A),
            nnet.gpu_softmax_with_bias(A, bias),
            *nnet.gpu_crossentropy_softmax_argmax_1hot_with_bias(A, bias, labels),
            extra_ops.GpuCumsum(1)(A),
            neighbours.gpu_images2neibs(x4, (2, 2)),
            neighbours.GpuImages2Neibs()(x4, (2, 2), (1, 2)),
        ]
    )
    blocks = x4.reshape(2, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(8, 4)
    wanted = [
        softmax, biased, -np.log(biased[np.arange(3), labels]), biased, biased.argmax(1),
        A.cumsum(1), blocks,
    ]  # fmt: skip
    for y, want in zip(got, wanted, strict=False):
        np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-5)
    assert got[-1].shape == (2 * 3 * 2, 4)
    gradient = nnet.gpu_crossentropy_softmax_1hot_with_bias_dx(
        np.ones(3, "float32"), softmax, labels
    ).eval()
    np.testing.assert_allclose(gradient, softmax - np.eye(4)[labels], rtol=1e-4, atol=1e-6)


def test_sparse_blocks():
    from theano.sandbox.cuda.blocksparse import gpu_sparse_block_gemv, gpu_sparse_block_outer

    out = RANDOM.normal(size=(2, 1, 3)).astype("float32")
    w = RANDOM.normal(size=(2, 2, 4, 3)).astype("float32")
    h = RANDOM.normal(size=(2, 2, 4)).astype("float32")
    from_, to = np.array([[0, 1], [1, 0]]), np.array([[1], [0]])
    (got,) = computed([gpu_sparse_block_gemv(out, w, h, from_, to)])
    want = out.copy()
    for i in range(2):
        for j in range(2):
            want[i, 0] += h[i, j] @ w[from_[i, j], to[i, 0]]
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    (got,) = computed([gpu_sparse_block_outer(w, h, out, from_, to)])
    want = w.copy()
    for i in range(2):
        for j in range(2):
            want[from_[i, j], to[i, 0]] += np.outer(h[i, j], out[i, 0])
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_convolutions_by_fft():
    x = RANDOM.normal(size=(2, 2, 5, 6)).astype("float32")
    w = RANDOM.normal(size=(3, 2, 2, 3)).astype("float32")
    x3, w3 = x[:, :, None].repeat(2, 2), w[:, :, None]
    v = T.constant
    got = computed(
        [
            fftconv.conv2d_fft(v(x), v(w)),
            fftconv.conv2d_fft(v(x), v(w), x.shape, w.shape, "full", pad_last_dim=True),
            fftconv.conv3d_fft(v(x3), v(w3), border_mode="full"),
        ]
    )
    for y, want in zip(got, [conv(x, w), conv(x, w, "full"), conv(x3, w3, "full")], strict=True):
        np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="'valid' or 'full'"):
        fftconv.conv2d_fft(v(x), v(w), border_mode="half")


def test_curand():
    from theano.sandbox.cuda.rng_curand import CURAND_RandomStreams

    streams = CURAND_RandomStreams(seed=234)
    draw = theano.function(
        [], [streams.uniform((2000,), -1.0, 3.0), streams.normal((2000,), avg=2.0, std=0.5)]
    )
    uniform, normal = draw()
    assert -1 <= uniform.min() < uniform.max() < 3
    assert abs(uniform.mean() - 1) < 0.1
    assert abs(uniform.std() - 4 / np.sqrt(12)) < 0.1
    assert abs(normal.mean() - 2) < 0.05
    assert abs(normal.std() - 0.5) < 0.05
    assert (draw()[0] != uniform).any()
    assert streams.updates()


def test_an_op_of_the_users_with_cuda_code():
    class Mine(cuda.GpuOp):
        __props__ = ()

        def make_node(self, x):
            return theano.gof.Apply(self, [x], [x.type()])

    x = T.fmatrix()
    with pytest.raises(NotImplementedError, match="Mine is an Op with CUDA code"):
        theano.function([x], Mine()(x))

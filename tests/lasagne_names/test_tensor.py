"""What Lasagne and nolearn use of theano.tensor, against NumPy."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.lasagne_names.catalogue import close, compute, draw, runs
from tests.numpy_layers import conv, pool

A, B = draw(3, 4), draw(3, 4, seed=1, low=0.1, high=0.9)
IMAGES, FILTERS = draw(2, 3, 6, 5), draw(4, 3, 2, 2)


@runs(
    "theano.tensor",
    "add clip concatenate dot eq maximum sqr sqrt tanh sum mean max argmax tensordot",
)
def test_arithmetic():
    a, b = T.matrices("ab")
    cube = draw(2, 3, 4)
    got = compute(
        [
            T.add(a, b), T.clip(a, -0.5, 0.5), T.concatenate([a, b], axis=1), T.dot(a, b.T),
            T.eq(a, a), T.maximum(a, b), T.sqr(a), T.sqrt(b), T.tanh(a), T.sum(a, axis=0),
            T.mean(a), T.max(a, axis=1, keepdims=True), T.argmax(a, axis=1),
            T.tensordot(a, T.constant(cube), axes=[[1], [2]]), T.sum(a > 0), T.mean(a, axis=-1),
            T.argmax(a),
        ],
        {a: A, b: B},
    )  # fmt: skip
    wanted = [
        A + B, np.clip(A, -0.5, 0.5), np.hstack([A, B]), A @ B.T, np.ones((3, 4)),
        np.maximum(A, B), A**2, np.sqrt(B), np.tanh(A), A.sum(0), A.mean(),
        A.max(1, keepdims=True), A.argmax(1), np.tensordot(A, cube, [[1], [2]]), (A > 0).sum(),
        A.mean(-1), A.argmax(),
    ]  # fmt: skip
    for y, want in zip(got, wanted, strict=True):
        close(y, want)
    assert [y.dtype for y in got[:1] + got[12:13] + got[14:15]] == ["float32", "int64", "int64"]


@runs(
    "theano.tensor",
    "alloc arange cast constant eye flatten ones reshape set_subtensor shape_padright stack zeros",
    "repeat imatrix ivector matrix tensor4 TensorType TensorVariable grad",
)
def test_arrays():
    a, n = T.matrix(), T.iscalar()
    got = compute(
        [
            T.alloc(np.float32(7), n, 2), T.arange(n), T.arange(1, 9, 3), T.cast(a, "int32"),
            T.constant(A), T.eye(n), T.eye(2, 3, 1), T.flatten(a, 1), T.ones((n, 3)),
            T.reshape(a, (2, -1)), T.set_subtensor(a[1:, ::2], 0), T.shape_padright(a, 2).shape,
            T.stack([a, 2 * a], axis=1), T.zeros((2, n)), T.repeat(a, 2, axis=1),
            T.grad(T.sum(T.exp(a)), a),
        ],
        {a: 3 * A, n: 3},
    )  # fmt: skip
    zeroed = 3 * A
    zeroed[1:, ::2] = 0
    wanted = [
        np.full((3, 2), 7), np.arange(3), [1, 4, 7], (3 * A).astype("int32"), A, np.eye(3),
        np.eye(2, 3, 1), 3 * A.ravel(), np.ones((3, 3)), 3 * A.reshape(2, -1), zeroed,
        (3, 4, 1, 1), np.stack([3 * A, 6 * A], 1), np.zeros((2, 3)), (3 * A).repeat(2, 1),
        np.exp(3 * A),
    ]  # fmt: skip
    for y, want in zip(got, wanted, strict=True):
        close(y, want)
    kinds = {
        T.matrix: (theano.config.floatX, 2), T.imatrix: ("int32", 2), T.ivector: ("int32", 1),
        T.tensor4: (theano.config.floatX, 4),
    }  # fmt: skip
    for make, (dtype, ndim) in kinds.items():
        variable = make("x")
        assert isinstance(variable, T.TensorVariable)
        assert variable.type == T.TensorType(dtype, (False,) * ndim)
    with pytest.raises(TypeError, match="Unsupported dtype"):
        T.TensorType("float99", (False,))


@runs("theano.tensor.nnet", "binary_crossentropy categorical_crossentropy sigmoid softmax relu")
def test_nets():
    a, b = T.matrices("ab")
    labels = np.array([0, 3, 1])
    got = compute(
        [
            T.nnet.binary_crossentropy(b, T.gt(a, 0)), T.nnet.categorical_crossentropy(b, b),
            T.nnet.categorical_crossentropy(b, T.constant(labels)), T.nnet.sigmoid(a),
            T.nnet.softmax(a), T.nnet.relu(a), T.nnet.relu(a, 0.1),
        ],
        {a: A, b: B},
    )  # fmt: skip
    t, e = (A > 0).astype(int), np.exp(A)
    wanted = [
        -t * np.log(B) - (1 - t) * np.log(1 - B), -(B * np.log(B)).sum(1),
        -np.log(B[np.arange(3), labels]), 1 / (1 + 1 / e), e / e.sum(1, keepdims=True),
        np.maximum(A, 0), np.where(A > 0, A, 0.1 * A),
    ]  # fmt: skip
    for y, want in zip(got, wanted, strict=True):
        close(y, want)


@runs("theano.tensor.nnet", "conv2d")
@runs("theano.tensor.nnet.conv", "conv2d")
@runs("theano.tensor.signal.downsample", "max_pool_2d")
def test_images():
    from theano.tensor.nnet import conv as legacy
    from theano.tensor.signal.downsample import max_pool_2d

    x, w = T.tensor4("x"), T.tensor4("w")
    got = theano.function(
        [x, w],
        [
            T.nnet.conv2d(x, w, border_mode="full", subsample=(2, 1)),
            T.nnet.conv2d(x, w, border_mode=(1, 0), filter_flip=False),
            legacy.conv2d(x, w, image_shape=IMAGES.shape, filter_shape=FILTERS.shape),
            max_pool_2d(x, (2, 2), ignore_border=False),
            max_pool_2d(x, (3, 2), ignore_border=True, st=(1, 2), padding=(1, 1)),
        ],
    )(IMAGES, FILTERS)
    wanted = [
        conv(IMAGES, FILTERS, "full", (2, 1)), conv(IMAGES, FILTERS, (1, 0), flip=False),
        conv(IMAGES, FILTERS), pool(IMAGES, (2, 2), ignore_border=False),
        pool(IMAGES, (3, 2), (1, 2), (1, 1)),
    ]  # fmt: skip
    for y, want in zip(got, wanted, strict=True):
        close(y, want)


@runs(
    "theano.tensor",
    "abs_ addbroadcast any argsort as_tensor_variable batched_dot ceil expm1 floor ge",
    "inc_subtensor inv isnan log min minimum mod ones_like patternbroadcast shape_padaxis",
    "shape_padleft square switch tile Variable",
)
@runs("theano.tensor.extra_ops", "repeat to_one_hot")
@runs("theano.tensor.nnet", "softplus")
def test_what_lasagnes_master_uses():
    a, b = T.matrices("ab")
    cubes = draw(2, 3, 4), draw(2, 4, 2)
    assert isinstance(T.as_tensor_variable(A), T.Variable)
    outputs = [
        T.abs_(a), T.addbroadcast(a[:1], 0) + b, T.any(a > 0.9, axis=1), T.argsort(a, axis=1),
        T.batched_dot(*map(T.constant, cubes)), T.ceil(3 * a), T.expm1(a), T.floor(3 * a),
        T.ge(a, b), T.inc_subtensor(a[1:], 2), T.inv(b), T.isnan(a / 0), T.log(b),
        T.min(a, axis=0), T.minimum(a, b), T.mod(a, 0.3), T.ones_like(a),
        T.patternbroadcast(a[:, :1], (False, True)) * b, T.shape_padaxis(a, 1).shape,
        T.shape_padleft(a).shape, T.square(a), T.switch(a > 0, a, b), T.tile(a, (2, 3)),
        T.extra_ops.repeat(a, 2, 0), T.extra_ops.to_one_hot(T.constant([1, 0, 3]), 4),
        T.nnet.softplus(a),
    ]  # fmt: skip
    raised = A.copy()
    raised[1:] += 2
    wanted = [
        abs(A), A[:1] + B, (A > 0.9).any(1), A.argsort(1), np.matmul(*cubes), np.ceil(3 * A),
        np.expm1(A), np.floor(3 * A), A >= B, raised, 1 / B, np.zeros((3, 4)), np.log(B), A.min(0),
        np.minimum(A, B), np.mod(A, np.float32(0.3)), np.ones((3, 4)), A[:, :1] * B, (3, 1, 4),
        (1, 3, 4), A**2, np.where(A > 0, A, B), np.tile(A, (2, 3)), A.repeat(2, 0),
        np.eye(4)[[1, 0, 3]], np.log1p(np.exp(A)),
    ]  # fmt: skip
    for y, want in zip(compute(outputs, {a: A, b: B}), wanted, strict=True):
        close(y, want)


@runs("theano.tensor.signal.pool", "pool_2d pool_3d")
@runs("theano.tensor.nnet", "conv3d")
@runs(
    "theano.tensor.nnet.abstract_conv",
    "AbstractConv2d_gradInputs AbstractConv2d_gradWeights AbstractConv3d_gradInputs",
)
def test_convolutions_and_their_gradients():
    from theano.tensor.nnet import abstract_conv as ac
    from theano.tensor.signal.pool import pool_2d, pool_3d

    cubes, blocks = draw(1, 2, 4, 4, 3), draw(2, 2, 2, 2, 2)
    top2, top3 = draw(2, 4, 5, 4, seed=3), draw(1, 2, 3, 3, 2, seed=4)
    v = T.constant
    got = compute(
        [
            pool_2d(v(IMAGES), (2, 2), ignore_border=True, mode="sum"),
            pool_3d(v(cubes), (2, 2, 3), ignore_border=True),
            T.nnet.conv3d(v(cubes), v(blocks)),
            ac.AbstractConv2d_gradInputs()(v(FILTERS), v(top2), IMAGES.shape[2:]),
            ac.AbstractConv2d_gradWeights()(v(IMAGES), v(top2), FILTERS.shape[2:]),
            ac.AbstractConv3d_gradInputs()(v(blocks), v(top3), cubes.shape[2:]),
        ]
    )
    close(got[0], pool(IMAGES, (2, 2), mode="sum"))
    close(got[1], pool(cubes, (2, 2, 3)))
    close(got[2], conv(cubes, blocks))
    # What is linear is known by its values in some directions.
    for seed in range(3):
        x, w, c = (draw(*a.shape, seed=seed) for a in (IMAGES, FILTERS, cubes))
        close((x * got[3]).sum(), (conv(x, FILTERS) * top2).sum(), rtol=1e-3, atol=1e-3)
        close((w * got[4]).sum(), (conv(IMAGES, w) * top2).sum(), rtol=1e-3, atol=1e-3)
        close((c * got[5]).sum(), (conv(c, blocks) * top3).sum(), rtol=1e-3, atol=1e-3)

"""Graphs that between them run the Python implementation of every Op on the CPU.

    python tests/python_ops.py FILE.npz     writes what they compute: linker=py, no optimizer

tests/theano_today/compat/theano/python_ops.npz was written so by Theano 1.0.5 on NumPy 1.19.5 and
SciPy 1.6.0 (Debian 11, Python 3.9, for which this file is written as well).
"""

import json
import sys

import numpy as np


def graphs():
    """Return {name: symbolic output} of many Ops, of constants and shared variables only."""
    import scipy.sparse
    import theano
    import theano.sparse as S
    import theano.tensor as T
    from theano import typed_list
    from theano.sandbox import multinomial, rng_mrg
    from theano.sparse import opt as sparse_opt  # noqa: F401
    from theano.tensor import (
        blas,
        blas_scipy,
        elemwise,
        extra_ops,
        fft,
        fourier,
        nlinalg,
        slinalg,
        xlogx,
    )
    from theano.tensor.nnet import abstract_conv, bn, conv3d2d, neighbours, nnet
    from theano.tensor.signal import pool

    random = np.random.RandomState(42)
    found = {}

    def add(name, *outputs):
        for number, out in enumerate(outputs):
            found["%s_%d" % (name, number)] = out  # noqa: UP031

    def shared(*shape, dtype="float32"):
        return theano.shared(random.normal(size=shape).astype(dtype))

    def grad(out, wrt):
        weights = np.cos(np.arange(1000, dtype="float32"))
        flat = out.flatten()
        return theano.grad((flat * T.as_tensor_variable(weights)[: flat.shape[0]]).sum(), wrt)

    a, b, v, w, t = shared(4, 5), shared(5, 4), shared(5), shared(4), shared(2, 3, 4)
    square, number = shared(4, 4), shared()
    integers = theano.shared(random.randint(-9, 9, (4, 5)).astype("int16"))
    index = theano.shared(np.array([2, 0, 3, 2, 1], "int64"))
    spd = T.dot(square, square.T) + np.eye(4, dtype="float32")

    # theano.tensor.basic
    add("arange", T.arange(2, 20, 3), T.arange(index[0] + 1.5))
    add(
        "alloc",
        T.alloc(number, 2, index[0]),
        T.zeros((3, index[0])),
        T.eye(4, 5, 1),
        T.tri(4, 5, -1),
    )
    add("diagonal", T.diag(v), T.diag(square), T.diagonal(t, 1, 0, 2), grad(T.diag(square), square))
    add("choose", T.choose(index % 3, [v, 2 * v, 3 * v]), T.basic.Default()(v, w))
    add("dot", T.dot(a, b), T.dot(a, v), T.dot(v, v), T.tensordot(t, t, [[1, 2], [1, 2]]))
    add("argmax", T.argmax(a, axis=1), T.argmax(t), *T.max_and_argmax(t, axis=(0, 2)))
    add("join", T.join(1, a, 2 * a), T.stack([v, v], axis=1), *T.split(v, [2, 3], 2, axis=0))
    add("mean", T.mean(a, axis=0), T.var(t), T.std(a, axis=1), T.basic.Mean(0)(a))
    add("nonzero", *T.nonzero(integers > 0))
    add("permute", T.permute_row_elements(a, index))
    add("reshape", a.reshape((2, 10)), a.flatten(), t.flatten(2), T.tile(a, (2, 1, 2)), t.ravel())
    add("tile", T.basic.Tile(2)(a, [2, 3]), T.basic.Flatten(1)(t))
    add("scalars", T.scalar_from_tensor(number), T.tensor_from_scalar(T.scalar_from_tensor(number)))
    # elemwise and reductions
    add("sum", a.sum(), t.sum(axis=1), integers.sum(axis=0), a.prod(), t.prod(axis=(0, 2)))
    add("all", T.all(integers > -9), T.any(a > 2, axis=1), T.max(a), T.min(t, axis=0))
    add("prod", grad(t.prod(axis=1), t), elemwise.ProdWithoutZeros(1)(integers))
    add("casts", a.astype("int8"), integers.astype("uint8"), T.round(a), T.clip(a, -0.5, 0.5))
    add(
        "elemwise",
        T.exp(integers),
        integers // 3,
        integers % 4,
        a // 0.3,
        a % 0.3,
        T.switch(a > 0, a, 0),
    )
    add(
        "functions",
        T.nnet.sigmoid(a),
        T.nnet.softplus(a),
        T.erf(a),
        T.gamma(a),
        T.gammaln(a),
        T.psi(a),
    )
    add("more", T.erfinv(T.tanh(a)), T.erfcx(a), T.chi2sf(a**2, 2.0), T.j0(a), xlogx.xlogx(a**2))
    # indexing
    add(
        "index",
        a[1],
        a[:, 1:4:2],
        t[::-1, 1, -2:],
        a[index[:3]],
        a[index[:3], index[1:4]],
        t[:, index[:2]],
    )
    add("mask", a[a > 0], a[:, v > 0], t[0, a[:3, :4] > 0])
    add(
        "set", T.set_subtensor(a[1:3], 0), T.inc_subtensor(a[:, 2], 1), T.inc_subtensor(v[index], v)
    )
    add(
        "advanced",
        T.set_subtensor(a[index[:3], index[1:4]], 7),
        T.inc_subtensor(t[:, index[:2]], 1),
    )
    add("masked", T.set_subtensor(a[a > 0], 1), T.inc_subtensor(a[a > 0], 1), grad(a[a > 0], a))
    add("gradients", grad(a[index[:3]], a), grad(a[index[:3], index[1:4]], a), grad(t[:, 1:], t))
    # extra_ops, sort
    add(
        "extra",
        extra_ops.bartlett(5),
        extra_ops.cumsum(a, 1),
        extra_ops.cumprod(t),
        extra_ops.diff(a, 2, 0),
        extra_ops.compress(np.array([1, 0, 1, 1]), a, axis=0),
    )
    add("fill", extra_ops.fill_diagonal(a, 3.0), extra_ops.fill_diagonal_offset(a, 3.0, 1))
    add(
        "repeat",
        extra_ops.repeat(a, 2, axis=1),
        extra_ops.repeat(v, index),
        extra_ops.squeeze(a[:1]),
        extra_ops.bincount(index),
    )
    add(
        "ravel",
        extra_ops.ravel_multi_index((index[:3], index[2:5]), (4, 5)),
        *extra_ops.unravel_index(index * 3, (4, 5)),
    )
    add(
        "search",
        extra_ops.searchsorted(T.sort(v), w),
        extra_ops.searchsorted(T.sort(v), w, side="right"),
    )
    add("unique", *extra_ops.Unique(True, True, True)(integers))
    add("contiguous", extra_ops.cpu_contiguous(a.T), extra_ops.to_one_hot(index, 5))
    add("sort", T.sort(a, 0), T.argsort(integers, 1), T.sort(t, axis=None), grad(T.sort(a), a))
    (
        add("topk", *T.topk_and_argtopk(a, 3, axis=1, sorted=False)),
        add("topk_", T.topk(integers, -2, sorted=False)),
    )
    # linear algebra
    add("nlinalg", nlinalg.det(square), nlinalg.matrix_inverse(square), nlinalg.pinv(a))
    add("eig", nlinalg.eigh(spd)[0], abs(nlinalg.eigh(spd)[1]), grad(nlinalg.eigh(spd)[0], square))
    add("svd", nlinalg.svd(a)[1], abs(nlinalg.qr(a)[1]), abs(nlinalg.qr(a, "r")))
    add("eigs", T.sort(nlinalg.eig(spd)[0]))
    add("tensor", nlinalg.tensorinv(square.reshape((2, 2, 2, 2))), nlinalg.tensorsolve(square, w))
    add("lstsq", *nlinalg.lstsq()(b, T.stack([v, 2 * v], axis=1), np.float64(1e-6)))
    add(
        "slinalg",
        slinalg.cholesky(spd),
        slinalg.solve(square, w),
        slinalg.expm(square),
        slinalg.kron(a, b),
    )
    add(
        "triangular", slinalg.solve_lower_triangular(spd, w), slinalg.solve_upper_triangular(spd, w)
    )
    add(
        "derived",
        grad(slinalg.cholesky(spd), square),
        grad(slinalg.expm(square), square),
        grad(slinalg.solve(square, w), square),
        grad(nlinalg.det(square), square),
    )
    add("eigvalsh", slinalg.eigvalsh(spd, T.eye(4)), grad(slinalg.eigvalsh(spd, T.eye(4)), square))
    add(
        "fft",
        fft.rfft(a),
        fft.irfft(fft.rfft(a), is_odd=True),
        fourier.fft(a, 5, 1),
        grad(fft.rfft(a), a),
    )
    # BLAS
    add(
        "gemm",
        blas.gemm_no_inplace(square, number, a, b, number),
        blas._dot22(a, b),
        blas._dot22scalar(a, b, number),
    )
    add(
        "gemv",
        blas.gemv_no_inplace(w, number, a, v, number),
        blas.ger(a, number, w, v),
        blas_scipy.scipy_ger_no_inplace(a, number, w, v),
    )
    add("batched", T.batched_dot(t, t.dimshuffle(0, 2, 1)), T.batched_tensordot(t, t, [[1], [1]]))
    # nnet
    add(
        "softmax",
        T.nnet.softmax(a),
        T.nnet.logsoftmax(a),
        nnet.softmax_with_bias(a, v),
        grad(T.nnet.softmax(a), a),
    )
    add(
        "crossentropy",
        nnet.crossentropy_softmax_1hot(a, index[:4])[0],
        grad(nnet.crossentropy_softmax_1hot_with_bias(a, v, index[:4])[0], a),
        T.nnet.categorical_crossentropy(T.nnet.softmax(a), index[:4]),
        grad(T.nnet.categorical_crossentropy(T.nnet.softmax(a), index[:4]), a),
    )
    add(
        "prepend",
        nnet.Prepend_scalar_to_each_row()(number, a),
        nnet.Prepend_scalar_constant_to_each_row(theano.scalar.constant(2.0, dtype="float32"))(a),
    )
    image, kernel = shared(2, 3, 6, 7), shared(4, 3, 3, 2)
    normal = bn.batch_normalization_train(
        image, *(T.ones((1, 3, 1, 1)) for _ in range(2)), axes="spatial"
    )
    add("bn", *normal[:3])
    add("bn_", grad(normal[0], image))
    add(
        "bn_test",
        bn.batch_normalization_test(
            image, *(T.ones((1, 3, 1, 1)) * 2 for _ in range(4)), axes="spatial"
        ),
    )
    add(
        "neibs",
        *(
            neighbours.images2neibs(image, (3, 3), (1, 1), mode=mode)
            for mode in ("ignore_borders", "wrap_centered", "half", "full")
        ),
    )
    for border in ("valid", "full", "half", (1, 2)):
        out = abstract_conv.conv2d(image, kernel, None, None, border, (2, 1))
        add("conv_%s" % (border,), out, grad(out, image), grad(out, kernel))  # noqa: UP031
    video, filters = shared(1, 2, 4, 5, 4), shared(3, 2, 2, 3, 2)
    out = abstract_conv.conv3d(video, filters, None, None, "valid", (1, 1, 2))
    add("conv3d", out, grad(out, video), grad(out, filters))
    add(
        "conv3d2d",
        conv3d2d.conv3d(video.dimshuffle(0, 2, 1, 3, 4), filters.dimshuffle(0, 2, 1, 3, 4)),
    )
    blocks = [shared(3, 2, 4, 5), shared(2, 3, 4), np.array([[0, 1, 2], [2, 1, 0]])]
    blocks += [shared(2, 5), np.array([[0, 1], [1, 0]])]
    out = T.nnet.blocksparse.sparse_block_dot(*blocks)
    add("blocks", out, grad(out, blocks[0]))
    for mode in ("max", "sum", "average_inc_pad", "average_exc_pad"):
        out = pool.pool_2d(image, (2, 3), True, (2, 2), (0, 0), mode)
        add("pool_" + mode, out, grad(out, image))
    out = pool.pool_2d(image, (2, 3), True, (2, 2), (1, 1))
    first = theano.grad((out**2).sum(), image)
    add("pool_second", theano.grad((first**2).sum(), image), T.Rop(out, image, image**2))
    # sparse
    matrix = scipy.sparse.random(4, 5, 0.5, "csc", "float32", np.random.RandomState(3))
    c, r = theano.shared(matrix), theano.shared(matrix.tocsr())
    dense = S.dense_from_sparse
    add(
        "sparse",
        dense(c),
        dense(r),
        dense(S.transpose(c)),
        dense(S.csc_from_dense(a)),
        dense(S.csr_from_dense(a)),
    )
    add(
        "sparse_add",
        dense(c + c),
        c + a,
        dense(S.structured_add_s_v(c, v)),
        dense(S.add_s_s_data(c, c)),
    )
    add(
        "sparse_mul",
        dense(c * c),
        dense(c * a),
        dense(S.mul_s_v(c, v)),
        dense(S.mul_s_v(r, v)),
        dense(-c),
    )
    add(
        "sparse_dot",
        S.dot(c, b),
        S.dot(a.T, r),
        S.structured_dot(c, b),
        S.structured_dot(r, b),
        dense(S.true_dot(c, S.transpose(c))),
        dense(S.sampling_dot(a, a, S.csr_from_dense(T.ones((4, 4))))),
    )
    add(
        "sparse_grads",
        grad(S.structured_dot(c, b), b),
        S.sp_sum(c, axis=0),
        S.sp_sum(r, axis=1),
        S.sp_sum(c),
    )
    data = theano.shared(matrix.data)
    built = S.CSC(data, matrix.indices, matrix.indptr, np.array(matrix.shape))
    (
        add("sparse_csm", dense(built), *S.csm_properties(c)),
        add(
            "sparse_csm_",
            grad(dense(built), data),
            grad(S.structured_dot(built, b), data),
            grad(S.structured_exp(built).toarray(), data),
        ),
    )
    add(
        "sparse_scale",
        dense(S.col_scale(c, v)),
        dense(S.row_scale(c, w)),
        dense(S.square_diagonal(w)),
        S.diag(S.csc_from_dense(square)),
        dense(S.clean(c)),
        dense(S.ensure_sorted_indices(c)),
        dense(S.cast(c, "float64")),
    )
    add("sparse_stack", dense(S.hstack([c, c])), dense(S.vstack([r, r], format="csr")))
    add(
        "sparse_items",
        dense(c[1:3, 2:]),
        c[1, 2],
        dense(r[[0, 2]]),
        r[[0, 1], [2, 3]],
        dense(r[2:]),
    )
    add("sparse_compare", *(dense(f(c, 2 * c)) for f in (S.eq, S.neq, S.lt, S.gt, S.le, S.ge)))
    add("sparse_compare_dense", *(f(c, a) for f in (S.eq, S.neq, S.lt, S.gt, S.le, S.ge)))
    add("usmm", S.usmm(number, c, b, square))
    rows = S.CSR(data, *(getattr(matrix.tocsr(), n) for n in ("indices", "indptr")), (4, 5))
    add("csr", grad(S.structured_dot(rows, b), data))
    add("items_grad", dense(theano.grad(S.sp_sum(r[[0, 2]]), r)))
    add("items_grad_", dense(theano.grad(r[[0, 1], [2, 3]].sum(), r)))
    add("sparse_grad", dense(theano.grad(theano.sparse_grad(a[index[:3]]).sum(), a)))
    # The rest
    add("argmax_", T.basic.Argmax((1,))(a))
    add(
        "ops",
        T.opt.Assert()(a, T.eq(1, 1)),
        T.patternbroadcast(a[:1], (True, False)),
        T.specify_shape(a, (4, 5)),
    )
    add(
        "shape",
        a.shape,
        t.shape[1],
        T.stack([index[0], index[1]]),
        T.opt.MakeVector("int64")(index[0], 3),
    )
    uniform = theano.shared(random.uniform(size=4).astype("float32"))
    chances = T.nnet.softmax(a)
    add("multinomial", multinomial.MultinomialFromUniform("int64")(chances, uniform, 1))
    add(
        "choice",
        multinomial.ChoiceFromUniform(odtype="int64")(
            chances, T.concatenate([uniform, uniform / 2]), 2
        ),
    )
    add(
        "without",
        multinomial.MultinomialWOReplacementFromUniform("int64")(
            chances, T.concatenate([uniform, uniform / 2]), 2
        ),
    )
    stream = rng_mrg.MRG_RandomStreams(5)
    add(
        "mrg",
        stream.uniform((3, 2), nstreams=4),
        stream.normal((2, 2), nstreams=4),
        stream.binomial((5,), p=0.5),
    )
    factors = T.as_tensor_variable(np.array([[3, 5, 7], [2**30, 11, 13], [17, 19, 2**29]] * 2))
    states = T.as_tensor_variable(np.array([2**30, 5, 7] * 2, "int32"))
    moduli = [T.constant(np.int32(2**31 - 1)), T.constant(np.int32(2**31 - 21069))]
    halves = [(factors[half], states[half]) for half in (slice(3), slice(3, 6))]
    add("modulo", rng_mrg.DotModulo()(*halves[0], moduli[0], *halves[1], moduli[1]))
    drawn = T.shared_randomstreams.RandomStreams(5)
    add(
        "random",
        drawn.uniform((3,)),
        drawn.normal((2, 2)),
        drawn.binomial((4,), 3, 0.4),
        drawn.permutation((2,), 5),
    )
    add(
        "random_",
        drawn.random_integers((4,), 2, 9),
        drawn.multinomial((2,), 4, [0.3, 0.7]),
        drawn.choice((3,), 7),
    )
    many = typed_list.make_list([v, 2 * v, 3 * v])
    add(
        "lists",
        many[1],
        many.append(v)[-1],
        typed_list.length(many),
        many.reverse()[0],
        many.insert(index[1], 4 * v)[0],
        typed_list.count(many, v),
        typed_list.basic.Index()(many, 2 * v),
        many.remove(v)[0],
        many.extend(many)[4],
        many[0:2][1],
    )
    return found


def computed():
    """Return {name: array} of the graphs, and the names of the Ops that ran in Python."""
    import theano

    found = graphs()
    names = sorted(found)
    function = theano.function([], [found[name] for name in names], mode=theano.Mode("py", None))
    ops = {type(node.op).__name__ for node in function.maker.fgraph.toposort()}
    return dict(zip(names, map(np.asarray, function()))), ops  # noqa: B905


def save(path, values):
    """Write {name: array} into one small file."""
    names = sorted(values)
    index = [[name, values[name].dtype.str, list(values[name].shape)] for name in names]
    data = b"".join(values[name].tobytes() for name in names)
    np.savez_compressed(path, index=json.dumps(index), data=np.frombuffer(data, "uint8"))


def load(path):
    """Return what `save` wrote."""
    values, begin = {}, 0
    with np.load(path) as stored:
        data = stored["data"]
        for name, dtype, shape in json.loads(str(stored["index"])):
            end = begin + int(np.prod(shape)) * np.dtype(dtype).itemsize
            values[name] = data[begin:end].view(dtype).reshape(shape)
            begin = end
    return values


if __name__ == "__main__":
    save(sys.argv[1], computed()[0])

"""C code that calls BLAS, which is nowhere to link to.

blas.ldflags is empty: no system BLAS has to be installed, and Theano's C code brings a gemm,
gemv and dot of its own that call NumPy (tensor/c_code/alt_blas_template.c). The same file
declares Fortran's, whose arguments differ by a const, and C++ takes these where a call fits them
better: undefined symbol sdot_ in SamplingDotCSR, sgemm_ in BatchedDot. Here the declarations go,
and the functions are there with both kinds of arguments. axpy, which UsmmCscDense calls
(z + alpha * (a sparse matrix times a dense one)), is not among Theano's three; it is supplied.

- BatchedDot goes through np.matmul, one call for the whole batch.
- CGer, which Theano itself leaves out of its graphs here, runs in Python.
- UsmmCscDense, where the dense matrix has negative strides, starts at the wrong end of memory that
  it takes for as long as there are rows, not columns.
"""

from __future__ import annotations

import re
from types import ModuleType

import numpy as np

from theano_today import hooks

_OTHERS = """
    /* With const, as Fortran's are declared. */
    static inline void %(p)sgemm_(char* transa, char* transb, const int* m, const int* n,
            const int* k, const %(t)s* alpha, const %(t)s* a, const int* lda, const %(t)s* b,
            const int* ldb, const %(t)s* beta, %(t)s* c, const int* ldc) {
        %(p)sgemm_(transa, transb, m, n, k, alpha, (%(t)s*)a, lda, (%(t)s*)b, ldb, beta, c, ldc);
    }
    static inline void %(p)sgemv_(char* trans, const int* m, const int* n, const %(t)s* alpha,
            const %(t)s* a, const int* lda, const %(t)s* x, const int* incx, const %(t)s* beta,
            %(t)s* y, const int* incy) {
        %(p)sgemv_(trans, m, n, alpha, (%(t)s*)a, lda, (%(t)s*)x, incx, beta, y, incy);
    }
    static inline %(t)s %(p)sdot_(const int* n, const %(t)s* x, const int* incx,
            const %(t)s* y, const int* incy) {
        return %(p)sdot_(n, (%(t)s*)x, incx, (%(t)s*)y, incy);
    }
    /* y += a * x. Of vectors with negative strides the last element comes first. */
    static inline void %(p)saxpy_(const int* n, const %(t)s* a, const %(t)s* x, const int* incx,
            %(t)s* y, const int* incy) {
        if (*incx < 0) x += (npy_intp)(1 - *n) * *incx;
        if (*incy < 0) y += (npy_intp)(1 - *n) * *incy;
        for (npy_intp i = 0; i < *n; ++i) y[i * *incy] += *a * x[i * *incx];
    }
"""

_DECLARED = re.compile(
    r"^\s*(void|float|double) [sd](gemm|gemv|dot|axpy)_\s*\([^;{]*\);", re.MULTILINE
)


def install() -> None:
    hooks.after_import("theano.tensor.blas_headers", _declare_once)
    hooks.after_import("theano.tensor.blas", _batched_dot_by_matmul)
    hooks.after_import("theano.tensor.blas_c", _refuse_ger)
    hooks.after_import("theano.sparse.opt", _mend_negative_strides)


def _declare_once(blas_headers: ModuleType) -> None:
    import theano

    original = blas_headers.blas_header_text

    def blas_header_text():
        text = original()
        if theano.config.blas.ldflags:
            return text
        others = [_OTHERS % {"p": p, "t": t} for p, t in (("s", "float"), ("d", "double"))]
        return _DECLARED.sub("", text) + "".join(others)

    blas_headers.blas_header_text = blas_header_text  # type: ignore[attr-defined]


def _batched_dot_by_matmul(blas: ModuleType) -> None:
    def c_code(self, node, name, inp, out, sub):
        raise NotImplementedError("needs a BLAS to link to; np.matmul does it")

    def perform(self, node, inp, out):
        x, y = inp
        if x.shape[0] != y.shape[0]:
            raise TypeError(
                f"theano.tensor.blas.BatchedDot: inputs of shapes {x.shape} and {y.shape}; "
                "expected the same size in axis 0"
            )
        out[0][0] = _batched_dot(x, y)

    blas.BatchedDot.c_code = c_code
    blas.BatchedDot.perform = perform


def _batched_dot(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return an array whose element i is np.dot(x[i], y[i]), of matrices or vectors.

    Raises
    ------
    ValueError
        If the inner dimensions differ.
    """
    x3 = x if x.ndim == 3 else x[:, None, :]
    y3 = y if y.ndim == 3 else y[:, :, None]
    z = np.matmul(_for_gemm(x3), _for_gemm(y3))
    if y.ndim == 2:
        z = z[:, :, 0]
    return z[:, 0] if x.ndim == 2 else z


def _for_gemm(a: np.ndarray) -> np.ndarray:
    # matmul leaves BLAS for loops of its own where neither rows nor columns are contiguous.
    rows, columns = a.strides[1:]
    if rows < 0 or columns < 0 or a.itemsize not in (rows, columns):
        return np.ascontiguousarray(a)
    return a


def _refuse_ger(blas_c: ModuleType) -> None:
    import theano

    original = blas_c.CGer.c_code

    def c_code(self, node, name, inp, out, sub):
        if not theano.config.blas.ldflags:
            raise NotImplementedError("needs a BLAS to link to; NumPy's outer product does it")
        return original(self, node, name, inp, out, sub)

    blas_c.CGer.c_code = c_code


def _mend_negative_strides(opt: ModuleType) -> None:
    code, version = opt.UsmmCscDense.c_code, opt.UsmmCscDense.c_code_cache_version

    def c_code(self, *args):
        return code(self, *args).replace("y_row += (K - 1) * Sy;", "y_row += (N - 1) * Sy;")

    opt.UsmmCscDense.c_code = c_code
    opt.UsmmCscDense.c_code_cache_version = lambda self: (*version(self), "columns")

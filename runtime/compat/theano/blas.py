"""C code that calls BLAS, which is nowhere to link to.

blas.ldflags is empty: no system BLAS has to be installed, and Theano's C code brings a gemm,
gemv and dot of its own that call NumPy (tensor/c_code/alt_blas_template.c). Two Ops want more:

- BatchedDot hands gemm's address to a template, and of the two declarations in the file C++ takes
  the Fortran one: undefined symbol sgemm_. np.matmul does it, in one call for the whole batch.
- UsmmCscDense, z + alpha * (a sparse matrix times a dense one), wants saxpy_ and daxpy_, which
  are not among the three. They are supplied. Where the dense matrix has negative strides, its C
  code starts at the wrong end of memory that it takes for as long as there are rows, not columns.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from runtime.compat import hooks

_AXPY = """
    /* y += a * x, as in BLAS: of vectors with negative strides the last element comes first. */
    template<typename dtype>
    static void net2_axpy(const int* n, const dtype* a, const dtype* x, const int* incx,
                          dtype* y, const int* incy) {
        if (*incx < 0) x += (npy_intp)(1 - *n) * *incx;
        if (*incy < 0) y += (npy_intp)(1 - *n) * *incy;
        for (npy_intp i = 0; i < *n; ++i) y[i * *incy] += *a * x[i * *incx];
    }
    #define saxpy_ net2_axpy<float>
    #define daxpy_ net2_axpy<double>
"""


def install() -> None:
    hooks.after_import("theano.tensor.blas", _batched_dot_by_matmul)
    hooks.after_import("theano.sparse.opt", _supply_axpy)


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


def _supply_axpy(opt: ModuleType) -> None:
    import theano

    support, code = opt.UsmmCscDense.c_support_code, opt.UsmmCscDense.c_code

    def c_support_code(self):
        return support(self) + ("" if theano.config.blas.ldflags else _AXPY)

    def c_code(self, *args):
        return code(self, *args).replace("y_row += (K - 1) * Sy;", "y_row += (N - 1) * Sy;")

    def c_code_cache_version(self):
        return (*version(self), "net2")

    version = opt.UsmmCscDense.c_code_cache_version
    opt.UsmmCscDense.c_support_code = c_support_code
    opt.UsmmCscDense.c_code = c_code
    opt.UsmmCscDense.c_code_cache_version = c_code_cache_version

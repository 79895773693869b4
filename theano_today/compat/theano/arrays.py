"""Functions and attributes of NumPy that Theano's own Python code calls, and that changed.

tests/lost_names.py finds the names, release notes the rest. What is mended where it stands:

- unique's inverse has the shape of its input since NumPy 2.0, and Theano declares a vector; since
  1.21 all NaNs are one value.
- fft computes float32 in float32 since 2.0. Theano's RFFTOp and IRFFTOp rounded what was computed
  in float64, and theano.tensor.fourier promises complex128.
- linalg.eig gives complex numbers for real eigenvalues as well since 2.5: cast back with a warning.
- scipy.linalg.solve looks at A since SciPy 1.15 and solves by what it sees (diagonal, triangular,
  positive definite, ...): rounded otherwise than by the LU decomposition.
- np.exp(x, sig="f") is refused since 2.3: sig names all inputs and outputs. Theano says it for int8
  and uint8, in Python, to compute in float32 rather than float16.
- np.float32(1) / x is float32 for a Python float x since 2.0: T.inv of float64 lost its digits.
- An object whose attribute dtype is a string is not accepted as a dtype since 2.3: T.ceil_intdiv
  and the gradients of zero_grad and consider_constant pass variables, those of deg2rad and rad2deg
  types.
- array.tostring is gone since 2.3, array.itemset since 2.0; to set strides is deprecated since
  2.4, array.resize since 2.5.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from theano_today import hooks
from theano_today.compat.source import edit


def install() -> None:
    hooks.after_import("theano.scalar.basic", _mend_scalars)
    hooks.after_import("theano.tensor.nnet.sigm", _mend_sigm)
    hooks.after_import("theano.tensor.extra_ops", _mend_unique)
    hooks.after_import("theano.tensor.fft", _mend_fft)
    hooks.after_import("theano.tensor.fourier", _mend_fourier)
    hooks.after_import("theano.tensor.nlinalg", _mend_eig)
    hooks.after_import("theano.tensor.slinalg", _mend_solve)
    hooks.after_import("theano.tensor.nnet.conv3d2d", _mend_diagonal)
    hooks.after_import("theano.tensor.nnet.nnet", _mend_prepend)
    hooks.after_import("theano.tensor.blas", _mend_gemm)
    hooks.after_import("theano.gradient", _mend_zero_grad)
    hooks.after_import("theano.compile.debugmode", _mend_debugmode)
    hooks.after_import("theano.printing", _mend_printing)


# theano.scalar's classes that compute int8 and uint8 in float32.
_OF_FLOATS: tuple[str, ...]
_OF_FLOATS = ("Log", "Log2", "Log10", "Log1p", "Exp", "Exp2", "Expm1", "Sqrt", "Deg2Rad", "Rad2Deg")
_OF_FLOATS += ("Cos", "ArcCos", "Sin", "ArcSin", "Tan", "ArcTan", "ArcTan2")
_OF_FLOATS += ("Cosh", "ArcCosh", "Sinh", "ArcSinh", "Tanh", "ArcTanh")


def _mend_scalars(basic: ModuleType) -> None:
    for name in _OF_FLOATS:
        edit(getattr(basic, name).impl, {"sig='f'": "dtype='f'"})
    edit(basic.Inv.impl, {"np.float32(1.0) / x": "np.float32(1.0) / np.asarray(x)[()]"})
    for cls in (basic.Deg2Rad, basic.Rad2Deg):
        edit(cls.L_op, {"gz.type)": "gz.type.dtype)"})
    edit(
        basic.upcast,
        {"np.zeros((), dtype=dt)": "np.zeros((), dt.dtype if isinstance(dt, Variable) else dt)"},
    )


def _mend_sigm(sigm: ModuleType) -> None:
    edit(sigm.ScalarSigmoid.st_impl, {"sig='f'": "dtype='f'"})
    edit(sigm.ScalarSoftplus.static_impl, {"sig='f'": "dtype='f'"})


def _mend_unique(extra_ops: ModuleType) -> None:
    flat = "outs[i] if i == 0 else outs[i].ravel()"
    edit(
        extra_ops.Unique.perform,
        {"np.unique(x, **param)": "np.unique(x, equal_nan=False, **param)", "outs[i]": flat},
    )


def _mend_fft(fft: ModuleType) -> None:
    # Without axes the last ones are meant, and a warning is given since NumPy 2.0.
    axes = "s=tuple(s), axes=tuple(range(-len(s), 0))"
    edit(fft.RFFTOp.perform, {"rfftn(a, s=tuple(s)": f"rfftn(a.astype('float64'), {axes}"})
    edit(
        fft.IRFFTOp.perform, {"irfftn(inp, s=tuple(s)": f"irfftn(inp.astype('complex128'), {axes}"}
    )


def _mend_fourier(fourier: ModuleType) -> None:
    edit(fourier.Fourier.perform, {"np.fft.fft(a,": "np.fft.fft(a.astype('complex128'),"})


def _mend_eig(nlinalg: ModuleType) -> None:
    nlinalg.Eig._numop = staticmethod(_eig)


def _eig(x):
    values, vectors = np.linalg.eig(x)
    if not np.iscomplexobj(x) and not values.imag.any():
        values, vectors = values.real, vectors.real
    return values, vectors


def _mend_solve(slinalg: ModuleType) -> None:
    general = {"scipy.linalg.solve(A, b)": "scipy.linalg.solve(A, b, assume_a='gen')"}
    edit(slinalg.Solve.perform, general)


def _mend_diagonal(conv3d2d: ModuleType) -> None:
    conv3d2d._as_strided = np.lib.stride_tricks.as_strided  # type: ignore[attr-defined]
    edit(
        conv3d2d.get_diagonal_subtensor_view,
        {"xview.strides = strides": "xview = _as_strided(xview, strides=strides)"},
    )


def _mend_prepend(nnet: ModuleType) -> None:
    # It tried to enlarge what the call before returned, which the caller most often still has.
    for op in (nnet.Prepend_scalar_constant_to_each_row, nnet.Prepend_scalar_to_each_row):
        edit(op.perform, {"output[0].resize(new_shape)": "raise Exception"})


def _mend_gemm(blas: ModuleType) -> None:
    edit(
        blas.Gemm.perform,
        {"z.itemset(z * a + b * np.dot(x, y))": "z[()] = z * a + b * np.dot(x, y)"},
    )


def _mend_zero_grad(gradient: ModuleType) -> None:
    for op in (gradient.ZeroGrad, gradient.ConsiderConstant):
        edit(op.grad, {"zeros_like(g_out)": "zeros_like(g_out.dtype)"})


def _mend_debugmode(debugmode: ModuleType) -> None:
    edit(
        debugmode._Linker.make_all,
        {"storage_map[r][0].itemset(dr_vals[r][0])": "storage_map[r][0][()] = dr_vals[r][0]"},
    )


def _mend_printing(printing: ModuleType) -> None:
    edit(printing.hex_digest, {"x.tostring()": "x.tobytes()"})

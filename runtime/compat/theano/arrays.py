"""Functions and attributes of NumPy that Theano's own Python code calls, and that changed.

tests/lost_names.py finds the names, release notes the rest. What is mended where it stands:

- unique's inverse has the shape of its input since NumPy 2.0, and Theano declares a vector; since
  1.21 all NaNs are one value.
- fft computes float32 in float32 since 2.0. Theano's RFFTOp and IRFFTOp rounded what was computed
  in float64, and theano.tensor.fourier promises complex128.
- linalg.eig gives complex numbers for real eigenvalues as well since 2.5: cast back with a warning.
- array.tostring is gone since 2.3, array.itemset since 2.0; to set strides is deprecated since
  2.4, array.resize since 2.5.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from runtime.compat import hooks
from runtime.compat.source import edit


def install() -> None:
    hooks.after_import("theano.tensor.extra_ops", _mend_unique)
    hooks.after_import("theano.tensor.fft", _mend_fft)
    hooks.after_import("theano.tensor.fourier", _mend_fourier)
    hooks.after_import("theano.tensor.nlinalg", _mend_eig)
    hooks.after_import("theano.tensor.nnet.conv3d2d", _mend_diagonal)
    hooks.after_import("theano.tensor.nnet.nnet", _mend_prepend)
    hooks.after_import("theano.tensor.blas", _mend_gemm)
    hooks.after_import("theano.compile.debugmode", _mend_debugmode)
    hooks.after_import("theano.printing", _mend_printing)


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


def _mend_diagonal(conv3d2d: ModuleType) -> None:
    conv3d2d._as_strided = np.lib.stride_tricks.as_strided  # type: ignore[attr-defined]
    edit(
        conv3d2d.get_diagonal_subtensor_view,
        {"xview.strides = strides": "xview = _as_strided(xview, strides=strides)"},
    )


def _mend_prepend(nnet: ModuleType) -> None:
    # It tried to enlarge what the call before returned, which most often somebody still has.
    for op in (nnet.Prepend_scalar_constant_to_each_row, nnet.Prepend_scalar_to_each_row):
        edit(op.perform, {"output[0].resize(new_shape)": "raise Exception"})


def _mend_gemm(blas: ModuleType) -> None:
    edit(
        blas.Gemm.perform,
        {"z.itemset(z * a + b * np.dot(x, y))": "z[()] = z * a + b * np.dot(x, y)"},
    )


def _mend_debugmode(debugmode: ModuleType) -> None:
    edit(
        debugmode._Linker.make_all,
        {"storage_map[r][0].itemset(dr_vals[r][0])": "storage_map[r][0][()] = dr_vals[r][0]"},
    )


def _mend_printing(printing: ModuleType) -> None:
    edit(printing.hex_digest, {"x.tostring()": "x.tobytes()"})

"""What Theano 1.0.5's generated C and C++ can no longer compile.

- The C code of every Op wants names that NumPy 2.0's headers dropped: see numpy2.h.
- NumPy 2.0 also closed the iterator behind x[indices] += y, moved the constant for "no axis"
  away from MAXDIMS, and made its complex numbers C99's: three pieces of C code are mended.
  NPY_MAXDIMS itself stays what it is in NumPy's headers: users' Ops size arrays by it.
- DimShuffle's C code took an axis of stride 0 (np.broadcast_to's) for one of length 1 and read
  beyond the array, in 2020 as well.
"""

from __future__ import annotations

import logging
import re
import zlib
from pathlib import Path
from types import ModuleType

from theano_today import hooks

HEADER = Path(__file__).with_name("numpy2.h")

# From NumPy 2.0 on the descriptor of a dtype is opaque unless the 2.0 C API is asked for;
# Theano's C code reads PyArray_DESCR(x)->elsize. 0x12 is NPY_2_0_API_VERSION.
_API_FLAGS = ["-DNPY_TARGET_VERSION=0x00000012"]


def install() -> None:
    hooks.after_import("theano.gof.cmodule", _add_compile_arguments)
    hooks.after_import("theano.tensor.basic", _mend_no_axis_of_maximum)
    hooks.after_import("theano.tensor.subtensor", _increment_in_python)
    hooks.after_import("theano.tensor.subtensor", _mend_no_axis_of_indices)
    hooks.after_import("theano.tensor.extra_ops", _mend_no_axis)
    hooks.after_import("theano.scalar.basic", _mend_complex)
    hooks.after_import("theano.tensor.elemwise", _keep_strides_of_zero)
    logging.getLogger("theano.tensor.blas").addFilter(_not_about_numpy_blas)


def _add_compile_arguments(cmodule: ModuleType) -> None:
    # In compile_args rather than in the flag gcc.cxxflags: that one is split at every space,
    # and the project may live in a folder whose name has some.
    original = cmodule.GCC_compiler.compile_args
    # Modules compiled with another numpy2.h must not be taken from Theano's cache, whose key
    # is made of the arguments and not of what the headers hold.
    version = f"-DTHEANO_TODAY_NUMPY2_H_CRC={zlib.crc32(HEADER.read_bytes())}"

    def compile_args(march_flags=True):
        return [*original(march_flags), "-include", str(HEADER), version, *_API_FLAGS]

    cmodule.GCC_compiler.compile_args = staticmethod(compile_args)


def _increment_in_python(subtensor: ModuleType) -> None:
    # x[indices] += y, the gradient of x[indices] and so of every EmbeddingLayer: its C code
    # walks PyArrayMapIterObject, private since NumPy 2.0. Python does it with np.add.at,
    # which NumPy 1.25 made as fast.
    def c_code(self, node, name, inputs, outputs, sub):
        raise NotImplementedError("needs PyArrayMapIterObject, which NumPy 2.0 made private")

    subtensor.AdvancedIncSubtensor1.c_code = c_code


def _say_ravel_axis(op: type) -> None:
    original = op.c_code  # type: ignore[attr-defined]

    def c_code(self, *args):
        return original(self, *args).replace("NPY_MAXDIMS", "NPY_RAVEL_AXIS")

    op.c_code = c_code  # type: ignore[attr-defined]


def _mend_no_axis_of_maximum(basic: ModuleType) -> None:
    _say_ravel_axis(basic.Argmax)
    _say_ravel_axis(basic.MaxAndArgmax)


def _mend_no_axis_of_indices(subtensor: ModuleType) -> None:
    _say_ravel_axis(subtensor.AdvancedSubtensor1)  # the largest of all indices


def _mend_no_axis(extra_ops: ModuleType) -> None:
    _say_ravel_axis(extra_ops.CumOp)
    # cumsum and cumprod hand the number to C; np.MAXDIMS is gone since NumPy 2.0, whose
    # NPY_RAVEL_AXIS is the smallest C int (numpy/npy_2_compat.h).
    extra_ops.CumOp.c_axis = property(lambda op: -(2**31) if op.axis is None else op.axis)


def _keep_strides_of_zero(elemwise: ModuleType) -> None:
    original = elemwise.DimShuffle.load_c_code

    def mended(code: str) -> str:
        return re.sub(r"if \(strides\[(.+?)\] == 0\)",
                      r"if (strides[\1] == 0 && dimensions[\1] == 1)", code)  # fmt: skip

    # Each DimShuffle read and parsed the same file: a net with batch normalisation has thousands.
    read: dict[tuple, tuple[list[str], dict[str, str]]] = {}

    def load_c_code(self, func_files):
        files = (type(self), *func_files)
        if type(self) is not elemwise.DimShuffle or files not in read:
            original(self, func_files)
            read[files] = (
                [mended(code) for code in self.func_codes],
                {name: mended(code) for name, code in self.code_sections.items()},
            )
        codes, sections = read[files]
        self.func_codes, self.code_sections = list(codes), dict(sections)

    elemwise.DimShuffle.load_c_code = load_c_code


def _mend_complex(basic: ModuleType) -> None:
    # struct theano_complex64 inherited real and imag from npy_complex64, which NumPy 2.0 made
    # a C99 complex number without such members: give it two of its own, in the same places.
    # It meets signed integers and floats only: unsigned ones and bool (C's unsigned char) were
    # undefined symbols in Theano, too, when the module was loaded.
    original = basic.Scalar.c_support_code

    def c_support_code(self):
        code = re.sub(r"(struct theano_complex\d+) : public npy_complex\d+", r"\1", original(self))
        code = re.sub(r"(typedef npy_float\d+ scalar_type;)", r"\1 scalar_type real, imag;", code)
        of_int8 = re.findall(r"^.*\bnpy_int8\b.*\n.*\n", code, re.MULTILINE)
        return code + "".join(
            function.replace("npy_int8", f"npy_uint{bits}")
            for bits in (8, 16, 32, 64)
            for function in of_int8
        )

    basic.Scalar.c_support_code = c_support_code


def _not_about_numpy_blas(record: logging.LogRecord) -> bool:
    # blas.ldflags is empty on purpose (see configure.py); Theano warns each time it is.
    return "Using NumPy C-API based implementation for BLAS" not in record.getMessage()

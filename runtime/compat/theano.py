"""What Theano 1.0.5 lost (to Lasagne 0.1's eyes) or can no longer compile.

- theano.tensor.signal.downsample, gone in 1.0: Lasagne's pooling layers call max_pool_2d.
- scan's C loop (scan_perform.c, written by Cython in 2017) does not compile since Python
  3.11 moved longintrepr.h: scan runs its Python loop instead, with the same results.
- The C code of every Op wants names that NumPy 2.0's headers dropped: see numpy2.h.
"""

from __future__ import annotations

import logging
from pathlib import Path
from types import ModuleType

from runtime.compat import hooks

HEADER = Path(__file__).with_name("numpy2.h")

# From NumPy 2.0 on the descriptor of a dtype is opaque unless the 2.0 C API is asked for;
# Theano's C code reads PyArray_DESCR(x)->elsize. 0x12 is NPY_2_0_API_VERSION.
_API_FLAGS = ["-DNPY_TARGET_VERSION=0x00000012"]


def install() -> None:
    hooks.supply("theano.tensor.signal.downsample", _fill_downsample)
    hooks.replace("theano.scan_module.scan_perform_ext", _refuse_scan_perform)
    hooks.after_import("theano.gof.cmodule", _add_compile_arguments)
    logging.getLogger("theano.tensor.blas").addFilter(_not_about_numpy_blas)


def _fill_downsample(module: ModuleType) -> None:
    from theano.tensor.signal import pool

    def max_pool_2d(input, ds, ignore_border=None, st=None, padding=(0, 0), mode="max"):
        """Pool the last two axes of `input`, as Theano 0.7's function of this name did."""
        return pool.pool_2d(
            input, ws=ds, ignore_border=ignore_border, stride=st, pad=padding, mode=mode
        )

    module.max_pool_2d = max_pool_2d  # type: ignore[attr-defined]
    module.max_pool_2d_same_size = pool.max_pool_2d_same_size  # type: ignore[attr-defined]
    module.DownsampleFactorMax = pool.Pool  # type: ignore[attr-defined]


def _refuse_scan_perform(module: ModuleType) -> None:
    # Scan.make_thunk answers an ImportError by using its Python loop.
    raise ImportError("Theano 1.0.5's scan_perform.c does not compile on Python 3.11 or newer")


def _add_compile_arguments(cmodule: ModuleType) -> None:
    # In compile_args rather than in the flag gcc.cxxflags: that one is split at every space,
    # and the project may live in a folder whose name has some.
    original = cmodule.GCC_compiler.compile_args

    def compile_args(march_flags=True):
        return [*original(march_flags), "-include", str(HEADER), *_API_FLAGS]

    cmodule.GCC_compiler.compile_args = staticmethod(compile_args)


def _not_about_numpy_blas(record: logging.LogRecord) -> bool:
    # blas.ldflags is empty on purpose (see flags.py); Theano warns each time it is.
    return "Using NumPy C-API based implementation for BLAS" not in record.getMessage()

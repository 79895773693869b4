"""theano.sandbox.cuda.nvcc_compiler: it is imported, and there is no nvcc.

pylearn2's cuda_convnet imports it on machines without a GPU as well, and its layers of maxout
import that. So it was on the CPU then: only who compiled got an error.
"""

from __future__ import annotations

from theano_today.errors import SetupError

__all__ = ["NVCC_compiler", "add_standard_rpath", "is_nvcc_available", "rpath_defaults"]

rpath_defaults: list[str] = []


def add_standard_rpath(rpath):
    """Add a folder to those where compiled modules look for libraries."""
    rpath_defaults.append(rpath)


def is_nvcc_available():
    return False


class NVCC_compiler:
    """What compiled CUDA code.

    Raises
    ------
    SetupError
        Whatever is asked of it.
    """

    def __init__(self):
        self.compile_args()

    @staticmethod
    def compile_args(*_, **__):
        raise SetupError(
            "NVCC_compiler compiled CUDA code for Theano's old GPU back end, which Theano dropped "
            "in 0.10; ordinary Ops run on a GPU by PyTorch (docs/gpu.md), Ops with CUDA code of "
            "their own do not"
        )

    version_str = try_compile_tmp = try_flags = compile_str = compile_args

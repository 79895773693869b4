"""nvcc_compiler is there to be imported, as pylearn2 does on the CPU, and compiles nothing."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest
from theano.sandbox.cuda import nvcc_compiler


def test_it_is_imported_and_compiles_nothing():
    assert not nvcc_compiler.is_nvcc_available()
    nvcc_compiler.add_standard_rpath("/here")
    assert nvcc_compiler.rpath_defaults.pop() == "/here"
    with pytest.raises(RuntimeError, match="CUDA code"):
        nvcc_compiler.NVCC_compiler()
    with pytest.raises(RuntimeError, match="CUDA code"):
        nvcc_compiler.NVCC_compiler.compile_str("module", "__global__ void k() {}")

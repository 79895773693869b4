"""theano.sandbox.cuda, Theano's old GPU back end, gone since 0.10: its names on ordinary Ops.

Code of 2012 to 2016 imports them by the dozen, on machines with a GPU and without: DCGAN's
deconvolution, the scripts with VGG's weights, Lasagne's layers for cuDNN. Theano 1.0.5 answers
``import theano.sandbox.cuda`` by nose's SkipTest.

Here a function or an Op of that back end builds the graph of ordinary Ops that has the same
value; what moved data between host and GPU returns its argument. Signatures and defaults are those
of Theano 0.9, and 0.7's where that had other ones. With no GPU `cuda_available`, `cuda_enabled` and
`dnn_available()` say so; `use` chooses a GPU of this project's where there is one.

| module here | modules of Theano |
| --- | --- |
| device_names.py | theano.sandbox.cuda: which device; cuda_ndarray |
| basic_ops.py | .basic_ops, .elemwise's GpuElemwise |
| dnn.py, dnn_rest.py | .dnn: convolutions; pooling, softmax, batch normalization |
| blas.py | .blas: GpuCorrMM and the like, products, pooling |
| nnet.py | .nnet, .blocksparse, .neighbours, .extra_ops |
| fftconv.py | .fftconv |
| rng_curand.py | .rng_curand |
| nvcc_compiler.py | .nvcc_compiler, which compiles nothing |
| stored.py | .type, .var: what pickles name; see there |
| pylearn2.py | pylearn2.sandbox.cuda_convnet, which Lasagne's cuda_convnet wants |

docs/old_code.md lists what is not here, and why.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from theano_today import hooks

_HERE = __name__
CUDA = "theano.sandbox.cuda"

# A module of Theano, and the modules here that fill it.
_SUBMODULES = {
    "basic_ops": ("basic_ops",),
    "dnn": ("dnn", "dnn_rest"),
    "blas": ("blas",),
    "nnet": ("nnet",),
    "blocksparse": ("nnet",),
    "neighbours": ("nnet",),
    "extra_ops": ("nnet",),
    "fftconv": ("fftconv",),
    "rng_curand": ("rng_curand",),
    "nvcc_compiler": ("nvcc_compiler",),
    "type": ("stored",),
    "var": ("stored",),
}
_GONE = (
    "GpuConv3D", "GpuConvGrad3D", "GpuConvTransp3D", "cula", "elemwise", "kernel_codegen",
    "opt", "opt_util",
)  # fmt: skip


def install() -> None:
    hooks.replace(CUDA, _fill)
    for name in _SUBMODULES:
        hooks.supply(f"{CUDA}.{name}", _fill_submodule)
    for name in _GONE:
        hooks.supply(f"{CUDA}.{name}", _refuse)
    # What was compiled from cuda_ndarray.cu, and imported by its own name.
    hooks.supply("cuda_ndarray", _fill_empty)
    hooks.supply("cuda_ndarray.cuda_ndarray", _fill_cuda_ndarray)
    # theano.gpuarray under the name it had up to Theano 0.8.
    hooks.supply("theano.sandbox.gpuarray", _fill_gpuarray)
    for name in ("type", "basic_ops", "dnn", "elemwise"):
        hooks.supply(f"theano.sandbox.gpuarray.{name}", _fill_gpuarray)
    hooks.after_import("theano.gpuarray.type", _read_gpuarray_pickles)
    hooks.after_import("theano.misc.pkl_utils", _read_gpuarray_zips)
    for name in ("pylearn2", "pylearn2.sandbox", "pylearn2.sandbox.cuda_convnet"):
        hooks.supply(name, _fill_empty)
    for name in ("filter_acts", "pool"):
        hooks.supply(f"pylearn2.sandbox.cuda_convnet.{name}", _fill_pylearn2)


def _take(module: ModuleType, source: str) -> None:
    """Put the public names of our module `source` into `module`, as if defined there."""
    ours = importlib.import_module(f"{_HERE}.{source}")
    for name in ours.__all__:
        value = getattr(ours, name)
        # Pickles name the module that people import from; the first that offers a name is its own.
        if isinstance(value, type) and value.__module__ == ours.__name__:
            value.__module__ = module.__name__
        setattr(module, name, value)


def _fill(module: ModuleType) -> None:
    # In sys.modules already: the submodules may import each other by Theano's names.
    for name in ("type", "var", "basic_ops"):
        importlib.import_module(f"{CUDA}.{name}")
    for source in ("device_names", "stored", "basic_ops"):
        _take(module, source)
    devices = importlib.import_module(f"{_HERE}.device_names")

    def __getattr__(name):
        if name in devices.NOW:
            return devices.NOW[name]()
        if name in (*_SUBMODULES, *_GONE):  # the real package imported them all
            return importlib.import_module(f"{CUDA}.{name}")
        if name == "CURAND_RandomStreams":
            return importlib.import_module(f"{CUDA}.rng_curand").CURAND_RandomStreams
        if name == "cuda_ndarray":
            importlib.import_module("cuda_ndarray.cuda_ndarray")
            return sys.modules["cuda_ndarray"]
        raise AttributeError(f"module {CUDA!r} has no attribute {name!r}")

    module.__getattr__ = __getattr__  # type: ignore[method-assign]


def _fill_submodule(module: ModuleType) -> None:
    for source in _SUBMODULES[module.__name__.rpartition(".")[2]]:
        _take(module, source)


def _refuse(module: ModuleType) -> None:
    raise ImportError(
        f"{module.__name__} generated CUDA code for Theano's old GPU back end, which Theano "
        "dropped in 0.10; the Ops themselves are in .basic_ops, .blas, .nnet and .dnn, and "
        "docs/old_code.md lists what is not there",
        name=module.__name__,
    )


def _fill_empty(module: ModuleType) -> None:
    pass


def _fill_cuda_ndarray(module: ModuleType) -> None:
    _take(module, "device_names")
    module.CudaNdarray = importlib.import_module(f"{CUDA}.type").CudaNdarray  # type: ignore[attr-defined]


def _fill_gpuarray(module: ModuleType) -> None:
    other = importlib.import_module(module.__name__.replace("theano.sandbox.", "theano."))
    names = {name: value for name, value in vars(other).items() if name[:2] != "__"}
    module.__dict__.update(names)


def _fill_pylearn2(module: ModuleType) -> None:
    _take(module, "pylearn2")


def _read_gpuarray_pickles(gpuarray_type: ModuleType) -> None:
    importlib.import_module(f"{_HERE}.stored").read_gpuarray_pickles(gpuarray_type)


def _read_gpuarray_zips(pkl_utils: ModuleType) -> None:
    importlib.import_module(f"{_HERE}.stored").read_gpuarray_zips(pkl_utils)

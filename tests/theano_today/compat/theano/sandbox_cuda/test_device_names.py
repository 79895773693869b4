"""What programs ask about the GPU, where there is none; and where torch's CPU stands in for one."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import pytest
import theano
from theano.sandbox import cuda

from tests.fresh_python import fresh_python, says
from theano_today.setup import device


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(device, "_torch_installed", lambda: False)
    monkeypatch.setattr(device, "_torch_has_gpu_support", lambda: False)
    monkeypatch.setattr(device, "_in_use", None)


def test_no_gpu(no_gpu):
    assert not cuda.cuda_available
    assert not cuda.cuda_enabled
    assert cuda.use.device_number is None
    assert cuda.active_device_number() is None
    assert cuda.cuda_initialization_error_message == "cuda unavailable"
    from theano.sandbox.cuda import cuda_enabled
    from theano.sandbox.cuda.dnn import dnn_available

    assert not cuda_enabled
    assert not dnn_available()
    assert dnn_available.msg == "CUDA not available"
    with pytest.raises(RuntimeError, match="no GPU is in use"):
        cuda.mem_info()
    with pytest.raises(RuntimeError, match="no GPU is in use"):
        cuda.cuda_ndarray.cuda_ndarray.active_device_name()
    with pytest.raises(RuntimeError, match="can't determine the cudnn version"):
        cuda.dnn_version()


def test_use_without_a_gpu(no_gpu, caplog):
    mode = theano.compile.mode.instantiated_default_mode
    cuda.use("gpu1")
    (record,) = caplog.records
    assert record.getMessage().startswith("theano.sandbox.cuda.use('gpu1'): PyTorch is not inst")
    assert record.getMessage().endswith("; running on the CPU")
    cuda.use("cpu")
    cuda.use("gpu", default_to_move_computation_to_gpu=False)
    assert len(caplog.records) == 1
    with pytest.raises(OSError, match=r"use\('gpu0'\): PyTorch is not installed.*force=True"):
        cuda.use("gpu0", force=True)
    for word in ("tpu", "gpu:0", 0):
        with pytest.raises(ValueError, match="Invalid device identifier"):
            cuda.use(word)
    assert theano.compile.mode.instantiated_default_mode is mode
    cuda.unuse()


def test_use_chooses_the_device_of_torch(no_gpu, monkeypatch):
    chosen = []

    def use(name, why, precision="float32"):
        chosen.append((name, why))
        monkeypatch.setattr(device, "_in_use", (name, why))

    monkeypatch.setattr(device, "_use", use)
    cuda.use("gpu2")
    assert chosen == [("cuda:2", "theano.sandbox.cuda.use('gpu2')")]
    assert cuda.cuda_enabled
    assert cuda.use.device_number == 2
    cuda.unuse()
    assert not cuda.cuda_enabled
    assert cuda.use.device_number is None


def test_theano_brings_it_along():
    says(
        "import theano_today, theano; assert not theano.sandbox.cuda.cuda_enabled\n"
        "assert theano.sandbox.cuda.dnn.dnn_conv\n"
        "assert theano.sandbox.cuda.cuda_ndarray.cuda_ndarray.CudaNdarray\n"
        "import cuda_ndarray.cuda_ndarray as nd\n"
        "assert nd.CudaNdarray.zeros((2, 3)).shape == (2, 3)\n"
        "from theano.sandbox.cuda import CURAND_RandomStreams, dnn"
    )


def test_importing_it_first():
    for name in ("dnn", "var"):
        says(
            "import theano_today\n"
            f"import theano.sandbox.cuda.{name} as m; assert m.__name__.endswith('{name}')"
        )


def test_what_generated_cuda_code_says_so():
    done = fresh_python("-c", "import theano_today; from theano.sandbox.cuda.opt import gpu_seqopt")
    assert done.returncode == 1
    assert "ImportError: theano.sandbox.cuda.opt generated CUDA code" in done.stderr
    assert "docs/old_code.md" in done.stderr


def test_gpuarray_under_its_old_name():
    import theano.sandbox.gpuarray as old
    from theano.sandbox.gpuarray import dnn, type

    assert not old.pygpu_activated
    assert type.GpuArrayType is theano.gpuarray.GpuArrayType
    assert dnn.dnn_conv is theano.gpuarray.dnn.dnn_conv


def test_optimizers_may_be_registered():
    from theano.gof import local_optimizer

    @cuda.register_opt()
    @local_optimizer([theano.tensor.Dot])
    def local_nothing(node):
        return None

    assert cuda.gpu_optimizer["local_nothing"] is local_nothing

"""Training is the same on every device: tests that ask for `device` run on each."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import functools

import pytest
from theano.compile import mode as theano_mode


@functools.cache
def _torch_mode(name):
    torch = pytest.importorskip(
        "torch", reason="needs PyTorch: pip install -r requirements-gpu.txt"
    )
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU that torch can use")
    torch.set_num_threads(1)
    before = theano_mode.instantiated_default_mode
    from theano_today import torch_link

    torch_link.use(name)
    found, theano_mode.instantiated_default_mode = theano_mode.instantiated_default_mode, before
    return found


@pytest.fixture(params=["cpu", "torch:cpu", "torch:cuda"])
def device(request, monkeypatch):
    """Let nets compiled in the test run on a device; the value is its name."""
    if request.param != "cpu":
        monkeypatch.setattr(
            theano_mode, "instantiated_default_mode", _torch_mode(request.param[6:])
        )
    return request.param

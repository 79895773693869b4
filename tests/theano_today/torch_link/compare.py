"""The same graph by Theano's own C code and by the torch link on torch's CPU device."""

from __future__ import annotations

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install -r requirements-gpu.txt")

import theano  # noqa: E402
from theano.compile.mode import OPT_FAST_RUN, Mode  # noqa: E402

from tests.theano_today.torch_link import fake_cuda  # noqa: E402
from theano_today import torch_link  # noqa: E402
from theano_today.torch_link.lowering import Kind  # noqa: E402
from theano_today.torch_link.target import Target  # noqa: E402

TORCH = torch_link.mode(Target(torch.device("cpu")))
# The whole graph in one C module: a module for each Op would take a compiler run each.
ONE_MODULE = Mode("c", OPT_FAST_RUN.excluding("inplace"))
# Not fused: each fused chain would be a module of its own, single Ops are in the cache.
FAST_RUN = Mode("cvm", OPT_FAST_RUN.excluding("fusion"))
# For Ops that are NumPy's anyway, or whose C code calls a BLAS that need not be there.
NUMPY = Mode("py", OPT_FAST_RUN)
# Threads that spin while they wait take the cores from the tests that run beside these.
torch.set_num_threads(1)

RUNS = 3  # step by step, while recording, from the recording


def agree(
    inputs, outputs, *values, rtol=1e-6, atol=0.0, on_device=True, stock=ONE_MODULE, names=None
):
    """Compile both ways, call with `values`, and compare each result, its dtype and shape.

    Parameters
    ----------
    inputs, outputs : lists of Theano variables
    values : arrays
    rtol, atol : float
        Of floating-point results; all others must be equal.
    on_device : bool
        Nothing may have run on the host.
    stock : Mode
        How Theano computes it.
    names : list of str, optional
        Of the outputs, for the message.

    Returns
    -------
    list of ndarray
        What Theano's own code returned.
    """
    expected = theano.function(inputs, outputs, mode=stock, on_unused_input="ignore")(*values)
    function = theano.function(inputs, outputs, mode=TORCH, on_unused_input="ignore")
    if on_device:
        assert_on_device(function)
    for _ in range(RUNS):
        found = function(*values)
        for i, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
            name = names[i] if names else f"output {i}: {outputs[i]}"
            assert ours.dtype == theirs.dtype, name
            assert ours.shape == theirs.shape, name
            if theirs.dtype.kind == "f":
                np.testing.assert_allclose(ours, theirs, rtol, atol, err_msg=name)
            else:
                np.testing.assert_array_equal(ours, theirs, err_msg=name)
    if on_device:
        fake_cuda.replays(function, values)
    return expected


def assert_on_device(function):
    """Assert that no node of a theano.function runs on the host but for shapes."""
    waiting = [s.node.op for s in function.fn.lowered.steps if s.kind is Kind.SYNC]
    assert waiting == []


def refused(inputs, outputs, *values):
    """Return the exceptions that Theano's C code and the link raise for bad values."""
    errors = []
    for mode in (FAST_RUN, TORCH):
        function = theano.function(inputs, outputs, mode=mode)
        with pytest.raises(Exception) as caught:  # noqa: PT011  (which one is what is returned)
            function(*values)
        errors.append(caught.value)
    return errors

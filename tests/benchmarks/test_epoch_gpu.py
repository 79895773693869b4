"""The parts of benchmarks/epoch_gpu.py that are no timing: net2 by hand, and its arithmetic."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install -r requirements-gpu.txt")

from benchmarks import net2_torch, roofline  # noqa: E402
from benchmarks.net2_torch import Epochs  # noqa: E402


def test_net2_by_hand_is_net2():
    shapes = [tuple(p.shape) for p in net2_torch.net2().parameters()]
    assert shapes == [
        (32, 1, 3, 3), (32,), (64, 32, 2, 2), (64,), (128, 64, 2, 2), (128,),
        (500, 15488), (500,), (500, 500), (500,), (30, 500), (30,),
    ]  # fmt: skip
    assert sum(p.numel() for p in net2_torch.net2().parameters()) == 8_051_502


def test_operations_of_one_face():
    """Counted by torch itself."""
    from torch.utils.flop_counter import FlopCounterMode

    net, X = net2_torch.net2(), torch.zeros(1, 1, 96, 96)
    with FlopCounterMode(display=False) as counter:
        net(X)
    assert counter.get_total_flops() == roofline.flop(0, 1)
    with FlopCounterMode(display=False) as counter:
        net(X).sum().backward()
    assert counter.get_total_flops() == roofline.flop(1, 0)


def test_limits():
    limits = roofline.Limits(flops=1e12, bandwidth=1e11, launch=1e-6)
    seconds = limits.seconds(1712, 428)
    assert seconds["arithmetic"] == roofline.flop(1712, 428) / 1e12
    assert seconds["launches, one by one"] == pytest.approx((14 + 4) * roofline.KERNELS * 1e-6)
    # z, its gradient and the pooled image of one face, and all parameters at least once.
    assert roofline.bytes_moved(1, 0) > 4 * (8_051_502 + 2.25 * 32 * 94 * 94)


def test_training_by_hand(monkeypatch):
    monkeypatch.setattr(net2_torch, "BATCH", 3)
    rs = np.random.RandomState(0)
    X = rs.uniform(size=(5, 1, 96, 96)).astype(np.float32)
    y = rs.uniform(-1, 1, size=(5, 30)).astype(np.float32)
    epochs = Epochs((X, y), (X[:2], y[:2]), "cpu")
    first, _ = epochs.run(1)
    last, valid = epochs.run(3)
    assert 0 < last < first
    assert valid > 0

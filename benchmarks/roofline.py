"""The least time that a device needs for an epoch of net2: arithmetic, memory, launches.

By hand: what has to be computed, and what has to be read and written if everything between
two convolutions were one kernel; over what the device reaches in a product of large matrices
and in a copy.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

# (channels, filters, filter size, rows and columns of the convolution's output)
STAGES = ((1, 32, 3, 94), (32, 64, 2, 46), (64, 128, 2, 22))
DENSE = ((128 * 11 * 11, 500), (500, 500), (500, 30))
KERNELS = 40  # in a training step; launched one by one they would take this many launches


def flop(train: int, valid: int) -> float:
    """Floating-point operations of an epoch of `train` and `valid` faces.

    A multiplication and an addition are two. Training takes a product for the output, one for
    the filters' gradient and, but for the first layer, one for the input's.
    """
    total = 0.0
    for i, (channels, filters, size, side) in enumerate(STAGES):
        one = 2.0 * channels * size**2 * filters * side**2
        total += one * (valid + train * (2 if i == 0 else 3))
    return total + sum(2.0 * a * b * (valid + 3 * train) for a, b in DENSE)


def bytes_moved(train: int, valid: int, batch: int = 128) -> float:
    """Bytes of an epoch, float32, if each stage is one kernel each way.

    Of a convolution's output z: written, read by the pooling; in training read again, its
    gradient written, and read by the bias' and both of the convolution's gradients. The pooled
    image, a quarter, is written, read, and so is its gradient.
    """
    pixels = sum(filters * side**2 for _, filters, _, side in STAGES)
    activations = 4.0 * pixels * (train * (2 + 5 + 1.25) + valid * 2.5)
    parameters = 4.0 * sum(c * f * s**2 + f for c, f, s, _ in STAGES)
    parameters += 4.0 * sum(a * b + b for a, b in DENSE)
    steps, checks = -(-train // batch), -(-valid // batch)
    # Weights and gradient: read twice and written; the update reads 3 arrays and writes 2.
    return activations + parameters * (steps * (3 + 5) + checks)


@dataclass(frozen=True)
class Limits:
    """What the device was seen to reach: operations and bytes a second, seconds a launch."""

    flops: float
    bandwidth: float
    launch: float

    def __str__(self) -> str:
        return (
            f"{self.flops / 1e12:.1f} TFLOPS, {self.bandwidth / 1e9:.0f} GB/s, "
            f"{1e6 * self.launch:.1f} us a launch"
        )

    def seconds(self, train: int, valid: int) -> dict[str, float]:
        """Least seconds of an epoch, by what limits it."""
        steps = -(-train // 128) + -(-valid // 128)
        return {
            "arithmetic": flop(train, valid) / self.flops,
            "memory": bytes_moved(train, valid) / self.bandwidth,
            "launches, one by one": steps * KERNELS * self.launch,
        }


def measure(device: torch.device, size: int = 8192) -> Limits:
    """Measure a device's limits: float32 products at the precision set, copies, launches."""
    a = torch.randn(size, size, device=device)
    b = torch.randn(size, size, device=device)
    tiny = torch.zeros(1, device=device)
    products = _seconds(lambda: torch.mm(a, b), device, 5)
    copies = _seconds(lambda: a.copy_(b), device, 20)
    launches = _seconds(lambda: tiny.add_(1), device, 1000)
    return Limits(2.0 * size**3 / products, 8.0 * size**2 / copies, launches)


def _seconds(function, device: torch.device, times: int) -> float:
    for _ in range(3):
        function()
    _wait(device)
    begin = time.perf_counter()
    for _ in range(times):
        function()
    _wait(device)
    return (time.perf_counter() - begin) / times


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()

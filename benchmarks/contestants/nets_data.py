"""What all contestants of nets.py share: the nets' names, their batches, their clock.

NumPy and the standard library only. The batches are noise: what is measured does not depend on
the pixels, but for the tutorial's last net, whose faces nets.py writes into a file.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.turns import peak_memory


@dataclass(frozen=True)
class Batch:
    """What a step is taken on: images, rows or sequences, and what is to be learned of them.

    Attributes
    ----------
    size : int
        Examples in a batch.
    x : tuple of int
        The shape of an example.
    classes : int
        Labels are 0 ... classes - 1; where 0, the targets are numbers from -1 to 1, or the
        examples themselves.
    targets : int
        How many numbers an example has as its target; where 0, it is its own target.
    kind : str
        "noise": from 0 to 1; "characters": one-hot along the last axis.
    """

    size: int
    x: tuple[int, ...]
    classes: int = 0
    targets: int = 0
    kind: str = "noise"

    def draw(self, size: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return x (size, ...) float32, and y: int32 (size,) or float32 (size, targets)."""
        random = np.random.RandomState(seed)
        shape = (size or self.size, *self.x)
        if self.kind == "characters":
            x = np.eye(shape[-1], dtype="float32")[random.randint(shape[-1], size=shape[:-1])]
        else:
            x = random.uniform(size=shape).astype("float32")
        if self.classes:
            return x, random.randint(self.classes, size=shape[0]).astype("int32")
        if self.targets:
            return x, random.uniform(-1, 1, (shape[0], self.targets)).astype("float32")
        return x, x


# In the order of the table. The tutorial's last net is measured by whole epochs, and its batch
# is a placeholder.
BATCHES = {
    "mnist_cnn": Batch(500, (1, 28, 28), classes=10),
    "mlp": Batch(500, (784,), classes=10),
    "vgg": Batch(32, (3, 64, 64), classes=10),
    "tutorial": Batch(128, (1, 96, 96), targets=30),
    "lstm": Batch(64, (100, 16), targets=1),
    "net1": Batch(128, (9216,), targets=30),
    "alexnet": Batch(16, (3, 227, 227), classes=1000),
    "googlenet": Batch(8, (3, 224, 224), classes=1000),
    "nin": Batch(32, (3, 32, 32), classes=10),
    "resnet20": Batch(64, (3, 32, 32), classes=10),
    "dcgan": Batch(64, (3, 32, 32)),
    "gru": Batch(64, (40, 60), classes=60, kind="characters"),
    "autoencoder": Batch(256, (784,)),
}

WHAT = {
    "mnist_cnn": "MNIST CNN of Lasagne's example, batch 500",
    "mlp": "MNIST MLP 800-800 with dropout, batch 500",
    "vgg": "VGG-like, 2 x (3x3, pad 1) + pool, 32-64-128 filters, 64x64x3, batch 32",
    "tutorial": "the tutorial's last net, an epoch of 2140 faces",
    "lstm": "LSTMLayer of 64 units, 100 steps of 16 features, batch 64, Adam",
    "net1": "the tutorial's net1, 9216-100-30, batch 128",
    "alexnet": "AlexNet-like, half its filters, 227x227x3, batch 16",
    "googlenet": "GoogLeNet, 224x224x3, batch 8",
    "nin": "NIN for CIFAR-10, batch 32",
    "resnet20": "ResNet-20 for CIFAR-10, batch norm, batch 64",
    "dcgan": "DCGAN, 32x32x3, batch 64, both nets, Adam",
    "gru": "two GRULayers of 128 units, 40 characters of 60, batch 64, Adagrad",
    "autoencoder": "autoencoder 784-256-64, sigmoids, batch 256, RMSprop",
}

# GoogLeNet's inception modules (Szegedy et al. 2014, table 1), None where it pools: filters 1x1,
# 3x3 and the 1x1 before them, 5x5 and the 1x1 before them, and 1x1 behind a pool
INCEPTIONS = (
    (64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), None, (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128), None, (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
)  # fmt: skip


class FacesByBatches:
    """The tutorial's flips of faces and keypoints, drawn from NumPy's random numbers."""

    PAIRS = (
        (0, 2), (1, 3), (4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17), (14, 18), (15, 19),
        (22, 24), (23, 25),
    )  # fmt: skip

    @classmethod
    def flip(cls, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Flip half of X (n, 1, 96, 96) and y (n, 30), in place as the tutorial does."""
        indices = np.random.choice(len(X), len(X) // 2, replace=False)
        X[indices] = X[indices, :, :, ::-1]
        y[indices, ::2] = y[indices, ::2] * -1
        for a, b in cls.PAIRS:
            y[indices, a], y[indices, b] = y[indices, b], y[indices, a]
        return X, y


class Steps:
    """A contestant with a net: what nets.py asks it for.

    Attributes
    ----------
    multiplications : float
        Of a step, as a direct convolution has them; 0 where it is not counted.
    """

    multiplications = 0.0

    @abstractmethod
    def step(self) -> float:
        """Take a step (of the tutorial's last net: an epoch); return the loss."""

    def answer(self, count: int = 1) -> dict:
        """Take steps; return the "seconds" of each, the last "loss", the "peak MiB" so far.

        "processor" are the seconds of processor time of each step.
        """
        seconds, processor = [], []
        for _ in range(count):
            begin, busy = time.perf_counter(), time.process_time()
            loss = self.step()
            seconds.append(time.perf_counter() - begin)
            processor.append(time.process_time() - busy)
        return {
            "seconds": seconds,
            "processor": processor,
            "loss": loss,
            "peak MiB": peak_memory(),
            "multiplications": self.multiplications,
        }


class Function(Steps):
    """Steps of a function of x and y."""

    def __init__(self, function: Callable, x, y, multiplications: float = 0.0) -> None:
        self.function, self.x, self.y = function, x, y
        self.multiplications = multiplications

    def step(self) -> float:
        return float(self.function(self.x, self.y))

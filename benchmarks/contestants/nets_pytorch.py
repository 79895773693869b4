"""The nets of nets.py in PyTorch, float32, channels_last.

    python benchmarks/contestants/nets_pytorch.py NET [FACES]     (nets.py starts it)

Written as a PyTorch user writes them, with the optimizers that PyTorch has fused where it has
them. Differences that remain: PyTorch's LSTM has no peepholes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.contestants.nets_data import BATCHES, INCEPTIONS, FacesByBatches, Steps
from benchmarks.contestants.training import BATCH, batches, split
from benchmarks.turns import serve


def rectified_conv(channels, filters, size, **more):
    return nn.Sequential(nn.Conv2d(channels, filters, size, **more), nn.ReLU(inplace=True))


def rectified(inputs, units):
    return nn.Sequential(nn.Linear(inputs, units), nn.ReLU(inplace=True))


def mnist_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 5), nn.MaxPool2d(2), nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 5), nn.MaxPool2d(2), nn.ReLU(inplace=True),
        nn.Flatten(), nn.Dropout(), rectified(512, 256), nn.Dropout(), nn.Linear(256, 10),
    )  # fmt: skip


def mlp():
    return nn.Sequential(
        nn.Dropout(0.2), rectified(784, 800), nn.Dropout(), rectified(800, 800), nn.Dropout(),
        nn.Linear(800, 10),
    )  # fmt: skip


def vgg():
    stages: list[nn.Module] = []
    channels = 3
    for filters in (32, 64, 128):
        stages.append(rectified_conv(channels, filters, 3, padding=1))
        stages += [rectified_conv(filters, filters, 3, padding=1), nn.MaxPool2d(2)]
        channels = filters
    return nn.Sequential(*stages, nn.Flatten(), rectified(128 * 64, 256), nn.Linear(256, 10))


class Last(nn.Module):
    """The last step's output of recurrent layers."""

    def __init__(self, recurrent):
        super().__init__()
        self.recurrent = recurrent

    def forward(self, x):
        return self.recurrent(x)[0][:, -1]


def lstm():
    return nn.Sequential(Last(nn.LSTM(16, 64, batch_first=True)), nn.Linear(64, 1))


def net1():
    return nn.Sequential(rectified(9216, 100), nn.Linear(100, 30))


def alexnet():
    def pool():
        return nn.MaxPool2d(3, 2)

    return nn.Sequential(
        rectified_conv(3, 48, 11, stride=4), nn.LocalResponseNorm(5), pool(),
        rectified_conv(48, 128, 5, padding=2), nn.LocalResponseNorm(5), pool(),
        rectified_conv(128, 192, 3, padding=1), rectified_conv(192, 192, 3, padding=1),
        rectified_conv(192, 128, 3, padding=1), pool(), nn.Flatten(),
        rectified(128 * 36, 1024), nn.Dropout(), rectified(1024, 1024), nn.Dropout(),
        nn.Linear(1024, 1000),
    )  # fmt: skip


class Inception(nn.Module):
    """The module of GoogLeNet; `filters` as INCEPTIONS has them."""

    def __init__(self, channels, filters):
        super().__init__()
        alone, before_3, threes, before_5, fives, behind_pool = filters
        self.branches = nn.ModuleList([
            rectified_conv(channels, alone, 1),
            nn.Sequential(
                rectified_conv(channels, before_3, 1),
                rectified_conv(before_3, threes, 3, padding=1),
            ),
            nn.Sequential(
                rectified_conv(channels, before_5, 1),
                rectified_conv(before_5, fives, 5, padding=2),
            ),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), rectified_conv(channels, behind_pool, 1)),
        ])  # fmt: skip
        self.filters = alone + threes + fives + behind_pool

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def googlenet():
    pool = partial(nn.MaxPool2d, 3, 2, ceil_mode=True)
    modules = [
        rectified_conv(3, 64, 7, stride=2, padding=3), pool(), nn.LocalResponseNorm(5),
        rectified_conv(64, 64, 1), rectified_conv(64, 192, 3, padding=1), nn.LocalResponseNorm(5),
        pool(),
    ]  # fmt: skip
    channels = 192
    for filters in INCEPTIONS:
        modules.append(pool() if filters is None else Inception(channels, filters))
        channels = getattr(modules[-1], "filters", channels)
    return nn.Sequential(
        *modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(1024, 1000)
    )


def nin():
    def block(channels, filters, size):
        yield rectified_conv(channels, filters[0], size, padding=size // 2)
        for before, f in pairwise(filters):
            yield rectified_conv(before, f, 1)

    return nn.Sequential(
        *block(3, (192, 160, 96), 5), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Dropout(),
        *block(96, (192, 192, 192), 5), nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Dropout(), *block(192, (192, 192, 10), 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def normalized(channels, filters, stride=1):
    conv = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(filters))


class Residual(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.first = normalized(channels, filters, stride)
        self.second = normalized(filters, filters)
        self.stride, self.more = stride, filters - channels

    def forward(self, x):
        y = self.second(functional.relu(self.first(x), inplace=True))
        if self.stride == 2:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more // 2, self.more // 2))
        return functional.relu(x + y, inplace=True)


def resnet20():
    blocks: list[nn.Module] = []
    channels = 16
    for filters in (16, 32, 64):
        for k in range(3):
            blocks.append(Residual(channels, filters, 2 if filters > 16 and k == 0 else 1))
            channels = filters
    return nn.Sequential(
        normalized(3, 16), nn.ReLU(inplace=True), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(64, 10),
    )  # fmt: skip


def gru():
    return nn.Sequential(Last(nn.GRU(60, 128, 2, batch_first=True)), nn.Linear(128, 60))


def autoencoder():
    layers: list[nn.Module] = []
    sizes = (784, 256, 64, 256, 784)
    for inputs, units in pairwise(sizes):
        layers += [nn.Linear(inputs, units), nn.Sigmoid()]
    return nn.Sequential(*layers)


def tutorial():
    stages: list[nn.Module] = []
    for channels, filters, size, p in ((1, 32, 3, 0.1), (32, 64, 2, 0.2), (64, 128, 2, 0.3)):
        stages += [
            nn.Conv2d(channels, filters, size), nn.MaxPool2d(2), nn.ReLU(inplace=True),
            nn.Dropout(p),
        ]  # fmt: skip
    return nn.Sequential(
        *stages, nn.Flatten(), rectified(15488, 1000), nn.Dropout(), rectified(1000, 1000),
        nn.Linear(1000, 30),
    )  # fmt: skip


NETS: dict[str, Callable[[], nn.Module]] = {
    f.__name__: f
    for f in [
        *(mnist_cnn, mlp, vgg, lstm, net1, alexnet, googlenet, nin, resnet20, gru, autoencoder),
        tutorial,
    ]
}
NESTEROV = partial(torch.optim.SGD, lr=0.01, momentum=0.9, nesterov=True, fused=True)
RULES: dict[str, Callable] = {
    "lstm": partial(torch.optim.Adam, fused=True),
    "gru": partial(torch.optim.Adagrad, lr=0.01, fused=True),
    "autoencoder": partial(torch.optim.RMSprop, lr=1e-3, alpha=0.9, foreach=True),
}


def planes_last(tensor):
    return tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


class Net(Steps):
    """A net of `NETS` and a batch."""

    def __init__(self, name: str) -> None:
        self.name, self.batch = name, BATCHES[name]
        X, y = self.batch.draw()
        self.x = planes_last(torch.from_numpy(X))
        self.y = torch.from_numpy(y)
        if self.batch.classes:
            self.y = self.y.long()
        self.net = NETS[name]().to(memory_format=torch.channels_last)
        self.optimizer = RULES.get(name, NESTEROV)(self.net.parameters())

    def loss(self, x, y):
        output = self.net(x)
        if self.batch.classes:
            return functional.cross_entropy(output, y)
        if self.batch.targets:
            return functional.mse_loss(output, y)
        return functional.binary_cross_entropy(output, y)

    def step(self) -> float:
        return self.train(self.x, self.y)

    def train(self, x, y) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(x, y)
        loss.backward()
        if self.name == "gru":
            torch.nn.utils.clip_grad_value_(self.net.parameters(), 100)
        self.optimizer.step()
        return loss.item()


class Tutorial(Net):
    """An epoch of the tutorial's last net: training on flipped batches, and validation."""

    def __init__(self, faces: str) -> None:
        super().__init__("tutorial")
        with np.load(faces) as arrays:
            self.X, self.Y = arrays["X"], arrays["y"]

    def step(self) -> float:
        n = split(len(self.X))
        losses = []
        self.net.train()
        for group in self.optimizer.param_groups:
            group["lr"], group["momentum"] = 0.03, 0.9
        for X, y in batches(self.X[n:], self.Y[n:]):
            X, y = FacesByBatches.flip(X.copy(), y.copy())
            x = planes_last(torch.from_numpy(X))
            losses.append(self.train(x, torch.from_numpy(y)))
        self.net.eval()
        with torch.inference_mode():
            for X, y in batches(self.X[:n], self.Y[:n]):
                self.loss(planes_last(torch.from_numpy(X)), torch.from_numpy(y)).item()
        assert len(losses) == -(-(len(self.X) - n) // BATCH)
        return float(np.mean(losses))


class Gan(Steps):
    """The generator and the discriminator of Radford et al. 2015, for images of 32x32."""

    def __init__(self) -> None:
        X, _ = BATCHES["dcgan"].draw()
        self.x = planes_last(torch.from_numpy(X))
        up = partial(nn.ConvTranspose2d, kernel_size=4, stride=2, padding=1)
        down = partial(nn.Conv2d, kernel_size=4, stride=2, padding=1)
        generator: list[nn.Module] = [
            nn.Linear(100, 4096), nn.Unflatten(1, (256, 4, 4)), nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
        ]  # fmt: skip
        for before, f in ((256, 128), (128, 64)):
            generator += [up(before, f, bias=False), nn.BatchNorm2d(f), nn.ReLU(inplace=True)]
        discriminator: list[nn.Module] = [down(3, 64), nn.LeakyReLU(0.2, inplace=True)]
        for before, f in ((64, 128), (128, 256)):
            discriminator += [
                down(before, f, bias=False), nn.BatchNorm2d(f), nn.LeakyReLU(0.2, inplace=True)
            ]  # fmt: skip
        ends = nn.Flatten(), nn.Linear(4096, 1), nn.Sigmoid()
        self.generator = nn.Sequential(*generator, up(64, 3), nn.Sigmoid())
        self.discriminator = nn.Sequential(*discriminator, *ends)
        self.nets = [self.generator, self.discriminator]
        for net in self.nets:
            net.to(memory_format=torch.channels_last)
        adam = partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999), fused=True)
        self.optimizers = [adam(net.parameters()) for net in self.nets]

    def step(self) -> float:
        entropy = functional.binary_cross_entropy
        one, zero = torch.ones(len(self.x), 1), torch.zeros(len(self.x), 1)
        images = self.generator(torch.rand(len(self.x), 100) * 2 - 1)
        self.optimizers[1].zero_grad(set_to_none=True)
        judged = entropy(self.discriminator(self.x), one)
        judged = judged + entropy(self.discriminator(images.detach()), zero)
        judged.backward()
        self.optimizers[1].step()
        self.optimizers[0].zero_grad(set_to_none=True)
        entropy(self.discriminator(images), one).backward()
        self.optimizers[0].step()
        return judged.item()


def contestant(name: str, faces: str = "") -> Steps:
    """Return the net of this name; `faces` is the file with the tutorial's."""
    torch.manual_seed(1)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if name == "dcgan":
        return Gan()
    return Tutorial(faces) if name == "tutorial" else Net(name)


if __name__ == "__main__":
    serve(contestant(*sys.argv[1:]).answer)

"""net2 written by hand in PyTorch: what benchmarks/epoch_gpu.py compares the torch link with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

BATCH = 128


def net2() -> nn.Module:
    """The net of net2.py; input (n, 1, 96, 96), output (n, 30)."""
    layers: list[nn.Module] = []
    for channels, filters, size in ((1, 32, 3), (32, 64, 2), (64, 128, 2)):
        layers += [nn.Conv2d(channels, filters, size), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(128 * 11 * 11, 500), nn.ReLU()]
    layers += [nn.Linear(500, 500), nn.ReLU(), nn.Linear(500, 30)]
    return nn.Sequential(*layers)


class Epochs:
    """Trains as nolearn does: whole batches, the last one smaller, then the validation loss.

    Parameters
    ----------
    data, valid_data : pairs of ndarrays, float32
        (n, 1, 96, 96) and (n, 30).
    device : str
    channels_last : bool
    compiled : bool
        With torch.compile.
    graphs : bool
        With a CUDA graph for each batch size.
    precision : "float32", "tf32" or "bf16"
    """

    def __init__(
        self,
        data: tuple[np.ndarray, np.ndarray],
        valid_data: tuple[np.ndarray, np.ndarray],
        device: str,
        channels_last: bool = False,
        compiled: bool = False,
        graphs: bool = False,
        precision: str = "float32",
    ) -> None:
        self.device = torch.device(device)
        self.precision = precision
        layout = torch.channels_last if channels_last else torch.contiguous_format
        torch.manual_seed(0)
        self.net = net2().to(self.device, memory_format=layout)
        self.data = [self._resident(a) for a in data]
        self.valid_data = [self._resident(a) for a in valid_data]
        self.optimizer = torch.optim.SGD(
            self.net.parameters(), lr=0.01, momentum=0.9, nesterov=True, foreach=True
        )
        self.forward: Callable = torch.compile(self._loss) if compiled else self._loss
        self.graphs: dict[tuple[bool, int], tuple] | None = {} if graphs else None

    def _resident(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)

    def _loss(self, X, y):
        half = self.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            found = self.net(X)
        return nn.functional.mse_loss(found.float(), y)

    def _train(self, X, y):
        self.optimizer.zero_grad(set_to_none=False)
        loss = self.forward(X, y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    @torch.no_grad()
    def _validate(self, X, y):
        return self.forward(X, y)

    def _step(self, train: bool, X, y):
        step = self._train if train else self._validate
        if self.graphs is None:
            return step(X, y)
        key = (train, len(X))
        if key not in self.graphs:
            self.graphs[key] = self._captured(step, X.clone(), y.clone())
        graph, into, loss = self.graphs[key]
        into[0].copy_(X)
        into[1].copy_(y)
        graph.replay()
        return loss.clone()

    def _captured(self, step, X, y):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # which cuDNN and the optimizer need before a capture
                step(X, y)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            loss = step(X, y)
        return graph, (X, y), loss

    @staticmethod
    def _batches(data) -> Iterator[tuple]:
        for first in range(0, len(data[0]), BATCH):
            yield tuple(a[first : first + BATCH] for a in data)

    def run(self, epochs: int) -> tuple[float, float]:
        """Train for some epochs; returns the last training and validation loss."""
        for _ in range(epochs):
            train = [self._step(True, X, y) for X, y in self._batches(self.data)]
            valid = [self._step(False, X, y) for X, y in self._batches(self.valid_data)]
            # One synchronisation an epoch, for the losses that a table of epochs shows.
            last = torch.stack([torch.stack(train).mean(), torch.stack(valid).mean()]).tolist()
        return last[0], last[1]

"""net2 in PyTorch, float32.

    python benchmarks/contestants/pytorch.py FOLDER [contiguous] [compile] [late_relu]
                                                                     (epoch.py starts it)

channels_last unless contiguous is given. late_relu rectifies behind the pooling, a quarter of
the work with the same result: max(relu(z)) = relu(max(z)). Tried and no better:
flattening conv3's output as it lies in memory, torch.compile's max-autotune.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.contestants.training import MOMENTUM, RATE, Training
from benchmarks.turns import serve


class Net(nn.Module):
    """The tutorial's layers."""

    def __init__(self, late_relu: bool) -> None:
        super().__init__()
        self.late_relu = late_relu
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 2)
        self.conv3 = nn.Conv2d(64, 128, 2)
        self.hidden4, self.hidden5 = nn.Linear(15488, 500), nn.Linear(500, 500)
        self.output = nn.Linear(500, 30)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            if self.late_relu:
                x = functional.relu(functional.max_pool2d(conv(x), 2), inplace=True)
            else:
                x = functional.max_pool2d(functional.relu(conv(x), inplace=True), 2)
        x = x.flatten(1)  # (n, 128, 11, 11) -> (n, 15488)
        x = functional.relu(self.hidden4(x))
        x = functional.relu(self.hidden5(x))
        return self.output(x)


class PyTorch(Training):
    def __init__(self, folder: str, *words: str) -> None:
        super().__init__(folder)
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        net = Net("late_relu" in words)
        with torch.no_grad():
            for parameter, value in zip(net.parameters(), self.initial, strict=True):
                if value.ndim == 4:
                    value = value[:, :, ::-1, ::-1]  # PyTorch does not turn its filters
                elif value.ndim == 2:
                    value = value.T
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
        layout = torch.contiguous_format if "contiguous" in words else torch.channels_last
        net = net.to(memory_format=layout)
        self.sets = {
            name: (torch.from_numpy(X).to(memory_format=layout), torch.from_numpy(y))
            for name, (X, y) in self.sets.items()
        }
        self.optimizer = torch.optim.SGD(
            net.parameters(), lr=RATE, momentum=MOMENTUM, nesterov=True, fused=True
        )
        self.net = torch.compile(net) if "compile" in words else net

    def train(self, X, y) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        loss = functional.mse_loss(self.net(X), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def validate(self, X, y) -> float:
        with torch.inference_mode():
            return functional.mse_loss(self.net(X), y).item()


if __name__ == "__main__":
    serve(PyTorch(*sys.argv[1:]).epoch)

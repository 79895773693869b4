"""net2 in JAX, float32: one compiled function for a step and one for the loss.

    python benchmarks/contestants/jax_.py FOLDER     (epoch.py starts it)

Channels last. The convolutions are products of the patches, laid side by side, and the
pooling is a maximum over reshaped axes: with lax.conv_general_dilated and lax.reduce_window,
whose gradients XLA runs slowly on a CPU, a step takes three times as long.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

import jax
import jax.numpy as jnp

from benchmarks.contestants.training import MOMENTUM, RATE, Training
from benchmarks.turns import serve


def convolve(x, w):
    """x (n, h, w, c) with filters w (i, j, c, f), valid."""
    rows, columns, _, filters = w.shape
    height, width = x.shape[1] - rows + 1, x.shape[2] - columns + 1
    taps = [x[:, i : i + height, j : j + width] for i in range(rows) for j in range(columns)]
    return jnp.concatenate(taps, axis=3) @ w.reshape(-1, filters)  # (n, height, width, f)


def forward(parameters, x):
    """The net's outputs (n, 30) for faces x (n, 96, 96, 1)."""
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    for w, b in layers[:3]:
        x = convolve(x, w) + b
        n, h, width, f = x.shape
        x = x.reshape(n, h // 2, 2, width // 2, 2, f).max((2, 4))  # (n, h/2, width/2, f)
        x = jax.nn.relu(x)
    x = x.reshape(len(x), -1)  # (n, 11, 11, 128) -> (n, 15488)
    for w, b in layers[3:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = layers[-1]
    return x @ w + b


@jax.jit
def mean_squared_error(parameters, x, y):
    return jnp.mean((forward(parameters, x) - y) ** 2)


def _step(parameters, velocities, x, y):
    loss, gradients = jax.value_and_grad(mean_squared_error)(parameters, x, y)
    velocities = [MOMENTUM * v - RATE * g for v, g in zip(velocities, gradients, strict=True)]
    parameters = [
        p + MOMENTUM * v - RATE * g
        for p, v, g in zip(parameters, velocities, gradients, strict=True)
    ]
    return parameters, velocities, loss


step = jax.jit(_step, donate_argnums=(0, 1))


class Jax(Training):
    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.parameters = []
        for value in self.initial:
            if value.ndim == 4:  # turned (f, c, i, j) -> (i, j, c, f)
                value = value[:, :, ::-1, ::-1].transpose(2, 3, 1, 0)
            elif len(value) == 15488:  # its inputs (128, 11, 11) -> (11, 11, 128)
                value = value.reshape(128, 11, 11, -1).transpose(1, 2, 0, 3).reshape(15488, -1)
            self.parameters.append(jnp.array(value))
        self.velocities = [jnp.zeros_like(p) for p in self.parameters]
        self.sets = {name: (X.reshape(-1, 96, 96, 1), y) for name, (X, y) in self.sets.items()}

    def train(self, X, y) -> float:
        self.parameters, self.velocities, loss = step(self.parameters, self.velocities, X, y)
        return float(loss)

    def validate(self, X, y) -> float:
        return float(mean_squared_error(self.parameters, X, y))


if __name__ == "__main__":
    serve(Jax(sys.argv[1]).epoch)

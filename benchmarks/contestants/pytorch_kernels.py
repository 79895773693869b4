"""The layers of conv_pool.py in PyTorch: oneDNN's convolutions, channels last, and its products.

    python benchmarks/contestants/pytorch_kernels.py FOLDER     (conv_pool.py starts it)

FOLDER holds an .npz for each stage, x (n, c, h, w), w (f, c, i, j), b (f,), g (n, f, ph, pw),
and dense.npz, x (n, k), w (k, m), g (n, m).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from torch.nn import functional

from benchmarks.turns import serve


class Kernels:
    """What each name of conv_pool.py's table is here: a function to time."""

    def __init__(self, folder: str) -> None:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self.functions: dict[str, Callable[[], object]] = {}
        for path in sorted(Path(folder).glob("*.npz")):
            with np.load(path) as arrays:
                tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
            if path.stem == "dense":
                self._add_dense(**tensors)
            else:
                self._add_stage(path.stem, **tensors)

    def _add_stage(self, name, x, w, b, g):
        # Not contiguous(): of one channel, that leaves the strides that mean planes to oneDNN.
        x, w, g = (t.to(memory_format=torch.channels_last) for t in (x, w, g))
        wanted = [w.requires_grad_(), b.requires_grad_()]
        if x.shape[1] > 1:  # the first stage's x are the faces, which need no gradient
            wanted.append(x.requires_grad_())

        def forward():
            z = functional.conv2d(x, w, b)
            return functional.relu(functional.max_pool2d(z, 2), inplace=True)

        p = forward()
        self.functions[f"{name} forward"] = forward
        self.functions[f"{name} backward"] = lambda: torch.autograd.grad(
            p, wanted, g, retain_graph=True
        )

    def _add_dense(self, x, w, g):
        w.grad = torch.zeros_like(w)
        step = torch.optim.SGD([w], lr=0.01, momentum=0.9, nesterov=True, fused=True).step

        def update():
            w.grad = x.T @ g
            step()

        self.functions |= {
            "hidden4 x @ w": lambda: x @ w,
            "hidden4 g @ w.T": lambda: g @ w.T,
            "hidden4 x.T @ g, update": update,
            "hidden4 update alone": step,
        }

    def time(self, name: str) -> dict[str, float]:
        """Return the "seconds" of one call, which follows another one."""
        self.functions[name]()
        begin = time.perf_counter()
        self.functions[name]()
        return {"seconds": time.perf_counter() - begin}


if __name__ == "__main__":
    serve(Kernels(sys.argv[1]).time)

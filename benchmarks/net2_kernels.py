"""The kernels of a step of net2, each as a call on its own, with the work that is in it."""

from __future__ import annotations

import theano_today  # isort: skip  # noqa: F401 - first, as everywhere

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import theano  # noqa: F401 - before theano_today.engine's modules, which it imports itself

from kfkd.output import quiet
from load import load2d
from theano_today.engine import library
from theano_today.engine.conv_pool.op import ConvPool, from_blocks, to_blocks
from theano_today.engine.products import matrix, product

IMAGES = 128
RATE, MOMENTUM = 0.01, 0.9

# Stage: filters, their size, and which share of the windows is live after training.
STAGES = {"conv1": (32, 3, 0.60), "conv2": (64, 2, 0.42), "conv3": (128, 2, 0.54)}
UNITS = 500  # of hidden4


@dataclass(frozen=True)
class Kernel:
    """A call of a kernel, and the work in it.

    Attributes
    ----------
    call : function
    done, dense : float
        Floating-point operations that it does, and that the dense layer would take.
    bytes : float
        The arrays that it has to read and write, each once.
    """

    call: Callable[[], object]
    done: float
    dense: float
    bytes: float


def net2_kernels(folder: Path) -> Iterator[tuple[str, Kernel]]:
    """Yield the kernels of a step of net2 by name; write their arrays for PyTorch."""
    with quiet(True):
        X, _ = load2d()
    rng = np.random.RandomState(0)
    x = np.ascontiguousarray(X[:IMAGES])
    for name, (filters, size, live) in STAGES.items():
        last = name == list(STAGES)[-1]
        p, kernels = stage_kernels(folder / name, rng, x, filters, size, live, last)
        yield from ((f"{name} {which}", kernel) for which, kernel in kernels.items())
        x = p
    yield from dense_kernels(folder / "dense", rng, x.reshape(IMAGES, -1))


def stage_kernels(path, rng, x, filters, size, live, last):
    """Return a stage's output p (n, f, ph, pw) and its kernels, forward and backward.

    Parameters
    ----------
    path : Path
        Of the .npz for PyTorch.
    rng : RandomState
    x : ndarray
        (n, c, h, w), as the stage before left it.
    filters, size : int
    live : float
        The share of windows whose maximum is to be above 0.
    last : bool
        p goes to a layer that wants it in planes.
    """
    images, channels, *_ = x.shape
    first = channels == 1
    w = rng.randn(filters, channels, size, size) / (channels * size**2) ** 0.5
    w = w.astype("float32")
    given = x if first else in_memory_of_kernels(to_blocks(x))

    def described(rectify: bool) -> library.StageShape:
        op = ConvPool(
            (size, size), (0, 0, 0, 0), flip=False, rectify=rectify, ignore_border=True,
            bias=True, x_blocked=not first,
        )  # fmt: skip
        return op.stage_shape(given.shape, w, dx_blocked=not first, p_blocked=not last)

    stage = described(rectify=True)
    pooled = stage.pool_rows, stage.pool_columns
    blocked = images, library.blocks(filters), *pooled, library.lanes()
    g = rng.randn(images, filters, *pooled).astype("float32")
    g_given = in_memory_of_kernels(g if last else to_blocks(g))
    p = library.empty(g_given.shape)
    winners = library.empty(blocked, "uint8")
    b = np.zeros(filters, "float32")
    dw, db = np.empty_like(w), np.empty_like(b)
    dx = None if first else library.empty(given.shape)

    def forward(described=stage) -> None:
        link = library.link(described, x=given, w=w, b=b, p=p, winners=winners)
        library.call_chain("today_forward", [link])

    def backward() -> None:
        link = library.link(stage, x=given, w=w, winners=winners, g=g_given, dw=dw, db=db, dx=dx)
        library.call_chain("today_backward", [link])

    def planes() -> np.ndarray:
        return p if last else from_blocks(p, filters)

    forward(described(rectify=False))
    b[...] = -np.quantile(planes(), 1 - live)
    forward()
    np.savez(path, x=x, w=w, b=b, g=g)

    outputs = 4 * stage.pool_rows * stage.pool_columns
    dense = 2.0 * images * outputs * filters * channels * size**2
    winograd = size == 2  # kernels/conv_pool.hpp
    hits = sum(np.count_nonzero(winners & 1 << k) for k in range(4))
    back = 1 if first else 2  # products: of the weights, of the inputs
    read = given.nbytes + w.nbytes + winners.nbytes
    return planes(), {
        "forward": Kernel(forward, dense * (9 / 16 if winograd else 1), dense, read + p.nbytes),
        "backward": Kernel(
            backward,
            back * 2.0 * hits * channels * size**2,
            back * dense,
            read + g_given.nbytes + (0 if dx is None else dx.nbytes),
        ),
    }


def in_memory_of_kernels(array: np.ndarray) -> np.ndarray:
    """Return a copy of it where the arrays of a real step are, in large pages."""
    copy = library.empty(array.shape)
    copy[...] = array
    return copy


def dense_kernels(path, rng, x) -> Iterator[tuple[str, Kernel]]:
    """Yield the three products of hidden4, one of them with its update, and the update alone."""
    n, k = x.shape
    w, v, g = library.empty((k, UNITS)), library.empty((k, UNITS)), library.empty((n, UNITS))
    w[...], v[...], g[...] = 0.01 * rng.randn(*w.shape), 0, 0.01 * rng.randn(*g.shape)
    gradient = np.full_like(w, 1e-3)  # not zeros, which are no memory of their own yet
    np.savez(path, x=x, w=w, g=g)
    flop = 2.0 * n * k * UNITS
    step = RATE, MOMENTUM, True, w.ctypes.data, v.ctypes.data
    read = x.nbytes + g.nbytes

    def update_with_product() -> None:
        shape = k, UNITS, n
        library.call("today_update_with_product", *step, *matrix(x.T), *matrix(g), *shape)

    def update() -> None:
        library.call("today_update", *step, gradient.ctypes.data, w.size)

    yield "hidden4 x @ w", Kernel(lambda: product(x, w), flop, flop, read + w.nbytes)
    yield "hidden4 g @ w.T", Kernel(lambda: product(g, w.T), flop, flop, read + w.nbytes)
    yield (
        "hidden4 x.T @ g, update",
        Kernel(update_with_product, flop, flop, read + 4.0 * w.nbytes),
    )
    yield "hidden4 update alone", Kernel(update, 5.0 * w.size, 5.0 * w.size, 5.0 * w.nbytes)

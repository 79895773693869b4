"""Time net2's epoch on a GPU: the torch link, PyTorch by hand, and what the device could do.

    python benchmarks/epoch_gpu.py                   about 5 minutes on a data-centre GPU
    python benchmarks/epoch_gpu.py --full 0          without the run of 1000 epochs
    python benchmarks/epoch_gpu.py --device torch:cpu --faces 40 --epochs 1 --full 0 --size 512
                                                     tries the script out, without a GPU

One process, no network. All train the same net on the same faces (Kaggle's, in --data, KFKD_DATA
or data/; generated ones otherwise), in turns, data on the device, losses read once an epoch:

    link              net2.py as it is: session.fit with checkpoints on (one a minute), and below
                      it nolearn, Lasagne, Theano, theano_today/torch_link
    link, plain fit   the same net by nolearn's own net.fit
    link, tf32, bf16  the same with --tf32, --bf16
    eager             a PyTorch module and its optimizer, as one writes them
    channels last     the same in the layout of tensor cores
    CUDA graphs       the same captured by hand, a graph for each batch size
    torch.compile     the same compiled

Then the run of 1000 epochs as net2.py does it, at each precision: wall time, losses, RMSE.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# In place of this folder, whose load.py must not be taken for the tutorial's.
sys.path[0] = str(ROOT)

import theano_today  # noqa: E402, F401  (first of the old stack)

import numpy as np  # noqa: E402  # isort: skip

from benchmarks.common import interleave, or_nan, table  # noqa: E402
from theano_today.setup import device as devices  # noqa: E402

PRECISIONS = ("float32", "tf32", "bf16")


def main() -> None:
    """Measure and print; see the module's docstring."""
    options = _options()
    if options.data:
        os.environ["KFKD_DATA"] = options.data
    print(devices.choose(options.device))
    import torch

    from benchmarks import roofline
    from kfkd.files import source
    from load import load2d

    X, y = load2d()
    X, y = X[: options.faces], y[: options.faces]
    name = devices.torch_name(options.device)
    assert name is not None, "the torch link needs a device of torch"
    print(f"torch {torch.__version__}, {len(X)} faces ({source()})")

    split = _split(X, y)
    contestants = _contestants(options, X, y, split, name)
    print(f"\nmilliseconds an epoch, median (least to most) of {options.runs} turns of "
          f"{options.epochs} epochs")  # fmt: skip
    print(table(interleave(contestants, options.runs)))

    train, valid = len(split[0]), len(split[2])
    print(f"\nleast milliseconds an epoch: {roofline.flop(train, valid) / 1e9:.0f} GFLOP, "
          f"{roofline.bytes_moved(train, valid) / 1e9:.1f} GB")  # fmt: skip
    for precision in _precisions(options):
        limits = _limits(torch, name, precision, options.size)
        parts = ", ".join(f"{k} {1e3 * s:.2f}" for k, s in limits.seconds(train, valid).items())
        print(f"{precision}: {parts} (at {limits})")

    if options.full:
        print(f"\n{options.full} epochs, seed {options.seed}")
        for precision in _precisions(options):
            _full_run(options, X, y, name, precision)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", help="as net2.py's (default: cuda)")
    parser.add_argument("--data", metavar="DIR", help="folder with training.csv")
    parser.add_argument("--faces", type=int, help="use so many (default: all)")
    parser.add_argument("--epochs", type=int, default=20, help="in a turn (default 20)")
    parser.add_argument("--runs", type=int, default=5, help="turns of each (default 5)")
    parser.add_argument("--full", type=int, default=1000, help="epochs of the last run")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--without", action="append", default=[], metavar="NAME",
                        help="leave out one, such as 'link, bf16'")  # fmt: skip
    parser.add_argument("--size", type=int, default=8192, help="of the matrices that tell "
                        "the device's limits")  # fmt: skip
    return parser.parse_args()


def _precisions(options) -> tuple[str, ...]:
    name = devices.torch_name(options.device) or ""
    return PRECISIONS if name.startswith("cuda") else PRECISIONS[:1]


def _split(X, y):
    """nolearn's own: X and y to train with, X and y to validate."""
    from net2 import net2

    X_train, X_valid, y_train, y_valid = net2.train_split(X, y, net2)
    return X_train, y_train, X_valid, y_valid


def _net(seed: int):
    from lasagne.random import set_rng
    from sklearn.base import clone

    from net2 import net2

    set_rng(np.random.RandomState(seed))
    net = clone(net2)
    return net.set_params(verbose=0, on_epoch_finished=[], on_training_started=[])


def _fit(net, X, y, epochs: int, folder: str) -> None:
    """What net2.py does; the folder of the checkpoints is a temporary one."""
    from theano_today.training.session import Plan, fit

    net.max_epochs = epochs
    fit(net, X, y, Plan(Path(folder) / "net2.checkpoints"))


def _link(options, X, y, name: str, precision: str, plain: bool = False) -> Callable:
    from theano_today import torch_link

    torch_link.use(name, precision)
    net = _net(options.seed)
    net.initialize()

    def measure() -> dict[str, float]:
        torch_link.use(name, precision)
        if plain:
            net.fit(X, y, epochs=options.epochs)
        else:
            with TemporaryDirectory() as folder:
                _fit(net, X, y, options.epochs, folder)
        seconds = [row["dur"] for row in net.train_history_[-options.epochs :]]
        return {"ms": 1e3 * float(np.median(seconds))}

    return measure


def _by_hand(options, split, name: str, precision: str, **how: Any) -> Callable:
    import torch

    from benchmarks.net2_torch import Epochs
    from theano_today.torch_link.target import set_precision

    def choose() -> None:
        set_precision(precision)
        # The fastest that cuDNN has, whether or not it gives the same bits each time.
        torch.backends.cudnn.deterministic = False
        torch.backends.cudnn.benchmark = True

    choose()
    epochs = Epochs(split[:2], split[2:], name, precision=precision, **how)

    def measure() -> dict[str, float]:
        choose()
        begin = time.perf_counter()
        epochs.run(options.epochs)
        seconds = time.perf_counter() - begin
        torch.backends.cudnn.benchmark = False
        return {"ms": 1e3 * seconds / options.epochs}

    return measure


def _contestants(options, X, y, split, name: str) -> dict[str, Callable]:
    ways: dict[str, dict[str, bool]] = {"eager": {}, "channels last": {"channels_last": True}}
    if name.startswith("cuda"):
        ways["CUDA graphs"] = {"graphs": True}
        ways["CUDA graphs, channels last"] = {"graphs": True, "channels_last": True}
        ways["torch.compile"] = {"compiled": True}
    makers: dict[str, Callable] = {}
    for precision in _precisions(options):
        end = "" if precision == "float32" else f", {precision}"
        for way, plain in (("link", False), ("link, plain fit", True)):
            makers[f"{way}{end}"] = partial(_link, options, X, y, name, precision, plain)
        for way, how in ways.items():
            makers[f"{way}{end}"] = partial(_by_hand, options, split, name, precision, **how)
    # torch.compile needs a compiler, all of them memory: who fails costs the others nothing.
    return {
        name: or_nan(name, make()) for name, make in makers.items() if name not in options.without
    }


def _limits(torch, name: str, precision: str, size: int):
    from benchmarks import roofline
    from theano_today.torch_link.target import set_precision

    set_precision(precision)
    return roofline.measure(torch.device(name), size)


def _full_run(options, X, y, name: str, precision: str) -> None:
    from theano_today import torch_link

    torch_link.use(name, precision)
    net = _net(options.seed)
    begin = time.perf_counter()
    with TemporaryDirectory() as folder:
        _fit(net, X, y, options.full, folder)
    seconds = time.perf_counter() - begin
    last = net.train_history_[-1]
    rmse = last["valid_loss"] ** 0.5 * 48
    print(f"{precision}: {seconds:.1f} s with compilation, losses {last['train_loss']:.6f} / "
          f"{last['valid_loss']:.6f}, RMSE {rmse:.4f}")  # fmt: skip


if __name__ == "__main__":
    main()

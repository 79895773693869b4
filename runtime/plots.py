"""What plot_results.py needs besides the drawing: pickles, windows, files and tick labels."""

from __future__ import annotations

import argparse
import contextlib
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import patheffects, pyplot
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends import BackendFilter, backend_registry
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, Locator, LogLocator, NullFormatter, StrMethodFormatter

from runtime.atomic import atomic_write
from runtime.cli import DATA_VARIABLE, Parser
from runtime.data_files import expanded
from runtime.errors import DataError, MissingFileError, UserError, WriteError

# For a slide: figures are 8 to 10 inches wide, so at 150 dots an inch 1200 to 1500 pixels.
STYLE: dict[Any, Any] = {
    "savefig.dpi": 150,
    "font.size": 13,
    "axes.titlesize": 15,
    "figure.titlesize": 15,
    "axes.axisbelow": True,
    "grid.alpha": 0.4,
    "lines.markeredgewidth": 2,
}

# Colours of Okabe and Ito, which colour-blind people can tell apart.
BLUE, SKY = "#0072B2", "#56B4E9"
ORANGE, YELLOW, PURPLE = "#E69F00", "#F0E442", "#CC79A7"

# A dark rim, without which the marks vanish on a bright face.
RIM = [patheffects.withStroke(linewidth=3, foreground="black")]


def read_options(description: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read plot_results.py's options: pickle, out (Path) and show (True, False or None).

    --data is put into the environment, where load.py looks for it. "~" is understood in all
    paths, as net2.py does.
    """
    parser = Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "pickle", nargs="?", type=expanded, default=Path("net2.pickle"),
        help="the trained net (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=expanded, default=Path("plots"), metavar="DIR",
        help="folder for the pictures (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--data", type=expanded, metavar="DIR",
        help=f"folder of training.csv and test.csv (default: ${DATA_VARIABLE}, else data)",
    )  # fmt: skip
    parser.add_argument(
        "--show", action=argparse.BooleanOptionalAction,
        help="also open windows (default: at a terminal, where there is a display)",
    )  # fmt: skip
    options = parser.parse_args(argv)
    if options.data is not None:
        if not options.data.is_dir():
            what = "is no folder" if options.data.exists() else "there is no such folder"
            raise MissingFileError(f"--data {options.data}: {what}")
        os.environ[DATA_VARIABLE] = str(options.data)
    return options


def load_net(path: str | Path) -> Any:
    """Unpickle a trained net.

    Parameters
    ----------
    path : str or Path
        A pickle such as net2.py writes. Unpickling runs whatever code the file holds: open
        only files that you trust.

    Returns
    -------
    nolearn.lasagne.NeuralNet

    Raises
    ------
    MissingFileError
        If there is no such file.
    DataError
        If the file cannot be read, is damaged or holds something other than a net.
    """
    try:
        with Path(path).open("rb") as f:
            net = pickle.load(f)
    except UserError:
        raise
    except FileNotFoundError:
        raise MissingFileError(
            f"there is no {path}; train the net with `python net2.py` first, or name its pickle"
        ) from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        # Only the first line: Theano's messages run over pages.
        reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
        reason = reason.splitlines()[0]
        raise DataError(
            f"cannot read {path} ({reason}); expected a net as net2.py pickles it"
        ) from error
    if not all(
        hasattr(net, name) for name in ("predict", "train_split", "train_history_", "layers_")
    ):
        raise DataError(
            f"{path} holds an object of class {type(net).__name__}; "
            "expected a NeuralNet as net2.py pickles it"
        )
    return net


def use_windows(wanted: bool | None) -> bool:
    """Decide whether matplotlib opens windows, and set it up for that.

    Parameters
    ----------
    wanted : bool or None
        True for `--show`, False for `--no-show`; None, for neither, means windows if
        somebody sits at the terminal.

    Returns
    -------
    bool
        False where there is no display, or no GUI toolkit; pictures then go to files only.
    """
    if wanted or (wanted is None and sys.stdout.isatty()):
        windows = {
            name.lower() for name in backend_registry.list_builtin(BackendFilter.INTERACTIVE)
        }
        # Until now matplotlib has only noted a preference; this tries toolkit and display.
        with contextlib.suppress(ImportError):
            pyplot.switch_backend(pyplot.get_backend())
            if pyplot.get_backend().lower() in windows:
                return True
        if wanted:
            print("--show: no display (or no GUI toolkit) here, so the pictures go to files only")
    matplotlib.use("agg")
    return False


def save(path: Path, figure: Figure) -> None:
    """Write `figure` as a PNG and print a line that says so; WriteError if that fails."""
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as f:
            figure.savefig(f, format="png")
    print(f"wrote {path}")


def skip(path: Path, why: str) -> None:
    """Print why there is no such picture, and remove an old one, which shows another net."""
    with _writing(path):
        path.unlink(missing_ok=True)
    print(f"no {path}: {why}")


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"cannot write {path} ({error.strerror or error}); name another folder with --out"
        ) from error


def label_losses(axis: Axes) -> None:
    """Put plain numbers on logarithmic axes of epochs and losses, and pixels at the right.

    A loss is a mean squared error of coordinates that are scaled to -1 ... 1, so its root
    times 48 is the root mean squared error in pixels.
    """
    pixels = axis.secondary_yaxis(
        "right", functions=(lambda loss: np.sqrt(loss) * 48, lambda rmse: np.divide(rmse, 48) ** 2)
    )
    pixels.set_ylabel("RMSE (pixels)")
    # A single epoch would have an axis that starts at epoch 0.1.
    axis.set_xlim(0.8, max(axis.get_xlim()[1], 10))
    lowest, highest = axis.get_ylim()
    wide = highest > 1e6 * lowest  # too wide for more than powers of ten
    _plain_ticks(axis.xaxis, (1, 2, 5), *axis.get_xlim())
    _plain_ticks(axis.yaxis, (1,) if wide else (1, 2, 5), lowest, highest)
    shown = np.sqrt([lowest, highest]) * 48  # matplotlib sets these limits when it draws
    _plain_ticks(pixels.yaxis, (1,) if wide else (1, 1.5, 2, 3, 5, 7), *shown)


def _plain_ticks(axis: Axis, steps: Sequence[float], lowest: float, highest: float) -> None:
    locator: Locator = LogLocator(subs=steps)
    ticks = np.asarray(locator.tick_values(lowest, highest))
    if np.count_nonzero((lowest <= ticks) & (ticks <= highest)) < 3:
        locator = AutoLocator()  # the losses of a few epochs may lie between two steps
    axis.set_major_locator(locator)
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())

"""The command line of net2.py: its options, checked before anything is loaded or trained."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.errors import DataError, MissingFileError, WriteError

DATA_VARIABLE = "KFKD_DATA"


def net2_options(net, description: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read net2.py's options; every default is the tutorial's value.

    Parameters
    ----------
    net : NeuralNet
        Its max_epochs is the default of --epochs.
    description : str
        The script's docstring.
    argv : sequence of str, optional
        Default: the command line.

    Returns
    -------
    Namespace
        epochs, seed (int), out (Path), quiet, verbose (bool). --data has been put into the
        environment, where load.py looks for it.

    Raises
    ------
    SystemExit
        With code 2 for an option that does not exist or is no number.
    MissingFileError, WriteError
        If a folder is missing or cannot be written to.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--epochs", type=_positive, default=net.max_epochs, metavar="N",
        help="how many epochs to train (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=_seed, default=42, metavar="N",
        help="start of NumPy's random numbers, which draw the initial weights "
        "(default: %(default)s, as the tutorial's)",
    )  # fmt: skip
    parser.add_argument(
        "--data", type=Path, metavar="DIR",
        help=f"folder of training.csv (default: ${DATA_VARIABLE}, else data)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("net2.pickle"), metavar="FILE",
        help="where to pickle the trained net (default: %(default)s)",
    )  # fmt: skip
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--quiet", action="store_true", help="print only the last line")
    how_much.add_argument(
        "--verbose", action="store_true", help="also say what is used: packages, compiler, data"
    )
    options = parser.parse_args(argv)

    if options.data is not None:
        if not options.data.is_dir():
            raise MissingFileError(f"--data {options.data}: there is no such folder")
        os.environ[DATA_VARIABLE] = str(options.data)
    _check_writable(options.out)
    if options.verbose:
        _log_to_stderr()
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text}")
    return number


def _seed(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"expected 0 to {2**32 - 1}, got {text}")
    return number


def _check_writable(path: Path) -> None:
    # Before training, not after it: hours of work would have nowhere to go.
    folder = path.parent
    if not folder.is_dir():
        raise MissingFileError(f"--out {path}: there is no folder {folder}; create it first")
    if path.is_dir():
        raise DataError(f"--out {path} is a folder; name a file")
    if not os.access(folder, os.W_OK):
        raise WriteError(f"--out {path}: no permission to write in {folder.resolve()}")


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("net2: %(message)s"))
    log = logging.getLogger("net2")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    _log_versions(log)


def _log_versions(log: logging.Logger) -> None:
    import platform
    from importlib.metadata import version

    import theano

    packages = ("Theano", "Lasagne", "nolearn", "numpy", "scipy", "pandas", "scikit-learn")
    log.info("Python %s, %s", platform.python_version(), platform.platform())
    log.info("%s", ", ".join(f"{name} {version(name)}" for name in packages))
    log.info("compiler %s, compile directory %s", theano.config.cxx, theano.config.compiledir)


@contextlib.contextmanager
def quiet(wanted: bool):
    """Drop everything printed inside, if `wanted`."""
    if not wanted:
        yield
        return
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield

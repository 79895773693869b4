"""The command lines of the scripts, checked before anything is done."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from kfkd.files import DATA_VARIABLE, expanded
from theano_today.engine.report import listen
from theano_today.errors import DataError, MissingFileError, WriteError
from theano_today.setup import device
from theano_today.training.checkpoints.handler import Words
from theano_today.training.session import Plan

SPECIALISTS = "specialists"


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, as every other error of the scripts.

    Its description is the script's docstring, line by line.
    """

    def __init__(self, description: str) -> None:
        super().__init__(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        )

    def error(self, message: str) -> NoReturn:
        # argparse's own adds the usage.
        self.exit(2, f"{self.prog}: error: {message}\n")


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
        epochs, seed (int), out (Path), weights, tensorboard (Path or None), live, quiet, verbose
        (bool), device, precision (str), plan (`theano_today.training.session.Plan`). --data has
        been put into the environment, where load.py looks for it; --device is in use. "~" is
        understood in all paths: a shell does not expand it in --data=~/faces.

    Raises
    ------
    SystemExit
        With code 2 for an unknown option, or a value that is not a number.
    SetupError
        If the device does not exist.
    MissingFileError, DataError, WriteError
        If a folder is missing, or --out names a folder or cannot be written to.
    """
    parser = Parser(description)
    _add_training_options(parser, net.max_epochs, "net2.pickle")
    return _ready(parser.parse_args(argv))


def kfkd_options(
    description: str, names: Iterable[str], argv: Sequence[str] | None = None
) -> argparse.Namespace:
    """Read examples/kfkd.py's options.

    Parameters
    ----------
    description : str
        The script's docstring.
    names : iterable of str
        The nets.
    argv : sequence of str, optional
        Default: the command line.

    Returns
    -------
    Namespace
        what (one of `names`, "specialists" or "ladder"), pretrain (Path or None), and what
        `net2_options` returns, but for epochs, which is None unless given. out is named after
        the net.

    Raises
    ------
    SystemExit, SetupError, MissingFileError, DataError, WriteError
        As `net2_options`.
    """
    parser = Parser(description)
    choices = [*names, SPECIALISTS, "ladder"]
    parser.add_argument(
        "what", choices=choices, metavar="NET",
        help=f"{', '.join(choices[:-1])}; or ladder: print what the nets have reached so far",
    )  # fmt: skip
    parser.add_argument(
        "--pretrain", type=expanded, metavar="FILE",
        help="specialists: begin with the weights of this pickled net, such as net7.pickle",
    )  # fmt: skip
    _add_training_options(parser, None, "NET.pickle, net-specialists.pickle")
    options = parser.parse_args(argv)
    if options.pretrain and options.what != SPECIALISTS:
        parser.error(f"--pretrain is for the specialists, not for {options.what}")
    if options.weights and options.what == SPECIALISTS:
        parser.error("--weights is for one net, not for the specialists")
    name = "net-specialists" if options.what == SPECIALISTS else options.what
    options.out = options.out or Path(f"{name}.pickle")
    return options if options.what == "ladder" else _ready(options)


def _add_training_options(parser: Parser, epochs: int | None, out: str) -> None:
    parser.add_argument(
        "--epochs", type=positive, default=epochs, metavar="N",
        help=f"how many epochs to train (default: {epochs or 'as the tutorial'})",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=seed, default=42, metavar="N",
        help="start of NumPy's random numbers, which draw the initial weights "
        "(default: %(default)s, as the tutorial's)",
    )  # fmt: skip
    add_data_option(parser, "training.csv")
    parser.add_argument(
        "--out", type=expanded, default=Path(out) if epochs else None, metavar="FILE",
        help=f"where to pickle the trained net (default: {out})",
    )  # fmt: skip
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume", action="store_true",
        help="resume from the last checkpoint even if you have changed settings; without this "
        "option a stopped run is resumed only if they are the same",
    )  # fmt: skip
    again.add_argument(
        "--fresh", action="store_true", help="discard the checkpoints of a run that was stopped"
    )
    parser.add_argument(
        "--checkpoint", type=seconds, default=60, metavar="SECONDS",
        help="time from one checkpoint to the next (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--best", action="store_true", help="save the weights of the best epoch, not the last"
    )
    parser.add_argument(
        "--patience", type=positive, metavar="N",
        help="stop when there was no better epoch for N epochs; implies --best",
    )  # fmt: skip
    parser.add_argument(
        "--weights", type=expanded, metavar="FILE",
        help="also save the weights alone, as safetensors, which cannot run code",
    )  # fmt: skip
    parser.add_argument(
        "--live", action="store_true",
        help="while training, keep a page with curves and faces, beside the pickle: net2.html",
    )  # fmt: skip
    parser.add_argument(
        "--tensorboard", type=expanded, metavar="DIR",
        help="write TensorBoard's event files (needs requirements-examples.txt)",
    )  # fmt: skip
    parser.add_argument(
        "--device", metavar="WORD",
        help=f"{device.WORDS} (default: the GPU, if torch is installed and sees one)",
    )  # fmt: skip
    precision = parser.add_mutually_exclusive_group()
    for name in ("tf32", "bf16"):
        precision.add_argument(
            f"--{name}", dest="precision", action="store_const", const=name, default="float32",
            help=f"on a GPU: multiply in {name}, faster and less exact than float32",
        )  # fmt: skip
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--quiet", action="store_true", help="print only the last line")
    how_much.add_argument(
        "--verbose", action="store_true", help="also say what is used: packages, compiler, data"
    )


def _ready(options: argparse.Namespace) -> argparse.Namespace:
    """Check what was given, and put it to use."""
    use_data(options)
    check_writable("--out", options.out)
    if options.weights is not None:
        check_writable("--weights", options.weights)
    options.plan = _plan(options)
    if options.verbose:
        listen("net2")
        _log_versions(logging.getLogger("theano_today"))
    line = device.choose(options.device, options.precision)
    if line is not None and not options.quiet:
        print(line)
    return options


def plot_options(description: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read plot_results.py's options: pickles (list of Path), out (Path), gif (bool) and show
    (True, False or None).

    --data has been put into the environment, as by `net2_options`.
    """
    parser = Parser(description)
    parser.add_argument(
        "pickles", nargs="*", type=expanded, default=[Path("net2.pickle")], metavar="pickle",
        help="the trained net (default: net2.pickle); several are compared",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=expanded, default=Path("plots"), metavar="DIR",
        help="folder for the pictures (default: %(default)s)",
    )  # fmt: skip
    add_data_option(parser, "training.csv and test.csv")
    parser.add_argument(
        "--gif", action="store_true",
        help="also a moving picture of one face, from what training with --live has kept",
    )  # fmt: skip
    parser.add_argument(
        "--show", action=argparse.BooleanOptionalAction,
        help="also open windows (default: at a terminal, where there is a display)",
    )  # fmt: skip
    options = parser.parse_args(argv)
    use_data(options)
    return options


def submission_options(description: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read examples/submission.py's options: pickle, out (Path) and labels (Path or None).

    --data has been put into the environment, as by `net2_options`.
    """
    parser = Parser(description)
    parser.add_argument(
        "pickle", nargs="?", type=expanded, default=Path("net2.pickle"),
        help="the trained net, or the specialists (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=expanded, default=Path("submission.csv"), metavar="FILE",
        help="where to write (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--labels", type=expanded, metavar="FILE",
        help="the test faces' true coordinates (default: test_labels.csv beside test.csv)",
    )  # fmt: skip
    add_data_option(parser, "test.csv and IdLookupTable.csv")
    options = parser.parse_args(argv)
    use_data(options)
    check_writable("--out", options.out)
    return options


def photo_options(description: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read examples/photo.py's options: photos (list of Path), net, out (Path) and whole (bool)."""
    parser = Parser(description)
    parser.add_argument(
        "photos", nargs="+", type=expanded, metavar="PHOTO", help="a photo, or a folder of photos"
    )
    parser.add_argument(
        "--net", type=expanded, default=Path("net2.pickle"), metavar="FILE",
        help="the trained net, a pickle or .onnx (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=expanded, default=Path("photos"), metavar="DIR",
        help="the folder for drawings and keypoints.csv (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--whole", action="store_true", help="each photo is a face already: look for none"
    )
    return parser.parse_args(argv)


def add_data_option(parser: Parser, files: str) -> None:
    parser.add_argument(
        "--data", type=expanded, metavar="DIR",
        help=f"folder of {files} (default: ${DATA_VARIABLE}, else data)",
    )  # fmt: skip


def use_data(options: argparse.Namespace) -> None:
    """Put --data into the environment, where load.py looks for it."""
    if options.data is not None:
        if not options.data.is_dir():
            what = "is not a folder" if options.data.exists() else "there is no such folder"
            raise MissingFileError(f"--data {options.data}: {what}")
        os.environ[DATA_VARIABLE] = str(options.data)


def _plan(options: argparse.Namespace) -> Plan:
    out = options.out
    # Beside the file that the run is for; a device such as /dev/null has no folder of ours.
    folder = out.with_name(f"{out.stem}.checkpoints")
    return Plan(
        folder=folder if out.is_file() or not out.exists() else None,
        every=options.checkpoint,
        resume=True if options.resume else False if options.fresh else None,
        best=options.best,
        patience=options.patience,
        settings={"seed": options.seed},
        words=Words(fresh="--fresh", resume="--resume", elsewhere="another --out"),
    )


def positive(text: str) -> int:
    if (number := _whole(text)) < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text}")
    return number


def seed(text: str) -> int:
    if not 0 <= (number := _whole(text)) < 2**32:
        raise argparse.ArgumentTypeError(f"expected 0 to {2**32 - 1}, got {text}")
    return number


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds, got {text!r}")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None


def check_writable(option: str, path: Path) -> None:
    # Before training, not after it: hours of work would have nowhere to go.
    folder = path.resolve().parent  # where a link leads to
    if not folder.is_dir():
        raise MissingFileError(f"{option} {path}: there is not a folder {folder}; create it first")
    if path.is_dir():
        raise DataError(f"{option} {path} is a folder; name a file")
    if path.exists() and not os.access(path, os.W_OK):
        raise WriteError(f"{option} {path}: no permission to write this file")
    replaced = path.is_file() or not path.exists()  # devices and pipes are written to
    if replaced and not os.access(folder, os.W_OK):
        raise WriteError(f"{option} {path}: no permission to write in {folder}")


def _log_versions(log: logging.Logger) -> None:
    import platform
    from importlib.metadata import version

    import theano

    packages = ("Theano", "Lasagne", "nolearn", "numpy", "scipy", "pandas", "scikit-learn")
    log.info("Python %s, %s", platform.python_version(), platform.platform())
    log.info("%s", ", ".join(f"{name} {version(name)}" for name in packages))
    log.info("compiler %s, compile directory %s", theano.config.cxx, theano.config.compiledir)

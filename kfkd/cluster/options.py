"""The command lines of examples/search.py, ensemble.py and predict_many.py."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kfkd.files import expanded
from kfkd.options import (
    Parser,
    add_data_option,
    check_writable,
    positive,
    seconds,
    seed,
    use_data,
)

# What `search_options` and the others return: a Namespace, its attributes listed there.
Search = Any


def search_options(
    description: str, nets: Iterable[str], argv: Sequence[str] | None = None
) -> argparse.Namespace:
    """Read examples/search.py's options.

    Returns
    -------
    Namespace
        net (one of `nets`), nets, epochs, seed (int), out, results (Path), fresh, quiet (bool),
        checkpoint (float), scheduler (str or None), workers (int or None). --data is in use.

    Raises
    ------
    SystemExit
        With code 2 for an unknown option, or a value that is not a number.
    MissingFileError, DataError, WriteError
        If a folder is missing, or --out or --results names a folder or cannot be written to.
    """
    parser = Parser(description)
    _add_net(parser, nets)
    parser.add_argument(
        "--nets", type=positive, default=20, metavar="N",
        help="how many to train (default: %(default)s); more than before goes on",
    )  # fmt: skip
    _add_training(parser, 100, "net2.pickle", "where to pickle the best net")
    parser.add_argument(
        "--results", type=expanded, default=Path("search.jsonl"), metavar="FILE",
        help="the rows, one line of JSON each (default: %(default)s)",
    )  # fmt: skip
    options = _ready(parser, argv)
    check_writable("--results", options.results)
    return options


def ensemble_options(
    description: str, nets: Iterable[str], argv: Sequence[str] | None = None
) -> argparse.Namespace:
    """Read examples/ensemble.py's options: as `search_options`, with folder instead of results."""
    parser = Parser(description)
    _add_net(parser, nets)
    parser.add_argument(
        "--nets", type=positive, default=10, metavar="N",
        help="how many to train, of seeds that follow --seed (default: %(default)s)",
    )  # fmt: skip
    _add_training(parser, None, "ensemble.pickle", "where to pickle the nets together")
    parser.add_argument(
        "--folder", type=expanded, default=Path("ensemble"), metavar="DIR",
        help="of the nets and their checkpoints, which all workers share (default: %(default)s)",
    )  # fmt: skip
    return _ready(parser, argv)


def predict_many_options(description: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read examples/predict_many.py's options: faces, net, out (Path), rows (int), fresh, quiet,
    scheduler and workers."""
    parser = Parser(description)
    parser.add_argument(
        "faces", type=expanded, metavar="FACES",
        help="a folder of pictures, each all face; or a .csv or .parquet (a file, or a folder of "
        "them) with a column Image, as Kaggle's test.csv",
    )  # fmt: skip
    parser.add_argument(
        "--net", type=expanded, default=Path("net2.pickle"), metavar="FILE",
        help="the trained net, specialists or an ensemble (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=expanded, default=Path("predicted"), metavar="DIR",
        help="the folder for part-000000.csv and so on (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--rows", type=positive, default=2000, metavar="N",
        help="faces in a part; the memory that a worker takes grows with it (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="discard parts that are there")
    _add_cluster(parser)
    return parser.parse_args(argv)


def _add_net(parser: Parser, nets: Iterable[str]) -> None:
    names = list(nets)
    parser.add_argument(
        "--net", choices=names, default=names[0], metavar="NET",
        help=f"{' or '.join(names)} (default: %(default)s)",
    )  # fmt: skip


def _add_training(parser: Parser, epochs: int | None, out: str, what: str) -> None:
    parser.add_argument(
        "--epochs", type=positive, default=epochs, metavar="N",
        help=f"how many epochs to train each net (default: {epochs or 'as the tutorial'})",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=seed, default=42, metavar="N",
        help="of the random numbers: the same seed, the same results, on however many workers "
        "(default: %(default)s)",
    )  # fmt: skip
    add_data_option(parser, "training.csv")
    parser.add_argument(
        "--out", type=expanded, default=Path(out), metavar="FILE",
        help=f"{what} (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoint", type=seconds, default=60, metavar="SECONDS",
        help="time from one checkpoint of a net to the next (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--fresh", action="store_true", help="discard what a run that was stopped has reached"
    )
    _add_cluster(parser)


def _add_cluster(parser: Parser) -> None:
    parser.add_argument(
        "--scheduler", metavar="ADDRESS",
        help="of a cluster's scheduler, such as tcp://host:8786 (docs/scale.md; default: workers "
        "on this machine)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=positive, metavar="N",
        help="how many processes (default: one for each core); with --scheduler: how many to "
        "wait for",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="print only the last lines")


def _ready(parser: Parser, argv: Sequence[str] | None) -> argparse.Namespace:
    options = parser.parse_args(argv)
    use_data(options)
    check_writable("--out", options.out)
    return options

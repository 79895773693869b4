"""Draw faces instead of Kaggle's: ``python -m kfkd.faces DEST``, or a sheet to look at."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kfkd.faces.table import draw_many, write_csv
from runtime.errors import DataError, MissingFileError, UserError

_PICTURES = (".png", ".pdf", ".svg", ".jpg")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m kfkd.faces",
        description="Write generated faces, as training.csv and test.csv, into a folder.",
    )
    parser.add_argument("folder", metavar="DEST", type=Path, nargs="?", help="an existing folder")
    parser.add_argument(
        "--sheet", metavar="FILE.png", type=Path, help="write a picture of 64 faces instead"
    )
    parser.add_argument("--first", metavar="ROW", type=int, default=0, help="its first face")
    # What the helpers of workers.py are started with.
    parser.add_argument("--raw", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    try:
        if options.raw is not None:
            _write_raw(options.raw)
        elif options.sheet is not None:
            _write_sheet(options.sheet, options.first)
        elif options.folder is not None:
            _write_tables(options.folder)
        else:
            parser.error("name a folder, or a picture file with --sheet")
    except UserError as error:
        print(f"kfkd.faces: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"kfkd.faces: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _write_tables(folder: Path) -> None:
    if not folder.is_dir():
        raise MissingFileError(f"{folder}: there is no such folder; create it first")
    for test in (False, True):
        print(f"wrote {write_csv(folder, test=test)}", flush=True)


def _write_sheet(path: Path, first: int) -> None:
    from kfkd.faces.sheet import write_sheet

    if path.suffix.lower() not in _PICTURES:
        raise DataError(f"--sheet {path}: the name must end in one of {', '.join(_PICTURES)}")
    if not path.parent.is_dir():
        raise MissingFileError(f"--sheet {path}: there is no folder {path.parent}")
    write_sheet(path, first)


def _write_raw(text: str) -> None:
    try:
        first, end, seed = (int(number) for number in text.split(":"))
    except ValueError as error:
        raise DataError(f"--raw {text}: expected FIRST:END:SEED") from error
    images, labels = draw_many(range(first, end), seed)
    sys.stdout.buffer.write(images.tobytes() + labels.tobytes())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())

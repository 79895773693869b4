"""Write a trained net as ONNX, or its weights as safetensors.

python -m theano_today.export net2.pickle net2.onnx
python -m theano_today.export net2.pickle net2.safetensors

Opening a pickle runs whatever code it holds: use only pickles that you trust.
"""

import theano_today  # isort: skip  # noqa: F401  (first: it makes the packages of 2015 importable)

import argparse
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from theano_today.errors import DataError, MissingFileError, UserError
from theano_today.export import export


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m theano_today.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("pickle", type=Path, help="a NeuralNet, or Lasagne's output layers")
    parser.add_argument("file", type=Path, help="what to write: NAME.onnx or NAME.safetensors")
    options = parser.parse_args(argv)
    try:
        difference = export(_unpickled(options.pickle), options.file)
    except UserError as error:
        print(f"{parser.prog}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    size = options.file.stat().st_size / 1e6 if options.file.is_file() else 0
    print(f"{options.file}: {size:.1f} MB", end="")
    if options.file.suffix == ".onnx":
        if difference is None:
            print("; not compared with Theano: onnxruntime is not installed", end="")
        else:
            print(f"; onnxruntime's predictions differ from Theano's by {difference:.1e}", end="")
    print()
    return 0


def _unpickled(path: Path) -> Any:
    try:
        with path.open("rb") as f:
            return pickle.load(f)
    except UserError:
        raise
    except FileNotFoundError:
        raise MissingFileError(f"there is no {path}") from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
        raise DataError(f"cannot read {path}: {reason.splitlines()[0][:200]}") from error


if __name__ == "__main__":
    sys.exit(main())

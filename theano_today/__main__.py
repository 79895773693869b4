"""The command line: ``python -m theano_today setup``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from theano_today.setup import packages


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m theano_today", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "setup", help="install Theano 1.0.5, Lasagne 0.1 and nolearn 0.6.1 into this environment"
    )
    parser.parse_args(argv)
    packages.install()
    return 0


if __name__ == "__main__":
    sys.exit(main())

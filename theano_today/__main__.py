"""The command line: runs programs of the time as they are, and sets up what they need.

python -m theano_today [--keep DIR] SCRIPT [ARGS ...]   a program, Python 2 or 3
python -m theano_today [--keep DIR] -m MODULE [ARGS ...]
python -m theano_today notebook.ipynb                   its cells in order, figures to files
python -m theano_today --check                          what this machine has, and lacks
python -m theano_today --check SCRIPT [ARGS ...]        run it, and say what its graphs run on
python -m theano_today setup                            install Theano, Lasagne and nolearn
python -m theano_today setup --always                   revive every program of this environment
python -m theano_today setup --never                    not any more
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from theano_today.errors import UserError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _parser()
    ours, rest = _split(arguments)
    options = parser.parse_args(ours)
    try:
        return _do(parser, options, rest)
    except UserError as error:
        print(f"theano_today: error: {' '.join(str(error).split(chr(10)))}", file=sys.stderr)
        return error.exit_code


def _do(parser: argparse.ArgumentParser, options: argparse.Namespace, rest: list[str]) -> int:
    if options.check:
        if options.module is None and not rest:
            from theano_today.runner import check

            return check.main()
        from theano_today.engine import report

        report.listen("theano_today")
    if options.module is None and not rest:
        parser.error("give a program, -m MODULE, a notebook, setup or --check")
    if options.module is None and rest[0] == "setup":
        return _setup(rest[1:])
    from theano_today.runner import run

    how = run.Options(options.python2, options.keep)
    if options.module is not None:
        return run.run_module(options.module, rest, how)
    if rest[0].endswith(".ipynb"):
        from theano_today.runner import notebook

        return notebook.run_notebook(rest[0], rest[1:], how)
    return run.run_script(rest[0], rest[1:], how)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m theano_today",
        usage="python -m theano_today [options] SCRIPT [ARGS ...]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-m", dest="module", metavar="MODULE", help="run a module, as python -m")
    parser.add_argument(
        "--check",
        action="store_true",
        help="print what this machine has; with SCRIPT: what its graphs run on",
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="write the translation of Python 2 files to DIR"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--python2",
        action="store_const",
        const=True,
        default=None,
        help="the program is Python 2, though nothing in it says so",
    )
    kind.add_argument(
        "--python3",
        dest="python2",
        action="store_const",
        const=False,
        help="the program is Python 3: only files that it cannot parse are translated",
    )
    return parser


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return our own options, and the program with its arguments."""
    position = 0
    while position < len(arguments):
        one = arguments[position]
        if not one.startswith("-") or one == "-":
            break
        if one == "-m":
            return arguments[: position + 2], arguments[position + 2 :]
        position += 2 if one == "--keep" else 1
    return arguments[:position], arguments[position:]


def _setup(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m theano_today setup",
        description="Install Theano 1.0.5, Lasagne 0.1, nolearn 0.6.1 and fissix into this "
        "environment.",
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--always",
        action="store_true",
        help="then run every program of this environment as python -m theano_today does",
    )
    choice.add_argument("--never", action="store_true", help="undo --always; install nothing")
    options = parser.parse_args(arguments)
    from theano_today.setup import always, packages

    if options.never:
        always.remove()
        return 0
    packages.install()
    if options.always:
        always.add()
    return 0


if __name__ == "__main__":
    sys.exit(main())

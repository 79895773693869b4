"""THEANO_FLAGS: what the user gave, read and written as Theano does it."""

from __future__ import annotations

import os
import shlex

from theano_today.errors import SetupError

# As the user wrote it: configure.py rewrites the variable when theano is imported.
_given = os.environ.get("THEANO_FLAGS", "")


def given() -> dict[str, str]:
    """Return the flags that the user set, in the environment that this process began with.

    Raises
    ------
    SetupError
        As `parse`.
    """
    return parse(_given)


def parse(text: str) -> dict[str, str]:
    """Read THEANO_FLAGS as Theano does: comma-separated ``name=value``, the last one wins.

    Raises
    ------
    SetupError
        If a quote is not closed.
    """
    splitter = shlex.shlex(text, posix=True)
    splitter.whitespace = ","
    splitter.whitespace_split = True
    try:
        pairs = [pair.strip().partition("=") for pair in splitter]
    except ValueError as error:
        raise SetupError(f"THEANO_FLAGS={text}: {str(error).lower()}") from None
    return {name: value for name, equals, value in pairs if equals}


def unparse(flags: dict[str, str]) -> str:
    """Write flags so that Theano reads them back unchanged, commas and quotes included."""
    return ",".join(
        f"{name}={shlex.quote(value) if value else ''}" for name, value in flags.items()
    )

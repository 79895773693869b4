"""What is printed while a cluster works: rows as they come, and a bar that stays below them."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar


class Progress:
    """Rows on stdout; at a terminal a bar below, which goes when it is over.

    Parameters
    ----------
    total : int or None
        Of rows; None where nobody knows.
    quiet : bool
        Print notes only, of what went wrong.
    words : str
        What the rows count.
    """

    def __init__(self, total: int | None, quiet: bool = False, words: str = "nets") -> None:
        self.quiet = quiet
        self._bar: Bar | None = None
        if sys.stdout.isatty() and not quiet:
            self._bar = Bar(
                TextColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(),
                TextColumn(words), TimeElapsedColumn(), transient=True,
                console=Console(highlight=False), redirect_stderr=False,
            )  # fmt: skip
            self._task = self._bar.add_task("", total=total)
            self._bar.start()

    def say(self, text: str) -> None:
        """Print a line."""
        if self.quiet:
            return
        if self._bar is not None:
            self._bar.console.print(text, markup=False, soft_wrap=True)
        else:
            print(text, flush=True)

    def row(self, text: str) -> None:
        """Print a line, and move the bar on."""
        self.say(text)
        self.advance(1)

    def advance(self, steps: int) -> None:
        """Move the bar on."""
        if self._bar is not None:
            self._bar.advance(self._task, steps)

    def note(self, text: str) -> None:
        """Print a line on stderr."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, soft_wrap=True, style="dim")
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

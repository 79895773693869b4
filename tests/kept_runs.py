"""Functions that are compiled twice, as if by two runs of a program: what is kept, what is used."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import theano

from theano_today.kept_graphs import files, optimize


class Runs:
    """Graphs that are kept from here on, in a folder of their own, however small they are.

    Attributes
    ----------
    keys : list of bytes
        Of the graphs that might be kept.
    kept, used : int
        How many were written, and how many were taken from the folder.
    refusals : list of str
        Why graphs were not kept.
    """

    def __init__(self, monkeypatch, folder) -> None:
        self.keys: list[bytes] = []
        self.kept = self.used = 0
        self.refusals: list[str] = []
        self.folder = folder
        runs = self

        class Before(optimize.Before):
            def __init__(self, *arguments):
                super().__init__(*arguments)
                runs.keys.append(self.key)

            def keep(self, fgraph):
                kept = super().keep(fgraph)
                runs.kept += 1
                return kept

            def put_in(self, fgraph, kept, encoder):
                super().put_in(fgraph, kept, encoder)
                runs.used += encoder is self.encoder

        class Log:
            def debug(self, text, *arguments):
                runs.refusals.append(text % arguments)

            def isEnabledFor(self, level):
                return False

        monkeypatch.setattr(optimize, "Before", Before)
        monkeypatch.setattr(optimize, "FEWEST", 1)
        monkeypatch.setattr(optimize, "SHORTEST", 0)
        monkeypatch.setattr(optimize, "log", Log())
        monkeypatch.setattr(files, "folder", lambda: folder)
        monkeypatch.setattr(theano.config, "keep_graphs", True)

    def twice(self, make: Callable[[], Any]) -> tuple[Any, Any]:
        """Return what `make` returns, with a graph that is optimised and with one that was kept."""
        made, used = [], [self.used]
        for _ in range(2):  # one line of the program, as two runs have it
            made.append(make())
            used.append(self.used)
        assert used[0] == used[1], "the graph was there already"
        assert used[1] < used[2], self.refusals[-3:]
        return made[0], made[1]


def printed(function) -> str:
    """Return all that can be seen of a compiled function's graph."""
    graph = function.maker.fgraph
    text = io.StringIO()
    theano.printing.debugprint(graph.outputs, print_type=True, file=text)
    lines = [text.getvalue()]
    for node in graph.toposort():
        # Of the lines of the program the innermost: who called it is another line each time.
        traces = [[stack[-1] for stack in getattr(v.tag, "trace", ())] for v in node.outputs]
        names = [(str(v), v.name, str(v.type)) for v in node.outputs]
        lines.append(f"{type(node.op).__name__} {node.op} {names} {traces}")
    for v in [*graph.inputs, *(v for node in graph.toposort() for v in node.outputs)]:
        lines.append(f"{v} {[(str(node), i) for node, i in v.clients]}")
    # Numbers of a Composite's inner variables are those of a set.
    return re.sub(r"0x[0-9a-f]+|\bt\d+\b", "any", "\n".join(lines))

"""Walks through graphs that take longer than they must, where optimisations take them often.

The order of nodes and variables is Theano's own: what it is decides which rewrite comes first, and
so what graph comes out. What changes:

- ``io_toposort`` without further orderings came back to nodes that it had been to, by way of each
  of their clients; and the nodes of a new part of a graph were sorted with a copy of the set of
  all variables of the graph, which it only looks up,
- ``ancestors`` put variables onto its stack again that it had already found,
- a graph told each of its features of each change, and those that do not listen raised an error.
"""

from __future__ import annotations

from types import ModuleType

from theano_today import hooks
from theano_today.compat import source


def install() -> None:
    hooks.after_import("theano.gof.graph", _mend_graph)
    hooks.after_import("theano.gof.fg", _mend_function_graph)


def _mend_graph(graph: ModuleType) -> None:
    with_orderings = graph.io_toposort

    def io_toposort(inputs, outputs, orderings=None, clients=None):
        if orderings or clients is not None:
            return with_orderings(inputs, outputs, orderings, clients)
        return in_order(inputs, outputs)

    io_toposort.__doc__ = with_orderings.__doc__
    graph.io_toposort = io_toposort  # type: ignore[attr-defined]
    graph.ancestors = ancestors  # type: ignore[attr-defined]


def in_order(inputs, outputs) -> list:
    """Return the nodes that compute `outputs`, each behind those that it reads from.

    Parameters
    ----------
    inputs : iterable of Variable
        What need not be computed; a set is not copied.
    outputs : list of Variable
    """
    known = inputs if type(inputs) is set else set(inputs)
    computed: set = set()
    waiting = [v.owner for v in reversed(outputs) if v.owner]
    order = []
    expanded: set = set()  # nodes whose inputs are computed once they are on top again
    while waiting:
        node = waiting[-1]
        first = node.outputs[0]
        if first in computed or first in known:
            waiting.pop()
            continue
        if node not in expanded:
            expanded.add(node)
            missing = [
                v for v in node.inputs
                if v.owner is not None and v not in computed and v not in known
            ]  # fmt: skip
            if missing:
                # Of what is known, too, the first outputs may not be.
                for v in node.inputs:
                    owner = v.owner
                    if owner is not None:
                        first = owner.outputs[0]
                        if first not in computed and first not in known:
                            waiting.append(owner)
                continue
        waiting.pop()
        computed.update(node.outputs)
        order.append(node)
    return order


def ancestors(variable_list, blockers=None):
    """Return the variables that contribute to those in variable_list (inclusive).

    All of them, in the order found by a left-recursive depth-first search started at the nodes in
    `variable_list`, which begins with the last.
    """
    waiting = list(variable_list)
    found: dict = {}
    while waiting:
        v = waiting.pop()
        if v in found:
            continue
        found[v] = None
        owner = v.owner
        if owner and (not blockers or v not in blockers):
            waiting += [w for w in reversed(owner.inputs) if w not in found]
    return list(found)


def _mend_function_graph(fg: ModuleType) -> None:
    source.edit(
        fg.FunctionGraph.execute_callbacks,
        {
            "        try:\n            fn = getattr(feature, name)\n"
            "        except AttributeError:\n": "        fn = getattr(feature, name, None)\n"
            "        if fn is None:\n"
        },
    )

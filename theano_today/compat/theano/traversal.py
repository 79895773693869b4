"""Walks through graphs that take longer than they must, where optimisations take them often.

The order of nodes and variables is Theano's own: what it is decides which rewrite comes first, and
so what graph comes out. What changes:

- ``io_toposort`` without further orderings came back to nodes that it had been to, by way of each
  of their clients; and the nodes of a new part of a graph were sorted with a copy of the set of
  all variables of the graph, which it only looks up,
- ``ancestors`` put variables onto its stack again that it had already found,
- each step that works in place looked for cycles among variables and nodes, where nodes will do,
- a graph told each of its features of each change, and those that do not listen raised an error.
"""

from __future__ import annotations

from types import ModuleType

from theano_today import hooks
from theano_today.compat import source


def install() -> None:
    hooks.after_import("theano.gof.graph", _mend_graph)
    hooks.after_import("theano.gof.fg", _mend_function_graph)
    hooks.after_import("theano.gof.destroyhandler", _mend_destroy_handler)


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

    Raises
    ------
    ValueError
        If a node reads what is computed from it.
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
                    if owner is None or owner.outputs[0] in computed or owner.outputs[0] in known:
                        continue
                    if owner not in expanded:
                        waiting.append(owner)
                    elif v not in known:  # Theano's went on for ever
                        raise ValueError("graph contains cycles")
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


def _mend_destroy_handler(destroyhandler: ModuleType) -> None:
    destroyhandler._contains_cycle = contains_cycle  # type: ignore[attr-defined]


def contains_cycle(fgraph, orderings) -> bool:
    """Say whether some nodes of a graph wait for each other.

    Parameters
    ----------
    fgraph : FunctionGraph
    orderings : dict of Apply to collection of Apply
        Which nodes have to be computed before a node, besides those that it reads from.
    """
    nodes = fgraph.apply_nodes
    followers: dict = {}
    waits_for: dict = {}  # how many nodes
    ready = []
    for node in nodes:
        before = [v.owner for v in node.inputs if v.owner is not None]
        before += orderings.get(node, ())
        if not before:
            ready.append(node)
            continue
        waits_for[node] = len(before)
        for other in before:
            if other in followers:
                followers[other].append(node)
            else:
                followers[other] = [node]
    done = 0
    while ready:
        node = ready.pop()
        done += 1
        for follower in followers.get(node, ()):
            left = waits_for[follower] = waits_for[follower] - 1
            if not left:
                ready.append(follower)
    return done != len(nodes)

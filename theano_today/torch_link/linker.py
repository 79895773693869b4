"""The Theano Linker: hands optimised graphs to torch."""

from __future__ import annotations

from typing import Any

from theano.gof.link import Container, LocalLinker, map_storage

from theano_today.torch_link import scan  # noqa: F401  (enters itself into lowering.INNER)
from theano_today.torch_link.lowering import lower
from theano_today.torch_link.program import Program
from theano_today.torch_link.target import Target


class TorchLinker(LocalLinker):
    """Links a FunctionGraph to a `Program`; see theano.gof.link.LocalLinker.

    Parameters
    ----------
    target : Target
    """

    # Scan and others ask a linker for it: intermediate results are always freed.
    allow_gc = True

    def __init__(self, target: Target) -> None:
        self.target = target
        self.fgraph: Any = None
        self.updated: dict = {}

    def accept(self, fgraph, no_recycling=None, profile=None) -> TorchLinker:
        """Return a linker for `fgraph`: this one, if it has none yet."""
        if self.fgraph is not None and self.fgraph is not fgraph:
            return type(self)(self.target).accept(fgraph, no_recycling, profile)
        self.fgraph = fgraph
        return self

    def accept_var_updates(self, updated: dict) -> None:
        """FunctionMaker tells which output is the new value of which input."""
        self.updated = updated

    def make_all(self, input_storage=None, output_storage=None, storage_map=None):
        """Return the program, its input and output containers, no thunks, and the nodes."""
        fgraph = self.fgraph
        order = self.schedule(fgraph)
        input_storage, output_storage, storage_map = map_storage(
            fgraph, order, input_storage, output_storage, storage_map
        )
        # A function may return the variable that it updates. Theano gives both one cell then;
        # here the result would overwrite the new value.
        output_storage = [
            [None] if any(cell is given for given in input_storage) else cell
            for cell in output_storage
        ]
        # Updates are the last outputs; the same variable may be a returned one as well.
        updated = []
        for variable, new in self.updated.items():
            outputs = [i for i, output in enumerate(fgraph.outputs) if output is new]
            updated.append((fgraph.inputs.index(variable), outputs[-1]))
        lowered = lower(fgraph, order, self.target, updated)
        program = Program(lowered, input_storage, output_storage, updated, self.target)
        program.storage_map = storage_map
        return (
            program,
            [Container(v, cell) for v, cell in zip(fgraph.inputs, input_storage, strict=True)],
            [
                Container(v, cell, readonly=True)
                for v, cell in zip(fgraph.outputs, output_storage, strict=True)
            ],
            [],
            order,
        )

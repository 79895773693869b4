"""scan's loop.

scan_perform.c, written by Cython in 2017, does not compile since Python 3.11 moved
longintrepr.h. scan_loop.py has the same loop.

And one fault of Theano 1.0.5's own, which raises in 2020 as well: a gradient that is truncated
(Lasagne's gradient_steps) takes fewer steps than its sequences have, and than it returns, with
zeros for the rest. The optimisation that makes one product of those of all steps multiplies what
the steps compute with all of that, and the shapes do not match. Both are cut to the steps that are
taken. Where both factors are sequences their product is Theano's as ever, and not truncated.
"""

from __future__ import annotations

import functools
from types import ModuleType

from theano_today import hooks


def install() -> None:
    hooks.replace("theano.scan_module.scan_perform_ext", _fill_scan_perform)
    hooks.after_import("theano.scan_module.scan_opt", _cut_sequences)


def _fill_scan_perform(module: ModuleType) -> None:
    from theano_today.compat.theano import scan_loop

    module.__dict__.update(
        perform=scan_loop.perform,
        version=0.296,  # scan_perform_ext's of Theano 1.0.5
        get_version=lambda: 0.296,
    )


def _cut_sequences(module: ModuleType) -> None:
    optimizer = module.PushOutScanOutput
    original = optimizer.push_out_inner_vars

    @functools.wraps(original)
    def push_out_inner_vars(self, fgraph, inner_vars, old_scan_node, old_scan_args):
        all_sequences = all(v in old_scan_args.inner_in_seqs for v in inner_vars)
        outer, node, args = original(self, fgraph, inner_vars, old_scan_node, old_scan_args)
        if old_scan_node.op.truncate_gradient != -1 and not all_sequences:
            steps = old_scan_node.inputs[0]
            pairs = zip(outer, inner_vars, strict=True)
            outer = [v[:steps] if v.ndim > inner.ndim else v for v, inner in pairs]
        return outer, node, args

    optimizer.push_out_inner_vars = push_out_inner_vars

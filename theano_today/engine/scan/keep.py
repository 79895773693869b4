"""What the loop of a gradient would compute again, the loop forward keeps for it.

The gradient of a scan is a scan backwards. Theano hands it the states, of which it computes anew
what else it needs of each step: of an LSTM the four gates, with their product. Here the scan
forward has these as further outputs, and the one backwards takes them as sequences. It is done
before anything else is optimised, while the second scan is as Scan.L_op has written it:

    its sequences    the forward scan's sequences; what its states were before each step; gradients
                     of outputs; its outputs. All of them x[::-1][:steps].
    its other inputs those of the forward scan, at last

What both compute of these, node by node, is the same. A variable is kept if the gradient needs it
and computing it takes more than additions and multiplications of what is there anyway.

The elementwise Ops of such a gradient stay in its loop: Theano takes those that need sequences
only out of it, where each reads and writes arrays of all steps.
"""

from __future__ import annotations

from typing import Any

import theano.scalar as ts
from theano import gradient
from theano.compile import ops, optdb
from theano.gof import Constant
from theano.gof.graph import io_toposort
from theano.scan_module import scan_opt, scan_utils
from theano.scan_module.scan_op import Scan
from theano.tensor import TensorType, basic
from theano.tensor.elemwise import DimShuffle, Elemwise
from theano.tensor.opt import Assert, MakeVector
from theano.tensor.subtensor import Subtensor

from theano_today.compat import source
from theano_today.engine.patterns import ON_KERNELS, Rewrite
from theano_today.engine.scan import loop

NAME = "scan_keep"

# What costs as much as reading its result from memory
_CHEAP = (
    ts.Add, ts.Sub, ts.Mul, ts.Neg, ts.Sqr, ts.Abs, ts.Sgn, ts.Identity, ts.Second, ts.Cast,
    ts.Switch, ts.Clip, ts.Maximum, ts.Minimum, ts.EQ, ts.NEQ, ts.LT, ts.GT, ts.LE, ts.GE,
    ts.AND, ts.OR, ts.XOR, ts.Invert,
)  # fmt: skip
_VIEWS = (
    DimShuffle, Subtensor, ops.Shape, ops.Shape_i, ops.ViewOp, ops.Rebroadcast, Assert, MakeVector,
    basic.Reshape, basic.Flatten, basic.ScalarFromTensor, basic.TensorFromScalar,
    gradient.GradClip, gradient.ConsiderConstant, gradient.ZeroGrad, gradient.DisconnectedGrad,
)  # fmt: skip


class KeepForGradient(Rewrite):
    """Hand what a scan computes to the scan that is its gradient."""

    def rewrite(self, fgraph):
        for node in fgraph.toposort():
            if type(node.op) is Scan and node.op.n_mit_mot:
                forward = forward_of(node)
                if forward is not None:
                    hand_on(fgraph, forward, node)


def forward_of(node):
    """Return the scan whose gradient a scan is, or None."""
    for v in node.op.outer_seqs(node):
        found = _backwards(v)
        if found is None:
            continue
        v = found[0]
        if v.owner is not None and _indices(v) == [slice(None, -1, None)]:
            v = v.owner.inputs[0]
        forward = v.owner
        if forward is not None and type(forward.op) is Scan and _is_of(node, forward):
            covered = loop.why_not(forward.op) is None and loop.why_not(node.op) is None
            return forward if covered else None
    return None


def _indices(v) -> list | None:
    if v.owner is None or type(v.owner.op) is not Subtensor:
        return None
    return v.owner.op.get_constant_idx(v.owner.inputs, allow_partial=True)


def _backwards(v) -> tuple | None:
    """Return x, steps and what is [:-1] between them of x[::-1][:-1][:steps]; or None."""
    if v.owner is None or type(v.owner.op) is not Subtensor or len(v.owner.inputs) != 2:
        return None
    (entry, *more), (x, steps) = v.owner.op.idx_list, v.owner.inputs
    if more or not isinstance(entry, slice) or (entry.start, entry.step) != (None, None):
        return None
    shorter = _indices(x) == [slice(None, -1, None)]
    if shorter:
        x = x.owner.inputs[0]
    if _indices(x) != [slice(None, None, -1)]:
        return None
    return x.owner.inputs[0], steps, shorter


def _is_of(node, forward) -> bool:
    """Say whether the sequences and the other inputs are those of the gradient of `forward`."""
    op = forward.op
    if op.as_while or op.n_mit_mot or op.n_mit_sot or op.n_shared_outs or node.op.n_shared_outs:
        return False
    sequences: list[Any] = [_backwards(v) for v in node.op.outer_seqs(node)]
    if any(found is None for found in sequences) or len({found[1] for found in sequences}) != 1:
        return False
    states, last = op.outer_sitsot_outs(forward), _outputs_of_each_step(forward)
    first, n_last = op.n_seqs + len(states), len(states) + len(last)
    if len(sequences) < first + n_last:
        return False
    if [(x, False) for x in op.outer_seqs(forward)] != [
        (x, s) for x, _, s in sequences[: op.n_seqs]
    ]:
        return False
    for state, (x, _, shorter) in zip(states, sequences[op.n_seqs : first], strict=True):
        if shorter or _indices(x) != [slice(None, -1, None)] or x.owner.inputs[0] is not state:
            return False
    wanted = [*((x, True) for x in states), *((x, False) for x in last)]
    if wanted != [(x, s) for x, _, s in sequences[len(sequences) - n_last :]]:
        return False
    others = op.outer_non_seqs(forward)
    mine = node.op.outer_non_seqs(node)
    return len(mine) >= len(others) and mine[len(mine) - len(others) :] == others


def _outputs_of_each_step(forward) -> list:
    """Return those outputs that were there before some were added here."""
    outputs = forward.op.outer_nitsot_outs(forward)
    return outputs[: len(outputs) - getattr(forward.tag, NAME, 0)]


class Numbers:
    """Variables of several graphs by what they are: the same number, the same value."""

    def __init__(self) -> None:
        self.of: dict[Any, Any] = {}
        self.known: dict[Any, list[int]] = {}
        self.count = 0

    def new(self) -> int:
        self.count += 1
        return self.count

    def number(self, v) -> int | None:
        if isinstance(v, Constant):
            key = v.type, v.signature()
            if key not in self.known:
                self.known[key] = [self.new()]
            return self.known[key][0]
        return self.of.get(v)

    def add(self, node, make: bool) -> bool:
        """Number the outputs of a node; where not `make`, only as those of a known node."""
        inputs = tuple(self.number(v) for v in node.inputs)
        if None in inputs:
            return False
        key = node.op, inputs
        if key not in self.known:
            if not make:
                return False
            self.known[key] = [self.new() for _ in node.outputs]
        for v, n in zip(node.outputs, self.known[key], strict=True):
            self.of.setdefault(v, n)
        return True


def hand_on(fgraph, forward, node) -> None:
    """Give `forward` further outputs, and replace `node` by a scan that takes them."""
    op = node.op
    inputs, outputs = scan_utils.reconstruct_graph(op.inputs, op.outputs)
    args = scan_utils.scan_args(
        forward.inputs, forward.outputs, forward.op.inputs, forward.op.outputs, forward.op.info
    )
    numbers = Numbers()
    for v in args.inner_inputs:
        numbers.of[v] = numbers.new()
    by_number: dict[int, Any] = {}
    for inner in io_toposort(args.inner_inputs, args.inner_outputs):
        numbers.add(inner, make=True)
        for v in inner.outputs:
            by_number.setdefault(numbers.of[v], v)
    sequences, others = op.inner_seqs(inputs), op.inner_non_seqs(inputs)
    n_last = len(_outputs_of_each_step(forward))
    last = [*args.inner_out_sit_sot, *args.inner_out_nit_sot[:n_last]]
    their_others = args.inner_in_non_seqs
    before = [*args.inner_in_seqs, *args.inner_in_sit_sot]
    there = dict(zip(sequences, before, strict=False))
    there.update(zip(sequences[len(sequences) - len(last) :], last, strict=True))
    there.update(zip(others[len(others) - len(their_others) :], their_others, strict=True))
    for mine, theirs in there.items():
        numbers.of[mine] = numbers.number(theirs)
    constants = {numbers.number(v) for v in their_others}
    kept = _worth_keeping(numbers, inputs, outputs, constants)
    if not kept:
        return

    found = {numbers.of[v]: v for v in sequences if v in numbers.of}
    new = [n for n in dict.fromkeys(kept.values()) if n not in found]
    if new:
        made = scan_opt.PushOutScanOutput().add_nitsot_outputs(
            fgraph, forward, args, [by_number[n] for n in new]
        )
        setattr(made.tag, NAME, getattr(forward.tag, NAME, 0) + len(new))
        entries = made.op.outer_nitsot_outs(made)[-len(new) :]
        steps = op.outer_seqs(node)[0].owner
        outer = [steps.op(x[::-1], *steps.inputs[1:]) for x in entries]
        inner = [scan_utils.safe_new(by_number[n]) for n in new]
        found.update(zip(new, inner, strict=True))
        for v in outer:
            setattr(v.tag, NAME, True)
    else:
        outer, inner = [], []
    replaced = scan_utils.clone(outputs, replace={v: found[n] for v, n in kept.items()})
    info = op.info.copy()
    info["n_seqs"] += len(inner)
    with_them = Scan([*inner, *inputs], replaced, info)(
        *node.inputs[:1], *outer, *node.inputs[1:], return_list=True
    )
    fgraph.replace_all_validate_remove(
        list(zip(node.outputs, with_them, strict=True)), remove=[node], reason=NAME
    )


def _worth_keeping(numbers: Numbers, inputs, outputs, constants: set) -> dict[Any, int]:
    """Return the variables of a gradient's inner graph that are to be handed on, numbered."""
    order = io_toposort(inputs, outputs)
    varying = {v for v in inputs if numbers.of.get(v) not in constants}  # from step to step
    known = [node for node in order if numbers.add(node, make=False)]
    for node in order:
        if any(v in varying for v in node.inputs):
            varying.update(node.outputs)
    inner = dict.fromkeys(v for node in known for v in node.outputs)  # in order
    wanted = [v for v in outputs if v in inner]
    for node in order:
        if node.outputs[0] not in inner:
            wanted += [
                v for k, v in enumerate(node.inputs) if v in inner and not _for_shape(node, k)
            ]
    wanted = [v for v in dict.fromkeys(wanted) if v in varying and isinstance(v.type, TensorType)]
    at_hand = {numbers.of[v] for v in inputs if v in numbers.of}
    kept = {v for v in wanted if not _cheap(v.owner) or numbers.of[v] in at_hand}
    at_hand |= {numbers.of[v] for v in kept}

    def is_there(v) -> bool:
        if v not in varying or numbers.of[v] in at_hand:
            return True
        return v.owner is not None and _cheap(v.owner) and all(map(is_there, v.owner.inputs))

    for v in wanted:
        if not is_there(v):
            kept.add(v)
            at_hand.add(numbers.of[v])
    return {v: numbers.of[v] for v in inner if numbers.of[v] in {numbers.of[k] for k in kept}}


def _for_shape(node, k: int) -> bool:
    """Say whether input `k` of a node is only asked for its shape."""
    if type(node.op) is Elemwise:
        return k == 0 and type(node.op.scalar_op) is ts.Second
    return type(node.op) in (ops.Shape, ops.Shape_i)


def _cheap(node) -> bool:
    if type(node.op) is Elemwise:
        return type(node.op.scalar_op) in _CHEAP
    return type(node.op) in _VIEWS


def stays(sequences, node) -> bool:
    """Say whether an elementwise node stays in the loop of a scan that has these sequences."""
    return node.outputs[0].ndim > 1 and any(hasattr(v.tag, NAME) for v in sequences)


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=scan_keep`` turns it off."""
    if NAME in optdb:
        return  # Theano was reloaded
    _leave_elementwise()
    # Behind the first merge (0), before anything that changes scans (0.05)
    optdb.register(NAME, KeepForGradient(), 0.04, "fast_run", "scan", ON_KERNELS)


def _leave_elementwise() -> None:
    """Let PushOutSeqScan leave what `stays`."""
    scan_opt._theano_today_stays = stays
    source.edit(
        scan_opt.PushOutSeqScan.process_node,
        {
            "isinstance(nd.op, theano.tensor.Elemwise)):": (
                "isinstance(nd.op, theano.tensor.Elemwise) and "
                "not _theano_today_stays(outer_seqs, nd)):"
            )
        },
    )

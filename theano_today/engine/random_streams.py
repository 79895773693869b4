"""MRG_RandomStreams by vectors of streams: the same numbers to the last bit, many times as fast.

Theano's C code draws one number after the other. That took half the time of the tutorial's last
net, whose dropout layers draw 15 million numbers for each batch. Here a kernel draws from as
many streams at once as a vector has lanes (kernels/mrg.hpp).

Dropout compares the numbers with a probability and needs no more of them: ``uniform < p`` becomes
one Op, `MrgMask`, which writes a byte for each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType

import numpy as np
from theano import scalar
from theano.compile import optdb
from theano.gof import Apply, Constant, Op, Variable
from theano.gof.opt import TopoOptimizer, local_optimizer
from theano.gradient import UndefinedGrad
from theano.tensor import TensorType, basic, elemwise, opt

from theano_today.compat.theano import mrg
from theano_today.engine import dispatch, genuine, library
from theano_today.engine.patterns import ON_KERNELS, operands
from theano_today.engine.thunks import thunk_of


def count_of(size: np.ndarray, ndim: int) -> int:
    """Return how many numbers a size means.

    Raises
    ------
    ValueError
        If it has not `ndim` lengths, one of them is negative, or the product is 2**31 or more.
    """
    if len(size) != ndim:
        raise ValueError(f"size must have length {ndim} (not {len(size)})")
    if min(size, default=0) < 0:
        raise ValueError(f"negative dimensions are not allowed: {tuple(map(int, size))}")
    count = math.prod(int(length) for length in size)
    if count > mrg.M1:
        raise ValueError("rng_mrg cpu-implementation does not support more than (2**31 -1) samples")
    return count


def _moved(state: np.ndarray, inplace: bool) -> np.ndarray:
    """Return the streams' state as the kernels move it on: it, where that is wished, or a copy."""
    if state.shape[1] != 6 or not len(state):
        raise ValueError(f"rstate must have 6 columns and a row at least, not {state.shape}")
    fits = inplace and state.flags.c_contiguous and state.flags.aligned
    return state if fits else np.array(state, order="C")


def uniform(node) -> Callable | None:
    """Samples in (0, 1): Theano's mrg_uniform"""
    dtype, inplace = node.op.output_type.dtype, node.op.inplace
    kernel = {"float32": "today_uniform", "float64": "today_uniform_double"}.get(dtype)
    if kernel is None:
        return None  # float16, for which Theano has no C code either

    def run(state, size):
        count = count_of(size, node.op.output_type.ndim)
        state = _moved(state, inplace)
        samples = library.empty(tuple(map(int, size)), dtype)
        library.call(kernel, state.ctypes.data, len(state), samples.ctypes.data, count)
        return state, samples

    return run


class MrgMask(Op):
    """Where mrg_uniform's samples are below a probability.

    Inputs: the state of the streams (streams, 6) int32, the size of the mask, a vector of
    integers, and the probability, a float32 scalar. Outputs: the state afterwards, in place
    where `inplace`, and the mask, bool.

    Parameters
    ----------
    broadcastable : tuple of bool
        The mask's.
    inplace : bool
    """

    __props__ = ("broadcastable", "inplace")

    def __init__(self, broadcastable, inplace=False):
        self.broadcastable, self.inplace = broadcastable, inplace
        if inplace:
            self.destroy_map = {0: [0]}

    def make_node(self, state, size, p):
        return Apply(
            self, [state, size, p], [state.type(), TensorType("bool", self.broadcastable)()]
        )

    def infer_shape(self, node, shapes):
        size = node.inputs[1]
        return [shapes[0], [size[axis] for axis in range(len(self.broadcastable))]]

    def perform(self, node, inputs, outputs):
        state, size, p = inputs
        count = count_of(size, len(self.broadcastable))
        state = _moved(state, self.inplace)
        samples = mrg.draw(state, count, "float32")
        outputs[0][0], outputs[1][0] = state, np.less(samples, p).reshape(size)

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        if library.kernels() is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")

        def run(state, size, p):
            count = count_of(size, len(self.broadcastable))
            state = _moved(state, self.inplace)
            mask = library.empty(tuple(map(int, size)), "bool")
            library.call(
                "today_mask", state.ctypes.data, len(state), float(p), mask.ctypes.data, count
            )
            return state, mask

        return thunk_of(run, node, storage_map, compute_map)


def _probability(v: Variable) -> Variable | None:
    """Return the float32 scalar that v is, broadcast or not; else None."""
    while v.owner is not None and isinstance(v.owner.op, (elemwise.DimShuffle, UndefinedGrad)):
        v = v.owner.inputs[0]
    if isinstance(v, Constant) and v.data.size == 1:
        v = basic.constant(v.data.reshape(()), dtype=v.dtype)
    return v if v.ndim == 0 and v.dtype == "float32" else None


def _is_drawn(v: Variable) -> bool:
    """Say whether v is what the engine draws by Theano's own mrg_uniform, in float32."""
    from theano.sandbox import rng_mrg

    node = v.owner
    if node is None or type(node.op) is not rng_mrg.mrg_uniform or v is not node.outputs[1]:
        return False
    return v.dtype == "float32" and len(v.clients) == 1 and genuine.is_genuine(node.op)


@local_optimizer([elemwise.Elemwise])
def compare_where_drawn(node):
    """Replace mrg_uniform(...) < p by MrgMask."""
    pair = operands(node.outputs[0], scalar.LT, 2)
    if pair is None or not genuine.is_genuine(node.op.scalar_op) or not dispatch.is_on():
        return False
    samples, p = pair[0], _probability(pair[1])
    if p is None or not _is_drawn(samples):
        return False
    state, size = samples.owner.inputs
    old_state = samples.owner.outputs[0]
    new_state, mask = MrgMask(node.outputs[0].broadcastable)(state, size, p)
    return {old_state: new_state, node.outputs[0]: mask}


@local_optimizer([MrgMask])
def move_on_in_place(node):
    """Move the streams on in place of the old state, where nothing needs it afterwards."""
    if isinstance(node.op, MrgMask) and not node.op.inplace:
        return MrgMask(node.op.broadcastable, True)(*node.inputs)
    return False


def register(rng_mrg: ModuleType) -> None:
    """Register; ``optimizer_excluding=mrg_mask`` turns the rewrite off."""
    dispatch.add(rng_mrg.mrg_uniform, uniform)
    if "mrg_mask" in optdb:
        return  # Theano was reloaded
    # Behind what leaves out the factor 1 and the summand 0 of uniform's range, before fusion (49).
    optdb.register(
        "mrg_mask",
        opt.in2out(compare_where_drawn, ignore_newtrees=True),
        48, "fast_run", ON_KERNELS,
    )  # fmt: skip
    # With Theano's own, random_make_inplace_mrg.
    optdb.register(
        "mrg_mask_inplace",
        TopoOptimizer(move_on_in_place, failure_callback=TopoOptimizer.warn_inplace),
        99, "fast_run", "inplace", ON_KERNELS,
    )  # fmt: skip

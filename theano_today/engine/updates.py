"""Momentum updates in one pass over memory, together with the product that is their gradient.

Lasagne's nesterov_momentum and momentum write, for a parameter w with velocity v,

    stepped = w - rate * g
    x = momentum * v + stepped - w
    v <- x                 w <- momentum * x + stepped         (nesterov_momentum)

    x = momentum * v + stepped
    v <- x - w             w <- x                              (momentum)

For the first dense layer of net2, w, v and g have 7.7 million elements each: four arrays more
to write and read if done one operation after the other, and g not at all if each piece of the
product a.T @ b that it is, is used where it was computed (kernels/update.hpp).

Theano's optimizer turns the differences of weights into momentum * v - rate * g as well, so that
the velocity does not lose its digits to the weight's.
"""

from __future__ import annotations

import numpy as np
from theano import scalar, tensor
from theano.compile import optdb
from theano.gof import Apply, Op, Variable
from theano.gof.opt import TopoOptimizer, copy_stack_trace, local_optimizer
from theano.tensor import elemwise

from theano_today.engine import library, products
from theano_today.engine.patterns import ON_KERNELS, Rewrite, either_way, operands
from theano_today.engine.thunks import thunk_of


class Momentum(Op):
    """A step of w and v, float32 of one shape.

    Inputs: w, v, then either the gradient g or, where `of_product`, the matrices a and b whose
    product it is, then the scalars rate and momentum. Outputs: the new w and v, in place of
    the old where `inplace`.
    """

    __props__ = ("nesterov", "of_product", "inplace")

    def __init__(self, nesterov, of_product=False, inplace=False):
        self.nesterov, self.of_product, self.inplace = nesterov, of_product, inplace
        if inplace:
            self.destroy_map = {0: [0], 1: [1]}

    def make_node(self, w, v, *others):
        return Apply(self, [w, v, *others], [w.type(), v.type()])

    def infer_shape(self, node, shapes):
        return shapes[:2]

    def _in_place(self, w, v):
        # What is not contiguous, the kernels cannot step through.
        fits = w.flags.c_contiguous and v.flags.c_contiguous
        if self.inplace and fits:
            return w, v
        copies = library.empty(w.shape), library.empty(v.shape)
        for copy, original in zip(copies, (w, v), strict=True):
            copy[...] = original
        return copies

    def perform(self, node, inputs, outputs):
        w, v, *factors, rate, momentum = inputs
        g = factors[0] @ factors[1] if self.of_product else factors[0]
        w, v = self._in_place(w, v)
        with np.errstate(all="ignore"):
            down = rate * g
            before = momentum * v
            v[...] = before - down
            mine = w + (momentum * v - down if self.nesterov else v)
            theirs = (momentum * v if self.nesterov else before) + (w - down)
            w[...] = np.where(np.isfinite(mine) & np.isfinite(theirs), mine, theirs)
        outputs[0][0], outputs[1][0] = w, v

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        if library.kernels() is None:
            return super().make_thunk(node, storage_map, compute_map, no_recycling, "py")

        def run(w, v, *rest):
            *factors, rate, momentum = rest
            w, v = self._in_place(w, v)
            step = float(rate), float(momentum), self.nesterov, w.ctypes.data, v.ctypes.data
            if not w.size:
                return w, v
            if self.of_product:
                a, b = factors
                fits = a.shape[1:] == b.shape[:1] and (len(a), b.shape[1]) == w.shape == v.shape
                _check(fits, w, v, a, b)
                shape = *w.shape, len(b)
                library.call("today_update_with_product", *step, *products.matrix(a),
                    *products.matrix(b), *shape,
                )  # fmt: skip
            else:
                g = np.asarray(factors[0], order="C")  # ascontiguousarray makes a scalar a vector
                _check(g.shape == w.shape == v.shape, w, v, g)
                library.call("today_update", *step, g.ctypes.data, w.size)
            return w, v

        return thunk_of(run, node, storage_map, compute_map)


def _check(fits: bool, *arrays) -> None:
    if not fits:
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise ValueError(f"a momentum update of arrays that do not fit: {shapes}")


def find_momentum(new_w: Variable):
    """Return (w, v, g, rate, momentum, new v, nesterov) if new_w is such an update, else None."""
    # nesterov: momentum * x + stepped, where x = momentum * v + stepped - w
    for scaled, stepped in either_way(operands(new_w, scalar.Add, 2)):
        for momentum, x in either_way(operands(scaled, scalar.Mul, 2)):
            found = _stepped(stepped)
            pair = operands(x, scalar.Sub, 2)
            if found is None or pair is None or pair[1] is not found[0]:
                continue
            w, g, rate = found
            for again, same in either_way(operands(pair[0], scalar.Add, 2)):
                if same is stepped:
                    for factor, v in either_way(operands(again, scalar.Mul, 2)):
                        if factor is momentum and v.type == w.type:
                            return w, v, g, rate, momentum, x, True
    # momentum: x = momentum * v + stepped, where v <- x - w
    for scaled, stepped in either_way(operands(new_w, scalar.Add, 2)):
        found = _stepped(stepped)
        if found is None:
            continue
        w, g, rate = found
        for momentum, v in either_way(operands(scaled, scalar.Mul, 2)):
            if v.type != w.type or _scalar(momentum) is None:
                continue
            for node, _ in new_w.clients:
                if node != "output" and operands(node.outputs[0], scalar.Sub, 2) == [new_w, w]:
                    return w, v, g, rate, momentum, node.outputs[0], False
    return None


def _stepped(v: Variable):
    # w - rate * g
    pair = operands(v, scalar.Sub, 2)
    if pair is None:
        return None
    w, down = pair
    for rate, g in either_way(operands(down, scalar.Mul, 2)):
        if _scalar(rate) is not None and g.type == w.type:
            return w, g, rate
    return None


def _scalar(v: Variable) -> Variable | None:
    """Return the float32 scalar that v is, broadcast; else None."""
    if v.owner is not None and isinstance(v.owner.op, elemwise.DimShuffle):
        v = v.owner.inputs[0]
    return v if v.ndim == 0 and v.dtype == "float32" else None


class FuseMomentum(Rewrite):
    """Replace momentum updates of float32 parameters by Momentum."""

    def rewrite(self, fgraph):
        for new_w in list(fgraph.outputs):
            found = find_momentum(new_w)
            if found is None:
                continue
            w, v, g, rate, momentum, new_v, nesterov = found
            rate, momentum = _scalar(rate), _scalar(momentum)
            if w.dtype != "float32" or momentum is None:
                continue
            factors, of_product = [g], False
            dot = g.owner
            if w.ndim == 2 and dot is not None and type(dot.op) is tensor.Dot:
                used_once = len(g.clients) == 1
                if used_once and all(f.ndim == 2 and f.dtype == "float32" for f in dot.inputs):
                    factors, of_product = dot.inputs, True
            new = Momentum(nesterov, of_product)(w, v, *factors, rate, momentum)
            copy_stack_trace([new_w, new_v], new)
            fgraph.replace_all_validate(
                list(zip((new_w, new_v), new, strict=True)), reason="fuse_momentum"
            )


@local_optimizer([Momentum])
def momentum_inplace(node):
    """Step in place of the old arrays, where nothing needs them afterwards."""
    if isinstance(node.op, Momentum) and not node.op.inplace:
        return Momentum(node.op.nesterov, node.op.of_product, True)(*node.inputs)
    return False


def register() -> None:
    """Register with Theano's optimizer; ``optimizer_excluding=momentum`` turns it off."""
    if "momentum" in optdb:
        return  # Theano was reloaded
    optdb.register("momentum", FuseMomentum(), 0.06, "fast_run", ON_KERNELS)
    # With Theano's own in-place rewrites of products.
    optdb.register(
        "momentum_inplace",
        TopoOptimizer(momentum_inplace, failure_callback=TopoOptimizer.warn_inplace),
        70.0, "fast_run", "inplace", ON_KERNELS,
    )  # fmt: skip

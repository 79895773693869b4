"""Pooling stages: what happens between a convolution and the next one, as one kernel each way.

Lasagne's Conv2DLayer and MaxPool2DLayer become, of the convolution's output z and the bias b,

    r = rectify(z + b)      m = max over each window of r
    dr = dm where r == m    dz = dr * rectify'(z + b)

where r, as large as z, would be written once and read twice, and dr as well: more than half of
the memory traffic of net2's training step. Here m comes from z in one kernel, dz and its sum,
the gradient of b, in another, and both compute r anew. On a CPU, and for windows that overlap
or cross the border, each stage runs as its parts.

This works on the linker's list of nodes, not on the graph: a pickled theano.function holds its
graph, and must load where there is no torch.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from theano.tensor.elemwise import Elemwise, Sum
from theano.tensor.signal.pool import MaxPoolGrad, Pool

from theano_today.torch_link.dispatch.basic import RULES, implements, ints, is_number
from theano_today.torch_link.dispatch.elemwise import check_dimensions, dimensions_that_must_match
from theano_today.torch_link.dispatch.fused import (
    MOST_INPUTS,
    Launcher,
    NotWritten,
    Writer,
    elementwise,
    exact_in_float32,
)
from theano_today.torch_link.dispatch.pool import Windows
from theano_today.torch_link.dispatch.scalars import scalar_function
from theano_today.torch_link.raw_kernels import StageLauncher
from theano_today.torch_link.target import Target


class PooledElemwise:
    """The max-pool of an elementwise Op. Inputs: the Op's, then window, stride, pad."""

    def __init__(self, elemwise, pool) -> None:
        self.elemwise = elemwise
        self.pool = pool


class ElemwiseOfPoolGradient:
    """An elementwise Op one of whose inputs is the gradient through a `PooledElemwise`.

    Inputs: those of the Op that was pooled, the maxima, their gradient, those of the Op itself
    but for the one numbered `place`, then window, stride, pad. Outputs: the elementwise Op's
    and, if there is a node `summed` that adds it up for each channel (a bias' gradient), that.
    """

    def __init__(self, elemwise, gradient, outer, place: int, summed=None) -> None:
        self.elemwise = elemwise
        self.gradient = gradient
        self.outer = outer
        self.place = place
        self.summed = summed


def find(order: list[Any], outputs: list[Any], target: Target) -> list[Any]:
    """Return the nodes of `order`, stages replaced by nodes with one of the Ops above.

    Parameters
    ----------
    order : list of Apply
    outputs : list of variables
        Of the graph: these are all needed.
    target : Target
    """
    clients: dict[Any, list[Any]] = {}
    for node in order:
        for v in node.inputs:
            clients.setdefault(v, []).append(node)
    replaced: dict[Any, Any] = {}
    dropped: set[Any] = set()
    for pool in order:
        if not (type(pool.op) is Pool and pool.op.mode == "max" and pool.op.ndim == 2):
            continue
        rectified = pool.inputs[0]
        elemwise = rectified.owner
        if rectified in outputs or elemwise is None or not _plain(elemwise, target):
            continue
        gradients = [node for node in clients[rectified] if node is not pool]
        outer = [_outer(node, rectified, pool, clients, outputs) for node in gradients]
        if any(found is None or not _plain(found, target) for found in outer):
            continue  # somebody else needs what was pooled
        replaced[pool] = _node(
            PooledElemwise(elemwise, pool), [*elemwise.inputs, *pool.inputs[1:]], pool
        )
        dropped.add(elemwise)
        for gradient, node in zip(gradients, outer, strict=True):
            place = node.inputs.index(gradient.outputs[0])
            rest = [v for i, v in enumerate(node.inputs) if i != place]
            summed = next((c for c in clients.get(node.outputs[0], []) if _is_bias_sum(c)), None)
            replaced[node] = _node(
                ElemwiseOfPoolGradient(elemwise, gradient, node, place, summed),
                [*elemwise.inputs, *gradient.inputs[1:3], *rest, *gradient.inputs[3:]],
                node,
                summed.outputs if summed else [],
            )
            dropped.update([gradient, summed] if summed else [gradient])
    return [replaced.get(node, node) for node in order if node not in dropped]


def _plain(node, target: Target) -> bool:
    if type(node.op) is not Elemwise or len(node.outputs) != 1 or node.outputs[0].ndim != 4:
        return False
    if not all(exact_in_float32(v) for v in (*node.inputs, *node.outputs)):
        return False
    dtypes = [v.type.dtype for v in node.inputs]
    return scalar_function(node.op.scalar_op, dtypes, "float32", target) is not None


def _outer(gradient, rectified, pool, clients, outputs):
    """The elementwise node behind a MaxPoolGrad of `pool`, if it is the only one; else None."""
    of_this = (
        type(gradient.op) is MaxPoolGrad
        and gradient.inputs[0] is rectified
        and gradient.inputs[1] is pool.outputs[0]
        and rectified not in gradient.inputs[1:]
    )
    if not of_this or gradient.outputs[0] in outputs:
        return None
    behind = clients.get(gradient.outputs[0], [])
    if len(behind) != 1 or rectified in behind[0].inputs or type(behind[0].op) is not Elemwise:
        return None
    return behind[0] if behind[0].inputs.count(gradient.outputs[0]) == 1 else None


def _is_bias_sum(node) -> bool:
    op = node.op
    return (
        type(op) is Sum
        and op.axis is not None
        and sorted(op.axis) == [0, 2, 3]
        and (op.acc_dtype, node.outputs[0].type.dtype) == ("float64", "float32")
    )


def _node(op, inputs, original, more_outputs=()):
    outputs = [*original.outputs, *more_outputs]
    return SimpleNamespace(op=op, inputs=inputs, outputs=outputs, original=original)


def built(node, target: Target):
    """The function that a node runs on `target`; None if it has none there."""
    rule = RULES[type(node.op)]
    return rule.build(node.op, node, target)


def _no_kernel(*inputs) -> None:
    """What a Launcher returns where it can make no kernel: then a stage runs as its parts."""


def geometry_inputs(op, node) -> range:
    """For `implements`: window, stride and pad, the last three, are wanted on the host."""
    return range(len(node.inputs) - 3, len(node.inputs))


def _is_covered(windows: Windows, inputs) -> bool:
    return windows.exact and all(is_number(x) or x.ndim == 4 for x in inputs)


def _image_shape(inputs):
    """The rows and columns that inputs have when broadcast together."""
    shapes = [x.shape[-2:] for x in inputs if not is_number(x)]
    return max(s[0] for s in shapes), max(s[1] for s in shapes)


def tiles(x, windows: Windows):
    """(n, c, rows * h, columns * w) -> (n, c, rows, h, columns, w); broadcast axes stay so."""
    if is_number(x):
        return x
    (rows, columns), (h, w) = windows.size, windows.window
    x = x.unflatten(3, (columns, w) if x.shape[3] != 1 else (1, 1))
    return x.unflatten(2, (rows, h) if x.shape[2] != 1 else (1, 1))


@implements(PooledElemwise, host=geometry_inputs, numbers="one element")
def pooled_elemwise(op, node, target):
    apply_elemwise, apply_pool = built(op.elemwise, target), built(op.pool, target)
    if apply_elemwise is None or apply_pool is None:
        return None
    must_match = dimensions_that_must_match(op.elemwise)
    launchers: dict[tuple[int, int], Launcher | None] = {}
    full = [i for i, v in enumerate(op.elemwise.inputs) if not v.broadcastable[3]]
    by_window = StageLauncher(lambda: elementwise(op.elemwise.op.scalar_op, op.elemwise))

    def launcher(windows: Windows) -> Launcher | None:
        if windows.window not in launchers:
            launchers[windows.window] = _pool_launcher(op, windows.window, full)
        return launchers[windows.window]

    def function(*arguments):
        inputs, (window, stride, pad) = arguments[:-3], arguments[-3:]
        if target.is_cuda:
            check_dimensions(must_match, inputs)
            shape = _image_shape(inputs)
            windows = Windows.of(op.pool.op, shape, window, stride, pad)
            launch = launcher(windows) if _is_covered(windows, inputs) else None
            if launch:
                pooled = by_window(inputs, windows)
                if pooled is None:
                    pooled = launch(*places(inputs, windows, full))
                if pooled is not None:
                    return pooled
        return apply_pool(apply_elemwise(*inputs), window, stride, pad)

    return function


def places(inputs, windows: Windows, full: list[int]) -> list[Any]:
    """The inputs of a pooling kernel: for each place in a window, those that vary with it.

    The others, such as biases, come first and once.
    """
    (h, w) = windows.window
    once = [x for i, x in enumerate(inputs) if i not in full]
    moved = [inputs[k][:, :, i::h, j::w] for i in range(h) for j in range(w) for k in full]
    return once + moved


def write_pool(op, window, full, numbers: tuple[int, ...] = ()):
    """Write the kernel: the greatest of the elementwise Op's values in a window."""
    node = op.elemwise
    writer, count = Writer(), len(node.inputs)
    once = [i for i in range(count) if i not in full]
    names = {k: f"x{position}" for position, k in enumerate(once)}
    total, greatest = len(once), ""
    for _ in range(window[0] * window[1]):
        for k in full:
            names[k] = f"x{total}"
            total += 1
        value = writer.scalar(node.op.scalar_op, node, [names[k] for k in range(count)])
        greatest = writer.maximum(greatest, value) if greatest else value
    return writer.kernel(greatest, total, numbers)


def _pool_launcher(op, window, full) -> Launcher | None:
    inputs = op.elemwise.inputs
    total = len(inputs) - len(full) + window[0] * window[1] * len(full)
    if total > MOST_INPUTS or not full:
        return None
    if any(v.broadcastable[2] != v.broadcastable[3] for v in inputs):
        return None
    try:
        write_pool(op, window, full)
    except NotWritten:
        return None

    return Launcher(lambda numbers: write_pool(op, window, full, numbers), _no_kernel)


@implements(ElemwiseOfPoolGradient, host=geometry_inputs, numbers="one element")
def elemwise_of_pool_gradient(op, node, target):
    inner, gradient, outer = (built(n, target) for n in (op.elemwise, op.gradient, op.outer))
    if inner is None or gradient is None or outer is None:
        return None
    count = len(op.elemwise.inputs)

    add_up = built(op.summed, target) if op.summed else None

    def both(found):
        return (found, add_up(found)) if add_up else found

    def by_parts(pooled, maximum, given, rest, geometry):
        found = gradient(inner(*pooled), maximum, given, *geometry)
        return both(outer(*rest[: op.place], found, *rest[op.place :]))

    launch = _gradient_launcher(op) if target.is_cuda else None
    distinct = _distinct(op)
    small = [distinct.index(count), distinct.index(count + 1)]  # the maxima and their gradient
    by_window = StageLauncher(lambda: write_gradient(op), small, op.summed is not None)

    def function(*arguments):
        geometry = arguments[-3:]
        pooled, (maximum, given) = arguments[:count], arguments[count : count + 2]
        rest = arguments[count + 2 : -3]
        if launch is not None:
            values = [arguments[i] for i in distinct]
            windows = Windows.of(op.gradient.op, _image_shape(pooled), *(ints(g) for g in geometry))
            if _is_covered(windows, values):
                found = by_window(values, windows)
                if found is not None and add_up:
                    return found[0], found[1].to(torch.float32)
                if found is not None:
                    return found
                cut = [
                    x[:, :, :, None, :, None] if i in (count, count + 1) else tiles(x, windows)
                    for i, x in zip(distinct, values, strict=True)
                ]
                found = launch(*cut)
                if found is not None:
                    # (n, c, rows, h, columns, w) -> (n, c, rows * h, columns * w)
                    return both(found.flatten(4, 5).flatten(2, 3))
        return by_parts(pooled, maximum, given, rest, geometry)

    return function


def gradient_variables(op) -> tuple[list[Any], list[int]]:
    """The inputs of an `ElemwiseOfPoolGradient` but for its geometry, and its kernel's of them."""
    return _variables(op), _distinct(op)


def _variables(op) -> list[Any]:
    rest = [v for i, v in enumerate(op.outer.inputs) if i != op.place]
    return [*op.elemwise.inputs, *op.gradient.inputs[1:3], *rest]


def _distinct(op) -> list[int]:
    """Where each variable is first named: z and b are inputs of both elementwise Ops."""
    variables = _variables(op)
    return [i for i, v in enumerate(variables) if variables.index(v) == i]


def write_gradient(op, numbers: tuple[int, ...] = ()):
    """Write the kernel: the outer Op, of the gradient where a value is its window's maximum."""
    variables, writer = _variables(op), Writer()
    first = {variables[i]: f"x{position}" for position, i in enumerate(_distinct(op))}
    names = [first[v] for v in variables]
    count = len(op.elemwise.inputs)
    maximum, given = names[count : count + 2]
    value = writer.scalar(op.elemwise.op.scalar_op, op.elemwise, names[:count])
    through = writer.let(f"({value} == {maximum} ? {given} : T(0))")
    rest = names[count + 2 :]
    terms = [*rest[: op.place], through, *rest[op.place :]]
    result = writer.scalar(op.outer.op.scalar_op, op.outer, terms)
    return writer.kernel(result, len(first), numbers)


def _gradient_launcher(op) -> Launcher | None:
    if len(_distinct(op)) > MOST_INPUTS:
        return None
    try:
        write_gradient(op)
    except NotWritten:
        return None

    return Launcher(lambda numbers: write_gradient(op, numbers), _no_kernel)

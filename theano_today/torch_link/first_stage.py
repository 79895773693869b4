"""The first stage of a net: a convolution of few channels, bias, rectifier and pool as one kernel.

    z = x * filters     m = max over each window of rectify(z + b)
    dz as in pooling.py     dfilters = x * dz     db = sum of dz

A grey image is small and z, with 32 filters, 31 times larger; to work out a pixel of z anew from
the nine of x that it depends on costs less than to read it. So z and dz are never written: one
kernel makes m from x, another dfilters and db from x, m and its gradient. Of the 33.6 ms of net2's
epoch on an H100 these took 9 as kernels of their own (26 November 2026).

Both kernels compute z by the same chain of fused multiply-adds, to the last bit: a maximum is
recognised by its value. Where anything else needs z or dz, such as the gradient of the input,
the stage stays as it was; and where the kernels do not fit, it runs as its parts.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import torch
from theano.tensor.nnet import abstract_conv as ac

from theano_today.torch_link import pooling
from theano_today.torch_link.dispatch.basic import implements, is_number
from theano_today.torch_link.dispatch.conv import Geometry
from theano_today.torch_link.dispatch.fused import NotWritten, elementwise
from theano_today.torch_link.dispatch.pool import Windows
from theano_today.torch_link.raw_kernels import (
    FEWEST_IMAGES,
    MAXIMUM,
    MOST_ELEMENTS,
    MOST_TAPS,
    THREADS,
    RawKernel,
)
from theano_today.torch_link.target import Target


class FirstStage:
    """x, filters, the other inputs of the elementwise Op, then window, stride, pad -> m."""

    def __init__(self, convolution, z, stage) -> None:
        self.convolution, self.z, self.stage = convolution, z, stage
        self.variables = list(stage.op.elemwise.inputs)
        self.pooled: list[int] = []


class FirstStageGradient:
    """x, filters, what the gradient of the stage needs but z, then window, stride, pad.

    Outputs: the gradient of the filters and, if the stage's gradient has it, of the bias.
    """

    def __init__(self, convolution, z, stage, weights) -> None:
        self.convolution, self.z, self.stage, self.weights = convolution, z, stage, weights
        variables, distinct = pooling.gradient_variables(stage.op)
        self.variables = [variables[i] for i in distinct]
        count = len(stage.op.elemwise.inputs)
        self.pooled = [distinct.index(count), distinct.index(count + 1)]


def find(nodes: list[Any], outputs: list[Any], target: Target) -> list[Any]:
    """Return the nodes that `pooling.find` returned, first stages replaced by the Ops above."""
    if not target.is_cuda:
        return nodes
    clients: dict[Any, list[Any]] = {}
    for node in nodes:
        for v in node.inputs:
            clients.setdefault(v, []).append(node)
    replaced: dict[int, Any] = {}
    dropped: set[int] = set()
    for node in nodes:
        if not isinstance(node.op, pooling.PooledElemwise):
            continue
        for z in node.op.elemwise.inputs:
            gradients = [n for n in clients.get(z, []) if n is not node]
            found = [_weights(n, z, node, clients, outputs) for n in gradients]
            if not _is_plain(z) or z in outputs or None in found:
                continue
            convolution = z.owner
            replaced[id(node)] = _node(FirstStage(convolution, z, node), node.outputs, node)
            dropped.add(id(convolution))
            for gradient, weights in zip(gradients, found, strict=True):
                results = [*weights.outputs, *gradient.outputs[1:]]
                op = FirstStageGradient(convolution, z, gradient, weights)
                replaced[id(gradient)] = _node(op, results, gradient)
                dropped.add(id(weights))
            break
    return [replaced.get(id(n), n) for n in nodes if id(n) not in dropped]


def _is_plain(z) -> bool:
    node = z.owner
    if node is None or type(node.op) is not ac.AbstractConv2d or z.type.dtype != "float32":
        return False
    op = node.op
    taps = op.kshp and op.kshp[1:]
    known = taps is not None and None not in taps and math.prod(taps) <= MOST_TAPS
    return known and _is_unit(op) and all(v.type.dtype == "float32" for v in node.inputs)


def _is_unit(op) -> bool:
    """A convolution, or its gradient, of stride 1 that neither pads nor dilates nor groups."""
    unit = tuple(op.subsample) == tuple(op.filter_dilation) == (1, 1) and op.num_groups == 1
    return unit and op.border_mode in ("valid", (0, 0), 0) and not getattr(op, "unshared", False)


def _weights(gradient, z, stage, clients, outputs):
    """The node that makes the filters' gradient of a stage's gradient, if that is all it is for."""
    op = gradient.op
    if not isinstance(op, pooling.ElemwiseOfPoolGradient) or op.elemwise is not stage.op.elemwise:
        return None
    dz = gradient.outputs[0]
    users = clients.get(dz, [])
    if dz in outputs or len(users) != 1 or z.owner is None:
        return None
    (weights,) = users
    if type(weights.op) is not ac.AbstractConv2d_gradWeights or weights.inputs[1] is not dz:
        return None
    same = weights.inputs[0] is z.owner.inputs[0] and weights.inputs.count(dz) == 1
    alike = weights.op.filter_flip == getattr(z.owner.op, "filter_flip", None)
    return weights if same and alike and _is_unit(weights.op) else None


def _node(op, outputs, original):
    others = [v for v in op.variables if v is not op.z]
    inputs = [*op.convolution.inputs, *others, *original.inputs[-3:]]
    named = getattr(original, "original", original)
    return SimpleNamespace(op=op, inputs=inputs, outputs=list(outputs), original=named)


# -- the kernels ------------------------------------------------------------------------------

_KERNEL = """
extern "C" __global__ void {name}(const float* __restrict__ x,
                                  const float* __restrict__ filters, {parameters},
                                  int channels, int rows, int columns) {{
    // A block for each image of a filter, a thread for each window.
    const int C = {c}, KH = {kh}, KW = {kw}, H = {h}, W = {w}, TAPS = C * KH * KW;
    const int image = blockIdx.x, channel = image % channels;
    const int height = rows * H + KH - 1, width = columns * W + KW - 1;
    const float* seen = x + image / channels * C * height * width;
    float f[TAPS];
#pragma unroll
    for (int t = 0; t < TAPS; ++t) f[t] = filters[channel * TAPS + t];
{start}
    for (int q = threadIdx.x; q < rows * columns; q += blockDim.x) {{
        const int p = image * rows * columns + q;
        const float* corner = seen + q / columns * H * width + q % columns * W;
{before}
#pragma unroll
        for (int i = 0; i < H; ++i)
#pragma unroll
            for (int j = 0; j < W; ++j) {{
                float taps[TAPS], z = 0;
#pragma unroll
                for (int t = 0; t < TAPS; ++t) {{
                    const int at = (t / (KH * KW) * height + i + t / KW % KH) * width + j + t % KW;
                    taps[t] = corner[at];
                    z = __fmaf_rn(f[t], taps[t], z);
                }}
                const float e = {element};
{pixel}
            }}
{after}
    }}
{end}
}}
"""


def write_kernel(op, kernel, kinds, taps, window) -> RawKernel:
    """Write the kernel of one direction.

    Parameters
    ----------
    op : FirstStage or FirstStageGradient
    kernel : fused.Kernel
        Of one pixel, its inputs `op.variables`.
    kinds : list of str
        Of these: "z", "pooled", "channel" (one number for each) or "number".
    taps : (channels, h, w)
        Of a filter.
    window : (h, w)
    """
    read = {"pooled": "x{0}[p]", "channel": "x{0}[channel]", "number": "float(x{0})"}
    given = [i for i, kind in enumerate(kinds) if kind != "z"]
    before = [f"const float v{i} = {read[kinds[i]].format(i)};" for i in given]
    terms = ", ".join("z" if kind == "z" else f"v{i}" for i, kind in enumerate(kinds))
    parameters = [
        f"{'double' if kinds[i] == 'number' else 'const float* __restrict__'} x{i}" for i in given
    ]
    if isinstance(op, FirstStage):
        suffix, parameters, start, end = "first", [*parameters, "float* __restrict__ out"], [], []
        before.append("float found = 0;")
        pixel = [f"found = i + j == 0 ? e : {MAXIMUM.format('found', 'e')};"]
        after = ["out[p] = found;"]
    else:
        suffix, parameters = (
            "back",
            [*parameters, "float* __restrict__ gradients", "double* __restrict__ sums"],
        )
        start = ["float gradient[TAPS] = {0};", "double sum = 0;"]
        pixel = ["sum += e;", "for (int t = 0; t < TAPS; ++t) gradient[t] += e * taps[t];"]
        after = []
        end = [
            "for (int t = 0; t < TAPS; ++t)",
            "    gradients[(image * TAPS + t) * blockDim.x + threadIdx.x] = gradient[t];",
            "sums[image * blockDim.x + threadIdx.x] = sum;",
        ]
    (c, kh, kw), (h, w) = taps, window
    name = f"{kernel.name}_{suffix}_{c}x{kh}x{kw}_{h}x{w}_" + "".join(k[0] for k in kinds)
    text = _KERNEL.format(
        name=name, parameters=", ".join(parameters), c=c, kh=kh, kw=kw, h=h, w=w,
        element=f"{kernel.name}<float>({terms})", start="\n".join(start), end="\n".join(end),
        before="\n".join(before), pixel="\n".join(pixel), after="\n".join(after),
    )  # fmt: skip
    return RawKernel(name, f"{kernel.device_code}\n{text}")


class Launcher:
    """Runs one direction's kernel, one for each layout of the inputs that it meets."""

    def __init__(self, op, pool_op, write) -> None:
        self.op, self.pool_op, self.write = op, pool_op, write
        self.geometry = Geometry(op.convolution.op)
        self.kernels: dict[tuple, RawKernel] = {}

    def __call__(self, x, filters, values, geometry):
        """Return what the kernel computes; None if the inputs lie otherwise.

        Forward the maxima (n, filters, rows, columns); backward the gradients of the filters and,
        in float64, of the bias.
        """
        (n, channels), (count, _, kh, kw) = x.shape[:2], filters.shape
        taps = (channels, kh, kw)
        inside = (x.shape[2] - kh + 1, x.shape[3] - kw + 1)
        if filters.shape[1] != channels or math.prod(taps) > MOST_TAPS or min(inside) < 1:
            return None  # which the parts refuse, or do
        windows = Windows.of(self.pool_op, inside, *geometry)
        small = (n, count, *windows.size)
        kinds = self._kinds(values, small)
        largest = max(n * count * math.prod(taps) * THREADS, n * count * math.prod(inside))
        fits = windows.exact and largest <= MOST_ELEMENTS
        if not fits or not kinds or n * count < FEWEST_IMAGES or not x.is_contiguous():
            return None
        key = (*kinds, *taps, *windows.window)
        if key not in self.kernels:
            self.kernels[key] = write_kernel(self.op, self.write(), kinds, taps, windows.window)
        given = [float(v) if is_number(v) else v for v in values if v is not None]
        if self.op.pooled:
            shapes = [((n, count, math.prod(taps), THREADS), torch.float32),
                      ((n, count, THREADS), torch.float64)]  # fmt: skip
        else:
            shapes = [(small, torch.float32)]
        results = [torch.empty(s, dtype=dtype, device=x.device) for s, dtype in shapes]
        turned = self.geometry.flip(filters).contiguous()
        arguments = [x, turned, *given, *results, count, *windows.size]
        if not self.kernels[key](n * count, arguments):
            return None
        if not self.op.pooled:
            return results[0]
        gradients = results[0].sum((0, 3)).view(count, *taps)
        return self.geometry.flip(gradients), results[1].sum((0, 2))

    def _kinds(self, values, small) -> list[str]:
        kinds = []
        for i, v in enumerate(values):
            if v is None:
                kinds.append("z")
            elif is_number(v):
                kinds.append("number")
            elif not v.is_contiguous():
                return []
            elif i in self.op.pooled and tuple(v.shape) == small:
                kinds.append("pooled")
            elif i not in self.op.pooled and tuple(v.shape) == (1, small[1], 1, 1):
                kinds.append("channel")
            else:
                return []
        return kinds


def _values(op, others):
    """The values of `op.variables`; None for z."""
    rest = iter(others)
    return [None if v is op.z else next(rest) for v in op.variables]


def _writable(write) -> bool:
    try:
        write()
    except NotWritten:
        return False
    return True


@implements(FirstStage, host=pooling.geometry_inputs, numbers="one element")
def first_stage(op, node, target):
    convolve, pool = pooling.built(op.convolution, target), pooling.built(op.stage, target)
    if convolve is None or pool is None:
        return None
    elemwise = op.stage.op.elemwise

    def write():
        return elementwise(elemwise.op.scalar_op, elemwise)

    launch = Launcher(op, op.stage.op.pool.op, write) if _writable(write) else None

    def function(x, filters, *others):
        others, geometry = others[:-3], others[-3:]
        values = _values(op, others)
        found = launch(x, filters, values, geometry) if launch else None
        if found is not None:
            return found
        z = convolve(x, filters)
        return pool(*(z if v is None else v for v in values), *geometry)

    return function


@implements(FirstStageGradient, host=pooling.geometry_inputs, numbers="one element")
def first_stage_gradient(op, node, target):
    parts = [pooling.built(n, target) for n in (op.convolution, op.stage, op.weights)]
    if any(part is None for part in parts):
        return None
    convolve, gradient, weights = parts
    stage = op.stage.op
    variables, _ = pooling.gradient_variables(stage)

    def write():
        return pooling.write_gradient(stage)

    launch = Launcher(op, stage.gradient.op, write) if _writable(write) else None

    def function(x, filters, *others):
        others, geometry = others[:-3], others[-3:]
        values = _values(op, others)
        found = launch(x, filters, values, geometry) if launch else None
        if found is not None:
            return (found[0], found[1].to(torch.float32)) if stage.summed else found[0]
        named = dict(zip(op.variables, values, strict=True))
        named[op.z] = convolve(x, filters)
        dz = gradient(*(named[v] for v in variables), *geometry)
        dz, *sums = dz if stage.summed else (dz,)
        found = weights(x, dz, filters.shape[2:])
        return (found, *sums) if stage.summed else found

    return function

"""CUDA kernels that torch's jiterator cannot express: one thread for a window, sums in float64.

The jiterator (dispatch/fused.py) makes kernels whose every element is a function of elements at
the same place. Two steps of net2 want more:

- the gradient through a pooling stage: a thread that owns a window reads its maximum and the
  maximum's gradient once, where one thread for each pixel works out six indices for each;
- Theano's sums of float32 in float64: torch converts the whole array to float64 first, then
  reads it again.

On an H100 these two took 6.4 and 7.7 of the 47 ms of an epoch (26 November 2026).

They are compiled by NVRTC through torch at the first call. Where that fails the caller goes on
without, slower and with the same numbers. The tests compile the same C++ with the host's compiler.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from theano_today.torch_link.dispatch.basic import is_number

log = logging.getLogger("theano_today")

_THREADS = 128
_MOST_BLOCKS = 1 << 16
_MOST_ELEMENTS = 2**31 - 1  # indices are int


class RawKernel:
    """A kernel compiled at its first call, on the device that is current then.

    Parameters
    ----------
    name, code : str
        CUDA C++ of an extern "C" __global__ function.
    """

    def __init__(self, name: str, code: str) -> None:
        self.name = name
        self.code = code
        self._launch: Callable | None = None
        self._failed = False

    def __call__(self, blocks: int, arguments: Sequence[Any]) -> bool:
        """Run it; tensors, int and float (a double there) are its arguments. False: it cannot."""
        if self._failed:
            return False
        try:
            if self._launch is None:
                self._launch = torch.cuda._compile_kernel(self.code, self.name)
            self._launch((blocks, 1, 1), (_THREADS, 1, 1), list(arguments))
        except Exception as error:  # no NVRTC, an older torch: whatever it is, there is another way
            self._failed = True
            log.warning("torch link: a kernel could not be made (%s); slower without it", error)
            return False
        return True


# -- the gradient through a pooling stage -----------------------------------------------------

FULL, POOLED, CHANNEL, NUMBER = "full", "pooled", "channel", "number"

_WINDOW = """
extern "C" __global__ void {name}({parameters},
                                  float* out, int channels, int rows, int columns, int windows) {{
    const int H = {h}, W = {w};
    for (int p = blockIdx.x * blockDim.x + threadIdx.x; p < windows; p += gridDim.x * blockDim.x) {{
        const int image = p / (rows * columns), place = p % (rows * columns);
        const int channel = image % channels, width = columns * W;
        const int corner = (image * rows + place / columns) * H * width + place % columns * W;
{once}
        for (int i = 0; i < H; ++i) {{
            const int at = corner + i * width;
{row}
        }}
    }}
}}
"""


def write_window(element, kinds: Sequence[str], window: tuple[int, int]) -> RawKernel:
    """Write the kernel that computes an element for each pixel of windows side by side.

    Parameters
    ----------
    element : fused.Kernel
        Of one pixel; takes no number by name.
    kinds : sequence of str
        What each input is: FULL (n, channels, rows * h, columns * w), POOLED (n, channels,
        rows, columns), CHANNEL (one per channel) or NUMBER.
    window : (h, w)
    """
    (h, w) = window
    types = {NUMBER: "double"}
    parameters = [f"{types.get(kind, 'const float*')} x{i}" for i, kind in enumerate(kinds)]
    index = {POOLED: "x{0}[p]", CHANNEL: "x{0}[channel]", NUMBER: "float(x{0})"}
    once = [
        f"        const float v{i} = {index[kind].format(i)};"
        for i, kind in enumerate(kinds)
        if kind in index
    ]
    full = [i for i, kind in enumerate(kinds) if kind == FULL]
    pairs = w == 2  # then each is read and written as one float2
    row: list[str] = []
    for i in full:
        if pairs:
            row.append(f"const float2 r{i} = *(const float2*)(x{i} + at);")
            row.append(f"const float v{i}_0 = r{i}.x, v{i}_1 = r{i}.y;")
        else:
            row += [f"const float v{i}_{j} = x{i}[at + {j}];" for j in range(w)]
    values = []
    for j in range(w):
        terms = [f"v{i}_{j}" if i in full else f"v{i}" for i in range(len(kinds))]
        values.append(f"{element.name}<float>({', '.join(terms)})")
    if pairs:
        row += ["float2 found;", f"found.x = {values[0]};", f"found.y = {values[1]};"]
        row.append("*(float2*)(out + at) = found;")
    else:
        row += [f"out[at + {j}] = {value};" for j, value in enumerate(values)]
    name = f"{element.name}_{h}x{w}_" + "".join(kind[0] for kind in kinds)
    function = element.code.replace(
        "template <typename T> T ", "template <typename T> __device__ T "
    )
    text = _WINDOW.format(
        name=name, parameters=", ".join(parameters), h=h, w=w, once="\n".join(once),
        row="\n".join(" " * 12 + line for line in row),
    )  # fmt: skip
    return RawKernel(name, f"{function}\n{text}")


class WindowLauncher:
    """Runs the kernel of `write_window`, a kernel for each layout of the inputs that it meets.

    Parameters
    ----------
    write : function
        Of no argument; returns a `fused.Kernel` without numbers by name.
    pooled : pair of int
        Which inputs are as large as the pooled image.
    """

    def __init__(self, write: Callable[[], Any], pooled: Sequence[int]) -> None:
        self.write = write
        self.pooled = pooled
        self.kernels: dict[tuple, RawKernel] = {}

    def __call__(self, inputs: Sequence[Any], windows) -> torch.Tensor | None:
        """Return (n, channels, rows * h, columns * w); None if the inputs lie otherwise."""
        small = inputs[self.pooled[0]]
        (rows, columns), (h, w) = windows.size, windows.window
        shape = (*small.shape[:2], rows * h, columns * w)
        kinds = [self._kind(i, x, shape, small.shape) for i, x in enumerate(inputs)]
        if "" in kinds or not 0 < math.prod(shape) <= _MOST_ELEMENTS:
            return None
        key = (*kinds, h, w)
        if key not in self.kernels:
            self.kernels[key] = write_window(self.write(), kinds, (h, w))
        out = small.new_empty(shape)
        count = small.numel()
        blocks = min(-(-count // _THREADS), _MOST_BLOCKS)
        given = [float(x) if is_number(x) else x for x in inputs]
        arguments = [*given, out, shape[1], rows, columns, count]
        return out if self.kernels[key](blocks, arguments) else None

    def _kind(self, i: int, x, shape, small) -> str:
        if is_number(x):
            return NUMBER
        if not x.is_contiguous() or x.data_ptr() % 8:
            return ""
        if i in self.pooled:
            return POOLED if tuple(x.shape) == tuple(small) else ""
        if tuple(x.shape) == shape:
            return FULL
        return CHANNEL if tuple(x.shape) == (1, shape[1], 1, 1) else ""


# -- sums in float64 --------------------------------------------------------------------------

_SUM_CODE = f"""
extern "C" __global__ void today_partial_sums(const float* x, double* partial,
                                              int run, int total) {{
    // Block b adds up x[b * run] to x[b * run + run - 1], each of its {_THREADS} threads a part.
    const int first = blockIdx.x * run;
    const int end = total - first < run ? total : first + run;
    double sum = 0;
    for (int i = first + threadIdx.x; i < end; i += blockDim.x) sum += x[i];
    partial[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}}
"""
partial_sums = RawKernel("today_partial_sums", _SUM_CODE)

_LEAST = 1 << 16  # elements: below, a launch costs more than the conversion
_SHORTEST_RUN = 64  # threads side by side read elements side by side
_LONGEST_RUN = 1 << 14


def sum_in_float64(x: torch.Tensor, axes: Sequence[int]) -> torch.Tensor | None:
    """Add up a float32 tensor along `axes` in float64; None if it is not for this kernel.

    Two passes: each thread adds up some elements, then torch adds up these sums. The order is
    always the same.
    """
    kept = [a for a in range(x.ndim) if a not in axes]
    if kept and kept != list(range(kept[0], kept[-1] + 1)):
        return None
    if not x.is_contiguous() or not _LEAST <= x.numel() <= _MOST_ELEMENTS:
        return None
    before = math.prod(x.shape[: kept[0]]) if kept else 1
    count = math.prod(x.shape[a] for a in kept)
    run = math.prod(x.shape[kept[-1] + 1 :]) if kept else _LONGEST_RUN
    if run < _SHORTEST_RUN:
        return None
    blocks = -(-x.numel() // run)
    partial = torch.empty((blocks, _THREADS), dtype=torch.float64, device=x.device)
    if not partial_sums(blocks, [x, partial, run, x.numel()]):
        return None
    if not kept:
        return partial.sum()
    return partial.view(before, count, _THREADS).sum((0, 2)).view([x.shape[a] for a in kept])

"""CUDA kernels that torch's jiterator cannot express: a thread for a window, sums in float64.

The jiterator (dispatch/fused.py) makes kernels whose every element is a function of elements at
the same place. Some steps of net2 want more:

- a pooling stage: a thread that owns a window reads its pixels in pairs, and backward its
  maximum and the maximum's gradient once, where one thread for each pixel works out six indices
  for each; what the bias wants, the sum of all that it writes, it adds up on the way;
- Theano's sums of float32 in float64: torch converts the whole array to float64 first, then
  reads it again;
- the gradient of filters of one channel: nothing but to read its inputs once;
- patches for convolutions as products: torch's unfold goes image by image, 700 microseconds for
  what a plain copy does in 100.

On an H100 the first two took 6.4 and 7.7 of the 47 ms of an epoch (26 November 2026).

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

THREADS = 128
MOST_ELEMENTS = 2**31 - 1  # indices are int


class RawKernel:
    """A kernel compiled at its first call, for each device that it runs on.

    Parameters
    ----------
    name, code : str
        CUDA C++ of an extern "C" __global__ function.
    """

    def __init__(self, name: str, code: str) -> None:
        self.name = name
        self.code = code
        self._launch: dict[torch.device, Callable | None] = {}  # None: it cannot be made

    def __call__(self, blocks: int, arguments: Sequence[Any]) -> bool:
        """Run it; return False if it cannot run.

        Parameters
        ----------
        blocks : int
            Of THREADS threads.
        arguments : list of tensor, int and float (double in the kernel)
        """
        device = next(a.device for a in arguments if isinstance(a, torch.Tensor))
        try:
            if device not in self._launch:
                self._launch[device] = torch.cuda._compile_kernel(self.code, self.name)
            launch = self._launch[device]
            if launch is None:
                return False
            launch((blocks, 1, 1), (THREADS, 1, 1), list(arguments))
        except Exception as error:  # no NVRTC, an older torch: whatever it is, there is another way
            self._launch[device] = None
            log.warning("torch link: a kernel could not be made (%s); slower without it", error)
            return False
        return True


# -- pooling stages ---------------------------------------------------------------------------

FULL, POOLED, CHANNEL, NUMBER = "full", "pooled", "channel", "number"
FEWEST_IMAGES = 64  # a block of threads for each: fewer would leave the device idle

_WINDOWS = """
extern "C" __global__ void {name}({parameters}, int channels, int rows, int columns) {{
    // A block for each image of a channel, a thread for each window.
    const int H = {h}, W = {w};
    const int image = blockIdx.x, channel = image % channels, width = columns * W;
    double sum = 0;
    for (int q = threadIdx.x; q < rows * columns; q += blockDim.x) {{
        const int p = image * rows * columns + q;
        const int corner = (image * rows + q / columns) * H * width + q % columns * W;
{before}
#pragma unroll
        for (int i = 0; i < H; ++i) {{
            const int at = corner + i * width;
{row}
        }}
{after}
    }}
{end}
}}
"""
MAXIMUM = "({0} >= {1} ? {0} : {1} > {0} ? {1} : {0} + {1})"  # NaN if one is; see fused.py


class _Windows:
    """Writes kernels in which a thread owns a window: what both directions share.

    Parameters
    ----------
    element : fused.Kernel
        Of one pixel; takes no number by name.
    kinds : sequence of str
        What each input is: FULL (n, channels, rows * h, columns * w), POOLED (n, channels,
        rows, columns), CHANNEL (one per channel) or NUMBER.
    window : (h, w)
    """

    def __init__(self, element, kinds: Sequence[str], window: tuple[int, int]) -> None:
        self.element, self.kinds, self.window = element, kinds, window
        self.pairs = window[1] == 2  # of pixels: each is read and written as one float2

    def _values(self) -> tuple[list[str], list[str]]:
        """Lines that read a row of a window, and the expression for each of its pixels."""
        w, lines = self.window[1], []
        full = [i for i, kind in enumerate(self.kinds) if kind == FULL]
        for i in full:
            if self.pairs:
                lines.append(f"const float2 r{i} = *(const float2*)(x{i} + at);")
                lines.append(f"const float v{i}_0 = r{i}.x, v{i}_1 = r{i}.y;")
            else:
                lines += [f"const float v{i}_{j} = x{i}[at + {j}];" for j in range(w)]
        values = []
        for j in range(w):
            terms = [f"v{i}_{j}" if i in full else f"v{i}" for i in range(len(self.kinds))]
            values.append(f"{self.element.name}<float>({', '.join(terms)})")
        return lines, values

    def _kernel(self, suffix: str, outputs: list[str], before, row, after, end) -> RawKernel:
        index = {POOLED: "x{0}[p]", CHANNEL: "x{0}[channel]", NUMBER: "float(x{0})"}
        read = [
            f"const float v{i} = {index[kind].format(i)};"
            for i, kind in enumerate(self.kinds)
            if kind in index
        ]
        parameters = [
            f"{'double' if kind == NUMBER else 'const float* __restrict__'} x{i}"
            for i, kind in enumerate(self.kinds)
        ]
        h, w = self.window
        name = f"{self.element.name}_{suffix}_{h}x{w}_" + "".join(k[0] for k in self.kinds)
        text = _WINDOWS.format(
            name=name, parameters=", ".join(parameters + outputs), h=h, w=w,
            before=_indented(2, read + before), row=_indented(3, row),
            after=_indented(2, after), end=_indented(1, end),
        )  # fmt: skip
        return RawKernel(name, f"{self.element.device_code}\n{text}")

    def greatest(self) -> RawKernel:
        """The kernel that pools: the greatest of the elements in each window."""
        row, values = self._values()
        row += [f"const float e{j} = {value};" for j, value in enumerate(values)]
        greatest = "e0"
        for j in range(1, self.window[1]):
            row.append(f"const float m{j} = {MAXIMUM.format(greatest, f'e{j}')};")
            greatest = f"m{j}"
        row.append(f"found = i == 0 ? {greatest} : {MAXIMUM.format('found', greatest)};")
        return self._kernel(
            "max",
            ["float* __restrict__ out"],
            ["float found = 0;"],
            row,
            ["out[p] = found;", "sum = found;"],
            ["(void)sum;"],
        )

    def all_pixels(self, summed: bool) -> RawKernel:
        """The kernel that computes each pixel, and if `summed` what each thread's add up to."""
        row, values = self._values()
        row += [f"const float e{j} = {value};" for j, value in enumerate(values)]
        if self.pairs:
            row += ["float2 found;", "found.x = e0, found.y = e1;", "*(float2*)(out + at) = found;"]
        else:
            row += [f"out[at + {j}] = e{j};" for j in range(self.window[1])]
        if summed:
            row += [f"sum += e{j};" for j in range(self.window[1])]
            end = ["partial[blockIdx.x * blockDim.x + threadIdx.x] = sum;"]
        else:
            end = ["(void)sum;"]
        outputs = ["float* __restrict__ out"] + ["double* __restrict__ partial"] * summed
        return self._kernel("sum" if summed else "all", outputs, [], row, [], end)


def _indented(depth: int, lines: Sequence[str]) -> str:
    return "\n".join("    " * depth + line for line in lines)


class StageLauncher:
    """Runs one direction of a pooling stage, by a kernel for each layout of inputs it meets.

    Parameters
    ----------
    write : function
        Of no argument; returns the `fused.Kernel` of one pixel, without numbers by name.
    pooled : sequence of int
        Which inputs are as large as the pooled image; none for the forward direction.
    summed : bool
        Return the sum over all but the channels, too.
    """

    def __init__(
        self, write: Callable[[], Any], pooled: Sequence[int] = (), summed: bool = False
    ) -> None:
        self.write = write
        self.pooled = pooled
        self.summed = summed
        self.kernels: dict[tuple, RawKernel] = {}

    def __call__(self, inputs: Sequence[Any], windows):
        """Return what the kernel computes; None if the inputs lie otherwise.

        Forward the maxima, (n, channels, rows, columns). Backward (n, channels, rows * h,
        columns * w), and if `summed` a pair: that and its sums in float64, (channels,).
        """
        large = [x.shape[:2] for x in inputs if not is_number(x) and x.shape[3] != 1]
        (rows, columns), (h, w) = windows.size, windows.window
        n, channels = large[0] if large else (0, 0)
        small, shape = (n, channels, rows, columns), (n, channels, rows * h, columns * w)
        kinds = [self._kind(i, x, shape, small) for i, x in enumerate(inputs)]
        if "" in kinds or n * channels < FEWEST_IMAGES or math.prod(shape) > MOST_ELEMENTS:
            return None
        key = (*kinds, h, w)
        if key not in self.kernels:
            write = _Windows(self.write(), kinds, (h, w))
            self.kernels[key] = write.all_pixels(self.summed) if self.pooled else write.greatest()
        device = next(x.device for x in inputs if not is_number(x))
        outputs = [torch.empty(shape if self.pooled else small, device=device)]
        if self.summed:
            outputs.append(torch.empty((n, channels, THREADS), dtype=torch.float64, device=device))
        given = [float(x) if is_number(x) else x for x in inputs]
        if not self.kernels[key](n * channels, [*given, *outputs, channels, rows, columns]):
            return None
        return (outputs[0], outputs[1].sum((0, 2))) if self.summed else outputs[0]

    def _kind(self, i: int, x, shape, small) -> str:
        if is_number(x):
            return NUMBER
        if not x.is_contiguous() or x.data_ptr() % 8:
            return ""
        if i in self.pooled:
            return POOLED if tuple(x.shape) == small else ""
        if tuple(x.shape) == shape:
            return FULL
        return CHANNEL if tuple(x.shape) == (1, shape[1], 1, 1) else ""


# -- the gradient of few filters --------------------------------------------------------------

MOST_TAPS = 16  # numbers of one filter that a thread holds in registers

_FILTERS = """
extern "C" __global__ void {name}(const float* __restrict__ x, const float* __restrict__ g,
                                  float* __restrict__ partial,
                                  int filters, int height, int width) {{
    // A block for each image of a filter; each warp adds up a part of its rows.
    const int C = {channels}, H = {h}, W = {w}, lane = threadIdx.x % 32;
    const int rows = height - H + 1, columns = width - W + 1;
    const float* image = x + blockIdx.x / filters * C * height * width;
    const float* gradient = g + blockIdx.x * rows * columns;
    float sum[C * H * W] = {{0}};
    for (int row = threadIdx.x / 32; row < rows; row += blockDim.x / 32)
        for (int column = lane; column < columns; column += 32) {{
            const float* corner = image + row * width + column;
            const float pixel = gradient[row * columns + column];
#pragma unroll
            for (int t = 0; t < C * H * W; ++t)
                sum[t] += pixel * corner[(t / (H * W) * height + t / W % H) * width + t % W];
        }}
#pragma unroll
    for (int t = 0; t < C * H * W; ++t)
        partial[(blockIdx.x * C * H * W + t) * blockDim.x + threadIdx.x] = sum[t];
}}
"""
_filter_kernels: dict[tuple[int, int, int], RawKernel] = {}


def gradient_of_few_filters(x: torch.Tensor, gradient: torch.Tensor, kernel) -> torch.Tensor | None:
    """The gradient of filters that correlate `x`, stride 1, where these are small.

    Parameters
    ----------
    x : (n, channels, rows, columns), float32
    gradient : (n, filters, rows - h + 1, columns - w + 1), float32
    kernel : (h, w)
        At most MOST_TAPS numbers with the channels.

    Returns
    -------
    (filters, channels, h, w), or None if it is not for this kernel
    """
    (h, w), (n, filters) = kernel, gradient.shape[:2]
    taps = (x.shape[1], h, w)
    laid = x.is_contiguous() and gradient.is_contiguous()
    many = n * filters >= FEWEST_IMAGES and gradient.numel() >= _LEAST
    if not laid or not many or max(gradient.numel(), x.numel()) > MOST_ELEMENTS:
        return None
    if taps not in _filter_kernels:
        name = "today_filters_{}x{}x{}".format(*taps)
        code = _FILTERS.format(name=name, channels=taps[0], h=h, w=w)
        _filter_kernels[taps] = RawKernel(name, code)
    partial = x.new_empty((n, filters, math.prod(taps), THREADS))
    arguments = [x, gradient, partial, filters, *x.shape[2:]]
    if not _filter_kernels[taps](n * filters, arguments):
        return None
    return partial.sum((0, 3)).view(filters, *taps)


# -- patches ----------------------------------------------------------------------------------

_PATCHES = """
static __device__ unsigned short rounded(float value) {{  // to bfloat16, ties to even
    const unsigned bits = __float_as_uint(value);
    return value == value ? (bits + 0x7fff + (bits >> 16 & 1)) >> 16 : 0x7fc0;
}}
extern "C" __global__ void {name}(const float* __restrict__ x, {type}* __restrict__ out,
                                  int height, int width, int h, int w) {{
    // A block for each place in the filters of each image.
    const int rows = height - h + 1, columns = width - w + 1, image = blockIdx.x / (h * w);
    const int i = blockIdx.x / w % h, j = blockIdx.x % w;
    const float* from = x + (image * height + i) * width + j;
    {type}* to = out + blockIdx.x * rows * columns;
#pragma unroll 4
    for (int q = threadIdx.x; q < rows * columns; q += blockDim.x)
        to[q] = {value};
}}
"""
_SPREAD = """
extern "C" __global__ void today_spread(const float* __restrict__ patches, float* __restrict__ x,
                                        int height, int width, int h, int w) {
    // A block for each image, a thread for each pixel: what all patches that it is in give it.
    const int rows = height - h + 1, columns = width - w + 1;
    const float* from = patches + blockIdx.x * h * w * rows * columns;
    for (int q = threadIdx.x; q < height * width; q += blockDim.x) {
        const int row = q / width, column = q % width;
        float sum = 0;
        for (int i = 0; i < h; ++i)
            for (int j = 0; j < w; ++j)
                if (i <= row && row - i < rows && j <= column && column - j < columns)
                    sum += from[((i * w + j) * rows + row - i) * columns + column - j];
        x[blockIdx.x * height * width + q] = sum;
    }
}
"""


def _patches_kernel(name: str, kind: str, value: str) -> RawKernel:
    value = value.format("from[q / columns * width + q % columns]")
    return RawKernel(name, _PATCHES.format(name=name, type=kind, value=value))


patches_kernels = {
    torch.float32: _patches_kernel("today_patches", "float", "{}"),
    torch.bfloat16: _patches_kernel("today_patches_bf16", "unsigned short", "rounded({})"),
}
spread_kernel = RawKernel("today_spread", _SPREAD)


def patches(x: torch.Tensor, kernel, dtype: torch.dtype) -> torch.Tensor:
    """What filters of the size `kernel` (h, w) see, stride 1.

    Parameters
    ----------
    x : (n, channels, rows, columns), float32, contiguous
    dtype : float32, or bfloat16 to round to

    Returns
    -------
    (n, channels * h * w, (rows - h + 1) * (columns - w + 1))
    """
    (n, channels, height, width), (h, w) = x.shape, kernel
    rows, columns = height - h + 1, width - w + 1
    out = x.new_empty((n, channels * h * w, rows * columns), dtype=dtype)
    if patches_kernels[dtype](n * channels * h * w, [x, out, height, width, h, w]):
        return out
    image, down, across = channels * height * width, width, 1
    strides = (image, height * width, down, across, down, across)
    views = x.as_strided((n, channels, h, w, rows, columns), strides)
    return views.reshape(n, channels * h * w, rows * columns).to(dtype)


def spread(patches: torch.Tensor, shape, kernel) -> torch.Tensor:
    """Add up patches where they lie, the transpose of `patches`.

    Parameters
    ----------
    patches : (n, channels * h * w, places), float32, contiguous
    shape : (n, channels, rows, columns)
        Of the result.
    kernel : (h, w)
    """
    n, channels, height, width = shape
    out = patches.new_empty(shape)
    if spread_kernel(n * channels, [patches, out, height, width, *kernel]):
        return out
    return torch.nn.functional.fold(patches, (height, width), kernel)


# -- sums in float64 --------------------------------------------------------------------------

_SUM_CODE = f"""
extern "C" __global__ void today_partial_sums(const float* __restrict__ x,
                                              double* __restrict__ partial,
                                              int run, int total) {{
    // Block b adds up x[b * run] to x[b * run + run - 1], each of its {THREADS} threads a part.
    const int first = blockIdx.x * run;
    const int end = total - first < run ? total : first + run;
    double sum = 0;
#pragma unroll 4
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
    if not x.is_contiguous() or not _LEAST <= x.numel() <= MOST_ELEMENTS:
        return None
    before = math.prod(x.shape[: kept[0]]) if kept else 1
    count = math.prod(x.shape[a] for a in kept)
    run = math.prod(x.shape[kept[-1] + 1 :]) if kept else _LONGEST_RUN
    if run < _SHORTEST_RUN:
        return None
    blocks = -(-x.numel() // run)
    partial = torch.empty((blocks, THREADS), dtype=torch.float64, device=x.device)
    if not partial_sums(blocks, [x, partial, run, x.numel()]):
        return None
    if not kept:
        return partial.sum()
    return partial.view(before, count, THREADS).sum((0, 2)).view([x.shape[a] for a in kept])

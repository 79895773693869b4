"""Convolution and pooling of any number of axes, by NumPy and loops over the output."""

from __future__ import annotations

import itertools

import numpy as np


def conv(x, w, pad=0, stride=1, flip=True, dilation=1):
    """Return the convolution of x (batch, channels, ...) with w (filters, channels, ...).

    `pad` is a number, one for each axis, "valid", "full" or "half"; without `flip` it is a
    correlation.
    """
    size, stride = w.shape[2:], _each(stride, w.ndim - 2)
    dilation = _each(dilation, w.ndim - 2)
    reach = [(n - 1) * d + 1 for n, d in zip(size, dilation, strict=True)]
    named = {
        "valid": [0] * len(size),
        "full": [n - 1 for n in reach],
        "half": [n // 2 for n in reach],
    }
    pads = named[pad] if isinstance(pad, str) else _each(pad, len(size))
    x = np.pad(np.asarray(x, np.float64), [(0, 0), (0, 0), *((p, p) for p in pads)])
    if flip:
        w = w[(slice(None), slice(None), *[slice(None, None, -1)] * len(size))]
    out = [max((n - r) // s + 1, 0) for n, r, s in zip(x.shape[2:], reach, stride, strict=True)]
    y = np.zeros((len(x), len(w), *out))
    axes = range(1, w.ndim)
    for place in itertools.product(*map(range, out)):
        window = x[
            (
                slice(None), slice(None),
                *(
                    slice(i * s, i * s + r, d)
                    for i, s, r, d in zip(place, stride, reach, dilation, strict=True)
                ),
            )
        ]  # fmt: skip
        y[(slice(None), slice(None), *place)] = np.tensordot(window, w, [axes, axes])
    return y


def pool(x, size, stride=None, pad=0, ignore_border=True, mode="max"):
    """Return x pooled over its last axes; mode "max", "sum", "average_inc_pad" or "..._exc_pad".

    With ``ignore_border=False`` windows may reach over the far border, if they begin inside.
    """
    size = tuple(size)
    stride = size if stride is None else _each(stride, len(size))
    pads = _each(pad, len(size))
    lead = x.shape[: x.ndim - len(size)]
    inner = x.shape[x.ndim - len(size) :]
    out = []
    for n, w, s, p in zip(inner, size, stride, pads, strict=True):
        n += 2 * p
        if ignore_border:
            out.append(max((n - w) // s + 1, 0))
        elif s >= w:
            out.append((n - 1) // s + 1)
        else:
            out.append(max(0, (n - 1 - w) // s + 1) + 1)
    y = np.zeros((*lead, *out))
    for place in itertools.product(*map(range, out)):
        cuts, full = [], 1
        for i, n, w, s, p in zip(place, inner, size, stride, pads, strict=True):
            begin, end = i * s - p, min(i * s - p + w, n + p)
            full *= end - begin
            cuts.append(slice(max(begin, 0), min(end, n)))
        axes = tuple(range(len(lead), x.ndim))
        window = np.asarray(x[(..., *cuts)], np.float64)
        if mode == "max":
            value = window.max(axes)
        else:
            value = window.sum(axes)
            if mode == "average_inc_pad":
                value = value / full
            elif mode == "average_exc_pad":
                value = value / np.prod([window.shape[a] for a in axes])
        y[(..., *place)] = value
    return y


def _each(value, n):
    return (value,) * n if isinstance(value, int) else tuple(value)

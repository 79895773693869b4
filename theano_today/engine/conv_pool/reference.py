"""What ConvPool computes, by the definition: NumPy loops, in the precision of the inputs.

conv() and conv_grad() are for stages without a pool, conv_pool() and conv_pool_grad() for others.

The Ops' perform(), which runs where the kernels could not be compiled, and the tests' oracle.
Shapes: x (n, c, h, w), filters w (f, c, i, j), bias b (f,), z (n, f, oh, ow), p and its
gradient g (n, f, ph, pw), winners (n, ph, pw, at least f) uint8 as kernels/window.hpp has them.
"""

from __future__ import annotations

import numpy as np

HALF = 16  # in a window's winners: the maximum is exactly at rectify's kink
SLOPE_NAN = 255  # without a pool, where winners are twice rectify's slope


def pad(x, border):
    """Return x with zeros around it; border is (top, bottom, left, right)."""
    top, bottom, left, right = border
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))


def convolve(x, w, border=(0, 0, 0, 0), flip=True, subsample=(1, 1), dilation=(1, 1)):
    """Return z without bias: each filter, turned by 180 degrees if `flip`, at each place of x."""
    x = pad(x, border)
    rows, columns = _out(x.shape, w.shape, subsample, dilation)
    z = np.zeros((len(x), len(w), rows, columns), x.dtype)
    for i, j, tap in _taps(w, flip):
        here = x[_seen(i, j, rows, columns, subsample, dilation)]
        # Channel by channel: einsum rounds otherwise at the end of a row, and equal patches must
        # have equal sums, so that ties stay ties.
        for c in range(x.shape[1]):
            z += here[:, c, None] * tap[:, c, None, None]
    return z


def conv(
    x, w, b=None, border=(0, 0, 0, 0), flip=True, rectify=True, subsample=(1, 1), dilation=(1, 1)
):
    """Return z, rectified if `rectify`, and twice the slopes of rectify, (n, oh, ow, f)."""
    z = convolve(x, w, border, flip, subsample, dilation)
    if b is not None:
        z += b[:, None, None]
    slopes = np.where(np.isnan(z), SLOPE_NAN, np.where(z > 0, 2, np.where(z == 0, 1, 0)))
    with np.errstate(invalid="ignore"):  # 0.5 * (z + abs(z)) is NaN where z is -infinity
        a = (0.5 * (z + abs(z))).astype(x.dtype) if rectify else z
    return a, slopes.astype(np.uint8).transpose(0, 2, 3, 1)


def conv_grad(x, w, slopes, g, border=(0, 0, 0, 0), flip=True, subsample=(1, 1), dilation=(1, 1)):
    """Return the gradients of w, b and x, where g is that of conv()'s; slopes None: all are 1."""
    gz = g
    if slopes is not None:
        twice = slopes.transpose(0, 3, 1, 2)[:, : len(w)]
        gz = g * np.where(twice == SLOPE_NAN, np.nan, 0.5 * twice).astype(x.dtype)
    return _grad(x, w, gz, border, flip, subsample, dilation)


def conv_pool(x, w, b=None, border=(0, 0, 0, 0), flip=True, rectify=True, ignore_border=True):
    """Return p and winners; p is the maximum over 2x2 windows, rectified if `rectify`."""
    z = convolve(x, w, border, flip)
    if b is not None:
        z += b[:, None, None]
    n, f, rows, columns = z.shape
    up = 0 if ignore_border else 1
    ph, pw = (rows + up) // 2, (columns + up) // 2
    p = np.empty((n, f, ph, pw), x.dtype)
    winners = np.zeros((n, ph, pw, f), np.uint8)
    for i in range(ph):
        for j in range(pw):
            places = _places(i, j, rows, columns)
            best = z[:, :, 2 * i, 2 * j]
            if rectify:  # first of all: 0.5 * (z + abs(z)) is NaN where z is -infinity
                best = np.where(best == -np.inf, np.nan, best).astype(x.dtype)
            for r, c in places.values():
                # As Theano's C code: a NaN that is not the first is passed over.
                best = np.where(z[:, :, r, c] > best, z[:, :, r, c], best)
            won = np.zeros((n, f), np.uint8)
            for bit, (r, c) in places.items():
                won |= np.where(z[:, :, r, c] == best, bit, 0).astype(np.uint8)
            if rectify:
                won = np.where(best > 0, won, np.where(best == 0, won | HALF, 0))
                best = 0.5 * (best + abs(best))
            p[:, :, i, j] = best
            winners[:, i, j] = won
    return p, winners


def conv_pool_grad(x, w, winners, g, border=(0, 0, 0, 0), flip=True):
    """Return the gradients of w, b and x, where g is that of p."""
    top, bottom, left, right = border
    rows = x.shape[2] + top + bottom - w.shape[2] + 1
    columns = x.shape[3] + left + right - w.shape[3] + 1
    gz = np.zeros((len(x), len(w), rows, columns), x.dtype)
    for i in range(g.shape[2]):
        for j in range(g.shape[3]):
            won = winners[:, i, j, : len(w)]
            slope = np.where(won & HALF, x.dtype.type(0.5), x.dtype.type(1))
            for bit, (r, c) in _places(i, j, rows, columns).items():
                gz[:, :, r, c] = np.where(won & bit, slope * g[:, :, i, j], 0)
    return _grad(x, w, gz, border, flip, (1, 1), (1, 1))


def _grad(x, w, gz, border, flip, subsample, dilation):
    top, _, left, _ = border
    rows, columns = gz.shape[2:]
    padded = pad(x, border)
    dw, dx = np.empty_like(w), np.zeros_like(padded)
    for i, j, tap in _taps(w, flip):
        here = _seen(i, j, rows, columns, subsample, dilation)
        k, m = (w.shape[2] - 1 - i, w.shape[3] - 1 - j) if flip else (i, j)
        dw[:, :, k, m] = np.einsum("nchw,nfhw->fc", padded[here], gz)
        dx[here] += np.einsum("nfhw,fc->nchw", gz, tap)
    return dw, gz.sum((0, 2, 3)), dx[:, :, top : top + x.shape[2], left : left + x.shape[3]]


def _out(shape, filters, subsample, dilation):
    # Rows and columns of z
    return tuple(
        (n - (size - 1) * apart - 1) // step + 1
        for n, size, apart, step in zip(shape[2:], filters[2:], dilation, subsample, strict=True)
    )


def _seen(i, j, rows, columns, subsample, dilation):
    # The pixels that tap (i, j) meets
    (down, right), (i, j) = subsample, (i * dilation[0], j * dilation[1])
    return np.s_[
        :, :, i : i + (rows - 1) * down + 1 : down, j : j + (columns - 1) * right + 1 : right
    ]


def _taps(w, flip):
    # Row and column of x that a tap meets, and the tap (f, c)
    turned = w[:, :, ::-1, ::-1] if flip else w
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            yield i, j, turned[:, :, i, j]


def _places(i, j, rows, columns):
    # By their bits, the outputs in window (i, j) that exist
    corners = {1: (0, 0), 2: (0, 1), 4: (1, 0), 8: (1, 1)}
    places = {bit: (2 * i + r, 2 * j + c) for bit, (r, c) in corners.items()}
    return {bit: (r, c) for bit, (r, c) in places.items() if r < rows and c < columns}

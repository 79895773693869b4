// A stage: convolution, bias, rectify and 2x2 max-pool in one, or without the pool; its shapes and
// its images.
//
//   z (oh, ow)  = x convolved with w, + b         a filter's outputs
//   p (ph, pw)  = max over 2x2 windows of z       and rectified: 0.5 * (p + |p|)
//   winners     = per window, which of its four z are the maximum (see window.hpp)
//
// Without a pool a window is one output, p is z, or z rectified, and winners are its slopes.
//
// Inside, images are "blocked": (blocks, rows, columns, V), the channels in blocks of V that lie
// side by side in a pixel, zeros behind the last; a vector is a pixel of a block. Images of a
// few channels stay planes: (channels, rows, columns). Outside, arrays are planes unless the
// StageShape says that they are blocked, too.
#pragma once

#include <algorithm>
#include <cassert>

#include "threads.hpp"
#include "vec.hpp"

namespace today {

// Of a pooled stage's filter, in either direction. hits.hpp unrolls a row of this many taps; the
// rewrite of the graph leaves larger filters to Theano.
constexpr long LARGEST_FILTER = 5;

// Mirrored by library.StageShape, field for field.
struct StageShape {
    int64_t images, channels, rows, columns;      // x (images, channels, rows, columns)
    int64_t filters, filter_rows, filter_columns; // w (filters, channels, ., .)
    int64_t top, left;                            // rows and columns of zeros before x
    int64_t out_rows, out_columns;                // z
    int64_t pool_rows, pool_columns;              // p
    int64_t flip;                                 // 1: w is turned by 180 degrees, as Theano does
    int64_t rectify;                              // 1: p is rectified
    int64_t x_blocked, dx_blocked;                // 1: x, its gradient
    int64_t p_blocked;                            // 1: p (or, going backward, its gradient)
    int64_t pool;                                 // 2: windows of 2x2; 1: none
    int64_t step_rows, step_columns;              // of the filters; 1 where there is a pool
    int64_t apart_rows, apart_columns;            // of a filter's taps; 1: side by side
    int64_t in_order; // 1: equal patches have equal sums wherever they are: no Winograd

    long channel_blocks() const { return (channels + V - 1) / V; }
    long filter_blocks() const { return (filters + V - 1) / V; }
    long windows() const { return pool_rows * pool_columns; }
    long taps() const { return filter_rows * filter_columns; }
    long weights() const { return filters * channels * taps(); }
    // From a filter's first tap to its last
    long reach_rows() const { return (filter_rows - 1) * apart_rows; }
    long reach_columns() const { return (filter_columns - 1) * apart_columns; }
    // Winograd does 2x2 outputs at a time: a pooling window, or as many where there is no pool.
    long square_rows() const { return pool == 2 ? pool_rows : (pool_rows + 1) / 2; }
    long square_columns() const { return pool == 2 ? pool_columns : (pool_columns + 1) / 2; }
    bool winograd() const {
        const bool plain = step_rows == 1 && step_columns == 1 && reach_rows() < filter_rows &&
                           reach_columns() < filter_columns;
        const bool small = filter_rows == 2 || filter_rows == 3;
        // What these cost to transform is more than is saved of a few filters.
        const bool large = filter_rows == 5 && channels >= 16 && filters >= 16;
        const bool known = filter_rows == filter_columns && (small || large);
        return plain && known && !few_channels() && !in_order;
    }
    // What the windows see, incomplete ones at the border as well.
    long seen_rows() const {
        if (pool == 2 || winograd())
            return 2 * square_rows() + reach_rows();
        return step_rows * (pool_rows - 1) + reach_rows() + 1;
    }
    long seen_columns() const {
        if (pool == 2 || winograd())
            return 2 * square_columns() + reach_columns();
        return step_columns * (pool_columns - 1) + reach_columns() + 1;
    }
    // The part of x that is seen.
    long used_rows() const { return clipped(rows, seen_rows() - top); }
    long used_columns() const { return clipped(columns, seen_columns() - left); }
    // Filters that go over x in steps of two see each tap of theirs on every other pixel only: they
    // are filters of half the size on four images, of x's even and odd rows and columns. Winograd
    // then does these: 9 products in place of 16 for four taps of 4x4.
    bool halved() const {
        const bool plain = step_rows == 2 && step_columns == 2 && apart_rows == 1;
        const bool known = filter_rows == filter_columns && (filter_rows == 4 || filter_rows == 6);
        return pool == 1 && plain && apart_columns == 1 && known && !few_channels() && !in_order;
    }
    // The stage of such filters; a block of x's channels is four: of (0, 0), (0, 1), (1, 0), (1,
    // 1).
    StageShape half() const {
        StageShape s = *this;
        s.channels = 4 * channel_blocks() * V;
        s.filter_rows = s.filter_columns = filter_rows / 2;
        s.step_rows = s.step_columns = 1;
        s.top = s.left = s.flip = 0;
        s.x_blocked = 1, s.dx_blocked = 1;
        s.rows = s.seen_rows(), s.columns = s.seen_columns();
        return s;
    }
    // x itself has all that the windows see: no copy with zeros around it is needed.
    bool fits() const {
        return top == 0 && left == 0 && seen_rows() <= rows && seen_columns() <= columns;
    }

    // python benchmarks/thresholds.py --only "few channels", ms of one thread of an AMD EPYC with
    // AVX-512, 128 images, V filters side by side / blocks of channels:
    //   channels   1         4         6           8           16
    //   2x2        1.7/4.8   4.5/6.8   5.2/5.8     6.5/6.2     13.7/8.2
    //   3x3        1.5/5.6   8.0/9.6   11.4/11.0   14.3/11.0   24.3/16.0
    bool few_channels() const { return channels < 8; }

    // What every kernel takes for granted. The tests' builds stop where it does not hold.
    void check() const {
        assert(images >= 0 && channels >= 1 && filters >= 1 && rows >= 0 && columns >= 0);
        assert(filter_rows >= 1 && filter_columns >= 1);
        assert(top >= 0 && left >= 0 && out_rows >= 1 && out_columns >= 1);
        if (pool == 2) {
            assert(filter_rows <= LARGEST_FILTER && filter_columns <= LARGEST_FILTER);
            assert(step_rows == 1 && step_columns == 1 && apart_rows == 1 && apart_columns == 1);
            // Windows of two rows and columns, or with one that reaches over the border
            assert(0 <= pool_rows && pool_rows <= (out_rows + 1) / 2);
            assert(0 <= pool_columns && pool_columns <= (out_columns + 1) / 2);
        } else {
            assert(pool == 1 && pool_rows == out_rows && pool_columns == out_columns);
            assert(step_rows >= 1 && step_columns >= 1 && apart_rows >= 1 && apart_columns >= 1);
        }
        // Hits are found by 32 bits (hits.hpp).
        assert(seen_rows() * seen_columns() * V < INT32_MAX && rows * columns * V < INT32_MAX);
    }

    // Element [f][c][i][j] of w as it meets x[row + i][column + j].
    long weight(long f, long c, long i, long j) const {
        if (flip) {
            i = filter_rows - 1 - i;
            j = filter_columns - 1 - j;
        }
        return ((f * channels + c) * filter_rows + i) * filter_columns + j;
    }

    // Floats of an image of x and of p, blocked or not
    long x_size(bool blocked) const {
        return (blocked ? channel_blocks() * V : channels) * rows * columns;
    }
    long p_size(bool blocked) const {
        return (blocked ? filter_blocks() * V : filters) * windows();
    }

  private:
    static long clipped(long size, long most) { return size < most ? size : most > 0 ? most : 0; }
};

// Filters: tap (i, j) of filter f and channel c, as it meets x[row + i][column + j], is at
// data[f * filter + c * channel + i * row + j * column].
struct Filters {
    const float *data;
    long filter, channel, row, column;
    float at(long f, long c, long i, long j) const {
        return data[f * filter + c * channel + i * row + j * column];
    }
    // Those of w (filters, channels, ., .)
    static Filters of(const StageShape &s, const float *w) {
        const long sign = s.flip ? -1 : 1;
        return {w + s.weight(0, 0, 0, 0), s.channels * s.taps(), s.taps(), sign * s.filter_columns,
                sign};
    }
};

// A stage of a chain and its arrays; null is what is not wanted, or comes from the stage before.
// Mirrored by library.Link, field for field.
struct Link {
    StageShape stage;
    const float *x; // forward: of the first stage only
    const float *w, *b;
    float *p;
    uint8_t *winners; // (images, filter blocks, windows, V)
    const float *g;   // as p, of the last stage only
    float *dw, *db;   // as w, (filters): both or neither
    float *dx;        // as x, of the first stage only
    // Dropout behind the stage: p is multiplied by scale and by a mask, its gradient likewise.
    const uint8_t *mask; // (images, filters, windows), 0 or 1
    float scale;
};

// One image as the kernels read it: row i of plane or block k begins at
// data[k * plane + i * row]; a pixel is 1 float, or V of a block. Pixel (0, 0) is the first that
// the first window sees. The next image, where there are several, is `step` floats further.
struct Image {
    const float *data;
    long plane, row, step = 0;
    Image at(long n) const { return {data + n * step, plane, row, step}; }
};

// blocked (blocks, count, V) <- planes (channels, count); the rest of the last block: zeros
inline void planes_to_blocks(float *blocked, const float *planes, long channels, long count) {
    for (long c = 0; c < channels; c += V, blocked += count * V) {
        const long many = channels - c < V ? channels - c : V;
        const float *from = planes + c * count;
        long i = 0;
        if (many == V)
            for (; i + V <= count; i += V) {
                vf square[V];
                EACH (k, V)
                    square[k] = load(from + k * count + i);
                transpose(square);
                EACH (k, V)
                    store(blocked + (i + k) * V, square[k]);
            }
        for (; i < count; i++)
            for (long k = 0; k < V; k++)
                blocked[i * V + k] = k < many ? from[k * count + i] : 0;
    }
}

// planes (channels, count) <- blocked (blocks, count, V)
inline void blocks_to_planes(float *planes, const float *blocked, long channels, long count) {
    for (long c = 0; c < channels; c += V, blocked += count * V) {
        const long many = channels - c < V ? channels - c : V;
        float *to = planes + c * count;
        long i = 0;
        if (many == V)
            for (; i + V <= count; i += V) {
                vf square[V];
                EACH (k, V)
                    square[k] = load(blocked + (i + k) * V);
                transpose(square);
                EACH (k, V)
                    store(to + k * count + i, square[k]);
            }
        for (; i < count; i++)
            for (long k = 0; k < many; k++)
                to[k * count + i] = blocked[i * V + k];
    }
}

// All of them
inline void to_blocks(const float *planes, float *blocked, long images, long channels, long count) {
    const long size = round_up(channels, V) * count;
    Threads::instance().run_in_shares(images, [&](long n) {
        planes_to_blocks(blocked + n * size, planes + n * channels * count, channels, count);
    });
}
inline void to_planes(const float *blocked, float *planes, long images, long channels, long count) {
    const long size = round_up(channels, V) * count;
    Threads::instance().run_in_shares(images, [&](long n) {
        blocks_to_planes(planes + n * channels * count, blocked + n * size, channels, count);
    });
}

// An image as planes, with zeros around it where the windows see more than x has
inline Image planes_of(const StageShape &s, const float *x) {
    const long size = s.rows * s.columns;
    const float *planes = x;
    if (s.x_blocked) {
        float *copy = scratch(Use::planes, s.channels * size);
        blocks_to_planes(copy, planes, s.channels, size);
        planes = copy;
    }
    if (s.fits())
        return {planes, size, s.columns};
    const long height = s.seen_rows(), width = s.seen_columns();
    float *padded = scratch(Use::image, s.channels * height * width);
    std::memset(padded, 0, s.channels * height * width * sizeof(float));
    for (long c = 0; c < s.channels; c++)
        for (long i = 0; i < s.used_rows(); i++)
            std::memcpy(padded + (c * height + s.top + i) * width + s.left,
                        planes + c * size + i * s.columns, s.used_columns() * sizeof(float));
    return {padded, height * width, width};
}

// x blocked
inline const float *blocks_of_x(const StageShape &s, const float *x) {
    if (s.x_blocked)
        return x;
    float *copy = scratch(Use::planes, s.x_size(true));
    planes_to_blocks(copy, x, s.channels, s.rows * s.columns);
    return copy;
}

// to (blocks, seen rows, seen columns, V) <- an image with zeros around it
inline void pad_image(const StageShape &s, const float *x, float *to) {
    const float *blocked = blocks_of_x(s, x);
    const long height = s.seen_rows(), width = s.seen_columns(), used = s.used_columns();
    const auto clear = [&](long pixels) {
        std::memset(to, 0, pixels * V * sizeof(float));
        to += pixels * V;
    };
    for (long b = 0; b < s.channel_blocks(); b++) {
        const float *from = blocked + b * s.rows * s.columns * V;
        const long above = std::min<long>(s.top, height), rows = s.used_rows();
        clear(above * width);
        for (long i = 0; i < rows; i++, from += s.columns * V) {
            const long left = std::min<long>(s.left, width);
            clear(left);
            std::memcpy(to, from, used * V * sizeof(float));
            to += used * V;
            clear(width - left - used);
        }
        clear((height - above - rows) * width);
    }
}

// The same of the four images that the filters of `half` go over
inline void halve_image(const StageShape &s, const StageShape &half, const float *x, float *to) {
    const float *from = blocks_of_x(s, x);
    const long blocks = s.channel_blocks(), plane = half.rows * half.columns * V;
    std::memset(to, 0, 4 * blocks * plane * sizeof(float));
    for (long b = 0; b < blocks; b++)
        for (long i = 0; i < s.rows; i++, from += s.columns * V) {
            const long row = (s.top + i) / 2, end = 2 * half.columns - s.left;
            if (row >= half.rows)
                continue;
            float *even = to + ((s.top + i) % 2 * 2 * blocks + b) * plane + row * half.columns * V;
            for (long j = 0; j < s.columns && j < end; j++)
                store(even + (s.left + j) % 2 * blocks * plane + (s.left + j) / 2 * V,
                      load(from + j * V));
        }
}

// Some images blocked, with zeros around each where the windows see more than x has
inline Image blocks_of(const StageShape &s, const float *x, long images) {
    const long plane = s.seen_rows() * s.seen_columns() * V, step = s.channel_blocks() * plane;
    if (s.fits() && s.x_blocked)
        return {x, s.rows * s.columns * V, s.columns * V, s.x_size(true)};
    if (s.fits() && images == 1)
        return {blocks_of_x(s, x), s.rows * s.columns * V, s.columns * V};
    float *padded = scratch(Use::image, images * step);
    for (long n = 0; n < images; n++)
        pad_image(s, x + n * s.x_size(s.x_blocked), padded + n * step);
    return {padded, plane, s.seen_columns() * V, step};
}

inline Image halves_of(const StageShape &s, const StageShape &half, const float *x, long images) {
    const long plane = half.rows * half.columns * V, step = half.channel_blocks() * plane;
    float *padded = scratch(Use::image, images * step);
    for (long n = 0; n < images; n++)
        halve_image(s, half, x + n * s.x_size(s.x_blocked), padded + n * step);
    return {padded, plane, half.columns * V, step};
}

// to (filters, channels, ., .) of half <- w: the tap (2 * i + k / 2, 2 * j + k % 2) of the k-th of
// the four images
inline void halve_weights(const StageShape &s, const StageShape &half, const Filters &w,
                          float *to) {
    const long each = s.channel_blocks() * V;
    for (long f = 0; f < s.filters; f++)
        for (long k = 0; k < 4; k++)
            for (long c = 0; c < each; c++)
                for (long i = k / 2; i < s.filter_rows; i += 2)
                    for (long j = k % 2; j < s.filter_columns; j += 2)
                        *to++ = c < s.channels ? w.at(f, c, i, j) : 0;
}

} // namespace today

// Pools that belong to no stage: of any windows, strides and paddings, and their gradients.
//
// V planes are done side by side, a plane in each lane: windows then need no shuffling, and each
// number is the same as in a loop over one plane.
//
//   max       p = the largest of a window: the first, unless a later one is larger. A NaN is
//             passed over unless it comes first, as in Theano.
//             dx += g wherever x equals p: each of tied maxima gets all of it.
//   average   p = the sum of a window, one after the other, divided by `size`; dx += g / size
#pragma once

#include "stage.hpp"

namespace today {

// The windows of an axis: from begin to end - 1, what lies beyond the border left out; what an
// average counts
struct Windows {
    const int64_t *begin, *end, *size;
    long count;
    // data: (3, count)
    Windows(const int64_t *data, long count)
        : begin(data), end(data + count), size(data + 2 * count), count(count) {}
};

struct PoolShape {
    bool max;
    long planes, rows, columns; // x
    Windows down, right;

    long pixels() const { return rows * columns; }
    long windows() const { return down.count * right.count; }

    // work(first plane, how many) for all planes, V or fewer at a time
    template <class F> void each_group(F &&work) const {
        const long groups = (planes + V - 1) / V;
        const auto run = [&](long group) {
            work(group * V, planes - group * V < V ? planes - group * V : V);
        };
        if (planes * pixels() < 1 << 14) // done before a thread has woken up
            for (long group = 0; group < groups; group++)
                run(group);
        else
            Threads::instance().run_in_shares(groups, run);
    }

    // work(window, its first pixel, rows, columns, what an average divides by)
    template <class F> INLINE void each_window(F &&work) const {
        for (long i = 0; i < down.count; i++)
            for (long j = 0; j < right.count; j++)
                work(i * right.count + j, down.begin[i] * columns + right.begin[j],
                     down.end[i] - down.begin[i], right.end[j] - right.begin[j],
                     float(down.size[i] * right.size[j]));
    }
};

// p (planes, windows) <- x (planes, rows, columns)
inline void pool(const PoolShape &s, const float *x, float *p) {
    s.each_group([&](long first, long many) {
        float *pixels = scratch(Use::planes, s.pixels() * V);
        float *pooled = scratch(Use::pooled, s.windows() * V);
        planes_to_blocks(pixels, x + first * s.pixels(), many, s.pixels());
        s.each_window([&](long window, long at, long rows, long columns, float size) {
            const float *from = pixels + at * V;
            vf found = s.max ? load(from) : vf{};
            for (long i = 0; i < rows; i++, from += s.columns * V)
                for (long j = 0; j < columns; j++) {
                    const vf one = load(from + j * V);
                    found = s.max ? larger(one, found) : found + one;
                }
            store(pooled + window * V, s.max ? found : found / splat(size));
        });
        blocks_to_planes(p + first * s.windows(), pooled, many, s.windows());
    });
}

// dx (planes, rows, columns) <- g (planes, windows) and, of a maximum, x and p
inline void pool_gradient(const PoolShape &s, const float *x, const float *p, const float *g,
                          float *dx) {
    s.each_group([&](long first, long many) {
        const long outputs = s.windows();
        float *gradients = scratch(Use::gradients, outputs * V);
        float *sums = scratch(Use::dx, s.pixels() * V);
        float *pixels = nullptr, *pooled = nullptr;
        planes_to_blocks(gradients, g + first * outputs, many, outputs);
        if (s.max) {
            pixels = scratch(Use::planes, s.pixels() * V);
            pooled = scratch(Use::pooled, outputs * V);
            planes_to_blocks(pixels, x + first * s.pixels(), many, s.pixels());
            planes_to_blocks(pooled, p + first * outputs, many, outputs);
        }
        std::memset(sums, 0, s.pixels() * V * sizeof(float));
        s.each_window([&](long window, long at, long rows, long columns, float size) {
            vf gradient = load(gradients + window * V);
            if (!s.max)
                gradient /= splat(size);
            const vf maximum = s.max ? load(pooled + window * V) : vf{};
            for (long i = 0; i < rows; i++, at += s.columns)
                for (long j = at; j < at + columns; j++) {
                    vf part = gradient;
                    if (s.max)
                        part = (vf)((vi)(load(pixels + j * V) == maximum) & (vi)gradient);
                    store(sums + j * V, load(sums + j * V) + part);
                }
        });
        blocks_to_planes(dx + first * s.pixels(), sums, many, s.pixels());
    });
}

} // namespace today

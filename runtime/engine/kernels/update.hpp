// Momentum steps, the parameters and velocities read and written once.
//
//   v <- momentum * v - rate * g
//   w <- w + v                           or, with Nesterov's momentum,
//   w <- w + momentum * v - rate * g     (Lasagne's formulation: lasagne.updates)
#pragma once

#include "gemm.hpp"

namespace net2 {

struct Step {
    float rate, momentum;
    bool nesterov;
};

static INLINE void step(Step rule, vf &w, vf &v, vf g) {
    const vf down = rule.rate * g;
    v = rule.momentum * v - down;
    w += rule.nesterov ? rule.momentum * v - down : v;
}

constexpr long PIECE = 1 << 16; // elements at a time

// w, v (count) after a step with the gradient g (count)
inline void update(Step rule, float *w, float *v, const float *g, long count) {
    const long items = (count + PIECE - 1) / PIECE;
    Threads::instance().run(items, [&](long item) {
        const long end = (item + 1) * PIECE < count ? (item + 1) * PIECE : count;
        long i = item * PIECE;
        for (; i + V <= end; i += V) {
            vf x = load(w + i), y = load(v + i);
            step(rule, x, y, load(g + i));
            store(w + i, x);
            store(v + i, y);
        }
        if (const long left = end - i; left > 0) {
            vf x = load_first(w + i, left), y = load_first(v + i, left);
            step(rule, x, y, load_first(g + i, left));
            store_first(w + i, x, left);
            store_first(v + i, y, left);
        }
    });
}

constexpr long STRIPE = 8 * ROWS; // rows of the gradient at a time

// left (k, STRIPE) <- A (m, k) turned, m at most STRIPE
inline void pack_left(float *left, Matrix a, long m, long k) {
    for (long p = 0; p < k; p++, left += STRIPE)
        if (a.row == 1)
            std::memcpy(left, a.data + p * a.column, m * sizeof(float));
        else
            for (long i = 0; i < m; i++)
                left[i] = a.data[i * a.row + p * a.column];
}

// A tile of w and v, rows `row` floats apart, of which `columns` are left, after a step with the
// gradient left (k, MR of STRIPE).T @ panel (k, PANEL)
template <int MR>
static INLINE void update_tile(Step rule, float *w, float *v, long row, long columns,
                               const float *left, const float *panel, long k, Soon soon_w,
                               Soon soon_v) {
    vf sums[MR][VECTORS] = {};
    tile(k, Matrix{left, 1, STRIPE}, panel, PANEL, sums, [&] {
        soon_w.line<1>();
        soon_v.line<1>();
    });
    EACH (r, MR)
        EACH (s, VECTORS) {
            float *at_w = w + r * row + s * V, *at_v = v + r * row + s * V;
            const long there = columns - s * V;
            if (there >= V) {
                vf x = load(at_w), y = load(at_v);
                step(rule, x, y, sums[r][s]);
                store(at_w, x);
                store(at_v, y);
            } else if (there > 0) {
                vf x = load_first(at_w, there), y = load_first(at_v, there);
                step(rule, x, y, sums[r][s]);
                store_first(at_w, x, there);
                store_first(at_v, y, there);
            }
        }
}

// W, v (m, n) contiguous, after a step with the gradient A (m, k) @ B (k, n), which is never
// written anywhere: each tile of it is used where it was computed, while the memory of the
// next one is on its way.
inline void update_with_product(Step rule, float *w, float *v, Matrix a, Matrix b, long m, long n,
                                long k) {
    const long panels = (n + PANEL - 1) / PANEL;
    float *packed = scratch(Use::panels, panels * PANEL * k);
    Threads &pool = Threads::instance();
    pool.run(m * n * k < TOO_SMALL ? 1 : panels, [&](long item) {
        if (m * n * k < TOO_SMALL)
            for (long p = 0; p < panels; p++)
                pack_panel(packed + p * PANEL * k, b, k, p * PANEL, n);
        else
            pack_panel(packed + item * PANEL * k, b, k, item * PANEL, n);
    });
    const long stripes = (m + STRIPE - 1) / STRIPE;
    pool.run(stripes, [&](long stripe) {
        const long top = stripe * STRIPE, bottom = top + STRIPE < m ? top + STRIPE : m;
        float *left = scratch(Use::left, STRIPE * k);
        pack_left(left, a.at(top, 0), bottom - top, k);
        for (long j = 0; j < n; j += PANEL)
            for (long i = top; i < bottom; i += ROWS)
                with_rows(bottom - i < ROWS ? bottom - i : ROWS, [&](auto rows) {
                    constexpr int MR = decltype(rows)::value;
                    // The next tile's w and v are on their way while this one is made.
                    const bool last = i + ROWS >= bottom;
                    const long next = last ? top * n + j + PANEL : (i + ROWS) * n + j;
                    update_tile<MR>(rule, w + i * n + j, v + i * n + j, n, n - j, left + (i - top),
                                    packed + j * k, k, Soon(w + next, PANEL, n, ROWS),
                                    Soon(v + next, PANEL, n, ROWS));
                });
    });
}

} // namespace net2

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

// w, v (count) after a step with the gradient g (count)
inline void update(Step rule, float *w, float *v, const float *g, long count) {
    Threads::instance().run([&](int thread, int threads) {
        const Share vectors(count / V, thread, threads);
        for (long i = vectors.begin * V; i < vectors.end * V; i += V) {
            vf x = load(w + i), y = load(v + i);
            step(rule, x, y, load(g + i));
            store(w + i, x);
            store(v + i, y);
        }
        if (thread == threads - 1 && count % V) {
            const long i = count / V * V, left = count % V;
            vf x = load_first(w + i, left), y = load_first(v + i, left);
            step(rule, x, y, load_first(g + i, left));
            store_first(w + i, x, left);
            store_first(v + i, y, left);
        }
    });
}

// W, v (m, n) contiguous, after a step with the gradient A (m, k) @ B (k, n), which is never
// written anywhere: each tile of it is used where it was computed, while the memory of the
// next one is on its way.
inline void update_with_product(Step rule, float *w, float *v, Matrix a, Matrix b, long m, long n,
                                long k) {
    const long panels = (n + PANEL - 1) / PANEL;
    float *packed = scratch(Use::panels, panels * PANEL * k);
    Threads &pool = Threads::instance();
    pool.run([&](int thread, int threads) {
        const Share mine(panels, thread, threads);
        for (long p = mine.begin; p < mine.end; p++)
            pack_panel(packed + p * PANEL * k, b, k, p * PANEL, n);
    });
    pool.run([&](int thread, int threads) {
        const Share tiles((m + ROWS - 1) / ROWS, thread, threads);
        float *left = scratch(Use::left, ROWS * k);
        for (long i = tiles.begin * ROWS; i < tiles.end * ROWS && i < m; i += ROWS)
            with_rows(m - i < ROWS ? m - i : ROWS, [&](auto rows) {
                constexpr int MR = decltype(rows)::value;
                for (long p = 0; p < k; p++)
                    for (int r = 0; r < MR; r++)
                        left[p * MR + r] = a.data[(i + r) * a.row + p * a.column];
                for (long j = 0; j < n; j += PANEL) {
                    vf sums[MR][VECTORS] = {};
                    UNROLL for (int r = 0; r < MR; r++) {
                        const long at = (i + r) * n + j;
                        UNROLL for (int s = 0; s < VECTORS; s++) {
                            __builtin_prefetch(w + at + s * V, 1);
                            __builtin_prefetch(v + at + s * V, 1);
                        }
                    }
                    tile<MR, VECTORS>(k, Matrix{left, 1, MR}, packed + j * k, PANEL, sums);
                    UNROLL for (int r = 0; r < MR; r++) UNROLL for (int s = 0; s < VECTORS; s++) {
                        const long at = (i + r) * n + j + s * V, columns = n - j - s * V;
                        if (columns >= V) {
                            vf x = load(w + at), y = load(v + at);
                            step(rule, x, y, sums[r][s]);
                            store(w + at, x);
                            store(v + at, y);
                        } else if (columns > 0) {
                            vf x = load_first(w + at, columns), y = load_first(v + at, columns);
                            step(rule, x, y, sums[r][s]);
                            store_first(w + at, x, columns);
                            store_first(v + at, y, columns);
                        }
                    }
                }
            });
    });
}

} // namespace net2

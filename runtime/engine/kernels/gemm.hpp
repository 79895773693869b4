// Products of matrices: the tile in registers that everything here is made of, and the three
// products of a dense layer.
//
//   Y (m, n)  = A (m, k) @ B (k, n)     product()
//   W, v     <- W and v after a momentum step with the gradient A.T @ B   (update.hpp)
//
// B is packed into panels, (k, PANEL) floats each, zeros behind the last column; A is read
// where it lies, one float at a time to all lanes.
#pragma once

#include "threads.hpp"
#include "vec.hpp"

namespace net2 {

constexpr int ROWS = 6;                          // rows of a tile of sums
constexpr int VECTORS = REGISTERS == 32 ? 4 : 2; // vectors in a row of it
constexpr int PANEL = VECTORS * V;               // columns of a tile

// A matrix: element (i, j) is at data[i * row + j * column].
struct Matrix {
    const float *data;
    long row, column;
    Matrix at(long i, long j) const { return {data + i * row + j * column, row, column}; }
};

// sums (MR, NV * V) += A (MR, k) @ panel (k, NV * V), the panel's rows `step` floats apart
template <int MR, int NV>
static INLINE void tile(long k, Matrix a, const float *panel, long step, vf (&sums)[MR][NV]) {
    const float *left = a.data;
    for (long p = 0; p < k; p++, left += a.column, panel += step) {
        vf right[NV];
        UNROLL for (int j = 0; j < NV; j++) right[j] = load(panel + j * V);
        UNROLL for (int i = 0; i < MR; i++) {
            const vf one = splat(left[i * a.row]);
            UNROLL for (int j = 0; j < NV; j++) sums[i][j] += one * right[j];
        }
    }
}

// Call f with std::integral_constant-like numbers of rows (1 to ROWS) and vectors (1 to VECTORS).
template <int N> struct Number {
    static constexpr int value = N;
};
template <int MR = ROWS, class F> static INLINE void with_rows(int rows, F &&f) {
    if constexpr (MR > 1)
        if (rows < MR)
            return with_rows<MR - 1>(rows, f);
    f(Number<MR>());
}
template <int NV = VECTORS, class F> static INLINE void with_vectors(int vectors, F &&f) {
    if constexpr (NV > 1)
        if (vectors < NV)
            return with_vectors<NV - 1>(vectors, f);
    f(Number<NV>());
}

// panel (k, PANEL) <- columns `first` to first + PANEL - 1 of B (k, n), zeros behind the last
inline void pack_panel(float *panel, Matrix b, long k, long first, long n) {
    const long columns = n - first < PANEL ? n - first : PANEL;
    b = b.at(0, first);
    if (b.column == 1) {
        for (long p = 0; p < k; p++, panel += PANEL) {
            if (columns == PANEL) {
                UNROLL for (int j = 0; j < VECTORS; j++)
                    store(panel + j * V, load(b.data + p * b.row + j * V));
            } else {
                std::memcpy(panel, b.data + p * b.row, columns * sizeof(float));
                std::memset(panel + columns, 0, (PANEL - columns) * sizeof(float));
            }
        }
        return;
    }
    // Columns lie in rows: go along them in short stretches, so that what is written stays near.
    constexpr long STRETCH = 16;
    for (long p0 = 0; p0 < k; p0 += STRETCH) {
        const long p1 = p0 + STRETCH < k ? p0 + STRETCH : k;
        for (long j = 0; j < PANEL; j++) {
            const float *from = b.data + j * b.column;
            for (long p = p0; p < p1; p++)
                panel[p * PANEL + j] = j < columns ? from[p * b.row] : 0;
        }
    }
}

static INLINE void add_to(float *c, vf x, long columns, bool first) {
    if (columns >= V)
        store(c, first ? x : x + load(c));
    else if (columns > 0)
        store_first(c, first ? x : x + load_first(c, columns), columns);
}

constexpr long DEEP = 256; // rows of B in a panel: it stays in the second level's cache

// C (m, n) = A[:, k0:k1] @ B[k0:k1] for the panels p0 to p1 - 1; C's rows are `row` floats apart
inline void product_part(Matrix a, Matrix b, float *c, long row, long m, long n, long k0, long k1,
                         long p0, long p1) {
    float *panel = scratch(Use::panels, DEEP * PANEL);
    if (k0 == k1)
        for (long i = 0; i < m; i++)
            for (long j = p0 * PANEL; j < n && j < p1 * PANEL; j++)
                c[i * row + j] = 0;
    for (long k = k0; k < k1; k += DEEP) {
        const long depth = k1 - k < DEEP ? k1 - k : DEEP;
        for (long p = p0; p < p1; p++) {
            const long j = p * PANEL;
            pack_panel(panel, b.at(k, 0), depth, j, n);
            for (long i = 0; i < m; i += ROWS)
                with_rows(m - i < ROWS ? m - i : ROWS, [&](auto rows) {
                    constexpr int MR = decltype(rows)::value;
                    vf sums[MR][VECTORS] = {};
                    tile<MR, VECTORS>(depth, a.at(i, k), panel, PANEL, sums);
                    UNROLL for (int r = 0; r < MR; r++) UNROLL for (int s = 0; s < VECTORS; s++)
                        add_to(c + (i + r) * row + j + s * V, sums[r][s], n - j - s * V, k == k0);
                });
        }
    }
}

// C (m, n) = A (m, k) @ B (k, n), C contiguous. `partial` has room for threads * m * n floats.
inline void product(Matrix a, Matrix b, float *c, long m, long n, long k) {
    const long panels = (n + PANEL - 1) / PANEL;
    Threads &pool = Threads::instance();
    // A long inner dimension is shared out itself: each thread then reads its part of B only.
    if (pool.size() > 1 && k > 2 * n && k > 4 * DEEP) {
        std::vector<float *> parts(pool.size());
        pool.run([&](int thread, int threads) {
            const Share inner(k, thread, threads);
            parts[thread] = thread == 0 ? c : scratch(Use::products, m * n);
            product_part(a, b, parts[thread], n, m, n, inner.begin, inner.end, 0, panels);
        });
        for (size_t part = 1; part < parts.size(); part++)
            for (long i = 0; i < m * n; i++)
                c[i] += parts[part][i];
        return;
    }
    pool.run([&](int thread, int threads) {
        if (panels >= threads || panels * ROWS >= m) {
            const Share mine(panels, thread, threads);
            product_part(a, b, c, n, m, n, 0, k, mine.begin, mine.end);
        } else {
            const Share mine(m, thread, threads);
            product_part(a.at(mine.begin, 0), b, c + mine.begin * n, n, mine.end - mine.begin, n, 0,
                         k, 0, panels);
        }
    });
}

} // namespace net2

// Products of matrices of whatever shape, on all threads.
#pragma once

#include <algorithm>

#include "sparse.hpp"

namespace today {

// C (m, n) = A[:, k0:k1] @ B[k0:k1] for the panels p0 to p1 - 1; C's rows are `row` floats apart
inline void product_part(Matrix a, Matrix b, float *c, long row, long m, long n, long k0, long k1,
                         long p0, long p1) {
    const long deep = k1 - k0 <= 2 * DEEP ? k1 - k0 : DEEP;
    float *panel = scratch(Use::panels, 2 * DEEP * PANEL);
    int32_t *which = (int32_t *)scratch(Use::counts, 2 * DEEP + V);
    if (k0 == k1)
        for (long i = 0; i < m; i++)
            for (long j = p0 * PANEL; j < n && j < p1 * PANEL; j++)
                c[i * row + j] = 0;
    for (long k = k0; k < k1; k += deep) {
        const long depth = k1 - k < deep ? k1 - k : deep;
        long numbers;
        const Some ks = alive(a.at(0, k), m, depth, which, &numbers);
        const bool listed = worth_a_list(numbers, m, ks.count);
        const Sparse list = listed ? list_numbers(a.at(0, k), m, depth) : Sparse{};
        for (long p = p0; p < p1; p++) {
            const long j = p * PANEL;
            const bool finite = pack_panel(panel, b.at(k, 0), ks, depth, j, n);
            // The next panel's memory is on its way while this one is multiplied.
            const bool last = p + 1 == p1;
            const long next = last ? k + deep : k;
            Soon soon = soon_packed(b.at(next, 0), k1 - next < deep ? k1 - next : deep,
                                    (last ? p0 : p + 1) * PANEL, n);
            if (listed && finite) {
                const long lines = depth * VECTORS / (m * list.pieces) + 1;
                sparse_product(list, panel, c + j, row, n - j, k == k0, [&] {
                    for (long line = 0; line < lines; line++)
                        soon.line();
                });
            } else {
                panel_product(ks, a.at(0, k), panel, c + j, row, m, n - j, k == k0, soon);
            }
        }
    }
}

// The same rows i0 to i1 - 1 of C (m, n), contiguous, for a B (k, n) that is packed whole. C is
// written from its first line to its last: where k is small, that is what takes the time.
inline void product_of_rows(Matrix a, const float *panels, float *c, long n, long k, long i0,
                            long i1) {
    for (long i = i0; i < i1; i += ROWS)
        for (long j = 0; j < n; j += PANEL)
            with_rows(i1 - i < ROWS ? i1 - i : ROWS, [&](auto rows) {
                constexpr int MR = decltype(rows)::value;
                vf sums[MR][VECTORS] = {};
                Soon soon(c + (i + ROWS) * n + j, PANEL, n, i + ROWS < i1 ? ROWS : 0);
                tile(All{k}, a.at(i, 0), panels + j * k, PANEL, sums, [&] {
                    EACH (line, 4)
                        soon.line<1>();
                });
                float *to = c + i * n + j;
                if (n - j < PANEL) {
                    vf last[MR][VECTORS];
                    EACH (r, MR)
                        EACH (s, VECTORS)
                            last[r][s] = sums[r][s];
                    return add_last(to, n, last[0], MR, n - j, true);
                }
                EACH (r, MR)
                    EACH (s, VECTORS)
                        store(to + r * n + s * V, sums[r][s]);
            });
}

// C (m, n) = A (m, k) @ B (k, n), C contiguous
inline void product(Matrix a, Matrix b, float *c, long m, long n, long k) {
    const long panels = (n + PANEL - 1) / PANEL;
    Threads &pool = Threads::instance();
    if (m * n * k < TOO_SMALL)
        return product_part(a, b, c, n, m, n, 0, k, 0, panels);
    if (k > 0 && k <= 2 * DEEP && m >= 8 * n && k * panels * PANEL <= 1 << 16) {
        float *packed = scratch(Use::panels, k * panels * PANEL);
        for (long p = 0; p < panels; p++)
            pack_panel(packed + p * k * PANEL, b, All{k}, k, p * PANEL, n);
        const long parts = std::min(m / (8 * ROWS), 8l * pool.size());
        return pool.run(parts, [&](long part) {
            const Share mine(m, part, parts);
            product_of_rows(a, packed, c, n, k, mine.begin, mine.end);
        });
    }
    // A long inner dimension is shared out itself: B is then read once. As many parts on any
    // machine: the sums do not depend on its number of threads.
    if (k > 2 * n && k > 8 * DEEP) {
        constexpr long parts = 8;
        float *sums = scratch(Use::products, parts * m * n);
        pool.run(parts, [&](long part) {
            const Share inner(k, part, parts);
            product_part(a, b, sums + part * m * n, n, m, n, inner.begin, inner.end, 0, panels);
        });
        for (long i = 0; i < m * n; i++) {
            c[i] = sums[i];
            for (long part = 1; part < parts; part++)
                c[i] += sums[part * m * n + i];
        }
        return;
    }
    const long items = panels < 8 * pool.size() ? panels : 8 * pool.size();
    pool.run(items, [&](long item) {
        const Share mine(panels, item, items);
        product_part(a, b, c, n, m, n, 0, k, mine.begin, mine.end);
    });
}

} // namespace today

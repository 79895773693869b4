// Gradients that are products with the same right factor, in one pass over it:
//
//   C (m, n) = A (m, k) @ B (k, n) for several A, and the sum of B's rows, in float64
//
// as those of a recurrent layer's weights and biases are, where k is all steps of all rows.
#pragma once

#include "gemm.hpp"
#include "sums.hpp"

namespace today {

// An A, and where its C, contiguous, lies
struct LeftFactor {
    const float *data;
    int64_t row, column, m;
    float *c;
};

// B's rows k0 to k1 - 1: C += A[:, k0:k1] @ B[k0:k1] for C one behind the other in `c`, and their
// sum is added to `total` (n).
inline void add_products(const LeftFactor *lefts, long count, Matrix b, float *c, double *total,
                         long n, long k0, long k1) {
    float *panel = scratch(Use::panels, DEEP * PANEL);
    int32_t every[DEEP];
    for (long q = 0; q < DEEP; q++)
        every[q] = int32_t(q);
    for (long k = k0; k < k1; k += DEEP) {
        const long depth = std::min(k1 - k, DEEP);
        const Some ks = {every, depth};
        for (long j = 0; j < n; j += PANEL) {
            const long columns = std::min(n - j, long(PANEL));
            pack_panel(panel, b.at(k, 0), ks, depth, j, n);
            add_rows(panel, depth, PANEL, columns, total + j);
            const bool last = j + PANEL >= n;
            const long next = last ? k + DEEP : k;
            Soon soon =
                soon_packed(b.at(next, 0), std::min(k1 - next, DEEP), last ? 0 : j + PANEL, n);
            float *to = c + j;
            for (long l = 0; l < count; to += lefts[l].m * n, l++)
                panel_product(ks, Matrix{lefts[l].data, lefts[l].row, lefts[l].column}.at(0, k),
                              panel, to, n, lefts[l].m, columns, false, soon);
        }
    }
}

// B contiguous. As many parts on any machine: the sums do not depend on its number of threads.
inline void products_and_sum(const LeftFactor *lefts, long count, const float *b, long n, long k,
                             float *sum) {
    constexpr long PARTS = 8;
    long all = 0;
    for (long l = 0; l < count; l++)
        all += lefts[l].m * n;
    const long size = all + 2 * n + (all & 1); // of a part, of even length: floats, then doubles
    float *parts = scratch(Use::products, PARTS * size);
    const auto total = [&](long part) { return (double *)(parts + (part + 1) * size) - n; };
    Threads &pool = Threads::instance();
    pool.run(PARTS, [&](long part) {
        float *c = parts + part * size;
        std::memset(c, 0, size * sizeof(float));
        const Share inner(k, part, PARTS);
        add_products(lefts, count, Matrix{b, n, 1}, c, total(part), n, inner.begin, inner.end);
    });
    const float *from = parts;
    for (long l = 0; l < count; l++)
        for (long i = 0; i < lefts[l].m * n; i++, from++) {
            float one = from[0];
            for (long part = 1; part < PARTS; part++)
                one += from[part * size];
            lefts[l].c[i] = one;
        }
    for (long j = 0; j < n; j++) {
        double one = 0;
        for (long part = 0; part < PARTS; part++)
            one += total(part)[j];
        sum[j] = float(one);
    }
}

} // namespace today

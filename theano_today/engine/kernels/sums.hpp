// Sums of float32 over some axes of an array, in float64 as Theano takes them:
//
//   out[k][c] = sum of x[k][r][c][i] over all r and i
//
// of an array (outer, rows, channels, inner): the axes to be kept and to be summed over by turns.
#pragma once

#include <algorithm>

#include "threads.hpp"
#include "vec.hpp"

namespace today {

typedef double vd __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES)));
typedef float vh_anywhere
    __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES / 2), aligned(4), may_alias));

// Half a vector of floats, as doubles
static INLINE vd load_wide(const float *p) {
    return __builtin_convertvector(*(const vh_anywhere *)p, vd);
}

// The sum of `count` numbers that lie side by side
inline double sum_of(const float *x, long count) {
    constexpr int AT_ONCE = 8, HALF_V = V / 2;
    vd sums[AT_ONCE] = {};
    long i = 0;
    for (; i + AT_ONCE * HALF_V <= count; i += AT_ONCE * HALF_V)
        EACH (k, AT_ONCE)
            sums[k] += load_wide(x + i + k * HALF_V);
    double total = 0;
    for (; i < count; i++)
        total += x[i];
    EACH (k, AT_ONCE / 2)
        sums[k] += sums[k + AT_ONCE / 2];
    sums[0] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (int lane = 0; lane < HALF_V; lane++)
        total += sums[0][lane];
    return total;
}

// to (count) += `rows` rows of `count` numbers, `step` floats apart
inline void add_rows(const float *x, long rows, long step, long count, double *to) {
    constexpr int AT_ONCE = 8, HALF_V = V / 2;
    long i = 0;
    for (; i + AT_ONCE * HALF_V <= count; i += AT_ONCE * HALF_V) {
        vd sums[AT_ONCE] = {};
        for (long r = 0; r < rows; r++)
            EACH (k, AT_ONCE)
                sums[k] += load_wide(x + r * step + i + k * HALF_V);
        EACH (k, AT_ONCE)
            for (int lane = 0; lane < HALF_V; lane++)
                to[i + k * HALF_V + lane] += sums[k][lane];
    }
    for (long r = 0; r < rows && i < count; r++)
        for (long j = i; j < count; j++)
            to[j] += x[r * step + j];
}

// The rows are divided into parts, and so is a long inner axis; the parts' sums are added up in
// their order. As many parts for any number of threads.
inline void sum(const float *x, long outer, long rows, long channels, long inner, float *out) {
    constexpr long PIECE = 1 << 13, PARTS = 16;
    const long kept = outer * channels, pieces = std::max((inner + PIECE - 1) / PIECE, 1L);
    const long units = rows * pieces;
    const long parts =
        std::clamp(kept * rows * inner / (4 * PIECE), 1L, std::min(PARTS, std::max(units, 1L)));
    double *sums = (double *)scratch(Use::products, 2 * parts * kept);
    std::fill(sums, sums + parts * kept, 0.0);
    Threads::instance().run(parts, [&](long part) {
        const Share mine(units, part, parts);
        double *to = sums + part * kept;
        for (long k = 0; k < outer; k++, to += channels) {
            const float *from = x + k * rows * channels * inner;
            if (inner == 1) {
                add_rows(from + mine.begin * channels, mine.end - mine.begin, channels, channels,
                         to);
                continue;
            }
            for (long unit = mine.begin; unit < mine.end; unit++) {
                const long begin = unit % pieces * PIECE, row = unit / pieces;
                for (long c = 0; c < channels; c++)
                    to[c] += sum_of(from + (row * channels + c) * inner + begin,
                                    std::min(PIECE, inner - begin));
            }
        }
    });
    for (long k = 0; k < kept; k++) {
        double total = sums[k];
        for (long part = 1; part < parts; part++)
            total += sums[part * kept + k];
        out[k] = float(total);
    }
}

} // namespace today

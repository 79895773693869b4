// Products whose left factor has zeros scattered all over, as units have that are rectified and
// that dropout leaves out: half of the units, three quarters of their gradients.
//
// The others are listed row by row (CSR), and each is multiplied by a row of the panel: for half
// the multiplications and less that is quicker than a tile, which does them all. Sums have the
// order that they have in a tile, so that both give the same bits.
#pragma once

#include "gemm.hpp"

namespace today {

// A (rows, k) without its zeros, the k in pieces: the panel's rows of a piece stay in the first
// level's cache. Those of piece s and row i begin at begins[s * rows + i].
struct Sparse {
    const int32_t *begins, *places; // places: k * PANEL
    const float *values;
    long rows, pieces;
};

// Rows of a panel: 32 KiB
constexpr long PIECE_DEPTH = 128;
constexpr long pieces_of(long k) { return (k + PIECE_DEPTH - 1) / PIECE_DEPTH; }

// Is A, of whose rows * alive numbers (those of columns that are all 0 do not count) so many are
// not 0, worth a list? Without vectors of AVX-512 a tile needs fewer loads than there are.
inline bool worth_a_list(long numbers, long rows, long alive) {
    return THEANO_TODAY_AVX512 && rows >= 24 && 20 * numbers < 11 * rows * alive;
}

#if THEANO_TODAY_AVX512
// The numbers of `from` (count) that are not 0, behind those there are
static INLINE long list_row(const float *from, long count, long k, int32_t *places, float *values) {
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i apart = _mm512_set1_epi32(PANEL);
    long found = 0;
    for (long p = 0; p < count; p += V) {
        const long left = count - p;
        const __mmask16 there = left < V ? _cvtu32_mask16((1u << left) - 1) : (__mmask16)-1;
        const __m512 x = _mm512_maskz_loadu_ps(there, from + p);
        const __mmask16 live = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        const __m512i at =
            _mm512_mullo_epi32(_mm512_add_epi32(_mm512_set1_epi32(int32_t(k + p)), lanes), apart);
        // Whole vectors are written; what is behind the last is written over.
        _mm512_storeu_si512(places + found, _mm512_maskz_compress_epi32(live, at));
        _mm512_storeu_ps(values + found, _mm512_maskz_compress_ps(live, x));
        found += __builtin_popcount(_cvtmask16_u32(live));
    }
    return found;
}
#else
static INLINE long list_row(const float *from, long count, long k, int32_t *places, float *values) {
    long found = 0;
    for (long p = 0; p < count; p++) {
        places[found] = int32_t((k + p) * PANEL), values[found] = from[p];
        found += from[p] != 0;
    }
    return found;
}
#endif

// In scratch memory of the thread
inline Sparse list_numbers(Matrix a, long rows, long k) {
    const long pieces = pieces_of(k), room = rows * k + V;
    int32_t *begins = (int32_t *)scratch(Use::hits, rows * pieces + 1 + 2 * room);
    int32_t *places = begins + rows * pieces + 1;
    float *values = (float *)places + room;
    long found = 0;
    alignas(64) float turned[V * PIECE_DEPTH];
    for (long s = 0; s < pieces; s++) {
        const long first = s * PIECE_DEPTH, depth = std::min(k - first, PIECE_DEPTH);
        for (long i = 0; i < rows; i++) {
            const float *from = a.data + i * a.row + first * a.column;
            if (a.column != 1) {
                const long some = std::min(rows - i / V * V, long(V));
                if (i % V == 0)
                    for (long p = 0; p < depth; p++)
                        for (long q = 0; q < some; q++)
                            turned[q * PIECE_DEPTH + p] = from[q * a.row + p * a.column];
                from = turned + i % V * PIECE_DEPTH;
            }
            begins[s * rows + i] = int32_t(found);
            found += list_row(from, depth, first, places + found, values + found);
        }
    }
    begins[rows * pieces] = int32_t(found);
    return {begins, places, values, rows, pieces};
}

// C (rows, `columns`) = A @ panel, or += where it is not the first part of the sum, as
// panel_product() does it. What is needed `soon`, so many lines, is asked for meanwhile.
template <class F>
inline void sparse_product(const Sparse &a, const float *panel, float *c, long row, long columns,
                           bool first, F &&between) {
    float *partial = a.pieces > 1 ? scratch(Use::values, a.rows * PANEL) : nullptr;
    for (long s = 0; s < a.pieces; s++) {
        const int32_t *begins = a.begins + s * a.rows;
        for (long i = 0; i < a.rows; i++) {
            vf sums[VECTORS] = {};
            if (s > 0)
                EACH (v, VECTORS)
                    sums[v] = load(partial + i * PANEL + v * V);
            for (int32_t q = begins[i]; q < begins[i + 1]; q++) {
                const float *from = panel + a.places[q];
                const vf one = splat(a.values[q]);
                EACH (v, VECTORS)
                    sums[v] += one * load(from + v * V);
            }
            between();
            float *to = c + i * row;
            if (s + 1 < a.pieces) {
                EACH (v, VECTORS)
                    store(partial + i * PANEL + v * V, sums[v]);
            } else if (columns < PANEL) {
                vf last[VECTORS];
                EACH (v, VECTORS)
                    last[v] = sums[v];
                add_last(to, row, last, 1, columns, first);
            } else {
                if (!first)
                    EACH (v, VECTORS)
                        sums[v] += load(to + v * V);
                EACH (v, VECTORS)
                    store(to + v * V, sums[v]);
            }
        }
    }
}

} // namespace today

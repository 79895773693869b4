// The end of a stage's forward pass: the maximum of a pooling window, and who won.
//
// Winners, bytes (filter blocks, windows, V): bits 0 to 3 say which of the window's four outputs
// (row by row) are the maximum, all of them where several are equal; each gets the whole
// gradient, as in Theano's MaxPoolGrad. 0: the window is not live (rectify cut it off, or its
// maximum is NaN). Bit 4: the maximum is exactly at rectify's kink, whose slope is a half.
//
// Without a pool, bytes (filter blocks, outputs, V): twice the slope of rectify, 0, 1 or 2; or
// SLOPE_NAN.
#pragma once

#include <cmath>

#include "stage.hpp"

namespace today {

constexpr int32_t HALF = 16;
constexpr int32_t SLOPE_NAN = 255; // of a NaN

// Of windows that reach over the border, only these outputs exist.
inline int32_t existing(const StageShape &s, long row, long column) {
    const bool second_row = 2 * row + 1 < s.out_rows;
    const bool second_column = 2 * column + 1 < s.out_columns;
    return 1 | (second_column ? 2 : 0) | (second_row ? 4 : 0) |
           (second_row && second_column ? 8 : 0);
}

// 0.5 * (z + |z|) is NaN where z is -infinity, and a NaN that comes first stays.
static INLINE vf first_of_rectified(vf z) {
#if THEANO_TODAY_AVX512
    const __m512 x = (__m512)z;
    const __mmask16 lowest = _mm512_cmpeq_ps_mask(x, _mm512_set1_ps(-INFINITY));
    return (vf)_mm512_mask_mov_ps(x, lowest, _mm512_set1_ps(NAN));
#else
    return today::where((vi)(z == -INFINITY), splat(NAN), z);
#endif
}

// z: the window's four outputs, bias included, for V filters. Writes V of p and of winners.
static INLINE void finish_window(const vf (&z)[4], int32_t exist, bool rectify, float *p,
                                 uint8_t *winners) {
    vf best = rectify ? first_of_rectified(z[0]) : z[0];
    if (exist == 15) {
        best = larger(z[1], best);
        best = larger(z[2], best);
        best = larger(z[3], best);
    } else {
        for (int k = 1; k < 4; k++)
            if (exist & 1 << k)
                best = larger(z[k], best);
    }
#if THEANO_TODAY_AVX512
    const __m512 m = (__m512)best;
    __m512i won = _mm512_maskz_set1_epi32(_mm512_cmpeq_ps_mask(m, (__m512)z[0]), 1);
    UNROLL
    for (int k = 1; k < 4; k++) {
        const __mmask16 equal = _mm512_cmpeq_ps_mask(m, (__m512)z[k]);
        won = _mm512_mask_or_epi32(won, equal, won, _mm512_set1_epi32(1 << k));
    }
    if (exist != 15)
        won = _mm512_and_epi32(won, _mm512_set1_epi32(exist));
    if (rectify) {
        const __m512 zero = _mm512_setzero_ps();
        const __mmask16 kink = _mm512_cmpeq_ps_mask(m, zero);
        const __mmask16 live = _mm512_cmp_ps_mask(m, zero, _CMP_GT_OQ);
        won = _mm512_mask_or_epi32(won, kink, won, _mm512_set1_epi32(HALF));
        won = _mm512_maskz_mov_epi32(_kor_mask16(live, kink), won);
        best = 0.5f * (best + (vf)_mm512_abs_ps(m));
    }
    _mm_storeu_si128((__m128i *)winners, _mm512_cvtepi32_epi8(won));
#else
    vi won = (vi)(z[0] == best) & 1;
    for (int k = 1; k < 4; k++)
        won |= (vi)(z[k] == best) & 1 << k;
    won &= exist;
    if (rectify) {
        const vi kink = (vi)(best == 0), live = (vi)(best > 0);
        won = (live & won) | (kink & (won | HALF));
        best = 0.5f * (best + (vf)((vi)best & 0x7fffffff));
    }
    store_bytes(winners, won);
#endif
    store(p, best);
}

// An output without a pool, bias included, for V filters. Writes V of p and, where wanted, of
// its slopes.
static INLINE void finish_output(vf z, bool rectify, float *p, uint8_t *slopes) {
    if (!rectify) {
        store(p, z);
        return;
    }
    if (slopes != nullptr)
        store_bytes(slopes, ((vi)(z > 0) & 2) | ((vi)(z == 0) & 1) | ((vi)(z != z) & SLOPE_NAN));
    store(p, 0.5f * (z + (vf)((vi)z & 0x7fffffff)));
}

static INLINE vf slope_of(vi twice) {
    const vf slope = 0.5f * __builtin_convertvector(twice, vf);
    return today::where((vi)(twice == SLOPE_NAN), splat(NAN), slope);
}

} // namespace today

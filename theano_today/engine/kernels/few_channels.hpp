// The gradient of a stage on images of a few channels (planes), such as the first: with hardly
// any channels to fill a vector, V filters are taken side by side.
//
//   dw[tap][f] += gradient[f] where filter f's winner is at k, times x[k + tap]
#pragma once

#include "window.hpp"

namespace today {

constexpr int TAPS = 9; // whose sums stay in registers

#if THEANO_TODAY_AVX512
// A patch of up to 16 pixels is one register: each filter picks the pixel that meets its winner.
static INLINE bool picks(const StageShape &s) {
    return s.channels == 1 && s.filter_rows == 3 && s.filter_columns == 3;
}

// dw (9, filters), db (filters) += one image's; filters rounded up to whole blocks
inline void add_picked(const StageShape &s, Image image, const float *g, const uint8_t *winners,
                       float *dw, float *db) {
    const long filters = s.filter_blocks() * V, windows = s.windows();
    // The winner's pixel in the 4x4 patch; the byte is 0, 1, 2, 4 or 8.
    const __m512i place = _mm512_setr_epi32(0, 0, 1, 0, 4, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0);
    const __m512i one = _mm512_set1_epi32(1);
    for (long f = 0; f < filters; f += 16) {
        __m512 sums[9], bias = _mm512_loadu_ps(db + f);
        EACH (k, 9)
            sums[k] = _mm512_loadu_ps(dw + k * filters + f);
        for (long row = 0; row < s.pool_rows; row++)
            for (long column = 0; column < s.pool_columns; column++) {
                const float *x = image.data + 2 * row * image.row + 2 * column;
                const long at = f * windows + (row * s.pool_columns + column) * V;
                const __m512i won =
                    _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(winners + at)));
                __m512 patch = _mm512_castps128_ps512(_mm_loadu_ps(x));
                patch = _mm512_insertf32x4(patch, _mm_loadu_ps(x + image.row), 1);
                patch = _mm512_insertf32x4(patch, _mm_loadu_ps(x + 2 * image.row), 2);
                patch = _mm512_insertf32x4(patch, _mm_loadu_ps(x + 3 * image.row), 3);
                const __m512 all = _mm512_loadu_ps(g + at);
                const auto add = [&](__m512i bit, __m512 gradient) __attribute__((always_inline)) {
                    gradient = _mm512_maskz_mov_ps(_mm512_test_epi32_mask(bit, bit), gradient);
                    const __m512i first = _mm512_permutexvar_epi32(bit, place);
                    bias = _mm512_add_ps(bias, gradient);
                    EACH (k, 9) {
                        const __m512i pixel =
                            _mm512_add_epi32(first, _mm512_set1_epi32(k / 3 * 4 + k % 3));
                        sums[k] =
                            _mm512_fmadd_ps(gradient, _mm512_permutexvar_ps(pixel, patch), sums[k]);
                    }
                };
                if (__builtin_expect(_mm512_test_epi32_mask(won, _mm512_sub_epi32(won, one)) == 0,
                                     1)) {
                    add(won, all);
                    continue;
                }
                const __mmask16 kink = _mm512_test_epi32_mask(won, _mm512_set1_epi32(HALF));
                const __m512 gradient = _mm512_mask_mul_ps(all, kink, all, _mm512_set1_ps(0.5f));
                for (int k = 0; k < 4; k++)
                    add(_mm512_and_epi32(won, _mm512_set1_epi32(1 << k)), gradient);
            }
        EACH (k, 9)
            _mm512_storeu_ps(dw + k * filters + f, sums[k]);
        _mm512_storeu_ps(db + f, bias);
    }
}
#endif

// dw (channels * taps, filters), db (filters) += one image's; filters rounded up to whole blocks,
// g blocked
inline void add_few(const StageShape &s, Image image, const float *g, const uint8_t *winners,
                    float *dw, float *db) {
    const long filters = s.filter_blocks() * V, windows = s.windows();
    const long all = s.channels * s.taps();
    long pixel[TAPS];
    for (long t0 = 0; t0 < all; t0 += TAPS) {
        const int taps = all - t0 < TAPS ? all - t0 : TAPS;
        for (int t = 0; t < TAPS; t++) {
            const long tap = t0 + (t < taps ? t : 0), c = tap / s.taps(), at = tap % s.taps();
            pixel[t] = c * image.plane + at / s.filter_columns * image.row + at % s.filter_columns;
        }
        for (long f = 0; f < filters; f += V) {
            vf sums[TAPS] = {}, bias = {};
            for (long row = 0; row < s.pool_rows; row++)
                for (long column = 0; column < s.pool_columns; column++) {
                    const float *x = image.data + 2 * row * image.row + 2 * column;
                    const long at = f * windows + (row * s.pool_columns + column) * V;
                    const vi won = load_bytes(winners + at);
                    vf gradient = load(g + at);
                    gradient *= today::where((vi)((won & HALF) != 0), splat(0.5f), splat(1.0f));
                    const int32_t exist = existing(s, row, column);
                    for (int k = 0; k < 4; k++) {
                        if (!(exist & 1 << k))
                            continue;
                        const vi mine = (vi)((won & 1 << k) != 0);
                        const vf some = (vf)(mine & (vi)gradient);
                        const float *corner = x + (k >> 1) * image.row + (k & 1);
                        bias += some;
                        EACH (t, TAPS)
                            sums[t] += some * corner[pixel[t]];
                    }
                }
            for (int t = 0; t < taps; t++) {
                float *to = dw + (t0 + t) * filters + f;
                store(to, load(to) + sums[t]);
            }
            if (t0 == 0)
                store(db + f, load(db + f) + bias);
        }
    }
}

} // namespace today

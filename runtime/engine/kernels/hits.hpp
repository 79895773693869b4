// The backward pass of a stage. Of the four outputs of a pooling window only the winner has a
// gradient, and none where rectify is off: the rest is never touched. The live winners of a
// band of pooled rows are first packed into lists, one per filter, of
//
//   hit = (where its patch of x begins, its gradient)
//
// which takes the branch that no processor can predict out of the two inner loops:
//
//   dw[f] (taps, channels) += gradient * x[patch]         add_weights()
//   dx[patch]              += gradient * w[f]             add_inputs()
#pragma once

#include "gemm.hpp"
#include "window.hpp"

namespace net2 {

struct Hit {
    int32_t patch; // in floats from the image's first pixel
    float gradient;
};

// The hits of filter f are hits[f * room], ..., and `counts[f]` of them.
struct Hits {
    Hit *hits;
    int32_t *counts;
    long room;
};

// A gradient of p of one image: element (f, t) is at data[f * filter + t * window].
struct Gradient {
    const float *data;
    long filter, window;
};

static INLINE void add_hits(Hit *&end, int32_t won, float gradient, int32_t patch, long row,
                            long pixel) {
    if (won & HALF)
        gradient *= 0.5f;
    for (int k = 0; k < 4; k++)
        if (won & 1 << k)
            *end++ = {int32_t(patch + (k >> 1) * row + (k & 1) * pixel), gradient};
}

// One winner and no kink, or none: the usual case
static INLINE bool simple(int32_t won) { return (won & (won - 1)) == 0; }

#if NET2_AVX512
// Rows of 16 floats become columns.
static INLINE void transpose(__m512i (&r)[16]) {
    __m512i t[16];
    UNROLL for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    UNROLL for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

// The hits of 16 filters from f on at windows t0 to t1 - 1, in vectors of 16 windows
inline void pack_hits(const Stage &s, Gradient g, const uint8_t *winners, const int32_t *patches,
                      long row, long pixel, long t0, long t1, long f, Hits out) {
    const long filters = s.padded_filters();
    const int many = s.filters - f < 16 ? s.filters - f : 16;
    const __mmask16 inside = _cvtu32_mask16((1u << many) - 1);
    Hit *end[16];
    for (int i = 0; i < many; i++)
        end[i] = out.hits + (f + i) * out.room;
    for (long t = t0; t < t1; t += 16) {
        const int count = t1 - t < 16 ? t1 - t : 16;
        __m512i won[16], gradient[16];
        for (int i = 0; i < count; i++)
            won[i] = _mm512_cvtepu8_epi32(
                _mm_loadu_si128((const __m128i *)(winners + (t + i) * filters + f)));
        for (int i = count; i < 16; i++)
            won[i] = _mm512_setzero_si512();
        if (g.filter == 1) {
            for (int i = 0; i < count; i++)
                gradient[i] = _mm512_maskz_loadu_epi32(inside, g.data + (t + i) * g.window + f);
            for (int i = count; i < 16; i++)
                gradient[i] = _mm512_setzero_si512();
            transpose(gradient);
        } else {
            const __mmask16 there = _cvtu32_mask16((1u << count) - 1);
            for (int i = 0; i < many; i++)
                gradient[i] = _mm512_maskz_loadu_epi32(there, g.data + (f + i) * g.filter + t);
        }
        transpose(won);
        const __m512i base = _mm512_loadu_si512(patches + t);
        const __m512i one = _mm512_set1_epi32(1);
        for (int i = 0; i < many; i++) {
            const __m512i w = won[i];
            const __mmask16 live = _mm512_test_epi32_mask(w, w);
            const __mmask16 tied = _mm512_test_epi32_mask(w, _mm512_sub_epi32(w, one));
            if (__builtin_expect(_cvtmask16_u32(tied) != 0, 0)) {
                for (int k = 0; k < count; k++) {
                    const long at = (t + k) * filters + f + i;
                    add_hits(end[i], winners[at], g.data[(f + i) * g.filter + (t + k) * g.window],
                             patches[t + k], row, pixel);
                }
                continue;
            }
            __m512i patch =
                _mm512_mask_add_epi32(base, _mm512_test_epi32_mask(w, _mm512_set1_epi32(2 | 8)),
                                      base, _mm512_set1_epi32(pixel));
            patch =
                _mm512_mask_add_epi32(patch, _mm512_test_epi32_mask(w, _mm512_set1_epi32(4 | 8)),
                                      patch, _mm512_set1_epi32(row));
            patch = _mm512_maskz_compress_epi32(live, patch);
            const __m512i weight = _mm512_maskz_compress_epi32(live, gradient[i]);
            // Both halves are written whole; what is behind the last hit is written over.
            const __m512i low = _mm512_unpacklo_epi32(patch, weight);
            const __m512i high = _mm512_unpackhi_epi32(patch, weight);
            const __m512i first =
                _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high);
            const __m512i second =
                _mm512_permutex2var_epi64(low, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), high);
            _mm512_storeu_si512(end[i], first);
            _mm512_storeu_si512(end[i] + 8, second);
            end[i] += __builtin_popcount(_cvtmask16_u32(live));
        }
    }
    for (int i = 0; i < many; i++)
        out.counts[f + i] = end[i] - (out.hits + (f + i) * out.room);
}
constexpr int PACKED = 16; // filters at a time
#else
inline void pack_hits(const Stage &s, Gradient g, const uint8_t *winners, const int32_t *patches,
                      long row, long pixel, long t0, long t1, long f, Hits out) {
    const long filters = s.padded_filters();
    const int many = s.filters - f < V ? s.filters - f : V;
    int32_t moved[16] = {}; // by the winner's place in its window
    moved[2] = pixel, moved[4] = row, moved[8] = row + pixel;
    Hit *end[V];
    for (int i = 0; i < many; i++)
        end[i] = out.hits + (f + i) * out.room;
    for (long t = t0; t < t1; t++)
        for (int i = 0; i < many; i++) {
            const int32_t won = winners[t * filters + f + i];
            const float gradient = g.data[(f + i) * g.filter + t * g.window];
            if (__builtin_expect(simple(won) && won < HALF, 1)) {
                *end[i] = {patches[t] + moved[won], gradient};
                end[i] += won != 0;
            } else {
                add_hits(end[i], won, gradient, patches[t], row, pixel);
            }
        }
    for (int i = 0; i < many; i++)
        out.counts[f + i] = end[i] - (out.hits + (f + i) * out.room);
}
constexpr int PACKED = V;
#endif

// Both inner loops go over a patch in blocks of R rows of NV vectors, which stay in registers.
constexpr int BLOCK_ROWS = REGISTERS == 32 ? 2 : 1;
constexpr int BLOCK_VECTORS = 8;

template <int R, int NV>
static INLINE void add_weights(const float *x, const Hit *hit, const Hit *end, long row, float *dw,
                               long dw_row) {
    vf sums[R][NV];
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int v = 0; v < NV; v++) sums[r][v] =
        load(dw + r * dw_row + v * V);
    for (; hit < end; hit++) {
        const float *patch = x + hit->patch;
        const vf gradient = splat(hit->gradient);
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int v = 0; v < NV; v++) sums[r][v] +=
            gradient * load(patch + r * row + v * V);
    }
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int v = 0; v < NV; v++)
        store(dw + r * dw_row + v * V, sums[r][v]);
}

template <int R, int NV>
static INLINE void add_inputs(float *dx, const Hit *hit, const Hit *end, long row, const float *w,
                              long w_row) {
    vf weights[R][NV];
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int v = 0; v < NV; v++) weights[r][v] =
        load(w + r * w_row + v * V);
    for (; hit < end; hit++) {
        float *patch = dx + hit->patch;
        const vf gradient = splat(hit->gradient);
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int v = 0; v < NV; v++) {
            float *at = patch + r * row + v * V;
            store(at, load(at) + gradient * weights[r][v]);
        }
    }
}

// Call f(rows, vectors, first row, first vector) for the blocks of a patch of `rows` rows of
// `vectors` vectors.
template <class F> static INLINE void blocks(long rows, long vectors, F &&f) {
    for (long r = 0; r < rows; r += BLOCK_ROWS)
        for (long v = 0; v < vectors;) {
            const int many = vectors - v >= 8 ? 8 : vectors - v >= 4 ? 4 : vectors - v >= 2 ? 2 : 1;
            with_rows<BLOCK_ROWS>(rows - r < BLOCK_ROWS ? rows - r : BLOCK_ROWS, [&](auto some) {
                if (many == 8)
                    f(some, Number<8>(), r, v);
                else if (many == 4)
                    f(some, Number<4>(), r, v);
                else if (many == 2)
                    f(some, Number<2>(), r, v);
                else
                    f(some, Number<1>(), r, v);
            });
            v += many;
        }
}

// dw (filters, filter rows, filter columns * padded channels), db (filters) and dx of one image
struct Backward {
    const Stage &s;
    const float *weights; // as dw; null: dx is not wanted
    float *dw;            // null: not wanted
    double *db;

    long patch_row() const { return s.filter_columns * s.padded_channels(); }

    // dx: as image, or null. patches (windows): where each window's first patch begins.
    void add(Image image, float *dx, Gradient g, const uint8_t *winners,
             const int32_t *patches) const {
        const long filters = s.padded_filters(), row = patch_row(), vectors = row / V;
        const long band = band_rows();
        Hits hits;
        hits.room = band * s.pool_columns * 4 + 16; // all four tied; whole vectors are written
        hits.hits = (Hit *)scratch(Use::hits, filters * hits.room * 2);
        hits.counts = (int32_t *)scratch(Use::counts, filters);
        for (long top = 0; top < s.pool_rows; top += band) {
            const long bottom = top + band < s.pool_rows ? top + band : s.pool_rows;
            for (long f = 0; f < s.filters; f += PACKED)
                pack_hits(s, g, winners, patches, image.row, image.pixel, top * s.pool_columns,
                          bottom * s.pool_columns, f, hits);
            if (dw != nullptr)
                for (long f = 0; f < s.filters; f++) {
                    const Hit *begin = hits.hits + f * hits.room, *end = begin + hits.counts[f];
                    float sum = 0;
                    for (const Hit *hit = begin; hit < end; hit++)
                        sum += hit->gradient;
                    db[f] += sum;
                    blocks(s.filter_rows, vectors, [&](auto r, auto v, long r0, long v0) {
                        add_weights<decltype(r)::value, decltype(v)::value>(
                            image.data + r0 * image.row + v0 * V, begin, end, image.row,
                            dw + (f * s.filter_rows + r0) * row + v0 * V, row);
                    });
                }
            if (dx != nullptr)
                for (long f = 0; f < s.filters; f++) {
                    const Hit *begin = hits.hits + f * hits.room, *end = begin + hits.counts[f];
                    blocks(s.filter_rows, vectors, [&](auto r, auto v, long r0, long v0) {
                        add_inputs<decltype(r)::value, decltype(v)::value>(
                            dx + r0 * image.row + v0 * V, begin, end, image.row,
                            weights + (f * s.filter_rows + r0) * row + v0 * V, row);
                    });
                }
        }
    }

    // As many pooled rows as leave the pixels under them in the first level's cache
    long band_rows() const {
        const long row_bytes = s.seen_columns() * s.padded_channels() * 4;
        const long rows = (BAND_BYTES / row_bytes - (s.filter_rows - 1)) / 2;
        return rows < 1 ? 1 : rows < s.pool_rows ? rows : s.pool_rows;
    }
    static constexpr long BAND_BYTES = 32 * 1024;
};

} // namespace net2

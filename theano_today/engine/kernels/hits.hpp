// The backward pass of a stage. Of the four outputs of a pooling window only the winner has a
// gradient, and no output where rectify is 0: the rest is never touched. The live winners of a
// band of pooled rows are first packed into lists, one per filter, of
//
//   hit = (where its patch of x begins, its gradient)
//
// which takes the branch that no processor can predict out of the inner loop, which does, for
// each block of channels of each filter,
//
//   dw[f] (taps, V) += gradient * x[patch]
//   dx[patch]       += gradient * w[f] (taps, V)
#pragma once

#include "gemm.hpp"
#include "window.hpp"

namespace today {

// The hits of filter f are at f * room in both arrays, and `counts[f]` of them.
struct Hits {
    int32_t *patches; // in floats from the first pixel of the block
    float *gradients;
    int32_t *counts;
    long room;
};

// Where the next hit of a filter goes.
struct End {
    int32_t *patch;
    float *gradient;
};

// The gradient of p of one image: planes (filters, windows), or blocked (blocks, windows, V)
struct PooledGradient {
    const float *data;
    bool blocked;

    float at(const StageShape &s, long f, long t) const {
        const long windows = s.windows();
        return blocked ? data[(f / V * windows + t) * V + f % V] : data[f * windows + t];
    }
};

static INLINE void add_hits(End &end, int32_t won, float gradient, int32_t patch, long row) {
    if (won & HALF)
        gradient *= 0.5f;
    for (int k = 0; k < 4; k++)
        if (won & 1 << k) {
            *end.patch++ = patch + (k >> 1) * row + (k & 1) * V;
            *end.gradient++ = gradient;
        }
}

#if THEANO_TODAY_AVX512
// The hits of the V filters from f on at windows t0 to t1 - 1, V windows at a time
inline void pack_hits(const StageShape &s, PooledGradient g, const uint8_t *winners,
                      const int32_t *patches, long row, long t0, long t1, long f, Hits out) {
    const long windows = s.windows();
    const int many = s.filters - f < V ? s.filters - f : V;
    const uint8_t *block = winners + f * windows;
    const __m512i one = _mm512_set1_epi32(1);
    End end[V];
    for (int i = 0; i < many; i++)
        end[i] = {out.patches + (f + i) * out.room, out.gradients + (f + i) * out.room};
    for (long t = t0; t < t1; t += V) {
        const int count = t1 - t < V ? t1 - t : V;
        const __mmask16 there = _cvtu32_mask16((1u << count) - 1);
        vf won[V], gradient[V];
        if (count == V) {
            EACH (i, V)
                won[i] = (vf)load_bytes(block + (t + i) * V);
        } else {
            EACH (i, V)
                won[i] = i < count ? (vf)load_bytes(block + (t + i) * V) : vf{};
        }
        transpose(won);
        if (g.blocked) {
            const float *from = g.data + (f * windows + t * V);
            EACH (i, V)
                gradient[i] = i < count ? load(from + i * V) : vf{};
            transpose(gradient);
        } else {
            for (int i = 0; i < many; i++)
                gradient[i] = (vf)_mm512_maskz_loadu_ps(there, g.data + (f + i) * windows + t);
        }
        const __m512i base = _mm512_loadu_si512(patches + t);
        for (int i = 0; i < many; i++) {
            const __m512i w = (__m512i)won[i];
            const __mmask16 live = _mm512_mask_cmp_ps_mask(_mm512_test_epi32_mask(w, w),
                                                           (__m512)gradient[i], _mm512_setzero_ps(),
                                                           _CMP_NEQ_UQ); // dropout leaves some out
            const __mmask16 tied = _mm512_test_epi32_mask(w, _mm512_sub_epi32(w, one));
            if (__builtin_expect(_cvtmask16_u32(tied) != 0, 0)) {
                for (int k = 0; k < count; k++)
                    add_hits(end[i], block[(t + k) * V + i], g.at(s, f + i, t + k), patches[t + k],
                             row);
                continue;
            }
            const __mmask16 right = _mm512_test_epi32_mask(w, _mm512_set1_epi32(2 | 8));
            const __mmask16 below = _mm512_test_epi32_mask(w, _mm512_set1_epi32(4 | 8));
            __m512i patch = _mm512_mask_add_epi32(base, right, base, _mm512_set1_epi32(V));
            patch = _mm512_mask_add_epi32(patch, below, patch, _mm512_set1_epi32(row));
            // Whole vectors are written; what is behind the last hit is written over.
            _mm512_storeu_si512(end[i].patch, _mm512_maskz_compress_epi32(live, patch));
            _mm512_storeu_ps(end[i].gradient, _mm512_maskz_compress_ps(live, (__m512)gradient[i]));
            const int hits = __builtin_popcount(_cvtmask16_u32(live));
            end[i].patch += hits;
            end[i].gradient += hits;
        }
    }
    for (int i = 0; i < many; i++)
        out.counts[f + i] = end[i].patch - (out.patches + (f + i) * out.room);
}
#else
inline void pack_hits(const StageShape &s, PooledGradient g, const uint8_t *winners,
                      const int32_t *patches, long row, long t0, long t1, long f, Hits out) {
    const int many = s.filters - f < V ? s.filters - f : V;
    const uint8_t *block = winners + f * s.windows();
    int32_t moved[16] = {}; // by the winner's place in its window
    moved[2] = V, moved[4] = row, moved[8] = row + V;
    End end[V];
    for (int i = 0; i < many; i++)
        end[i] = {out.patches + (f + i) * out.room, out.gradients + (f + i) * out.room};
    for (long t = t0; t < t1; t++)
        for (int i = 0; i < many; i++) {
            const int32_t won = block[t * V + i];
            const float gradient = g.at(s, f + i, t);
            const bool usual = (won & (won - 1)) == 0 && won < HALF; // one winner, or none
            if (__builtin_expect(usual, 1)) {
                *end[i].patch = patches[t] + moved[won];
                *end[i].gradient = gradient;
                const bool live = won != 0 && gradient != 0; // dropout leaves some out
                end[i].patch += live;
                end[i].gradient += live;
            } else {
                add_hits(end[i], won, gradient, patches[t], row);
            }
        }
    for (int i = 0; i < many; i++)
        out.counts[f + i] = end[i].patch - (out.patches + (f + i) * out.room);
}
#endif

// R rows of C taps of one filter and one block of channels, for all its hits: their sums and
// weights stay in registers. dw, w: rows `step` floats apart. Returns the gradients' sum.
template <int R, int C, bool DW, bool DX>
static INLINE float apply_hits(const int32_t *patches, const float *gradients, long count,
                               const float *x, float *dx, long row, float *dw, const float *w,
                               long step) {
    vf sums[R][C], weights[R][C], total = {};
    EACH (r, R)
        EACH (c, C) {
            if (DW)
                sums[r][c] = load(dw + r * step + c * V);
            if (DX)
                weights[r][c] = load(w + r * step + c * V);
        }
    for (long hit = 0; hit < count; hit++) {
        const vf gradient = splat(gradients[hit]);
        const long patch = patches[hit];
        total += gradient;
        EACH (r, R) {
            // An opaque pointer, or GCC computes an address for each vector of the row.
            const float *from = x + patch + r * row;
            float *to = dx + patch + r * row;
            if (DW)
                asm("" : "+r"(from));
            if (DX)
                asm("" : "+r"(to));
            EACH (c, C) {
                if (DW)
                    sums[r][c] += gradient * load(from + c * V);
                if (DX)
                    store(to + c * V, load(to + c * V) + gradient * weights[r][c]);
            }
        }
    }
    if (DW)
        EACH (r, R)
            EACH (c, C)
                store(dw + r * step + c * V, sums[r][c]);
    return total[0];
}

// Rows of taps at a time, so that sums and weights fit the registers
constexpr int rows_at_once(int columns) {
    const int rows = (REGISTERS - 4) / 2 / columns;
    return rows < 1 ? 1 : rows > 3 ? 3 : rows;
}

// dw, db and dx of one image: dw (channel blocks, filters, taps, V), dx blocked as image
struct HitsPass {
    const StageShape &s;
    const float *weights; // as dw
    float *dw;            // null: neither dw nor db are wanted
    double *db;

    // dx is overwritten. patches (windows): where each window's first patch begins.
    void add(Image image, float *dx, PooledGradient g, const uint8_t *winners,
             const int32_t *patches) const {
        const long band = band_rows();
        Hits hits;
        hits.room = band * s.pool_columns * 4 + 16; // all four tied; whole vectors are written
        hits.gradients = scratch(Use::hits, s.filters * hits.room * 2);
        hits.patches = (int32_t *)hits.gradients + s.filters * hits.room;
        hits.counts = (int32_t *)scratch(Use::counts, s.filters);
        const long rows = image.plane / image.row; // of dx
        long clean = 0;
        for (long top = 0; top < s.pool_rows; top += band) {
            const long bottom = top + band < s.pool_rows ? top + band : s.pool_rows;
            if (dw != nullptr)
                fetch(image, 2 * bottom, 2 * (bottom + band) + s.filter_rows - 1);
            if (dx != nullptr) {
                // Just ahead of their use: they are still in the cache then.
                const long end = 2 * bottom + s.filter_rows - 1;
                clear(image, dx, clean, end);
                clean = end;
            }
            for (long f = 0; f < s.filters; f += V)
                pack_hits(s, g, winners, patches, image.row, top * s.pool_columns,
                          bottom * s.pool_columns, f, hits);
            // One after the other: what each of them jumps about in fits the cache.
            if (dw != nullptr)
                apply<true, false>(image, dx, hits);
            if (dx != nullptr)
                apply<false, true>(image, dx, hits);
        }
        if (dx != nullptr)
            clear(image, dx, clean, rows);
    }

  private:
    void clear(Image image, float *dx, long row, long end) const {
        for (long block = 0; block < s.channel_blocks(); block++)
            for (long i = row * image.row; i < end * image.row; i += V)
                store(dx + block * image.plane + i, vf{});
    }

    // Hits jump about: without this each of them waits for memory that no hardware foresees.
    void fetch(Image image, long row, long end) const {
        if (end > s.seen_rows())
            end = s.seen_rows();
        for (long block = 0; block < s.channel_blocks(); block++) {
            const float *at = image.data + block * image.plane;
            for (long i = row * image.row; i < end * image.row; i += 16)
                __builtin_prefetch(at + i, 0, 2);
        }
    }

    template <bool DW, bool DX> void apply(Image image, float *dx, Hits hits) const {
        with_columns(s.filter_columns, [&](auto columns) {
            constexpr int C = decltype(columns)::value, ROWS = rows_at_once(C);
            for (long block = 0; block < s.channel_blocks(); block++)
                for (long f = 0; f < s.filters; f++) {
                    const long first = f * hits.room;
                    const long taps = (block * s.filters + f) * s.taps() * V;
                    float total = 0;
                    for (long i = 0; i < s.filter_rows; i += ROWS) {
                        const long at = block * image.plane + i * image.row;
                        const long rows = s.filter_rows - i < ROWS ? s.filter_rows - i : ROWS;
                        with_rows<ROWS>(rows, [&](auto some) {
                            total = apply_hits<decltype(some)::value, C, DW, DX>(
                                hits.patches + first, hits.gradients + first, hits.counts[f],
                                DW ? image.data + at : nullptr, DX ? dx + at : nullptr, image.row,
                                DW ? dw + taps + i * C * V : nullptr,
                                DX ? weights + taps + i * C * V : nullptr, C * V);
                        });
                    }
                    if (DW && block == 0)
                        db[f] += total;
                }
        });
    }

    template <class F> static void with_columns(long columns, F &&f) {
        switch (columns) {
        case 1:
            return f(Number<1>());
        case 2:
            return f(Number<2>());
        case 3:
            return f(Number<3>());
        case 4:
            return f(Number<4>());
        default:
            assert(columns == LARGEST_FILTER);
            return f(Number<LARGEST_FILTER>());
        }
    }

    // As many pooled rows as leave what is under them in the first level's cache
    long band_rows() const {
        const long row_bytes = s.seen_columns() * V * 4;
        const long rows = (BAND_BYTES / row_bytes - (s.filter_rows - 1)) / 2;
        return rows < 1 ? 1 : rows < s.pool_rows ? rows : s.pool_rows;
    }
    // python benchmarks/thresholds.py --only BAND_BYTES, ms of one thread of an AMD EPYC with
    // AVX-512 (32 KiB of first-level cache):
    //   KiB     12     24     48     96     192
    //   conv2   38.3   32.1   32.5   32.4   31.7
    //   conv3   31.9   30.1   28.0   27.5   28.2
    static constexpr long BAND_BYTES = 48 * 1024;
};

} // namespace today

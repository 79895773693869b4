// The forward pass of 2x2 filters by Winograd's minimal filtering F(2x2, 2x2): 9 products in
// place of 16 for the four outputs of a pooling window, which stay in registers for bias,
// maximum and rectify.
//
// In one dimension, from inputs d0 d1 d2 and weights g0 g1 (Winograd 1980; Lavin and Gray 2016,
// arXiv 1509.09308, with the points 0, 1 and infinity):
//
//   m0 = (d0 - d1) g0     m1 = d1 (g0 + g1)     m2 = (d1 - d2) g1
//   y0 = m0 + m1 = d0 g0 + d1 g1                y1 = m1 - m2 = d1 g0 + d2 g1
//
// Where d0 = d1 = d2, y0 and y1 are the same to the last bit: ties of flat areas stay ties. Each
// output depends on no inputs but its own, so that a NaN reaches those that it reaches directly.
#pragma once

#include "gemm.hpp"
#include "window.hpp"

namespace today {

constexpr int POSITIONS = 9;
constexpr int MOST_BLOCKS = 16; // of channels, of which it is noticed whether they are 0
constexpr int CENTRE =
    4; // the position m1 m1, part of all four outputs: its sums start at the bias

// packed [position][panel][channel][PANEL filters]
inline long winograd_weights_size(const StageShape &s) {
    return POSITIONS * s.channel_blocks() * V * round_up(s.filters, PANEL);
}

inline void winograd_weights(const StageShape &s, const float *w, float *packed) {
    const long channels = s.channel_blocks() * V;
    const long position = channels * round_up(s.filters, PANEL);
    for (long f = 0; f < s.filters; f++)
        for (long c = 0; c < s.channels; c++) {
            const float g00 = w[s.weight(f, c, 0, 0)], g01 = w[s.weight(f, c, 0, 1)];
            const float g10 = w[s.weight(f, c, 1, 0)], g11 = w[s.weight(f, c, 1, 1)];
            float *u = packed + (f / PANEL * channels + c) * PANEL + f % PANEL;
            u[0 * position] = g00, u[1 * position] = g00 + g01, u[2 * position] = g01;
            u[3 * position] = g00 + g10, u[4 * position] = (g00 + g01) + (g10 + g11);
            u[5 * position] = g01 + g11;
            u[6 * position] = g10, u[7 * position] = g10 + g11, u[8 * position] = g11;
        }
}

// transformed [9][count][channels] <- the 3x3 pixels under `count` windows from `first` on. Returns
// the channels that are not 0 all over: others need not be multiplied.
inline Some winograd_inputs(const StageShape &s, Image image, long first, long count,
                            float *transformed, int32_t *which) {
    const long channels = s.channel_blocks() * V, position = count * channels;
    vi seen[MOST_BLOCKS] = {};
    for (long t = 0; t < count; t++, transformed += channels) {
        const long row = (first + t) / s.pool_columns, column = (first + t) % s.pool_columns;
        const float *x = image.data + 2 * row * image.row + 2 * column * V;
        for (long c = 0; c < channels; c += V, x += image.plane) {
            vf d[3][3];
            vi any_of = {};
            EACH (j, 3) {
                const float *pixel = x + j * V;
                const vf a = load(pixel), b = load(pixel + image.row),
                         e = load(pixel + 2 * image.row);
                d[0][j] = a - b, d[1][j] = b, d[2][j] = b - e;
                any_of |= (vi)a | (vi)b | (vi)e;
            }
            if (c < MOST_BLOCKS * V)
                seen[c / V] |= any_of;
            EACH (i, 3) {
                float *to = transformed + 3 * i * position + c;
                store(to, d[i][0] - d[i][1]);
                store(to + position, d[i][1]);
                store(to + 2 * position, d[i][1] - d[i][2]);
            }
        }
    }
    Some found = {which, 0};
    for (long c = 0; c < channels; c++) {
        which[found.count] = c;
        // The sign does not count: -0 is 0.
        found.count += c >= MOST_BLOCKS * V || (seen[c / V][c % V] & 0x7fffffff) != 0;
    }
    return found;
}

// products [9][count][filters] <- transformed [9][count][channels] @ weights [9][channels][filters]
inline void winograd_products(const StageShape &s, Some alive, const float *transformed,
                              const float *weights, const float *bias, long count,
                              float *products) {
    const long channels = s.channel_blocks() * V, filters = s.filter_blocks() * V;
    const long panel = channels * PANEL, panels = (s.filters + PANEL - 1) / PANEL;
    for (int k = 0; k < POSITIONS; k++)
        for (long q = 0; q < panels; q++, weights += panel) {
            const int vectors = filters - q * PANEL < PANEL ? (filters - q * PANEL) / V : VECTORS;
            for (long t = 0; t < count; t += ROWS)
                with_rows(count - t < ROWS ? count - t : ROWS, [&](auto rows) {
                    with_vectors(vectors, [&](auto columns) {
                        constexpr int MR = decltype(rows)::value, NV = decltype(columns)::value;
                        vf sums[MR][NV];
                        EACH (v, NV) {
                            const vf start =
                                k == CENTRE ? load(bias + q * PANEL + v * V) : splat(0.0f);
                            EACH (r, MR)
                                sums[r][v] = start;
                        }
                        const Matrix left = {transformed + (k * count + t) * channels, channels, 1};
                        tile(alive, left, weights, PANEL, sums, [] {});
                        float *to = products + (k * count + t) * filters + q * PANEL;
                        EACH (r, MR)
                            EACH (v, NV)
                                store(to + r * filters + v * V, sums[r][v]);
                    });
                });
        }
}

// p and winners of `count` windows; false if an output was NaN or infinite
inline bool winograd_outputs(const StageShape &s, const float *products, long first, long count,
                             float *p, uint8_t *winners) {
    const long filters = s.filter_blocks() * V, position = count * filters;
    vf unlike = {}; // stays 0 as long as all is finite
    for (long t = 0; t < count; t++) {
        const int32_t exist =
            existing(s, (first + t) / s.pool_columns, (first + t) % s.pool_columns);
        for (long f = 0; f < filters; f += V) {
            const long at = t * filters + f;
            vf upper[3], lower[3];
            EACH (j, 3) {
                const float *m = products + j * position + at;
                const vf m0 = load(m), m1 = load(m + 3 * position), m2 = load(m + 6 * position);
                upper[j] = m0 + m1, lower[j] = m1 - m2;
            }
            const vf z[4] = {upper[0] + upper[1], upper[1] - upper[2], lower[0] + lower[1],
                             lower[1] - lower[2]};
            unlike += 0.0f * (z[0] + z[3]) + 0.0f * (z[1] + z[2]);
            const long to = f * s.windows() + (first + t) * V;
            finish_window(z, exist, s.rectify, p + to, winners + to);
        }
    }
    return !any((vi)(unlike != 0.0f));
}

// Windows whose transformed inputs and products fit the cache together.
// python benchmarks/thresholds.py --only TOGETHER, ms of one thread of an AMD EPYC with AVX-512:
//   windows   6      12     18     36     72     144
//   conv2     29.2   29.4   29.1   29.5   29.8   30.9
//   conv3     17.3   17.5   17.4   18.1   18.5   19.3
// Up to 36 the differences are those between two runs.
constexpr long TOGETHER = 36;

// p and winners (filter blocks, windows, V) of one image; false if an output was NaN or infinite.
// Infinities then call for direct_image(): inf - inf is NaN here and need not be there.
inline bool winograd_image(const StageShape &s, Image image, const float *weights,
                           const float *bias, float *p, uint8_t *winners) {
    float *transformed = scratch(Use::winograd, POSITIONS * TOGETHER * s.channel_blocks() * V);
    float *products = scratch(Use::products, POSITIONS * TOGETHER * s.filter_blocks() * V);
    int32_t *which = (int32_t *)scratch(Use::counts, s.channel_blocks() * V + 1);
    bool finite = true;
    for (long first = 0; first < s.windows(); first += TOGETHER) {
        const long count = s.windows() - first < TOGETHER ? s.windows() - first : TOGETHER;
        const Some alive = winograd_inputs(s, image, first, count, transformed, which);
        winograd_products(s, alive, transformed, weights, bias, count, products);
        finite &= winograd_outputs(s, products, first, count, p, winners);
    }
    return finite;
}

} // namespace today

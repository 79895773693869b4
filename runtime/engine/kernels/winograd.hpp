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

namespace net2 {

constexpr int PLANES = 9;
constexpr int CENTRE = 4; // the plane m1 m1, part of all four outputs: its sums start at the bias

// packed [plane][panel][channel][PANEL filters]
inline long winograd_weights_size(const Stage &s) {
    return PLANES * s.padded_channels() * round_up(s.filters, PANEL);
}

inline void winograd_weights(const Stage &s, const float *w, float *packed, long f0, long f1) {
    const long channels = s.padded_channels(), plane = channels * round_up(s.filters, PANEL);
    for (long f = f0; f < f1; f++)
        for (long c = 0; c < s.channels; c++) {
            const float g00 = w[s.weight(f, c, 0, 0)], g01 = w[s.weight(f, c, 0, 1)];
            const float g10 = w[s.weight(f, c, 1, 0)], g11 = w[s.weight(f, c, 1, 1)];
            float *u = packed + (f / PANEL * channels + c) * PANEL + f % PANEL;
            u[0 * plane] = g00, u[1 * plane] = g00 + g01, u[2 * plane] = g01;
            u[3 * plane] = g00 + g10, u[4 * plane] = (g00 + g01) + (g10 + g11);
            u[5 * plane] = g01 + g11;
            u[6 * plane] = g10, u[7 * plane] = g10 + g11, u[8 * plane] = g11;
        }
}

// planes [9][count][channels] <- the 3x3 pixels under `count` windows from `first` on
inline void winograd_inputs(const Stage &s, Image image, long first, long count, float *planes) {
    const long channels = s.padded_channels(), plane = count * channels;
    for (long t = 0; t < count; t++, planes += channels) {
        const long row = (first + t) / s.pool_columns, column = (first + t) % s.pool_columns;
        const float *x = image.data + 2 * row * image.row + 2 * column * image.pixel;
        for (long c = 0; c < channels; c += V) {
            vf d[3][3];
            UNROLL for (int j = 0; j < 3; j++) {
                const float *pixel = x + j * image.pixel + c;
                const vf a = load(pixel), b = load(pixel + image.row),
                         e = load(pixel + 2 * image.row);
                d[0][j] = a - b, d[1][j] = b, d[2][j] = b - e;
            }
            UNROLL for (int i = 0; i < 3; i++) {
                float *to = planes + 3 * i * plane + c;
                store(to, d[i][0] - d[i][1]);
                store(to + plane, d[i][1]);
                store(to + 2 * plane, d[i][1] - d[i][2]);
            }
        }
    }
}

// products [9][count][filters] <- planes [9][count][channels] @ weights [9][channels][filters]
inline void winograd_products(const Stage &s, const float *planes, const float *weights,
                              const float *bias, long count, float *products) {
    const long channels = s.padded_channels(), filters = s.padded_filters();
    const long panel = channels * PANEL, panels = (s.filters + PANEL - 1) / PANEL;
    for (int k = 0; k < PLANES; k++)
        for (long q = 0; q < panels; q++, weights += panel) {
            const int vectors = filters - q * PANEL < PANEL ? (filters - q * PANEL) / V : VECTORS;
            for (long t = 0; t < count; t += ROWS)
                with_rows(count - t < ROWS ? count - t : ROWS, [&](auto rows) {
                    with_vectors(vectors, [&](auto columns) {
                        constexpr int MR = decltype(rows)::value, NV = decltype(columns)::value;
                        vf sums[MR][NV];
                        UNROLL for (int v = 0; v < NV; v++) {
                            const vf start =
                                k == CENTRE ? load(bias + q * PANEL + v * V) : splat(0.0f);
                            UNROLL for (int r = 0; r < MR; r++) sums[r][v] = start;
                        }
                        const Matrix left = {planes + (k * count + t) * channels, channels, 1};
                        tile<MR, NV>(channels, left, weights, PANEL, sums);
                        float *to = products + (k * count + t) * filters + q * PANEL;
                        UNROLL for (int r = 0; r < MR; r++) UNROLL for (int v = 0; v < NV; v++)
                            store(to + r * filters + v * V, sums[r][v]);
                    });
                });
        }
}

// p and winners of `count` windows; false if an output was NaN or infinite
inline bool winograd_outputs(const Stage &s, const float *products, long first, long count,
                             float *p, uint8_t *winners) {
    const long filters = s.padded_filters(), plane = count * filters;
    vf unlike = {}; // stays 0 as long as all is finite
    for (long t = 0; t < count; t++) {
        const int32_t exist =
            existing(s, (first + t) / s.pool_columns, (first + t) % s.pool_columns);
        for (long f = 0; f < filters; f += V) {
            const long at = t * filters + f;
            vf upper[3], lower[3];
            UNROLL for (int j = 0; j < 3; j++) {
                const float *m = products + j * plane + at;
                const vf m0 = load(m), m1 = load(m + 3 * plane), m2 = load(m + 6 * plane);
                upper[j] = m0 + m1, lower[j] = m1 - m2;
            }
            const vf z[4] = {upper[0] + upper[1], upper[1] - upper[2], lower[0] + lower[1],
                             lower[1] - lower[2]};
            unlike += 0.0f * (z[0] + z[3]) + 0.0f * (z[1] + z[2]);
            finish_window(z, exist, s.rectify, p + (first * filters + at),
                          winners + (first * filters + at));
        }
    }
    return !any((vi)(unlike != 0.0f));
}

constexpr long TOGETHER = 36; // windows: planes and products of as many fit the cache

// p and winners (windows, padded filters) of one image; false if an output was NaN or infinite.
// Infinities then call for direct_image(): inf - inf is NaN here and need not be there.
inline bool winograd_image(const Stage &s, Image image, const float *weights, const float *bias,
                           float *p, uint8_t *winners) {
    float *planes = scratch(Use::planes, PLANES * TOGETHER * s.padded_channels());
    float *products = scratch(Use::products, PLANES * TOGETHER * s.padded_filters());
    bool finite = true;
    for (long first = 0; first < s.windows(); first += TOGETHER) {
        const long count = s.windows() - first < TOGETHER ? s.windows() - first : TOGETHER;
        winograd_inputs(s, image, first, count, planes);
        winograd_products(s, planes, weights, bias, count, products);
        finite &= winograd_outputs(s, products, first, count, p, winners);
    }
    return finite;
}

} // namespace net2

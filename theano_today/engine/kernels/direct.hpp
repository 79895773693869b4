// The forward pass by the definition, for any filter: all multiplications, in one fixed order,
// so that equal patches have equal sums and ties stay ties.
#pragma once

#include "gemm.hpp"
#include "window.hpp"

namespace today {

// packed [vector group][c][i][j][VECTORS / 2 vectors of filters]
constexpr int DIRECT_VECTORS = VECTORS / 2;
constexpr int DIRECT_FILTERS = DIRECT_VECTORS * V;

inline long direct_weights_size(const StageShape &s) {
    return round_up(s.filters, DIRECT_FILTERS) * s.channels * s.taps();
}

// here: by the calling thread alone
inline void direct_weights(const StageShape &s, const Filters &w, float *packed, bool here) {
    const long groups = (s.filters + DIRECT_FILTERS - 1) / DIRECT_FILTERS;
    pack_in_shares(here ? 0 : s.weights(), groups * s.channels, [&](long item) {
        const long f0 = item / s.channels * DIRECT_FILTERS, c = item % s.channels;
        float *to = packed + item * s.taps() * DIRECT_FILTERS;
        for (long i = 0; i < s.filter_rows; i++)
            for (long j = 0; j < s.filter_columns; j++)
                for (long f = f0; f < f0 + DIRECT_FILTERS; f++)
                    *to++ = f < s.filters ? w.at(f, c, i, j) : 0;
    });
}

// NV * V filters at W adjacent windows of one row. PIXEL: floats from one pixel to the next.
template <int NV, int W, int PIXEL>
static INLINE void direct_windows(const StageShape &s, Image image, const float *weights,
                                  const float *bias, long row, long column, float *p,
                                  uint8_t *winners) {
    vf z[2][2 * W][NV];
    EACH (v, NV) {
        const vf b = load(bias + v * V);
        EACH (r, 2)
            EACH (c, 2 * W)
                z[r][c][v] = b;
    }
    const float *corner = image.data + 2 * row * image.row + 2 * column * PIXEL;
    for (long c = 0; c < s.channels; c++) {
        const float *plane = corner + c / PIXEL * image.plane + c % PIXEL;
        for (long i = 0; i < s.filter_rows; i++)
            for (long j = 0; j < s.filter_columns; j++, weights += DIRECT_FILTERS) {
                const float *x = plane + i * image.row + j * PIXEL;
                vf tap[NV];
                EACH (v, NV)
                    tap[v] = load(weights + v * V);
                EACH (r, 2)
                    EACH (k, 2 * W) {
                        const vf one = splat(x[r * image.row + k * PIXEL]);
                        EACH (v, NV)
                            z[r][k][v] += one * tap[v];
                    }
            }
    }
    const long block = s.windows() * V;
    EACH (k, W) {
        const int32_t exist = existing(s, row, column + k);
        EACH (v, NV) {
            const vf four[4] = {z[0][2 * k][v], z[0][2 * k + 1][v], z[1][2 * k][v],
                                z[1][2 * k + 1][v]};
            finish_window(four, exist, s.rectify, p + v * block + k * V,
                          winners + v * block + k * V);
        }
    }
}

// p and winners (filter blocks, windows, V) of one image, of planes (PIXEL 1) or blocked (V)
template <int PIXEL>
inline void direct_image(const StageShape &s, Image image, const float *weights, const float *bias,
                         float *p, uint8_t *winners) {
    const long filters = s.filter_blocks() * V, windows = s.windows();
    for (long row = 0; row < s.pool_rows; row++)
        for (long f = 0; f < filters; f += DIRECT_FILTERS) {
            const float *group = weights + f * s.channels * s.taps();
            const int vectors = filters - f < DIRECT_FILTERS ? (filters - f) / V : DIRECT_VECTORS;
            with_vectors<DIRECT_VECTORS>(vectors, [&](auto count) {
                constexpr int NV = decltype(count)::value;
                long column = 0, at = f * windows + row * s.pool_columns * V;
                for (; column + 2 <= s.pool_columns; column += 2, at += 2 * V)
                    direct_windows<NV, 2, PIXEL>(s, image, group, bias + f, row, column, p + at,
                                                 winners + at);
                if (column < s.pool_columns)
                    direct_windows<NV, 1, PIXEL>(s, image, group, bias + f, row, column, p + at,
                                                 winners + at);
            });
        }
}

// Without a pool: NV * V filters at W outputs, whose patches begin at `places`
template <int NV, int W, int PIXEL>
static INLINE void direct_outputs(const StageShape &s, Image image, const long *places,
                                  const float *weights, const float *bias, float *p,
                                  uint8_t *slopes) {
    vf z[W][NV];
    EACH (v, NV) {
        const vf b = load(bias + v * V);
        EACH (k, W)
            z[k][v] = b;
    }
    const float *patches[W];
    EACH (k, W)
        patches[k] = image.data + places[k];
    const long apart = s.apart_columns * PIXEL;
    for (long c = 0; c < s.channels; c++) {
        long line = c / PIXEL * image.plane + c % PIXEL;
        for (long i = 0; i < s.filter_rows; i++, line += s.apart_rows * image.row) {
            long x = line;
            for (long j = 0; j < s.filter_columns; j++, weights += DIRECT_FILTERS, x += apart) {
                vf tap[NV];
                EACH (v, NV)
                    tap[v] = load(weights + v * V);
                EACH (k, W) {
                    const vf one = splat(patches[k][x]);
                    EACH (v, NV)
                        z[k][v] += one * tap[v];
                }
            }
        }
    }
    const long block = s.windows() * V;
    EACH (k, W)
        EACH (v, NV) {
            const long at = v * block + k * V;
            finish_output(z[k][v], s.rectify, p + at, slopes ? slopes + at : nullptr);
        }
}

// places (outputs) <- where each output is, or its patch begins, in floats
inline void place_outputs(const StageShape &s, long row, long pixel, long *places) {
    for (long i = 0; i < s.out_rows; i++)
        for (long j = 0; j < s.out_columns; j++)
            *places++ = i * row + j * pixel;
}

// p and, where wanted, slopes (filter blocks, outputs, V) of one image without a pool
template <int PIXEL>
inline void direct_outputs(const StageShape &s, Image image, const float *weights,
                           const float *bias, float *p, uint8_t *slopes) {
    constexpr int MOST = 8;
    const long filters = s.filter_blocks() * V, outputs = s.windows();
    long *places = (long *)scratch(Use::places, 2 * outputs);
    place_outputs(s, s.step_rows * image.row, s.step_columns * PIXEL, places);
    // Outputs whose patches stay in the second level's cache beside the weights of a group
    constexpr long BAND = 64 << 10; // floats
    const long seen = s.step_rows * image.row * (PIXEL == 1 ? s.channels : s.channel_blocks());
    const long rows = seen < BAND ? BAND / seen : 1;
    const long band = rows * s.out_columns < MOST ? MOST : rows * s.out_columns;
    for (long begin = 0; begin < outputs; begin += band) {
        const long end = begin + band < outputs ? begin + band : outputs;
        for (long f = 0; f < filters; f += DIRECT_FILTERS) {
            const float *group = weights + f * s.channels * s.taps();
            const int vectors = filters - f < DIRECT_FILTERS ? (filters - f) / V : DIRECT_VECTORS;
            const auto together = [&](auto width) {
                constexpr int W = decltype(width)::value;
                with_vectors<DIRECT_VECTORS>(vectors, [&](auto count) {
                    constexpr int NV = decltype(count)::value;
                    for (long first = begin; first < end; first += W) {
                        // The last ones again where there is no whole W of them left
                        const long here = first + W <= outputs ? first : outputs - W;
                        const long at = f * outputs + here * V;
                        direct_outputs<NV, W, PIXEL>(s, image, places + here, group, bias + f,
                                                     p + at, slopes ? slopes + at : nullptr);
                    }
                });
            };
            if (outputs >= MOST)
                together(Number<MOST>());
            else if (outputs >= 4)
                together(Number<4>());
            else
                together(Number<1>());
        }
    }
}

} // namespace today

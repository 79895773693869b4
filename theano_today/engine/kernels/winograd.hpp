// Convolutions of 2x2, 3x3 and 5x5 filters by Winograd's minimal filtering F(2x2, RxR): 9 products
// in place of 16, 16 in place of 36, or 49 in place of 100, for four outputs. These are a pooling
// window, and stay in registers for bias, maximum and rectify; or, where there is no pool, a square
// of the outputs.
//
// In one dimension, from inputs d and weights g (Winograd 1980; Lavin and Gray 2016,
// arXiv 1509.09308; for R = 2 with the points 0, 1 and infinity, for R = 3 with -1, too):
//
//   R = 2   m0 = (d0 - d1) g0    m1 = d1 (g0 + g1)    m2 = (d1 - d2) g1
//           y0 = m0 + m1 = d0 g0 + d1 g1              y1 = m1 - m2 = d1 g0 + d2 g1
//
//   R = 3   m0 = (d0 - d2) g0                m1 = (d1 + d2) (g0 + g1 + g2) / 2
//           m2 = (d2 - d1) (g0 - g1 + g2) / 2                m3 = (d1 - d3) g2
//           y0 = m0 + m1 + m2                y1 = m1 - m2 - m3
//
//   R = 5   the first two taps as R = 2, of d0 to d2; the last three as R = 3, of d2 to d5
//
// (F(2, 5) itself has six products, of numbers that round worse.)
// Where all d are equal, y0 and y1 are the same to the last bit: ties of flat areas stay ties. Each
// output depends on no inputs but its own, so that a NaN reaches those that it reaches directly.
//
// The gradient of weights is the same algorithm turned about: with u for the gradients of y,
//
//   R = 2   s0 = (d0 - d1) u0    s1 = d1 (u0 + u1)    s2 = (d1 - d2) (-u1)
//           dg0 = s0 + s1        dg1 = s1 + s2
//
//   R = 3   s0 = (d0 - d2) u0                  s1 = (d1 + d2) (u0 + u1)
//           s2 = (d2 - d1) (u0 - u1)           s3 = (d1 - d3) (-u1)
//           dg0 = s0 + (s1 + s2) / 2           dg1 = (s1 - s2) / 2
//           dg2 = (s1 + s2) / 2 + s3
//
// where s are summed over all squares first.
#pragma once

#include "gemm.hpp"
#include "window.hpp"

namespace today {

constexpr int MOST_BLOCKS = 16; // of channels, of which it is noticed whether they are 0

// One dimension, in place: inputs (R + 1 become SIZE), weights and the outputs' sums; outputs'
// gradients, and those of weights from the sums. CENTRE, the place that is part of both outputs
// with a plus, is where sums start at the bias.
template <int R> struct Formula;
template <> struct Formula<2> {
    static constexpr int SIZE = 3, CENTRE = 1;
    static INLINE void inputs(vf (&d)[3]) { d[0] = d[0] - d[1], d[2] = d[1] - d[2]; }
    static INLINE void weights(const vf (&g)[2], vf (&u)[3]) {
        u[0] = g[0], u[1] = g[0] + g[1], u[2] = g[1];
    }
    static INLINE void outputs(const vf (&m)[3], vf &y0, vf &y1) {
        y0 = m[0] + m[1], y1 = m[1] - m[2];
    }
    static INLINE void gradients(vf u0, vf u1, vf (&u)[3]) {
        u[0] = u0, u[1] = u0 + u1, u[2] = -u1;
    }
    static INLINE void gather(const vf (&s)[3], vf *g) { g[0] = s[0] + s[1], g[1] = s[1] + s[2]; }
};
template <> struct Formula<3> {
    static constexpr int SIZE = 4, CENTRE = 1;
    static INLINE void inputs(vf (&d)[4]) {
        const vf sum = d[1] + d[2], difference = d[2] - d[1];
        d[0] = d[0] - d[2], d[3] = d[1] - d[3];
        d[1] = sum, d[2] = difference;
    }
    static INLINE void weights(const vf (&g)[3], vf (&u)[4]) {
        const vf ends = 0.5f * (g[0] + g[2]), middle = 0.5f * g[1];
        u[0] = g[0], u[1] = ends + middle, u[2] = ends - middle, u[3] = g[2];
    }
    static INLINE void outputs(const vf (&m)[4], vf &y0, vf &y1) {
        y0 = (m[0] + m[1]) + m[2], y1 = (m[1] - m[2]) - m[3];
    }
    static INLINE void gradients(vf u0, vf u1, vf (&u)[4]) {
        u[0] = u0, u[1] = u0 + u1, u[2] = u0 - u1, u[3] = -u1;
    }
    static INLINE void gather(const vf (&s)[4], vf *g) {
        const vf both = 0.5f * (s[1] + s[2]);
        g[0] = s[0] + both, g[1] = 0.5f * (s[1] - s[2]), g[2] = both + s[3];
    }
};
template <> struct Formula<5> {
    static constexpr int SIZE = 7, CENTRE = 1;
    static INLINE void inputs(vf (&d)[7]) {
        vf first[3] = {d[0], d[1], d[2]}, last[4] = {d[2], d[3], d[4], d[5]};
        Formula<2>::inputs(first);
        Formula<3>::inputs(last);
        join(first, last, d);
    }
    static INLINE void weights(const vf (&g)[5], vf (&u)[7]) {
        const vf two[2] = {g[0], g[1]}, three[3] = {g[2], g[3], g[4]};
        vf first[3], last[4];
        Formula<2>::weights(two, first);
        Formula<3>::weights(three, last);
        join(first, last, u);
    }
    static INLINE void outputs(const vf (&m)[7], vf &y0, vf &y1) {
        const vf first[3] = {m[0], m[1], m[2]}, last[4] = {m[3], m[4], m[5], m[6]};
        vf z0, z1;
        Formula<2>::outputs(first, y0, y1);
        Formula<3>::outputs(last, z0, z1);
        y0 += z0, y1 += z1;
    }
    static INLINE void gradients(vf u0, vf u1, vf (&u)[7]) {
        vf first[3], last[4];
        Formula<2>::gradients(u0, u1, first);
        Formula<3>::gradients(u0, u1, last);
        join(first, last, u);
    }
    static INLINE void gather(const vf (&s)[7], vf *g) {
        const vf first[3] = {s[0], s[1], s[2]}, last[4] = {s[3], s[4], s[5], s[6]};
        Formula<2>::gather(first, g);
        Formula<3>::gather(last, g + 2);
    }

  private:
    static INLINE void join(const vf (&first)[3], const vf (&last)[4], vf (&all)[7]) {
        EACH (i, 3)
            all[i] = first[i];
        EACH (i, 4)
            all[3 + i] = last[i];
    }
};
template <int R> constexpr int POSITIONS = Formula<R>::SIZE * Formula<R>::SIZE;
// f(Number<R>()) for the R of a stage's filters
template <class F> static INLINE auto with_formula(const StageShape &s, F &&f) {
    return s.filter_rows == 2   ? f(Number<2>())
           : s.filter_rows == 3 ? f(Number<3>())
                                : f(Number<5>());
}
inline long positions_of(const StageShape &s) {
    return with_formula(s, [](auto rows) { return long(POSITIONS<decltype(rows)::value>); });
}

// packed [position][panel][channel][PANEL filters]
inline long winograd_weights_size(const StageShape &s) {
    return positions_of(s) * s.channel_blocks() * V * round_up(s.filters, PANEL);
}

template <int R>
inline void winograd_weights(const StageShape &s, const Filters &w, float *packed) {
    constexpr int SIZE = Formula<R>::SIZE;
    const long channels = s.channel_blocks() * V, panels = (s.filters + PANEL - 1) / PANEL;
    const long position = channels * panels * PANEL;
    // V filters of V channels at a time
    const auto transform = [&](long item) {
        const long first = item / s.channel_blocks() * V, block = item % s.channel_blocks() * V;
        float *to = packed + (first / PANEL * channels + block) * PANEL + first % PANEL;
        for (long c = block; c < block + V; c++, to += PANEL) {
            alignas(64) float taps[R * R][V] = {};
            for (long k = 0; k < V && first + k < s.filters && c < s.channels; k++)
                EACH (i, R)
                    EACH (j, R)
                        taps[R * i + j][k] = w.at(first + k, c, i, j);
            vf rows[R][SIZE]; // of each column, turned
            EACH (j, R) {
                vf column[R];
                EACH (i, R)
                    column[i] = load(taps[R * i + j]);
                Formula<R>::weights(column, rows[j]);
            }
            EACH (i, SIZE) {
                vf row[R], ready[SIZE];
                EACH (j, R)
                    row[j] = rows[j][i];
                Formula<R>::weights(row, ready);
                EACH (j, SIZE)
                    store(to + (SIZE * i + j) * position, ready[j]);
            }
        }
    };
    pack_in_shares(s.weights(), panels * VECTORS * s.channel_blocks(), transform);
}

// Square `at` of some images: whose it is, and where it lies there
struct Square {
    long image, row, column;
    Square(const StageShape &s, long at) {
        const long columns = s.square_columns(), each = s.square_rows() * columns;
        image = at / each, at -= image * each;
        row = at / columns, column = at - row * columns;
    }
};

// transformed [position][count][channels] <- the pixels under `count` squares from `first` on.
// Returns the channels that are not 0 all over: others need not be multiplied.
template <int R>
inline Some winograd_inputs(const StageShape &s, Image image, long first, long count,
                            float *transformed, int32_t *which) {
    constexpr int SIZE = Formula<R>::SIZE;
    const long channels = s.channel_blocks() * V, position = count * channels;
    vi seen[MOST_BLOCKS] = {};
    for (long t = 0; t < count; t++, transformed += channels) {
        const Square at(s, first + t);
        const float *x = image.at(at.image).data + 2 * at.row * image.row + 2 * at.column * V;
        for (long c = 0; c < channels; c += V, x += image.plane) {
            vf d[SIZE][SIZE];
            vi any_of = {};
            EACH (j, R + 1) {
                vf pixels[SIZE];
                EACH (i, R + 1) {
                    pixels[i] = load(x + j * V + i * image.row);
                    any_of |= (vi)pixels[i];
                }
                Formula<R>::inputs(pixels);
                EACH (i, SIZE)
                    d[i][j] = pixels[i];
            }
            if (c < MOST_BLOCKS * V)
                seen[c / V] |= any_of;
            EACH (i, SIZE) {
                float *to = transformed + SIZE * i * position + c;
                Formula<R>::inputs(d[i]);
                EACH (j, SIZE)
                    store(to + j * position, d[i][j]);
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

// products [position][count][filters] <- transformed [position][count][channels] @ weights
// [position][channels][filters]
inline void winograd_products(const StageShape &s, Some alive, const float *transformed,
                              const float *weights, const float *bias, long count, int positions,
                              int centre, float *products) {
    const long channels = s.channel_blocks() * V, filters = s.filter_blocks() * V;
    const long panel = channels * PANEL, panels = (s.filters + PANEL - 1) / PANEL;
    for (int k = 0; k < positions; k++)
        for (long q = 0; q < panels; q++, weights += panel) {
            const int vectors = filters - q * PANEL < PANEL ? (filters - q * PANEL) / V : VECTORS;
            with_vectors(vectors, [&](auto columns) {
                in_tiles(count, [&](long t, auto rows) {
                    constexpr int MR = decltype(rows)::value, NV = decltype(columns)::value;
                    vf sums[MR][NV];
                    EACH (v, NV) {
                        const vf start = k == centre ? load(bias + q * PANEL + v * V) : splat(0.0f);
                        EACH (r, MR)
                            sums[r][v] = start;
                    }
                    const Matrix left = {transformed + (k * count + t) * channels, channels, 1};
                    if (alive.count == channels) // no list to look at
                        tile(All{channels}, left, weights, PANEL, sums);
                    else
                        tile(alive, left, weights, PANEL, sums);
                    float *to = products + (k * count + t) * filters + q * PANEL;
                    EACH (r, MR)
                        EACH (v, NV)
                            store(to + r * filters + v * V, sums[r][v]);
                });
            });
        }
}

// p and winners of `count` squares; false if an output was NaN or infinite. Without a pool, winners
// may be null.
template <int R>
inline bool winograd_outputs(const StageShape &s, const float *products, long first, long count,
                             float *p, uint8_t *winners) {
    constexpr int SIZE = Formula<R>::SIZE;
    const long filters = s.filter_blocks() * V, position = count * filters;
    const long size = s.p_size(true);
    vf unlike = {}; // stays 0 as long as all is finite
    for (long t = 0; t < count; t++) {
        const auto [image, row, column] = Square(s, first + t);
        const int32_t exist = existing(s, row, column);
        for (long f = 0; f < filters; f += V) {
            const long at = t * filters + f;
            vf upper[SIZE], lower[SIZE], z[4];
            EACH (j, SIZE) {
                vf m[SIZE];
                EACH (i, SIZE)
                    m[i] = load(products + (SIZE * i + j) * position + at);
                Formula<R>::outputs(m, upper[j], lower[j]);
            }
            Formula<R>::outputs(upper, z[0], z[1]);
            Formula<R>::outputs(lower, z[2], z[3]);
            unlike += 0.0f * (z[0] + z[3]) + 0.0f * (z[1] + z[2]);
            if (s.pool == 2) {
                const long to =
                    image * size + f * s.windows() + (row * s.pool_columns + column) * V;
                finish_window(z, exist, s.rectify, p + to, winners + to);
                continue;
            }
            const long to =
                image * size + f * s.windows() + (2 * row * s.out_columns + 2 * column) * V;
            EACH (k, 4) {
                const long here = to + ((k >> 1) * s.out_columns + (k & 1)) * V;
                if (exist & 1 << k)
                    finish_output(z[k], s.rectify, p + here, winners ? winners + here : nullptr);
            }
        }
    }
    return !any((vi)(unlike != 0.0f));
}

// Tiles whose transformed inputs and products fit the cache together.
// python benchmarks/thresholds.py --only TOGETHER, ms of one thread of an AMD EPYC with AVX-512:
//   windows   6      12     18     36     72     144
//   conv2     29.2   29.4   29.1   29.5   29.8   30.9
//   conv3     17.3   17.5   17.4   18.1   18.5   19.3
// Up to 36 the differences are those between two runs.
constexpr long TOGETHER = 36;

// p and winners (filter blocks, windows, V) of images; false if an output was NaN or infinite.
// Infinities then call for direct_image(): inf - inf is NaN here and need not be there.
template <int R>
inline bool winograd_images(const StageShape &s, Image image, long images, const float *weights,
                            const float *bias, float *p, uint8_t *winners) {
    constexpr int CENTRE = Formula<R>::CENTRE * (Formula<R>::SIZE + 1);
    const long squares = images * s.square_rows() * s.square_columns();
    const long most = POSITIONS<R> * TOGETHER;
    float *transformed = scratch(Use::winograd, most * s.channel_blocks() * V);
    float *products = scratch(Use::products, most * s.filter_blocks() * V);
    int32_t *which = (int32_t *)scratch(Use::counts, s.channel_blocks() * V + 1);
    bool finite = true;
    for (long first = 0; first < squares; first += TOGETHER) {
        const long count = std::min(squares - first, TOGETHER);
        const Some alive = winograd_inputs<R>(s, image, first, count, transformed, which);
        winograd_products(s, alive, transformed, weights, bias, count, POSITIONS<R>, CENTRE,
                          products);
        finite &= winograd_outputs<R>(s, products, first, count, p, winners);
    }
    return finite;
}

// ---- the gradient of weights -----------------------------------------------------------------

// Of a part of the images: sums [position][panel][channel][filters of the panel]
inline long winograd_sums_size(const StageShape &s) {
    return positions_of(s) * s.channels * s.filter_blocks() * V;
}

// transformed [position][count][filters] <- the gradients of the outputs of `count` squares
template <int R>
inline void winograd_gradients(const StageShape &s, Image gradients, long first, long count,
                               float *transformed) {
    constexpr int SIZE = Formula<R>::SIZE;
    const long filters = s.filter_blocks() * V, position = count * filters;
    for (long t = 0; t < count; t++, transformed += filters) {
        const Square at(s, first + t);
        const float *g =
            gradients.at(at.image).data + 2 * at.row * gradients.row + 2 * at.column * V;
        for (long f = 0; f < filters; f += V, g += gradients.plane) {
            vf left[SIZE], right[SIZE], line[SIZE];
            Formula<R>::gradients(load(g), load(g + gradients.row), left);
            Formula<R>::gradients(load(g + V), load(g + gradients.row + V), right);
            EACH (i, SIZE) {
                Formula<R>::gradients(left[i], right[i], line);
                EACH (j, SIZE)
                    store(transformed + (SIZE * i + j) * position + f, line[j]);
            }
        }
    }
}

// sums += left [position][count][channels] turned @ right [position][count][filters]
__attribute__((noinline)) inline void winograd_add_products(const StageShape &s, const float *left,
                                                            const float *right, long count,
                                                            float *sums) {
    const long channels = s.channel_blocks() * V, filters = s.filter_blocks() * V;
    const long positions = positions_of(s);
    for (long k = 0; k < positions; k++)
        for (long f = 0; f < filters; f += PANEL) {
            const int vectors = filters - f < PANEL ? (filters - f) / V : VECTORS;
            with_vectors(vectors, [&](auto columns) {
                in_tiles(s.channels, [&](long c, auto rows) {
                    constexpr int MR = decltype(rows)::value, NV = decltype(columns)::value;
                    vf total[MR][NV];
                    EACH (r, MR)
                        EACH (v, NV)
                            total[r][v] = load(sums + ((c + r) * NV + v) * V);
                    const Matrix turned = {left + k * count * channels + c, 1, channels};
                    tile(All{count}, turned, right + k * count * filters + f, filters, total);
                    EACH (r, MR)
                        EACH (v, NV)
                            store(sums + ((c + r) * NV + v) * V, total[r][v]);
                });
            });
            sums += s.channels * vectors * V;
        }
}

// sums += those of images; of `gradients` pixels of 0 lie behind the last output.
template <int R>
inline void winograd_add_weights(const StageShape &s, Image image, Image gradients, long images,
                                 float *sums) {
    const long channels = s.channel_blocks() * V, filters = s.filter_blocks() * V;
    const long squares = images * s.square_rows() * s.square_columns();
    // As many as leave both factors in the second level's cache, or enough for sums that are not
    constexpr long FACTORS = 96 << 10, FEWEST = R == 5 ? 64 : 24; // floats
    const long fitting = FACTORS / (POSITIONS<R> * (channels + filters));
    const long together = std::min(std::max(fitting, FEWEST), std::max(squares, 24l));
    float *left = scratch(Use::winograd, POSITIONS<R> * together * channels);
    float *right = scratch(Use::products, POSITIONS<R> * together * filters);
    int32_t *which = (int32_t *)scratch(Use::counts, channels + 1);
    for (long first = 0; first < squares; first += together) {
        const long count = std::min(squares - first, together);
        winograd_inputs<R>(s, image, first, count, left, which);
        winograd_gradients<R>(s, gradients, first, count, right);
        winograd_add_products(s, left, right, count, sums);
    }
}

// taps (R, R) of V filters from f on and channel c, as they meet x, from the sums of all parts
template <int R>
inline void winograd_weights_of(const StageShape &s, const float *sums, long f, long c, vf *taps) {
    constexpr int SIZE = Formula<R>::SIZE;
    const long filters = s.filter_blocks() * V, position = s.channels * filters;
    const long panel = f / PANEL * PANEL, wide = filters - panel < PANEL ? filters - panel : PANEL;
    const float *from = sums + panel * s.channels + c * wide + f - panel;
    vf lines[SIZE][R]; // of each column
    EACH (j, SIZE) {
        vf column[SIZE];
        EACH (i, SIZE)
            column[i] = load(from + (SIZE * i + j) * position);
        Formula<R>::gather(column, lines[j]);
    }
    EACH (i, R) {
        vf row[SIZE];
        EACH (j, SIZE)
            row[j] = lines[j][i];
        Formula<R>::gather(row, taps + R * i);
    }
}

} // namespace today

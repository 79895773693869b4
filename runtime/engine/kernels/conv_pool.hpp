// A stage over a whole batch: which kernel does which image, and the sums over all of them.
#pragma once

#include "direct.hpp"
#include "few_channels.hpp"
#include "hits.hpp"
#include "winograd.hpp"

namespace net2 {

inline bool uses_winograd(const Stage &s) {
    return s.filter_rows == 2 && s.filter_columns == 2 && !s.few_channels();
}

// p (images, pooled) and winners (images, windows, padded filters) of x, w and b (or null)
inline void forward(const Stage &s, const float *x, const float *w, const float *b, float *p,
                    uint8_t *winners) {
    const long filters = s.padded_filters(), windows = s.windows();
    float *bias = scratch(Use::bias, round_up(s.filters, PANEL));
    for (long f = 0; f < round_up(s.filters, PANEL); f++)
        bias[f] = b != nullptr && f < s.filters ? b[f] : 0;

    const bool winograd = uses_winograd(s);
    const long direct_size = direct_weights_size(s);
    const long size = winograd ? winograd_weights_size(s) : direct_size;
    float *weights = scratch(Use::weights, size);
    std::memset(weights, 0, size * sizeof(float));
    Threads &pool = Threads::instance();
    if (winograd)
        pool.run([&](int thread, int threads) {
            const Share mine(s.filters, thread, threads);
            winograd_weights(s, w, weights, mine.begin, mine.end);
        });
    else
        direct_weights(s, w, weights);

    pool.run([&](int thread, int threads) {
        const Share mine(s.images, thread, threads);
        for (long n = mine.begin; n < mine.end; n++) {
            const Image image = image_of(s, x, n, s.few_channels());
            float *pooled =
                s.p_last ? p + n * windows * filters : scratch(Use::pooled, windows * filters);
            uint8_t *won = winners + n * windows * filters;
            if (!winograd) {
                direct_image(s, image, weights, bias, pooled, won);
            } else if (!winograd_image(s, image, weights, bias, pooled, won)) {
                float *exact = scratch(Use::left, direct_size);
                direct_weights(s, w, exact);
                direct_image(s, image, exact, bias, pooled, won);
            }
            if (!s.p_last)
                last_to_planes(p + n * s.filters * windows, pooled, filters,
                               s.pool_columns * filters, s.filters, s.pool_rows, s.pool_columns);
        }
    });
}

// dx (as x) of one image <- its padded, channels-last copy
inline void unpad(const Stage &s, const float *padded, float *dx) {
    const long pad = s.padded_channels(), height = s.seen_rows(), width = s.seen_columns();
    const long rows = s.top + s.rows < height ? s.rows : height - s.top;
    const long columns = s.left + s.columns < width ? s.columns : width - s.left;
    const float *inside = padded + (s.top * width + s.left) * pad;
    const long all = s.rows * s.columns * (s.x_last ? pad : s.channels);
    if (rows < s.rows || columns < s.columns)
        std::memset(dx, 0, all * sizeof(float)); // no window sees the rest
    for (long i = 0; i < rows; i++) {
        if (s.x_last)
            std::memcpy(dx + i * s.columns * pad, inside + i * width * pad,
                        columns * pad * sizeof(float));
        else
            for (long c = 0; c < s.channels; c++)
                for (long j = 0; j < columns; j++)
                    dx[(c * s.rows + i) * s.columns + j] = inside[(i * width + j) * pad + c];
    }
}

// dw (as w) and db (filters) if dw is not null, dx (as x) if it is not null, from the gradient g
// (as p)
inline void backward(const Stage &s, const float *x, const float *w, const uint8_t *winners,
                     const float *g, float *dw, float *db, float *dx) {
    const long channels = s.padded_channels(), filters = s.padded_filters();
    const long windows = s.windows(), taps = s.taps();
    const bool few = s.few_channels();
    const bool in_place = s.x_last && s.top == 0 && s.left == 0 && s.seen_rows() <= s.rows &&
                          s.seen_columns() <= s.columns;
    Threads &pool = Threads::instance();

    // Of patches that hold their channels side by side
    const long width = in_place ? s.columns : s.seen_columns();
    const long height = in_place ? s.rows : s.seen_rows();
    int32_t *patches = (int32_t *)scratch(Use::patches, windows + 16);
    for (long t = 0; t < windows; t++)
        patches[t] = (2 * (t / s.pool_columns) * width + 2 * (t % s.pool_columns)) * channels;
    float *weights = nullptr;
    if (dx != nullptr) {
        weights = scratch(Use::weights, s.filters * taps * channels);
        std::memset(weights, 0, s.filters * taps * channels * sizeof(float));
        for (long f = 0; f < s.filters; f++)
            for (long i = 0; i < s.filter_rows; i++)
                for (long j = 0; j < s.filter_columns; j++)
                    for (long c = 0; c < s.channels; c++)
                        weights[(f * taps + i * s.filter_columns + j) * channels + c] =
                            w[s.weight(f, c, i, j)];
    }

    const long dw_size = few ? s.channels * taps * filters : s.filters * taps * channels;
    std::vector<float *> dws(pool.size());
    std::vector<double *> dbs(pool.size());
    pool.run([&](int thread, int threads) {
        const Share mine(s.images, thread, threads);
        float *sums = dws[thread] = scratch(Use::dw, dw_size + filters);
        double *bias = dbs[thread] = (double *)scratch(Use::db, 2 * filters);
        std::memset(sums, 0, (dw_size + filters) * sizeof(float));
        std::memset(bias, 0, filters * sizeof(double));
        for (long n = mine.begin; n < mine.end; n++) {
            const uint8_t *won = winners + n * windows * filters;
            Gradient gradient = {g + n * s.filters * windows, windows, 1};
            if (s.p_last)
                gradient = {g + n * windows * filters, 1, filters};
            if (few && dw != nullptr) {
                const float *last = gradient.data;
                if (!s.p_last) {
                    float *copy = scratch(Use::pooled, windows * filters);
                    std::memset(copy, 0, windows * filters * sizeof(float));
                    planes_to_last(copy, filters, s.pool_columns * filters, gradient.data,
                                   s.filters, s.pool_rows, s.pool_columns);
                    last = copy;
                }
                const Image image = image_of(s, x, n, true);
                float *image_db = sums + dw_size;
                std::memset(image_db, 0, filters * sizeof(float));
#if NET2_AVX512
                if (picks(s))
                    add_picked(s, image, last, won, sums, image_db);
                else
#endif
                    add_few(s, image, last, won, sums, image_db);
                for (long f = 0; f < s.filters; f++)
                    bias[f] += image_db[f];
                if (dx == nullptr)
                    continue;
            }
            const bool weights_too = !few && dw != nullptr;
            const Image image = weights_too ? image_of(s, x, n, false)
                                            : Image{nullptr, 1, width * channels, channels};
            float *image_dx = nullptr;
            if (dx != nullptr) {
                image_dx = in_place ? dx + n * height * width * channels
                                    : scratch(Use::dx, height * width * channels);
                std::memset(image_dx, 0, height * width * channels * sizeof(float));
            }
            Backward{s, weights, weights_too ? sums : nullptr, bias}.add(image, image_dx, gradient,
                                                                         won, patches);
            if (dx != nullptr && !in_place)
                unpad(s, image_dx,
                      dx + n * s.rows * s.columns * (s.x_last ? channels : s.channels));
        }
    });
    if (dw == nullptr)
        return;
    pool.run([&](int thread, int threads) {
        const Share mine(s.filters, thread, threads);
        for (long f = mine.begin; f < mine.end; f++) {
            double bias = 0;
            for (int part = 0; part < threads; part++)
                bias += dbs[part][f];
            db[f] = float(bias);
            for (long c = 0; c < s.channels; c++)
                for (long i = 0; i < s.filter_rows; i++)
                    for (long j = 0; j < s.filter_columns; j++) {
                        const long tap = i * s.filter_columns + j;
                        const long at =
                            few ? (c * taps + tap) * filters + f : (f * taps + tap) * channels + c;
                        float sum = 0;
                        for (int part = 0; part < threads; part++)
                            sum += dws[part][at];
                        dw[s.weight(f, c, i, j)] = sum;
                    }
        }
    });
}

} // namespace net2

// A stage over a whole batch: which kernel does which image, and the sums over all of them.
#pragma once

#include "direct.hpp"
#include "few_channels.hpp"
#include "hits.hpp"
#include "winograd.hpp"

namespace net2 {

// Winograd's sums leave out channels of zeros, of which a NaN or an infinity among the weights
// would have made NaN.
inline bool uses_winograd(const Stage &s, const float *w) {
    if (s.filter_rows != 2 || s.filter_columns != 2 || s.few_channels())
        return false;
    float unlike = 0; // stays 0 as long as all is finite
    for (long i = 0; i < s.filters * s.channels * s.taps(); i++)
        unlike += 0.0f * w[i];
    return unlike == 0;
}

// p (images, pooled) and winners (images, filter blocks, windows, V) of x, w and b (or null)
inline void forward(const Stage &s, const float *x, const float *w, const float *b, float *p,
                    uint8_t *winners) {
    const long padded = round_up(s.filters, PANEL);
    float *bias = scratch(Use::bias, padded);
    for (long f = 0; f < padded; f++)
        bias[f] = b != nullptr && f < s.filters ? b[f] : 0;

    const bool winograd = uses_winograd(s, w);
    const long direct_size = direct_weights_size(s);
    const long size = winograd ? winograd_weights_size(s) : direct_size;
    float *weights = scratch(Use::weights, size);
    if (winograd) {
        std::memset(weights, 0, size * sizeof(float));
        winograd_weights(s, w, weights);
    } else {
        direct_weights(s, w, weights);
    }

    Threads::instance().run_in_shares(s.images, [&](long n) {
        float *to = p + n * s.p_size(s.p_blocked);
        float *pooled = s.p_blocked ? to : scratch(Use::pooled, s.p_size(true));
        uint8_t *won = winners + n * s.p_size(true);
        if (s.few_channels()) {
            direct_image<1>(s, planes_of(s, x, n), weights, bias, pooled, won);
        } else {
            const Image image = blocks_of(s, x, n);
            if (!winograd) {
                direct_image<V>(s, image, weights, bias, pooled, won);
            } else if (!winograd_image(s, image, weights, bias, pooled, won)) {
                float *exact = scratch(Use::left, direct_size);
                direct_weights(s, w, exact);
                direct_image<V>(s, image, exact, bias, pooled, won);
            }
        }
        if (!s.p_blocked)
            blocks_to_planes(to, pooled, s.filters, s.windows());
    });
}

// w blocked: (channel blocks, filters, taps, V)
inline void block_weights(const Stage &s, const float *w, float *blocked) {
    std::memset(blocked, 0, s.channel_blocks() * V * s.filters * s.taps() * sizeof(float));
    for (long f = 0; f < s.filters; f++)
        for (long c = 0; c < s.channels; c++)
            for (long i = 0; i < s.filter_rows; i++)
                for (long j = 0; j < s.filter_columns; j++)
                    blocked[((c / V * s.filters + f) * s.taps() + i * s.filter_columns + j) * V +
                            c % V] = w[s.weight(f, c, i, j)];
}

// dx (as x) of one image <- its blocks, with what is around x
inline void unpad(const Stage &s, const float *padded, float *dx) {
    const long height = s.seen_rows(), width = s.seen_columns(), size = s.rows * s.columns;
    const long blocks = s.channel_blocks();
    const bool all = s.used_rows() == s.rows && s.used_columns() == s.columns;
    float *blocked = s.dx_blocked ? dx : scratch(Use::planes, blocks * size * V);
    if (!all)
        std::memset(blocked, 0, blocks * size * V * sizeof(float)); // no window sees the rest
    for (long b = 0; b < blocks; b++)
        for (long i = 0; i < s.used_rows(); i++)
            std::memcpy(blocked + (b * size + i * s.columns) * V,
                        padded + ((b * height + s.top + i) * width + s.left) * V,
                        s.used_columns() * V * sizeof(float));
    if (!s.dx_blocked)
        blocks_to_planes(dx, blocked, s.channels, size);
}

// The gradients of a few channels' weights, for which filters are taken side by side
inline void add_few_channels(const Stage &s, const float *x, long n, Gradient gradient,
                             const uint8_t *winners, float *dw, float *image_db, double *db) {
    const float *g = gradient.data;
    if (!gradient.blocked) {
        float *blocked = scratch(Use::pooled, s.p_size(true));
        planes_to_blocks(blocked, g, s.filters, s.windows());
        g = blocked;
    }
    const Image image = planes_of(s, x, n);
    std::memset(image_db, 0, s.filter_blocks() * V * sizeof(float));
#if NET2_AVX512
    if (picks(s))
        add_picked(s, image, g, winners, dw, image_db);
    else
#endif
        add_few(s, image, g, winners, dw, image_db);
    for (long f = 0; f < s.filters; f++)
        db[f] += image_db[f];
}

// How many parts the images are divided into: enough to keep all threads busy to the end, as
// many as have room for sums of their own. The same for any number of threads.
inline long parts_of(long images, long floats) {
    constexpr long PARTS = 16, ROOM = 16 << 20; // floats
    const long room = ROOM / floats < 4 ? 4 : ROOM / floats;
    const long parts = PARTS < room ? PARTS : room;
    return images < parts ? images : parts;
}

// dw (as w) and db (filters) if dw is not null, dx (as x) if it is not null, from the gradient g
// (as p)
inline void backward(const Stage &s, const float *x, const float *w, const uint8_t *winners,
                     const float *g, float *dw, float *db, float *dx) {
    if (s.windows() == 0) { // ignore_border left none
        if (dw != nullptr) {
            std::memset(dw, 0, s.filters * s.channels * s.taps() * sizeof(float));
            std::memset(db, 0, s.filters * sizeof(float));
        }
        if (dx != nullptr)
            std::memset(dx, 0, s.images * s.x_size(s.dx_blocked) * sizeof(float));
        return;
    }
    const long filters = s.filter_blocks() * V, channels = s.channel_blocks() * V;
    const long windows = s.windows(), taps = s.taps();
    const bool few = s.few_channels();
    const bool in_place = s.dx_blocked && s.fits();
    // Pixels of the blocked image that patches are in
    const long width = s.fits() ? s.columns : s.seen_columns();
    const long height = s.fits() ? s.rows : s.seen_rows();
    const long image_size = channels * height * width;
    int32_t *patches = (int32_t *)scratch(Use::patches, windows + V);
    for (long t = 0; t < windows; t++)
        patches[t] = (2 * (t / s.pool_columns) * width + 2 * (t % s.pool_columns)) * V;
    float *weights = nullptr;
    if (dx != nullptr) {
        weights = scratch(Use::weights, s.filters * taps * channels);
        block_weights(s, w, weights);
    }

    // Sums of a part of the images each, then added up in the parts' order
    const long dw_size = few ? s.channels * taps * filters : s.filters * taps * channels;
    const long parts = parts_of(s.images, dw == nullptr ? 1 : dw_size + filters);
    float *sums = nullptr;
    double *biases = nullptr;
    if (dw != nullptr) {
        sums = scratch(Use::dw, parts * (dw_size + filters));
        biases = (double *)scratch(Use::db, parts * filters * 2);
    }
    Threads::instance().run(parts, [&](long part) {
        const Share mine(s.images, part, parts);
        float *part_dw = nullptr;
        double *part_db = nullptr;
        if (dw != nullptr) {
            part_dw = sums + part * (dw_size + filters);
            part_db = biases + part * filters;
            std::memset(part_dw, 0, dw_size * sizeof(float));
            std::memset(part_db, 0, filters * sizeof(double));
        }
        for (long n = mine.begin; n < mine.end; n++) {
            const uint8_t *won = winners + n * s.p_size(true);
            const Gradient gradient = {g + n * s.p_size(s.p_blocked), s.p_blocked != 0};
            if (few && dw != nullptr)
                add_few_channels(s, x, n, gradient, won, part_dw, part_dw + dw_size, part_db);
            const bool dw_here = !few && dw != nullptr;
            if (!dw_here && dx == nullptr)
                continue;
            Image image = {nullptr, height * width * V, width * V};
            if (dw_here)
                image = blocks_of(s, x, n);
            float *image_dx = nullptr, *to = nullptr;
            if (dx != nullptr) {
                to = dx + n * s.x_size(s.dx_blocked);
                image_dx = in_place ? to : scratch(Use::dx, image_size);
            }
            Backward{s, weights, dw_here ? part_dw : nullptr, part_db}.add(image, image_dx,
                                                                           gradient, won, patches);
            if (dx != nullptr && s.fits() && !s.dx_blocked)
                blocks_to_planes(to, image_dx, s.channels, s.rows * s.columns);
            else if (dx != nullptr && !in_place)
                unpad(s, image_dx, to);
        }
    });
    if (dw == nullptr)
        return;
    for (long part = 1; part < parts; part++) {
        const float *from = sums + part * (dw_size + filters);
        for (long i = 0; i < dw_size; i++)
            sums[i] += from[i];
        for (long f = 0; f < filters; f++)
            biases[f] += biases[part * filters + f];
    }
    for (long f = 0; f < s.filters; f++) {
        db[f] = parts > 0 ? float(biases[f]) : 0;
        for (long c = 0; c < s.channels; c++)
            for (long i = 0; i < s.filter_rows; i++)
                for (long j = 0; j < s.filter_columns; j++) {
                    const long tap = i * s.filter_columns + j;
                    const long at = few ? (c * taps + tap) * filters + f
                                        : ((c / V * s.filters + f) * taps + tap) * V + c % V;
                    dw[s.weight(f, c, i, j)] = parts > 0 ? sums[at] : 0;
                }
    }
}

} // namespace net2

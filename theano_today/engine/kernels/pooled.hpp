// The backward pass of a stage with a pool: of few channels, or by hits.
#pragma once

#include "backward.hpp"
#include "few_channels.hpp"
#include "hits.hpp"

namespace today {

// dx (as x) of one image <- its blocks, with what is around x
inline void unpad(const StageShape &s, const float *padded, float *dx) {
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
inline void add_few_channels(const StageShape &s, const float *x, PooledGradient gradient,
                             const uint8_t *winners, float *dw, float *image_db, double *db) {
    const float *g = gradient.data;
    if (!gradient.blocked) {
        float *blocked = scratch(Use::pooled, s.p_size(true));
        planes_to_blocks(blocked, g, s.filters, s.windows());
        g = blocked;
    }
    const Image image = planes_of(s, x);
    std::memset(image_db, 0, s.filter_blocks() * V * sizeof(float));
#if THEANO_TODAY_AVX512
    if (picks(s))
        add_picked(s, image, g, winners, dw, image_db);
    else
#endif
        add_few(s, image, g, winners, dw, image_db);
    for (long f = 0; f < s.filters; f++)
        db[f] += image_db[f];
}

class PooledBackward : public BackwardPass {
  public:
    // In floats. The sums' are apart from the rest: there is a limit to them.
    static long room(const StageShape &s) {
        return weights_size(s) + round_up(s.windows() + V, 16);
    }
    static long sums_room(const StageShape &s) { return dw_size(s) + 3 * s.filter_blocks() * V; }

    // `memory` has room() floats, `sums` as many places of sums_room().
    PooledBackward(const Link &link, bool of_inputs, float *memory, float *sums)
        : link(link), s(link.stage), of_inputs(of_inputs), weights(memory),
          patches((int32_t *)(memory + weights_size(s))), sums(sums) {
        const long width = s.fits() ? s.columns : s.seen_columns();
        for (long t = 0; t < s.windows(); t++)
            patches[t] = (2 * (t / s.pool_columns) * width + 2 * (t % s.pool_columns)) * V;
        if (of_inputs)
            block_weights(s, link.w, weights);
    }

    void begin(long place) const override {
        if (link.dw != nullptr)
            std::memset(sums + place * sums_room(s), 0, sums_room(s) * sizeof(float));
    }

    void images(long place, long first, long count, const float *g, float *dx) const override {
        for (long n = 0; n < count; n++)
            image(place, first + n, g + n * s.p_size(s.p_blocked),
                  dx ? dx + n * s.x_size(s.dx_blocked) : nullptr);
    }

    void add(long to, long from) const override {
        if (link.dw == nullptr)
            return;
        for (long i = 0; i < dw_size(s); i++)
            dw(to)[i] += dw(from)[i];
        for (long f = 0; f < s.filter_blocks() * V; f++)
            db(to)[f] += db(from)[f];
    }

    bool finish(const std::vector<long> &places) const override {
        if (link.dw == nullptr)
            return true;
        const long place = places[0];
        for (size_t k = 1; k < places.size(); k++)
            add(place, places[k]);
        const long filters = s.filter_blocks() * V, taps = s.taps();
        for (long f = 0; f < s.filters; f++) {
            link.db[f] = float(db(place)[f]);
            for (long c = 0; c < s.channels; c++)
                for (long i = 0; i < s.filter_rows; i++)
                    for (long j = 0; j < s.filter_columns; j++) {
                        const long tap = i * s.filter_columns + j;
                        const long at = s.few_channels()
                                            ? (c * taps + tap) * filters + f
                                            : ((c / V * s.filters + f) * taps + tap) * V + c % V;
                        link.dw[s.weight(f, c, i, j)] = dw(place)[at];
                    }
        }
        return true;
    }

  private:
    void image(long place, long n, const float *g, float *dx) const {
        if (s.windows() == 0) { // ignore_border left no window
            if (of_inputs)
                std::memset(dx, 0, s.x_size(s.dx_blocked) * sizeof(float));
            return;
        }
        const float *x = link.x + n * s.x_size(s.x_blocked);
        const uint8_t *winners = link.winners + n * s.p_size(true);
        const PooledGradient gradient = {g, s.p_blocked != 0};
        const bool few = s.few_channels() && link.dw != nullptr;
        if (few)
            add_few_channels(s, x, gradient, winners, dw(place), image_db(place), db(place));
        const bool dw_here = !few && link.dw != nullptr;
        if (!dw_here && !of_inputs)
            return;
        // The blocked image that patches are in
        const long width = s.fits() ? s.columns : s.seen_columns();
        const long height = s.fits() ? s.rows : s.seen_rows();
        Image image = {nullptr, height * width * V, width * V};
        if (dw_here)
            image = blocks_of(s, x, 1);
        const bool in_place = s.dx_blocked && s.fits();
        float *padded = nullptr;
        if (of_inputs)
            padded = in_place ? dx : scratch(Use::dx, s.channel_blocks() * V * height * width);
        HitsPass{s, weights, dw_here ? dw(place) : nullptr, db(place)}.add(image, padded, gradient,
                                                                           winners, patches);
        if (of_inputs && s.fits() && !s.dx_blocked)
            blocks_to_planes(dx, padded, s.channels, s.rows * s.columns);
        else if (of_inputs && !in_place)
            unpad(s, padded, dx);
    }

    static long weights_size(const StageShape &s) {
        return s.filters * s.taps() * s.channel_blocks() * V;
    }
    static long dw_size(const StageShape &s) {
        return s.few_channels() ? s.channels * s.taps() * s.filter_blocks() * V : weights_size(s);
    }
    float *dw(long place) const { return sums + place * sums_room(s); }
    float *image_db(long place) const { return dw(place) + dw_size(s); }
    double *db(long place) const { return (double *)(image_db(place) + s.filter_blocks() * V); }

    const Link &link;
    const StageShape &s;
    const bool of_inputs;
    float *weights;
    int32_t *patches;
    float *sums;
};

} // namespace today

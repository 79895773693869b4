// Stages over a whole batch: which kernel does which image, and the sums over all of them.
//
// A chain of stages does an image from its first stage to its last before the next image: what
// they hand over is still in the cache then, and is never written to memory unless an output or a
// gradient of the graph needs it.
#pragma once

#include <algorithm>

#include "direct.hpp"
#include "few_channels.hpp"
#include "hits.hpp"
#include "winograd.hpp"

namespace today {

// A stage of a chain and its arrays; null is what is not wanted, or comes from the stage before.
// Mirrored by library.Link, field for field.
struct Link {
    StageShape stage;
    const float *x; // forward: of the first stage only
    const float *w, *b;
    float *p;
    uint8_t *winners; // (images, filter blocks, windows, V)
    const float *g;   // as p, of the last stage only
    float *dw, *db;   // as w, (filters): both or neither
    float *dx;        // as x, of the first stage only
    // Dropout behind the stage: p is multiplied by scale and by a mask, its gradient likewise.
    const uint8_t *mask; // (images, filters, windows), 0 or 1
    float scale;
};

// p, or its gradient, of one image <- itself times scale times the mask (filters, windows)
inline void drop(const StageShape &s, float *p, bool blocked, const uint8_t *mask, float scale) {
    const long windows = s.windows();
    const auto times = [&](vf x, vi keep) __attribute__((always_inline)) {
        return x * scale * __builtin_convertvector(keep, vf);
    };
    if (!blocked) {
        long i = 0;
        for (; i + V <= s.filters * windows; i += V)
            store(p + i, times(load(p + i), load_bytes(mask + i)));
        for (; i < s.filters * windows; i++)
            p[i] = p[i] * scale * float(mask[i]);
        return;
    }
    for (long f = 0; f < s.filters; f += V, p += windows * V) {
        const uint8_t *from = mask + f * windows;
        const long many = s.filters - f < V ? s.filters - f : V;
        long i = 0;
        if (many == V)
            for (; i + V <= windows; i += V) {
                vf square[V];
                EACH (k, V)
                    square[k] = (vf)load_bytes(from + k * windows + i);
                transpose(square);
                EACH (k, V) {
                    float *at = p + (i + k) * V;
                    store(at, times(load(at), (vi)square[k]));
                }
            }
        for (; i < windows; i++)
            for (long k = 0; k < many; k++)
                p[i * V + k] = p[i * V + k] * scale * float(from[k * windows + i]);
    }
}

// What stage k of a chain hands over. The next one reads it while it writes what is its own.
inline float *handed(long k, long floats) {
    return scratch(k % 2 ? Use::handed_odd : Use::handed_even, floats);
}

inline bool uses_winograd(const StageShape &s) {
    return s.filter_rows == 2 && s.filter_columns == 2 && !s.few_channels();
}

// The forward pass of a stage: what is made of its weights once, and what is done to an image
class ForwardPass {
  public:
    static long room(const StageShape &s) { return bias_size(s) + weights_size(s); }

    // `memory` has room() floats.
    ForwardPass(const StageShape &s, const float *w, const float *b, float *memory)
        : s(s), w(w), bias(memory), weights(memory + bias_size(s)) {
        for (long f = 0; f < bias_size(s); f++)
            bias[f] = b != nullptr && f < s.filters ? b[f] : 0;
        // Winograd's sums leave out channels of zeros, of which a NaN or an infinity among the
        // weights would have made NaN.
        winograd = uses_winograd(s) && all_finite(w, s.weights());
        if (winograd) {
            std::memset(weights, 0, winograd_weights_size(s) * sizeof(float));
            winograd_weights(s, w, weights);
        } else {
            direct_weights(s, w, weights);
        }
    }

    // p and winners of an image x; `mask` is null without dropout
    void image(const float *x, float *p, uint8_t *winners, const uint8_t *mask, float scale) const {
        float *pooled = s.p_blocked ? p : scratch(Use::pooled, s.p_size(true));
        if (s.few_channels()) {
            direct_image<1>(s, planes_of(s, x), weights, bias, pooled, winners);
        } else {
            const Image image = blocks_of(s, x);
            if (!winograd) {
                direct_image<V>(s, image, weights, bias, pooled, winners);
            } else if (!winograd_image(s, image, weights, bias, pooled, winners)) {
                float *exact = scratch(Use::exact_weights, direct_weights_size(s));
                direct_weights(s, w, exact);
                direct_image<V>(s, image, exact, bias, pooled, winners);
            }
        }
        if (!s.p_blocked)
            blocks_to_planes(p, pooled, s.filters, s.windows());
        if (mask != nullptr)
            drop(s, p, s.p_blocked, mask, scale);
    }

  private:
    static long bias_size(const StageShape &s) { return round_up(s.filters, PANEL); }
    static long weights_size(const StageShape &s) {
        const long direct = direct_weights_size(s);
        return uses_winograd(s) ? std::max(direct, winograd_weights_size(s)) : direct;
    }
    static bool all_finite(const float *values, long count) {
        float unlike = 0; // stays 0
        for (long i = 0; i < count; i++)
            unlike += 0.0f * values[i];
        return unlike == 0;
    }

    const StageShape &s;
    const float *w;
    float *bias, *weights;
    bool winograd;
};

// p and winners of a chain of stages, from the first one's x
inline void forward(const Link *links, long count) {
    long room = 0;
    for (long k = 0; k < count; k++)
        room += ForwardPass::room(links[k].stage);
    float *memory = scratch(Use::weights, room);
    std::vector<ForwardPass> stages;
    for (const Link *link = links; link < links + count; link++) {
        link->stage.check();
        stages.emplace_back(link->stage, link->w, link->b, memory);
        memory += ForwardPass::room(link->stage);
    }
    Threads::instance().run_in_shares(links[0].stage.images, [&](long n) {
        const float *x = links[0].x + n * links[0].stage.x_size(links[0].stage.x_blocked);
        for (long k = 0; k < count; k++) {
            const StageShape &s = links[k].stage;
            const long p_size = s.p_size(s.p_blocked), blocked = s.p_size(true);
            float *p = links[k].p ? links[k].p + n * p_size : handed(k, p_size);
            uint8_t *winners = links[k].winners ? links[k].winners + n * blocked
                                                : (uint8_t *)scratch(Use::winners, blocked / 4 + 1);
            const uint8_t *mask = links[k].mask ? links[k].mask + n * s.p_size(false) : nullptr;
            stages[k].image(x, p, winners, mask, links[k].scale);
            x = p;
        }
    });
}

// w blocked: (channel blocks, filters, taps, V)
inline void block_weights(const StageShape &s, const float *w, float *blocked) {
    std::memset(blocked, 0, s.channel_blocks() * V * s.filters * s.taps() * sizeof(float));
    for (long f = 0; f < s.filters; f++)
        for (long c = 0; c < s.channels; c++)
            for (long i = 0; i < s.filter_rows; i++)
                for (long j = 0; j < s.filter_columns; j++)
                    blocked[((c / V * s.filters + f) * s.taps() + i * s.filter_columns + j) * V +
                            c % V] = w[s.weight(f, c, i, j)];
}

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

// How many parts the images are divided into: enough to keep all threads busy to the end, as
// many as have room for sums of their own. The same for any number of threads.
inline long parts_of(long images, long floats) {
    constexpr long PARTS = 16, ROOM = 16 << 20; // floats
    const long room = ROOM / floats < 4 ? 4 : ROOM / floats;
    const long parts = PARTS < room ? PARTS : room;
    return images < parts ? images : parts;
}

// The gradients of a stage: what is made once, what is done to an image, and the sums. Each of
// `parts` parts of the images has sums of its own, which are added up in the parts' order.
class BackwardPass {
  public:
    // In floats. The sums' are apart from the rest: there is a limit to them.
    static long room(const StageShape &s) {
        return weights_size(s) + round_up(s.windows() + V, 16);
    }
    static long sums_room(const StageShape &s) { return dw_size(s) + 3 * s.filter_blocks() * V; }

    // `memory` has room() floats, `sums` parts times sums_room().
    BackwardPass(const Link &link, bool of_inputs, float *memory, float *sums)
        : link(link), s(link.stage), of_inputs(of_inputs), weights(memory),
          patches((int32_t *)(memory + weights_size(s))), sums(sums) {
        const long width = s.fits() ? s.columns : s.seen_columns();
        for (long t = 0; t < s.windows(); t++)
            patches[t] = (2 * (t / s.pool_columns) * width + 2 * (t % s.pool_columns)) * V;
        if (of_inputs)
            block_weights(s, link.w, weights);
    }

    void begin(long part) const {
        if (link.dw != nullptr)
            std::memset(sums + part * sums_room(s), 0, sums_room(s) * sizeof(float));
    }

    // Add image n's to the part's sums, from g, the gradient of its p; that of its x to dx.
    void image(long part, long n, const float *g, float *dx) const {
        if (s.windows() == 0) { // ignore_border left no window
            if (of_inputs)
                std::memset(dx, 0, s.x_size(s.dx_blocked) * sizeof(float));
            return;
        }
        const float *x = link.x + n * s.x_size(s.x_blocked);
        const uint8_t *winners = link.winners + n * s.p_size(true);
        if (link.mask != nullptr) {
            float *kept = scratch(Use::kept, s.p_size(s.p_blocked));
            std::memcpy(kept, g, s.p_size(s.p_blocked) * sizeof(float));
            drop(s, kept, s.p_blocked, link.mask + n * s.p_size(false), link.scale);
            g = kept;
        }
        const PooledGradient gradient = {g, s.p_blocked != 0};
        const bool few = s.few_channels() && link.dw != nullptr;
        if (few)
            add_few_channels(s, x, gradient, winners, dw(part), image_db(part), db(part));
        const bool dw_here = !few && link.dw != nullptr;
        if (!dw_here && !of_inputs)
            return;
        // The blocked image that patches are in
        const long width = s.fits() ? s.columns : s.seen_columns();
        const long height = s.fits() ? s.rows : s.seen_rows();
        Image image = {nullptr, height * width * V, width * V};
        if (dw_here)
            image = blocks_of(s, x);
        const bool in_place = s.dx_blocked && s.fits();
        float *padded = nullptr;
        if (of_inputs)
            padded = in_place ? dx : scratch(Use::dx, s.channel_blocks() * V * height * width);
        HitsPass{s, weights, dw_here ? dw(part) : nullptr, db(part)}.add(image, padded, gradient,
                                                                         winners, patches);
        if (of_inputs && s.fits() && !s.dx_blocked)
            blocks_to_planes(dx, padded, s.channels, s.rows * s.columns);
        else if (of_inputs && !in_place)
            unpad(s, padded, dx);
    }

    // Write dw and db.
    void finish(long parts) const {
        if (link.dw == nullptr)
            return;
        const long filters = s.filter_blocks() * V, taps = s.taps();
        for (long part = 1; part < parts; part++) {
            for (long i = 0; i < dw_size(s); i++)
                dw(0)[i] += dw(part)[i];
            for (long f = 0; f < filters; f++)
                db(0)[f] += db(part)[f];
        }
        for (long f = 0; f < s.filters; f++) {
            link.db[f] = parts > 0 ? float(db(0)[f]) : 0;
            for (long c = 0; c < s.channels; c++)
                for (long i = 0; i < s.filter_rows; i++)
                    for (long j = 0; j < s.filter_columns; j++) {
                        const long tap = i * s.filter_columns + j;
                        const long at = s.few_channels()
                                            ? (c * taps + tap) * filters + f
                                            : ((c / V * s.filters + f) * taps + tap) * V + c % V;
                        link.dw[s.weight(f, c, i, j)] = parts > 0 ? dw(0)[at] : 0;
                    }
        }
    }

  private:
    static long weights_size(const StageShape &s) {
        return s.filters * s.taps() * s.channel_blocks() * V;
    }
    static long dw_size(const StageShape &s) {
        return s.few_channels() ? s.channels * s.taps() * s.filter_blocks() * V : weights_size(s);
    }
    float *dw(long part) const { return sums + part * sums_room(s); }
    float *image_db(long part) const { return dw(part) + dw_size(s); }
    double *db(long part) const { return (double *)(image_db(part) + s.filter_blocks() * V); }

    const Link &link;
    const StageShape &s;
    const bool of_inputs;
    float *weights;
    int32_t *patches;
    float *sums;
};

// dw and db of a chain of stages and dx of its first, where wanted, from the last one's g
inline void backward(const Link *links, long count) {
    const long images = links[0].stage.images;
    long room = 0, sums_room = 0, parts = images;
    for (long k = 0; k < count; k++) {
        links[k].stage.check();
        assert((links[k].dw == nullptr) == (links[k].db == nullptr));
        room += BackwardPass::room(links[k].stage);
        if (links[k].dw != nullptr) {
            sums_room += BackwardPass::sums_room(links[k].stage);
            parts = std::min(parts, parts_of(images, BackwardPass::sums_room(links[k].stage)));
        }
    }
    parts = std::min(parts, parts_of(images, 1));
    float *memory = scratch(Use::weights, room), *sums = scratch(Use::dw, parts * sums_room);
    std::vector<BackwardPass> stages;
    for (long k = 0; k < count; k++) {
        stages.emplace_back(links[k], k > 0 || links[0].dx != nullptr, memory, sums);
        memory += BackwardPass::room(links[k].stage);
        if (links[k].dw != nullptr)
            sums += parts * BackwardPass::sums_room(links[k].stage);
    }
    Threads::instance().run(parts, [&](long part) {
        const Share mine(images, part, parts);
        for (const BackwardPass &stage : stages)
            stage.begin(part);
        for (long n = mine.begin; n < mine.end; n++) {
            const StageShape &last = links[count - 1].stage;
            const float *g = links[count - 1].g + n * last.p_size(last.p_blocked);
            for (long k = count - 1; k >= 0; k--) {
                const long x_size = links[k].stage.x_size(links[k].stage.dx_blocked);
                float *dx = nullptr;
                if (k > 0)
                    dx = handed(k, x_size);
                else if (links[0].dx != nullptr)
                    dx = links[0].dx + n * x_size;
                stages[k].image(part, n, g, dx);
                g = dx;
            }
        }
    });
    for (const BackwardPass &stage : stages)
        stage.finish(parts);
}

} // namespace today

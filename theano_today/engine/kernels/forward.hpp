// The forward pass of a stage: which kernel does an image.
#pragma once

#include <algorithm>

#include "direct.hpp"
#include "winograd.hpp"

namespace today {

inline bool all_finite(const float *values, long count) {
    vf unlike[4] = {}; // stay 0
    long i = 0;
    for (; i + 4 * V <= count; i += 4 * V)
        EACH (k, 4)
            unlike[k] += splat(0.0f) * load(values + i + k * V);
    float last = 0;
    for (; i < count; i++)
        last += 0.0f * values[i];
    const vf all = (unlike[0] + unlike[1]) + (unlike[2] + unlike[3]);
    return last == 0 && !any((vi)(all != 0.0f));
}

// The forward pass of a stage: what is made of its weights once, and what is done to an image
class ForwardPass {
  public:
    static long room(const StageShape &s) {
        if (s.halved())
            return room(s.half()) + round_up(s.half().weights(), 16);
        return bias_size(s) + weights_size(s);
    }

    // `memory` has room() floats.
    ForwardPass(const StageShape &s, const float *w, const float *b, float *memory)
        : ForwardPass(s, Filters::of(s, w), b, memory,
                      (s.winograd() || s.halved()) && all_finite(w, s.weights())) {}

    // finite: all the filters are, where that matters.
    ForwardPass(const StageShape &s, Filters w, const float *b, float *memory, bool finite);

    // Of how many images Winograd has enough squares: of small ones several. 1 where there is a
    // pool.
    static long together(const StageShape &s) {
        const bool winograd = s.pool == 1 && (s.winograd() || s.halved());
        return winograd ? std::max(1L, TOGETHER / (s.square_rows() * s.square_columns())) : 1;
    }

    // p and winners of images x
    void images(const float *x, long count, float *p, uint8_t *winners) const;

    // The same, of all that the windows see, blocked
    void blocked_images(Image image, long count, float *p, uint8_t *winners) const;

  private:
    template <class F> void finish(float *p, long count, F &&compute) const {
        const long size = s.p_size(true);
        float *blocked = s.p_blocked ? p : scratch(Use::pooled, count * size);
        compute(blocked);
        for (long n = 0; n < count && !s.p_blocked; n++)
            blocks_to_planes(p + n * s.p_size(false), blocked + n * size, s.filters, s.windows());
    }
    template <int PIXEL>
    void direct(Image image, const float *weights, float *p, uint8_t *winners) const {
        if (s.pool == 2)
            direct_image<PIXEL>(s, image, weights, bias, p, winners);
        else
            direct_outputs<PIXEL>(s, image, weights, bias, p, winners);
    }
    bool by_winograd(Image image, long count, float *p, uint8_t *winners) const {
        return with_formula(s, [&](auto rows) {
            return winograd_images<decltype(rows)::value>(s, image, count, weights, bias, p,
                                                          winners);
        });
    }
    static long bias_size(const StageShape &s) { return round_up(s.filters, PANEL); }
    static long weights_size(const StageShape &s) {
        const long direct = direct_weights_size(s);
        return s.winograd() ? std::max(direct, winograd_weights_size(s)) : direct;
    }
    const StageShape whole, s; // as it is, and of what is computed: the same unless it is halved
    Filters w;
    float *bias, *weights;
    bool winograd;
};

// Large, and called on the way back, too: of glue.cpp's parts only one holds them.
#if !defined(PART)
#define IN_A_PART inline
#elif PART == 2
#define IN_A_PART
#endif
#ifdef IN_A_PART

IN_A_PART ForwardPass::ForwardPass(const StageShape &given, Filters filters, const float *b,
                                   float *memory, bool finite)
    : whole(given), s(whole.halved() ? whole.half() : whole), w(filters) {
    if (whole.halved()) {
        halve_weights(whole, s, filters, memory);
        w = Filters::of(s, memory);
        memory += round_up(s.weights(), 16);
    }
    bias = memory, weights = memory + bias_size(s);
    for (long f = 0; f < bias_size(s); f++)
        bias[f] = b != nullptr && f < s.filters ? b[f] : 0;
    // Winograd's sums leave out channels of zeros, of which a NaN or an infinity among the
    // weights would have made NaN.
    winograd = s.winograd() && finite;
    if (!winograd)
        direct_weights(s, w, weights, false);
    else
        with_formula(s, [&](auto rows) { winograd_weights<decltype(rows)::value>(s, w, weights); });
}

IN_A_PART void ForwardPass::images(const float *x, long count, float *p, uint8_t *winners) const {
    if (whole.halved())
        return blocked_images(halves_of(whole, s, x, count), count, p, winners);
    if (!s.few_channels())
        return blocked_images(blocks_of(s, x, count), count, p, winners);
    finish(p, count, [&](float *blocked) {
        for (long n = 0; n < count; n++)
            direct<1>(planes_of(s, x + n * s.x_size(s.x_blocked)), weights,
                      blocked + n * s.p_size(true),
                      winners ? winners + n * s.p_size(true) : nullptr);
    });
}

IN_A_PART void ForwardPass::blocked_images(Image image, long count, float *p,
                                           uint8_t *winners) const {
    const long size = s.p_size(true);
    const auto of = [&](long n) { return winners ? winners + n * size : nullptr; };
    finish(p, count, [&](float *blocked) {
        if (winograd && by_winograd(image, count, blocked, winners))
            return;
        const float *exact = winograd ? nullptr : weights;
        for (long n = 0; n < count; n++) {
            float *to = blocked + n * size;
            if (winograd && count > 1 && by_winograd(image.at(n), 1, to, of(n)))
                continue;
            if (exact == nullptr) {
                float *packed = scratch(Use::exact_weights, direct_weights_size(s));
                direct_weights(s, w, packed, true);
                exact = packed;
            }
            direct<V>(image.at(n), exact, to, of(n));
        }
    });
}

#endif

} // namespace today

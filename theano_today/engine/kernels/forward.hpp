// The forward pass of a stage: which kernel does an image.
#pragma once

#include <algorithm>

#include "direct.hpp"
#include "winograd.hpp"

namespace today {

inline bool all_finite(const float *values, long count) {
    float unlike = 0; // stays 0
    for (long i = 0; i < count; i++)
        unlike += 0.0f * values[i];
    return unlike == 0;
}

// The forward pass of a stage: what is made of its weights once, and what is done to an image
class ForwardPass {
  public:
    static long room(const StageShape &s) { return bias_size(s) + weights_size(s); }

    // `memory` has room() floats.
    ForwardPass(const StageShape &s, const float *w, const float *b, float *memory);

    // p and winners of an image x
    void image(const float *x, float *p, uint8_t *winners) const;

    // The same, of all that the windows see, blocked
    void blocked_image(Image image, float *p, uint8_t *winners) const;

  private:
    template <class F> void finish(float *p, F &&compute) const {
        float *blocked = s.p_blocked ? p : scratch(Use::pooled, s.p_size(true));
        compute(blocked);
        if (!s.p_blocked)
            blocks_to_planes(p, blocked, s.filters, s.windows());
    }
    template <int PIXEL>
    void direct(Image image, const float *weights, float *p, uint8_t *winners) const {
        if (s.pool == 2)
            direct_image<PIXEL>(s, image, weights, bias, p, winners);
        else
            direct_outputs<PIXEL>(s, image, weights, bias, p, winners);
    }
    bool by_winograd(Image image, float *p, uint8_t *winners) const {
        return s.filter_rows == 2 ? winograd_image<2>(s, image, weights, bias, p, winners)
                                  : winograd_image<3>(s, image, weights, bias, p, winners);
    }
    static long bias_size(const StageShape &s) { return round_up(s.filters, PANEL); }
    static long weights_size(const StageShape &s) {
        const long direct = direct_weights_size(s);
        return s.winograd() ? std::max(direct, winograd_weights_size(s)) : direct;
    }
    const StageShape &s;
    const float *w;
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

IN_A_PART ForwardPass::ForwardPass(const StageShape &s, const float *w, const float *b,
                                   float *memory)
    : s(s), w(w), bias(memory), weights(memory + bias_size(s)) {
    for (long f = 0; f < bias_size(s); f++)
        bias[f] = b != nullptr && f < s.filters ? b[f] : 0;
    // Winograd's sums leave out channels of zeros, of which a NaN or an infinity among the
    // weights would have made NaN.
    winograd = s.winograd() && all_finite(w, s.weights());
    if (!winograd)
        direct_weights(s, w, weights);
    else if (s.filter_rows == 2)
        winograd_weights<2>(s, w, weights);
    else
        winograd_weights<3>(s, w, weights);
}

IN_A_PART void ForwardPass::image(const float *x, float *p, uint8_t *winners) const {
    if (s.few_channels())
        finish(p, [&](float *blocked) { direct<1>(planes_of(s, x), weights, blocked, winners); });
    else
        blocked_image(blocks_of(s, x), p, winners);
}

IN_A_PART void ForwardPass::blocked_image(Image image, float *p, uint8_t *winners) const {
    finish(p, [&](float *blocked) {
        if (!winograd) {
            direct<V>(image, weights, blocked, winners);
        } else if (!by_winograd(image, blocked, winners)) {
            float *exact = scratch(Use::exact_weights, direct_weights_size(s));
            direct_weights(s, w, exact);
            direct<V>(image, exact, blocked, winners);
        }
    });
}

#endif

} // namespace today

// Dropout behind a stage.
#pragma once

#include "stage.hpp"

namespace today {

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

} // namespace today

// What the backward passes of stages with and without a pool have in common.
#pragma once

#include <vector>

#include "stage.hpp"

namespace today {

// The gradients of a stage: what is made once, what is done to an image, and the sums. Each of
// the parts of the images has sums of its own, which are added up in the parts' order.
class BackwardPass {
  public:
    virtual ~BackwardPass() = default;
    virtual void begin(long part) const = 0;
    // Add those of `count` images to the part's sums, from g, the gradient of the first one's p;
    // write those of their x to dx.
    virtual void images(long part, long first, long count, const float *g, float *dx) const = 0;
    // Write dw and db; false if Winograd's sums were not finite, which may be its own fault.
    virtual bool finish(long parts) const = 0;
};

// Those of a chain
struct BackwardPasses {
    std::vector<BackwardPass *> all;

    explicit BackwardPasses(long most) { all.reserve(most); }
    BackwardPasses(const BackwardPasses &) = delete;
    ~BackwardPasses() {
        for (const BackwardPass *one : all)
            delete one;
    }
    void add(BackwardPass *one) { all.push_back(one); }
};

// w blocked: (channel blocks, filters, taps, V)
inline long blocked_weights_size(const StageShape &s) {
    return s.channel_blocks() * V * s.filters * s.taps();
}
inline void block_weights(const StageShape &s, const float *w, float *blocked) {
    std::memset(blocked, 0, blocked_weights_size(s) * sizeof(float));
    for (long f = 0; f < s.filters; f++)
        for (long c = 0; c < s.channels; c++)
            for (long i = 0; i < s.filter_rows; i++)
                for (long j = 0; j < s.filter_columns; j++)
                    blocked[((c / V * s.filters + f) * s.taps() + i * s.filter_columns + j) * V +
                            c % V] = w[s.weight(f, c, i, j)];
}

} // namespace today

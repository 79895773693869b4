// Elementwise formulas of images (n, c, pixels) and of numbers for each channel: the results are
// images, or their sums over all but the channels, in float64. What batch normalisation is made of,
// and its gradients: one pass over memory for what has the same operands.
#pragma once

#include <algorithm>
#include <vector>

#include "scalars.hpp"
#include "sums.hpp"
#include "threads.hpp"

namespace today {

// Mirrored by channels.Operand. Floats from an image, a channel, a pixel to the next: an image's
// operand has 1 for the last, all else 0.
struct ChannelOperand {
    const float *data;
    int64_t image, channel, pixel;
};

// What becomes of a value. Mirrored by channels.Result.
struct ChannelResult {
    float *out; // (images, channels, pixels), or sums (channels)
    int64_t value, is_sum;
};

// Rounded: no multiplication and addition in one
static INLINE vf rounded(vf x) {
#if defined(__x86_64__)
    asm("" : "+x"(x));
#elif defined(__aarch64__)
    asm("" : "+w"(x));
#else
    volatile vf kept = x;
    x = kept;
#endif
    return x;
}

// to <- what(a, b, c): a function of scalars.hpp by its place in the table, or one of Several.
// Values are numbered, the operands first, then the registers. Mirrored by channels.Instruction.
struct Instruction {
    int32_t what, to, a, b, c;
};

// What several functions do in one: less is written and read. Mirrored by channels.SEVERAL.
enum class Several : int32_t {
    first = 1000,
    rectify = first,   // 0.5 * (a + |a|)
    rectify_gradient,  // 0.5 * a + 0.5 * a * sign(b)
    multiply_and_add,  // a * b + c
    subtract_multiply, // (a - b) * c
};

// One instruction on `vectors` vectors
inline void execute(const Instruction &one, float *const *values, long vectors) {
    float *to = values[one.to];
    const float *a = values[one.a], *b = values[one.b], *c = values[one.c];
    if (one.what < int32_t(Several::first))
        return scalars::TABLE[one.what].run((char *)to, (const char *)a, (const char *)b,
                                            (const char *)c, vectors * V);
    const auto each = [&](auto f) __attribute__((always_inline)) {
        for (long i = 0; i < vectors * V; i += V)
            store(to + i, f(load(a + i), load(b + i), load(c + i)));
    };
    const vf half = splat(0.5f), zero = {}, unit = splat(1.0f);
    switch (Several(one.what)) {
    case Several::rectify:
        return each([&](vf x, vf, vf) { return half * (x + (vf)((vi)x & splat(INT32_MAX))); });
    case Several::rectify_gradient: // the products are exact
        return each([&](vf g, vf z, vf) {
            const vf sign = where(z > 0, unit, where(z < 0, -unit, where(z == 0, zero, z)));
            return half * g + half * g * sign;
        });
    case Several::multiply_and_add:
        return each([](vf x, vf y, vf z) { return rounded(x * y) + z; });
    case Several::subtract_multiply:
        return each([](vf x, vf y, vf z) { return (x - y) * z; });
    }
}

class ChannelProgram {
    static constexpr long CHUNK = 512; // elements: all values of a program stay in the first cache

  public:
    // The first `constants` instructions, and the first `kept` registers, are of channels' numbers
    // alone: they are done once, and their registers keep what they have.
    ChannelProgram(const Instruction *program, long length, long constants, long kept,
                   const ChannelOperand *operands, long count, long registers,
                   const ChannelResult *results, long n_results, long images, long channels,
                   long pixels)
        : program(program), length(length), constants(constants), kept(kept), operands(operands),
          count(count), registers(registers), results(results), n_results(n_results),
          images(images), channels(channels), pixels(pixels),
          together(std::clamp(CHUNK / pixels, 1L, channels)),
          blocks((channels + together - 1) / together), parts(std::min(images, 16L)) {}

    // The images are divided into parts, as many for any number of threads.
    void run() const {
        double *sums = (double *)scratch(Use::products, 2 * parts * n_results * channels);
        std::fill(sums, sums + parts * n_results * channels, 0.0);
        Threads::instance().run(parts * blocks, [&](long item) {
            const long part = item / blocks;
            run_block(item % blocks * together, Share(images, part, parts),
                      sums + part * n_results * channels);
        });
        for (long k = 0; k < n_results; k++)
            for (long c = 0; c < channels && results[k].is_sum; c++) {
                double total = 0;
                for (long part = 0; part < parts; part++)
                    total += sums[(part * n_results + k) * channels + c];
                results[k].out[c] = float(total);
            }
    }

  private:
    // Channels from `first` on, of some images; sums (results, channels)
    void run_block(long first, Share mine, double *sums) const {
        const long some = std::min(together, channels - first);
        float *memory = scratch(Use::values, (registers + count) * CHUNK);
        float *copies = memory + registers * CHUNK;
        std::vector<float *> values(registers + count);
        for (long k = 0; k < count; k++)
            if (operands[k].pixel == 0) {
                spread(operands[k], first, some, copies + k * CHUNK);
                values[k] = copies + k * CHUNK;
            }
        for (long k = 0; k < kept; k++)
            values[count + k] = memory + k * CHUNK;
        for (long k = 0; k < constants; k++)
            execute(program[k], values.data(), CHUNK / V);
        for (long n = mine.begin; n < mine.end; n++)
            for (long pixel = 0; pixel < pixels; pixel += CHUNK) {
                const long each = std::min(pixels - pixel, CHUNK), elements = some * each;
                const auto part = [&](long from, long vectors, bool broken) {
                    for (long k = 0; k < registers; k++)
                        values[count + k] = memory + k * CHUNK + from;
                    for (long k = 0; k < count; k++) {
                        const ChannelOperand &operand = operands[k];
                        float *copy = copies + k * CHUNK;
                        values[k] = copy + from;
                        if (operand.pixel == 0)
                            continue;
                        const float *data = operand.data + n * operand.image +
                                            first * operand.channel + pixel + from;
                        if (broken) {
                            store(copy, load_first(data, elements - from));
                            data = copy;
                        }
                        values[k] = (float *)data;
                    }
                    for (long k = constants; k < length; k++)
                        execute(program[k], values.data(), vectors);
                };
                const long whole = elements / V * V;
                if (whole > 0)
                    part(0, whole / V, false);
                if (elements > whole)
                    part(whole, 1, true);
                for (long k = 0; k < n_results; k++) {
                    const float *value = memory + (results[k].value - count) * CHUNK;
                    if (!results[k].is_sum)
                        std::memcpy(results[k].out + (n * channels + first) * pixels + pixel, value,
                                    elements * sizeof(float));
                    for (long c = 0; c < some && results[k].is_sum; c++)
                        sums[k * channels + first + c] += sum_of(value + c * each, each);
                }
            }
    }

    // to (CHUNK) <- a channel's number as often as it has pixels in a chunk
    void spread(const ChannelOperand &operand, long first, long some, float *to) const {
        const float *from = operand.data + first * operand.channel;
        if (some == 1 || operand.channel == 0) {
            std::fill(to, to + CHUNK, *from);
            return;
        }
        for (long c = 0; c < some; c++)
            std::fill(to + c * pixels, to + (c + 1) * pixels, from[c * operand.channel]);
        std::fill(to + some * pixels, to + CHUNK, 0.0f);
    }

    const Instruction *program;
    const long length, constants, kept;
    const ChannelOperand *operands;
    const long count, registers;
    const ChannelResult *results;
    const long n_results, images, channels, pixels;
    const long together, blocks; // channels in a block, blocks
    const long parts;
};

} // namespace today

// Elementwise formulas of images (n, c, pixels) and of numbers for each channel: the results are
// images, or their sums over all but the channels, in float64. Images are planes or blocked. What
// batch normalisation is made of, and its gradients: one pass over memory for what has the same
// operands.
#pragma once

#include <algorithm>
#include <vector>

#include "scalars.hpp"
#include "sums.hpp"
#include "threads.hpp"

namespace today {

// Mirrored by channels.Operand. Floats from an image, a channel (or a block of them), a pixel to
// the next: an image's operand has 1 for the last, all else 0.
struct ChannelOperand {
    const float *data;
    int64_t image, channel, pixel;
};

// What becomes of a value. Mirrored by channels.Result.
struct ChannelResult {
    float *out;            // images as the operands are, or sums (channels)
    int64_t value, is_sum; // value: a register or, of a sum, images
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

// to <- what(a, b, c, d, e): a function of scalars.hpp by its place in the table, or one of
// Several. Values are numbered, the operands first, then the registers. Mirrored by
// channels.Instruction.
struct Instruction {
    int32_t what, to, a, b, c, d, e;
};

// What several functions do in one: less is written and read. Mirrored by channels.SEVERAL.
enum class Several : int32_t {
    first = 1000,
    rectify = first,          // 0.5 * (a + |a|)
    rectify_gradient,         // 0.5 * a + 0.5 * a * sign(b)
    multiply_and_add,         // a * b + c
    subtract_multiply,        // (a - b) * c
    normalize,                // (a - b) * c + d
    normalize_and_add,        // (a - b) * c + d + e
    normalize_rectify,        // rectify of (a - b) * c + d
    normalize_gradient,       // rectify_gradient of a and (b - c) * d + e
    multiply_and_add_twice,   // a * b + c + d
    multiply_and_add_thrice,  // a * b + c + d + e
    subtract_multiply_divide, // (a - b) * c / d
};

// 0.5 * (x + |x|), and its gradient; all products are exact
static INLINE vf rectified(vf x) { return splat(0.5f) * (x + (vf)((vi)x & splat(INT32_MAX))); }
static INLINE vf rectified_gradient(vf g, vf z) {
    const vf half = splat(0.5f), zero = {}, unit = splat(1.0f);
    const vf sign = where(z > 0, unit, where(z < 0, -unit, where(z == 0, zero, z)));
    return half * g + half * g * sign;
}
static INLINE vf normalized(vf x, vf mean, vf factor, vf more) {
    return rounded((x - mean) * factor) + more;
}

// One instruction on `vectors` vectors
inline void execute(const Instruction &one, float *const *values, long vectors) {
    float *to = values[one.to];
    const float *a = values[one.a], *b = values[one.b], *c = values[one.c];
    if (one.what < int32_t(Several::first))
        return scalars::TABLE[one.what].run((char *)to, (const char *)a, (const char *)b,
                                            (const char *)c, vectors * V);
    const float *d = values[one.d], *e = values[one.e];
    const auto each = [&](auto f) __attribute__((always_inline)) {
        for (long i = 0; i < vectors * V; i += V)
            store(to + i, f(load(a + i), load(b + i), load(c + i), load(d + i), load(e + i)));
    };
    switch (Several(one.what)) {
    case Several::rectify:
        return each([](vf x, vf, vf, vf, vf) { return rectified(x); });
    case Several::rectify_gradient:
        return each([](vf g, vf z, vf, vf, vf) { return rectified_gradient(g, z); });
    case Several::multiply_and_add:
        return each([](vf x, vf y, vf z, vf, vf) { return rounded(x * y) + z; });
    case Several::subtract_multiply:
        return each([](vf x, vf y, vf z, vf, vf) { return (x - y) * z; });
    case Several::normalize:
        return each([](vf x, vf y, vf z, vf u, vf) { return normalized(x, y, z, u); });
    case Several::normalize_and_add:
        return each([](vf x, vf y, vf z, vf u, vf v) { return normalized(x, y, z, u) + v; });
    case Several::normalize_rectify:
        return each([](vf x, vf y, vf z, vf u, vf) { return rectified(normalized(x, y, z, u)); });
    case Several::normalize_gradient:
        return each([](vf g, vf x, vf y, vf z, vf u) {
            return rectified_gradient(g, normalized(x, y, z, u));
        });
    case Several::multiply_and_add_twice:
        return each([](vf x, vf y, vf z, vf u, vf) { return rounded(x * y) + z + u; });
    case Several::multiply_and_add_thrice:
        return each([](vf x, vf y, vf z, vf u, vf v) { return rounded(x * y) + z + u + v; });
    case Several::subtract_multiply_divide:
        return each([](vf x, vf y, vf z, vf u, vf) { return (x - y) * z / u; });
    }
}

class ChannelProgram {
    // Elements at a time: all values of a program stay in the first cache.
    static constexpr long MOST = 512, FEWER = 256, CACHED = 24 << 10;

  public:
    // The first `kept` instructions are of channels' numbers alone, and so are as many first
    // registers: they are done once, and their registers keep what they have. `pixels` are the
    // floats of a channel, or of a block of `lanes` (V); lanes is 1 for planes.
    ChannelProgram(const Instruction *program, long length, long kept,
                   const ChannelOperand *operands, long count, long registers,
                   const ChannelResult *results, long n_results, long images, long channels,
                   long pixels, long lanes)
        : program(program), length(length), kept(kept), operands(operands), count(count),
          registers(registers), results(results), n_results(n_results), images(images),
          channels(channels), pixels(pixels), lanes(lanes),
          chunk((registers + count) * MOST * 4 <= CACHED ? MOST : FEWER),
          groups((channels + lanes - 1) / lanes), together(std::clamp(chunk / pixels, 1L, groups)),
          blocks((groups + together - 1) / together), parts(std::min(images, 16L)) {}

    // The images are divided into parts, as many for any number of threads.
    void run() const {
        const long all = groups * lanes;
        double *sums = (double *)scratch(Use::products, 2 * parts * n_results * all);
        std::fill(sums, sums + parts * n_results * all, 0.0);
        Threads::instance().run(parts * blocks, [&](long item) {
            const long part = item / blocks;
            run_block(item % blocks * together, Share(images, part, parts),
                      sums + part * n_results * all);
        });
        for (long k = 0; k < n_results; k++)
            for (long c = 0; c < channels && results[k].is_sum; c++) {
                double total = 0;
                for (long part = 0; part < parts; part++)
                    total += sums[(part * n_results + k) * all + c];
                results[k].out[c] = float(total);
            }
    }

  private:
    // Channels, or blocks, from `first` on, of some images; sums (results, all channels)
    void run_block(long first, Share mine, double *sums) const {
        const long some = std::min(together, groups - first);
        float *memory = scratch(Use::values, (registers + count) * chunk);
        float *copies = memory + registers * chunk;
        std::vector<float *> values(registers + count);
        for (long k = 0; k < count; k++)
            if (operands[k].pixel == 0) {
                spread(operands[k], first, some, copies + k * chunk);
                values[k] = copies + k * chunk;
            }
        for (long k = 0; k < kept; k++)
            values[count + k] = memory + k * chunk;
        for (long k = 0; k < kept; k++)
            execute(program[k], values.data(), chunk / V);
        for (long n = mine.begin; n < mine.end; n++)
            for (long pixel = 0; pixel < pixels; pixel += chunk) {
                const long each = std::min(pixels - pixel, chunk), elements = some * each;
                // Images that are results are computed where they belong.
                const auto to = [&](long k) {
                    return results[k].out + (n * groups + first) * pixels + pixel;
                };
                const auto part = [&](long from, long vectors, bool broken) {
                    for (long k = 0; k < registers; k++)
                        values[count + k] = memory + k * chunk + from;
                    for (long k = n_results - 1; k >= 0 && elements % V == 0; k--)
                        if (!results[k].is_sum)
                            values[results[k].value] = to(k) + from;
                    for (long k = 0; k < count; k++) {
                        const ChannelOperand &operand = operands[k];
                        float *copy = copies + k * chunk;
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
                    for (long k = kept; k < length; k++)
                        execute(program[k], values.data(), vectors);
                };
                const long whole = elements / V * V;
                if (whole > 0)
                    part(0, whole / V, false);
                if (elements > whole)
                    part(whole, 1, true);
                for (long k = 0; k < n_results; k++) {
                    const float *value = whole_value(k, n, first, pixel);
                    if (value == nullptr)
                        value = elements % V == 0 ? values[results[k].value]
                                                  : memory + (results[k].value - count) * chunk;
                    if (!results[k].is_sum)
                        put(value, elements, first, some, to(k));
                    for (long c = 0; c < some && results[k].is_sum; c++) {
                        double *to = sums + (k * groups + first + c) * lanes;
                        if (lanes == 1)
                            *to += sum_of(value + c * each, each);
                        else
                            add_lanes(value + c * each, each, to);
                    }
                }
            }
    }

    // Where the images lie that a result sums up as they are, or null
    const float *whole_value(long result, long n, long first, long pixel) const {
        const long value = results[result].value;
        if (value >= count)
            return nullptr;
        const ChannelOperand &operand = operands[value];
        return operand.data + n * operand.image + first * operand.channel + pixel;
    }

    // to <- values of `some` channels or blocks; zeros behind the last channel
    void put(const float *value, long elements, long first, long some, float *to) const {
        if (to != value)
            std::memcpy(to, value, elements * sizeof(float));
        if (lanes == 1 || first + some < groups || channels % V == 0)
            return;
        for (long i = elements - elements / some; i < elements; i += V)
            store(to + i, load_first(value + i, channels % V));
    }

    // to (V) += vectors
    static void add_lanes(const float *x, long count, double *to) {
        constexpr int AT_ONCE = 4, HALF = V / 2;
        vd sums[2 * AT_ONCE] = {};
        long i = 0;
        for (; i + AT_ONCE * V <= count; i += AT_ONCE * V)
            EACH (k, 2 * AT_ONCE)
                sums[k] += load_wide(x + i + k * HALF);
        for (; i < count; i += V) {
            sums[0] += load_wide(x + i);
            sums[1] += load_wide(x + i + HALF);
        }
        EACH (half, 2) {
            const vd total = (sums[half] + sums[half + 2]) + (sums[half + 4] + sums[half + 6]);
            for (int lane = 0; lane < HALF; lane++)
                to[half * HALF + lane] += total[lane];
        }
    }

    // to (chunk) <- a channel's number as often as it has pixels in a chunk
    void spread(const ChannelOperand &operand, long first, long some, float *to) const {
        const float *from = operand.data + first * lanes * operand.channel;
        if (lanes > 1 && operand.channel != 0) {
            const long each = some == 1 ? chunk : pixels;
            for (long c = 0; c < some; c++) {
                const long there = std::min<long>(V, channels - (first + c) * V);
                const vf numbers = load_first(from + c * V, there);
                for (long i = 0; i < each; i += V)
                    store(to + c * each + i, numbers);
            }
            std::fill(to + some * each, to + chunk, 0.0f);
            return;
        }
        if (some == 1 || operand.channel == 0) {
            std::fill(to, to + chunk, *from);
            return;
        }
        for (long c = 0; c < some; c++)
            std::fill(to + c * pixels, to + (c + 1) * pixels, from[c * operand.channel]);
        std::fill(to + some * pixels, to + chunk, 0.0f);
    }

    const Instruction *program;
    const long length, kept;
    const ChannelOperand *operands;
    const long count, registers;
    const ChannelResult *results;
    const long n_results, images, channels, pixels, lanes;
    const long chunk;            // elements at a time
    const long groups;           // channels, or blocks of them
    const long together, blocks; // groups that are done at a time
    const long parts;
};

} // namespace today

// MRG31k3p (L'Ecuyer and Touzin 2000), as Theano's MRG_RandomStreams draws from it: number i comes
// from stream i % streams. A vector holds as many streams as it has lanes.
//
//   x_n = (2^22 x_{n-2} + (2^7 + 1) x_{n-3}) mod M1,   M1 = 2^31 - 1
//   y_n = (2^15 y_{n-1} + (2^15 + 1) y_{n-3}) mod M2,  M2 = 2^31 - 21069
//   the number is x_n - y_n, or x_n - y_n + M1 where that is not positive
//
// The arithmetic is that of rng_mrg.py's C code, bit by bit, where an int overflows included.
#pragma once

#include <algorithm>

#include "threads.hpp"

namespace today {

typedef uint32_t vu __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES)));
typedef int32_t vi_anywhere
    __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES), aligned(4), may_alias));

// y, or y - modulus where y, without its sign, is not below the modulus
static INLINE vi reduced(vi y, int32_t modulus) {
    const vu whole = (vu)y, less = whole - (vu)splat(modulus);
#if THEANO_TODAY_AVX512
    return (vi)_mm512_min_epu32((__m512i)whole, (__m512i)less);
#else
    return (vi)(whole < less ? whole : less);
#endif
}

// A vector of streams
struct Streams {
    static constexpr int32_t M1 = 2147483647, M2 = 2147462579;
    vi x[3], y[3];

    // The next number of each
    INLINE vi next() {
        const vu high = (vu)((x[1] & 511) << 22), low = (vu)((x[2] & 16777215) << 7);
        vi one = reduced((vi)(high + (vu)(x[1] >> 9) + low + (vu)(x[2] >> 24)), M1);
        one = reduced((vi)((vu)one + (vu)x[2]), M1);
        vi two = reduced(fifteen(y[2]), M2);
        two = reduced((vi)((vu)two + (vu)y[2]), M2);
        two = reduced((vi)((vu)two + (vu)reduced(fifteen(y[0]), M2)), M2);
        x[2] = x[1], x[1] = x[0], x[0] = one;
        y[2] = y[1], y[1] = y[0], y[0] = two;
        const vu difference = (vu)one - (vu)two;
        return (vi)(difference + ((vu)(one <= two) & (vu)splat(M1)));
    }

  private:
    static INLINE vi fifteen(vi v) {
        return (vi)((vu)((v & 65535) << 15) + 21069u * (vu)(v >> 16));
    }
};

constexpr long CHUNK = 512; // streams at a time: they stay in the cache
constexpr int ROUNDS = 4;   // numbers of each that are drawn before its state is stored

// Draw `count` numbers from `streams` streams, state (streams, 6), which is moved on. They are
// handed to emit(index, numbers, lanes), the numbers of `lanes` indices from `index` on.
template <class F> inline void draw(int32_t *state, long streams, long count, F &&emit) {
    const auto draw_chunk = [&](long item) {
        const long first = item * CHUNK, n = std::min(CHUNK, streams - first);
        if (first >= count)
            return;
        alignas(64) int32_t kept[6][CHUNK] = {};
        for (long s = 0; s < n; s++)
            for (int j = 0; j < 6; j++)
                kept[j][s] = state[(first + s) * 6 + j];
        const auto load_streams = [&](long s) __attribute__((always_inline)) {
            Streams of;
            EACH (j, 3) {
                of.x[j] = *(const vi_anywhere *)&kept[j][s];
                of.y[j] = *(const vi_anywhere *)&kept[3 + j][s];
            }
            return of;
        };
        long base = first;
        for (; base + (ROUNDS - 1) * streams + n <= count; base += ROUNDS * streams)
            for (long s = 0; s < n; s += V) {
                Streams of = load_streams(s);
                EACH (q, ROUNDS)
                    emit(base + q * streams + s, of.next(), n - s < V ? n - s : V);
                EACH (j, 3) {
                    *(vi_anywhere *)&kept[j][s] = of.x[j];
                    *(vi_anywhere *)&kept[3 + j][s] = of.y[j];
                }
            }
        for (; base < count; base += streams) {
            const long some = std::min(n, count - base); // the others stay as they are
            for (long s = 0; s < some; s += V) {
                const long lanes = some - s < V ? some - s : V;
                Streams of = load_streams(s);
                emit(base + s, of.next(), lanes);
                EACH (j, 3) {
                    std::memcpy(&kept[j][s], &of.x[j], lanes * sizeof(int32_t));
                    std::memcpy(&kept[3 + j][s], &of.y[j], lanes * sizeof(int32_t));
                }
            }
        }
        for (long s = 0; s < n; s++)
            for (int j = 0; j < 6; j++)
                state[(first + s) * 6 + j] = kept[j][s];
    };
    const long chunks = (streams + CHUNK - 1) / CHUNK;
    if (count < 1 << 14) // drawn before a thread has woken up
        for (long item = 0; item < chunks; item++)
            draw_chunk(item);
    else
        Threads::instance().run(chunks, draw_chunk);
}

static INLINE vf uniform(vi numbers) {
    return __builtin_convertvector(numbers, vf) * 4.6566126e-10f;
}

// samples (count) in (0, 1)
inline void draw_uniform(int32_t *state, long streams, float *samples, long count) {
    draw(state, streams, count, [&](long i, vi numbers, long lanes) __attribute__((always_inline)) {
        if (lanes == V)
            store(samples + i, uniform(numbers));
        else
            store_first(samples + i, uniform(numbers), lanes);
    });
}

inline void draw_uniform(int32_t *state, long streams, double *samples, long count) {
    draw(state, streams, count, [&](long i, vi numbers, long lanes) {
        for (long lane = 0; lane < lanes; lane++)
            samples[i + lane] = numbers[lane] * 4.656612873077392578125e-10;
    });
}

// mask (count): 1 where the sample is below p, else 0
inline void draw_mask(int32_t *state, long streams, float p, uint8_t *mask, long count) {
    draw(state, streams, count, [&](long i, vi numbers, long lanes) __attribute__((always_inline)) {
        const vi below = (vi)(uniform(numbers) < p) & 1;
        if (lanes == V) {
            store_bytes(mask + i, below);
        } else {
            for (long lane = 0; lane < lanes; lane++)
                mask[i + lane] = uint8_t(below[lane]);
        }
    });
}

} // namespace today

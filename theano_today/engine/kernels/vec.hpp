// Vectors of float32 in the width of the processor that this file is compiled for.
//
// GCC's vector extensions (clang has them, too): one source for AVX-512, AVX2, NEON and plain
// C++; the compiler's target (-march=native) chooses. THEANO_TODAY_VECTOR_BYTES overrides it, for
// tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#if !defined(THEANO_TODAY_VECTOR_BYTES)
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define THEANO_TODAY_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define THEANO_TODAY_VECTOR_BYTES 32
#else
#define THEANO_TODAY_VECTOR_BYTES 16
#endif
#endif

#if THEANO_TODAY_VECTOR_BYTES == 64 && defined(__AVX512F__)
#include <immintrin.h>
#define THEANO_TODAY_AVX512 1
#else
#define THEANO_TODAY_AVX512 0
#endif

// Loops of a constant count whose bodies index registers: they must vanish.
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
// The loop over i = 0 ... n - 1, unrolled.
#define EACH(i, n)                                                                                 \
    UNROLL                                                                                         \
    for (int i = 0; i < (n); i++)
#define INLINE inline __attribute__((always_inline))

namespace today {

constexpr int V = THEANO_TODAY_VECTOR_BYTES / 4; // floats in a vector

// How many vector registers there are decides how large a tile of sums may be.
#if THEANO_TODAY_AVX512 || defined(__aarch64__)
constexpr int REGISTERS = 32;
#else
constexpr int REGISTERS = 16;
#endif

typedef float vf __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES)));
typedef int32_t vi __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES)));
typedef float vf_anywhere
    __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES), aligned(4), may_alias));
typedef uint8_t vb __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES / 4)));
typedef uint8_t vb_anywhere
    __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES / 4), aligned(1), may_alias));

static INLINE vf load(const float *p) { return *(const vf_anywhere *)p; }
static INLINE void store(float *p, vf x) { *(vf_anywhere *)p = x; }
static INLINE vf splat(float x) { return x - vf{}; }
static INLINE vi splat(int32_t x) { return x - vi{}; }
static INLINE vi load_bytes(const uint8_t *p) {
    return __builtin_convertvector(*(const vb_anywhere *)p, vi);
}
static INLINE void store_bytes(uint8_t *p, vi x) {
    *(vb_anywhere *)p = __builtin_convertvector(x, vb);
}

// The first n of V floats; the others are 0 (load) or not touched (store).
static INLINE vf load_first(const float *p, long n) {
    vf x = {};
    std::memcpy(&x, p, n * sizeof(float));
    return x;
}
static INLINE void store_first(float *p, vf x, long n) { std::memcpy(p, &x, n * sizeof(float)); }

// Lane by lane: where(mask, a, b); the mask's lanes are all ones or all zeros.
static INLINE vf where(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }

// x > m ? x : m, so that a NaN in x is passed over, as Theano's pooling does.
static INLINE vf larger(vf x, vf m) {
#if THEANO_TODAY_AVX512
    return (vf)_mm512_max_ps((__m512)x, (__m512)m);
#else
    return x > m ? x : m;
#endif
}

static INLINE bool any(vi mask) {
#if THEANO_TODAY_AVX512
    return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#else
    int32_t sum = 0;
    for (int lane = 0; lane < V; lane++)
        sum |= mask[lane];
    return sum != 0;
#endif
}

// Rows of V vectors become columns: lanes are exchanged at distances 1, 2, 4, ...
template <int D, int... L>
static INLINE void exchange(vf &a, vf &b, std::integer_sequence<int, L...>) {
    const vf low = __builtin_shufflevector(a, b, ((L & D) ? V + L - D : L)...);
    const vf high = __builtin_shufflevector(a, b, ((L & D) ? V + L : L + D)...);
    a = low, b = high;
}
template <int D = 1> static INLINE void transpose(vf (&rows)[V]) {
    EACH (i, V)
        if (!(i & D))
            exchange<D>(rows[i], rows[i + D], std::make_integer_sequence<int, V>());
    if constexpr (2 * D < V)
        transpose<2 * D>(rows);
}

static inline long round_up(long n, long to) { return (n + to - 1) / to * to; }

} // namespace today

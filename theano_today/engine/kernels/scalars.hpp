// Elementwise functions, an array at a time, by name: "add.f4" adds float32, "cast.f4.i8" makes
// int64 of float32. steps.hpp runs them over blocks that stay in the cache.
//
// They have the bits of Theano's C code, since each does one operation. Of float32, exp, tanh and
// log are vectors' own, within 2 units in the last place, sigmoid and softplus within 3
// (tests/.../engine/test_programs.py), pow within 0.5001 (tests/.../kernels/steps.hpp); all that is
// left to the C library is the same as in Theano.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "vec.hpp"

#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace today {

// o[i] = f(a[i], b[i], c[i]) for i < n; o may be one of the others.
using Function = void (*)(char *o, const char *a, const char *b, const char *c, long n);
struct Named {
    const char *name;
    Function run;
};

namespace scalars {

template <class R, class T, class F>
static INLINE void unary(char *o, const char *a, long n, F &&f) {
    R *to = (R *)o;
    const T *x = (const T *)a;
    INDEPENDENT
    for (long i = 0; i < n; i++)
        to[i] = f(x[i]);
}
template <class R, class T, class F>
static INLINE void binary(char *o, const char *a, const char *b, long n, F &&f) {
    R *to = (R *)o;
    const T *x = (const T *)a, *y = (const T *)b;
    INDEPENDENT
    for (long i = 0; i < n; i++)
        to[i] = f(x[i], y[i]);
}

// Integers wrap, as the processor does it.
template <class T> struct Wrapping {
    using type = T;
};
template <> struct Wrapping<int8_t> {
    using type = uint32_t;
};
template <> struct Wrapping<int32_t> {
    using type = uint32_t;
};
template <> struct Wrapping<int64_t> {
    using type = uint64_t;
};

#define UNARY(NAME, R, EXPRESSION)                                                                 \
    template <class T> void NAME(char *o, const char *a, const char *, const char *, long n) {     \
        unary<R, T>(o, a, n, [](T x) -> R { return EXPRESSION; });                                 \
    }
#define BINARY(NAME, R, EXPRESSION)                                                                \
    template <class T> void NAME(char *o, const char *a, const char *b, const char *, long n) {    \
        binary<R, T>(o, a, b, n, [](T x, T y) -> R {                                               \
            using U [[maybe_unused]] = typename Wrapping<T>::type;                                 \
            return EXPRESSION;                                                                     \
        });                                                                                        \
    }

BINARY(add, T, T(U(x) + U(y)))
BINARY(sub, T, T(U(x) - U(y)))
BINARY(mul, T, T(U(x) * U(y)))
BINARY(div, T, x / y)
BINARY(eq, int8_t, x == y)
BINARY(neq, int8_t, x != y)
BINARY(lt, int8_t, x < y)
BINARY(gt, int8_t, x > y)
BINARY(le, int8_t, x <= y)
BINARY(ge, int8_t, x >= y)
BINARY(bit_and, T, T(x &y))
BINARY(bit_or, T, T(x | y))
BINARY(bit_xor, T, T(x ^ y))
// Theano's formulas; of two that are equal the first.
BINARY(maximum, T, y > x ? y : x >= y ? x : std::numeric_limits<T>::quiet_NaN())
BINARY(minimum, T, y < x ? y : x <= y ? x : std::numeric_limits<T>::quiet_NaN())
// C makes doubles of integers, as NaN is one.
BINARY(whole_maximum, T, T(double(y > x ? y : x)))
BINARY(whole_minimum, T, T(double(y < x ? y : x)))
UNARY(neg, T, T(-x))
UNARY(wrapped_neg, T, T(0 - typename Wrapping<T>::type(x)))
UNARY(wrapped_abs, T, x < 0 ? T(0 - typename Wrapping<T>::type(x)) : x)
UNARY(fabs, T, std::fabs(x))
UNARY(sqr, T, T(typename Wrapping<T>::type(x) * typename Wrapping<T>::type(x)))
UNARY(identity, T, x)
UNARY(sqrt, T, std::sqrt(x))
UNARY(inv, T, T(1) / x)
UNARY(log, T, std::log(x))
UNARY(log1p, T, std::log1p(x))
UNARY(expm1, T, std::expm1(x))
UNARY(sign, T, x > 0 ? T(1) : x < 0 ? T(-1) : x != x ? x : T(0)) // of -0 too it is 0
UNARY(logical_not, int8_t, !x)
UNARY(exp_of_double, T, std::exp(x))
UNARY(tanh_of_double, T, std::tanh(x))
UNARY(softplus_of_double, T, x < -745.0 ? 0.0 : x > 16.0 ? x : std::log1p(std::exp(x)))
UNARY(sigmoid_of_double, T, x < -709.0 ? 0.0 : x > 19.0 ? 1.0 : 1.0 / (1.0 + std::exp(-x)))

template <class R, class T> void cast(char *o, const char *a, const char *, const char *, long n) {
    unary<R, T>(o, a, n, [](T x) -> R { return R(x); });
}
template <class T> void cast_to_bool(char *o, const char *a, const char *, const char *, long n) {
    unary<int8_t, T>(o, a, n, [](T x) -> int8_t { return x != 0; });
}
// The condition is of one byte.
template <class T> void pick(char *o, const char *a, const char *b, const char *c, long n) {
    T *to = (T *)o;
    const int8_t *condition = (const int8_t *)a;
    const T *x = (const T *)b, *y = (const T *)c;
    INDEPENDENT
    for (long i = 0; i < n; i++)
        to[i] = condition[i] ? x[i] : y[i];
}

// Two or three functions as one, which formulas.py makes of those of a scan's steps: the compiler
// may make one operation of a product and a sum, as it may of Theano's C code.
#define TERNARY(NAME, EXPRESSION)                                                                  \
    template <class T> void NAME(char *o, const char *a, const char *b, const char *c, long n) {   \
        T *to = (T *)o;                                                                            \
        const T *xs = (const T *)a, *ys = (const T *)b, *zs = (const T *)c;                        \
        INDEPENDENT                                                                                \
        for (long i = 0; i < n; i++) {                                                             \
            const T x = xs[i], y = ys[i], z = zs[i];                                               \
            to[i] = EXPRESSION;                                                                    \
        }                                                                                          \
    }
TERNARY(mul_add, x *y + z)
TERNARY(mul_mul, x * y * z)
TERNARY(mul_sub, x *(y - z))
TERNARY(mul_sub_sqr, x *(y - z * z))
BINARY(sub_sqr, T, x - y * y)

// Vectors at a time; behind the last whole one the lanes of a part
template <class F> static INLINE void vectors(char *o, const char *a, long n, F &&f) {
    float *to = (float *)o;
    const float *x = (const float *)a;
    long i = 0;
    for (; i + V <= n; i += V)
        store(to + i, f(load(x + i)));
    if (i < n)
        store_first(to + i, f(load_first(x + i, n - i)), n - i);
}

static INLINE vf multiply_add(vf a, vf b, vf c) { return a * b + c; }

// e ** x as 2 ** n * e ** r, |r| <= ln(2) / 2. Cody and Waite's reduction and the polynomial of
// Cephes' expf (S. Moshier). Two factors for 2 ** n, so that small results lose their digits one
// by one, and large ones become infinite where they should.
static INLINE vf exp_of(vf x) {
    const vf low = splat(-104.0f), high = splat(89.0f);
#if THEANO_TODAY_AVX512
    const vf z = (vf)_mm512_min_ps((__m512)high, _mm512_max_ps((__m512)low, (__m512)x));
#else
    vf z = where((vi)(x < low), low, x);
    z = where((vi)(z > high), high, z); // NaN passes, as above
#endif
    const vf shift = splat(12582912.0f); // 1.5 * 2 ** 23: what is added to it is rounded
    const vf n = multiply_add(z, splat(1.44269504088896341f), shift) - shift;
    vf r = multiply_add(n, splat(-0.693359375f), z);
    r = multiply_add(n, splat(2.12194440e-4f), r);
    vf p = splat(1.9875691500e-4f);
    p = multiply_add(p, r, splat(1.3981999507e-3f));
    p = multiply_add(p, r, splat(8.3334519073e-3f));
    p = multiply_add(p, r, splat(4.1665795894e-2f));
    p = multiply_add(p, r, splat(1.6666665459e-1f));
    p = multiply_add(p, r, splat(5.0000001201e-1f));
    p = multiply_add(p, r * r, r) + splat(1.0f);
#if THEANO_TODAY_AVX512
    return (vf)_mm512_scalef_ps((__m512)p, (__m512)n); // rounded once, too
#else
    const vf whole = where((vi)(x == x), n, vf{}); // an integer of NaN is anything
    const vi k = __builtin_convertvector(whole, vi), half = k >> 1;
    const vf one = (vf)((half + splat(127)) << 23), other = (vf)((k - half + splat(127)) << 23);
    return p * one * other;
#endif
}

static INLINE vf with_sign_of(vf x, vf sign) {
    const vi bit = splat(int32_t(0x80000000));
    return (vf)(((vi)x & ~bit) | ((vi)sign & bit));
}

// Near 0 Cephes' tanhf, elsewhere 1 - 2 / (e ** 2|x| + 1).
static INLINE vf tanh_of(vf x) {
    const vf size = (vf)((vi)x & splat(int32_t(0x7fffffff)));
    const vf z = x * x;
    vf p = splat(-5.70498872745e-3f);
    p = multiply_add(p, z, splat(2.06390887954e-2f));
    p = multiply_add(p, z, splat(-5.37397155531e-2f));
    p = multiply_add(p, z, splat(1.33314422036e-1f));
    p = multiply_add(p, z, splat(-3.33332819422e-1f));
    const vf near = multiply_add(p * z, x, x);
    const vf far = splat(1.0f) - splat(2.0f) / (exp_of(size + size) + splat(1.0f));
    return with_sign_of(where((vi)(size < splat(0.625f)), near, far), x);
}

// With the limits of Theano's C code
static INLINE vf sigmoid_of(vf x) {
    const vf one = splat(1.0f);
    vf y = one / (one + exp_of(-x));
    y = where((vi)(x > splat(15.0f)), one, y);
    return where((vi)(x < splat(-88.0f)), vf{}, y);
}

// Cephes' logf: x = 2 ** n * m, sqrt(1/2) <= m < sqrt(2), and a polynomial of m - 1.
static INLINE vf log_of(vf x) {
    const vf smallest = splat(1.17549435e-38f);
    const vi tiny = (vi)(x < smallest);
    const vf y =
        where(tiny, x * splat(8388608.0f), x); // 2 ** 23: denormal numbers have an exponent
    const vi bits = (vi)y;
    vi n = ((bits >> 23) & splat(255)) - splat(126);
    n = n - (tiny & splat(23));
    vf m = (vf)((bits & splat(0x007fffff)) | splat(0x3f000000)); // 1/2 <= m < 1
    const vi low = (vi)(m < splat(0.707106781186547524f));
    n = n + low; // less 1
    m = where(low, m + m, m) - splat(1.0f);
    const vf z = m * m, e = __builtin_convertvector(n, vf);
    vf p = splat(7.0376836292e-2f);
    p = multiply_add(p, m, splat(-1.1514610310e-1f));
    p = multiply_add(p, m, splat(1.1676998740e-1f));
    p = multiply_add(p, m, splat(-1.2420140846e-1f));
    p = multiply_add(p, m, splat(1.4249322787e-1f));
    p = multiply_add(p, m, splat(-1.6668057665e-1f));
    p = multiply_add(p, m, splat(2.0000714765e-1f));
    p = multiply_add(p, m, splat(-2.4999993993e-1f));
    p = multiply_add(p, m, splat(3.3333331174e-1f));
    vf r = p * m * z;
    r = multiply_add(e, splat(-2.12194440e-4f), r);
    r = multiply_add(splat(-0.5f), z, r);
    r = multiply_add(e, splat(0.693359375f), m + r);
    const vf infinite = splat(INFINITY);
    r = where((vi)(x == infinite), infinite, r);
    r = where((vi)(x == vf{}), -infinite, r);
    return where((vi)(x >= vf{}), r, splat(NAN)); // of negative numbers and NaN
}

// log(1 + x) for 0 <= x, by Kahan's way: what 1 + x loses of x is put right.
static INLINE vf log1p_of(vf x) {
    const vf u = splat(1.0f) + x, lost = u - splat(1.0f);
    return where((vi)(lost == vf{}), x, log_of(u) * (x / where((vi)(lost == vf{}), u, lost)));
}

// With the limits of Theano's C code
static INLINE vf softplus_of(vf x) {
    vf y = log1p_of(exp_of(x));
    y = where((vi)(x > splat(14.0f)), x, y);
    return where((vi)(x < splat(-103.0f)), vf{}, y);
}

// x ** y of positive, finite x and finite y: 2 ** (y * log2(x)) in double precision, so that it is
// rounded once. log2 by the series of the inverse hyperbolic tangent, for 1/sqrt(2) <= m < sqrt(2);
// 2 ** r by that of the exponential function, |r| <= 1/2. What they leave out is below 2 ** -41 of
// the result.
typedef float half_vf __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES / 2)));
typedef double vd __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES)));
typedef uint64_t vq __attribute__((vector_size(THEANO_TODAY_VECTOR_BYTES)));

static INLINE half_vf power_of_some(half_vf x, half_vf y) {
    const auto all = [](auto n) { return n - decltype(vd{} + n){}; };
    const vq bits = (vq) __builtin_convertvector(x, vd);
    // Less the root of 1/2, the upper 12 bits are the exponent of 2.
    const vq above = bits - 0x3fe6a09e667f3bcdull, exponent = above & 0xfff0000000000000ull;
    const vd m = (vd)(bits - exponent);
    // As the last digits of a double that large
    const vq counted = ((above + (0x400ull << 52)) >> 52) | 0x4330000000000000ull;
    const vd e = (vd)counted - all(4503599627370496.0 + 1024.0);
    const vd s = (m - 1.0) / (m + 1.0), z = s * s;
    vd p = all(1.0 / 17);
    EACH (k, 8)
        p = p * z + 1.0 / (15 - 2 * k);
    vd t = __builtin_convertvector(y, vd) * (e + s * p * 2.88539008177792681472); // 2 / ln 2
    t = t > 200.0 ? all(200.0) : t; // infinite as a float
    t = t < -200.0 ? all(-200.0) : t;
    const vd large = t + 6755399441055744.0; // 1.5 * 2 ** 52: the last digits are whole numbers
    const vd r = (t - (large - 6755399441055744.0)) * 0.693147180559945309417;
    vd q = all(1.0 / 39916800);
    constexpr double INVERSE_FACTORIALS[] = {1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                                             1.0 / 720,     1.0 / 120,    1.0 / 24,    1.0 / 6,
                                             0.5,           1.0,          1.0};
    EACH (k, 11)
        q = q * r + INVERSE_FACTORIALS[k];
    return __builtin_convertvector(q * (vd)(((vq)large + 1023) << 52), half_vf);
}

static INLINE vf power_of(vf x, vf y) {
    const vf infinite = splat(INFINITY);
    const vi ordinary =
        (vi)(x > vf{}) & (vi)(x < infinite) & (vi)(y < infinite) & (vi)(y > -infinite);
    vf result;
    if (any(~ordinary)) {
        for (int lane = 0; lane < V; lane++)
            result[lane] = std::pow(x[lane], y[lane]);
        return result;
    }
    half_vf xs[2], ys[2];
    std::memcpy(xs, &x, sizeof x);
    std::memcpy(ys, &y, sizeof y);
    EACH (k, 2)
        xs[k] = power_of_some(xs[k], ys[k]);
    std::memcpy(&result, xs, sizeof x);
    return result;
}

inline void pow_of_float(char *o, const char *a, const char *b, const char *, long n) {
    float *to = (float *)o;
    const float *x = (const float *)a, *y = (const float *)b;
    long i = 0;
    for (; i + V <= n; i += V)
        store(to + i, power_of(load(x + i), load(y + i)));
    for (; i < n; i++)
        to[i] = power_of(splat(x[i]), splat(y[i]))[0];
}

inline void log_of_float(char *o, const char *a, const char *, const char *, long n) {
    vectors(o, a, n, [](vf x) __attribute__((always_inline)) { return log_of(x); });
}
inline void softplus_of_float(char *o, const char *a, const char *, const char *, long n) {
    vectors(o, a, n, [](vf x) __attribute__((always_inline)) { return softplus_of(x); });
}
inline void exp_of_float(char *o, const char *a, const char *, const char *, long n) {
    vectors(o, a, n, [](vf x) __attribute__((always_inline)) { return exp_of(x); });
}
inline void tanh_of_float(char *o, const char *a, const char *, const char *, long n) {
    vectors(o, a, n, [](vf x) __attribute__((always_inline)) { return tanh_of(x); });
}
inline void sigmoid_of_float(char *o, const char *a, const char *, const char *, long n) {
    vectors(o, a, n, [](vf x) __attribute__((always_inline)) { return sigmoid_of(x); });
}

// Theano's formula: of NaN x itself
template <class T> void clip(char *o, const char *a, const char *b, const char *c, long n) {
    T *to = (T *)o;
    const T *x = (const T *)a, *low = (const T *)b, *high = (const T *)c;
    INDEPENDENT
    for (long i = 0; i < n; i++)
        to[i] = x[i] < low[i] ? low[i] : x[i] > high[i] ? high[i] : x[i];
}

#define OF_ANY(T, TYPE)                                                                            \
    {"add." T, add<TYPE>}, {"sub." T, sub<TYPE>}, {"mul." T, mul<TYPE>},                           \
        {"identity." T, identity<TYPE>}, {"eq." T, eq<TYPE>}, {"neq." T, neq<TYPE>},               \
        {"lt." T, lt<TYPE>}, {"gt." T, gt<TYPE>}, {"le." T, le<TYPE>}, {"ge." T, ge<TYPE>},        \
        {"sqr." T, sqr<TYPE>}, {"switch." T, pick<TYPE>}, {"cast." T ".f4", cast<float, TYPE>},    \
        {"cast." T ".f8", cast<double, TYPE>}, {                                                   \
        "cast." T ".b1", cast_to_bool<TYPE>                                                        \
    }
#define OF_FLOATS(T, TYPE)                                                                         \
    {"div." T, div<TYPE>}, {"maximum." T, maximum<TYPE>}, {"minimum." T, minimum<TYPE>},           \
        {"neg." T, neg<TYPE>}, {"abs." T, fabs<TYPE>}, {"sqrt." T, scalars::sqrt<TYPE>},           \
        {"inv." T, inv<TYPE>}, {"sgn." T, sign<TYPE>}, {"clip." T, clip<TYPE>},                    \
        {"mul_add." T, mul_add<TYPE>}, {"mul_mul." T, mul_mul<TYPE>},                              \
        {"mul_sub." T, mul_sub<TYPE>}, {"mul_sub_sqr." T, mul_sub_sqr<TYPE>},                      \
        {"sub_sqr." T, sub_sqr<TYPE>}, {"expm1." T, scalars::expm1<TYPE>}, {                       \
        "log1p." T, scalars::log1p<TYPE>                                                           \
    }
#define OF_INTEGERS(T, TYPE)                                                                       \
    {"cast." T ".i1", cast<int8_t, TYPE>}, {"cast." T ".i4", cast<int32_t, TYPE>},                 \
        {"cast." T ".i8", cast<int64_t, TYPE>}, {"and." T, bit_and<TYPE>},                         \
        {"or." T, bit_or<TYPE>}, {"maximum." T, whole_maximum<TYPE>},                              \
        {"minimum." T, whole_minimum<TYPE>}, {                                                     \
        "xor." T, bit_xor<TYPE>                                                                    \
    }

inline constexpr Named TABLE[] = {
    OF_ANY("f4", float),
    OF_ANY("f8", double),
    OF_ANY("i1", int8_t),
    OF_ANY("i4", int32_t),
    OF_ANY("i8", int64_t),
    OF_FLOATS("f4", float),
    OF_FLOATS("f8", double),
    OF_INTEGERS("i1", int8_t),
    OF_INTEGERS("i4", int32_t),
    OF_INTEGERS("i8", int64_t),
    {"neg.i1", wrapped_neg<int8_t>},
    {"neg.i4", wrapped_neg<int32_t>},
    {"neg.i8", wrapped_neg<int64_t>},
    {"abs.i4", wrapped_abs<int32_t>},
    {"abs.i8", wrapped_abs<int64_t>},
    {"not.b1", logical_not<int8_t>},
    {"exp.f4", exp_of_float},
    {"exp.f8", exp_of_double<double>},
    {"log.f4", log_of_float},
    {"log.f8", scalars::log<double>},
    {"pow.f4", pow_of_float},
    {"softplus.f4", softplus_of_float},
    {"softplus.f8", softplus_of_double<double>},
    {"tanh.f4", tanh_of_float},
    {"tanh.f8", tanh_of_double<double>},
    {"sigmoid.f4", sigmoid_of_float},
    {"sigmoid.f8", sigmoid_of_double<double>},
};
constexpr int COUNT = sizeof(TABLE) / sizeof(TABLE[0]);

#undef OF_ANY
#undef OF_FLOATS
#undef OF_INTEGERS
#undef UNARY
#undef BINARY
#undef TERNARY

} // namespace scalars
} // namespace today

// The kernels' C interface as library.py sees it, random numbers, and arrays that notice when
// somebody writes beside them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

// As kernels/stage.hpp and library.StageShape have it, field for field.
struct StageShape {
    int64_t images, channels, rows, columns;
    int64_t filters, filter_rows, filter_columns;
    int64_t top, left;
    int64_t out_rows, out_columns;
    int64_t pool_rows, pool_columns;
    int64_t flip, rectify, x_blocked, dx_blocked, p_blocked;
    int64_t pool, step_rows, step_columns, apart_rows, apart_columns, in_order;
};

// As kernels/conv_pool.hpp and library.Link have it, field for field.
struct Link {
    StageShape stage;
    const float *x, *w, *b;
    float *p;
    uint8_t *winners;
    const float *g;
    float *dw, *db, *dx;
    const uint8_t *mask = nullptr;
    float scale = 0;
};

// As kernels/channels.hpp and engine/channelwise have them, field for field.
struct Instruction {
    int32_t what, to, a, b, c, d, e;
};
struct ChannelOperand {
    const float *data;
    int64_t image, channel, pixel;
};
struct ChannelResult {
    float *out;
    int64_t value, is_sum;
};

extern "C" {
int today_lanes();
int today_set_threads(int threads);
void *today_take(int64_t bytes);
void today_give(void *block);
int today_forward(const Link *, int64_t count);
int today_backward(const Link *, int64_t count);
int today_product(const float *a, int64_t a_row, int64_t a_column, const float *b, int64_t b_row,
                  int64_t b_column, float *c, int64_t m, int64_t n, int64_t k);
int today_products_and_sum(const int64_t *lefts, int64_t count, const float *b, int64_t n,
                           int64_t k, float *sum);
int today_update(float rate, float momentum, int nesterov, float *w, float *v, const float *g,
                 int64_t count);
int today_update_with_product(float rate, float momentum, int nesterov, float *w, float *v,
                              const float *a, int64_t a_row, int64_t a_column, const float *b,
                              int64_t b_row, int64_t b_column, int64_t m, int64_t n, int64_t k);
int today_elementwise(const int64_t *words, char *const *objects, int64_t count, int64_t head,
                      int64_t rows, int64_t elements, int64_t temp_bytes);
int today_pool(int max, int64_t planes, int64_t rows, int64_t columns, const int64_t *down,
               int64_t pool_rows, const int64_t *right, int64_t pool_columns, const float *x,
               float *p);
int today_pool_gradient(int max, int64_t planes, int64_t rows, int64_t columns, const int64_t *down,
                        int64_t pool_rows, const int64_t *right, int64_t pool_columns,
                        const float *x, const float *p, const float *g, float *dx);
int today_channelwise(char *const *objects, int64_t head, const Instruction *program,
                      int64_t length, int64_t kept, const ChannelOperand *operands, int64_t count,
                      int64_t registers, const ChannelResult *results, int64_t n_results,
                      int64_t images, int64_t channels, int64_t pixels, int64_t lanes);
int today_sum(const float *x, int64_t outer, int64_t rows, int64_t channels, int64_t inner,
              float *out);
int today_uniform(int32_t *state, int64_t streams, float *samples, int64_t count);
int today_uniform_double(int32_t *state, int64_t streams, double *samples, int64_t count);
int today_mask(int32_t *state, int64_t streams, float p, uint8_t *mask, int64_t count);
}

inline uint64_t seed = 0; // that of the command line

// One of the seed's sixteen sequences
class Random {
  public:
    explicit Random(uint64_t sequence) : state((16 * seed + sequence) * 0x9e3779b97f4a7c15u + 1) {}

    // 0 to n - 1
    long below(long n) { return long(next() % uint64_t(n)); }
    long between(long low, long high) { return low + below(high - low + 1); }
    bool chance(int percent) { return below(100) < percent; }
    template <size_t N> long one_of(const long (&values)[N]) { return values[below(N)]; }
    // Of mean 0 and variance 1, near enough to normal
    float number() {
        double sum = -6;
        for (int i = 0; i < 12; i++)
            sum += double(next() >> 11) / double(1ull << 53);
        return float(sum);
    }

  private:
    uint64_t next() { // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return (state * 0x2545f4914f6cdd1du) >> 8;
    }
    uint64_t state;
};

// An array between margins, all of it full of a pattern that no kernel writes.
template <class T> class Guarded {
  public:
    explicit Guarded(long count)
        : count(count), bytes((count + 2 * MARGIN) * sizeof(T) + SHIFT, PATTERN) {}

    // Aligned to T and to nothing more
    T *data() { return (T *)(bytes.data() + SHIFT) + MARGIN; }
    const T *data() const { return (const T *)(bytes.data() + SHIFT) + MARGIN; }
    T &operator[](long i) { return data()[i]; }
    const T &operator[](long i) const { return data()[i]; }
    long size() const { return count; }

    void forget() { std::fill(bytes.begin(), bytes.end(), PATTERN); }

    bool intact() const {
        const uint8_t *begin = (const uint8_t *)data(), *end = (const uint8_t *)(data() + count);
        for (const uint8_t &byte : bytes)
            if ((&byte < begin || &byte >= end) && byte != PATTERN)
                return false;
        return true;
    }
    bool operator==(const Guarded &other) const { return bytes == other.bytes; }

  private:
    static constexpr long MARGIN = 64, SHIFT = sizeof(T) > 4 ? sizeof(T) : 4;
    static constexpr uint8_t PATTERN = 0xff; // floats: NaN
    long count;
    std::vector<uint8_t> bytes;
};

// Differences of a result from what it should be, as parts of the largest of that.
struct Difference {
    double largest = 0, scale = 0;
    bool same_kind = true; // NaN and infinities are where they should be

    void add(double got, double want) {
        if (!std::isfinite(want) || !std::isfinite(got)) {
            same_kind &= std::isnan(want) ? std::isnan(got) : got == want;
            return;
        }
        largest = std::max(largest, std::abs(got - want));
        scale = std::max(scale, std::abs(want));
    }
    bool within(double part) const { return same_kind && largest <= part * scale; }
};

// Failures so far, of which the first few are printed.
inline int failures = 0;
inline void fail(const char *what, const char *where, double got, double allowed) {
    if (failures++ < 10)
        std::printf("%s: %g (allowed %g) at %s\n", what, got, allowed, where);
}
inline void check(bool good, const char *what, const char *where) {
    if (!good)
        fail(what, where, 1, 0);
}
inline void check(const Difference &d, double part, const char *what, const char *where) {
    if (!d.same_kind)
        fail(what, where, NAN, 0);
    else if (!d.within(part))
        fail(what, where, d.scale > 0 ? d.largest / d.scale : d.largest, part);
}

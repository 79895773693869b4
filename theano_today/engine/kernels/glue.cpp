// What library.py calls. Every function returns 0, or 1 if there was not enough memory.
//
// Compiled whole, or in four PARTs side by side: 1 has the way back through stages, 2 the way
// forward, 3 elementwise formulas and scans, 4 the rest. 1 and 2 are a library, 3 and 4 another.

#if !defined(PART) || PART == 1 || PART == 2
#include "conv_pool.hpp"
#endif
#if !defined(PART) || PART == 3
#include "channels.hpp"
#include "elementwise.hpp"
#include "steps.hpp"
#endif
#if !defined(PART) || PART == 4
#include "gradients.hpp"
#include "memory.hpp"
#include "mrg.hpp"
#include "pool.hpp"
#include "product.hpp"
#include "stage.hpp"
#include "sums.hpp"
#include "update.hpp"
#endif
#include <new>

using namespace today;

namespace {
template <class F> int guarded(F &&f) {
    try {
        f();
        return 0;
    } catch (const std::bad_alloc &) {
        return 1;
    }
}
} // namespace

extern "C" {

#if !defined(PART) || PART == 1
int today_backward(const Link *links, int64_t count) {
    return guarded([&] { backward(links, count); });
}
#endif

#if !defined(PART) || PART == 2
int today_forward(const Link *links, int64_t count) {
    return guarded([&] { forward(links, count); });
}
#endif

#if !defined(PART) || PART == 4
int today_lanes() { return V; }

// Of the structure that library.py fills in
int64_t today_link_size() { return sizeof(Link); }

int today_set_threads(int threads) {
    return guarded([&] { Threads::instance().resize(threads); });
}

void *today_take(int64_t bytes) { return Memory::instance().take(bytes); }
void today_give(void *block) { Memory::instance().give(block); }

// Strides in floats.
int today_product(const float *a, int64_t a_row, int64_t a_column, const float *b, int64_t b_row,
                  int64_t b_column, float *c, int64_t m, int64_t n, int64_t k) {
    return guarded(
        [&] { product(Matrix{a, a_row, a_column}, Matrix{b, b_row, b_column}, c, m, n, k); });
}

// `lefts`: LeftFactors, `b` (k, n), `sum` (n)
int today_products_and_sum(const int64_t *lefts, int64_t count, const float *b, int64_t n,
                           int64_t k, float *sum) {
    return guarded([&] { products_and_sum((const LeftFactor *)lefts, count, b, n, k, sum); });
}

int today_update(float rate, float momentum, int nesterov, float *w, float *v, const float *g,
                 int64_t count) {
    return guarded([&] { update(Step{rate, momentum, nesterov != 0}, w, v, g, count); });
}

int today_update_with_product(float rate, float momentum, int nesterov, float *w, float *v,
                              const float *a, int64_t a_row, int64_t a_column, const float *b,
                              int64_t b_row, int64_t b_column, int64_t m, int64_t n, int64_t k) {
    return guarded([&] {
        update_with_product(Step{rate, momentum, nesterov != 0}, w, v, Matrix{a, a_row, a_column},
                            Matrix{b, b_row, b_column}, m, n, k);
    });
}

// `down`, `right`: Windows of the axes, (3, pool_rows) and (3, pool_columns)
int today_pool(int max, int64_t planes, int64_t rows, int64_t columns, const int64_t *down,
               int64_t pool_rows, const int64_t *right, int64_t pool_columns, const float *x,
               float *p) {
    return guarded([&] {
        pool({max != 0, planes, rows, columns, {down, pool_rows}, {right, pool_columns}}, x, p);
    });
}

int today_pool_gradient(int max, int64_t planes, int64_t rows, int64_t columns, const int64_t *down,
                        int64_t pool_rows, const int64_t *right, int64_t pool_columns,
                        const float *x, const float *p, const float *g, float *dx) {
    return guarded([&] {
        pool_gradient({max != 0, planes, rows, columns, {down, pool_rows}, {right, pool_columns}},
                      x, p, g, dx);
    });
}

// x (outer, rows, channels, inner), out (outer, channels)
int today_sum(const float *x, int64_t outer, int64_t rows, int64_t channels, int64_t inner,
              float *out) {
    return guarded([&] { sum(x, outer, rows, channels, inner, out); });
}

// (images, channels, pixels) <-> blocked
int today_to_blocks(const float *planes, float *blocked, int64_t images, int64_t channels,
                    int64_t pixels) {
    return guarded([&] { to_blocks(planes, blocked, images, channels, pixels); });
}

int today_to_planes(const float *blocked, float *planes, int64_t images, int64_t channels,
                    int64_t pixels) {
    return guarded([&] { to_planes(blocked, planes, images, channels, pixels); });
}

int today_uniform(int32_t *state, int64_t streams, float *samples, int64_t count) {
    return guarded([&] { draw_uniform(state, streams, samples, count); });
}

int today_uniform_double(int32_t *state, int64_t streams, double *samples, int64_t count) {
    return guarded([&] { draw_uniform(state, streams, samples, count); });
}

int today_mask(int32_t *state, int64_t streams, float p, uint8_t *mask, int64_t count) {
    return guarded([&] { draw_mask(state, streams, p, mask, count); });
}
#endif

#if !defined(PART) || PART == 3
// `objects`: NumPy's arrays, the operands and then the results, in which the address of the data is
// `head` bytes behind the begin; the descriptions have none.
int today_channelwise(char *const *objects, int64_t head, const Instruction *program,
                      int64_t length, int64_t kept, const ChannelOperand *operands, int64_t count,
                      int64_t registers, const ChannelResult *results, int64_t n_results,
                      int64_t images, int64_t channels, int64_t pixels, int64_t lanes) {
    return guarded([&] {
        const auto address = [&](int64_t k) { return *(float **)(objects[k] + head); };
        std::vector<ChannelOperand> from(operands, operands + count);
        std::vector<ChannelResult> to(results, results + n_results);
        for (int64_t k = 0; k < count; k++)
            from[k].data = address(k);
        for (int64_t k = 0; k < n_results; k++)
            to[k].out = address(count + k);
        ChannelProgram(program, length, kept, from.data(), count, registers, to.data(), n_results,
                       images, channels, pixels, lanes)
            .run();
    });
}

// `objects`: NumPy's arrays, in which the address of the data is `head` bytes behind the begin; or
// the addresses themselves, where head is 0.
int today_elementwise(const int64_t *words, char *const *objects, int64_t count, int64_t head,
                      int64_t rows, int64_t elements, int64_t temp_bytes) {
    return guarded([&] {
        char *addresses[OPERANDS];
        for (int64_t k = 0; k < count; k++)
            addresses[k] = head ? *(char **)(objects[k] + head) : objects[k];
        run_elementwise(words, addresses, rows, elements, temp_bytes);
    });
}

// The names of the elementwise functions, in the order that programs number them
const char *today_function(int64_t k) {
    return k < scalars::COUNT ? scalars::TABLE[k].name : nullptr;
}

// `done`: how many of the steps
int today_steps(const int64_t *program, const int64_t *slots, int64_t n_slots, int64_t n_steps,
                int64_t *done) {
    return guarded(
        [&] { *done = steps::Program(program, (const steps::Slot *)slots, n_slots).run(n_steps); });
}
#endif

} // extern "C"

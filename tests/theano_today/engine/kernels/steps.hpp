// Programs of a scan's steps (theano_today/engine/kernels/steps.hpp), and the same by loops.
#pragma once

#include <string>

#include "interface.hpp"

extern "C" {
const char *today_function(int64_t k);
int today_steps(const int64_t *program, const int64_t *slots, int64_t n_slots, int64_t n_steps,
                int64_t *done);
}

namespace steps {

using Words = std::vector<int64_t>;

inline int64_t function(const char *name) {
    for (int64_t k = 0; today_function(k); k++)
        if (std::strcmp(today_function(k), name) == 0)
            return k;
    return -1;
}

// Of kernels/steps.hpp
constexpr int RANK = 5;
enum Kind { fixed, each, ring, scratch };

// A matrix's view: axis 0 is the rows' where `split`. A row_stride of 0 repeats a row.
inline Words view(int64_t slot, int64_t rows, int64_t columns, int64_t row_stride, int64_t stride,
                  bool split, bool local, int64_t bytes = 4) {
    return {slot, bytes, 0, split ? 0 : -1, local,  2, rows, columns,
            0,    0,     0, row_stride,     stride, 0, 0,    0};
}
inline int64_t bits(double x) {
    int64_t word;
    std::memcpy(&word, &x, sizeof word);
    return word;
}
inline void append(Words &to, const Words &more) { to.insert(to.end(), more.begin(), more.end()); }
inline void instruction(Words &program, int64_t kind, const Words &words) {
    append(program, {kind, int64_t(words.size())});
    append(program, words);
}

constexpr int64_t CHUNK = 16, ROOM = 32;

inline Words header(int64_t rows, int64_t scratch_bytes, int64_t accumulators, int64_t packs,
                    int64_t instructions) {
    Words words = {rows, CHUNK,        ROOM,  scratch_bytes, 512 * 8 * 8,
                   0,    accumulators, packs, instructions};
    append(words, view(0, 1, 1, 0, 0, false, false));
    return words;
}

// h[t] = tanh(x[t] + h[t-1] @ w) * b + h[t-1] with the sum of all h over rows and steps
inline void check_recurrences(long cases) {
    Random random(9);
    for (long t = 0; t < cases; t++) {
        const long n_steps = random.between(1, 4), rows = random.between(1, 50);
        const long units = random.between(1, 150), gap = random.below(3),
                   kept = 2 + random.below(3);
        const bool split = random.chance(70), packed = random.chance(50),
                   turned = random.chance(50);
        const long x_row = units + gap, local = split ? ROOM : rows;
        std::vector<float> x(n_steps * rows * x_row), w(units * units), b(units);
        for (auto *a : {&x, &w, &b})
            for (float &v : *a)
                v = 0.3f * random.number();
        Guarded<float> h(kept * rows * units), total(2 * units);
        std::vector<double> state(rows * units), sums(units), former(units);
        for (long i = 0; i < rows * units; i++)
            state[i] = h[i] = random.number();
        for (long j = 0; j < units; j++)
            sums[j] = former[j] = total[j] = random.number();
        const int64_t h_bytes = rows * units * 4;
        const Words slots = {
            each,
            (int64_t)x.data(),
            rows * x_row * 4,
            0,
            1, // 0
            ring,
            (int64_t)h.data(),
            h_bytes,
            0,
            kept, // 1: h[t-1]
            ring,
            (int64_t)h.data(),
            h_bytes,
            1,
            kept, // 2: h[t]
            fixed,
            (int64_t)w.data(),
            0,
            0,
            1, // 3
            fixed,
            (int64_t)b.data(),
            0,
            0,
            1, // 4
            scratch,
            0,
            0,
            0,
            1, // 5
            ring,
            (int64_t)total.data(),
            units * 4,
            1,
            2, // 6
        };
        const int64_t own = (local * units * 4 + 63) / 64 * 64;
        const Words left = view(1, rows, units, units * 4, 4, split, false);
        const Words right = turned ? view(3, units, units, 4, units * 4, false, false)
                                   : view(3, units, units, units * 4, 4, false, false);
        const Words z = view(0, rows, units, x_row * 4, 4, split, false);
        const Words g = view(5, rows, units, units * 4, 4, split, split);
        const Words out = view(2, rows, units, units * 4, 4, split, false);
        Words program = header(split ? rows : 0, own, split, packed, split ? 3 : 2);
        if (split)
            append(program, {units, 6, 0});
        if (packed)
            append(program, right);
        Words product = {bits(1), bits(1), packed ? 0 : -1};
        for (const Words &v : {g, left, right, z})
            append(product, v);
        instruction(program, 1, product);
        Words chain = {1, 3, 3, 4};
        for (const Words &v : {out, g, left, view(4, rows, units, 0, 4, split, false)})
            append(chain, v);
        append(chain, {function("tanh.f4"), 4, 1, 1, 1});
        append(chain, {function("mul.f4"), 4, 4, 3, 4});
        append(chain, {function("add.f4"), 0, 4, 2, 4});
        instruction(program, 0, chain);
        if (split) {
            Words sum = {0, 0, 0};
            Words into = view(6, 1, units, 0, 4, false, false);
            append(sum, into);
            append(sum, out);
            instruction(program, 2, sum);
        }
        for (long i = 0; i < n_steps; i++) {
            std::vector<double> next(rows * units);
            former = sums;
            for (long r = 0; r < rows; r++)
                for (long j = 0; j < units; j++) {
                    double value = x[(i * rows + r) * x_row + j];
                    for (long k = 0; k < units; k++)
                        value +=
                            state[r * units + k] * (turned ? w[j * units + k] : w[k * units + j]);
                    next[r * units + j] = std::tanh(value) * b[j] + state[r * units + j];
                    sums[j] += next[r * units + j];
                }
            state = next;
        }
        char text[200];
        const int threads = int(random.between(1, 3));
        std::snprintf(text, sizeof text, "%ld steps, (%ld, %ld), split %d, packed %d, turned %d",
                      n_steps, rows, units, split, packed, turned);
        today_set_threads(threads);
        int64_t done = 0;
        check(today_steps(program.data(), slots.data(), 7, n_steps, &done) == 0, "status", text);
        check(done == n_steps, "number of steps", text);
        Difference of_h, of_sums;
        for (long i = 0; i < rows * units; i++)
            of_h.add(h[n_steps % kept * rows * units + i], state[i]);
        check(of_h, 1e-5, "h", text);
        for (long j = 0; split && j < units; j++) {
            of_sums.add(total[n_steps % 2 * units + j], sums[j]);
            if (n_steps > 1)
                of_sums.add(total[(n_steps + 1) % 2 * units + j], former[j]);
        }
        check(of_sums, 1e-5, "sums", text);
        check(h.intact() && total.intact(), "written beside h or the sums", text);
    }
}

// As Theano's C code has it
inline double softplus(double x) { return x < -103 ? 0 : x > 14 ? x : std::log1p(std::exp(x)); }

// Elementwise functions of float32 that are vectors' own, to 2 units in the last place, sigmoid and
// softplus to 3
inline void check_functions(long cases) {
    Random random(10);
    const double inf = INFINITY;
    for (long t = 0; t < cases; t++) {
        const long n = random.between(1, 1200);
        Guarded<float> x(n), y(n);
        const float special[] = {0,      -0.0f,    INFINITY, -INFINITY, NAN, 88.7f,
                                 -87.5f, -103.9f,  1e-30f,   -1e-42f,   15,  9,
                                 0.625f, -0.6249f, 3e38f,    -88};
        const float scale = random.chance(50) ? 1 : random.chance(50) ? 30 : 1e-3f;
        for (long i = 0; i < n; i++)
            x[i] = random.chance(10) ? special[random.below(16)] : scale * random.number();
        const bool ordinary = random.chance(50);
        Guarded<float> powers(n);
        for (long i = 0; i < n; i++)
            powers[i] = random.chance(10) ? special[random.below(16)] : 3 * random.number();
        for (long i = 0; i < n && ordinary; i++) {
            x[i] = std::isfinite(x[i]) && x[i] ? std::abs(x[i]) : 1;
            powers[i] = std::isfinite(powers[i]) ? powers[i] : 0;
        }
        const Words slots = {fixed, (int64_t)x.data(),      0, 0, 1,
                             fixed, (int64_t)y.data(),      0, 0, 1,
                             fixed, (int64_t)powers.data(), 0, 0, 1};
        for (const char *name :
             {"exp.f4", "tanh.f4", "sigmoid.f4", "log.f4", "softplus.f4", "pow.f4"}) {
            Words program = header(0, 64, 0, 0, 1);
            const bool two = name[0] == 'p';
            Words chain = {1, 1 + two, 1, 4};
            append(chain, view(1, 1, n, n * 4, 4, false, false));
            append(chain, view(0, 1, n, n * 4, 4, false, false));
            if (two)
                append(chain, view(2, 1, n, n * 4, 4, false, false));
            append(chain, {function(name), 0, 1, 1 + two, 1});
            instruction(program, 0, chain);
            int64_t done = 0;
            check(today_steps(program.data(), slots.data(), 3, 1, &done) == 0, "status", name);
            double worst = 0;
            bool kinds = true;
            for (long i = 0; i < n; i++) {
                const double v = x[i];
                double want = name[0] == 'e'   ? std::exp(v)
                              : name[0] == 't' ? std::tanh(v)
                              : name[0] == 'l' ? std::log(v)
                              : two            ? std::pow(v, double(powers[i]))
                              : name[1] == 'o' ? softplus(v)
                              : v < -88        ? 0
                              : v > 15         ? 1
                                               : 1 / (1 + std::exp(-v));
                if (std::isnan(want) || std::abs(float(want)) == inf) {
                    kinds &= std::isnan(want) ? std::isnan(y[i]) : y[i] == float(want);
                    continue;
                }
                const float near = std::abs(float(want));
                const double unit =
                    std::max(double(std::nextafter(near, INFINITY)) - near, 1.5e-45);
                worst = std::max(worst, std::abs(y[i] - want) / unit);
                kinds &= std::signbit(y[i]) == std::signbit(float(want));
            }
            check(kinds, "NaN, an infinity or a sign", name);
            const double allowed = two ? 0.5001 : name[0] == 's' ? 3 : 2;
            if (worst > allowed)
                fail("units in the last place", name, worst, allowed);
            check(y.intact(), "written beside the result", name);
        }
    }
}

} // namespace steps

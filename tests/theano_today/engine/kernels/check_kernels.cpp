// The kernels against loops by the definition: one program for every compiler, vector width,
// processor and sanitizer.
//
//   check_kernels SECTION CASES [SEED]
//
// Prints failures and returns 1, or prints what it did and returns 0. Another seed, another
// sequence of cases; 0 if left out.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "pools.hpp"
#include "stages.hpp"
#include "steps.hpp"

namespace {

// A factor of a product, (rows, columns), in one of the layouts that NumPy has.
struct Factor {
    std::vector<float> memory;
    const float *data;
    long row, column;

    Factor(Random &random, long rows, long columns, bool integers) {
        const long gap = random.below(3);
        row = columns + gap, column = 1;
        if (random.chance(40))
            row = 1, column = rows + gap;
        else if (random.chance(10))
            row = 0; // one row for all
        memory.resize((rows + gap + 1) * (columns + gap + 1));
        for (float &v : memory)
            v = integers ? float(random.between(-4, 4)) : random.number();
        data = memory.data();
        if (random.chance(30)) // a unit that is dead in the whole batch, and some besides
            for (size_t i = 0; i < memory.size(); i++)
                if (i % 3 == 0 || (column != 0 && long(i) / column % 5 == 1))
                    memory[i] = 0;
        if (random.chance(40)) { // zeros scattered all over
            const int zeros = int(random.between(20, 95));
            for (float &v : memory)
                v = random.chance(zeros) ? 0 : v;
        }
        if (rows > 0 && random.chance(10)) // from the last row to the first
            data += (rows - 1) * row, row = -row;
    }
    double at(long i, long j) const { return data[i * row + j * column]; }
};

// Several products with one right factor, and its sums
void check_products_and_sum(long cases) {
    Random random(31);
    for (long t = 0; t < cases; t++) {
        const long n = random.between(1, 150), count = random.between(1, 3);
        const long k = random.chance(30) ? random.between(2000, 5000) : random.below(600);
        const bool integers = random.chance(50);
        std::vector<float> b(k * n + 1);
        for (float &v : b)
            v = integers ? float(random.between(-4, 4)) : random.number();
        std::vector<Factor> lefts;
        std::vector<long> rows;
        std::vector<Guarded<float>> results, again;
        for (long l = 0; l < count; l++) {
            rows.push_back(random.between(1, 20));
            lefts.emplace_back(random, rows[l], k, integers);
            results.emplace_back(rows[l] * n), again.emplace_back(rows[l] * n);
        }
        Guarded<float> sum(n), sum_again(n);
        const auto run = [&](std::vector<Guarded<float>> &to, Guarded<float> &sums) {
            std::vector<int64_t> words;
            for (long l = 0; l < count; l++)
                for (int64_t word :
                     {int64_t(lefts[l].data), int64_t(lefts[l].row), int64_t(lefts[l].column),
                      int64_t(rows[l]), int64_t(to[l].data())})
                    words.push_back(word);
            return today_products_and_sum(words.data(), count, b.data(), n, k, sums.data());
        };
        char text[100];
        snprintf(text, sizeof text, "%ld factors, (%ld, %ld)", count, k, n);
        today_set_threads(int(random.between(1, 4)));
        check(run(results, sum) == 0, "memory for products_and_sum", text);
        today_set_threads(int(random.between(1, 4)));
        check(run(again, sum_again) == 0, "memory for products_and_sum", text);
        double difference = 0;
        for (long j = 0; j < n; j++) {
            double want = 0;
            for (long p = 0; p < k; p++)
                want += b[p * n + j];
            difference = std::max(difference, std::abs(sum[j] - want) / (1 + std::abs(want)));
        }
        check(difference <= (integers ? 0 : 1e-6), "the sum beside products", text);
        check(sum == sum_again && sum.intact(), "the sum the second time", text);
        for (long l = 0; l < count; l++) {
            difference = 0;
            for (long i = 0; i < rows[l]; i++)
                for (long j = 0; j < n; j++) {
                    double want = 0, size = 1;
                    for (long p = 0; p < k; p++) {
                        const double one = lefts[l].at(i, p) * b[p * n + j];
                        want += one, size += std::abs(one);
                    }
                    difference =
                        std::max(difference, std::abs(results[l][i * n + j] - want) / size);
                }
            check(difference <= (integers ? 0 : 1e-6), "one of several products", text);
            check(results[l].intact(), "written beside one of several products", text);
            check(results[l] == again[l], "one of several products the second time", text);
        }
    }
}

void check_products(long cases) {
    Random random(2);
    for (long t = 0; t < cases; t++) {
        long m = random.below(40), n = random.below(150), k = random.below(60);
        if (random.chance(20)) // a long inner dimension, as of the first dense layer
            m = random.between(1, 9), n = random.between(1, 70), k = random.between(1000, 2500);
        if (random.chance(10)) // more rows than panels
            m = random.between(200, 500), n = random.between(1, 9);
        if (random.chance(15)) // a batch, as a dense layer has it
            m = random.between(20, 60), n = random.between(1, 200), k = random.between(60, 600);
        const bool integers = random.chance(50);
        const Factor a(random, m, k, integers), b(random, k, n, integers);
        Guarded<float> c(m * n), again(m * n);
        char text[200];
        const int threads = int(random.between(1, 3));
        std::snprintf(text, sizeof text,
                      "a (%ld, %ld), strides %ld %ld, b (., %ld), strides %ld "
                      "%ld, %d threads",
                      m, k, a.row, a.column, n, b.row, b.column, threads);
        today_set_threads(threads);
        for (auto *to : {&c, &again})
            check(today_product(a.data, a.row, a.column, b.data, b.row, b.column, to->data(), m, n,
                                k) == 0,
                  "status", text);
        Difference difference;
        for (long i = 0; i < m; i++)
            for (long j = 0; j < n; j++) {
                double want = 0;
                for (long p = 0; p < k; p++)
                    want += a.at(i, p) * b.at(p, j);
                difference.add(c[i * n + j], want);
            }
        check(difference, integers ? 0 : TOLERANCE, "product", text);
        check(c.intact(), "written beside a product", text);
        check(c == again, "another product the second time", text);
    }
}

// One element's step, as lasagne.updates has it
void step(double rate, double momentum, bool nesterov, double &w, double &v, double g) {
    v = momentum * v - rate * g;
    w += nesterov ? momentum * v - rate * g : v;
}

void check_updates(long cases) {
    Random random(3);
    for (long t = 0; t < cases; t++) {
        const bool of_product = random.chance(60), nesterov = random.chance(50);
        const bool many = random.chance(30);
        const long m = random.below(many ? 170 : 30), n = random.below(140);
        const long k = random.below(many ? 200 : 50);
        const long count = of_product ? m * n : random.below(3000);
        const float rate = 0.01f * random.number(), momentum = random.chance(10) ? 0 : 0.9f;
        const Factor a(random, m, k, false), b(random, k, n, false);
        Guarded<float> w(count), v(count), g(count);
        std::vector<double> want_w(count), want_v(count);
        for (long i = 0; i < count; i++) {
            w[i] = random.number(), v[i] = random.number(), g[i] = random.number();
            double gradient = g[i];
            if (of_product) {
                gradient = 0;
                for (long p = 0; p < k; p++)
                    gradient += a.at(i / n, p) * b.at(p, i % n);
            }
            want_w[i] = w[i], want_v[i] = v[i];
            step(rate, momentum, nesterov, want_w[i], want_v[i], gradient);
        }
        char text[200];
        std::snprintf(text, sizeof text,
                      "of_product %d, (%ld, %ld, %ld), %ld elements, nesterov %d", of_product, m, n,
                      k, count, nesterov);
        today_set_threads(int(random.between(1, 3)));
        const int status =
            of_product
                ? today_update_with_product(rate, momentum, nesterov, w.data(), v.data(), a.data,
                                            a.row, a.column, b.data, b.row, b.column, m, n, k)
                : today_update(rate, momentum, nesterov, w.data(), v.data(), g.data(), count);
        check(status == 0, "status", text);
        Difference of_w, of_v;
        for (long i = 0; i < count; i++)
            of_w.add(w[i], want_w[i]), of_v.add(v[i], want_v[i]);
        check(of_w, TOLERANCE, "w", text);
        check(of_v, TOLERANCE, "v", text);
        check(w.intact() && v.intact(), "written beside w or v", text);
    }
}

// A function of scalars.hpp of float32, by its name: what it makes of three numbers
struct Function {
    const char *name;
    bool truth; // its result, in a byte
    float (*of)(float, float, float);
};
const Function FUNCTIONS[] = {
    {"identity.f4", false, [](float a, float, float) { return a; }},
    {"add.f4", false, [](float a, float b, float) { return a + b; }},
    {"sub.f4", false, [](float a, float b, float) { return a - b; }},
    {"mul.f4", false, [](float a, float b, float) { return a * b; }},
    {"div.f4", false, [](float a, float b, float) { return a / b; }},
    {"neg.f4", false, [](float a, float, float) { return -a; }},
    {"abs.f4", false, [](float a, float, float) { return std::abs(a); }},
    {"sgn.f4", false,
     [](float a, float, float) {
         return a > 0 ? 1.0f : a < 0 ? -1.0f : a == 0 ? 0.0f : a;
     }},
    {"sqr.f4", false, [](float a, float, float) { return a * a; }},
    {"sqrt.f4", false, [](float a, float, float) { return std::sqrt(a); }},
    {"inv.f4", false, [](float a, float, float) { return 1 / a; }},
    {"maximum.f4", false, [](float a, float b, float) { return b > a    ? b
                                                               : a >= b ? a
                                                                        : NAN; }},
    {"minimum.f4", false, [](float a, float b, float) { return b < a    ? b
                                                               : a <= b ? a
                                                                        : NAN; }},
    {"clip.f4", false, [](float a, float b, float c) { return a < b   ? b
                                                              : a > c ? c
                                                                      : a; }},
    {"eq.f4", true, [](float a, float b, float) { return float(a == b); }},
    {"neq.f4", true, [](float a, float b, float) { return float(a != b); }},
    {"lt.f4", true, [](float a, float b, float) { return float(a < b); }},
    {"gt.f4", true, [](float a, float b, float) { return float(a > b); }},
    {"le.f4", true, [](float a, float b, float) { return float(a <= b); }},
    {"ge.f4", true, [](float a, float b, float) { return float(a >= b); }},
    // Of a byte and two numbers
    {"switch.f4", false, [](float a, float b, float c) { return a != 0 ? b : c; }},
};
constexpr long COUNT = sizeof(FUNCTIONS) / sizeof(FUNCTIONS[0]);

// Random formulas of random operands, whose rows are apart, or are one number, or bytes
void check_elementwise(long cases) {
    struct Operand {
        bool bytes;
        long row, step; // strides in elements
        Guarded<float> floats;
        Guarded<int8_t> truths;
        float at(long i, long j) const {
            const long k = i * row + j * step;
            return bytes ? float(truths[k]) : floats[k];
        }
    };
    Random random(12);
    for (long t = 0; t < cases; t++) {
        const long outputs = random.between(1, 2), inputs = random.between(1, 4);
        const long operands = outputs + inputs, length = random.between(outputs, 9);
        const bool large = random.chance(10);
        const long rows = large ? random.between(30, 300) : random.one_of({0, 1, 1, 2, 5});
        const long columns = random.between(1, large ? 400 : 1100);
        // The functions: the last ones write the outputs. What may be read, numbers and bytes
        std::vector<std::array<int64_t, 5>> steps;
        std::vector<const Function *> done;
        std::vector<int64_t> numbers, truths;
        std::vector<Operand> all;
        for (long k = 0; k < operands; k++) {
            const bool out = k < outputs;
            const bool bytes = !out && k > outputs && random.chance(30);
            const long step = out || k == outputs || random.chance(70);
            const long row = !out && k > outputs && random.chance(30)
                                 ? 0 // the same for all
                                 : (step ? columns : 1) + random.below(3);
            const long size = rows ? (rows - 1) * row + (step ? columns : 1) : 0;
            all.push_back({bytes, row, step, Guarded<float>(bytes ? 0 : size),
                           Guarded<int8_t>(bytes ? size : 0)});
            for (long i = 0; i < all[k].floats.size() && !out; i++)
                all[k].floats[i] = random.chance(3) ? NAN : random.chance(10) ? 0 : random.number();
            for (long i = 0; i < all[k].truths.size(); i++)
                all[k].truths[i] = random.chance(50);
            if (!out)
                (bytes ? truths : numbers).push_back(k);
        }
        for (long k = 0; k < length; k++) {
            const long left = length - k;
            const auto any = [&](auto &known) { return known[random.below(long(known.size()))]; };
            const Function *one;
            do
                one = FUNCTIONS + random.below(COUNT - truths.empty());
            while (left <= outputs && one->truth);
            const bool picks = one == FUNCTIONS + COUNT - 1;
            const int64_t to = left <= outputs ? left - 1 : operands + k;
            steps.push_back({steps::function(one->name), to, picks ? any(truths) : any(numbers),
                             any(numbers), any(numbers)});
            done.push_back(one);
            (one->truth ? truths : numbers).push_back(to);
        }
        // Output 0 is written last: it may lie where the first input does.
        const bool in_place = random.chance(30);
        if (in_place)
            all[0].row = all[outputs].row;
        const std::vector<Operand> before = all;
        const long split = random.between(-1, 1);
        steps::Words words = {outputs, inputs, length, 4};
        std::vector<char *> addresses;
        for (long k = 0; k < operands; k++) {
            Operand &o = all[in_place && k == 0 ? outputs : k];
            const long item = o.bytes ? 1 : 4;
            steps::append(words, {k, item, 0, split, 0, 2, rows, columns, 0, 0, 0, o.row * item,
                                  o.step * item, 0, 0, 0});
            addresses.push_back(o.bytes ? (char *)o.truths.data() : (char *)o.floats.data());
        }
        for (const auto &step : steps)
            steps::append(words, {step.begin(), step.end()});
        char text[200];
        std::snprintf(text, sizeof text,
                      "%ld functions, %ld outputs, %ld inputs, (%ld, %ld), in place %d, split %ld",
                      length, outputs, inputs, rows, columns, in_place, split);
        today_set_threads(int(random.between(1, 3)));
        check(today_elementwise(words.data(), addresses.data(), operands, 0,
                                split < 0    ? 1
                                : split == 0 ? rows
                                             : columns,
                                rows * columns, (operands + length) * 4 * 512) == 0,
              "status", text);
        bool same = true;
        std::vector<float> values(operands + length);
        for (long i = 0; i < rows; i++)
            for (long j = 0; j < columns; j++) {
                for (long k = outputs; k < operands; k++)
                    values[k] = before[k].at(i, j);
                for (long k = 0; k < length; k++) {
                    const auto &step = steps[k];
                    values[step[1]] =
                        done[k]->of(values[step[2]], values[step[3]], values[step[4]]);
                }
                for (long k = 0; k < outputs; k++) {
                    const float got = all[in_place && k == 0 ? outputs : k].at(i, j);
                    same &= std::isnan(values[k])
                                ? std::isnan(got)
                                : got == values[k] && std::signbit(got) == std::signbit(values[k]);
                }
            }
        check(same, "other values", text);
        for (const Operand &o : all)
            check(o.floats.intact() && o.truths.intact(), "written beside an array", text);
    }
}

// MRG31k3p by its recurrences (L'Ecuyer and Touzin 2000, section 4): the next number of a stream
int64_t next_number(int32_t *x) {
    constexpr int64_t M1 = (1ll << 31) - 1, M2 = (1ll << 31) - 21069;
    const int64_t one = ((int64_t(x[1]) << 22) + ((1ll << 7) + 1) * x[2]) % M1;
    const int64_t two = ((int64_t(x[3]) << 15) + ((1ll << 15) + 1) * x[5]) % M2;
    x[2] = x[1], x[1] = x[0], x[0] = int32_t(one);
    x[5] = x[4], x[4] = x[3], x[3] = int32_t(two);
    return one - two > 0 ? one - two : one - two + M1;
}

void check_streams(long cases) {
    Random random(9);
    for (long t = 0; t < cases; t++) {
        const long streams = random.chance(30) ? random.between(1, 2000) : random.between(1, 40);
        const long count = random.below(random.chance(20) ? 60000 : 3000);
        const float p = float(random.below(11)) / 10;
        Guarded<int32_t> state(6 * streams), moved(6 * streams), again(6 * streams);
        for (long i = 0; i < 6 * streams; i++)
            state[i] = int32_t(random.below(2147462579));
        moved = again = state;
        Guarded<float> samples(count);
        Guarded<uint8_t> mask(count);
        Guarded<double> doubles(count);
        char text[200];
        std::snprintf(text, sizeof text, "%ld numbers of %ld streams", count, streams);
        today_set_threads(int(random.between(1, 3)));
        auto third = state;
        check(today_uniform(moved.data(), streams, samples.data(), count) == 0, "status", text);
        check(today_mask(again.data(), streams, p, mask.data(), count) == 0, "status", text);
        check(today_uniform_double(third.data(), streams, doubles.data(), count) == 0, "status",
              text);
        bool same = true;
        for (long i = 0; i < count; i++) {
            const int64_t number = next_number(state.data() + i % streams * 6);
            const float sample = float(number) * 4.6566126e-10f;
            same &= samples[i] == sample && mask[i] == (sample < p);
            same &= doubles[i] == double(number) / 2147483648.0;
        }
        check(same, "other numbers", text);
        check(moved == state && again == state && third == state, "another state", text);
        check(samples.intact() && mask.intact() && doubles.intact(), "written beside them", text);
    }
}

// The arrays of stage k of a chain.
struct Arrays {
    std::vector<float> w, b;
    Guarded<float> p, dw, db, dx;
    Guarded<uint8_t> winners;

    Arrays(Random &random, const StageShape &s)
        : w(s.filters * s.channels * s.filter_rows * s.filter_columns), b(s.filters),
          p(s.images * (s.p_blocked ? padded(s.filters) : s.filters) * s.pool_rows *
            s.pool_columns),
          dw(long(w.size())), db(s.filters),
          dx(s.images * (s.dx_blocked ? padded(s.channels) : s.channels) * s.rows * s.columns),
          winners(s.images * padded(s.filters) * s.pool_rows * s.pool_columns) {
        for (float &v : w)
            v = random.number();
        for (float &v : b)
            v = random.number();
    }
    void forget() { p.forget(), dw.forget(), db.forget(), dx.forget(), winners.forget(); }
};

// Chains of stages give what the stages give one by one, to the last bit.
void check_chains(long cases) {
    Random random(6);
    for (long t = 0; t < cases; t++) {
        const long count = random.between(2, 4);
        std::vector<StageShape> stages;
        long images = random.one_of({0, 1, 2, 3, 20}), channels = random.one_of({1, 3, 8, 17});
        long rows = random.between(6, 40), columns = random.between(6, 40);
        for (long k = 0; k < count; k++) {
            StageShape s = {};
            s.images = images, s.channels = channels, s.rows = rows, s.columns = columns;
            s.filter_rows = random.between(1, 3), s.filter_columns = random.between(1, 3);
            if (random.chance(50))
                s.filter_rows = s.filter_columns = random.between(2, 3);
            s.pool = random.between(1, 2);
            s.step_rows = s.step_columns = s.apart_rows = s.apart_columns = 1;
            s.top = random.chance(30), s.left = random.chance(30);
            s.out_rows = rows + 2 * s.top - s.filter_rows + 1;
            s.out_columns = columns + 2 * s.left - s.filter_columns + 1;
            if (s.out_rows < 1 || s.out_columns < 1)
                break;
            const long up = s.pool == 1 ? 0 : random.below(2);
            s.pool_rows = (s.out_rows + up) / s.pool;
            s.pool_columns = (s.out_columns + up) / s.pool;
            s.filters = random.one_of({3, 8, 16, 33});
            s.flip = random.chance(50), s.rectify = random.chance(80);
            s.x_blocked = s.dx_blocked = k > 0, s.p_blocked = 1;
            stages.push_back(s);
            channels = s.filters, rows = s.pool_rows, columns = s.pool_columns;
            if (rows == 0 || columns == 0)
                break;
        }
        stages.front().x_blocked = random.chance(50), stages.front().dx_blocked = random.chance(50);
        stages.back().p_blocked = random.chance(50);
        const long last = long(stages.size()) - 1;
        today_set_threads(int(random.between(1, 3)));

        const auto drawn = [&](bool blocked, long c, long h, long w) {
            std::vector<float> values(images * c * h * w);
            for (float &v : values)
                v = random.number();
            return laid_out(blocked, values, images, c, h, w);
        };
        const StageShape &first = stages.front(), &end = stages.back();
        const auto x = drawn(first.x_blocked, first.channels, first.rows, first.columns);
        const auto g = drawn(end.p_blocked, end.filters, end.pool_rows, end.pool_columns);
        std::vector<Arrays> alone;
        for (const StageShape &s : stages)
            alone.emplace_back(random, s);
        std::vector<Arrays> chained = alone;
        std::vector<std::vector<uint8_t>> masks(last + 1); // empty: no dropout
        for (long k = 0; k <= last; k++)
            if (random.chance(40)) {
                const StageShape &s = stages[k];
                masks[k].resize(images * s.filters * s.pool_rows * s.pool_columns + 1);
                for (uint8_t &keep : masks[k])
                    keep = random.chance(80);
            }
        // In a chain only the first x, the last g and the first dx count.
        const auto links_of = [&](std::vector<Arrays> &arrays) {
            std::vector<Link> links;
            for (long k = 0; k <= last; k++) {
                Arrays &own = arrays[k];
                own.forget();
                links.push_back({stages[k], k > 0 ? arrays[k - 1].p.data() : x.data(), own.w.data(),
                                 own.b.data(), own.p.data(), own.winners.data(),
                                 k < last ? arrays[k + 1].dx.data() : g.data(), own.dw.data(),
                                 own.db.data(), own.dx.data(),
                                 masks[k].empty() ? nullptr : masks[k].data(), 1.25f});
            }
            return links;
        };
        int status = 0;
        const std::vector<Link> singles = links_of(alone);
        for (long k = 0; k <= last; k++)
            status |= today_forward(&singles[k], 1);
        for (long k = last; k >= 0; k--)
            status |= today_backward(&singles[k], 1);
        std::vector<Link> links = links_of(chained);
        char text[100];
        std::snprintf(text, sizeof text, "chain %ld of %ld stages, %ld images", t, last + 1,
                      images);
        status |= today_forward(links.data(), last + 1);
        status |= today_backward(links.data(), last + 1);
        for (long k = 0; k <= last; k++) {
            check(chained[k].p == alone[k].p && chained[k].winners == alone[k].winners,
                  "forward unlike one by one", text);
            check(chained[k].dw == alone[k].dw && chained[k].db == alone[k].db,
                  "backward unlike one by one", text);
        }
        check(chained[0].dx == alone[0].dx, "dx unlike one by one", text);

        // Only some of it is wanted.
        const Arrays &result = alone[last];
        for (Arrays &own : chained)
            own.forget();
        for (long k = 0; k <= last; k++) {
            if (k < last)
                links[k].p = nullptr;
            links[k].winners = nullptr;
        }
        status |= today_forward(links.data(), last + 1);
        check(chained[last].p == result.p, "only the last p", text);
        const long fixed = random.below(last + 1);
        for (long k = 0; k <= last; k++) {
            links[k].x = singles[k].x, links[k].winners = alone[k].winners.data();
            if (k == fixed)
                links[k].dw = links[k].db = nullptr;
        }
        links[0].dx = nullptr;
        status |= today_backward(links.data(), last + 1);
        for (long k = 0; k <= last; k++)
            check(k == fixed || (chained[k].dw == alone[k].dw && chained[k].db == alone[k].db),
                  "only some gradients", text);
        check(status == 0, "status", text);
    }
}

// Four threads of the caller's at once, each with cases of its own, get what they get alone.
void check_callers(long cases) {
    today_set_threads(2);
    std::vector<std::thread> callers;
    std::atomic<int> unlike{0};
    for (int caller = 0; caller < 4; caller++)
        callers.emplace_back([=, &unlike] {
            Random random(10 + caller);
            for (long t = 0; t < cases; t++) {
                // Of a size that keeps the others waiting
                Case c = random_case(random, Data::integers);
                const Results first(c, true, true);
                for (int again = 0; again < 20; again++)
                    unlike += !(first == Results(c, true, true));
                const long m = 8, n = 40, k = 1500;
                const Factor a(random, m, k, true), b(random, k, n, true);
                for (int again = 0; again < 20; again++) {
                    Guarded<float> product(m * n);
                    today_product(a.data, a.row, a.column, b.data, b.row, b.column, product.data(),
                                  m, n, k);
                    for (long i = 0; i < m * n; i++) {
                        double want = 0;
                        for (long p = 0; p < k; p++)
                            want += a.at(i / n, p) * b.at(p, i % n);
                        unlike += product[i] != want;
                    }
                }
            }
        });
    for (auto &caller : callers)
        caller.join();
    check(unlike == 0, "results of threads that call at once", "check_callers");
}

// Children forked while threads of the parent are at work in the kernels and their memory.
void check_forks(long forks) {
    today_set_threads(2);
    Random random(4);
    const Case c = random_case(random, Data::integers);
    const Results want(c, true, true);
    std::atomic<bool> done{false};
    std::thread busy([&] {
        while (!done) {
            void *block = today_take(1 << 20);
            today_give(block);
            Results(c, true, true);
        }
    });
    for (long i = 0; i < forks; i++) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(20); // a child that hangs is killed
            void *block = today_take(1 << 20);
            today_give(block);
            _exit(Results(c, true, true) == want ? 0 : 1);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (WIFSIGNALED(status))
            fail("a child was ended by signal", "check_forks", WTERMSIG(status), 0);
        else
            check(WEXITSTATUS(status) == 0, "another result in a child", "check_forks");
        if (failures)
            break;
    }
    done = true;
    busy.join();
}

void check_memory(long cases) {
    Random random(5);
    struct Block {
        uint8_t *address;
        long bytes;
        uint8_t mark;
    };
    std::vector<Block> blocks;
    for (long t = 0; t < cases; t++) {
        if (blocks.size() < 20 && random.chance(60)) {
            const long bytes = random.below(5 << 20);
            auto *address = (uint8_t *)today_take(bytes);
            check(address != nullptr && uintptr_t(address) % 64 == 0, "take", "check_memory");
            const auto mark = uint8_t(random.below(256));
            std::memset(address, mark, bytes);
            blocks.push_back({address, bytes, mark});
        } else if (!blocks.empty()) {
            std::swap(blocks[random.below(long(blocks.size()))], blocks.back());
            const Block block = blocks.back();
            blocks.pop_back();
            for (long i = 0; i < block.bytes; i += 997)
                check(block.address[i] == block.mark, "a block overwritten", "check_memory");
            today_give(block.address);
        }
    }
    for (const Block &block : blocks)
        today_give(block.address);
    void *first = today_take(100 << 20); // larger than any before
    today_give(first);
    void *second = today_take(99 << 20);
    check(first == second, "a block used again", "check_memory");
    today_give(second);
    // A large block is used for small ones, which are one again once they are given back.
    auto *const begin = (uint8_t *)first, *const end = begin + (100 << 20);
    uint8_t *parts[7];
    for (auto *&part : parts) {
        part = (uint8_t *)today_take(14 << 20);
        check(part >= begin && part + (14 << 20) <= end, "a part of a block", "check_memory");
        for (auto **other = parts; *other != part; other++)
            check(part >= *other + (14 << 20) || *other >= part + (14 << 20), "parts that overlap",
                  "check_memory");
    }
    for (const long k : {3, 0, 1, 6, 5, 2, 4})
        today_give(parts[k]);
    check(today_take(100 << 20) == first, "a block put together again", "check_memory");
    today_give(first);
    check(today_take(int64_t(1) << 60) == nullptr, "more memory than there is", "check_memory");
}

} // namespace

int main(int arguments, char **argument) {
    if (arguments != 3 && arguments != 4) {
        std::puts("usage: check_kernels SECTION CASES [SEED]");
        return 2;
    }
    const std::string section = argument[1];
    const long cases = std::atol(argument[2]);
    if (arguments == 4)
        seed = std::strtoull(argument[3], nullptr, 10);
    if (section == "stages")
        check_stages(cases, {Data::noise, Data::integers, Data::flat, Data::half_flat});
    else if (section == "nonfinite")
        check_stages(cases, {Data::nonfinite});
    else if (section == "chains")
        check_chains(cases);
    else if (section == "products")
        check_products(cases), check_products_and_sum(cases / 4);
    else if (section == "updates")
        check_updates(cases);
    else if (section == "dropout")
        check_dropout(cases);
    else if (section == "pools")
        pools::check_pools(cases);
    else if (section == "sums")
        pools::check_sums(cases);
    else if (section == "channelwise")
        pools::check_channelwise(cases);
    else if (section == "elementwise")
        check_elementwise(cases);
    else if (section == "streams")
        check_streams(cases);
    else if (section == "steps")
        steps::check_recurrences(cases);
    else if (section == "functions")
        steps::check_functions(cases);
    else if (section == "callers")
        check_callers(cases);
    else if (section == "forks")
        check_forks(cases);
    else if (section == "memory")
        check_memory(cases);
    else {
        std::printf("no section %s\n", section.c_str());
        return 2;
    }
    std::printf("%s: %ld cases, seed %llu, %d failures, vectors of %d floats\n", section.c_str(),
                cases, (unsigned long long)seed, failures, today_lanes());
    return failures != 0;
}

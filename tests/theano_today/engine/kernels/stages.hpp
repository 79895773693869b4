// Stages of random shapes, with a pool and without, against loops by the definition, in double
// precision.
#pragma once

#include "interface.hpp"

constexpr double TOLERANCE = 1e-5; // of the largest element

enum class Data {
    noise,
    integers,  // all arithmetic is exact; many ties, many outputs exactly at rectify's kink
    flat,      // each channel has one value: every window is tied
    half_flat, // flat on the left, noise on the right
    nonfinite, // noise with a few NaN and infinities
};

struct Case {
    StageShape s;
    Data data;
    bool ignore_border, has_bias;
    long bottom, right;
    int threads;
    char text[400];
    std::vector<float> x, w, b, g; // planes
};

inline long padded(long n) { return (n + today_lanes() - 1) / today_lanes() * today_lanes(); }

inline Case random_case(Random &random, Data data) {
    Case c = {};
    StageShape &s = c.s;
    c.data = data;
    s.pool = random.chance(50) ? 1 : 2;
    s.step_rows = s.step_columns = s.apart_rows = s.apart_columns = 1;
    const long square = random.chance(30) ? 2 : random.chance(30) ? 3 : random.chance(20) ? 5 : 0;
    const long largest = s.pool == 1 && random.chance(20) ? 8 : 5;
    s.filter_rows = square ? square : random.between(1, largest);
    s.filter_columns = square ? square : random.between(1, largest);
    s.in_order = random.chance(10);
    if (s.pool == 1 && random.chance(40)) {
        s.step_rows = random.between(1, 3), s.step_columns = random.between(1, 4);
        s.apart_rows = random.between(1, 3), s.apart_columns = random.between(1, 2);
    }
    if (s.pool == 1 && random.chance(25)) { // what is done by halves
        s.filter_rows = s.filter_columns = random.one_of({4, 6});
        s.step_rows = s.step_columns = 2, s.apart_rows = s.apart_columns = 1;
    }
    const long reach_rows = (s.filter_rows - 1) * s.apart_rows;
    const long reach_columns = (s.filter_columns - 1) * s.apart_columns;
    s.channels = random.one_of({1, 1, 2, 3, 7, 8, 9, 16, 17, 33, 64});
    s.filters = random.one_of({1, 3, 5, 16, 30, 32, 33, 64, 70});
    s.images = random.one_of({0, 1, 1, 2, 3, 5, 19});
    const bool large = s.pool == 1 && random.chance(4);
    if (large) // so that the sums of the images' parts share places
        s.channels = s.filters = 256, s.images = 19;
    s.rows = reach_rows + 1 + random.below(large ? 3 : 11);
    s.columns = reach_columns + 1 + random.below(large ? 3 : s.pool == 1 ? 22 : 12);
    const bool flat = data == Data::flat || data == Data::half_flat;
    switch (flat ? 0 : random.below(5)) {
    case 1: // same
        s.top = (reach_rows + 1) / 2, c.bottom = reach_rows - s.top;
        s.left = (reach_columns + 1) / 2, c.right = reach_columns - s.left;
        break;
    case 2: // full
        s.top = c.bottom = reach_rows, s.left = c.right = reach_columns;
        break;
    case 3:
        s.top = random.below(4), c.bottom = random.below(4);
        s.left = random.below(4), c.right = random.below(4);
        break;
    default: // valid
        break;
    }
    s.out_rows = (s.rows + s.top + c.bottom - reach_rows - 1) / s.step_rows + 1;
    s.out_columns = (s.columns + s.left + c.right - reach_columns - 1) / s.step_columns + 1;
    c.ignore_border = random.chance(50);
    const int up = s.pool == 1 || !c.ignore_border ? s.pool - 1 : 0;
    s.pool_rows = (s.out_rows + up) / s.pool, s.pool_columns = (s.out_columns + up) / s.pool;
    s.flip = random.chance(50), s.rectify = random.chance(70);
    s.x_blocked = random.chance(50), s.dx_blocked = random.chance(50);
    s.p_blocked = random.chance(50);
    c.has_bias = random.chance(80);
    c.threads = int(random.between(1, 3));
    std::snprintf(c.text, sizeof c.text,
                  "x (%ld, %ld, %ld, %ld), w (%ld, ., %ld, %ld), border %ld %ld %ld %ld, "
                  "ignore_border %d, bias %d, flip %ld, rectify %ld, blocked x %ld, dx %ld, p %ld, "
                  "data %d, %d threads, pool %ld, steps %ld %ld, apart %ld %ld, in order %ld",
                  long(s.images), long(s.channels), long(s.rows), long(s.columns), long(s.filters),
                  long(s.filter_rows), long(s.filter_columns), long(s.top), c.bottom, long(s.left),
                  c.right, c.ignore_border, c.has_bias, long(s.flip), long(s.rectify),
                  long(s.x_blocked), long(s.dx_blocked), long(s.p_blocked), int(data), c.threads,
                  long(s.pool), long(s.step_rows), long(s.step_columns), long(s.apart_rows),
                  long(s.apart_columns), long(s.in_order));

    const bool integers = data == Data::integers;
    const auto fill = [&](std::vector<float> &values, long count, long largest) {
        values.resize(count);
        for (float &v : values)
            v = integers ? float(random.between(-largest, largest)) : random.number();
    };
    const long plane = s.rows * s.columns;
    fill(c.x, s.images * s.channels * plane, 3);
    fill(c.w, s.filters * s.channels * s.filter_rows * s.filter_columns, 2);
    fill(c.b, s.filters, 4);
    fill(c.g, s.images * s.filters * s.pool_rows * s.pool_columns, 4);
    if (integers)
        for (float &v : c.g)
            v *= 2; // half of it, at the kink, is exact
    if (flat)
        for (long i = 0; i < long(c.x.size()); i++)
            if (data == Data::flat || i % s.columns < s.columns / 2)
                c.x[i] = c.x[i / plane * plane];
    const long dead = random.chance(30) ? random.below(s.channels) : -1; // a channel of zeros
    for (long i = 0; i < long(c.x.size()); i++)
        if (i / plane % s.channels == dead)
            c.x[i] = 0;
    if (data == Data::nonfinite && dead >= 0) { // 0 * NaN is NaN
        const long taps = s.filter_rows * s.filter_columns;
        c.w[(random.below(s.filters) * s.channels + dead) * taps + random.below(taps)] = NAN;
    }
    if (data == Data::nonfinite && (dead < 0 || random.chance(50)))
        for (long i = 0; i < long(c.x.size()); i++)
            if (random.chance(2))
                c.x[i] = float((const double[]){NAN, INFINITY, -INFINITY}[random.below(3)]);
    return c;
}

// Where an element is: planes (n, c, rows, columns), or (n, blocks, rows, columns, V)
inline long place(bool blocked, long channels, long rows, long columns, long n, long c, long i,
                  long j) {
    if (!blocked)
        return ((n * channels + c) * rows + i) * columns + j;
    const long lanes = today_lanes(), blocks = padded(channels) / lanes;
    return (((n * blocks + c / lanes) * rows + i) * columns + j) * lanes + c % lanes;
}

inline Guarded<float> laid_out(bool blocked, const std::vector<float> &planes, long images,
                               long channels, long rows, long columns) {
    Guarded<float> out(images * (blocked ? padded(channels) : channels) * rows * columns);
    for (long i = 0; i < out.size(); i++)
        out[i] = 0;
    long from = 0;
    for (long n = 0; n < images; n++)
        for (long c = 0; c < channels; c++)
            for (long i = 0; i < rows; i++)
                for (long j = 0; j < columns; j++)
                    out[place(blocked, channels, rows, columns, n, c, i, j)] = planes[from++];
    return out;
}

// f(n, f, c, output row, output column, element of x or -1, element of w), for each product
template <class F> void products_of(const StageShape &s, long n, F &&f) {
    for (long filter = 0; filter < s.filters; filter++)
        for (long r = 0; r < s.out_rows; r++)
            for (long q = 0; q < s.out_columns; q++)
                for (long c = 0; c < s.channels; c++)
                    for (long i = 0; i < s.filter_rows; i++)
                        for (long j = 0; j < s.filter_columns; j++) {
                            const long y = r * s.step_rows + i * s.apart_rows - s.top;
                            const long z = q * s.step_columns + j * s.apart_columns - s.left;
                            const bool inside = y >= 0 && y < s.rows && z >= 0 && z < s.columns;
                            const long k = s.flip ? s.filter_rows - 1 - i : i;
                            const long m = s.flip ? s.filter_columns - 1 - j : j;
                            f(filter, r, q,
                              inside ? ((n * s.channels + c) * s.rows + y) * s.columns + z : -1,
                              ((filter * s.channels + c) * s.filter_rows + k) * s.filter_columns +
                                  m);
                        }
}

inline void check_winners(const Case &c, const double (&z)[4], int exist, double best, uint8_t won,
                          double scale) {
    const StageShape &s = c.s;
    const bool exact = c.data == Data::integers || c.data == Data::flat;
    if (s.pool == 1) { // the slope of rectify
        if (!s.rectify || (!exact && std::abs(z[0]) < 1e-4 * scale))
            return;
        const int slope = z[0] > 0 ? 2 : z[0] == 0 ? 1 : 0;
        if (won != slope)
            fail("slopes", c.text, won, slope);
        return;
    }
    int want = 0;
    for (int k = 0; k < 4; k++) {
        if (!(exist & 1 << k))
            continue;
        if (z[k] == best)
            want |= 1 << k;
        else if (!exact && best - z[k] < 1e-4 * scale)
            return; // too near to tell
    }
    if (s.rectify && !exact && std::abs(best) < 1e-4 * scale)
        return;
    if (s.rectify)
        want = best > 0 ? want : best == 0 ? want | 16 : 0;
    if (won != want)
        fail("winners", c.text, won, want);
}

inline void check_forward(const Case &c, const Guarded<float> &p, const Guarded<uint8_t> &winners) {
    const StageShape &s = c.s;
    Difference difference;
    const long outputs = s.out_rows * s.out_columns;
    for (long n = 0; n < s.images; n++) {
        std::vector<double> z(s.filters * outputs);
        for (long f = 0; f < s.filters; f++)
            for (long i = 0; i < outputs; i++)
                z[f * outputs + i] = c.has_bias ? c.b[f] : 0;
        products_of(s, n, [&](long f, long r, long q, long x, long w) {
            z[(f * s.out_rows + r) * s.out_columns + q] += double(x < 0 ? 0 : c.x[x]) * c.w[w];
        });
        double scale = 0;
        for (double value : z)
            if (std::isfinite(value))
                scale = std::max(scale, std::abs(value));
        for (long f = 0; f < s.filters; f++)
            for (long i = 0; i < s.pool_rows; i++)
                for (long j = 0; j < s.pool_columns; j++) {
                    double four[4] = {}, want = 0, best = -INFINITY;
                    int exist = 0;
                    for (int k = 0; k < s.pool * s.pool; k++) {
                        const long r = s.pool * i + (k >> 1), q = s.pool * j + (k & 1);
                        if (r >= s.out_rows || q >= s.out_columns)
                            continue;
                        four[k] = z[(f * s.out_rows + r) * s.out_columns + q];
                        // Rectified first, then pooled, as in stock Theano's graph
                        const double a = s.rectify ? 0.5 * (four[k] + std::abs(four[k])) : four[k];
                        want = exist == 0 || a > want ? a : want;
                        best = std::max(best, four[k]);
                        exist |= 1 << k;
                    }
                    difference.add(
                        p[place(s.p_blocked, s.filters, s.pool_rows, s.pool_columns, n, f, i, j)],
                        want);
                    const uint8_t won =
                        winners[place(true, s.filters, s.pool_rows, s.pool_columns, n, f, i, j)];
                    if (c.data != Data::nonfinite)
                        check_winners(c, four, exist, best, won, scale);
                    // What lies flat stays tied, to the last bit.
                    const bool flat = c.data == Data::half_flat && s.pool == 2 &&
                                      2 * j + 1 + s.filter_columns <= s.columns / 2;
                    if (flat && (!s.rectify || best > 0))
                        check(won == exist, "ties of a flat area", c.text);
                }
    }
    check(difference, c.data == Data::integers ? 0 : TOLERANCE, "p", c.text);
    check(p.intact() && winners.intact(), "written beside p or winners", c.text);
}

inline void check_backward(const Case &c, const Guarded<uint8_t> &winners, const Guarded<float> *dw,
                           const Guarded<float> *db, const Guarded<float> *dx) {
    const StageShape &s = c.s;
    std::vector<double> want_w(c.w.size()), want_b(s.filters), want_x(c.x.size());
    for (long n = 0; n < s.images; n++) {
        std::vector<double> gz(s.filters * s.out_rows * s.out_columns);
        for (long f = 0; f < s.filters; f++)
            for (long i = 0; i < s.pool_rows; i++)
                for (long j = 0; j < s.pool_columns; j++) {
                    const long window = i * s.pool_columns + j;
                    const uint8_t won =
                        winners[place(true, s.filters, s.pool_rows, s.pool_columns, n, f, i, j)];
                    const double g =
                        c.g[(n * s.filters + f) * s.pool_rows * s.pool_columns + window];
                    if (s.pool == 1) {
                        const double mine = s.rectify ? won * g / 2 : g;
                        gz[(f * s.out_rows + i) * s.out_columns + j] = mine;
                        want_b[f] += mine;
                        continue;
                    }
                    for (int k = 0; k < 4; k++)
                        if (won & 1 << k) {
                            const long r = 2 * i + (k >> 1), q = 2 * j + (k & 1);
                            const double mine = won & 16 ? g / 2 : g;
                            gz[(f * s.out_rows + r) * s.out_columns + q] = mine;
                            want_b[f] += mine;
                        }
                }
        products_of(s, n, [&](long f, long r, long q, long x, long w) {
            if (x < 0)
                return;
            const double mine = gz[(f * s.out_rows + r) * s.out_columns + q];
            want_w[w] += mine * c.x[x];
            want_x[x] += mine * c.w[w];
        });
    }
    const double part = c.data == Data::integers ? 0 : TOLERANCE;
    Difference of_w, of_b, of_x;
    if (dw != nullptr) {
        for (size_t i = 0; i < c.w.size(); i++)
            of_w.add((*dw)[i], want_w[i]);
        for (long f = 0; f < s.filters; f++)
            of_b.add((*db)[f], want_b[f]);
        check(of_w, part, "dw", c.text);
        check(of_b, part, "db", c.text);
        check(dw->intact() && db->intact(), "written beside dw or db", c.text);
    }
    if (dx != nullptr) {
        long from = 0;
        for (long n = 0; n < s.images; n++)
            for (long ch = 0; ch < s.channels; ch++)
                for (long i = 0; i < s.rows; i++)
                    for (long j = 0; j < s.columns; j++)
                        of_x.add(
                            (*dx)[place(s.dx_blocked, s.channels, s.rows, s.columns, n, ch, i, j)],
                            want_x[from++]);
        check(of_x, part, "dx", c.text);
        check(dx->intact(), "written beside dx", c.text);
    }
}

// What the kernels compute of a case.
struct Results {
    Guarded<float> p;
    Guarded<uint8_t> winners;
    Guarded<float> dw, db, dx;

    Results(const Case &c, bool of_weights, bool of_inputs, const uint8_t *mask = nullptr,
            float scale = 0)
        : p(c.s.images * (c.s.p_blocked ? padded(c.s.filters) : c.s.filters) * c.s.pool_rows *
            c.s.pool_columns),
          winners(c.s.images * c.s.pool_rows * c.s.pool_columns * padded(c.s.filters)),
          dw(of_weights ? long(c.w.size()) : 0), db(of_weights ? c.s.filters : 0),
          dx(of_inputs ? c.s.images * (c.s.dx_blocked ? padded(c.s.channels) : c.s.channels) *
                             c.s.rows * c.s.columns
                       : 0) {
        const StageShape &s = c.s;
        const auto x = laid_out(s.x_blocked, c.x, s.images, s.channels, s.rows, s.columns);
        const auto g = laid_out(s.p_blocked, c.g, s.images, s.filters, s.pool_rows, s.pool_columns);
        const Link link = {s,
                           x.data(),
                           c.w.data(),
                           c.has_bias ? c.b.data() : nullptr,
                           p.data(),
                           winners.data(),
                           g.data(),
                           of_weights ? dw.data() : nullptr,
                           of_weights ? db.data() : nullptr,
                           of_inputs ? dx.data() : nullptr,
                           mask,
                           scale};
        int status = today_forward(&link, 1);
        if ((of_weights || of_inputs) && c.data != Data::nonfinite)
            status |= today_backward(&link, 1);
        check(status == 0, "status", c.text);
    }
    bool operator==(const Results &other) const {
        return p == other.p && winners == other.winners && dw == other.dw && db == other.db &&
               dx == other.dx;
    }
};

inline void check_stages(long cases, const std::vector<Data> &kinds) {
    Random random(1);
    for (long t = 0; t < cases; t++) {
        const Case c = random_case(random, kinds[t % kinds.size()]);
        today_set_threads(c.threads);
        const long gradients = random.below(4); // of w, of x, of both (twice as often)
        const bool of_weights = gradients != 1, of_inputs = gradients != 0;
        const Results results(c, of_weights, of_inputs);
        check_forward(c, results.p, results.winners);
        if (c.data != Data::nonfinite)
            check_backward(c, results.winners, of_weights ? &results.dw : nullptr,
                           of_weights ? &results.db : nullptr, of_inputs ? &results.dx : nullptr);
        today_set_threads(c.threads % 3 + 1);
        check(results == Results(c, of_weights, of_inputs), "another result by other threads",
              c.text);
    }
}

// Behind dropout p is multiplied by a scale and a mask, and its gradient likewise: to the last bit.
inline void check_dropout(long cases) {
    Random random(11);
    for (long t = 0; t < cases; t++) {
        Case c = random_case(random, Data::noise);
        const StageShape &s = c.s;
        today_set_threads(c.threads);
        Guarded<uint8_t> mask(long(c.g.size()));
        for (long i = 0; i < mask.size(); i++)
            mask[i] = random.chance(70);
        const float scale = random.chance(20) ? 1 : 1 / 0.7f;
        const Results dropped(c, true, true, mask.data(), scale), plain(c, true, true);
        bool same = true;
        long from = 0;
        for (long n = 0; n < s.images; n++)
            for (long f = 0; f < s.filters; f++)
                for (long i = 0; i < s.pool_rows; i++)
                    for (long j = 0; j < s.pool_columns; j++, from++) {
                        const long at =
                            place(s.p_blocked, s.filters, s.pool_rows, s.pool_columns, n, f, i, j);
                        same &= dropped.p[at] == plain.p[at] * scale * float(mask[from]);
                        c.g[from] = c.g[from] * scale * float(mask[from]);
                    }
        check(same && dropped.winners == plain.winners, "p behind dropout", c.text);
        check(dropped.p.intact(), "written beside p", c.text);
        const Results want(c, true, true);
        check(dropped.dw == want.dw && dropped.db == want.db && dropped.dx == want.dx,
              "gradients behind dropout", c.text);
    }
}

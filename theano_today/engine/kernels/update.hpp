// Momentum steps, the parameters and velocities read and written once.
//
//   v <- momentum * v - rate * g
//   w <- w + v                           or, with Nesterov's momentum,
//   w <- w + momentum * v - rate * g     (Lasagne's formulation: lasagne.updates)
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "sparse.hpp"

namespace today {

struct Step {
    float rate, momentum;
    bool nesterov;
};

// The new w after a step from w and `before` to v: the sums above, or, where those or Theano's
// overflow, Theano's, which takes rate * g from w first.
__attribute__((noinline)) inline vf step_of_extremes(Step rule, vf w, vf before, vf v, vf g,
                                                     vf mine) {
    const vf ahead = rule.momentum * (rule.nesterov ? v : before);
    const vf theirs = ahead + (w - rule.rate * g);
    return where((vi)((mine - mine) + (theirs - theirs) == vf{}), mine, theirs);
}

static INLINE void step(Step rule, vf &w, vf &v, vf g) {
    const vf from = w, before = v, down = rule.rate * g;
    v = rule.momentum * v - down;
    w += rule.nesterov ? rule.momentum * v - down : v;
    const vf squares = from * from + before * before + w * w;
    if (__builtin_expect(any(~(vi)(squares < splat(INFINITY))), 0))
        w = step_of_extremes(rule, from, before, v, g, w);
}

static INLINE void step_through(Step rule, float *w, float *v, const float *g, long count) {
    long i = 0;
    for (; i + V <= count; i += V) {
        vf x = load(w + i), y = load(v + i);
        step(rule, x, y, load(g + i));
        store(w + i, x);
        store(v + i, y);
    }
    if (const long left = count - i; left > 0) {
        vf x = load_first(w + i, left), y = load_first(v + i, left);
        step(rule, x, y, load_first(g + i, left));
        store_first(w + i, x, left);
        store_first(v + i, y, left);
    }
}

constexpr long PIECE = 1 << 16; // elements at a time

// w, v (count) after a step with the gradient g (count)
inline void update(Step rule, float *w, float *v, const float *g, long count) {
    const long items = (count + PIECE - 1) / PIECE;
    Threads::instance().run(items, [&](long item) {
        const long first = item * PIECE, left = count - first;
        step_through(rule, w + first, v + first, g + first, left < PIECE ? left : PIECE);
    });
}

constexpr long STRIPE = 8 * ROWS; // rows of the gradient at a time

// left (k, STRIPE) <- rows `is` of A (m, k), turned
inline void pack_left(float *left, Matrix a, Some is, long k) {
    for (long p = 0; p < k; p++, left += STRIPE)
        for (long q = 0; q < is.count; q++)
            left[q] = a.data[is[q] * a.row + p * a.column];
}

// panel (k, PANEL) <- the columns js[first], js[first + 1], ... of B, zeros behind the last
inline void pack_columns(float *panel, Matrix b, Some js, long first, long k) {
    const long columns = js.count - first < PANEL ? js.count - first : PANEL;
    for (long p = 0; p < k; p++, panel += PANEL)
        for (long j = 0; j < PANEL; j++)
            panel[j] = j < columns ? b.data[p * b.row + js[first + j] * b.column] : 0;
}

// W, v (m, n) contiguous, after a step with the gradient A (m, k) @ B (k, n), a stripe of rows
// at a time: what the gradient is needed for happens while it is still in the cache. Rows of A
// and columns of B that are all 0 are left out of the product.
class ProductUpdate {
  public:
    ProductUpdate(Step rule, float *w, float *v, Matrix a, Matrix b, long m, long n, long k)
        : rule(rule), w(w), v(v), a(a), b(b), m(m), n(n), k(k), row(round_up(n, PANEL)) {}

    void run() {
        long numbers;
        js = alive(b, k, n, (int32_t *)scratch(Use::live_columns, n + V), &numbers);
        const bool small = m * n * k < TOO_SMALL;
        Threads &pool = Threads::instance();
        const auto all = [&](long items, auto &&work) {
            if (small)
                for (long item = 0; item < items; item++)
                    work(item);
            else
                pool.run(items, work);
        };
        panels = (js.count + PANEL - 1) / PANEL;
        const bool listed = a.row == 1 && m >= PANEL && k >= 32 && row <= LISTED_COLUMNS &&
                            worth_a_list(numbers, k, js.count);
        const long rows = listed ? PANEL : STRIPE, stripes = (m + rows - 1) / rows;
        std::vector<uint8_t> left(stripes, 1);
        const auto update_stripes = [&](bool by_list) {
            all(stripes, [&](long stripe) {
                const long top = stripe * rows;
                if (left[stripe])
                    left[stripe] = !update_stripe(top, std::min(rows, m - top), by_list);
            });
        };
        if (listed) {
            list = list_numbers({b.data, b.column, b.row}, n, k);
            update_stripes(true);
            if (std::find(left.begin(), left.end(), 1) == left.end())
                return;
        }
        packed = scratch(Use::panels, panels * PANEL * k);
        all(panels, [&](long p) { pack_columns(packed + p * PANEL * k, b, js, p * PANEL, k); });
        update_stripes(false);
    }

  private:
    static constexpr long LISTED_COLUMNS = 2048; // whose sums stay in the second level's cache

    // W and v of `count` rows from `top` on; false, and nothing done, if by_list() cannot
    bool update_stripe(long top, long count, bool listed) const {
        float *gradient = scratch(Use::pooled, std::max(STRIPE, long(PANEL)) * row);
        // The memory of w and v is on its way while their gradient is computed.
        Soon soon_w(w + top * n, count * n, 0, 1), soon_v(v + top * n, count * n, 0, 1);
        if (listed && !by_list(top, count, gradient, soon_w, soon_v))
            return false;
        for (long first = 0; first < count && !listed; first += STRIPE)
            by_tiles(top + first, std::min(STRIPE, count - first), gradient + first * row, soon_w,
                     soon_v);
        for (long i = 0; i < count; i++)
            step_through(rule, w + (top + i) * n, v + (top + i) * n, gradient + i * row, n);
        return true;
    }

    void by_tiles(long top, long count, float *gradient, Soon soon_w, Soon soon_v) const {
        const Matrix turned = {a.data + top * a.row, a.column, a.row};
        const Some is = alive(turned, k, count, (int32_t *)scratch(Use::counts, STRIPE + V));
        float *left = scratch(Use::left, STRIPE * k);
        pack_left(left, a.at(top, 0), is, k);
        std::memset(gradient, 0, count * row * sizeof(float));
        // Locals: stores of vectors may change a member, as far as a compiler knows.
        const float *packed = this->packed;
        const Some js = this->js;
        const long panels = this->panels, k = this->k, n = this->n, row = this->row;
        for (long i = 0; i < is.count; i += ROWS)
            with_rows(is.count - i < ROWS ? is.count - i : ROWS, [&](auto rows) {
                constexpr int MR = decltype(rows)::value;
                for (long p = 0; p < panels; p++) {
                    vf sums[MR][VECTORS] = {};
                    tile(All{k}, Matrix{left + i, 1, STRIPE}, packed + p * PANEL * k, PANEL, sums,
                         [&] {
                             EACH (line, 3) {
                                 soon_w.line<1>();
                                 soon_v.line<1>();
                             }
                         });
                    EACH (r, MR) {
                        float *to = gradient + is[i + r] * row;
                        if (js.count == n) {
                            EACH (s, VECTORS)
                                store(to + p * PANEL + s * V, sums[r][s]);
                        } else {
                            const long some = js.count - p * PANEL;
                            const float *from = (const float *)sums[r];
                            for (long j = 0; j < PANEL && j < some; j++)
                                to[js[p * PANEL + j]] = from[j];
                        }
                    }
                }
            });
    }

    // From B's numbers that are not 0; false if A has one that is not finite
    bool by_list(long top, long count, float *gradient, Soon soon_w, Soon soon_v) const {
        float *panel = scratch(Use::left, k * PANEL), *sums = scratch(Use::products, row * PANEL);
        if (!pack_panel(panel, {a.data, a.column, a.row}, All{k}, k, top, top + count))
            return false;
        const long lines = count * VECTORS / PANEL + 1;
        sparse_product(list, panel, sums, PANEL, PANEL, true, [&] {
            for (long line = 0; line < lines; line++) {
                soon_w.line<1>();
                soon_v.line<1>();
            }
        });
        for (long j = 0; j < n; j += V)
            for (long i = 0; i < PANEL; i += V) {
                vf square[V];
                EACH (q, V)
                    square[q] = load(sums + (j + q) * PANEL + i);
                transpose(square);
                EACH (q, V)
                    store(gradient + (i + q) * row + j, square[q]);
            }
        return true;
    }

    const Step rule;
    float *w, *v;
    const Matrix a, b;
    const long m, n, k, row;
    Some js;
    long panels;
    float *packed;
    Sparse list;
};

inline void update_with_product(Step rule, float *w, float *v, Matrix a, Matrix b, long m, long n,
                                long k) {
    ProductUpdate(rule, w, v, a, b, m, n, k).run();
}

} // namespace today

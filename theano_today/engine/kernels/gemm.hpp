// Products of matrices: the tile in registers that everything here is made of, and the three
// products of a dense layer.
//
//   Y (m, n)  = A (m, k) @ B (k, n)     (product.hpp)
//   W, v     <- W and v after a momentum step with the gradient A.T @ B   (update.hpp)
//
// B is packed into panels, (k, PANEL) floats each, zeros behind the last column; A is read
// where it lies, one float at a time to all lanes.
#pragma once

#include <algorithm>

#include "threads.hpp"
#include "vec.hpp"

namespace today {

constexpr int ROWS = 6;                          // rows of a tile of sums
constexpr int VECTORS = REGISTERS == 32 ? 4 : 2; // vectors in a row of it
constexpr int PANEL = VECTORS * V;               // columns of a tile

// A matrix: element (i, j) is at data[i * row + j * column].
struct Matrix {
    const float *data;
    long row, column;
    Matrix at(long i, long j) const { return {data + i * row + j * column, row, column}; }
};

// Memory that will be needed soon, line by line: `rows` rows of `bytes` bytes, `stride` apart.
// Asked for a line at a time between other work, since a processor that waits for a dozen or two
// of lines does nothing else.
class Soon {
  public:
    Soon() = default;
    Soon(const float *first, long floats, long stride, long rows)
        : begin((const char *)first), at(begin), bytes(floats * 4), stride(stride * 4), rows(rows) {
    }

    template <int WRITE = 0> INLINE void line() {
        if (rows <= 0)
            return;
        __builtin_prefetch(at, WRITE, WRITE ? 3 : 2);
        at += 64;
        if (at >= begin + bytes) {
            begin += stride;
            at = whole_line(begin);
            rows--;
        }
    }

  private:
    static const char *whole_line(const char *p) { return (const char *)((uintptr_t)p & ~63ul); }

    const char *begin = nullptr, *at = nullptr;
    long bytes = 0, stride = 0, rows = 0;
};

constexpr long TOO_SMALL = 1 << 20; // multiplications that are done before a thread has woken up

// Pack weights, of which there are so many, item by item; on all threads where that pays
template <class F> inline void pack_in_shares(long weights, long items, F &&pack) {
    if (weights >= TOO_SMALL >> 6)
        return Threads::instance().run_in_shares(items, pack);
    for (long item = 0; item < items; item++)
        pack(item);
}

// Which k of a product are summed over: all of 0 to count - 1, or those in a list.
struct All {
    long count;
    long operator[](long p) const { return p; }
};
struct Some {
    const int32_t *which;
    long count;
    long operator[](long p) const { return which[p]; }
};

// sums (MR, NV * V) += A[:, k] of MR rows times row k of a panel (k, NV * V)
template <int MR, int NV>
static INLINE void add_one(long k, Matrix a, const float *panel, long step, vf (&sums)[MR][NV]) {
    const float *left = a.data + k * a.column;
    vf right[NV];
    EACH (j, NV)
        right[j] = load(panel + k * step + j * V);
    EACH (i, MR) {
        const vf one = splat(left[i * a.row]);
        EACH (j, NV)
            sums[i][j] += one * right[j];
    }
}

// sums (MR, NV * V) += A (MR, k) @ panel (k, NV * V), the panel's rows `step` floats apart. The
// loop is not unrolled: there are many tiles to compile, and none is faster then.
template <int MR, int NV, class K>
static INLINE void tile(K ks, Matrix a, const float *panel, long step, vf (&sums)[MR][NV]) {
    for (long p = 0; p < ks.count; p++)
        add_one(ks[p], a, panel, step, sums);
}
// The same; between() is called after every fourth of the k.
template <int MR, int NV, class K, class F>
static INLINE void tile(K ks, Matrix a, const float *panel, long step, vf (&sums)[MR][NV],
                        F &&between) {
    long p = 0;
    for (; p + 4 <= ks.count; p += 4) {
        EACH (q, 4)
            add_one(ks[p + q], a, panel, step, sums);
        between();
    }
    for (; p < ks.count; p++)
        add_one(ks[p], a, panel, step, sums);
}

// The columns 0 to k - 1 of A (m, k) that are not all 0. Of rectified outputs many are, since
// whole units and filters are dead for a while or for good; what they are multiplied by does not
// matter, as long as it is finite. `numbers`: of A, how many are not 0, as far as was looked.
inline Some alive(Matrix a, long m, long k, int32_t *which, long *numbers = nullptr) {
    Some found = {which, 0};
    long p = 0;
    vi all_zeros = {};
    if (a.column == 1)
        for (; p + V <= k; p += V) {
            vi zeros = {}; // less than none
            for (long i = 0; i < m; i++)
                zeros += (vi)(load(a.data + i * a.row + p) == 0);
            for (int lane = 0; lane < V; lane++) {
                which[found.count] = p + lane;
                found.count += zeros[lane] != -m;
            }
            all_zeros += zeros;
        }
    if (numbers != nullptr) {
        *numbers = m * k;
        for (int lane = 0; lane < V; lane++)
            *numbers += all_zeros[lane];
    }
    for (; p < k; p++)
        which[found.count++] = p; // not worth a look
    return found;
}

// Call f with std::integral_constant-like numbers of rows (1 to ROWS) and vectors (1 to VECTORS).
template <int N> struct Number {
    static constexpr int value = N;
};
template <int MR = ROWS, class F> static INLINE void with_rows(int rows, F &&f) {
    if constexpr (MR > 1)
        if (rows < MR)
            return with_rows<MR - 1>(rows, f);
    f(Number<MR>());
}
template <int NV = VECTORS, class F> static INLINE void with_vectors(int vectors, F &&f) {
    if constexpr (NV > 1)
        if (vectors < NV)
            return with_vectors<NV - 1>(vectors, f);
    f(Number<NV>());
}
// Call f(first row, Number<rows>) for tiles of 6, 4, 2 or 1 rows, as many as `count`: half as many
// kinds to compile as with_rows() has, for where these are also of any number of vectors.
template <class F> static INLINE void in_tiles(long count, F &&f) {
    long i = 0;
    for (; i + ROWS <= count; i += ROWS)
        f(i, Number<ROWS>());
    if (i + 4 <= count)
        f(i, Number<4>()), i += 4;
    if (i + 2 <= count)
        f(i, Number<2>()), i += 2;
    if (i < count)
        f(i, Number<1>());
}

// panel (k, PANEL) <- columns `first` to first + PANEL - 1 of B (k, n), zeros behind the last.
// Only the rows `ks` need be there. Is all of it finite?
template <class K>
inline bool pack_panel(float *panel, Matrix b, K ks, long k, long first, long n) {
    const long columns = n - first < PANEL ? n - first : PANEL;
    vf unlike = {}; // stays 0
    b = b.at(0, first);
    if (b.column == 1) {
        for (long q = 0; q < ks.count; q++) {
            const long p = ks[q];
            EACH (j, VECTORS) {
                const float *from = b.data + p * b.row + j * V;
                const long there = columns - j * V;
                const vf one = there >= V ? load(from) : there > 0 ? load_first(from, there) : vf{};
                store(panel + p * PANEL + j * V, one);
                unlike += 0.0f * one;
            }
        }
        return !any((vi)(unlike != 0.0f));
    }
    // Columns lie in rows: squares of V by V are turned.
    for (long j = 0; j < PANEL; j += V, panel += V) {
        const float *from = b.data + j * b.column;
        const long there = columns - j;
        long p = 0;
        if (there >= V && b.row == 1)
            for (; p + V <= k; p += V) {
                vf square[V];
                EACH (i, V)
                    square[i] = load(from + i * b.column + p);
                transpose(square);
                EACH (i, V) {
                    store(panel + (p + i) * PANEL, square[i]);
                    unlike += 0.0f * square[i];
                }
            }
        for (; p < k; p++) {
            for (long i = 0; i < V; i++)
                panel[p * PANEL + i] = i < there ? from[i * b.column + p * b.row] : 0;
            unlike += 0.0f * load(panel + p * PANEL);
        }
    }
    return !any((vi)(unlike != 0.0f));
}

// What pack_panel() will read
static INLINE Soon soon_packed(Matrix b, long k, long first, long n) {
    if (k <= 0 || first >= n)
        return {};
    const long columns = n - first < PANEL ? n - first : PANEL;
    b = b.at(0, first);
    return b.column == 1 ? Soon(b.data, columns, b.row, k) : Soon(b.data, k, b.column, columns);
}

// The last columns of a tile's rows: there are fewer than PANEL.
inline void add_last(float *c, long row, const vf *sums, int rows, long columns, bool first) {
    for (int r = 0; r < rows; r++, c += row, sums += VECTORS)
        for (long s = 0; s * V < columns; s++) {
            const long there = columns - s * V;
            float *to = c + s * V;
            if (there >= V)
                store(to, first ? sums[s] : sums[s] + load(to));
            else
                store_first(to, first ? sums[s] : sums[s] + load_first(to, there), there);
        }
}

constexpr long DEEP = 256; // or up to twice as many rows of B in a panel: it stays in the cache

// C (m, `columns`) = A[:, ks] @ panel, or += where it is not the first part of the sum; C's rows
// are `row` floats apart. What is needed `soon` is asked for meanwhile.
__attribute__((noinline)) inline void panel_product(Some ks, Matrix a, const float *panel, float *c,
                                                    long row, long m, long columns, bool first,
                                                    Soon soon) {
    for (long i = 0; i < m; i += ROWS, c += ROWS * row)
        with_rows(m - i < ROWS ? m - i : ROWS, [&](auto rows) {
            constexpr int MR = decltype(rows)::value;
            vf sums[MR][VECTORS] = {};
            tile(ks, a.at(i, 0), panel, PANEL, sums, [&] {
                soon.line();
                soon.line();
            });
            if (columns < PANEL) {
                vf last[MR][VECTORS]; // a copy: sums, without an address, are in registers
                EACH (r, MR)
                    EACH (s, VECTORS)
                        last[r][s] = sums[r][s];
                return add_last(c, row, last[0], MR, columns, first);
            }
            if (!first)
                EACH (r, MR)
                    EACH (s, VECTORS)
                        sums[r][s] += load(c + r * row + s * V);
            EACH (r, MR)
                EACH (s, VECTORS)
                    store(c + r * row + s * V, sums[r][s]);
        });
}

} // namespace today

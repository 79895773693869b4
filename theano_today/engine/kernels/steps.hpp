// The steps of a scan: a program of views, elementwise formulas, products and sums, run step
// after step without Python. engine/scan/ makes the program.
//
// Where every row of a batch goes through all steps by itself, as in a recurrent layer, the rows
// are divided among the threads, and each takes its own through all steps. What is summed over the
// rows is then summed by chunks of rows, always the same ones, in float64, and over the chunks in
// order.
#pragma once

#include <variant>
#include <vector>

#include "elementwise.hpp"
#include "gemm.hpp"

namespace today::steps {

// Memory that views point into. At step i it begins at
//   fixed: base    each: base + i * stride    ring: base + (start + i) % count * stride
// and scratch is of the thread, base bytes behind its begin.
struct Slot {
    enum Kind : Word { fixed, each, ring, scratch };
    Word kind, base, stride, start, count;
};

// What the next step reads and writes that none has touched before: products ask for it, line by
// line, while they compute. Otherwise every step would begin with waiting for memory.
class Ahead {
  public:
    static bool covers(const View &v) {
        return v.split == 0 && !v.local && v.rank <= 2 && v.stride[v.rank - 1] == v.bytes;
    }

    void clear() { pieces.clear(), room = 3 << 17; } // well within a second cache
    void add(const View &v, Bases bases) {
        const bool whole = v.rank == 1 || v.stride[0] == v.shape[1] * v.bytes;
        const long count = whole ? 1 : v.shape[0];
        const long bytes = whole ? v.shape[0] * v.stride[0] : v.shape[1] * v.bytes;
        const char *from = address(v, bases);
        for (long i = 0; i < count && room > 0; i++, from += v.stride[0], room -= bytes)
            pieces.push_back({from, from + bytes});
    }

    // Once they are all there
    void begin() { next = pieces.data(), last = next + pieces.size(), at = end = nullptr; }

    // Without a call: a product's sums are in the registers.
    INLINE void lines() {
        if (at >= end) {
            if (next == last)
                return;
            at = next->begin, end = next->end;
            next++;
        }
        EACH (i, 4)
            __builtin_prefetch(at + i * 64, 0, 2);
        at += 256;
    }

  private:
    struct Piece {
        const char *begin, *end;
    };
    std::vector<Piece> pieces;
    long room = 0;
    const Piece *next = nullptr, *last = nullptr;
    const char *at = nullptr, *end = nullptr;
};

// out = alpha * (x @ y) + beta * z, z left out where beta is 0
class Product {
  public:
    Product(Reader r, long first, long rows) {
        beta = r.real(), alpha = r.real();
        packed = r.word();
        out = r.view().part(first, rows), x = r.view().part(first, rows);
        y = r.view(), z = r.view().part(first, rows);
        m = out.shape[0], n = out.shape[1], k = x.shape[1];
    }

    static Matrix matrix(const View &v, Bases bases) {
        return {(const float *)address(v, bases), v.stride[0] / 4, v.stride[1] / 4};
    }
    static long packed_floats(const View &y) {
        return (y.shape[1] + PANEL - 1) / PANEL * PANEL * y.shape[0];
    }
    static void pack(float *to, const View &y, Bases bases) {
        const long k = y.shape[0], n = y.shape[1];
        for (long j = 0; j < n; j += PANEL, to += k * PANEL)
            pack_panel(to, matrix(y, bases), All{k}, k, j, n);
    }

    void run(Bases bases, float *const *packs, Ahead &ahead) {
        if (out.bytes == 8)
            return of_doubles(bases);
        const float *panel = packs[packed >= 0 ? packed : 0];
        if (packed < 0) {
            float *own = scratch(Use::step_panels, packed_floats(y));
            pack(own, y, bases);
            panel = own;
        }
        const Matrix left = matrix(x, bases);
        const long row = out.stride[0], z_row = beta != 0 ? z.stride[0] : row;
        char *to = address(out, bases), *from = beta != 0 ? address(z, bases) : to;
        for (long j = 0; j < n; j += PANEL, panel += k * PANEL) {
            const long columns = n - j < PANEL ? n - j : PANEL;
            in_tiles(m, [&](long i, auto rows) {
                constexpr int MR = decltype(rows)::value;
                const Tile t = {to + i * row + j * 4, from + i * z_row + j * 4, row, z_row,
                                columns};
                if (columns > VECTORS / 2 * V)
                    multiply<MR, VECTORS>(t, left.at(i, 0), panel, ahead);
                else if (columns > V)
                    multiply<MR, VECTORS / 2>(t, left.at(i, 0), panel, ahead);
                else
                    multiply<MR, 1>(t, left.at(i, 0), panel, ahead);
            });
        }
    }

    template <class F> void each_view(F &&f) const {
        f(out), f(x);
        if (beta != 0)
            f(z);
    }

  private:
    // Where a tile of the result is written, and read (that may be the same); bytes from row to row
    struct Tile {
        char *to;
        const char *from;
        long row, from_row, columns;
    };

    template <int MR, int NV>
    __attribute__((noinline)) void multiply(Tile t, Matrix a, const float *panel,
                                            Ahead &ahead) const {
        vf sums[MR][NV] = {};
        tile(All{k}, a, panel, PANEL, sums, [&] { ahead.lines(); });
        // Whole tiles are finished in their registers.
        if (t.columns == NV * V && alpha == 1 && beta == 0) {
            EACH (q, MR)
                EACH (s, NV)
                    store((float *)(t.to + q * t.row) + s * V, sums[q][s]);
        } else if (t.columns == NV * V && alpha == 1 && beta == 1) {
            EACH (q, MR)
                EACH (s, NV)
                    store((float *)(t.to + q * t.row) + s * V,
                          sums[q][s] + load((const float *)(t.from + q * t.from_row) + s * V));
        } else {
            alignas(64) float kept[MR * NV * V];
            EACH (q, MR)
                EACH (s, NV)
                    store(kept + (q * NV + s) * V, sums[q][s]);
            finish(t, kept, MR, NV * V);
        }
    }

    __attribute__((noinline)) void finish(Tile t, const float *sums, long rows, long width) const {
        const float a = float(alpha), b = float(beta);
        for (long q = 0; q < rows; q++, sums += width, t.to += t.row, t.from += t.from_row) {
            float *to = (float *)t.to;
            const float *from = (const float *)t.from;
            INDEPENDENT
            for (long j = 0; j < t.columns; j++) {
                const float one = a == 1 ? sums[j] : a * sums[j];
                to[j] = b == 0 ? one : b == 1 ? one + from[j] : one + b * from[j];
            }
        }
    }

    void of_doubles(Bases bases) {
        const char *left = address(x, bases), *right = address(y, bases);
        const long z_row = beta != 0 ? z.stride[0] : out.stride[0];
        char *to = address(out, bases), *from = beta != 0 ? address(z, bases) : to;
        double *sums = (double *)scratch(Use::step_panels, 2 * n);
        for (long i = 0; i < m; i++) {
            for (long j = 0; j < n; j++)
                sums[j] = 0;
            for (long p = 0; p < k; p++) {
                const double one = *(const double *)(left + i * x.stride[0] + p * x.stride[1]);
                const char *line = right + p * y.stride[0];
                if (y.stride[1] == 8)
                    for (long j = 0; j < n; j++)
                        sums[j] += one * ((const double *)line)[j];
                else
                    for (long j = 0; j < n; j++)
                        sums[j] += one * *(const double *)(line + j * y.stride[1]);
            }
            double *line = (double *)(to + i * out.stride[0]);
            const double *old = (const double *)(from + i * z_row);
            for (long j = 0; j < n; j++)
                line[j] = alpha * sums[j] + (beta != 0 ? beta * old[j] : 0);
        }
    }

    double alpha, beta;
    long packed, m, n, k;
    View out, x, y, z;
};

// Sums over axes, in float64 (of floats) or int64: the output's strides are 0 along these, and
// their lengths 1.
class Sum {
  public:
    // Type of the input, then of the output: 0 float32, 1 float64, 2 int64
    // Those of a chunk, of a thread whose rows begin with row `begin`
    Sum(Reader r, long first, long rows, long begin, long chunk) : chunk(chunk) {
        from = int(r.word()), to = int(r.word());
        accumulator = r.word(); // of those that are summed over all steps, or -1
        out = r.view().part(first, rows, begin), in = r.view().part(first, rows, begin);
        long size = 1;
        for (int d = int(in.rank) - 1; d >= 0; d--) {
            step[d] = out.shape[d] > 1 ? size : 0;
            size *= step[d] ? in.shape[d] : 1;
        }
        count = size;
    }

    static bool adds_up(Reader r) {
        r.skip(2);
        return r.word() >= 0;
    }

    // Adds to the chunk's totals[accumulator], or writes the sums where there is none.
    void run(Bases bases, const std::vector<std::vector<double *>> &totals) const {
        if (from == 2)
            return run_as<int64_t>(bases, nullptr);
        run_as<double>(bases, accumulator >= 0 ? totals[chunk][accumulator] : nullptr);
    }

    template <class F> void each_view(F &&f) const { f(in); }

  private:
    template <class A> void run_as(Bases bases, A *total) const {
        A *sums = total ? total : (A *)scratch(Use::step_panels, 2 * count);
        if (!total)
            std::memset(sums, 0, count * sizeof(A));
        const char *x = address(in, bases);
        if (from == 0)
            add<A, float>(0, sums, x);
        else if (from == 1)
            add<A, double>(0, sums, x);
        else
            add<A, int64_t>(0, sums, x);
        if (!total)
            put<A>(0, sums, address(out, bases));
    }

    template <class A, class T>
    __attribute__((noinline)) void add(int d, A *sums, const char *x) const {
        if (d >= in.rank || d >= RANK) {
            *sums += A(*(const T *)x);
            return;
        }
        const long n = in.shape[d], by = in.stride[d], s = step[d];
        if (d + 1 < in.rank) {
            for (long i = 0; i < n; i++)
                add<A, T>(d + 1, sums + i * s, x + i * by);
        } else if (s == 0 && by == sizeof(T)) {
            constexpr int LANES = 16;
            A lanes[LANES] = {}, one = *sums;
            long i = 0;
            for (; i + LANES <= n; i += LANES)
                EACH (lane, LANES)
                    lanes[lane] += A(((const T *)x)[i + lane]);
            for (; i < n; i++)
                one += A(((const T *)x)[i]);
            EACH (lane, LANES)
                one += lanes[lane];
            *sums = one;
        } else if (s == 0) {
            A one = *sums;
            for (long i = 0; i < n; i++)
                one += A(*(const T *)(x + i * by));
            *sums = one;
        } else if (by == sizeof(T)) {
            for (long i = 0; i < n; i++)
                sums[i] += A(((const T *)x)[i]);
        } else {
            for (long i = 0; i < n; i++)
                sums[i] += A(*(const T *)(x + i * by));
        }
    }

    template <class A> __attribute__((noinline)) void put(int d, const A *sums, char *o) const {
        if (d >= in.rank || d >= RANK) {
            if (to == 0)
                *(float *)o = float(*sums);
            else if (to == 1)
                *(double *)o = double(*sums);
            else
                *(int64_t *)o = int64_t(*sums);
            return;
        }
        for (long i = 0; i < out.shape[d]; i++)
            put<A>(d + 1, sums + i * step[d], o + i * out.stride[d]);
    }

    int from, to;
    long chunk; // the thread's first is 0
    Word accumulator, count, step[RANK];
    View out, in;
};

// A program as engine/scan/program.py writes it, and what it needs while it runs
class Program {
  public:
    Program(const Word *words, const Slot *slots, long n_slots) : slots(slots), n_slots(n_slots) {
        Reader r(words);
        rows = r.word(), chunk = r.word(), room = r.word();
        scratch_bytes = r.word(), temp_bytes = r.word();
        until = r.word() != 0;
        const long n_accumulators = r.word(), n_packs = r.word();
        n_instructions = r.word();
        condition = r.view();
        for (long i = 0; i < n_accumulators; i++) {
            const Word count = r.word(), slot = r.word(), type = r.word();
            accumulators.push_back({count, slot, type});
        }
        for (long i = 0; i < n_packs; i++)
            packed.push_back(r.view());
        instructions = r;
    }

    // Returns how many steps were done: `until` stops it.
    long run(long steps) {
        std::vector<char *> bases(n_slots);
        at_step(bases.data(), 0, nullptr);
        long floats = V;
        for (const View &y : packed)
            floats += Product::packed_floats(y);
        float *pack = scratch(Use::step_packs, floats);
        for (const View &y : packed) {
            packs.push_back(pack);
            Product::pack(pack, y, bases.data());
            pack += Product::packed_floats(y);
        }
        if (packs.empty())
            packs.push_back(pack);
        const long chunks = rows > 0 ? (rows + chunk - 1) / chunk : 1;
        for (const Accumulator &a : accumulators)
            sums_size += 2 * a.count;
        sums.assign(chunks * sums_size, 0);
        long done = steps;
        // As many rows at once as leave none of the threads without: each reads all weights.
        Threads &pool = Threads::instance();
        const long share = (chunks + pool.size() - 1) / pool.size();
        const long together = rows > 0 ? std::min(share, room / chunk) : 1;
        const long parts = (chunks + together - 1) / together;
        const auto one = [&](long p) {
            const long first = p * together * chunk;
            const long some = std::min(rows - first, together * chunk);
            const long d = through(first, some, steps, sums.data() + p * together * sums_size);
            if (until)
                done = d; // there is one chunk
        };
        if (parts == 1)
            one(0);
        else
            pool.run(parts, one);
        finish(chunks, steps);
        return done;
    }

  private:
    using Instruction = std::variant<Elementwise, Product, Sum>;
    struct Accumulator {
        Word count, slot, type;
    };

    void at_step(char **bases, long i, char *own) const {
        for (long s = 0; s < n_slots; s++) {
            const Slot &slot = slots[s];
            if (slot.kind == Slot::scratch)
                bases[s] = own + slot.base;
            else if (slot.kind == Slot::ring)
                bases[s] = (char *)slot.base + (slot.start + i) % slot.count * slot.stride;
            else
                bases[s] = (char *)slot.base + (slot.kind == Slot::each ? i * slot.stride : 0);
        }
    }

    long through(long first, long some, long steps, double *mine) {
        std::vector<Instruction> all;
        all.reserve(n_instructions);
        Reader r = instructions;
        for (long i = 0; i < n_instructions; i++) {
            const Word kind = r.word(), words = r.word();
            if (kind == 0)
                all.emplace_back(Elementwise(r, first, some));
            else if (kind == 1)
                all.emplace_back(Product(r, first, some));
            else if (rows > 0 && Sum::adds_up(r))
                for (long c = 0; c * chunk < some; c++)
                    all.emplace_back(
                        Sum(r, first + c * chunk, std::min(some - c * chunk, chunk), first, c));
            else
                all.emplace_back(Sum(r, first, some, first, 0));
            r.skip(words);
        }
        char *own = (char *)scratch(Use::step_scratch, (scratch_bytes + temp_bytes) / 4 + 32);
        char *temps = own + scratch_bytes;
        std::vector<char *> bases(n_slots);
        std::vector<std::vector<double *>> totals(rows > 0 ? (some + chunk - 1) / chunk : 1);
        for (auto &of_chunk : totals)
            for (const Accumulator &a : accumulators) {
                of_chunk.push_back(mine);
                mine += 2 * a.count;
            }
        const std::vector<View> touched = touched_by(all);
        Ahead ahead;
        for (long i = 0; i < steps; i++) {
            ahead.clear();
            if (i + 1 < steps) {
                at_step(bases.data(), i + 1, own);
                for (const View &v : touched)
                    ahead.add(v, bases.data());
            }
            ahead.begin();
            at_step(bases.data(), i, own);
            if (i + 1 == steps) // what the step before the last had
                for (const auto &of_chunk : totals)
                    for (size_t a = 0; a < accumulators.size(); a++)
                        std::memcpy(of_chunk[a] + accumulators[a].count, of_chunk[a],
                                    accumulators[a].count * sizeof(double));
            for (Instruction &instruction : all) {
                if (auto *formula = std::get_if<Elementwise>(&instruction))
                    formula->run(bases.data(), temps);
                else if (auto *product = std::get_if<Product>(&instruction))
                    product->run(bases.data(), packs.data(), ahead);
                else
                    std::get<Sum>(instruction).run(bases.data(), totals);
            }
            if (until && *address(condition, bases.data()))
                return i + 1;
        }
        return steps;
    }

    // What lies elsewhere at each step
    std::vector<View> touched_by(const std::vector<Instruction> &all) const {
        std::vector<View> found;
        const auto look = [&](const View &v) {
            const Word kind = slots[v.slot].kind;
            if ((kind != Slot::each && kind != Slot::ring) || !Ahead::covers(v))
                return;
            for (const View &f : found)
                if (f.slot == v.slot && f.offset == v.offset)
                    return;
            found.push_back(v);
        };
        for (const Instruction &instruction : all)
            std::visit([&](const auto &one) { one.each_view(look); }, instruction);
        return found;
    }

    // The sums over all steps: added to the initial values, where the last steps are stored
    void finish(long chunks, long steps) const {
        long before = 0;
        for (const Accumulator &a : accumulators) {
            const Slot &slot = slots[a.slot];
            const auto entry = [&](long i) {
                return (char *)slot.base + (slot.start + i + slot.count) % slot.count * slot.stride;
            };
            for (long j = 0; j < a.count; j++) {
                const auto number = [&](char *p) -> void * { return p + j * (a.type ? 8 : 4); };
                const void *initial = number(entry(-1));
                double all = a.type ? *(const double *)initial : double(*(const float *)initial);
                double former = all;
                for (long c = 0; c < chunks; c++) {
                    const double *part = sums.data() + c * sums_size + before + j;
                    all += part[0], former += part[a.count];
                }
                const auto put = [&](long i, double value) {
                    void *to = number(entry(i));
                    a.type ? void(*(double *)to = value) : void(*(float *)to = float(value));
                };
                if (slot.count > 1 && steps > 1)
                    put(steps - 2, former);
                put(steps - 1, all);
            }
            before += 2 * a.count;
        }
    }

    const Slot *slots;
    long n_slots, rows, chunk, room, scratch_bytes, temp_bytes, n_instructions, sums_size = 0;
    bool until;
    View condition;
    std::vector<Accumulator> accumulators;
    std::vector<View> packed;
    std::vector<float *> packs;
    std::vector<double> sums;
    Reader instructions{nullptr};
};

} // namespace today::steps

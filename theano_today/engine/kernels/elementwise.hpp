// Elementwise formulas: functions of scalars.hpp in order, done for a block of elements at a time,
// whose intermediate results stay in the cache. engine/formulas.py makes them.
#pragma once

#include <algorithm>

#include "scalars.hpp"
#include "threads.hpp"

namespace today {

using Word = int64_t;

constexpr int RANK = 5;
constexpr long BLOCK = 512; // elements that a chain computes at a time
constexpr int OPERANDS = 24, TEMPS = 64;

struct View {
    Word slot, bytes, offset; // bytes of an element, offset in bytes
    Word split, local;        // the axis of the rows or -1; whether it has a thread's rows only
    Word rank, shape[RANK], stride[RANK];

    // `rows` rows from `first` on; the thread's begin with row `begin`
    View part(long first, long rows, long begin) const {
        View v = *this;
        if (split >= 0) {
            v.shape[split] = rows;
            v.offset += (local ? first - begin : first) * stride[split];
        }
        return v;
    }
    View part(long first, long rows) const { return part(first, rows, first); }
};
constexpr int VIEW = sizeof(View) / sizeof(Word);

class Reader {
  public:
    explicit Reader(const Word *at) : at(at) {}
    Word word() { return *at++; }
    void skip(long words) { at += words; }
    double real() {
        double x;
        std::memcpy(&x, at++, sizeof x);
        return x;
    }
    View view() {
        View v;
        std::memcpy(&v, at, sizeof v);
        at += VIEW;
        return v;
    }

  private:
    const Word *at;
};

// Addresses of the slots at one step
using Bases = char *const *;
static INLINE char *address(const View &v, Bases bases) { return bases[v.slot] + v.offset; }

// A formula of arrays of one shape (stride 0: broadcast). An output may lie where an input does, if
// that is not read once it is written.
class Elementwise {
  public:
    Elementwise(Reader r, long first, long rows) {
        outputs = int(r.word()); // the first of the operands
        operands = outputs + int(r.word());
        codes = int(r.word());
        temp_bytes = r.word() * BLOCK;
        for (int k = 0; k < operands; k++)
            views[k] = r.view().part(first, rows);
        for (int c = 0; c < codes; c++)
            for (int w = 0; w < 5; w++)
                code[c][w] = int(r.word());
        collapse();
    }

    void run(Bases bases, char *temps) {
        if (length == 0 || lines == 0)
            return;
        char *at[OPERANDS];
        for (int k = 0; k < operands; k++)
            at[k] = address(views[k], bases), fresh[k] = true;
        over(0, at, temps);
    }

    template <class F> void each_view(F &&f) const {
        for (int k = 0; k < operands; k++)
            f(views[k]);
    }

  private:
    // Neighbouring axes that lie in one line of every operand become one.
    void collapse() {
        const View &out = views[0];
        long shape[RANK], stride[OPERANDS][RANK];
        int rank = 0;
        for (int d = 0; d < out.rank; d++) {
            if (out.shape[d] == 1)
                continue;
            bool joins = rank > 0;
            for (int k = 0; joins && k < operands; k++)
                joins = stride[k][rank - 1] == views[k].stride[d] * out.shape[d];
            if (!joins)
                shape[rank++] = 1;
            shape[rank - 1] *= out.shape[d];
            for (int k = 0; k < operands; k++)
                stride[k][rank - 1] = views[k].stride[d];
        }
        // The last axis is a line's, the one before counts the lines, the others are outside.
        length = rank > 0 ? shape[rank - 1] : 1;
        lines = rank > 1 ? shape[rank - 2] : 1;
        outside = rank > 2 ? rank - 2 : 0;
        for (int d = 0; d < outside; d++)
            outer[d] = shape[d];
        for (int k = 0; k < operands; k++) {
            Operand &o = operand[k];
            o.bytes = views[k].bytes;
            o.step = rank > 0 ? stride[k][rank - 1] : 0;
            o.line = rank > 1 ? stride[k][rank - 2] : 0;
            bool moves = o.line != 0;
            for (int d = 0; d < outside; d++) {
                o.outer[d] = stride[k][d];
                moves = moves || o.outer[d] != 0;
            }
            // The same in every block, if a block has whole lines
            o.constant = !moves && (length <= BLOCK || o.step == 0);
        }
    }

    __attribute__((noinline)) void over(int d, char *const *at, char *temps) {
        if (d >= outside || d >= RANK)
            return blocks(at, temps);
        char *here[OPERANDS];
        for (long i = 0; i < outer[d]; i++) {
            for (int k = 0; k < operands; k++)
                here[k] = at[k] + i * operand[k].outer[d];
            over(d + 1, here, temps);
        }
    }

    void blocks(char *const *at, char *temps) {
        const long some = length >= BLOCK ? 1 : BLOCK / length;
        for (long line = 0; line < lines; line += some) {
            const long count = lines - line < some ? lines - line : some;
            for (long i = 0; i < length; i += BLOCK)
                block(at, line, count, i, length - i < BLOCK ? length - i : BLOCK, temps);
        }
    }

    // `count` lines from `line` on, `width` elements of each from `first` on
    __attribute__((noinline)) void block(char *const *at, long line, long count, long first,
                                         long width, char *temps) {
        char *place[TEMPS + OPERANDS];
        const auto temp = [&](int k) { return temps + k * temp_bytes; };
        for (int k = 0; k < operands; k++) {
            const Operand &o = operand[k];
            char *from = at[k] + line * o.line + first * o.step;
            const bool lies = o.step == o.bytes && (count == 1 || o.line == width * o.bytes);
            place[k] = lies ? from : temp(k);
            if (k >= outputs && !lies && (fresh[k] || !o.constant)) {
                gather(place[k], from, o, count, width);
                fresh[k] = false;
            }
        }
        const long n = count * width;
        for (int c = 0; c < codes; c++) {
            const int *w = code[c];
            const auto value = [&](int k) { return k < operands ? place[k] : temp(k); };
            scalars::TABLE[w[0]].run(value(w[1]), value(w[2]), value(w[3]), value(w[4]), n);
        }
        for (int k = 0; k < outputs; k++) {
            const Operand &o = operand[k];
            char *to = at[k] + line * o.line + first * o.step;
            if (place[k] != to)
                scatter(to, place[k], o, count, width);
        }
    }

    struct Operand {
        long bytes, step, line, outer[RANK];
        bool constant;
    };

    template <class T> static void copy(char *to, long step, const char *from, long by, long n) {
        if (step == sizeof(T) && by == 0) {
            std::fill_n((T *)to, n, *(const T *)from);
            return;
        }
        for (long i = 0; i < n; i++)
            *(T *)(to + i * step) = *(const T *)(from + i * by);
    }
    static void copy(long bytes, char *to, long step, const char *from, long by, long n) {
        if (step == bytes && by == bytes)
            std::memcpy(to, from, n * bytes);
        else if (bytes == 4)
            copy<int32_t>(to, step, from, by, n);
        else if (bytes == 8)
            copy<int64_t>(to, step, from, by, n);
        else
            copy<int8_t>(to, step, from, by, n);
    }
    static void gather(char *to, const char *from, const Operand &o, long count, long width) {
        for (long i = 0; i < count; i++)
            copy(o.bytes, to + i * width * o.bytes, o.bytes, from + i * o.line, o.step, width);
    }
    static void scatter(char *to, const char *from, const Operand &o, long count, long width) {
        for (long i = 0; i < count; i++)
            copy(o.bytes, to + i * o.line, o.step, from + i * width * o.bytes, o.bytes, width);
    }

    int outputs, operands, codes, outside;
    long temp_bytes, length, lines, outer[RANK];
    View views[OPERANDS];
    Operand operand[OPERANDS];
    bool fresh[OPERANDS];
    int code[TEMPS][5]; // function, where to, three arguments
};

// The formula at `words` of arrays at `addresses`, divided into parts along the axis of `rows` that
// its views name, if they have `elements` enough.
inline void run_elementwise(const Word *words, Bases addresses, long rows, long elements,
                            long temp_bytes) {
    const auto some = [&](long first, long count) {
        char *temps = (char *)scratch(Use::values, temp_bytes / 4 + V);
        Elementwise(Reader(words), first, count).run(addresses, temps);
    };
    if (elements < 1 << 15) // done before a thread has woken up
        return some(0, rows);
    Threads &pool = Threads::instance();
    const long parts = std::min({rows, elements >> 13, 8l * pool.size()});
    const long unit = rows >= 256 * parts ? 64 : 1; // so that vectors lie as before
    pool.run(parts, [&](long part) {
        const Share mine(rows / unit, part, parts);
        const long end = part + 1 < parts ? mine.end * unit : rows;
        some(mine.begin * unit, end - mine.begin * unit);
    });
}

} // namespace today

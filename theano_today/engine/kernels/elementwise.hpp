// Elementwise formulas: a program of a few instructions, done for a block of elements at a time,
// whose intermediate results stay in the cache.
//
// The arrays have `rows` rows of `columns` elements. Of an operand each row begins at an offset of
// its own, and its elements lie side by side, or are one number for the whole row.
#pragma once

#include <algorithm>
#include <cmath>

#include "threads.hpp"

namespace today {

enum class Do : int32_t {
    copy,
    add,
    subtract,
    multiply,
    divide,
    negate,
    absolute,
    sign,
    square,
    root,
    invert,
    larger,
    smaller,
    equal,
    unequal,
    less,
    greater,
    at_most,
    at_least,
    choose, // a != 0 ? b : c
};

// to <- what(a, b, c): numbers of values, the operands first, then the registers.
// Mirrored by programs.Instruction.
struct Instruction {
    Do what;
    int32_t to, a, b, c;
};

// Mirrored by programs.Operand.
struct Operand {
    void *data;
    const int64_t *offsets; // of the rows, in elements; null: all 0
    int64_t step;           // 1, or 0: one number for a row
    int64_t bytes;          // of an element: 4, a float, or 1, a bool
};

constexpr long ELEMENTS = 512; // of a block

// A value as instructions read it: vector i is at data[i * step]
struct Value {
    float *data;
    long step;
};

static INLINE vf one_or_zero(vi mask) { return (vf)(mask & (vi)splat(1.0f)); }

static INLINE vf root_of(vf x) {
#if THEANO_TODAY_AVX512
    return (vf)_mm512_sqrt_ps((__m512)x);
#else
    for (int lane = 0; lane < V; lane++)
        x[lane] = std::sqrt(x[lane]);
    return x;
#endif
}

// One instruction on `vectors` vectors
inline void execute(const Instruction &one, const Value *values, long vectors) {
    const Value to = values[one.to], a = values[one.a], b = values[one.b], c = values[one.c];
    const auto each = [&](auto f) __attribute__((always_inline)) {
        for (long i = 0; i < vectors; i++)
            store(to.data + i * V, f(load(a.data + i * a.step), load(b.data + i * b.step)));
    };
    const vf zero = {}, unit = splat(1.0f), nan = splat(NAN);
    switch (one.what) {
    case Do::copy:
        return each([](vf x, vf) { return x; });
    case Do::add:
        return each([](vf x, vf y) { return x + y; });
    case Do::subtract:
        return each([](vf x, vf y) { return x - y; });
    case Do::multiply:
        return each([](vf x, vf y) { return x * y; });
    case Do::divide:
        return each([](vf x, vf y) { return x / y; });
    case Do::negate:
        return each([](vf x, vf) { return -x; });
    case Do::absolute:
        return each([](vf x, vf) { return (vf)((vi)x & splat(INT32_MAX)); });
    case Do::sign: // of a NaN a NaN
        return each([&](vf x, vf) {
            return where(x > 0, unit, where(x < 0, -unit, where(x == 0, zero, x)));
        });
    case Do::square:
        return each([](vf x, vf) { return x * x; });
    case Do::root:
        return each([](vf x, vf) { return root_of(x); });
    case Do::invert:
        return each([&](vf x, vf) { return unit / x; });
    // Of equal ones the first; NaN where either is, as Theano's C code has it
    case Do::larger:
        return each([&](vf x, vf y) { return where(y > x, y, where(x >= y, x, nan)); });
    case Do::smaller:
        return each([&](vf x, vf y) { return where(y < x, y, where(x <= y, x, nan)); });
    case Do::equal:
        return each([](vf x, vf y) { return one_or_zero(x == y); });
    case Do::unequal:
        return each([](vf x, vf y) { return one_or_zero(x != y); });
    case Do::less:
        return each([](vf x, vf y) { return one_or_zero(x < y); });
    case Do::greater:
        return each([](vf x, vf y) { return one_or_zero(x > y); });
    case Do::at_most:
        return each([](vf x, vf y) { return one_or_zero(x <= y); });
    case Do::at_least:
        return each([](vf x, vf y) { return one_or_zero(x >= y); });
    case Do::choose:
        for (long i = 0; i < vectors; i++)
            store(to.data + i * V, where(load(a.data + i * a.step) != 0, load(b.data + i * b.step),
                                         load(c.data + i * c.step)));
        return;
    }
}

// A thread's table of values
inline std::vector<Value> &program_values(long count) {
    static thread_local std::vector<Value> values;
    values.resize(std::max(long(values.size()), count));
    return values;
}

// Run the program on all elements. Operands from `first_output` on are written; one may lie where
// an input lies if only the last instruction writes it.
inline void run_program(const Instruction *program, long length, const Operand *operands,
                        long count, long first_output, long registers, long rows, long columns) {
    const long blocks = (columns + ELEMENTS - 1) / ELEMENTS;
    const auto run_block = [&](long item) {
        const long row = item / blocks, begin = item % blocks * ELEMENTS;
        const long n = std::min(ELEMENTS, columns - begin), whole = n / V * V;
        // Registers; then for each operand a block: a number for the row, bools as floats, or the
        // last, broken vector of a row, which must not be read or written beyond its end.
        float *memory = scratch(Use::values, (registers + count) * ELEMENTS);
        std::vector<Value> &values = program_values(registers + count);
        float *own = memory + registers * ELEMENTS;
        for (long k = 0; k < registers; k++)
            values[count + k] = {memory + k * ELEMENTS, V};
        const auto at = [&](const Operand &operand) {
            const long offset = operand.offsets ? operand.offsets[row] : 0;
            return offset + (operand.step ? begin : 0);
        };
        const auto run = [&](long vectors) {
            for (long k = 0; k < length; k++)
                execute(program[k], values.data(), vectors);
        };
        const auto take = [&](long k, long from, long some, long vectors) {
            const Operand &operand = operands[k];
            float *copy = own + k * ELEMENTS;
            const long first = at(operand) + (operand.step ? from : 0);
            if (!operand.step) {
                const float number = operand.bytes == 4
                                         ? ((const float *)operand.data)[first]
                                         : float(((const uint8_t *)operand.data)[first]);
                store(copy, splat(number));
                values[k] = {copy, 0};
                return;
            }
            values[k] = {copy, V};
            if (operand.bytes == 1) {
                const uint8_t *bytes = (const uint8_t *)operand.data + first;
                for (long i = 0; i < some; i++)
                    copy[i] = float(bytes[i]);
            } else if (some < vectors * V) {
                store(copy, load_first((const float *)operand.data + first, some));
            } else {
                values[k].data = (float *)operand.data + first;
            }
        };
        const auto part = [&](long from, long some) {
            const long vectors = (some + V - 1) / V;
            for (long k = 0; k < first_output; k++)
                take(k, from, some, vectors);
            for (long k = first_output; k < count; k++) {
                const bool direct = operands[k].bytes == 4 && some == vectors * V;
                float *to = (float *)operands[k].data + at(operands[k]) + from;
                values[k] = {direct ? to : own + k * ELEMENTS, V};
            }
            run(vectors);
            for (long k = first_output; k < count; k++) {
                const float *from_here = own + k * ELEMENTS;
                const long first = at(operands[k]) + from;
                if (operands[k].bytes == 1) {
                    uint8_t *bytes = (uint8_t *)operands[k].data + first;
                    for (long i = 0; i < some; i++)
                        bytes[i] = from_here[i] != 0;
                } else if (some < vectors * V) {
                    store_first((float *)operands[k].data + first, load(from_here), some);
                }
            }
        };
        if (whole > 0)
            part(0, whole);
        if (n > whole)
            part(whole, n - whole);
    };
    if (rows * columns < 1 << 15) // done before a thread has woken up
        for (long item = 0; item < rows * blocks; item++)
            run_block(item);
    else
        Threads::instance().run_in_shares(rows * blocks, run_block);
}

} // namespace today

// The kernels against loops by the definition: one program for every compiler, vector width,
// processor and sanitizer.
//
//   check_kernels SECTION CASES
//
// Prints failures and returns 1, or prints what it did and returns 0.

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "stages.hpp"

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
        if (rows > 0 && random.chance(10)) // from the last row to the first
            data += (rows - 1) * row, row = -row;
    }
    double at(long i, long j) const { return data[i * row + j * column]; }
};

void check_products(long cases) {
    Random random(2);
    for (long t = 0; t < cases; t++) {
        long m = random.below(40), n = random.below(150), k = random.below(60);
        if (random.chance(20)) // a long inner dimension, as of the first dense layer
            m = random.between(1, 9), n = random.between(1, 70), k = random.between(1000, 2500);
        if (random.chance(10)) // more rows than panels
            m = random.between(200, 500), n = random.between(1, 9);
        const bool integers = random.chance(50);
        const Factor a(random, m, k, integers), b(random, k, n, integers);
        Guarded<float> c(m * n), again(m * n);
        char text[200];
        const int threads = int(random.between(1, 3));
        std::snprintf(text, sizeof text,
                      "a (%ld, %ld), strides %ld %ld, b (., %ld), strides %ld "
                      "%ld, %d threads",
                      m, k, a.row, a.column, n, b.row, b.column, threads);
        net2_set_threads(threads);
        for (auto *to : {&c, &again})
            check(net2_product(a.data, a.row, a.column, b.data, b.row, b.column, to->data(), m, n,
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
        const long m = random.below(30), n = random.below(140), k = random.below(50);
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
        net2_set_threads(int(random.between(1, 3)));
        const int status =
            of_product
                ? net2_update_with_product(rate, momentum, nesterov, w.data(), v.data(), a.data,
                                           a.row, a.column, b.data, b.row, b.column, m, n, k)
                : net2_update(rate, momentum, nesterov, w.data(), v.data(), g.data(), count);
        check(status == 0, "status", text);
        Difference of_w, of_v;
        for (long i = 0; i < count; i++)
            of_w.add(w[i], want_w[i]), of_v.add(v[i], want_v[i]);
        check(of_w, TOLERANCE, "w", text);
        check(of_v, TOLERANCE, "v", text);
        check(w.intact() && v.intact(), "written beside w or v", text);
    }
}

// Four threads of the caller's at once, each with cases of its own, get what they get alone.
void check_callers(long cases) {
    net2_set_threads(2);
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
                    net2_product(a.data, a.row, a.column, b.data, b.row, b.column, product.data(),
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
    net2_set_threads(2);
    Random random(4);
    const Case c = random_case(random, Data::integers);
    const Results want(c, true, true);
    std::atomic<bool> done{false};
    std::thread busy([&] {
        while (!done) {
            void *block = net2_take(1 << 20);
            net2_give(block);
            Results(c, true, true);
        }
    });
    for (long i = 0; i < forks; i++) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(20); // a child that hangs is killed
            void *block = net2_take(1 << 20);
            net2_give(block);
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
            auto *address = (uint8_t *)net2_take(bytes);
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
            net2_give(block.address);
        }
    }
    for (const Block &block : blocks)
        net2_give(block.address);
    void *first = net2_take(100 << 20); // larger than any before
    net2_give(first);
    void *second = net2_take(99 << 20);
    check(first == second, "a block used again", "check_memory");
    net2_give(second);
    check(net2_take(int64_t(1) << 60) == nullptr, "more memory than there is", "check_memory");
}

} // namespace

int main(int arguments, char **argument) {
    if (arguments != 3) {
        std::puts("usage: check_kernels SECTION CASES");
        return 2;
    }
    const std::string section = argument[1];
    const long cases = std::atol(argument[2]);
    if (section == "stages")
        check_stages(cases, {Data::noise, Data::integers, Data::flat, Data::half_flat});
    else if (section == "nonfinite")
        check_stages(cases, {Data::nonfinite});
    else if (section == "products")
        check_products(cases);
    else if (section == "updates")
        check_updates(cases);
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
    std::printf("%s: %ld cases, %d failures, vectors of %d floats\n", section.c_str(), cases,
                failures, net2_lanes());
    return failures != 0;
}

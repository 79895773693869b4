// Pools, sums and channelwise formulas against loops by the definition.
#pragma once

#include "stages.hpp"
#include "steps.hpp"

namespace pools {

// The windows of an axis: begins, ends and sizes, as kernels/pool.hpp has them
inline std::vector<int64_t> draw_windows(Random &random, long length) {
    const long size = random.between(1, 5), step = random.between(1, 4);
    const long pad = random.below(size);
    std::vector<int64_t> begins, ends, sizes;
    for (long begin = -pad; begin < length; begin += step) {
        begins.push_back(std::max(begin, 0L));
        ends.push_back(std::min(begin + size, length));
        sizes.push_back(ends.back() - begins.back());
        if (random.chance(5))
            break;
    }
    std::vector<int64_t> all = begins;
    all.insert(all.end(), ends.begin(), ends.end());
    all.insert(all.end(), sizes.begin(), sizes.end());
    return all;
}

inline void check_pools(long cases) {
    Random random(31);
    for (long t = 0; t < cases; t++) {
        const bool max = random.chance(60);
        const long planes = random.below(40), rows = random.between(1, 20);
        const long columns = random.between(1, 20);
        const auto down = draw_windows(random, rows), right = draw_windows(random, columns);
        const long pool_rows = down.size() / 3, pool_columns = right.size() / 3;
        Guarded<float> x(planes * rows * columns), p(planes * pool_rows * pool_columns);
        Guarded<float> g(planes * pool_rows * pool_columns), dx(planes * rows * columns);
        const int kind = int(random.below(3)); // noise, ties, NaN and infinities
        for (long i = 0; i < long(planes * rows * columns); i++) {
            x[i] = kind == 1 ? float(random.between(-1, 1)) : random.number();
            if (kind == 2 && random.chance(10))
                x[i] = random.chance(50) ? NAN : INFINITY;
        }
        for (long i = 0; i < long(planes * pool_rows * pool_columns); i++)
            g[i] = random.number();
        char text[200];
        const int threads = int(random.between(1, 3));
        std::snprintf(text, sizeof text, "max %d, (%ld, %ld, %ld), %ld x %ld windows, kind %d", max,
                      planes, rows, columns, pool_rows, pool_columns, kind);
        today_set_threads(threads);
        check(today_pool(max, planes, rows, columns, down.data(), pool_rows, right.data(),
                         pool_columns, x.data(), p.data()) == 0,
              "status", text);
        check(today_pool_gradient(max, planes, rows, columns, down.data(), pool_rows, right.data(),
                                  pool_columns, x.data(), p.data(), g.data(), dx.data()) == 0,
              "status", text);
        std::vector<float> want(planes * rows * columns);
        bool same = true;
        const auto equal = [](float a, float b) { return a == b || (a != a && b != b); };
        for (long plane = 0; plane < planes; plane++)
            for (long i = 0; i < pool_rows; i++)
                for (long j = 0; j < pool_columns; j++) {
                    const long out = (plane * pool_rows + i) * pool_columns + j;
                    const float size = float(down[2 * pool_rows + i] * right[2 * pool_columns + j]);
                    float found = 0;
                    bool first = true;
                    const auto each = [&](auto f) {
                        for (long r = down[i]; r < down[pool_rows + i]; r++)
                            for (long c = right[j]; c < right[pool_columns + j]; c++)
                                f((plane * rows + r) * columns + c);
                    };
                    each([&](long at) {
                        if (!max)
                            found += x[at];
                        else if (first || x[at] > found)
                            found = x[at];
                        first = false;
                    });
                    same &= equal(p[out], max ? found : found / size);
                    each([&](long at) {
                        if (!max)
                            want[at] += g[out] / size;
                        else if (x[at] == p[out])
                            want[at] += g[out];
                    });
                }
        check(same, "a pool", text);
        for (long i = 0; i < long(want.size()); i++)
            same &= equal(dx[i], want[i]);
        check(same, "a pool's gradient", text);
        check(p.intact() && dx.intact(), "written beside a pool", text);
    }
}

inline void check_sums(long cases) {
    Random random(32);
    for (long t = 0; t < cases; t++) {
        const long outer = random.below(4), rows = random.below(random.chance(20) ? 300 : 20);
        const long channels = random.below(random.chance(20) ? 400 : 20);
        const long inner = random.chance(40) ? 1 : random.below(random.chance(5) ? 40000 : 60);
        if (outer * rows * channels * inner > 1 << 20)
            continue;
        Guarded<float> x(outer * rows * channels * inner), out(outer * channels);
        Guarded<float> again(outer * channels);
        for (long i = 0; i < outer * rows * channels * inner; i++)
            x[i] = random.number();
        char text[200];
        std::snprintf(text, sizeof text, "(%ld, %ld, %ld, %ld)", outer, rows, channels, inner);
        for (auto *to : {&out, &again}) {
            today_set_threads(to == &out ? 1 : 3);
            check(today_sum(x.data(), outer, rows, channels, inner, to->data()) == 0, "status",
                  text);
        }
        bool near = true;
        for (long k = 0; k < outer; k++)
            for (long c = 0; c < channels; c++) {
                double want = 0, size = 0;
                for (long r = 0; r < rows; r++)
                    for (long i = 0; i < inner; i++) {
                        const float one = x[((k * rows + r) * channels + c) * inner + i];
                        want += one, size += std::abs(one);
                    }
                const double error = std::abs(want - out[k * channels + c]);
                near &= error <= 1e-7 * std::abs(want) + 1e-14 * size;
            }
        check(near, "a sum", text);
        check(out == again, "another sum with other threads", text);
        check(out.intact(), "written beside a sum", text);
    }
}

// s = b * c (channels' numbers), y = x * s, z = y + w: z, the sums of z, of y and of x
inline void check_channelwise(long cases) {
    Random random(33);
    const auto number = [](const char *name) {
        int32_t k = 0;
        while (std::strcmp(today_function(k), name) != 0)
            k++;
        return k;
    };
    const int32_t add = number("add.f4"), multiply = number("mul.f4");
    for (long t = 0; t < cases; t++) {
        const long images = random.between(1, 40), channels = random.between(1, 40);
        const long pixels = random.chance(10) ? random.between(400, 1300) : random.between(1, 90);
        const long all = images * channels * pixels;
        if (all > 200000)
            continue;
        Guarded<float> x(all), w(all), b(channels), c(1), z(all), of_z(channels), of_y(channels);
        Guarded<float> again(channels), of_x(channels);
        for (long i = 0; i < all; i++)
            x[i] = random.number(), w[i] = random.number();
        for (long i = 0; i < channels; i++)
            b[i] = random.number();
        c[0] = random.number();
        const long plane = channels * pixels;
        const ChannelOperand operands[] = {
            {nullptr, plane, pixels, 1}, {nullptr, plane, pixels, 1}, {nullptr, 0, 1, 0}, {}};
        const ChannelResult results[] = {
            {nullptr, 6, 0}, {nullptr, 6, 1}, {nullptr, 5, 1}, {nullptr, 0, 1}};
        const Instruction program[] = {
            {multiply, 4, 2, 3, 2, 2, 2}, {multiply, 5, 0, 4, 0, 0, 0}, {add, 6, 5, 1, 5, 5, 5}};
        char text[200];
        std::snprintf(text, sizeof text, "(%ld, %ld, %ld)", images, channels, pixels);
        for (auto *sums : {&of_z, &again}) {
            today_set_threads(sums == &of_z ? 3 : 1);
            float *arrays[] = {x.data(), w.data(),     b.data(),    c.data(),
                               z.data(), sums->data(), of_y.data(), of_x.data()};
            char *objects[8];
            for (int k = 0; k < 8; k++)
                objects[k] = (char *)&arrays[k];
            check(today_channelwise(objects, 0, program, 3, 1, operands, 4, 3, results, 4, images,
                                    channels, pixels, 1) == 0,
                  "status", text);
        }
        bool same = true, near = true;
        for (long k = 0; k < channels; k++) {
            double sum_z = 0, sum_y = 0, sum_x = 0, size = 0, size_x = 0;
            for (long n = 0; n < images; n++)
                for (long p = 0; p < pixels; p++) {
                    const long at = (n * channels + k) * pixels + p;
                    const float s = b[k] * c[0];
                    const volatile float y = x[at] * s; // rounded: no fused operation
                    const float want = y + w[at];
                    same &= z[at] == want;
                    sum_z += want, sum_y += y, size += std::abs(want) + std::abs(y);
                    sum_x += x[at], size_x += std::abs(x[at]);
                }
            near &= std::abs(sum_z - of_z[k]) <= 1e-7 * std::abs(sum_z) + 1e-14 * size;
            near &= std::abs(sum_y - of_y[k]) <= 1e-7 * std::abs(sum_y) + 1e-14 * size;
            near &= std::abs(sum_x - of_x[k]) <= 1e-7 * std::abs(sum_x) + 1e-14 * size_x;
        }
        check(same, "a channelwise formula", text);
        check(near, "its sums", text);
        check(of_z == again, "other sums with other threads", text);
        check(z.intact() && of_z.intact() && of_y.intact() && of_x.intact(),
              "written beside the results", text);
    }
}

} // namespace pools

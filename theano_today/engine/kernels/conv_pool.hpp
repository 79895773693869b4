// Stages over a whole batch: which kernel does which image, and the sums over all of them.
//
// A chain of stages does an image from its first stage to its last before the next image: what
// they hand over is still in the cache then, and is never written to memory unless an output or a
// gradient of the graph needs it.
#pragma once

#include <algorithm>

#include "dropout.hpp"
#include "forward.hpp"
#include "pooled.hpp"
#include "unpooled.hpp"

namespace today {

// What stage k of a chain hands over. The next one reads it while it writes what is its own.
inline float *handed(long k, long floats) {
    return scratch(k % 2 ? Use::handed_odd : Use::handed_even, floats);
}

// p and winners of a chain of stages, from the first one's x
inline void forward(const Link *links, long count) {
    long room = 0;
    for (long k = 0; k < count; k++)
        room += ForwardPass::room(links[k].stage);
    float *memory = scratch(Use::weights, room);
    std::vector<ForwardPass> stages;
    for (const Link *link = links; link < links + count; link++) {
        link->stage.check();
        stages.emplace_back(link->stage, link->w, link->b, memory);
        memory += ForwardPass::room(link->stage);
    }
    // A stage alone takes small images several at a time.
    const long images = links[0].stage.images;
    const long together = count == 1 ? ForwardPass::together(links[0].stage) : 1;
    Threads::instance().run_in_shares((images + together - 1) / together, [&](long group) {
        const long n = group * together, some = std::min(together, images - n);
        const float *x = links[0].x + n * links[0].stage.x_size(links[0].stage.x_blocked);
        for (long k = 0; k < count; k++) {
            const StageShape &s = links[k].stage;
            const long p_size = s.p_size(s.p_blocked), blocked = s.p_size(true);
            float *p = links[k].p ? links[k].p + n * p_size : handed(k, some * p_size);
            uint8_t *winners = nullptr; // without a pool, not needed if nobody asks for them
            if (links[k].winners)
                winners = links[k].winners + n * blocked;
            else if (s.pool == 2)
                winners = (uint8_t *)scratch(Use::winners, blocked / 4 + 1);
            stages[k].images(x, some, p, winners);
            for (long i = 0; i < some && links[k].mask != nullptr; i++)
                drop(s, p + i * p_size, s.p_blocked, links[k].mask + (n + i) * s.p_size(false),
                     links[k].scale);
            x = p;
        }
    });
}

// How many parts the images are divided into: enough to keep all threads busy to the end, fewer
// where their sums are large, since these are cleared and added up. The same for any number of
// threads.
inline long parts_of(long images, long floats) {
    constexpr long PARTS = 16, LARGE = 1 << 20, ROOM = 16 << 20; // floats
    const long few = LARGE / floats < 8 ? 8 : LARGE / floats;
    const long room = ROOM / floats < 4 ? 4 : ROOM / floats;
    const long parts = std::min(PARTS, std::min(few, room));
    return images < parts ? images : parts;
}

// What dropout, if there is any, leaves of g, the gradient of the p of some images from the n-th on
inline const float *kept(const Link &link, long n, long some, const float *g) {
    if (link.mask == nullptr)
        return g;
    const StageShape &s = link.stage;
    const long size = s.p_size(s.p_blocked);
    float *left = scratch(Use::kept, some * size);
    std::memcpy(left, g, some * size * sizeof(float));
    for (long i = 0; i < some; i++)
        drop(s, left + i * size, s.p_blocked, link.mask + (n + i) * s.p_size(false), link.scale);
    return left;
}

// dw and db of a chain of stages and dx of its first, where wanted, from the last one's g; false if
// Winograd's sums were not finite
inline bool backward(const Link *links, long count, bool exact) {
    const long images = links[0].stage.images;
    long room = 0, sums_room = 0, parts = images;
    const auto wanted = [](const Link &link, auto pooled, auto unpooled) {
        return link.stage.pool == 2 ? pooled(link.stage) : unpooled(link.stage);
    };
    const auto room_of = [&](const Link &link) {
        return wanted(link, PooledBackward::room, UnpooledBackward::room);
    };
    const auto sums_of = [&](const Link &link) {
        return wanted(link, PooledBackward::sums_room, UnpooledBackward::sums_room);
    };
    for (long k = 0; k < count; k++) {
        links[k].stage.check();
        assert((links[k].dw == nullptr) == (links[k].db == nullptr));
        room += room_of(links[k]);
        if (links[k].dw != nullptr) {
            sums_room += sums_of(links[k]);
            parts = std::min(parts, parts_of(images, sums_of(links[k])));
        }
    }
    parts = std::min(parts, parts_of(images, 1));
    const long places = OrderedSums::places(parts, sums_room);
    float *memory = scratch(Use::weights, room), *sums = scratch(Use::dw, places * sums_room);
    BackwardPasses stages(count);
    for (long k = 0; k < count; k++) {
        const bool of_inputs = k > 0 || links[0].dx != nullptr;
        if (links[k].stage.pool == 2)
            stages.add(new PooledBackward(links[k], of_inputs, memory, sums));
        else
            stages.add(new UnpooledBackward(links[k], of_inputs, exact, memory, sums));
        memory += room_of(links[k]);
        if (links[k].dw != nullptr)
            sums += places * sums_of(links[k]);
    }
    // A stage alone takes small images several at a time.
    const bool alone = count == 1 && links[0].stage.pool == 1;
    const long together = alone ? UnpooledBackward::together(links[0].stage) : 1;
    OrderedSums ordered(parts, places);
    const auto gradients_of = [&](long part, long place) {
        const Share mine(images, part, parts);
        for (const BackwardPass *stage : stages.all)
            stage->begin(place);
        for (long n = mine.begin; n < mine.end; n += together) {
            const long some = std::min(together, mine.end - n);
            const StageShape &last = links[count - 1].stage;
            const float *g = links[count - 1].g + n * last.p_size(last.p_blocked);
            for (long k = count - 1; k >= 0; k--) {
                const long x_size = links[k].stage.x_size(links[k].stage.dx_blocked);
                float *dx = nullptr;
                if (k > 0)
                    dx = handed(k, some * x_size);
                else if (links[0].dx != nullptr)
                    dx = links[0].dx + n * x_size;
                stages.all[k]->images(place, n, some, kept(links[k], n, some, g), dx);
                g = dx;
            }
        }
    };
    const auto add = [&](long to, long from) {
        for (const BackwardPass *stage : stages.all)
            stage->add(to, from);
    };
    Threads::instance().run(parts, [&](long) { ordered.next(gradients_of, add); });
    bool finite = true;
    for (const BackwardPass *stage : stages.all) {
        if (parts == 0) // no images
            stage->begin(0);
        finite &= stage->finish(parts == 0 ? std::vector<long>{0} : ordered.rest());
    }
    return finite;
}

inline void backward(const Link *links, long count) {
    if (!backward(links, count, false))
        backward(links, count, true);
}

} // namespace today

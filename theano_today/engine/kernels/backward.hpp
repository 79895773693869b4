// What the backward passes of stages with and without a pool have in common.
#pragma once

#include <vector>

#include "stage.hpp"
#include "threads.hpp"

namespace today {

// The gradients of a stage: what is made once, what is done to an image, and the sums. Each of
// the parts of the images has sums of its own, in a place among those that OrderedSums hands out.
class BackwardPass {
  public:
    virtual ~BackwardPass() = default;
    virtual void begin(long place) const = 0;
    // Add those of `count` images to the sums at `place`, from g, the gradient of the first one's
    // p; write those of their x to dx.
    virtual void images(long place, long first, long count, const float *g, float *dx) const = 0;
    // Add the sums at a place to those at another.
    virtual void add(long to, long from) const = 0;
    // Write dw and db from the sums at some places, added up in this order; false if Winograd's
    // sums were not finite, which may be its own fault.
    virtual bool finish(const std::vector<long> &places) const = 0;
};

// Places for the sums of parts that threads take in turn. The parts' sums are added up in the
// parts' order, so that they are the same for any number of threads: at the end, or, where there
// are fewer places than parts, as soon as there is none left. That needs one for each thread and
// one besides, for the first part's.
class OrderedSums {
  public:
    static long places(long parts, long floats) {
        constexpr long ROOM = 4 << 20; // floats
        const long least = Threads::instance().size() + 1;
        return std::max(1L, std::min(parts, std::max(least, ROOM / std::max(floats, 1L))));
    }

    OrderedSums(long parts, long places) : complete(parts, -1) {
        free.reserve(places);
        for (long place = places - 1; place >= 0; place--)
            free.push_back(place);
    }
    ~OrderedSums() { pthread_cond_destroy(&changed), pthread_mutex_destroy(&mutex); }
    OrderedSums(const OrderedSums &) = delete;

    // Call work(part, place) for the next part; before, where no place is left, add(to, from).
    template <class F, class G> void next(F &&work, G &&add) {
        long part, place;
        if (!begin(&part, &place, add))
            return;
        try {
            work(part, place);
        } catch (...) {
            const Lock lock(mutex);
            failed = true; // nobody is to wait for this part
            pthread_cond_broadcast(&changed);
            throw;
        }
        const Lock lock(mutex);
        complete[part] = place;
        pthread_cond_broadcast(&changed);
    }

    // The places whose sums are to be added up in the end, in this order
    std::vector<long> rest() const {
        std::vector<long> left(complete.begin(), complete.end());
        left.erase(left.begin() + std::min<size_t>(1, left.size()), left.begin() + added);
        return left;
    }

  private:
    // Parts are counted here and not by the pool: the first one whose sums are not added up must
    // have a place, or all might wait for it.
    template <class G> bool begin(long *part, long *place, G &&add) {
        const Lock lock(mutex);
        while (free.empty() && !failed) {
            if (adding || complete[0] < 0 || complete[added] < 0) {
                pthread_cond_wait(&changed, &mutex);
                continue;
            }
            const long from = complete[added];
            adding = true;
            pthread_mutex_unlock(&mutex);
            add(complete[0], from);
            pthread_mutex_lock(&mutex);
            adding = false, added++;
            free.push_back(from); // there is room for it
            pthread_cond_broadcast(&changed);
        }
        if (failed)
            return false;
        *part = begun++;
        *place = free.back();
        free.pop_back();
        return true;
    }

    Mutex mutex = PTHREAD_MUTEX_INITIALIZER; // guards what follows
    pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
    long begun = 0, added = 1; // parts; those before are in the first one's sums
    bool adding = false, failed = false;
    std::vector<long> complete; // the places of parts that are; -1
    std::vector<long> free;
};

// Those of a chain
struct BackwardPasses {
    std::vector<BackwardPass *> all;

    explicit BackwardPasses(long most) { all.reserve(most); }
    BackwardPasses(const BackwardPasses &) = delete;
    ~BackwardPasses() {
        for (const BackwardPass *one : all)
            delete one;
    }
    void add(BackwardPass *one) { all.push_back(one); }
};

// w blocked: (channel blocks, filters, taps, V)
inline long blocked_weights_size(const StageShape &s) {
    return s.channel_blocks() * V * s.filters * s.taps();
}
inline void block_weights(const StageShape &s, const float *w, float *blocked) {
    std::memset(blocked, 0, blocked_weights_size(s) * sizeof(float));
    for (long f = 0; f < s.filters; f++)
        for (long c = 0; c < s.channels; c++)
            for (long i = 0; i < s.filter_rows; i++)
                for (long j = 0; j < s.filter_columns; j++)
                    blocked[((c / V * s.filters + f) * s.taps() + i * s.filter_columns + j) * V +
                            c % V] = w[s.weight(f, c, i, j)];
}

} // namespace today

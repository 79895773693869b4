// A pool of threads of our own: it needs no OpenMP, and disturbs no other library's threads.
//
// run(items, work) calls work(item) once for each item and returns when all are done. Threads
// take the next item as they become free, the caller's among them: on a busy machine, or one
// whose cores differ in speed, the caller does not wait for a thread that has not started. Sums
// over items are kept apart and added in the items' order, so that they come out the same in every
// run.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include <pthread.h>
#include <unistd.h>

#include "vec.hpp"

namespace today {

// Item `item` of `items` that 0..count-1 is divided into: begin, end.
struct Share {
    long begin, end;
    Share(long count, long item, long items)
        : begin(count * item / items), end(count * (item + 1) / items) {}
};

class Threads {
  public:
    using Work = std::function<void(long item)>;

    static Threads &instance() {
        static Threads *pool = nullptr;
        std::lock_guard<std::mutex> lock(creating);
        // A forked child has the object but not its threads: it leaves it and makes its own.
        if (pool == nullptr || pool->process != getpid())
            pool = new Threads(pool ? pool->wanted : 1);
        return *pool;
    }

    void resize(int threads) {
        std::lock_guard<std::mutex> lock(running);
        stop();
        start(threads);
    }

    int size() const { return wanted; }

    void run(long items, const Work &work) {
        if (wanted == 1 || items <= 1) {
            for (long item = 0; item < items; item++)
                work(item);
            return;
        }
        std::lock_guard<std::mutex> lock(running); // Python's threads take turns
        {
            std::lock_guard<std::mutex> guard(state);
            current = &work;
            count = items;
            next.store(0, std::memory_order_relaxed);
            failed = nullptr;
            generation.fetch_add(1, std::memory_order_release);
        }
        changed.notify_all();
        take_items(work);
        std::unique_lock<std::mutex> guard(state);
        current = nullptr; // who comes now is too late
        if (inside != 0) {
            guard.unlock();
            for (int spins = 0; spins < SPINS && inside.load(std::memory_order_acquire); spins++)
                relax();
            guard.lock();
            finished.wait(guard, [&] { return inside == 0; });
        }
        if (failed)
            std::rethrow_exception(failed);
    }

    // Neighbours go to one thread as far as possible: what follows in memory is fetched ahead.
    template <class F> void run_in_shares(long items, F &&work) {
        const long shares = items < 8 * wanted ? items : 8 * wanted;
        run(shares, [&](long share) {
            const Share mine(items, share, shares);
            for (long item = mine.begin; item < mine.end; item++)
                work(item);
        });
    }

  private:
    static constexpr int SPINS = 4000; // some 100 microseconds: the time between two kernels

    static void relax() {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }

    explicit Threads(int threads) : process(getpid()) { start(threads); }

    void start(int threads) {
        wanted = threads;
        leaving = false;
        for (int thread = 1; thread < threads; thread++)
            workers.emplace_back([this, seen = generation.load()] { loop(seen); });
    }

    void stop() {
        {
            std::lock_guard<std::mutex> guard(state);
            leaving = true;
            generation.fetch_add(1, std::memory_order_release);
        }
        changed.notify_all();
        for (auto &worker : workers)
            worker.join();
        workers.clear();
    }

    void take_items(const Work &work) {
        try {
            for (long item; (item = next.fetch_add(1, std::memory_order_relaxed)) < count;)
                work(item);
        } catch (...) {
            std::lock_guard<std::mutex> guard(state);
            failed = std::current_exception();
            next.store(count, std::memory_order_relaxed);
        }
    }

    void loop(unsigned seen) {
        for (;;) {
            for (int spins = 0; spins < SPINS; spins++) {
                if (generation.load(std::memory_order_acquire) != seen)
                    break;
                relax();
            }
            const Work *work;
            {
                std::unique_lock<std::mutex> guard(state);
                changed.wait(guard, [&] { return generation.load() != seen; });
                seen = generation.load();
                if (leaving)
                    return;
                work = current;
                if (work == nullptr)
                    continue;
                inside++;
            }
            take_items(*work);
            std::lock_guard<std::mutex> guard(state);
            if (--inside == 0)
                finished.notify_all();
        }
    }

    static inline std::mutex creating;
    // As in memory.hpp
    [[maybe_unused]] static inline const int guarded = pthread_atfork(
        [] { creating.lock(); }, [] { creating.unlock(); }, [] { creating.unlock(); });
    const pid_t process;
    int wanted = 1;
    bool leaving = false;
    std::vector<std::thread> workers;
    std::mutex running; // held by the thread whose work is done
    std::mutex state;   // guards what follows
    std::condition_variable changed, finished;
    std::atomic<unsigned> generation{0};
    std::atomic<int> inside{0}; // workers that take items
    const Work *current = nullptr;
    long count = 0;
    std::atomic<long> next{0};
    std::exception_ptr failed;
};

// Memory that a thread keeps from call to call: fresh pages cost more than the work on them.
class Scratch {
  public:
    // At least `count` floats, aligned to 64 bytes; what was in them may be gone. Never null:
    // memset wants an address even for nothing.
    float *floats(long count) {
        if (count > capacity || memory == nullptr) {
            std::free(memory);
            capacity = 0;
            memory = std::aligned_alloc(64, round_up(count > 0 ? count * 4 : 1, 64));
            if (memory == nullptr)
                throw std::bad_alloc();
            capacity = count;
        }
        return (float *)memory;
    }
    ~Scratch() { std::free(memory); }

  private:
    void *memory = nullptr;
    long capacity = 0;
};

// What a thread keeps scratch memory for; whatever is in use at the same time needs its own.
enum class Use {
    image,       // with zeros around it
    planes,      // or blocks of an image that is blocked, or not
    pooled,      // p or its gradient, blocked
    winners,     // that nobody asked for
    handed_even, // from one stage of a chain to the next
    handed_odd,
    values,   // intermediate results of elementwise formulas
    kept,     // what dropout leaves of a gradient
    winograd, // Winograd's transformed inputs
    products, // of these; a part of a product of matrices
    hits,
    counts,
    places, // of outputs' patches
    dx,
    dw,
    panels, // of the right factor
    left,   // rows of the left factor
    weights,
    exact_weights, // where Winograd's sums are not finite
    live_columns,  // of the right factor of a momentum step
    gradients,     // of outputs without a pool, with zeros around them
    spread,        // the same, as the gradients of a convolution's inputs need them
    step_scratch,  // of a scan's steps: what one node hands to the next
    step_packs,    // right factors that all steps share
    step_panels,   // a right factor of one step, or sums
    count
};

inline float *scratch(Use use, long floats) {
    static thread_local Scratch kept[(int)Use::count];
    return kept[(int)use].floats(floats);
}

} // namespace today

// A pool of threads of our own: no OpenMP runtime is needed, and none is quarrelled with.
//
// run(work) calls work(thread, threads) once on each thread, the caller's being thread 0, and
// returns when all are done. Which share of the work is whose depends on nothing but the two
// numbers, so that sums come out the same in every run with as many threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include <unistd.h>

#include "vec.hpp"

namespace net2 {

class Threads {
  public:
    using Work = std::function<void(int thread, int threads)>;

    static Threads &instance() {
        static std::mutex creating;
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

    void run(const Work &work) {
        std::lock_guard<std::mutex> lock(running); // Python's threads take turns
        if (wanted == 1) {
            work(0, 1);
            return;
        }
        current = &work;
        pending.store(wanted - 1, std::memory_order_relaxed);
        {
            std::lock_guard<std::mutex> wake(sleeping);
            generation.fetch_add(1, std::memory_order_release);
        }
        changed.notify_all();
        work(0, wanted);
        // The others have equal shares: they are nearly done.
        for (int spins = 0; pending.load(std::memory_order_acquire) != 0; spins++)
            if (spins > SPINS)
                std::this_thread::yield();
            else
                relax();
    }

  private:
    static constexpr int SPINS = 4000; // some 50 microseconds: the time between two kernels

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
            workers.emplace_back([this, thread, seen = generation.load()] { loop(thread, seen); });
    }

    void stop() {
        {
            std::lock_guard<std::mutex> wake(sleeping);
            leaving = true;
            generation.fetch_add(1, std::memory_order_release);
        }
        changed.notify_all();
        for (auto &worker : workers)
            worker.join();
        workers.clear();
    }

    void loop(int thread, unsigned seen) {
        for (;;) {
            for (int spins = 0; spins < SPINS; spins++) {
                if (generation.load(std::memory_order_acquire) != seen)
                    break;
                relax();
            }
            {
                std::unique_lock<std::mutex> lock(sleeping);
                changed.wait(lock, [&] { return generation.load() != seen; });
                seen = generation.load();
                if (leaving)
                    return;
            }
            (*current)(thread, wanted);
            pending.fetch_sub(1, std::memory_order_release);
        }
    }

    const pid_t process;
    int wanted = 1;
    bool leaving = false;
    std::vector<std::thread> workers;
    std::mutex running, sleeping;
    std::condition_variable changed;
    std::atomic<unsigned> generation{0};
    std::atomic<int> pending{0};
    const Work *current = nullptr;
};

// The part of 0..count-1 that is this thread's: begin, end.
struct Share {
    long begin, end;
    Share(long count, int thread, int threads)
        : begin(count * thread / threads), end(count * (thread + 1) / threads) {}
};

// Memory that a thread keeps from call to call: fresh pages cost more than the work on them.
class Scratch {
  public:
    // At least `count` floats, aligned to 64 bytes; what was in them may be gone.
    float *floats(long count) {
        if (count > capacity) {
            std::free(memory);
            capacity = 0;
            memory = std::aligned_alloc(64, round_up(count * 4, 64));
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
    image,    // a padded image
    pooled,   // p or its gradient, channels last
    planes,   // of Winograd's inputs
    products, // of Winograd's planes; a part of a product of matrices
    hits,
    counts,
    dx,
    dw,
    db,
    panels, // of the right factor
    left,   // rows of the left factor
    weights,
    bias,
    patches,
    count
};

inline float *scratch(Use use, long floats) {
    static thread_local Scratch kept[(int)Use::count];
    return kept[(int)use].floats(floats);
}

} // namespace net2

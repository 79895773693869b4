// A pool of threads of our own: it needs no OpenMP, and disturbs no other library's threads.
//
// run(items, work) calls work(item) once for each item and returns when all are done. Threads
// take the next item as they become free, the caller's among them: on a busy machine, or one
// whose cores differ in speed, the caller does not wait for a thread that has not started. Sums
// over items are kept apart and added in the items' order, so that they come out the same in every
// run.
//
// POSIX's threads, of C, because a new machine compiles this before its first net: <functional>,
// <mutex>, <thread> and <condition_variable> take longer to read than most files here to compile.
#pragma once

#include <atomic>
#include <cstdlib>
#include <exception>
#include <new>
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

using Mutex = pthread_mutex_t;

class Lock {
  public:
    explicit Lock(Mutex &mutex) : mutex(&mutex) { pthread_mutex_lock(&mutex); }
    ~Lock() { pthread_mutex_unlock(mutex); }
    Lock(const Lock &) = delete;
    Lock &operator=(const Lock &) = delete;

  private:
    Mutex *const mutex;
};

// What is called for each item: a function object of the caller's, who keeps it
class Work {
  public:
    template <class F>
    Work(const F &f) : object(&f), call([](const void *f, long item) { (*(const F *)f)(item); }) {}
    void operator()(long item) const { call(object, item); }

  private:
    const void *object;
    void (*call)(const void *, long);
};

class Threads {
  public:
    static Threads &instance() {
        static Threads *pool = nullptr;
        const Lock lock(creating);
        // A forked child has the object but not its threads: it leaves it and makes its own.
        if (pool == nullptr || pool->process != getpid())
            pool = new Threads(pool ? pool->wanted : 1);
        return *pool;
    }

    void resize(int threads) {
        const Lock lock(running);
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
        const Lock lock(running); // Python's threads take turns
        {
            const Lock guard(state);
            current = &work;
            count = items;
            next.store(0, std::memory_order_relaxed);
            failed = nullptr;
            generation.fetch_add(1, std::memory_order_release);
        }
        pthread_cond_broadcast(&changed);
        take_items(work);
        {
            const Lock guard(state);
            current = nullptr; // who comes now is too late
        }
        for (int spins = 0; spins < SPINS && inside.load(std::memory_order_acquire); spins++)
            relax();
        const Lock guard(state);
        while (inside != 0)
            pthread_cond_wait(&finished, &state);
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
        first = generation.load();
        workers.reserve(threads);
        for (int thread = 1; thread < threads; thread++) {
            pthread_t worker;
            const auto run = [](void *pool) -> void * {
                ((Threads *)pool)->loop();
                return nullptr;
            };
            if (pthread_create(&worker, nullptr, run, this) != 0)
                break; // fewer do as much work
            workers.push_back(worker);
        }
    }

    void stop() {
        {
            const Lock guard(state);
            leaving = true;
            generation.fetch_add(1, std::memory_order_release);
        }
        pthread_cond_broadcast(&changed);
        for (const pthread_t worker : workers)
            pthread_join(worker, nullptr);
        workers.clear();
    }

    void take_items(const Work &work) {
        try {
            for (long item; (item = next.fetch_add(1, std::memory_order_relaxed)) < count;)
                work(item);
        } catch (...) {
            const Lock guard(state);
            failed = std::current_exception();
            next.store(count, std::memory_order_relaxed);
        }
    }

    void loop() {
        for (unsigned seen = first;;) {
            for (int spins = 0; spins < SPINS; spins++) {
                if (generation.load(std::memory_order_acquire) != seen)
                    break;
                relax();
            }
            const Work *work;
            {
                const Lock guard(state);
                while (generation.load() == seen)
                    pthread_cond_wait(&changed, &state);
                seen = generation.load();
                if (leaving)
                    return;
                work = current;
                if (work == nullptr)
                    continue;
                inside++;
            }
            take_items(*work);
            const Lock guard(state);
            if (--inside == 0)
                pthread_cond_broadcast(&finished);
        }
    }

    static inline Mutex creating = PTHREAD_MUTEX_INITIALIZER;
    // As in memory.hpp
    [[maybe_unused]] static inline const int guarded = pthread_atfork(
        [] { pthread_mutex_lock(&creating); }, [] { pthread_mutex_unlock(&creating); },
        [] { pthread_mutex_unlock(&creating); });
    const pid_t process;
    int wanted = 1;
    bool leaving = false;
    std::vector<pthread_t> workers;
    unsigned first = 0;                        // generation that workers begin at
    Mutex running = PTHREAD_MUTEX_INITIALIZER; // held by the thread whose work is done
    Mutex state = PTHREAD_MUTEX_INITIALIZER;   // guards what follows
    pthread_cond_t changed = PTHREAD_COND_INITIALIZER, finished = PTHREAD_COND_INITIALIZER;
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

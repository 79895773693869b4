// Memory for arrays that come and go with every batch. Fresh memory costs a page fault for each
// 4 KiB when it is first written, which stock Theano pays for every array of every batch.
#pragma once

#include <cstdlib>
#include <map>
#include <mutex>

#include <pthread.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "vec.hpp"

namespace today {

class Memory {
  public:
    static Memory &instance() {
        std::lock_guard<std::mutex> lock(mutex);
        static Memory *memory = nullptr;
        if (memory == nullptr)
            memory = new Memory; // never deleted: arrays may outlive static objects
        return *memory;
    }

    // A block of at least `bytes`, aligned to PAGE bytes, or nullptr
    void *take(long bytes) {
        const long size = round_up(bytes > 0 ? bytes : 1, PAGE);
        std::lock_guard<std::mutex> lock(mutex);
        const auto found = unused.lower_bound(size);
        if (found != unused.end() && found->first <= 2 * size) {
            void *block = found->second;
            unused.erase(found);
            return block;
        }
        void *block = std::aligned_alloc(PAGE, size);
        if (block == nullptr) { // give back what lies unused, and try again
            release();
            block = std::aligned_alloc(PAGE, size);
        }
        if (block == nullptr)
            return nullptr;
#if defined(__linux__)
        madvise(block, size, MADV_HUGEPAGE); // a wish, which may be refused
#endif
        sizes[block] = size;
        return block;
    }

    void give(void *block) {
        std::lock_guard<std::mutex> lock(mutex);
        unused.emplace(sizes.at(block), block);
    }

  private:
    static constexpr long PAGE = 2 << 20;

    void release() {
        for (const auto &[size, block] : unused) {
            sizes.erase(block);
            std::free(block);
        }
        unused.clear();
    }

    static inline std::mutex mutex;
    // A child forked while another thread is in here must not inherit a lock that is held.
    // Registered when the library is loaded: in a function that the other thread is in for the
    // first time, the child would wait for it to come out.
    [[maybe_unused]] static inline const int guarded =
        pthread_atfork([] { mutex.lock(); }, [] { mutex.unlock(); }, [] { mutex.unlock(); });
    std::multimap<long, void *> unused;
    std::map<void *, long> sizes;
};

} // namespace today

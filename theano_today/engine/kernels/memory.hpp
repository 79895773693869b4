// Memory for arrays that come and go with every batch. Fresh memory costs a page fault for each
// 4 KiB when it is first written, which stock Theano pays for every array of every batch.
#pragma once

#include <cstdlib>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "threads.hpp"

namespace today {

class Memory {
  public:
    static Memory &instance() {
        const Lock lock(mutex);
        static Memory *memory = nullptr;
        if (memory == nullptr)
            memory = new Memory; // never deleted: arrays may outlive static objects
        return *memory;
    }

    // A block of at least `bytes`, aligned to PAGE bytes, or nullptr
    void *take(long bytes) {
        const long size = round_up(bytes > 0 ? bytes : 1, PAGE);
        const Lock lock(mutex);
        Block *best = nullptr;
        for (Block &one : blocks)
            if (one.unused && one.size >= size && (best == nullptr || one.size < best->size))
                best = &one;
        if (best != nullptr && best->size <= 2 * size) {
            best->unused = false;
            return best->address;
        }
        void *block = std::aligned_alloc(PAGE, size);
        if (block == nullptr) { // give back what lies unused, and try again
            release();
            block = std::aligned_alloc(PAGE, size);
        }
        if (block == nullptr)
            return nullptr;
#if defined(__linux__)
        // A wish, which may be refused; of a page that would be left empty it isn't one, since a
        // huge page is there in whole or not at all.
        madvise(block, (bytes + PAGE / 8) / PAGE * PAGE, MADV_HUGEPAGE);
#endif
        blocks.push_back({block, size, false});
        return block;
    }

    void give(void *block) {
        const Lock lock(mutex);
        for (Block &one : blocks)
            if (one.address == block)
                one.unused = true;
    }

  private:
    static constexpr long PAGE = 2 << 20;

    struct Block {
        void *address;
        long size;
        bool unused;
    };

    void release() {
        size_t left = 0;
        for (const Block &one : blocks)
            if (one.unused)
                std::free(one.address);
            else
                blocks[left++] = one;
        blocks.resize(left);
    }

    static inline Mutex mutex = PTHREAD_MUTEX_INITIALIZER;
    // A child forked while another thread is in here must not inherit a lock that is held.
    // Registered when the library is loaded: in a function that the other thread is in for the
    // first time, the child would wait for it to come out.
    [[maybe_unused]] static inline const int guarded =
        pthread_atfork([] { pthread_mutex_lock(&mutex); }, [] { pthread_mutex_unlock(&mutex); },
                       [] { pthread_mutex_unlock(&mutex); });
    std::vector<Block> blocks; // some dozens
};

} // namespace today

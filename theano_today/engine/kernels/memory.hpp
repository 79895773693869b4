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

    // A block of at least `bytes`, aligned to UNIT bytes, or nullptr: the smallest unused one that
    // is large enough, what is left of it staying unused.
    void *take(long bytes) {
        const long size = round_up(bytes > 0 ? bytes : 1, UNIT);
        const Lock lock(mutex);
        size_t best = blocks.size();
        for (size_t k = 0; k < blocks.size(); k++)
            if (blocks[k].unused && blocks[k].size >= size &&
                (best == blocks.size() || blocks[k].size < blocks[best].size))
                best = k;
        if (best == blocks.size() && !add(bytes)) {
            release(); // what lies unused
            best = blocks.size();
            if (!add(bytes))
                return nullptr;
        }
        const Block whole = blocks[best];
        blocks[best] = {whole.address, size, false, whole.first};
        if (whole.size > size)
            blocks.insert(blocks.begin() + best + 1,
                          {whole.address + size, whole.size - size, true, false});
        return whole.address;
    }

    void give(void *block) {
        const Lock lock(mutex);
        for (size_t k = 0; k < blocks.size(); k++)
            if (blocks[k].address == block) {
                blocks[k].unused = true;
                join(k);
                if (k > 0)
                    join(k - 1);
                return;
            }
    }

  private:
    static constexpr long UNIT = 64 << 10, PAGE = 2 << 20;

    struct Block {
        char *address;
        long size;
        bool unused, first; // of what was asked of the system in one piece
    };

    // More memory, as the last block
    bool add(long bytes) {
        const long size = round_up(bytes > 0 ? bytes : 1, PAGE);
        char *const address = (char *)std::aligned_alloc(PAGE, size);
        if (address == nullptr)
            return false;
#if defined(__linux__)
        // A wish, which may be refused; of a page that would be left empty it isn't one, since a
        // huge page is there in whole or not at all.
        madvise(address, (bytes + PAGE / 8) / PAGE * PAGE, MADV_HUGEPAGE);
#endif
        blocks.push_back({address, size, true, true});
        return true;
    }

    // A block and the one behind it, where they are unused and lie in one piece
    void join(size_t k) {
        if (k + 1 >= blocks.size() || !blocks[k].unused || !blocks[k + 1].unused ||
            blocks[k + 1].first)
            return;
        blocks[k].size += blocks[k + 1].size;
        blocks.erase(blocks.begin() + k + 1);
    }

    void release() {
        size_t left = 0;
        for (size_t k = 0; k < blocks.size(); k++) {
            const bool whole = blocks[k].first && (k + 1 == blocks.size() || blocks[k + 1].first);
            if (whole && blocks[k].unused)
                std::free(blocks[k].address);
            else
                blocks[left++] = blocks[k];
        }
        blocks.resize(left);
    }

    static inline Mutex mutex = PTHREAD_MUTEX_INITIALIZER;
    // A child forked while another thread is in here must not inherit a lock that is held.
    // Registered when the library is loaded: in a function that the other thread is in for the
    // first time, the child would wait for it to come out.
    [[maybe_unused]] static inline const int guarded =
        pthread_atfork([] { pthread_mutex_lock(&mutex); }, [] { pthread_mutex_unlock(&mutex); },
                       [] { pthread_mutex_unlock(&mutex); });
    std::vector<Block> blocks; // some dozens, neighbours beside each other
};

} // namespace today

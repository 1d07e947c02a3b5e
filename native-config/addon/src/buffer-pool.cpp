#include "buffer-pool.h"

#include <algorithm>
#include <string>

#include "error.h"

namespace kvasir {

namespace {

// A buffer serves requests down to this share of its size, so that no rows are paid for with much more memory than theirs.
constexpr double leastUse = 0.8;
// Small ones serve all that fit.
constexpr size_t smallBytes = 64 << 10;
// Less main memory comes quickly from the C library; more is mapped anew, and every page of it faults once.
constexpr size_t leastHostBytes = 1 << 20;
// Of the limit; more would be missed elsewhere.
constexpr size_t maxIdleShare = 8;

}  // namespace

BufferPool::BufferPool(ggml_backend_buffer_type_t buft, std::shared_ptr<Budget> budget)
    : budget(std::move(budget)), buft(buft), leastBytes(api.ggml_backend_buft_is_host(buft) ? leastHostBytes : 0) {}

BufferPool::~BufferPool() {
    drain();
}

BufferPool::Lease BufferPool::take(size_t bytes) {
    if (bytes >= leastBytes) {
        std::lock_guard<std::mutex> lock(mutex);
        auto best = idle.end();
        for (auto it = idle.begin(); it != idle.end(); ++it) {
            const bool isUsed = static_cast<double>(bytes) >= static_cast<double>(it->bytes) * leastUse;
            if (it->bytes >= bytes && (it->bytes <= smallBytes || isUsed) && (best == idle.end() || it->bytes < best->bytes)) {
                best = it;
            }
        }
        if (best != idle.end()) {
            const Lease lease = *best;
            idle.erase(best);
            idleBytes -= lease.bytes;
            budget->wake(lease.bytes);
            return lease;
        }
    }
    budget->reserve(bytes);
    ggml_backend_buffer_t buffer = api.ggml_backend_buft_alloc_buffer(buft, bytes);
    if (buffer == nullptr) {
        drain();
        buffer = api.ggml_backend_buft_alloc_buffer(buft, bytes);
    }
    if (buffer == nullptr) {
        budget->release(bytes);
        throw KvError("out-of-memory", "no " + std::to_string(bytes >> 20) + " MiB of memory for KV rows on " +
                                           std::string(api.ggml_backend_buft_name(buft)));
    }
    return {buffer, bytes};
}

void BufferPool::giveBack(const Lease & lease) {
    if (lease.bytes < leastBytes) {
        api.ggml_backend_buffer_free(lease.buffer);
        budget->release(lease.bytes);
        return;
    }
    std::list<Lease> over;
    {
        std::lock_guard<std::mutex> lock(mutex);
        budget->rest(lease.bytes);
        idleBytes += lease.bytes;
        idle.push_back(lease);
        while (idleBytes > budget->limitBytes() / maxIdleShare) {
            idleBytes -= idle.front().bytes;
            over.splice(over.end(), idle, idle.begin());
        }
    }
    end(over);
}

void BufferPool::drain() {
    std::list<Lease> all;
    {
        std::lock_guard<std::mutex> lock(mutex);
        all.swap(idle);
        idleBytes = 0;
    }
    end(all);
}

void BufferPool::end(const std::list<Lease> & leases) {
    for (const Lease & each : leases) {
        api.ggml_backend_buffer_free(each.buffer);
        budget->endRest(each.bytes);
    }
}

}  // namespace kvasir

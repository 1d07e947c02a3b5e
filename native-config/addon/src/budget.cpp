#include "budget.h"

#include <algorithm>

#include "error.h"

namespace kvasir {

void Budget::reserve(size_t bytes) {
    std::unique_lock<std::mutex> lock(mutex);
    if (resting > 0 && used + resting + bytes > limit && freeResting) {
        lock.unlock();
        freeResting();
        lock.lock();
    }
    if (bytes > limit || used > limit - bytes) {
        const auto mib = [](size_t n) { return std::to_string((n + (1 << 20) - 1) >> 20); };
        throw KvError("kv-limit", mib(bytes) + " MiB more would exceed the KV limit of " + mib(limit) + " MiB (" + mib(used) +
                                      " MiB in use)");
    }
    used += bytes;
    peak = std::max(peak, used + resting);
}

void Budget::release(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex);
    used -= bytes;
}

void Budget::rest(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex);
    used -= bytes;
    resting += bytes;
}

void Budget::wake(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex);
    used += bytes;
    resting -= bytes;
}

void Budget::endRest(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex);
    resting -= bytes;
}

void Budget::setLimit(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex);
    limit = bytes;
}

size_t Budget::limitBytes() const {
    std::lock_guard<std::mutex> lock(mutex);
    return limit;
}

size_t Budget::usedBytes() const {
    std::lock_guard<std::mutex> lock(mutex);
    return used;
}

size_t Budget::peakBytes() const {
    std::lock_guard<std::mutex> lock(mutex);
    return peak;
}

}  // namespace kvasir

// The hard limit in bytes of everything that holds KV or computes on it: segments, regions, reading workspace and
// compute buffers. Whoever allocates reserves first, so the limit is never exceeded, under any order of work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

namespace kvasir {

class Budget {
public:
    explicit Budget(size_t limitBytes) : limit(limitBytes) {}

    /** Takes bytes from the limit. @throws KvError "kv-limit" */
    void reserve(size_t bytes);
    void release(size_t bytes);

    /** Reserved memory that nobody uses for now: others may have it as soon as they need it. */
    void rest(size_t bytes);
    void wake(size_t bytes);
    void endRest(size_t bytes);
    /** Frees resting memory; called without a lock when a reservation needs it. */
    void onShortage(std::function<void()> free) { freeResting = std::move(free); }

    void setLimit(size_t bytes);
    size_t limitBytes() const;
    size_t usedBytes() const;
    size_t peakBytes() const;

private:
    mutable std::mutex mutex;
    size_t limit;
    size_t used = 0;
    size_t resting = 0;
    std::function<void()> freeResting;
    size_t peak = 0;
};

/** A reservation that ends with its owner. */
class Reservation {
public:
    Reservation() = default;
    Reservation(std::shared_ptr<Budget> budget, size_t bytes) : budget(std::move(budget)), bytes(bytes) {
        this->budget->reserve(bytes);
    }
    Reservation(Reservation && other) noexcept : budget(std::move(other.budget)), bytes(other.bytes) { other.bytes = 0; }
    Reservation & operator=(Reservation && other) noexcept {
        end();
        budget = std::move(other.budget);
        bytes = other.bytes;
        other.bytes = 0;
        return *this;
    }
    ~Reservation() { end(); }
    size_t size() const { return bytes; }

private:
    void end() {
        if (budget && bytes > 0) {
            budget->release(bytes);
        }
        bytes = 0;
    }
    std::shared_ptr<Budget> budget;
    size_t bytes = 0;
};

}  // namespace kvasir

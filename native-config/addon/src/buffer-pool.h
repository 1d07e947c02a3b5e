// Buffers that nobody uses at the moment, kept for the next that asks: a GPU's driver takes up to milliseconds to give memory and
// to take it back, and reading one small file asks a dozen times; main memory comes page by page, each with a fault.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "api.h"
#include "budget.h"

namespace kvasir {

/** Idle buffers rest in the budget: they go when it runs short. */
class BufferPool {
public:
    BufferPool(ggml_backend_buffer_type_t buft, std::shared_ptr<Budget> budget);
    ~BufferPool();
    BufferPool(const BufferPool &) = delete;

    struct Lease {
        ggml_backend_buffer_t buffer = nullptr;
        size_t bytes = 0;  // of the whole buffer, and reserved
    };
    /** A buffer of at least so many bytes, of unknown content. @throws KvError "kv-limit" | "out-of-memory" */
    Lease take(size_t bytes);
    void giveBack(const Lease & lease);
    /** Frees every idle buffer. */
    void drain();

private:
    void end(const std::list<Lease> & leases);

    std::shared_ptr<Budget> budget;
    ggml_backend_buffer_type_t buft;
    const size_t leastBytes;  // of buffers that are kept
    std::mutex mutex;
    std::list<Lease> idle;  // oldest first
    size_t idleBytes = 0;
};

}  // namespace kvasir

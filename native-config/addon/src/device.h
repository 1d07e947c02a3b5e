// One backend that holds layers of the model: where our rows live and our graphs run.
#pragma once

#include <memory>
#include <vector>

#include "api.h"
#include "buffer-pool.h"

namespace kvasir {

/**
 * Threads for every graph on the CPU, llama.cpp's and ours: without one persistent pool the CPU backend starts threads
 * for each graph, and the seam cuts a decode into one graph per layer.
 */
class ThreadPool {
public:
    explicit ThreadPool(int nThreads);
    ~ThreadPool();
    ThreadPool(const ThreadPool &) = delete;
    ggml_threadpool_t get() const { return pool; }
    const int nThreads;

private:
    ggml_threadpool_t pool;
};

class Device {
public:
    /** @param buft the buffer type of the model's own cache tensors on this device */
    Device(ggml_backend_buffer_type_t buft, const ThreadPool & threads, std::shared_ptr<Budget> budget);
    ~Device();
    Device(const Device &) = delete;

    bool isHost() const { return host; }
    const char * name() const;
    bool supports(const ggml_tensor * op) const { return api.ggml_backend_dev_supports_op(dev, op); }
    /** All of its memory; 0 where it does not tell. */
    size_t memoryBytes() const { return totalBytes; }
    /** Attention over several sequences leaves out the blocks behind a sequence's last visible row: CUDA's kernels do. */
    bool skipsHiddenBlocks() const;
    /** Attention finds the next row of a mask by the mask's own stride; Vulkan's kernels by the number of keys. */
    bool readsMaskStride() const { return !vulkan; }
    /** Products of a single query find the keys of every head where they lie; Vulkan's do so only when they lie side by side. */
    bool readsKeyStride() const { return !vulkan; }
    /** Elements by which a view into an f16 mask may be shifted: kernels on GPUs load masks 16 bytes at a time. */
    int64_t maskAlignment() const { return host ? 1 : 8; }

    /**
     * Gives memory to the graph's intermediate tensors and runs it to the end.
     * Tensors that have `data` keep it. The memory is reused by the next graph, so results must be read before it.
     * @throws KvError "out-of-memory" | "internal"
     */
    void compute(ggml_cgraph * graph);
    /** Runs a graph all of whose tensors have memory already. */
    void computeInPlace(ggml_cgraph * graph);

    ggml_backend_buffer_type_t buft;
    ggml_backend_t backend;
    const std::shared_ptr<BufferPool> pool;

private:
    ggml_backend_dev_t dev;
    bool host;
    bool vulkan;
    size_t totalBytes = 0;
    std::shared_ptr<Budget> budget;
    ggml_gallocr_t allocator;
    Reservation allocatorBytes;
};

/** A buffer on a device with the tensors in it, zero unless the owner fills them: 0 times garbage in a masked row would be NaN. */
class DeviceTensors {
public:
    struct Shape {
        ggml_type type;
        int64_t ne0;
        int64_t ne1;
    };
    /** @throws KvError "kv-limit" | "out-of-memory" */
    DeviceTensors(const Device & device, const std::vector<Shape> & shapes, bool isCleared = true);
    ~DeviceTensors();
    DeviceTensors(const DeviceTensors &) = delete;

    ggml_tensor * at(size_t index) const { return tensors[index]; }
    size_t bytes() const { return lease.bytes; }

private:
    std::shared_ptr<BufferPool> pool;
    BufferPool::Lease lease;
    ggml_context * context;
    std::vector<ggml_tensor *> tensors;
};

}  // namespace kvasir

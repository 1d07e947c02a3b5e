#include "device.h"

#include <algorithm>
#include <string>

#include "error.h"

namespace kvasir {

ThreadPool::ThreadPool(int nThreads) : nThreads(nThreads) {
    ggml_threadpool_params params = api.ggml_threadpool_params_default(nThreads);
    pool = api.threadpool_new(&params);
    if (pool == nullptr) {
        throw KvError("out-of-memory", "no thread pool for the CPU could be started");
    }
}

ThreadPool::~ThreadPool() {
    api.threadpool_free(pool);
}

Device::Device(ggml_backend_buffer_type_t buft, const ThreadPool & threads, std::shared_ptr<Budget> budget)
    : buft(buft),
      pool(std::make_shared<BufferPool>(buft, budget)),
      dev(api.ggml_backend_buft_get_device(buft)),
      host(api.ggml_backend_buft_is_host(buft)),
      vulkan(std::string(api.ggml_backend_buft_name(buft)).rfind("Vulkan", 0) == 0),
      budget(std::move(budget)) {
    if (dev == nullptr) {
        dev = api.ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    }
    backend = api.ggml_backend_dev_init(dev, nullptr);
    if (backend == nullptr) {
        throw KvError("out-of-memory", std::string("the device ") + api.ggml_backend_dev_name(dev) + " could not be opened");
    }
    if (api.ggml_backend_dev_type(dev) == GGML_BACKEND_DEVICE_TYPE_CPU) {
        api.cpu_set_n_threads(backend, threads.nThreads);
        api.cpu_set_threadpool(backend, threads.get());
    }
    size_t freeBytes = 0;
    api.ggml_backend_dev_memory(dev, &freeBytes, &totalBytes);
    allocator = api.ggml_gallocr_new(buft);
}

Device::~Device() {
    api.ggml_gallocr_free(allocator);
    api.ggml_backend_free(backend);
}

const char * Device::name() const {
    return api.ggml_backend_buft_name(buft);
}

bool Device::skipsHiddenBlocks() const {
    return std::string(name()).rfind("CUDA", 0) == 0;
}

void Device::compute(ggml_cgraph * graph) {
    if (!api.ggml_gallocr_alloc_graph(allocator, graph)) {
        throw KvError("out-of-memory", std::string("no memory for a compute buffer on ") + name());
    }
    const size_t bytes = api.ggml_gallocr_get_buffer_size(allocator, 0);
    if (bytes != allocatorBytes.size()) {
        // The allocator only grows. It has the memory already; if the limit says no, this job fails and the next
        // smaller one finds the limit as it was.
        allocatorBytes = Reservation(budget, 0);
        allocatorBytes = Reservation(budget, bytes);
    }
    computeInPlace(graph);
}

void Device::computeInPlace(ggml_cgraph * graph) {
    const ggml_status status = api.ggml_backend_graph_compute(backend, graph);
    if (status == GGML_STATUS_ALLOC_FAILED) {
        throw KvError("out-of-memory", std::string("the device ran out of memory on ") + name());
    }
    if (status != GGML_STATUS_SUCCESS) {
        throw KvError("internal", std::string("a graph failed on ") + name());
    }
}

DeviceTensors::DeviceTensors(const Device & device, const std::vector<Shape> & shapes, bool isCleared) : pool(device.pool) {
    const size_t alignment = api.ggml_backend_buft_get_alignment(device.buft);
    const auto aligned = [&](size_t n) { return (n + alignment - 1) / alignment * alignment; };

    ggml_init_params params = {(shapes.size() + 1) * api.ggml_tensor_overhead(), nullptr, true};
    context = api.ggml_init(params);
    std::vector<size_t> offsets;
    size_t total = 0;
    for (const Shape & shape : shapes) {
        ggml_tensor * tensor = api.ggml_new_tensor_2d(context, shape.type, shape.ne0, std::max<int64_t>(shape.ne1, 1));
        tensors.push_back(tensor);
        offsets.push_back(total);
        total += aligned(api.ggml_backend_buft_get_alloc_size(device.buft, tensor));
    }
    try {
        lease = pool->take(std::max(total, alignment));
    } catch (...) {
        api.ggml_free(context);
        throw;
    }
    if (isCleared) {
        api.ggml_backend_buffer_clear(lease.buffer, 0);
    }
    char * base = static_cast<char *>(api.ggml_backend_buffer_get_base(lease.buffer));
    for (size_t i = 0; i < tensors.size(); i++) {
        api.ggml_backend_tensor_alloc(lease.buffer, tensors[i], base + offsets[i]);
    }
}

DeviceTensors::~DeviceTensors() {
    pool->giveBack(lease);
    api.ggml_free(context);
}

}  // namespace kvasir

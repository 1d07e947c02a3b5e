// A small graph of our own: leaves over memory that somebody else owns, and the nodes computed from them.
#pragma once

#include <vector>

#include "device.h"

namespace kvasir {

// llama.cpp's own rounding of the K length; the GPU kernels ask for it and, on the CPU, with it the split of the keys
// among threads is the same as llama.cpp's, so that results are equal to the bit.
constexpr int64_t lengthBlock = 256;

/** Where a tensor's memory is: a view that llama.cpp has not initialised knows it by what it is a view of. */
inline ggml_backend_buffer_t bufferOf(const ggml_tensor * tensor) {
    return tensor->buffer != nullptr || tensor->view_src == nullptr ? tensor->buffer : tensor->view_src->buffer;
}

constexpr int64_t paddedTo(int64_t n, int64_t block) {
    return (n + block - 1) / block * block;
}

/**
 * Leaves carry `data` and `buffer` of existing memory. A tensor of the model's graph is never put in as it is:
 * ggml_build_forward_expand would walk its parents and run the model a second time.
 */
class Graph {
public:
    explicit Graph(size_t maxNodes);
    ~Graph();
    Graph(const Graph &) = delete;

    struct Layout {
        ggml_type type;
        int64_t ne[4];   // a last one that is left out is 1
        size_t nb1 = 0;  // bytes; 0 means densely packed
        size_t nb2 = 0;
        size_t nb3 = 0;
    };
    /** A tensor over the memory of `owner`, starting `offset` bytes into it. */
    ggml_tensor * leaf(const ggml_tensor * owner, size_t offset, const Layout & layout);
    /** A view of a tensor of this graph with another type and strides; keeps the order of computation. */
    ggml_tensor * reinterpret(ggml_tensor * tensor, size_t offset, const Layout & layout);
    void expand(ggml_tensor * tensor);
    void run(Device & device) { device.compute(graph); }
    void runInPlace(Device & device) { device.computeInPlace(graph); }

    ggml_context * context;
    ggml_cgraph * graph;

private:
    std::vector<char> arena;
};

}  // namespace kvasir

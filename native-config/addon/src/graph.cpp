#include "graph.h"

#include <algorithm>

namespace kvasir {

Graph::Graph(size_t maxNodes) {
    // Every node may bring a few leaves and views with it.
    const size_t maxTensors = maxNodes * 4;
    arena.resize(maxTensors * api.ggml_tensor_overhead() + api.ggml_graph_overhead_custom(maxTensors, false));
    context = api.ggml_init({arena.size(), arena.data(), true});
    graph = api.ggml_new_graph_custom(context, maxTensors, false);
}

Graph::~Graph() {
    api.ggml_free(context);
}

namespace {

void applyLayout(ggml_tensor * tensor, const Graph::Layout & layout) {
    const size_t row = api.ggml_row_size(layout.type, layout.ne[0]);
    tensor->nb[0] = api.ggml_type_size(layout.type);
    tensor->nb[1] = layout.nb1 != 0 ? layout.nb1 : row;
    tensor->nb[2] = layout.nb2 != 0 ? layout.nb2 : tensor->nb[1] * static_cast<size_t>(layout.ne[1]);
    tensor->nb[3] = layout.nb3 != 0 ? layout.nb3 : tensor->nb[2] * static_cast<size_t>(layout.ne[2]);
}

ggml_tensor * newTensor(ggml_context * context, const Graph::Layout & layout) {
    ggml_tensor * tensor = api.ggml_new_tensor_3d(context, layout.type, layout.ne[0], layout.ne[1], layout.ne[2]);
    tensor->ne[3] = std::max<int64_t>(layout.ne[3], 1);
    applyLayout(tensor, layout);
    return tensor;
}

}  // namespace

ggml_tensor * Graph::leaf(const ggml_tensor * owner, size_t offset, const Layout & layout) {
    ggml_tensor * tensor = newTensor(context, layout);
    tensor->data = static_cast<char *>(owner->data) + offset;
    tensor->buffer = bufferOf(owner);
    return tensor;
}

ggml_tensor * Graph::reinterpret(ggml_tensor * tensor, size_t offset, const Layout & layout) {
    ggml_tensor * view = api.ggml_view_1d(context, tensor, 0, 0);
    view->type = layout.type;
    for (int i = 0; i < 4; i++) {
        view->ne[i] = std::max<int64_t>(layout.ne[i], 1);
    }
    applyLayout(view, layout);
    view->view_offs = tensor->view_offs + offset;
    if (tensor->data != nullptr) {
        view->data = static_cast<char *>(tensor->data) + offset;
        view->buffer = tensor->buffer;
    }
    return view;
}

void Graph::expand(ggml_tensor * tensor) {
    api.ggml_build_forward_expand(graph, tensor);
}

}  // namespace kvasir

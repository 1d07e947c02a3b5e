#include "graft.h"

#include <algorithm>

#include "error.h"

namespace kvasir {

namespace {

// Batches that come again and again (draft.cpp); what longer ones need is made anew.
constexpr uint32_t maxKept = 16;

}  // namespace

/** Tensors that nodes are pointed at: the same from token to token, so that a device's captured graph stays valid. */
struct Graft::Leaves {
    Leaves() : graph(8) {}
    Graph graph;
    uint64_t batch = 0, epoch = 0, maskGeneration = 0;
    int64_t length = 0;
    Form form = Form::stopped;
    ggml_tensor *newK, *newV, *index, *queries, *k, *v, *mask;
};

Graft::Graft(const ModelShape & shape, const RowFormat & rows, const std::vector<LayerPlan> & layers)
    : shape(shape), rows(rows), layers(layers), forms(layers.size(), Form::stopped) {
    std::map<Device *, std::vector<int>> byDevice;
    for (size_t i = 0; i < layers.size(); i++) {
        slots.push_back(byDevice[layers[i].device].size());
        byDevice[layers[i].device].push_back(static_cast<int>(i));
    }
    for (auto & [device, list] : byDevice) {
        headMasks[device] = std::make_unique<HeadMasks>(*device, std::move(list));
    }
}

Graft::~Graft() = default;

void Graft::begin(const Session & newSession, uint32_t n, std::function<Shared(int layer)> newShared) {
    session = &newSession;
    nTokens = n;
    shared = std::move(newShared);
    std::map<Device *, bool> isApart;
    for (int layer = 0; layer < shape.nLayers; layer++) {
        forms[layer] = formOf(layer);
        if (forms[layer] == Form::apart) {
            isApart[layers[layer].device] = true;
        }
    }
    for (const auto & [device, is] : isApart) {
        headMasks[device]->prepare(newSession);
    }
    batch++;
    isActive = true;
}

Graft::Form Graft::formOf(int layer) const {
    const LayerPlan & plan = layers[layer];
    // CUDA turns rows of other types to f16 behind the output of the op, in room that llama.cpp counted for its own cache.
    if (!plan.device->isHost() && rows.type != GGML_TYPE_F16) {
        return Form::stopped;
    }
    bool isEqual = true;
    for (int head = 1; head < shape.nKvHeads; head++) {
        const Region & p = session->region(layer, head - 1);
        const Region & r = session->region(layer, head);
        isEqual = isEqual && r.base == p.base;
        if (r.start - p.start != session->region(layer, 1).start - session->region(layer, 0).start) {
            return Form::stopped;
        }
    }
    if (isEqual) {
        return Form::together;
    }
    return plan.isSpread && nTokens == 1 ? Form::apart : Form::stopped;
}

Graft::Leaves & Graft::leavesOf(int layer) {
    const bool isKept = nTokens <= maxKept;
    auto & list = kept[isKept ? nTokens : 0];
    list.resize(layers.size());
    auto & leaves = list[layer];
    if (leaves && leaves->batch == batch) {
        return *leaves;
    }
    const Form form = forms[layer];
    uint32_t longest = 0;
    for (int head = 0; head < shape.nKvHeads; head++) {
        longest = std::max(longest, session->length(layer, head));
    }
    const int64_t length = paddedTo(longest + nTokens, lengthBlock);
    const Shared with = shared(layer);
    HeadMasks & own = *headMasks.at(layers[layer].device);
    const uint64_t generation = form == Form::apart ? own.generation() : with.masks->generation();
    if (isKept && leaves && leaves->epoch == session->layoutEpoch() && leaves->maskGeneration == generation &&
        leaves->length == length && leaves->form == form) {
        leaves->batch = batch;
        return *leaves;
    }
    leaves = std::make_unique<Leaves>();
    Graph & graph = leaves->graph;
    const int64_t d = shape.headDim;
    const int64_t H = shape.nKvHeads;
    const Region & first = session->region(layer, 0);
    const size_t spacing = H > 1 ? (session->region(layer, 1).start - first.start) * rows.bytes : rows.bytes;
    const size_t at = first.start * rows.bytes;
    const ggml_tensor * k = session->k(layer);
    const ggml_tensor * v = session->v(layer);
    // New rows: [headDim, KV heads, tokens] as llama.cpp computed them; their memory is known with the node.
    leaves->newK = graph.leaf(k, 0, {GGML_TYPE_F32, {d, H, nTokens}});
    leaves->newV = graph.leaf(v, 0, {GGML_TYPE_F32, {d, H, nTokens}});
    leaves->index = graph.leaf(with.rowIndices, with.indexOffset, {GGML_TYPE_I32, {H, nTokens, 1}});
    leaves->queries = graph.leaf(k, 0, {GGML_TYPE_F32, {d, nTokens, shape.queriesPerKvHead()}});
    if (form == Form::together) {
        leaves->k = graph.leaf(k, at, {rows.type, {d, length, H}, rows.bytes, spacing});
        leaves->v = graph.leaf(v, at, {rows.type, {d, length, H}, rows.bytes, spacing});
        leaves->mask = with.masks->view(graph, session->length(layer, 0), length, nTokens);
        with.masks->applyStride(leaves->mask);
    } else {
        const auto isOneSequencePerHead = [&](ggml_tensor * t, size_t stride) {
            t->ne[3] = H;
            t->nb[3] = stride;
        };
        leaves->k = graph.leaf(k, at, {rows.type, {d, length, 1}, rows.bytes, spacing});
        leaves->v = graph.leaf(v, at, {rows.type, {d, length, 1}, rows.bytes, spacing});
        const size_t row = static_cast<size_t>(own.width()) * sizeof(uint16_t);
        leaves->mask = graph.leaf(own.tensor(), own.offsetOf(slots[layer], shape.nKvHeads), {GGML_TYPE_F16, {length, 1, 1}, row, row});
        isOneSequencePerHead(leaves->queries, 0);
        isOneSequencePerHead(leaves->k, spacing);
        isOneSequencePerHead(leaves->v, spacing);
        isOneSequencePerHead(leaves->mask, row);
    }
    leaves->maskGeneration = generation;
    leaves->epoch = session->layoutEpoch();
    leaves->length = length;
    leaves->form = form;
    leaves->batch = batch;
    return *leaves;
}

void Graft::redirectWrite(ggml_tensor * node, int layer, bool isV) {
    Leaves & leaves = leavesOf(layer);
    save(node);
    ggml_tensor * rowsNew = isV ? leaves.newV : leaves.newK;
    const ggml_tensor * computed = node->src[0];  // [headDim x KV heads, tokens]
    rowsNew->type = computed->type;
    rowsNew->data = computed->data;
    rowsNew->buffer = computed->buffer != nullptr ? computed->buffer : computed->view_src->buffer;
    rowsNew->nb[0] = api.ggml_type_size(computed->type);
    rowsNew->nb[1] = rowsNew->nb[0] * shape.headDim;
    rowsNew->nb[2] = computed->nb[1];
    rowsNew->nb[3] = rowsNew->nb[2] * nTokens;
    const ggml_tensor * arena = isV ? session->v(layer) : session->k(layer);
    node->src[0] = rowsNew;
    node->src[1] = leaves.index;
    node->ne[0] = shape.headDim;
    node->ne[1] = arena->ne[1];
    node->ne[2] = nTokens;
    node->nb[1] = rows.bytes;
    node->nb[2] = 0;  // every token's rows go into the same regions
    node->nb[3] = rows.bytes * arena->ne[1];
    node->data = arena->data;
    node->buffer = arena->buffer;
    node->view_src = nullptr;
    node->view_offs = 0;
}

void Graft::redirectAttention(ggml_tensor * node, int layer) {
    Leaves & leaves = leavesOf(layer);
    const ggml_backend_buffer_type_t buft = layers[layer].device->buft;
    const size_t room = api.ggml_backend_buft_get_alloc_size(buft, node);
    save(node);
    const ggml_tensor * q = node->src[0];  // [headDim, tokens, query heads]
    if (leaves.form == Form::apart) {
        ggml_tensor * queries = leaves.queries;
        queries->data = q->data;
        queries->buffer = q->buffer != nullptr ? q->buffer : q->view_src->buffer;
        queries->nb[1] = q->nb[1];
        queries->nb[2] = q->nb[2];
        queries->nb[3] = q->nb[2] * shape.queriesPerKvHead();
        node->src[0] = queries;
        // Of a single token the heads lie side by side in either order of dimensions.
        node->ne[1] = shape.queriesPerKvHead();
        node->ne[2] = 1;
        node->ne[3] = shape.nKvHeads;
        node->nb[2] = node->nb[1] * node->ne[1];
        node->nb[3] = node->nb[2];
    }
    node->src[1] = leaves.k;
    node->src[2] = leaves.v;
    node->src[3] = leaves.mask;
    // A bound of the visible rows that llama.cpp knows for its own cache.
    node->op_params[4] = 0;
    if (api.ggml_backend_buft_get_alloc_size(buft, node) > room) {
        throw KvError("internal", "attention over our rows needs more room than llama.cpp gave it");
    }
}

void Graft::end() {
    for (auto it = saved.rbegin(); it != saved.rend(); ++it) {
        *it->first = it->second;
    }
    saved.clear();
    isActive = false;
    shared = nullptr;
}

}  // namespace kvasir

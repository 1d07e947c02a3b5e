#include "graft.h"

#include <algorithm>

#include "error.h"

namespace kvasir {

namespace {

// Questions and what is new of a completion; longer batches fill a device without help, and their masks would be large.
constexpr uint32_t maxSteps = 256;

}  // namespace

/** Tensors that nodes are pointed at: the same from token to token, so that a device's captured graph stays valid. */
struct Graft::Leaves {
    Leaves() : graph(8) {}
    Graph graph;
    uint64_t batch = 0, epoch = 0, maskGeneration = 0;
    int64_t length = 0;
    Form form = Form::stopped;
    ggml_tensor *newK, *newV, *index, *k, *v, *mask;
    ggml_tensor * queries = nullptr;  // of heads that are sequences of their own
    ggml_tensor *pieces = nullptr, *starts = nullptr, *output = nullptr;  // of several tokens over heads of different lengths
};

Graft::Graft(const ModelShape & shape, const RowFormat & rows, const std::vector<LayerPlan> & layers)
    : shape(shape), rows(rows), layers(layers), forms(layers.size(), Form::stopped) {
    std::map<Device *, std::vector<int>> byDevice;
    for (size_t i = 0; i < layers.size(); i++) {
        slots.push_back(byDevice[layers[i].device].size());
        byDevice[layers[i].device].push_back(static_cast<int>(i));
    }
    for (auto & [device, list] : byDevice) {
        stepMasks[device] = std::make_unique<StepMasks>(*device, list);
        headMasks[device] = std::make_unique<HeadMasks>(*device, std::move(list));
    }
}

Graft::~Graft() = default;

void Graft::begin(const Session & newSession, uint32_t n, std::function<Shared(int layer)> newShared) {
    session = &newSession;
    nTokens = n;
    shared = std::move(newShared);
    std::map<Device *, std::pair<bool, bool>> isApart;
    for (int layer = 0; layer < shape.nLayers; layer++) {
        forms[layer] = formOf(layer);
        isApart[layers[layer].device].first |= forms[layer] == Form::apart;
        isApart[layers[layer].device].second |= forms[layer] == Form::apartSteps;
    }
    for (const auto & [device, has] : isApart) {
        if (has.first) {
            headMasks[device]->prepare(newSession);
        }
        if (has.second) {
            try {
                stepMasks[device]->prepare(newSession, n);
            } catch (const KvError &) {
                // Without the memory for it those layers stop: slower, but nothing has to go for a mask.
                for (int layer = 0; layer < shape.nLayers; layer++) {
                    if (layers[layer].device == device && forms[layer] == Form::apartSteps) {
                        forms[layer] = Form::stopped;
                    }
                }
            }
        }
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
    if (!plan.isSpread) {
        return Form::stopped;
    }
    return nTokens == 1 ? Form::apart : nTokens <= maxSteps && plan.hasIdleNodes ? Form::apartSteps : Form::stopped;
}

Graft::Leaves & Graft::leavesOf(int layer) {
    const bool isKept = nTokens <= maxShortBatch;  // what longer ones need is made anew
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
    Device * device = layers[layer].device;
    const uint64_t generation = form == Form::together ? shared(layer).masks->generation()
                                : form == Form::apart  ? headMasks.at(device)->generation()
                                                       : stepMasks.at(device)->generation();
    if (isKept && leaves && leaves->epoch == session->layoutEpoch() && leaves->maskGeneration == generation &&
        leaves->length == length && leaves->form == form) {
        leaves->batch = batch;
        return *leaves;
    }
    leaves = std::make_unique<Leaves>();
    leaves->form = form;
    fill(*leaves, layer, length);
    leaves->maskGeneration = generation;
    leaves->epoch = session->layoutEpoch();
    leaves->length = length;
    leaves->batch = batch;
    return *leaves;
}

void Graft::fill(Leaves & leaves, int layer, int64_t length) {
    Graph & graph = leaves.graph;
    const Shared with = shared(layer);
    const int64_t d = shape.headDim;
    const int64_t H = shape.nKvHeads;
    const int64_t G = shape.queriesPerKvHead();
    const Region & first = session->region(layer, 0);
    const size_t spacing = H > 1 ? (session->region(layer, 1).start - first.start) * rows.bytes : rows.bytes;
    const size_t at = first.start * rows.bytes;
    const ggml_tensor * k = session->k(layer);
    const ggml_tensor * v = session->v(layer);
    // New rows: [headDim, KV heads, tokens] as llama.cpp computed them; their memory is known with the node.
    leaves.newK = graph.leaf(k, 0, {GGML_TYPE_F32, {d, H, nTokens}});
    leaves.newV = graph.leaf(v, 0, {GGML_TYPE_F32, {d, H, nTokens}});
    leaves.index = graph.leaf(with.rowIndices, with.indexOffset, {GGML_TYPE_I32, {H, nTokens, 1}});
    if (leaves.form == Form::together) {
        leaves.k = graph.leaf(k, at, {rows.type, {d, length, H}, rows.bytes, spacing});
        leaves.v = graph.leaf(v, at, {rows.type, {d, length, H}, rows.bytes, spacing});
        leaves.mask = with.masks->view(graph, session->length(layer, 0), length, nTokens);
        with.masks->applyStride(leaves.mask);
        return;
    }
    // Each head is a sequence of its own. How queries lie is known with the node.
    leaves.queries = graph.leaf(k, 0, {GGML_TYPE_F32, {d, nTokens, G, H}});
    leaves.k = graph.leaf(k, at, {rows.type, {d, length, 1, H}, rows.bytes, spacing, spacing});
    leaves.v = graph.leaf(v, at, {rows.type, {d, length, 1, H}, rows.bytes, spacing, spacing});
    if (leaves.form == Form::apart) {
        const HeadMasks & masks = *headMasks.at(layers[layer].device);
        const size_t head = static_cast<size_t>(masks.width()) * sizeof(uint16_t);  // to the next one's mask
        const size_t offset = masks.offsetOf(slots[layer], shape.nKvHeads);
        leaves.mask = graph.leaf(masks.tensor(), offset, {GGML_TYPE_F16, {length, 1, 1, H}, head, head, head});
    } else {
        const StepMasks & masks = *stepMasks.at(layers[layer].device);
        const size_t head = static_cast<size_t>(length * masks.rowsPerHead(nTokens)) * sizeof(uint16_t);
        leaves.mask = graph.leaf(masks.mask(), 0, {GGML_TYPE_F16, {length, nTokens, 1, H}, 0, head, head});
        leaves.pieces = masks.pieces(graph, length);
        leaves.starts = masks.starts(graph, slots[layer], nTokens, shape.nKvHeads);
        // Token by token, as llama.cpp reads it, of what is written head by head.
        const size_t row = static_cast<size_t>(d) * sizeof(float);
        leaves.output = graph.leaf(masks.output(), 0, {GGML_TYPE_F32, {d, G, H, nTokens}, row, row * G * nTokens, row * G});
    }
}

void Graft::redirectWrite(ggml_tensor * node, int layer, bool isV) {
    Leaves & leaves = leavesOf(layer);
    save(node);
    ggml_tensor * rowsNew = isV ? leaves.newV : leaves.newK;
    const ggml_tensor * computed = node->src[0];  // [headDim x KV heads, tokens]
    rowsNew->type = computed->type;
    rowsNew->data = computed->data;
    rowsNew->buffer = bufferOf(computed);
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
    const bool isApart = leaves.form != Form::together;
    if (isApart) {
        ggml_tensor * queries = leaves.queries;
        queries->data = q->data;
        queries->buffer = bufferOf(q);
        queries->nb[1] = q->nb[1];
        queries->nb[2] = q->nb[2];
        queries->nb[3] = q->nb[2] * shape.queriesPerKvHead();
        node->src[0] = queries;
        // Of a single token the heads lie side by side in either order of dimensions.
        node->ne[1] = shape.queriesPerKvHead();
        node->ne[2] = nTokens;
        node->ne[3] = shape.nKvHeads;
        node->nb[2] = node->nb[1] * node->ne[1];
        node->nb[3] = node->nb[2] * nTokens;
    }
    if (leaves.form == Form::apartSteps) {
        redirectMask(node->src[1], leaves);
        const ggml_tensor * output = stepMasks.at(layers[layer].device)->output();
        node->data = output->data;
        node->buffer = output->buffer;
        attention = node;
        ordered = &leaves;
    }
    node->src[1] = leaves.k;
    node->src[2] = leaves.v;
    node->src[3] = leaves.mask;
    // A bound of the visible rows that llama.cpp knows for its own cache.
    node->op_params[4] = 0;
    const size_t needed = api.ggml_backend_buft_get_alloc_size(buft, node);
    if (needed > (leaves.form == Form::apartSteps ? api.ggml_nbytes(node) : room)) {
        throw KvError("internal", "attention over our rows needs more room than llama.cpp gave it");
    }
}

/** @param node the permutation of K, computed right before its attention */
void Graft::redirectMask(ggml_tensor * node, const Leaves & leaves) {
    save(node);
    node->op = GGML_OP_GET_ROWS;
    node->src[0] = leaves.pieces;
    node->src[1] = leaves.starts;
    node->type = GGML_TYPE_I32;
    node->ne[0] = leaves.pieces->ne[0];
    node->ne[1] = leaves.starts->ne[0];
    node->ne[2] = node->ne[3] = 1;
    node->nb[0] = sizeof(int32_t);
    node->nb[1] = node->nb[0] * node->ne[0];
    node->nb[2] = node->nb[3] = node->nb[1] * node->ne[1];
    node->data = leaves.mask->data;
    node->buffer = leaves.mask->buffer;
    node->view_src = nullptr;
    node->view_offs = 0;
}

void Graft::redirectOutput(ggml_tensor * node) {
    if (attention == nullptr || node->src[0] != attention) {
        return;
    }
    if (node->op != GGML_OP_RESHAPE) {
        throw KvError("internal", "attention is not followed by what it was followed by in the first graph");
    }
    save(node);
    node->op = GGML_OP_CONT;
    node->src[0] = ordered->output;
    node->view_src = nullptr;
    node->view_offs = 0;
    attention = nullptr;
}

void Graft::end() {
    for (auto it = saved.rbegin(); it != saved.rend(); ++it) {
        *it->first = it->second;
    }
    saved.clear();
    attention = nullptr;
    ordered = nullptr;
    isActive = false;
    shared = nullptr;
}

}  // namespace kvasir

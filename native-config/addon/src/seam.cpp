#include "seam.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "error.h"

namespace kvasir {

namespace {

// More than any device asks for.
constexpr int64_t scratchAlignment = 256;

// Single tokens and drafts come again and again, and in these sizes only (draft.cpp): what they need is kept.
constexpr bool isSizeKept(uint32_t nTokens) {
    return nTokens <= maxShortBatch && (nTokens & (nTokens - 1)) == 0;
}

}  // namespace

/** Graphs of one size are the same from batch to batch: built once per layout, then only re-pointed. */
struct Seam::LayerGraph {
    explicit LayerGraph(size_t maxNodes) : graph(maxNodes) {}
    Graph graph;
    bool isInPlace = true;
    size_t scratchBytes = 0;
    uint64_t epoch = 0, maskGeneration = 0, scratchMoves = 0;
    std::vector<int64_t> lengths;
    std::vector<std::pair<ggml_tensor *, size_t>> intoQueries, intoOutput;  // tensors over llama.cpp's own, and offsets

    void pointAt(ggml_tensor * node) {
        for (auto & [tensor, offset] : intoQueries) {
            tensor->data = static_cast<char *>(node->src[0]->data) + offset;
        }
        for (auto & [tensor, offset] : intoOutput) {
            tensor->data = static_cast<char *>(node->data) + offset;
        }
    }
};

Seam::Seam(ModelShape shape, RowFormat rows, std::vector<LayerPlan> layersIn, bool isGrafting)
    : shape(shape), rows(rows), layers(std::move(layersIn)) {
    std::map<Device *, size_t> next;
    for (size_t i = 0; i < layers.size(); i++) {
        layerOfK[layers[i].cacheK] = static_cast<int>(i);
        layerOfV[layers[i].cacheV] = static_cast<int>(i);
        indexSlot.push_back(next[layers[i].device]++);
    }
    if (isGrafting) {
        graft = std::make_unique<Graft>(shape, rows, layers);
    }
}

Seam::~Seam() = default;

void Seam::begin(const std::vector<BatchPart> & newParts, std::vector<CapturedLayer> * capture, LayerSimilarity * measured) {
    parts = newParts;
    scorings.clear();
    captured = capture;
    similarity = measured;
    failure = nullptr;
    taken = nullptr;
    nTokens = 0;
    isScoring = false;
    for (const BatchPart & part : parts) {
        nTokens += part.nTokens;
        isScoring = isScoring || !part.scored().empty();
    }
    // Graphs that are kept, and nodes of llama.cpp's, have no room for a mask of their own.
    const bool masksStay = nTokens == 1 || std::all_of(layers.begin(), layers.end(), [](const LayerPlan & layer) {
        return layer.device->readsMaskStride();
    });
    chooseSize(masksStay);
    placeRows();
    if (similarity != nullptr) {
        similarity->begin(nTokens);
    }
    for (const BatchPart & part : parts) {
        scorings.push_back(scoringsOf(part));
    }
    if (graft && masksStay && parts.size() == 1 && !isScoring && capture == nullptr && similarity == nullptr) {
        graft->begin(*parts[0].session, nTokens, [this](int layer) {
            return Graft::Shared{on(layer).rowIndices->at(0), indexSlot[layer] * nTokens * shape.nKvHeads * sizeof(int32_t),
                                 &masksOf(layer)};
        });
    }
}

void Seam::chooseSize(bool masksStay) {
    const bool keeps = parts.size() == 1 && isSizeKept(nTokens) && masksStay;
    size = keeps ? &keptSizes[nTokens] : &otherSize;
    if (keeps && size->graphs.empty()) {
        size->graphs.resize(layers.size());
    }
    for (const LayerPlan & layer : layers) {
        auto & device = size->devices[layer.device];
        if (!device) {
            device = std::make_unique<PerDevice>(*layer.device);
        }
        device->masks.try_emplace(layer.window, *layer.device, layer.window);
    }
}

void Seam::placeRows() {
    uint32_t border = 0, longest = 0;
    for (const BatchPart & part : parts) {
        border = std::max(border, part.session->maxLength());
        longest = std::max(longest, part.nTokens);
    }
    for (auto & [device, state] : size->devices) {
        for (auto & [window, masks] : state->masks) {
            masks.prepare(border, longest);
        }
        std::vector<int32_t> indices;
        for (int layer = 0; layer < shape.nLayers; layer++) {
            if (layers[layer].device != device) {
                continue;
            }
            for (const BatchPart & part : parts) {
                for (uint32_t t = 0; t < part.nTokens; t++) {
                    for (int head = 0; head < shape.nKvHeads; head++) {
                        const Region & r = part.session->region(layer, head);
                        indices.push_back(static_cast<int32_t>(r.start + part.session->length(layer, head) + t));
                    }
                }
            }
        }
        if (!state->rowIndices || state->rowIndices->at(0)->ne[0] != static_cast<int64_t>(indices.size())) {
            state->rowIndices.reset();
            state->rowIndices = std::make_unique<DeviceTensors>(
                *device, std::vector<DeviceTensors::Shape>{{GGML_TYPE_I32, static_cast<int64_t>(indices.size()), 1}});
        }
        api.ggml_backend_tensor_set(state->rowIndices->at(0), indices.data(), 0, indices.size() * sizeof(int32_t));
    }
}

std::vector<std::unique_ptr<Scoring>> Seam::scoringsOf(const BatchPart & part) {
    std::map<Device *, Masks *> masks;
    for (const LayerPlan & layer : layers) {
        if (layer.window == 0) {
            masks[layer.device] = &size->devices.at(layer.device)->masks.at(0);
        }
    }
    std::vector<std::unique_ptr<Scoring>> found;
    for (const ScorePass * pass : part.scored()) {
        found.push_back(std::make_unique<Scoring>(part, *pass, shape, rows, layers, masks));
    }
    return found;
}

void Seam::end() {
    if (taken != nullptr) {  // llama.cpp gave up before it came back to us
        taken->op = GGML_OP_FLASH_ATTN_EXT;
        taken = nullptr;
    }
    if (graft) {
        graft->end();
    }
    parts.clear();
    scorings.clear();
    if (failure) {
        std::rethrow_exception(std::exchange(failure, nullptr));
    }
    if (isCancelled) {
        throw KvError("cancelled", "the work was cancelled");
    }
}

bool Seam::onNode(ggml_tensor * node, bool ask) {
    if (ask) {
        try {
            return failure != nullptr || beforeNode(node);
        } catch (...) {
            failure = std::current_exception();
            return true;
        }
    }
    const bool isTaken = taken != nullptr;
    if (isTaken) {
        node->op = GGML_OP_FLASH_ATTN_EXT;
        taken = nullptr;
    }
    if (isCancelled || failure) {
        return false;  // a failure before this node stops here, too
    }
    try {
        if (isTaken) {
            attend(node);
        } else {
            similarity->afterNode(node);
        }
    } catch (...) {
        failure = std::current_exception();
        return false;
    }
    return true;
}

bool Seam::beforeNode(ggml_tensor * node) {
    const auto layerIn = [&](const std::map<const ggml_tensor *, int> & layerOf, ggml_tensor * tensor) {
        const auto found = layerOf.find(rootOf(tensor));
        return found == layerOf.end() ? -1 : found->second;
    };
    if (node->op == GGML_OP_SET_ROWS && graft) {
        for (const bool isV : {false, true}) {
            const int layer = layerIn(isV ? layerOfV : layerOfK, node);
            if (layer >= 0 && graft->takes(layer)) {
                graft->redirectWrite(node, layer, isV);
            }
        }
        return false;
    }
    if (node->op != GGML_OP_FLASH_ATTN_EXT) {
        if (graft) {
            graft->redirectOutput(node);
        }
        return similarity != nullptr && similarity->beforeNode(node);
    }
    const int layer = layerIn(layerOfK, node->src[1]);
    if (graft && layer >= 0 && graft->takes(layer)) {
        graft->redirectAttention(node, layer);
        return false;
    }
    // Between this call and the next llama.cpp computes the nodes up to this one. Its own attention over the batch would be
    // thrown away, so the node is empty for that while.
    taken = node;
    node->op = GGML_OP_NONE;
    return true;
}

void Seam::attend(ggml_tensor * node) {
    const auto found = layerOfK.find(rootOf(node->src[1]));
    if (found == layerOfK.end()) {
        throw KvError("model-unsupported", std::string("an attention node over an unknown cache: ") + node->name);
    }
    const int layer = found->second;
    Device & device = *layers[layer].device;

    std::unique_ptr<LayerGraph> once;
    LayerGraph * g;
    if (isKept() && !isScoring) {
        const Session & session = *parts[0].session;
        std::vector<int64_t> lengths;
        for (int head = 0; head < shape.nKvHeads; head++) {
            lengths.push_back(paddedTo(session.length(layer, head) + nTokens, lengthBlock));
        }
        auto & kept = size->graphs[layer];
        if (kept && kept->epoch == session.layoutEpoch() && kept->maskGeneration == masksOf(layer).generation() &&
            kept->scratchMoves == on(layer).scratchMoves && kept->lengths == lengths) {
            kept->pointAt(node);
        } else {
            do {  // once more when scratch memory had to grow and moved
                kept = std::make_unique<LayerGraph>(shape.nKvHeads * 8 + 8);
                kept->scratchMoves = on(layer).scratchMoves;
                build(*kept, node, layer);
            } while (kept->scratchMoves != on(layer).scratchMoves);
            kept->epoch = session.layoutEpoch();
            kept->maskGeneration = masksOf(layer).generation();
            kept->lengths = lengths;
        }
        g = kept.get();
    } else {
        size_t nNodes = 16;
        for (const auto & passes : scorings) {
            nNodes += shape.nKvHeads * 8 + 8;
            for (const auto & scoring : passes) {
                nNodes += scoring->maxNodes(layer);
            }
        }
        once = std::make_unique<LayerGraph>(nNodes);
        build(*once, node, layer);
        g = once.get();
    }
    if (g->isInPlace) {
        g->graph.runInPlace(device);
    } else {
        g->graph.run(device);
    }
    if (captured != nullptr) {
        capture(node, layer);
    }
    if (similarity != nullptr) {
        similarity->onAttention(node, layer);
    }
}

std::vector<HeadGroup> Seam::groupsOf(const Session & session, int layer) const {
    // Neighbouring heads with the same rows before the batch, equally far apart, share one op.
    std::vector<HeadGroup> groups;
    for (int head = 0; head < shape.nKvHeads; head++) {
        const Region & r = session.region(layer, head);
        if (!groups.empty()) {
            HeadGroup & last = groups.back();
            const Region & p = session.region(layer, head - 1);
            const uint32_t spacing = r.start - p.start;
            if (p.base == r.base && (last.nHeads == 1 || last.spacing == spacing)) {
                last.nHeads++;
                last.spacing = spacing;
                continue;
            }
        }
        groups.push_back({head, 1, 0});
    }
    return groups;
}

void Seam::build(LayerGraph & g, ggml_tensor * node, int layer) {
    Graph & graph = g.graph;
    const LayerPlan & plan = layers[layer];
    const int64_t halves = static_cast<int64_t>(rows.bytes / 2);
    const size_t cellBytes = rows.bytes * shape.nKvHeads;
    size_t at = indexSlot[layer] * nTokens * shape.nKvHeads;
    for (size_t i = 0; i < parts.size(); i++) {
        const BatchPart & part = parts[i];
        const int64_t nRows = static_cast<int64_t>(part.nTokens) * shape.nKvHeads;
        // The batch's cells are cells 0..nTokens-1 of llama.cpp's cache, all heads of a token side by side.
        ggml_tensor * index = graph.leaf(on(layer).rowIndices->at(0), at * sizeof(int32_t), {GGML_TYPE_I32, {nRows, 1, 1}});
        at += static_cast<size_t>(nRows);
        const auto append = [&](const ggml_tensor * cells, const ggml_tensor * arena) {
            ggml_tensor * source = graph.leaf(cells, part.first * cellBytes, {GGML_TYPE_F16, {halves, nRows, 1}});
            ggml_tensor * target = graph.leaf(arena, 0, {GGML_TYPE_F16, {halves, arena->ne[1], 1}});
            ggml_tensor * out = api.ggml_set_rows(graph.context, target, source, index);
            out->data = target->data;
            out->buffer = target->buffer;
            graph.expand(out);
            return out;
        };
        ggml_tensor * rowsK = append(plan.cacheK, part.session->k(layer));
        ggml_tensor * rowsV = append(plan.cacheV, part.session->v(layer));
        for (const HeadGroup & group : groupsOf(*part.session, layer)) {
            buildAttention(g, node, layer, part, group, rowsK, rowsV);
            // What a sliding window sees is kept by the window itself, so there is nothing to choose.
            for (size_t pass = 0; pass < scorings[i].size() && plan.window == 0; pass++) {
                g.isInPlace = false;
                scorings[i][pass]->build(graph, node, layer, group, rowsK);
            }
        }
    }
}

void Seam::buildAttention(LayerGraph & g, ggml_tensor * node, int layer, const BatchPart & part, const HeadGroup & group,
                          ggml_tensor * rowsK, ggml_tensor * rowsV) {
    Graph & graph = g.graph;
    PerDevice & device = on(layer);
    const int64_t d = shape.headDim;
    const int64_t G = shape.queriesPerKvHead();
    const int64_t n = part.nTokens;
    const ggml_tensor * q = node->src[0];  // [headDim, nTokens, nHeads]
    float params[3];
    std::memcpy(params, node->op_params, sizeof(params));
    const Region & first = part.session->region(layer, group.firstHead);
    const uint32_t border = part.session->length(layer, group.firstHead);
    const int64_t length = paddedTo(border + n, lengthBlock);
    const size_t at = first.start * rows.bytes;
    const Graph::Layout layout = {rows.type, {d, length, group.nHeads}, rows.bytes, std::max<size_t>(group.spacing, 1) * rows.bytes};
    const int64_t nQueryHeads = group.nHeads * G;
    const size_t queryOffset = static_cast<size_t>(group.firstHead * G) * q->nb[2] + part.first * q->nb[1];

    ggml_tensor * queries = graph.leaf(q, queryOffset, {GGML_TYPE_F32, {d, n, nQueryHeads}, q->nb[1], q->nb[2]});
    g.intoQueries.push_back({queries, queryOffset});
    ggml_tensor * mask = masksOf(layer).view(graph, border, length, part.nTokens);
    ggml_tensor * out = api.ggml_flash_attn_ext(graph.context, queries, graph.reinterpret(rowsK, at, layout),
                                                graph.reinterpret(rowsV, at, layout), mask, params[0], 0.0f, params[2]);
    masksOf(layer).applyStride(mask);
    g.isInPlace = g.isInPlace && mask->op == GGML_OP_NONE;
    std::memcpy(out->op_params, node->op_params, sizeof(out->op_params));
    if (const ggml_tensor * sinks = node->src[4]) {
        api.ggml_flash_attn_ext_add_sinks(
            out, graph.leaf(sinks, group.firstHead * G * sizeof(float), {GGML_TYPE_F32, {nQueryHeads, 1, 1}}));
    }
    // The heads of one token lie side by side in the node's output, and so do all heads of all tokens: then the op
    // writes there itself. CUDA may ask for scratch memory behind an op's output; then it cannot.
    const size_t outputOffset = static_cast<size_t>(group.firstHead * G * d) * sizeof(float) + part.first * node->nb[2];
    const bool isContiguous = n == 1 || group.nHeads == shape.nKvHeads;
    const size_t outputBytes = api.ggml_backend_buft_get_alloc_size(device.device.buft, out);
    if (isContiguous && outputBytes <= api.ggml_nbytes(out)) {
        out->data = static_cast<char *>(node->data) + outputOffset;
        out->buffer = node->buffer;
        g.intoOutput.push_back({out, outputOffset});
        graph.expand(out);
        return;
    }
    ggml_tensor * slice = graph.leaf(node, outputOffset, {GGML_TYPE_F32, {d, nQueryHeads, n}, node->nb[1], node->nb[2]});
    ggml_tensor * copied = api.ggml_cpy(graph.context, out, slice);
    copied->buffer = slice->buffer;
    g.intoOutput.push_back({slice, outputOffset});
    g.intoOutput.push_back({copied, outputOffset});
    if (isKept() && !isScoring) {
        // An allocator's memory is the next graph's too; a kept graph needs memory that stays.
        const size_t offset = paddedTo(static_cast<int64_t>(g.scratchBytes), scratchAlignment);
        g.scratchBytes = offset + outputBytes;
        if (!device.scratch || api.ggml_nbytes(device.scratch->at(0)) < g.scratchBytes) {
            const int64_t nFloats = paddedTo(static_cast<int64_t>(g.scratchBytes), scratchAlignment) / sizeof(float);
            device.scratchMoves++;
            device.scratch.reset();
            device.scratch =
                std::make_unique<DeviceTensors>(device.device, std::vector<DeviceTensors::Shape>{{GGML_TYPE_F32, nFloats, 1}});
        }
        out->data = static_cast<char *>(device.scratch->at(0)->data) + offset;
        out->buffer = device.scratch->at(0)->buffer;
    } else {
        g.isInPlace = false;
    }
    graph.expand(copied);
}

void Seam::capture(ggml_tensor * node, int layer) const {
    CapturedLayer & into = (*captured)[layer];
    const size_t perToken = static_cast<size_t>(shape.headDim) * shape.nHeads;
    const size_t at = into.queries.size();
    into.queries.resize(at + perToken * nTokens);
    into.outputs.resize(at + perToken * nTokens);
    api.ggml_backend_tensor_get(node, into.outputs.data() + at, 0, perToken * nTokens * sizeof(float));
    const ggml_tensor * q = node->src[0];
    std::vector<float> row(shape.headDim);
    for (uint32_t t = 0; t < nTokens; t++) {
        for (int head = 0; head < shape.nHeads; head++) {
            float * to = into.queries.data() + at + perToken * t + static_cast<size_t>(head) * shape.headDim;
            api.ggml_backend_tensor_get(q, to, t * q->nb[1] + head * q->nb[2], shape.headDim * sizeof(float));
        }
    }
}

}  // namespace kvasir

#include "seam.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "error.h"

namespace kvasir {

namespace {

constexpr int64_t paddedTo(int64_t n, int64_t block) {
    return (n + block - 1) / block * block;
}

// llama.cpp's own rounding of the K length; the GPU kernels ask for it and, on the CPU, with it the split of the keys
// among threads is the same as llama.cpp's, so that results are equal to the bit.
constexpr int64_t lengthBlock = 256;

// Scoring tokens at a time: the logits of all of them would be the largest tensor of the whole read.
constexpr uint32_t scoreSlice = 64;

}  // namespace

/** Graphs of single tokens are the same from token to token: built once per layout, then only re-pointed. */
struct Seam::LayerGraph {
    explicit LayerGraph(size_t maxNodes) : graph(maxNodes) {}
    Graph graph;
    bool isInPlace = true;
    uint64_t epoch = 0, maskGeneration = 0;
    std::vector<int64_t> lengths;
    std::vector<std::pair<ggml_tensor *, size_t>> intoQueries, intoOutput;  // leaves over llama.cpp's tensors, and offsets

    void pointAt(ggml_tensor * node) {
        for (auto & [tensor, offset] : intoQueries) {
            tensor->data = static_cast<char *>(node->src[0]->data) + offset;
        }
        for (auto & [tensor, offset] : intoOutput) {
            tensor->data = static_cast<char *>(node->data) + offset;
        }
    }
};

Seam::Seam(ModelShape shape, RowFormat rows, std::vector<LayerPlan> layersIn, std::shared_ptr<Budget> budget)
    : shape(shape), rows(rows), layers(std::move(layersIn)), budget(std::move(budget)), graphs(layers.size()) {
    std::map<Device *, size_t> next;
    for (size_t i = 0; i < layers.size(); i++) {
        layerOfCache[layers[i].cacheK] = static_cast<int>(i);
        indexSlot.push_back(next[layers[i].device]++);
        auto & device = devices[layers[i].device];
        if (!device) {
            device = std::make_unique<PerDevice>(*layers[i].device);
        }
        device->masks.try_emplace(layers[i].window, *layers[i].device, this->budget, layers[i].window);
    }
}

Seam::~Seam() = default;

void Seam::begin(Session & newSession, uint32_t n, const ScorePass * pass, std::vector<CapturedLayer> * capture) {
    session = &newSession;
    captured = capture;
    failure = nullptr;
    taken = nullptr;
    const uint32_t border = session->maxLength();
    for (auto & [device, state] : devices) {
        for (auto & [window, masks] : state->masks) {
            masks.prepare(session->layoutEpoch(), border, n);
        }
        std::vector<int32_t> indices;
        for (int layer = 0; layer < shape.nLayers; layer++) {
            if (layers[layer].device != device) {
                continue;
            }
            for (uint32_t t = 0; t < n; t++) {
                for (int head = 0; head < shape.nKvHeads; head++) {
                    const Region & r = session->region(layer, head);
                    indices.push_back(static_cast<int32_t>(r.start + session->length(layer, head) + t));
                }
            }
        }
        if (!state->rowIndices || state->rowIndices->at(0)->ne[0] != static_cast<int64_t>(indices.size())) {
            state->rowIndices.reset();
            state->rowIndices = std::make_unique<DeviceTensors>(
                *device, std::vector<DeviceTensors::Shape>{{GGML_TYPE_I32, static_cast<int64_t>(indices.size()), 1}}, budget);
            for (auto & graph : graphs) {
                graph.reset();
            }
        }
        api.ggml_backend_tensor_set(state->rowIndices->at(0), indices.data(), 0, indices.size() * sizeof(int32_t));
    }
    nTokens = n;
    prepareScoring(pass);
}

void Seam::prepareScoring(const ScorePass * pass) {
    nScoring = 0;
    isScoring = pass != nullptr && !pass->weights.empty() && session->scores != nullptr;
    if (!isScoring) {
        return;
    }
    firstScoring = pass->offset;
    scoringStride = pass->stride;
    nScoring = static_cast<uint32_t>(pass->weights.size());
    if (nTokens == 1) {
        return;  // a single token sees every row of every region: no mask, and a plain softmax
    }
    const auto seesAll = [](const LayerPlan & layer) { return layer.window == 0; };
    const int global = static_cast<int>(std::find_if(layers.begin(), layers.end(), seesAll) - layers.begin()) % shape.nLayers;
    const Region & first = session->region(global, 0);
    for (int i = 0; i < shape.nLayers * shape.nKvHeads; i++) {
        if (layers[i / shape.nKvHeads].window != 0) {
            continue;
        }
        const Region & r = session->region(i / shape.nKvHeads, i % shape.nKvHeads);
        if (r.base != first.base) {
            throw KvError("internal", "a batch can be scored only while all regions are equally long");
        }
    }
    const int64_t length = session->length(global, 0) + nTokens;
    std::vector<float> mask(static_cast<size_t>(length) * nScoring, -INFINITY);
    for (uint32_t i = 0; i < nScoring; i++) {
        const int64_t nVisible = static_cast<int64_t>(session->length(global, 0)) + firstScoring + i * scoringStride + 1;
        std::fill_n(mask.begin() + static_cast<size_t>(length) * i, nVisible, 0.0f);
    }
    for (auto & [device, state] : devices) {
        const auto place = [&](std::unique_ptr<DeviceTensors> & tensors, int64_t ne0, int64_t ne1, const std::vector<float> & values) {
            tensors.reset();
            tensors = std::make_unique<DeviceTensors>(
                *device, std::vector<DeviceTensors::Shape>{{GGML_TYPE_F32, ne0, ne1}}, budget);
            api.ggml_backend_tensor_set(tensors->at(0), values.data(), 0, values.size() * sizeof(float));
        };
        place(state->scoreMask, length, nScoring, mask);
        place(state->scoreGain, 1, nScoring, pass->weights);
    }
}

void Seam::end() {
    if (taken != nullptr) {  // llama.cpp gave up before it came back to us
        taken->op = GGML_OP_FLASH_ATTN_EXT;
        taken = nullptr;
    }
    session = nullptr;
    for (auto & [device, state] : devices) {
        state->scoreMask.reset();
        state->scoreGain.reset();
    }
    if (failure) {
        std::rethrow_exception(std::exchange(failure, nullptr));
    }
    if (isCancelled) {
        throw KvError("cancelled", "the work was cancelled");
    }
}

bool Seam::onNode(ggml_tensor * node, bool ask) {
    if (ask) {
        if (node->op != GGML_OP_FLASH_ATTN_EXT) {
            return false;
        }
        // Between this call and the next llama.cpp computes the nodes up to this one. Its own attention over the batch
        // would be thrown away, so the node is empty for that while.
        taken = node;
        node->op = GGML_OP_NONE;
        return true;
    }
    node->op = GGML_OP_FLASH_ATTN_EXT;
    taken = nullptr;
    if (isCancelled || failure) {
        return false;
    }
    try {
        attend(node);
    } catch (...) {
        failure = std::current_exception();
        return false;
    }
    return true;
}

void Seam::attend(ggml_tensor * node) {
    const auto found = layerOfCache.find(rootOf(node->src[1]));
    if (found == layerOfCache.end()) {
        throw KvError("model-unsupported", std::string("an attention node over an unknown cache: ") + node->name);
    }
    const int layer = found->second;
    Device & device = *layers[layer].device;

    std::vector<int64_t> lengths;
    for (int head = 0; head < shape.nKvHeads; head++) {
        lengths.push_back(paddedTo(session->length(layer, head) + nTokens, lengthBlock));
    }
    std::unique_ptr<LayerGraph> once;
    LayerGraph * g;
    if (nTokens == 1 && !isScoring) {
        auto & kept = graphs[layer];
        const uint64_t generation = masksOf(layer).generation();
        if (kept && kept->epoch == session->layoutEpoch() && kept->maskGeneration == generation && kept->lengths == lengths) {
            kept->pointAt(node);
        } else {
            kept = std::make_unique<LayerGraph>(shape.nKvHeads * 4 + 8);
            kept->epoch = session->layoutEpoch();
            kept->maskGeneration = generation;
            kept->lengths = lengths;
            build(*kept, node, layer);
        }
        g = kept.get();
    } else {
        const size_t scoreNodes = isScoring ? std::max<size_t>((nScoring / scoreSlice + 1) * 64, shape.nKvHeads * 16) : 0;
        once = std::make_unique<LayerGraph>(shape.nKvHeads * 8 + 16 + scoreNodes);
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
}

std::vector<Seam::Group> Seam::groupsOf(int layer) const {
    // Neighbouring heads with the same rows before the batch, equally far apart, share one op.
    std::vector<Group> groups;
    for (int head = 0; head < shape.nKvHeads; head++) {
        const Region & r = session->region(layer, head);
        if (!groups.empty()) {
            Group & last = groups.back();
            const Region & p = session->region(layer, head - 1);
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
    ggml_context * ctx = graph.context;
    const LayerPlan & plan = layers[layer];
    PerDevice & device = on(layer);
    const int64_t nRows = static_cast<int64_t>(nTokens) * shape.nKvHeads;
    const int64_t halves = static_cast<int64_t>(rows.bytes / 2);
    const int64_t d = shape.headDim;
    const int64_t G = shape.queriesPerKvHead();

    // The batch's cells are cells 0..nTokens-1 of llama.cpp's cache, all heads of a token side by side.
    ggml_tensor * index = graph.leaf(device.rowIndices->at(0), indexSlot[layer] * nRows * sizeof(int32_t), {GGML_TYPE_I32, {nRows, 1, 1}});
    const auto append = [&](const ggml_tensor * cells, const ggml_tensor * arena) {
        ggml_tensor * source = graph.leaf(cells, 0, {GGML_TYPE_F16, {halves, nRows, 1}});
        ggml_tensor * target = graph.leaf(arena, 0, {GGML_TYPE_F16, {halves, arena->ne[1], 1}});
        ggml_tensor * out = api.ggml_set_rows(ctx, target, source, index);
        out->data = target->data;
        out->buffer = target->buffer;
        graph.expand(out);
        return out;
    };
    ggml_tensor * rowsK = append(plan.cacheK, session->k(layer));
    ggml_tensor * rowsV = append(plan.cacheV, session->v(layer));

    const ggml_tensor * q = node->src[0];  // [headDim, nTokens, nHeads]
    float params[3];
    std::memcpy(params, node->op_params, sizeof(params));
    const std::vector<Group> groups = groupsOf(layer);
    for (const Group & group : groups) {
        const Region & first = session->region(layer, group.firstHead);
        const uint32_t border = session->length(layer, group.firstHead);
        const int64_t length = paddedTo(border + nTokens, lengthBlock);
        const size_t at = first.start * rows.bytes;
        const Graph::Layout layout = {rows.type, {d, length, group.nHeads}, rows.bytes, std::max<size_t>(group.spacing, 1) * rows.bytes};
        const int64_t nQueryHeads = group.nHeads * G;
        const size_t queryOffset = static_cast<size_t>(group.firstHead * G) * q->nb[2];

        ggml_tensor * queries = graph.leaf(q, queryOffset, {GGML_TYPE_F32, {d, nTokens, nQueryHeads}, q->nb[1], q->nb[2]});
        g.intoQueries.push_back({queries, queryOffset});
        ggml_tensor * mask = masksOf(layer).view(graph, border, length);
        ggml_tensor * out = api.ggml_flash_attn_ext(ctx, queries, graph.reinterpret(rowsK, at, layout),
                                                    graph.reinterpret(rowsV, at, layout), mask, params[0], 0.0f, params[2]);
        masksOf(layer).applyStride(mask);
        std::memcpy(out->op_params, node->op_params, sizeof(out->op_params));
        if (const ggml_tensor * sinks = node->src[4]) {
            api.ggml_flash_attn_ext_add_sinks(
                out, graph.leaf(sinks, group.firstHead * G * sizeof(float), {GGML_TYPE_F32, {nQueryHeads, 1, 1}}));
        }
        // The heads of one token lie side by side in the node's output, and so do all heads of all tokens: then the op
        // writes there itself. CUDA may ask for scratch memory behind an op's output; then it cannot.
        const size_t outputOffset = static_cast<size_t>(group.firstHead * G * d) * sizeof(float);
        const bool isContiguous = nTokens == 1 || group.nHeads == shape.nKvHeads;
        if (isContiguous && api.ggml_backend_buft_get_alloc_size(device.device.buft, out) <= api.ggml_nbytes(out)) {
            out->data = static_cast<char *>(node->data) + outputOffset;
            out->buffer = node->buffer;
            g.intoOutput.push_back({out, outputOffset});
            graph.expand(out);
        } else {
            g.isInPlace = false;
            ggml_tensor * slice = graph.leaf(node, outputOffset, {GGML_TYPE_F32, {d, nQueryHeads, nTokens}, node->nb[1], node->nb[2]});
            g.intoOutput.push_back({slice, outputOffset});
            graph.expand(api.ggml_cpy(ctx, out, slice));
        }
        // What a sliding window sees is kept by the window itself, so there is nothing to choose.
        if (isScoring && plan.window == 0) {
            g.isInPlace = false;
            buildScores(graph, node, layer, group, rowsK);
        }
    }
}

void Seam::buildScores(Graph & graph, ggml_tensor * node, int layer, const Group & group, ggml_tensor * rowsK) {
    const Region & first = session->region(layer, group.firstHead);
    const int64_t length = session->length(layer, group.firstHead) + nTokens;
    const int64_t d = shape.headDim;
    const int64_t G = shape.queriesPerKvHead();
    const ggml_tensor * q = node->src[0];
    PerDevice & device = on(layer);
    float params[3];
    std::memcpy(params, node->op_params, sizeof(params));
    ggml_tensor * k = graph.reinterpret(
        rowsK, first.start * rows.bytes,
        {rows.type, {d, length, group.nHeads}, rows.bytes, std::max<size_t>(group.spacing, 1) * rows.bytes});
    for (uint32_t i = 0; i < nScoring; i += scoreSlice) {
        const int64_t n = std::min(scoreSlice, nScoring - i);
        const size_t offset = (firstScoring + static_cast<size_t>(i) * scoringStride) * q->nb[1] +
                              static_cast<size_t>(group.firstHead * G) * q->nb[2];
        ggml_tensor * queries =
            graph.leaf(q, offset, {GGML_TYPE_F32, {d, n, group.nHeads * G}, q->nb[1] * scoringStride, q->nb[2]});
        ggml_tensor * gain = nullptr;
        ggml_tensor * mask = nullptr;
        if (nTokens > 1) {
            gain = graph.leaf(device.scoreGain->at(0), i * sizeof(float), {GGML_TYPE_F32, {1, n, 1}});
            mask = graph.leaf(device.scoreMask->at(0), static_cast<size_t>(i) * length * sizeof(float), {GGML_TYPE_F32, {length, n, 1}});
        }
        session->scores->add(graph, layer, static_cast<int>(group.firstHead * G), k, queries, gain, mask, params[0], params[2],
                             first.base);
    }
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

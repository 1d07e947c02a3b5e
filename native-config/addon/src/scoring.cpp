#include "scoring.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "error.h"
#include "rotation.h"

namespace kvasir {

namespace {

// Logits of the scoring tokens at a time: a GPU waits for every op to be told of, so they may take a share of its memory.
constexpr size_t minLogitBytes = size_t{32} << 20;
constexpr size_t maxLogitBytes = size_t{256} << 20;
constexpr size_t logitShare = 256;

// Live rows up to a scoring token that compete with what it sees from ahead: heads that look at what is near look there.
constexpr int64_t nearRows = 64;

// Tokens between the first and the last of a slice that asks from ahead: all of it computes the near rows of each. Where an
// op costs more than what it computes, as much as half of the rows that are seen anyway.
constexpr int64_t nearSpan = 128;
constexpr int64_t nearShare = 2;

constexpr size_t nodesPerSlice = 48;

}  // namespace

Scoring::Scoring(const BatchPart & part, const ScorePass & pass, const ModelShape & shape, const RowFormat & rows, const std::vector<LayerPlan> & layers,
                 const std::map<Device *, Masks *> & masks)
    : part(part), pass(pass), shape(shape), rows(rows), layers(layers) {
    isSingle = part.nTokens == 1 && pass.ahead == 0;
    if (isSingle) {
        return;
    }
    const Session & session = *part.session;
    const auto seesAll = [](const LayerPlan & layer) { return layer.window == 0; };
    const int global = static_cast<int>(std::find_if(layers.begin(), layers.end(), seesAll) - layers.begin()) % shape.nLayers;
    base = session.region(global, 0).base;
    border = session.length(global, 0);
    for (int layer = 0; layer < shape.nLayers; layer++) {
        for (int head = 0; head < shape.nKvHeads && seesAll(layers[layer]); head++) {
            if (session.region(layer, head).base != base) {
                throw KvError("internal", "a batch can be scored only while all regions are equally long");
            }
        }
    }
    const std::vector<int32_t> ahead(pass.weights.size(), static_cast<int32_t>(pass.ahead));
    const int64_t nScoring = static_cast<int64_t>(pass.weights.size());
    const int64_t nMixed = pass.ahead == 0 ? 0 : mixedChannels(rows);
    for (const auto & [device, masksThere] : masks) {
        OnDevice & on = devices[device];
        slice(on, *device);
        const Slice & last = on.slices.back();
        // In main memory nothing is masked: every query goes over the keys that it sees.
        const int64_t nMask = device->isHost() ? 1 : static_cast<int64_t>(last.maskAt) + (pass.ahead == 0 ? last.length : last.nNear) * last.n;
        std::vector<DeviceTensors::Shape> shapes = {
            {GGML_TYPE_F32, nMask, 1}, {GGML_TYPE_F32, 1, nScoring}, {GGML_TYPE_I32, nScoring, 1}};
        if (nMixed > 0) {
            shapes.push_back({GGML_TYPE_F32, nMixed, nMixed});
        }
        on.tensors = std::make_unique<DeviceTensors>(*device, shapes);
        const auto set = [&](size_t index, const auto & values) {
            api.ggml_backend_tensor_set(on.tensors->at(index), values.data(), 0, values.size() * sizeof(values[0]));
        };
        set(1, pass.weights);
        set(2, ahead);
        if (nMixed > 0) {
            set(3, mixingMatrix(nMixed));
        }
        if (device->isHost()) {
            continue;
        }
        if (pass.ahead == 0) {
            copyMasks(on, *device, *masksThere);
        } else {
            set(0, nearMasks(on));
        }
    }
}

void Scoring::slice(OnDevice & on, const Device & device) const {
    const uint32_t nAll = static_cast<uint32_t>(pass.weights.size());
    const int64_t length = border + part.nTokens;
    if (device.isHost()) {
        on.slices.push_back({0, nAll, length, 0, 0, 0});
        return;
    }
    int mostHeads = 1;
    for (int layer = 0; layer < shape.nLayers; layer++) {
        for (const Run & run : asked(layer, {0, shape.nKvHeads, 0})) {
            mostHeads = std::max(mostHeads, run.nHeads);
        }
    }
    const size_t room = std::clamp(device.memoryBytes() / logitShare, minLogitBytes, maxLogitBytes);
    const size_t perToken = static_cast<size_t>(length) * mostHeads * shape.queriesPerKvHead() * sizeof(float);
    uint32_t most = static_cast<uint32_t>(std::max<size_t>(1, room / perToken));
    if (pass.ahead != 0) {
        const int64_t span = std::max(nearSpan, length / nearShare);
        most = std::min(most, static_cast<uint32_t>(span / pass.stride) + 1);
    }
    size_t at = 0;
    for (uint32_t first = 0; first < nAll; first += most) {
        Slice s = {first, std::min(most, nAll - first), 0, 0, 0, at};
        const int64_t end = visibleTo(first + s.n - 1);
        s.length = pass.ahead == 0 ? end : length;
        if (pass.ahead != 0) {
            s.nearFirst = std::max(base, visibleTo(first) - nearRows);
            s.nNear = end - s.nearFirst;
        }
        at += static_cast<size_t>((pass.ahead == 0 ? s.length : s.nNear) * s.n);
        on.slices.push_back(s);
    }
}

std::vector<float> Scoring::nearMasks(OnDevice & on) const {
    std::vector<float> mask(on.slices.back().maskAt + static_cast<size_t>(on.slices.back().nNear * on.slices.back().n), -INFINITY);
    for (const Slice & s : on.slices) {
        for (uint32_t i = 0; i < s.n; i++) {
            const int64_t to = visibleTo(s.first + i) - s.nearFirst;
            const auto row = mask.begin() + static_cast<int64_t>(s.maskAt) + i * s.nNear;
            std::fill(row + std::max<int64_t>(0, to - nearRows), row + to, 0.0f);
        }
    }
    return mask;
}

/** What attention hides from the tokens is on the device already: their rows of it, without a way through main memory. */
void Scoring::copyMasks(OnDevice & on, Device & device, Masks & masks) const {
    Graph graph(on.slices.size() * 2 + 2);
    for (const Slice & s : on.slices) {
        const uint32_t token = pass.offset + s.first * pass.stride;
        ggml_tensor * from = masks.rows(graph, static_cast<uint32_t>(border), s.length, token, s.n, pass.stride);
        ggml_tensor * to = graph.leaf(on.tensors->at(0), s.maskAt * sizeof(float), {GGML_TYPE_F32, {s.length, s.n, 1}});
        ggml_tensor * copied = api.ggml_cpy(graph.context, from, to);
        copied->buffer = to->buffer;
        graph.expand(copied);
    }
    graph.runInPlace(device);
}

size_t Scoring::maxNodes(int layer) const {
    const size_t nRuns = asked(layer, {0, shape.nKvHeads, 0}).size();
    size_t nSlices = 1;
    for (const auto & [device, on] : devices) {
        nSlices = std::max(nSlices, on.slices.size());
    }
    // A batch's heads are in one group, a single token's may each be in one of their own.
    return isSingle ? shape.nKvHeads * nodesPerSlice : nRuns * (nSlices + 1) * nodesPerSlice;
}

std::vector<Scoring::Run> Scoring::asked(int layer, const HeadGroup & group) const {
    std::vector<Run> runs;
    for (int head = group.firstHead; head < group.firstHead + group.nHeads; head++) {
        if (!pass.heads.empty() && pass.heads[layer * shape.nKvHeads + head] == 0) {
            continue;
        }
        if (!runs.empty()) {
            Run & last = runs.back();
            const int step = head - (last.firstHead + (last.nHeads - 1) * last.step);
            if (last.nHeads == 1 || last.step == step) {
                last.nHeads++;
                last.step = step;
                last.spacing = group.spacing * step;
                continue;
            }
        }
        runs.push_back({head, 1, 1, group.spacing});
    }
    return runs;
}

void Scoring::build(Graph & graph, const ggml_tensor * node, int layer, const HeadGroup & group, ggml_tensor * rowsK) {
    for (const Run & run : asked(layer, group)) {
        buildRun(graph, node, layer, run, rowsK);
    }
}

void Scoring::buildRun(Graph & graph, const ggml_tensor * node, int layer, const Run & run, ggml_tensor * rowsK) {
    const Region & first = part.session->region(layer, run.firstHead);
    const int64_t d = shape.headDim;
    const int64_t G = shape.queriesPerKvHead();
    const ggml_tensor * q = node->src[0];  // [headDim, nTokens, nHeads]
    float params[3];
    std::memcpy(params, node->op_params, sizeof(params));
    const float scale = params[0], softCap = params[2];
    ggml_context * ctx = graph.context;
    Device & device = *layers[layer].device;
    const Scores & scores = *part.session->scores;
    const Scores::QueryHeads heads = {static_cast<int>(run.firstHead * G), run.nHeads, run.step};
    const auto keys = [&](int64_t from, int64_t n) {
        const size_t head = std::max<size_t>(run.spacing, 1) * rows.bytes;
        return graph.reinterpret(rowsK, (first.start + static_cast<size_t>(from)) * rows.bytes,
                                 {rows.type, {d, n, 1, run.nHeads}, rows.bytes, head, head});
    };
    // From a token of the batch on, the queries of the run's heads as they are: [headDim, n, queries of a KV head, KV heads].
    const auto offsetOf = [&](uint32_t token) { return (part.first + token) * q->nb[1] + static_cast<size_t>(heads.first) * q->nb[2]; };
    const auto queries = [&](size_t offset, int64_t n, uint32_t stride) {
        return graph.leaf(q, offset, {GGML_TYPE_F32, {d, n, G, run.nHeads}, q->nb[1] * stride, q->nb[2], q->nb[2] * G * run.step});
    };
    const auto product = [&](ggml_tensor * k, ggml_tensor * asked) {
        if (asked->ne[1] == 1 && !device.readsKeyStride()) {
            k = api.ggml_cont(ctx, k);
        }
        ggml_tensor * logits = api.ggml_mul_mat(ctx, k, asked);
        // Half precision would have to be widened again, for the softmax.
        api.ggml_prec_set_acc(logits, GGML_PREC_F32);
        return softCap == 0.0f ? logits : api.ggml_scale(ctx, api.ggml_tanh(ctx, api.ggml_scale(ctx, logits, scale / softCap)), softCap);
    };
    const auto attended = [&](ggml_tensor * logits, ggml_tensor * mask) {
        return api.ggml_soft_max_ext(ctx, logits, mask, softCap != 0.0f ? 1.0f : scale, 0.0f);
    };
    if (isSingle) {
        const int64_t length = part.session->length(layer, run.firstHead) + 1;
        scores.add(graph, layer, heads, attended(product(keys(0, length), queries(offsetOf(0), 1, 1)), nullptr), length, first.base);
        return;
    }
    const OnDevice & on = devices.at(&device);
    for (const Slice & s : on.slices) {
        const size_t offset = offsetOf(pass.offset + s.first * pass.stride);
        ggml_tensor * here = queries(offset, s.n, pass.stride);
        // A layer without RoPE asks the same from everywhere.
        ggml_tensor * asked = pass.ahead != 0 && layers[layer].rope.isKnown ? queriesFromAhead(graph, q, offset, run, s, layer) : here;
        if (device.isHost()) {
            const int64_t nCounted = std::min<int64_t>(scores.nRows, s.length - base);
            if (nCounted > 0) {
                onHost.push_back({&pass.weights, scale, softCap, visibleTo(0), pass.stride, pass.ahead == 0 ? 0 : nearRows, base, scores.over});
                scores.addFolded(graph, layer, heads, foldedAttention(graph, onHost.back(), asked, here, keys(0, s.length), nCounted));
            }
            continue;
        }
        ggml_tensor * gain = graph.leaf(on.tensors->at(1), s.first * sizeof(float), {GGML_TYPE_F32, {1, s.n, 1}});
        // Multiplied into the queries, which are few, unless it must not be capped.
        const auto weighed = [&](int64_t from, int64_t n, ggml_tensor * asked) {
            return softCap == 0.0f ? product(keys(from, n), api.ggml_mul(ctx, asked, gain)) : api.ggml_mul(ctx, product(keys(from, n), asked), gain);
        };
        ggml_tensor * logits = weighed(0, s.length, asked);  // [length, n, query heads]
        ggml_tensor * mask = graph.leaf(on.tensors->at(0), s.maskAt * sizeof(float), {GGML_TYPE_F32, {pass.ahead == 0 ? s.length : s.nNear, s.n, 1}});
        if (pass.ahead != 0) {
            logits = api.ggml_concat(ctx, logits, api.ggml_add(ctx, weighed(s.nearFirst, s.nNear, here), mask), 0);
        }
        scores.add(graph, layer, heads, attended(logits, pass.ahead == 0 ? mask : nullptr), s.length, base);
    }
}

ggml_tensor * Scoring::queriesFromAhead(Graph & graph, const ggml_tensor * q, size_t offset, const Run & run, const Slice & s,
                                        int layer) const {
    const OnDevice & on = devices.at(layers[layer].device);
    const int64_t d = shape.headDim;
    ggml_tensor * delta = graph.leaf(on.tensors->at(2), s.first * sizeof(int32_t), {GGML_TYPE_I32, {s.n, 1, 1}});
    // RoPE wants the heads of one position side by side.
    const int64_t G = shape.queriesPerKvHead();
    ggml_tensor * turned = graph.leaf(
        q, offset, {GGML_TYPE_F32, {d, G, s.n, run.nHeads}, q->nb[2], q->nb[1] * pass.stride, q->nb[2] * G * run.step});
    ggml_tensor * matrix = nullptr;
    if (const int64_t nMixed = mixedChannels(rows)) {
        matrix = graph.leaf(on.tensors->at(3), 0, {GGML_TYPE_F32, {nMixed, nMixed, 1}});
        turned = mixChannels(graph, api.ggml_cont(graph.context, turned), matrix);
    }
    turned = rotateFurther(graph, turned, delta, layers[layer].rope);
    if (matrix != nullptr) {
        turned = mixChannels(graph, turned, matrix);
    }
    return graph.reinterpret(turned, 0, {GGML_TYPE_F32, {d, s.n, G, run.nHeads}, turned->nb[2], turned->nb[1], turned->nb[3]});
}

}  // namespace kvasir

#include "scores.h"

#include <algorithm>

#include "session.h"

namespace kvasir {

Scores::Scores(const ModelShape & shape, const std::vector<LayerPlan> & layers, uint32_t nRows, Over over)
    : nRows(nRows), over(over), shape(shape) {
    std::map<Device *, size_t> nLayers;
    for (const LayerPlan & layer : layers) {
        places.push_back({layer.device, nLayers[layer.device]++});
    }
    for (const auto & [device, n] : nLayers) {
        const DeviceTensors::Shape all = {GGML_TYPE_F32, nRows, static_cast<int64_t>(shape.nHeads * n)};
        sums[device] = std::make_unique<DeviceTensors>(*device, std::vector<DeviceTensors::Shape>{all});
    }
}

namespace {

ggml_tensor * combine(Graph & graph, ggml_tensor * a, ggml_tensor * b, bool isMax) {
    if (!isMax) {
        return api.ggml_add(graph.context, a, b);
    }
    // max(a, b) = a + relu(b - a): ggml has no element-wise maximum.
    return api.ggml_add(graph.context, a, api.ggml_relu(graph.context, api.ggml_sub(graph.context, b, a)));
}

// Rows that one thread of a GPU adds up: it waits for each, and few rows a thread make many threads.
constexpr int64_t rowsPerThread = 32;

/** On a GPU, by an op whose threads go down the rows. */
ggml_tensor * sumOnGpu(Graph & graph, ggml_tensor * p) {
    const auto sum = [&](ggml_tensor * t, size_t first, int64_t n, int64_t nBlocks) {
        const Graph::Layout rows = {GGML_TYPE_F32, {t->ne[0], n, nBlocks, t->ne[2]}, t->nb[1], t->nb[1] * n, t->nb[2]};
        const Graph::Layout one = {GGML_TYPE_F32, {t->ne[0], 1, nBlocks, t->ne[2]}, t->nb[1], t->nb[1], t->nb[2]};
        ggml_tensor * from = graph.reinterpret(t, first * t->nb[1], rows);
        ggml_tensor * sums = api.ggml_repeat_back(graph.context, from, graph.reinterpret(t, 0, one));
        return graph.reinterpret(sums, 0, {GGML_TYPE_F32, {t->ne[0], nBlocks, t->ne[2]}});
    };
    const int64_t n = p->ne[1], nBlocks = n / rowsPerThread, nWhole = nBlocks * rowsPerThread;
    if (nBlocks < 2) {
        return sum(p, 0, n, 1);
    }
    ggml_tensor * total = sum(sum(p, 0, rowsPerThread, nBlocks), 0, nBlocks, 1);
    return n == nWhole ? total : api.ggml_add(graph.context, total, sum(p, static_cast<size_t>(nWhole), n - nWhole, 1));
}

/** The sums or maxima over the second dimension: [n, m, k] to [n, 1, k]. */
ggml_tensor * fold(Graph & graph, const Device & device, ggml_tensor * p, bool isMax) {
    const auto rowsOf = [&](ggml_tensor * t, int64_t first, int64_t n) {
        return graph.reinterpret(t, static_cast<size_t>(first) * t->nb[1],
                                 {GGML_TYPE_F32, {t->ne[0], n, t->ne[2]}, t->nb[1], t->nb[2]});
    };
    // On the CPU that op runs on one thread, and not every GPU's backend has it. Halving adds whole rows of keys at a time.
    if (!isMax && !device.isHost() && device.supports(api.ggml_repeat_back(graph.context, p, rowsOf(p, 0, 1)))) {
        return sumOnGpu(graph, p);
    }
    ggml_tensor * odd = nullptr;
    while (p->ne[1] > 1) {
        const int64_t half = p->ne[1] / 2;
        if (p->ne[1] % 2 == 1) {
            ggml_tensor * last = rowsOf(p, p->ne[1] - 1, 1);
            odd = odd == nullptr ? last : combine(graph, odd, last, isMax);
        }
        p = combine(graph, rowsOf(p, 0, half), rowsOf(p, half, half), isMax);
    }
    return odd == nullptr ? p : combine(graph, p, odd, isMax);
}

// Nodes of a fold: two sums or maxima, of three nodes each, and their views, for every halving.
constexpr size_t nodesPerFold = 32 * 16;

}  // namespace

void Scores::add(Graph & graph, int layer, const QueryHeads & heads, ggml_tensor * p, int64_t nKeys, int64_t base) const {
    const int64_t n = std::min<int64_t>(nRows, nKeys - base);
    if (n <= 0) {
        return;
    }
    ggml_tensor * seen = graph.reinterpret(p, static_cast<size_t>(base) * sizeof(float),
                                           {GGML_TYPE_F32, {n, p->ne[1], shape.queriesPerKvHead() * heads.nKvHeads}, p->nb[1], p->nb[2]});
    addFolded(graph, layer, heads, over == Over::norm ? api.ggml_mul(graph.context, seen, seen) : seen);
}

void Scores::addFolded(Graph & graph, int layer, const QueryHeads & heads, ggml_tensor * folded) const {
    ggml_context * ctx = graph.context;
    const int64_t n = folded->ne[0], G = shape.queriesPerKvHead();
    const auto & [device, slot] = places[layer];
    ggml_tensor * received = fold(graph, *device, folded, over == Over::max);  // [n, 1, query heads]
    received = graph.reinterpret(received, 0, {GGML_TYPE_F32, {n, 1, G, heads.nKvHeads}, received->nb[2], received->nb[2], received->nb[2] * G});

    const size_t perHead = sizeof(float) * nRows;
    const size_t offset = perHead * (slot * shape.nHeads + static_cast<size_t>(heads.first));
    ggml_tensor * sum = graph.leaf(sums.at(device)->at(0), offset,
                                   {GGML_TYPE_F32, {n, 1, G, heads.nKvHeads}, perHead, perHead, perHead * G * heads.step});
    if (over == Over::max) {
        received = api.ggml_relu(ctx, api.ggml_sub(ctx, received, sum));
    }
    graph.expand(api.ggml_add_inplace(ctx, sum, received));
}

std::vector<float> Scores::downloadFrom(Device & device, Heads heads) const {
    const ggml_tensor * sum = sums.at(&device)->at(0);
    const auto valuesOf = [](const ggml_tensor * tensor) {
        std::vector<float> values(static_cast<size_t>(api.ggml_nbytes(tensor)) / sizeof(float));
        api.ggml_backend_tensor_get(tensor, values.data(), 0, values.size() * sizeof(float));
        return values;
    };
    if (heads == Heads::each && over != Over::norm) {
        return valuesOf(sum);
    }
    // Folded where they are: a GPU sends fewer of them then.
    const int64_t nFolded = heads == Heads::each ? 1 : shape.queriesPerKvHead();
    Graph graph(nodesPerFold);
    ggml_tensor * all = graph.leaf(sum, 0, {GGML_TYPE_F32, {nRows, nFolded, sum->ne[1] / nFolded}});
    if (over == Over::norm) {
        all = api.ggml_sqrt(graph.context, all);
    }
    ggml_tensor * folded = fold(graph, device, all, heads == Heads::max);
    if (heads == Heads::mean) {
        folded = api.ggml_scale(graph.context, folded, 1.0f / static_cast<float>(nFolded));
    }
    folded = api.ggml_cont(graph.context, folded);
    graph.expand(folded);
    graph.run(device);
    return valuesOf(folded);
}

std::vector<float> Scores::download(Heads heads) const {
    const size_t nHeads = static_cast<size_t>(heads == Heads::each ? shape.nHeads : shape.nKvHeads);
    const size_t perLayer = nHeads * nRows;
    std::vector<float> all(perLayer * places.size());
    for (const auto & [device, sum] : sums) {
        const std::vector<float> here = downloadFrom(*device, heads);
        for (size_t layer = 0; layer < places.size(); layer++) {
            if (places[layer].device == device) {
                std::copy_n(here.data() + places[layer].slot * perLayer, perLayer, all.data() + layer * perLayer);
            }
        }
    }
    return all;
}

std::vector<float> valueNorms(const Session & session, const std::vector<LayerPlan> & layers, uint32_t nRows) {
    const ModelShape & shape = session.shape;
    std::vector<float> all(shape.nRegions() * nRows, 0.0f);
    for (int layer = 0; layer < shape.nLayers; layer++) {
        Graph graph(static_cast<size_t>(shape.nKvHeads) * 4 + 4);
        std::vector<ggml_tensor *> sums;
        for (int head = 0; head < shape.nKvHeads; head++) {
            const Region & r = session.region(layer, head);
            const size_t offset = (static_cast<size_t>(r.start) + r.base) * session.rows.bytes;
            const int64_t n = std::min<int64_t>(nRows, session.nLive());
            ggml_tensor * v = graph.leaf(session.v(layer), offset, {session.rows.type, {session.rows.headDim, n, 1}});
            if (session.rows.type != GGML_TYPE_F32) {
                v = api.ggml_cast(graph.context, v, GGML_TYPE_F32);
            }
            ggml_tensor * sum = api.ggml_sum_rows(graph.context, api.ggml_sqr(graph.context, v));
            sum->flags |= GGML_TENSOR_FLAG_OUTPUT;  // its memory must outlive the other heads' intermediates
            sums.push_back(sum);
            graph.expand(sum);
        }
        graph.run(*layers[layer].device);
        for (int head = 0; head < shape.nKvHeads; head++) {
            ggml_tensor * sum = sums[head];
            float * into = all.data() + (static_cast<size_t>(layer) * shape.nKvHeads + head) * nRows;
            api.ggml_backend_tensor_get(sum, into, 0, sizeof(float) * static_cast<size_t>(sum->ne[1]));
        }
    }
    return all;
}

}  // namespace kvasir

#include "scores.h"

#include <algorithm>
#include <cmath>

#include "session.h"

namespace kvasir {

Scores::Scores(const ModelShape & shape, const std::vector<LayerPlan> & layers, uint32_t nRows, Over over)
    : nRows(nRows), over(over), shape(shape) {
    std::map<const Device *, size_t> nLayers;
    for (const LayerPlan & layer : layers) {
        places.push_back({layer.device, nLayers[layer.device]++});
    }
    for (const auto & [device, n] : nLayers) {
        const DeviceTensors::Shape all = {GGML_TYPE_F32, nRows, static_cast<int64_t>(shape.nHeads * n)};
        sums[device] = std::make_unique<DeviceTensors>(*device, std::vector<DeviceTensors::Shape>{all});
    }
}

ggml_tensor * Scores::combine(Graph & graph, ggml_tensor * a, ggml_tensor * b) const {
    if (over != Over::max) {
        return api.ggml_add(graph.context, a, b);
    }
    // max(a, b) = a + relu(b - a): ggml has no element-wise maximum.
    return api.ggml_add(graph.context, a, api.ggml_relu(graph.context, api.ggml_sub(graph.context, b, a)));
}

ggml_tensor * Scores::fold(Graph & graph, const Device & device, ggml_tensor * p) const {
    if (over != Over::max && !device.isHost()) {
        ggml_tensor * one = graph.reinterpret(p, 0, {GGML_TYPE_F32, {p->ne[0], 1, p->ne[2]}, p->nb[1], p->nb[2]});
        ggml_tensor * sum = api.ggml_repeat_back(graph.context, p, one);
        if (device.supports(sum)) {
            return sum;
        }
    }
    // On the CPU that op runs on one thread. Halving adds whole rows of keys at a time.
    const auto rowsOf = [&](ggml_tensor * t, int64_t first, int64_t n) {
        return graph.reinterpret(t, static_cast<size_t>(first) * t->nb[1],
                                 {GGML_TYPE_F32, {t->ne[0], n, t->ne[2]}, t->nb[1], t->nb[2]});
    };
    ggml_tensor * odd = nullptr;
    while (p->ne[1] > 1) {
        const int64_t half = p->ne[1] / 2;
        if (p->ne[1] % 2 == 1) {
            ggml_tensor * last = rowsOf(p, p->ne[1] - 1, 1);
            odd = odd == nullptr ? last : combine(graph, odd, last);
        }
        p = combine(graph, rowsOf(p, 0, half), rowsOf(p, half, half));
    }
    return odd == nullptr ? p : combine(graph, p, odd);
}

void Scores::add(Graph & graph, int layer, int queryHead, ggml_tensor * p, int64_t nKeys, int64_t base) const {
    const int64_t n = std::min<int64_t>(nRows, nKeys - base);
    if (n <= 0) {
        return;
    }
    ggml_context * ctx = graph.context;
    if (over == Over::norm) {
        p = api.ggml_sqr(ctx, p);
    }
    ggml_tensor * seen = graph.reinterpret(p, static_cast<size_t>(base) * sizeof(float),
                                           {GGML_TYPE_F32, {n, p->ne[1], p->ne[2]}, p->nb[1], p->nb[2]});
    const auto & [device, slot] = places[layer];
    ggml_tensor * received = fold(graph, *device, seen);  // [n, 1, nQueryHeads]

    const size_t perHead = sizeof(float) * nRows;
    const size_t offset = perHead * (slot * shape.nHeads + static_cast<size_t>(queryHead));
    ggml_tensor * sum = graph.leaf(sums.at(device)->at(0), offset, {GGML_TYPE_F32, {n, 1, p->ne[2]}, perHead, perHead});
    if (over == Over::max) {
        received = api.ggml_relu(ctx, api.ggml_sub(ctx, received, sum));
    }
    graph.expand(api.ggml_add_inplace(ctx, sum, received));
}

std::vector<float> Scores::download(Heads heads) const {
    const size_t perLayer = static_cast<size_t>(nRows) * shape.nHeads;
    const int nFolded = heads == Heads::each ? 1 : shape.queriesPerKvHead();
    std::vector<float> all(perLayer / nFolded * places.size());
    std::vector<float> here;
    for (const auto & [device, sum] : sums) {
        here.resize(static_cast<size_t>(api.ggml_nbytes(sum->at(0))) / sizeof(float));
        api.ggml_backend_tensor_get(sum->at(0), here.data(), 0, here.size() * sizeof(float));
        if (over == Over::norm) {
            std::transform(here.begin(), here.end(), here.begin(), [](float squares) { return std::sqrt(squares); });
        }
        for (size_t layer = 0; layer < places.size(); layer++) {
            if (places[layer].device == device) {
                foldHeads(here.data() + places[layer].slot * perLayer, all.data() + layer * perLayer / nFolded, nFolded, heads);
            }
        }
    }
    return all;
}

void Scores::foldHeads(const float * from, float * to, int nFolded, Heads heads) const {
    const size_t nTo = static_cast<size_t>(shape.nHeads / nFolded);
    std::vector<double> total(nRows);
    for (size_t head = 0; head < nTo; head++, to += nRows) {
        std::fill(total.begin(), total.end(), 0.0);
        for (int query = 0; query < nFolded; query++, from += nRows) {
            for (uint32_t i = 0; i < nRows; i++) {
                total[i] = heads == Heads::max ? std::max<double>(total[i], from[i]) : total[i] + from[i];
            }
        }
        for (uint32_t i = 0; i < nRows; i++) {
            to[i] = static_cast<float>(heads == Heads::mean ? total[i] / nFolded : total[i]);
        }
    }
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

#include "scores.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "session.h"

namespace kvasir {

Scores::Scores(const ModelShape & shape, const std::vector<LayerPlan> & layers, uint32_t nRows, Over over)
    : nRows(nRows), over(over), shape(shape) {
    std::map<const Device *, int> nLayers;
    std::vector<const Device *> order;
    for (const LayerPlan & layer : layers) {
        if (nLayers[layer.device]++ == 0) {
            order.push_back(layer.device);
        }
    }
    std::map<const Device *, size_t> owner, next;
    for (const Device * device : order) {
        owner[device] = owners.size();
        const DeviceTensors::Shape sum = {GGML_TYPE_F32, nRows, shape.nHeads};
        owners.push_back(
            std::make_unique<DeviceTensors>(*device, std::vector<DeviceTensors::Shape>(nLayers[device], sum)));
    }
    for (const LayerPlan & layer : layers) {
        sums.push_back(owners[owner[layer.device]]->at(next[layer.device]++));
    }
}

ggml_tensor * Scores::combine(Graph & graph, ggml_tensor * a, ggml_tensor * b) const {
    if (over != Over::max) {
        return api.ggml_add(graph.context, a, b);
    }
    // max(a, b) = a + relu(b - a): ggml has no element-wise maximum.
    return api.ggml_add(graph.context, a, api.ggml_relu(graph.context, api.ggml_sub(graph.context, b, a)));
}

// Halving adds whole rows of keys at a time, where a reduction op would walk the tensor across its grain.
ggml_tensor * Scores::fold(Graph & graph, ggml_tensor * p) const {
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

void Scores::add(Graph & graph, int layer, int queryHead, ggml_tensor * k, ggml_tensor * q, ggml_tensor * gain,
                 ggml_tensor * mask, float scale, float softCap, uint32_t base, const Near * near) const {
    const int64_t length = k->ne[1];
    const int64_t n = std::min<int64_t>(nRows, length - base);
    if (n <= 0) {
        return;
    }
    ggml_context * ctx = graph.context;
    ggml_tensor * logits = api.ggml_mul_mat(ctx, k, q);  // [length, nScoring, nQueryHeads]
    if (near != nullptr) {
        logits = api.ggml_concat(ctx, logits, api.ggml_mul_mat(ctx, near->k, near->q), 0);
    }
    if (softCap != 0.0f) {
        logits = api.ggml_scale(ctx, api.ggml_tanh(ctx, api.ggml_scale(ctx, logits, scale / softCap)), softCap);
        scale = 1.0f;
    }
    if (gain != nullptr) {
        logits = api.ggml_mul(ctx, logits, gain);
    }
    ggml_tensor * p = api.ggml_soft_max_ext(ctx, logits, mask, scale, 0.0f);
    ggml_tensor * seen = graph.reinterpret(p, base * sizeof(float), {GGML_TYPE_F32, {n, p->ne[1], p->ne[2]}, p->nb[1], p->nb[2]});
    if (over == Over::norm) {
        seen = api.ggml_mul(ctx, seen, seen);
    }
    ggml_tensor * received = fold(graph, seen);  // [n, 1, nQueryHeads]

    const size_t perHead = sizeof(float) * nRows;
    ggml_tensor * sum = graph.leaf(sums[layer], perHead * queryHead, {GGML_TYPE_F32, {n, 1, p->ne[2]}, perHead, perHead});
    if (over == Over::max) {
        received = api.ggml_relu(ctx, api.ggml_sub(ctx, received, sum));
    }
    graph.expand(api.ggml_add_inplace(ctx, sum, received));
}

std::vector<float> Scores::download() const {
    const size_t perLayer = static_cast<size_t>(nRows) * shape.nHeads;
    std::vector<float> all(perLayer * sums.size());
    for (size_t layer = 0; layer < sums.size(); layer++) {
        api.ggml_backend_tensor_get(sums[layer], all.data() + layer * perLayer, 0, perLayer * sizeof(float));
    }
    if (over == Over::norm) {
        std::transform(all.begin(), all.end(), all.begin(), [](float squares) { return std::sqrt(squares); });
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

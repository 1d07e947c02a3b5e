#include "layer-similarity.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kvasir {

namespace {

// A sum has a bias in it when its other part is a leaf.
bool isComputed(const ggml_tensor * tensor) {
    return tensor->op != GGML_OP_NONE;
}

/** Whether a state is what an attention node's queries were computed from. The walk ends at the last sum of two states. */
bool asksFrom(const ggml_tensor * attention, const ggml_tensor * state) {
    for (const ggml_tensor * t = attention->src[0]; t != nullptr; t = t->op == GGML_OP_MUL_MAT ? t->src[1] : t->src[0]) {
        if (t == state) {
            return true;
        }
        if (t->op == GGML_OP_ADD && isComputed(t->src[1])) {
            return false;
        }
    }
    return false;
}

/** One f32 row for each of n tokens, one behind the other. */
bool isRows(const ggml_tensor * tensor, int64_t n) {
    return tensor->type == GGML_TYPE_F32 && tensor->ne[1] == n && tensor->ne[2] == 1 && tensor->ne[3] == 1 &&
           tensor->nb[0] == sizeof(float) && tensor->nb[1] == tensor->ne[0] * sizeof(float);
}

void read(const ggml_tensor * rows, std::vector<float> & into) {
    into.resize(static_cast<size_t>(rows->ne[0] * rows->ne[1]));
    api.ggml_backend_tensor_get(rows, into.data(), 0, into.size() * sizeof(float));
}

double cosine(const float * a, const float * b, int64_t n) {
    double dot = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; i++) {
        dot += static_cast<double>(a[i]) * b[i];
        aa += static_cast<double>(a[i]) * a[i];
        bb += static_cast<double>(b[i]) * b[i];
    }
    constexpr double least = 1e-8;
    return dot / (std::max(std::sqrt(aa), least) * std::max(std::sqrt(bb), least));
}

}  // namespace

LayerSimilarity::LayerSimilarity(int nLayers) : sums(static_cast<size_t>(nLayers)) {}

void LayerSimilarity::begin(uint32_t nBatchTokens) {
    nTokens = nBatchTokens;
    behind = nullptr;
}

void LayerSimilarity::onAttention(const ggml_tensor * node, int layerOfNode) {
    attention = behind = node;
    gathers.clear();
    layer = layerOfNode;
    sums[static_cast<size_t>(layer)].nExpected += nTokens;
}

bool LayerSimilarity::beforeNode(const ggml_tensor * node) {
    if (behind == nullptr) {
        return false;
    }
    if (node->op == GGML_OP_GET_ROWS) {
        gathers.push_back(node);
    }
    const auto own = std::find(std::begin(node->src), std::end(node->src), behind);
    if (own == std::end(node->src)) {
        return false;
    }
    if (node->op != GGML_OP_ADD) {
        behind = node;
        return false;
    }
    const ggml_tensor * other = own == std::begin(node->src) ? node->src[1] : node->src[0];
    const ggml_tensor * state = other;
    if (other->op == GGML_OP_GET_ROWS && !asksFrom(attention, other)) {
        state = other->src[0];  // the last layer goes on with rows whose logits are asked for
    }
    if (!asksFrom(attention, state)) {
        behind = isComputed(other) ? nullptr : node;
        return false;
    }
    // A GPU takes nodes in another order: then the rows may have been gathered, and the state they are from be gone.
    if (state != other && std::find(gathers.begin(), gathers.end(), other) == gathers.end()) {
        state = other;
    }
    if (!isRows(state, nTokens) || !isRows(node, nTokens) || state->ne[0] != node->ne[0]) {
        behind = nullptr;
        return false;
    }
    // Now, since the sum may be written where the state is. The queries have been computed, so the state has; and what the
    // sum is still to read is still there.
    read(state, before);
    behind = node;
    return true;
}

void LayerSimilarity::afterNode(const ggml_tensor * node) {
    read(node, after);
    behind = nullptr;
    Sum & sum = sums[static_cast<size_t>(layer)];
    for (int64_t t = 0; t < nTokens; t++) {
        sum.cosines += cosine(before.data() + t * node->ne[0], after.data() + t * node->ne[0], node->ne[0]);
    }
    sum.nTokens += nTokens;
}

std::vector<double> LayerSimilarity::means() const {
    std::vector<double> values;
    for (const Sum & sum : sums) {
        const bool isWhole = sum.nTokens > 0 && sum.nTokens == sum.nExpected;
        values.push_back(isWhole ? sum.cosines / static_cast<double>(sum.nTokens) : std::numeric_limits<double>::quiet_NaN());
    }
    return values;
}

}  // namespace kvasir

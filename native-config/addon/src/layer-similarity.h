// How little attention changes what passes through a layer: what SqueezeAttention shares a budget among layers by.
#pragma once

#include <vector>

#include "api.h"

namespace kvasir {

/**
 * The mean cosine of every token's hidden state before and after a layer's self-attention (SqueezeAttention, arXiv
 * 2404.04793): with x_t the state that enters layer l, which its norm, queries, keys and values are computed from,
 *
 *     sim_l = 1/n sum_t cos(x_t, x_t + Attention_l(x)_t),   cos(a, b) = a.b / (max(|a|, 1e-8) max(|b|, 1e-8))
 *
 * the residual added and the feed-forward not yet. In double from the f32 rows of llama.cpp's own graph, where the two are
 * found by what they are and not by their names, which differ: behind the attention node the first sum of what came out of
 * it and of a state that its queries came from. A model that adds something else first (its feed-forward beside the
 * attention) never holds the state behind attention alone, so it has no similarity.
 *
 * Of the last layer llama.cpp computes only the rows whose logits are asked for: all of them have to be.
 */
class LayerSimilarity {
public:
    explicit LayerSimilarity(int nLayers);

    void begin(uint32_t nBatchTokens);
    /** An attention node has been computed. @param layer whose cache it reads; several nodes may share one */
    void onAttention(const ggml_tensor * node, int layer);
    /** Before llama.cpp computes any other node. True when it shall stop behind it, for afterNode(). */
    bool beforeNode(const ggml_tensor * node);
    void afterNode(const ggml_tensor * node);

    /** By layer, over all tokens since the beginning; NaN where one of its states was not found. */
    std::vector<double> means() const;

private:
    struct Sum {
        double cosines = 0;
        int64_t nTokens = 0;
        int64_t nExpected = 0;
    };
    std::vector<Sum> sums;
    int64_t nTokens = 0;
    int layer = 0;
    const ggml_tensor * attention = nullptr;
    const ggml_tensor * behind = nullptr;  // what has become of the attention's output; null when its sum was found, or cannot be
    std::vector<const ggml_tensor *> gathers;  // asked about since the attention: not computed before the sum is asked about
    std::vector<float> before, after;          // [nTokens, width]
};

}  // namespace kvasir

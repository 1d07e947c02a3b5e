#include "rotation.h"

#include <cmath>
#include <cstdlib>

#include "error.h"

namespace kvasir {

ggml_tensor * rotateFurther(Graph & graph, ggml_tensor * x, ggml_tensor * delta, const RopeParams & rope) {
    if (!rope.isKnown) {
        throw KvError("model-unsupported", "this model's graph shows no RoPE over K, so rows cannot be moved to other positions");
    }
    ggml_tensor * factors = nullptr;
    if (rope.freqFactors != nullptr) {
        factors = graph.leaf(rope.freqFactors, 0, {GGML_TYPE_F32, {rope.freqFactors->ne[0], 1, 1}});
    }
    // YaRN scales the magnitude by attnFactor * (1 + 0.1 ln(1 / freqScale)) (arXiv 2309.00071, eq. 22 and its use in
    // ggml's rope_yarn). What comes in carries that already, so here the whole factor must be one.
    const float attnFactor = rope.extFactor != 0.0f ? 1.0f / (1.0f + 0.1f * std::log(1.0f / rope.freqScale)) : 1.0f;
    return api.ggml_rope_ext(graph.context, x, delta, factors, rope.nDims, rope.mode, rope.nCtxOrig, rope.freqBase,
                             rope.freqScale, rope.extFactor, attnFactor, rope.betaFast, rope.betaSlow);
}

// As llama_kv_cache::build_input_k_rot chooses it.
int64_t mixedChannels(const RowFormat & rows) {
    const char * isOff = std::getenv("LLAMA_ATTN_ROT_DISABLE");
    if (api.ggml_blck_size(rows.type) == 1 || rows.headDim % 64 != 0 || (isOff != nullptr && std::atoi(isOff) != 0)) {
        return 0;
    }
    int64_t n = 64;
    while (rows.headDim % (2 * n) == 0) {
        n *= 2;
    }
    return n;
}

// Sylvester's construction: the sign of (i, j) is the parity of the bits that both have.
std::vector<float> mixingMatrix(int64_t n) {
    std::vector<float> matrix(static_cast<size_t>(n * n));
    const float size = 1.0f / std::sqrt(static_cast<float>(n));
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            bool isOdd = false;
            for (int64_t bits = i & j; bits != 0; bits &= bits - 1) {
                isOdd = !isOdd;
            }
            matrix[static_cast<size_t>(i * n + j)] = isOdd ? -size : size;
        }
    }
    return matrix;
}

ggml_tensor * mixChannels(Graph & graph, ggml_tensor * x, ggml_tensor * matrix) {
    const int64_t n = matrix->ne[0];
    const int64_t nVectors = x->ne[0] * x->ne[1] * x->ne[2] * x->ne[3] / n;
    ggml_tensor * vectors = graph.reinterpret(x, 0, {GGML_TYPE_F32, {n, nVectors, 1}});
    return graph.reinterpret(api.ggml_mul_mat(graph.context, matrix, vectors), 0, {GGML_TYPE_F32, {x->ne[0], x->ne[1], x->ne[2], x->ne[3]}});
}

}  // namespace kvasir

// RoPE by a further delta: rows and queries that stand elsewhere than where they were computed.
#pragma once

#include <vector>

#include "graph.h"
#include "plan.h"

namespace kvasir {

/**
 * Rotates what the model's own graph has rotated already: R(a + delta) x = R(delta) R(a) x.
 * @param x     [headDim, nHeads, nTokens], f32 or f16
 * @param delta positions, [nTokens], i32
 * @throws KvError "model-unsupported" where the model's graph shows no RoPE
 */
ggml_tensor * rotateFurther(Graph & graph, ggml_tensor * x, ggml_tensor * delta, const RopeParams & rope);

/**
 * llama.cpp mixes the channels of K and Q by an orthonormal Hadamard matrix when its cache is quantised, behind RoPE: this
 * many channels at a time, 0 for none. Between unmixing and mixing again such a query can be rotated.
 */
int64_t mixedChannels(const RowFormat & rows);

/** The matrix, [n, n] row-major: symmetric and its own inverse. */
std::vector<float> mixingMatrix(int64_t n);

/** Mixes or unmixes. @param x densely packed, f32, channels first */
ggml_tensor * mixChannels(Graph & graph, ggml_tensor * x, ggml_tensor * matrix);

}  // namespace kvasir

// Attention that tokens of a session received: one sum or maximum per (layer, query head, live row), kept on the
// device and added to while a batch is decoded.
#pragma once

#include <memory>
#include <vector>

#include "graph.h"
#include "plan.h"

namespace kvasir {

/** Which tokens of a decode act as queries, and how much sharper than the model's own softmax theirs is. */
struct ScorePass {
    uint32_t offset = 0;         // first scoring token of the decode call
    uint32_t stride = 1;
    std::vector<float> weights;  // one per scoring token: gain over the model's own scale (1 = plain softmax)
    /**
     * Above 0 the scoring tokens ask as if they stood that many positions further on, behind all that the batch decodes
     * and behind the tokens before them once more: queries rotated further see every row; in the same softmax the queries
     * as they are see the 64 nearest live rows up to their own, which get no score for it.
     */
    uint32_t ahead = 0;
};

class Scores {
public:
    /** How rows are folded; `norm` is the root of the sum of squares. */
    enum class Over { sum, max, norm };

    /** Live rows [0, nRows) are scored. @throws KvError "kv-limit" | "out-of-memory" */
    Scores(const ModelShape & shape, const std::vector<LayerPlan> & layers, uint32_t nRows, Over over);

    /**
     * Adds to the graph of one layer: softmax of the scoring tokens' logits over all that they see, folded over those
     * tokens into the accumulators of `nQueryHeads` query heads from `queryHead` on.
     * @param k    rows of the KV heads in question, [headDim, length, nKvHeads]
     * @param q    scoring tokens, [headDim, nScoring, nQueryHeads], f32
     * @param gain one multiplier of the logits per scoring token, [1, nScoring], f32; null when there is one token
     * @param mask [length, nScoring] f32, null when every row is visible; with `near` [length + its keys, nScoring]
     * @param base rows of a region before its live rows
     * @param near what the scoring tokens see beside these rows; null for nothing
     */
    struct Near {
        ggml_tensor * k;  // [headDim, nKeys, nKvHeads]
        ggml_tensor * q;  // as q, for these keys
    };
    void add(Graph & graph, int layer, int queryHead, ggml_tensor * k, ggml_tensor * q, ggml_tensor * gain, ggml_tensor * mask,
             float scale, float softCap, uint32_t base, const Near * near = nullptr) const;

    /** [nLayers, nHeads, nRows] f32, row-major. */
    std::vector<float> download() const;

    const uint32_t nRows;
    const Over over;

private:
    ggml_tensor * fold(Graph & graph, ggml_tensor * p) const;
    ggml_tensor * combine(Graph & graph, ggml_tensor * a, ggml_tensor * b) const;

    const ModelShape shape;
    std::vector<std::unique_ptr<DeviceTensors>> owners;
    std::vector<ggml_tensor *> sums;  // by layer: [nRows, nHeads]
};

/** ||V_j||^2 of live rows: [nLayers, nKvHeads, nRows] f32 (AhaKV's value prior, arXiv 2506.03762). */
class Session;
std::vector<float> valueNorms(const Session & session, const std::vector<LayerPlan> & layers, uint32_t nRows);

}  // namespace kvasir

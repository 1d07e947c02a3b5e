// Attention that tokens of a session received: one sum or maximum per (layer, query head, live row), kept on the
// device and added to while a batch is decoded.
#pragma once

#include <map>
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
    std::vector<uint8_t> heads;  // by layer * nKvHeads + KV head, 1: it asks; all of them when empty
};

class Scores {
public:
    /** How rows are folded; `norm` is the root of the sum of squares. */
    enum class Over { sum, max, norm };

    /** Live rows [0, nRows) are scored. @throws KvError "kv-limit" | "out-of-memory" */
    Scores(const ModelShape & shape, const std::vector<LayerPlan> & layers, uint32_t nRows, Over over);

    /** All query heads of KV heads at even distances. */
    struct QueryHeads {
        int first;
        int nKvHeads;
        int step;  // KV heads from each to the next
    };
    /**
     * Adds to the graph of one layer: what scoring tokens attend to, folded over those tokens into the accumulators of
     * `heads`.
     * @param p     attention, [>= nKeys, nScoring, query heads, in their order] f32; keys behind nKeys get no score
     * @param nKeys rows of a region that were seen
     * @param base  rows of a region before its live rows
     */
    void add(Graph & graph, int layer, const QueryHeads & heads, ggml_tensor * p, int64_t nKeys, int64_t base) const;
    /** The same of what is folded in part. @param folded [live rows, any number, query heads] f32; squares where rows are folded by their norm */
    void addFolded(Graph & graph, int layer, const QueryHeads & heads, ggml_tensor * folded) const;

    /** What becomes of the query heads that share a KV head. */
    enum class Heads { each, mean, max };

    /** [nLayers, nHeads, nRows] f32, row-major; [nLayers, nKvHeads, nRows] when query heads are folded. */
    std::vector<float> download(Heads heads) const;

    const uint32_t nRows;
    const Over over;

private:
    /** Of a device's layers, query heads folded: [nRows, heads x layers]. */
    std::vector<float> downloadFrom(Device & device, Heads heads) const;

    const ModelShape shape;
    /** By device the sums of its layers one behind the other: [nRows, nHeads x layers]. */
    std::map<Device *, std::unique_ptr<DeviceTensors>> sums;
    struct Place {
        Device * device;
        size_t slot;  // among the device's layers
    };
    std::vector<Place> places;  // by layer
};

class Session;
/** ||V_j||^2 of live rows: [nLayers, nKvHeads, nRows] f32 (AhaKV's value prior, arXiv 2506.03762). */
std::vector<float> valueNorms(const Session & session, const std::vector<LayerPlan> & layers, uint32_t nRows);

}  // namespace kvasir

// The seam without a stop: nodes of llama.cpp's own graph are pointed at a session's rows, so that the graph runs as one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "head-masks.h"
#include "masks.h"
#include "step-masks.h"

namespace kvasir {

/**
 * Where one op can see all KV heads of a layer, no graph of ours has to run between llama.cpp's: the nodes that write K and
 * V into its cache write into our regions instead, and its attention node reads these. That saves a stop of the device at
 * every layer, and CUDA keeps one graph for the whole token.
 *
 * One op sees all heads when they are equally long and equally far apart, as in llama.cpp's own cache. For a single token
 * heads of different lengths do as well, where the layer is spread (LayerPlan::isSpread): each head is a sequence of its own
 * (ne[3]) with its own mask, and CUDA's kernels skip the blocks behind a sequence's last visible row. With several tokens the
 * output comes out head by head, where llama.cpp reads it token by token, and every token of every head has a mask of its own.
 * Two nodes of llama.cpp's that compute nothing are given that work: the permutation of K, which nobody reads any more, makes
 * the mask, and the reshaping of the output orders it.
 */
class Graft {
public:
    Graft(const ModelShape & shape, const RowFormat & rows, const std::vector<LayerPlan> & layers);
    ~Graft();

    /** What the seam keeps for its own graphs as well. */
    struct Shared {
        const ggml_tensor * rowIndices;  // where the batch's rows go, by token and KV head, from the offset on
        size_t indexOffset;
        Masks * masks;
    };
    /** Prepares a batch of one part that is not scored. @param shared by layer */
    void begin(const Session & session, uint32_t nTokens, std::function<Shared(int layer)> shared);
    /** True when the layer needs no stop in this batch. */
    bool takes(int layer) const { return isActive && forms[layer] != Form::stopped; }
    /** Points a node of the layer at our rows, before llama.cpp computes it. */
    void redirectWrite(ggml_tensor * node, int layer, bool isV);
    void redirectAttention(ggml_tensor * node, int layer);
    /** Any other node: does nothing unless it is the one behind an attention whose output has to be ordered. */
    void redirectOutput(ggml_tensor * node);
    /** Gives llama.cpp its nodes back: it may use the graph again. */
    void end();

private:
    /** Heads equally long, in one op; different ones, as sequences; the same for several tokens. */
    enum class Form { stopped, together, apart, apartSteps };
    struct Leaves;
    Form formOf(int layer) const;
    Leaves & leavesOf(int layer);
    void fill(Leaves & leaves, int layer, int64_t length);
    void redirectMask(ggml_tensor * node, const Leaves & leaves);
    void save(ggml_tensor * node) { saved.emplace_back(node, *node); }

    const ModelShape shape;
    const RowFormat rows;
    const std::vector<LayerPlan> & layers;
    std::map<Device *, std::unique_ptr<HeadMasks>> headMasks;  // for single tokens
    std::map<Device *, std::unique_ptr<StepMasks>> stepMasks;  // for several
    std::vector<size_t> slots;  // by layer, among its device's
    std::map<uint32_t, std::vector<std::unique_ptr<Leaves>>> kept;  // by tokens, then by layer

    // Of the current batch.
    uint64_t batch = 0;
    bool isActive = false;
    const Session * session = nullptr;
    uint32_t nTokens = 0;
    std::function<Shared(int)> shared;
    std::vector<Form> forms;
    std::vector<std::pair<ggml_tensor *, ggml_tensor>> saved;
    ggml_tensor * attention = nullptr;  // whose output is still to be ordered
    const Leaves * ordered = nullptr;   // of its layer
};

}  // namespace kvasir

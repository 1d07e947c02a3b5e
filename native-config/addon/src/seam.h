// The callback at the attention node of every layer, where our attention over a session's regions replaces llama.cpp's
// over its own cache. llama.cpp computes, Kvasir remembers: its cache only carries the batch that is being computed.
#pragma once

#include <atomic>
#include <exception>
#include <map>
#include <memory>
#include <vector>

#include "graft.h"
#include "layer-similarity.h"
#include "masks.h"
#include "scoring.h"

namespace kvasir {

/** Copies of one layer's queries and attention output, for tests that compute attention independently. */
struct CapturedLayer {
    std::vector<float> queries;  // [nTokens, nHeads, headDim], after RoPE
    std::vector<float> outputs;  // [nTokens, nHeads, headDim], what attention returned
};

class Seam {
public:
    /** @param isGrafting whether layers may go without a stop (graft.h) */
    Seam(ModelShape shape, RowFormat rows, std::vector<LayerPlan> layers, bool isGrafting);
    ~Seam();

    /** Prepares the next batch. Room for its rows must have been reserved. @param capture, similarity for batches of one part */
    void begin(const std::vector<BatchPart> & parts, std::vector<CapturedLayer> * capture, LayerSimilarity * similarity);
    /** Ends the batch: throws what failed inside the callback. @throws KvError, e.g. "cancelled" */
    void end();

    /** ggml_backend_sched_eval_callback. Runs on the decoding thread; no N-API in it. */
    bool onNode(ggml_tensor * node, bool ask);

    void cancel() { isCancelled = true; }
    void clearCancel() { isCancelled = false; }
    bool wasCancelled() const { return isCancelled; }

private:
    struct LayerGraph;
    struct PerDevice {
        explicit PerDevice(Device & device) : device(device) {}
        Device & device;
        std::map<uint32_t, Masks> masks;            // by window; 0 for layers that see everything
        std::unique_ptr<DeviceTensors> rowIndices;  // by layer, part, token and KV head: where new rows go
        std::unique_ptr<DeviceTensors> scratch;     // outputs of ops that cannot write into the node's own
        uint64_t scratchMoves = 0;
    };
    /** What batches of one size share. */
    struct Size {
        std::map<Device *, std::unique_ptr<PerDevice>> devices;
        std::vector<std::unique_ptr<LayerGraph>> graphs;  // by layer; empty when they are not kept
    };

    /** Before llama.cpp computes a node. True when it shall stop behind it. */
    bool beforeNode(ggml_tensor * node);
    void attend(ggml_tensor * node);
    std::vector<HeadGroup> groupsOf(const Session & session, int layer) const;
    void build(LayerGraph & g, ggml_tensor * node, int layer);
    void buildAttention(LayerGraph & g, ggml_tensor * node, int layer, const BatchPart & part, const HeadGroup & group,
                        ggml_tensor * rowsK, ggml_tensor * rowsV);
    void capture(ggml_tensor * node, int layer) const;
    /** @param masksStay whether graphs of this size can be kept */
    void chooseSize(bool masksStay);
    void placeRows();
    std::vector<std::unique_ptr<Scoring>> scoringsOf(const BatchPart & part);
    PerDevice & on(int layer) { return *size->devices.at(layers[layer].device); }
    Masks & masksOf(int layer) { return on(layer).masks.at(layers[layer].window); }
    bool isKept() const { return !size->graphs.empty(); }

    const ModelShape shape;
    const RowFormat rows;
    const std::vector<LayerPlan> layers;
    std::map<const ggml_tensor *, int> layerOfK, layerOfV;
    std::unique_ptr<Graft> graft;  // null when every layer stops
    std::vector<size_t> indexSlot;       // by layer, in its device's rowIndices
    std::map<uint32_t, Size> keptSizes;  // by tokens
    Size otherSize;

    // Of the current batch.
    std::vector<BatchPart> parts;
    std::vector<std::vector<std::unique_ptr<Scoring>>> scorings;  // by part: one for each pass
    Size * size = nullptr;
    uint32_t nTokens = 0;
    bool isScoring = false;
    std::vector<CapturedLayer> * captured = nullptr;
    LayerSimilarity * similarity = nullptr;
    ggml_tensor * taken = nullptr;  // node whose op is set aside while llama.cpp computes what precedes it
    std::exception_ptr failure;
    std::atomic<bool> isCancelled{false};
};

}  // namespace kvasir

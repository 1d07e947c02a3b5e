// The callback at the attention node of every layer, where our attention over a session's regions replaces llama.cpp's
// over its own cache. llama.cpp computes, Kvasir remembers: its cache only carries the batch that is being computed.
#pragma once

#include <atomic>
#include <exception>
#include <map>
#include <memory>
#include <vector>

#include "masks.h"
#include "session.h"

namespace kvasir {

/** Copies of one layer's queries and attention output, for tests that compute attention independently. */
struct CapturedLayer {
    std::vector<float> queries;  // [nTokens, nHeads, headDim], after RoPE
    std::vector<float> outputs;  // [nTokens, nHeads, headDim], what attention returned
};

class Seam {
public:
    Seam(ModelShape shape, RowFormat rows, std::vector<LayerPlan> layers, std::shared_ptr<Budget> budget);
    ~Seam();

    /**
     * Prepares the next batch. Room for its rows must have been reserved.
     * @param pass scoring tokens among this batch; null for none. Their weights are those of this batch's tokens only.
     */
    void begin(Session & session, uint32_t nTokens, const ScorePass * pass, std::vector<CapturedLayer> * capture);
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
        std::map<uint32_t, Masks> masks;                        // by window; 0 for layers that see everything
        std::unique_ptr<DeviceTensors> rowIndices;              // [nTokens * nKvHeads] per layer: where new rows go
        std::unique_ptr<DeviceTensors> scoreMask, scoreGain;    // of this batch's scoring tokens
    };
    struct Group {
        int firstHead;
        int nHeads;
        uint32_t spacing;  // rows between the starts of neighbouring heads
    };

    void attend(ggml_tensor * node);
    std::vector<Group> groupsOf(int layer) const;
    void build(LayerGraph & g, ggml_tensor * node, int layer);
    void buildScores(Graph & graph, ggml_tensor * node, int layer, const Group & group, ggml_tensor * rowsK);
    void capture(ggml_tensor * node, int layer) const;
    void prepareScoring(const ScorePass * pass);
    PerDevice & on(int layer) { return *devices.at(layers[layer].device); }
    Masks & masksOf(int layer) { return on(layer).masks.at(layers[layer].window); }

    const ModelShape shape;
    const RowFormat rows;
    const std::vector<LayerPlan> layers;
    std::shared_ptr<Budget> budget;
    std::map<const ggml_tensor *, int> layerOfCache;
    std::map<Device *, std::unique_ptr<PerDevice>> devices;
    std::vector<size_t> indexSlot;  // by layer, in its device's rowIndices
    std::vector<std::unique_ptr<LayerGraph>> graphs;

    // Of the current batch.
    Session * session = nullptr;
    uint32_t nTokens = 0;
    bool isScoring = false;
    uint32_t firstScoring = 0, scoringStride = 1, nScoring = 0;
    std::vector<CapturedLayer> * captured = nullptr;
    ggml_tensor * taken = nullptr;  // node whose op is set aside while llama.cpp computes what precedes it
    std::exception_ptr failure;
    std::atomic<bool> isCancelled{false};
};

}  // namespace kvasir

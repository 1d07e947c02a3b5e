// Of one part of a batch the tokens that ask: which rows they see, how sharply, and the graph of their attention to them.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "batch-part.h"
#include "host-attention.h"
#include "masks.h"

namespace kvasir {

class Scoring {
public:
    /**
     * @param pass  outlives this; its tokens are of the part
     * @param masks of the layers that see everything, by device; prepared for the batch
     */
    Scoring(const BatchPart & part, const ScorePass & pass, const ModelShape & shape, const RowFormat & rows, const std::vector<LayerPlan> & layers,
            const std::map<Device *, Masks *> & masks);

    /**
     * Adds to the graph of one layer what the scoring tokens attend to of those heads of a group that the pass asks.
     * @param node  llama.cpp's attention node of the layer: its queries are read in place
     * @param rowsK the layer's K rows, in the graph behind the batch's own
     */
    void build(Graph & graph, const ggml_tensor * node, int layer, const HeadGroup & group, ggml_tensor * rowsK);

    /** Nodes of the graph of one layer, at most. */
    size_t maxNodes(int layer) const;

private:
    /** Scoring tokens that are scored at a time, and what they see of a region. */
    struct Slice {
        uint32_t first, n;
        int64_t length;            // rows
        int64_t nearFirst, nNear;  // rows seen as if from right behind them; none when nothing is rotated
        size_t maskAt;             // floats: [length, n], or [nNear, n] when queries are rotated and see all else
    };
    struct OnDevice {
        std::vector<Slice> slices;
        std::unique_ptr<DeviceTensors> tensors;  // masks, gain, deltas, mixing matrix; none for a single token
    };

    /** Heads at even distances that share an op. */
    struct Run {
        int firstHead;
        int nHeads;
        int step;          // from each to the next
        uint32_t spacing;  // rows from the start of one to that of the next
    };
    /** The heads of a group that the pass asks, in as few runs as follow each other. */
    std::vector<Run> asked(int layer, const HeadGroup & group) const;
    void buildRun(Graph & graph, const ggml_tensor * node, int layer, const Run & run, ggml_tensor * rowsK);
    void slice(OnDevice & on, const Device & device) const;
    std::vector<float> nearMasks(OnDevice & on) const;
    void copyMasks(OnDevice & on, Device & device, Masks & masks) const;
    /** Rows of a region that token `i` of those that score sees, prefix and itself included. */
    int64_t visibleTo(uint32_t i) const { return border + pass.offset + static_cast<int64_t>(i) * pass.stride + 1; }
    ggml_tensor * queriesFromAhead(Graph & graph, const ggml_tensor * q, size_t offset, const Run & run, const Slice & slice,
                                   int layer) const;

    const BatchPart part;
    const ScorePass & pass;
    const ModelShape & shape;
    const RowFormat & rows;
    const std::vector<LayerPlan> & layers;
    bool isSingle = false;  // one token that sees every row of every region, which may be of different lengths
    int64_t base = 0, border = 0;  // of every region: rows before the live ones, before the batch
    std::map<Device *, OnDevice> devices;
    std::deque<HostAttention> onHost;  // what ops of the graphs refer to
};

}  // namespace kvasir

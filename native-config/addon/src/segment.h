// The kept rows of one file: per (layer, KV head) its own tokens and its own number of them, packed without gaps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plan.h"

namespace kvasir {

class Segment {
public:
    /** counts: rows per (layer, KV head), index layer * nKvHeads + head. @throws KvError "kv-limit" | "out-of-memory" */
    Segment(const ModelShape & shape, const RowFormat & rows, const std::vector<LayerPlan> & layers,
            std::vector<uint32_t> counts);

    ggml_tensor * k(int layer) const { return owners[owner[layer]]->at(slot[layer]); }
    ggml_tensor * v(int layer) const { return owners[owner[layer]]->at(slot[layer] + 1); }
    uint32_t count(int layer, int head) const { return counts[static_cast<size_t>(layer) * shape.nKvHeads + head]; }
    uint32_t layerCount(int layer) const;

    /** Rows alone, without alignment: what goes to disk. Layer by layer: K of all heads, then V of all heads. */
    size_t rowBytes() const;
    /** Copies [offset, offset + size) of that byte sequence to or from the device. */
    void download(size_t offset, size_t size, char * into) const;
    void upload(size_t offset, size_t size, const char * from);

    /** The listed rows of each (layer, KV head), as a segment of its own: a cut after the read. */
    std::shared_ptr<Segment> select(const std::vector<LayerPlan> & layers, const std::vector<std::vector<int32_t>> & keep) const;

    const ModelShape shape;
    const RowFormat rows;
    const std::vector<uint32_t> counts;
    size_t bytes() const;

private:
    template <typename Visit> void forRange(size_t offset, size_t size, Visit visit) const;

    std::vector<std::unique_ptr<DeviceTensors>> owners;  // one per device
    std::vector<size_t> owner;                            // by layer
    std::vector<size_t> slot;                             // by layer: index of K; V follows
};

}  // namespace kvasir

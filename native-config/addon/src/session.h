// The regions that attention sees, one per (layer, KV head): base rows of prefix, attended segments and earlier turns,
// then live rows. Each region has its own length. Knows nothing of decoding.
#pragma once

#include <memory>
#include <vector>

#include "row-mover.h"
#include "sampling.h"
#include "scores.h"
#include "segment.h"

namespace kvasir {

/** Rows of one (layer, KV head): [base | live], contiguous from `start` in the layer's arena. */
struct Region {
    uint32_t start = 0;
    uint32_t capacity = 0;
    uint32_t base = 0;  // of the composed segments
};

struct Part {
    std::shared_ptr<Segment> segment;
    int delta = 0;             // positions by which its K rows are rotated further
    bool isAdjacent = false;   // stands right before the live rows: sliding windows see it; they see no other part
};

class Session {
public:
    Session(const ModelShape & shape, const RowFormat & rows, const std::vector<LayerPlan> & layers);

    /**
     * Replaces the base rows by those of `parts`, in that order; live rows stay. A copy of rows, no more.
     * @param room for so many more live rows, as by reserve()
     */
    void compose(const std::vector<Part> & parts, uint32_t room = 0);
    /** Makes room for `n` more live rows in every region. */
    void reserve(uint32_t n);
    /** Forgets all live rows from the n-th on. */
    void truncate(uint32_t n);
    /** Takes a segment's rows as the next live rows, as if they had been decoded here. It has equally many in every region. */
    void extend(const Segment & segment);
    /** Copies the listed ones of each region's live rows into a segment. */
    std::shared_ptr<Segment> gather(const std::vector<std::vector<int32_t>> & keep) const;
    std::unique_ptr<Session> fork() const;

    const Region & region(int layer, int head) const { return regions[index(layer, head)]; }
    uint32_t length(int layer, int head) const {
        return region(layer, head).base + live;
    }
    uint32_t maxLength() const;
    ggml_tensor * k(int layer) const { return arena.k[layer]; }
    ggml_tensor * v(int layer) const { return arena.v[layer]; }
    uint32_t nLive() const { return live; }
    void append(uint32_t n) { live += n; }
    /** Changes with every change of where regions lie and of what precedes live rows; graphs of an older one are stale. */
    uint64_t layoutEpoch() const { return epoch; }
    size_t bytes() const;

    const ModelShape shape;
    const RowFormat rows;
    std::unique_ptr<Scores> scores;    // null unless something is being scored
    std::unique_ptr<Sampling> sampling;  // of a generation that yielded and goes on later

private:
    struct Arena {
        std::vector<std::unique_ptr<DeviceTensors>> owners;
        std::vector<ggml_tensor *> k, v;
    };
    size_t index(int layer, int head) const { return static_cast<size_t>(layer) * shape.nKvHeads + head; }
    /** Lays regions out with the given base lengths and room for `room` rows behind kept and live ones, rows not copied. */
    Arena layOut(std::vector<Region> & regions, uint32_t room) const;
    /** Lays a layer's heads equally far apart when that costs little. Returns the rows it takes, as `nRows` when it does not. */
    uint32_t spread(Region * heads, uint32_t nRows) const;
    /** Zeroes what holds no rows yet of an arena in main memory. */
    void clearRest(const std::vector<Region> & regions, const Arena & arena) const;
    void touch();

    const std::vector<LayerPlan> & layers;
    std::vector<Region> regions;
    Arena arena;
    uint32_t live = 0;
    uint64_t epoch = 0;
};

}  // namespace kvasir

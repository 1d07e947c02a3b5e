// Copies of rows between segments and regions, on the device that holds them, as one graph per device.
#pragma once

#include <map>
#include <vector>

#include "graph.h"
#include "plan.h"

namespace kvasir {

class RowMover {
public:
    RowMover(const RowFormat & rows) : rows(rows) {}

    /** Rows [from, from + indices.size()) of `source` go to the rows `indices` of `target`. */
    /** Copies rows that lie one behind the other on both sides: in main memory at once, elsewhere by run(). */
    void copy(Device & device, const ggml_tensor * source, uint32_t from, const ggml_tensor * target, uint32_t to, uint32_t n);
    void scatter(Device & device, const ggml_tensor * source, uint32_t from, const ggml_tensor * target,
                 std::vector<int32_t> indices);

    /** As scatter, each K row rotated further by `delta` positions. @throws KvError "model-unsupported" */
    void scatterRotated(Device & device, const ggml_tensor * source, uint32_t from, const ggml_tensor * target,
                        std::vector<int32_t> indices, const RopeParams & rope, int delta);

    /** Rows `indices` of `source` go to the rows [to, to + indices.size()) of `target`. */
    void gather(Device & device, const ggml_tensor * source, std::vector<int32_t> indices, const ggml_tensor * target,
                uint32_t to);

    /** Runs what was asked for and forgets it. */
    void run();

private:
    struct Move {
        bool isGather;
        const ggml_tensor * source;
        uint32_t from;
        const ggml_tensor * target;
        uint32_t to;
        std::vector<int32_t> indices;
        const RopeParams * rope = nullptr;
        int delta = 0;
    };
    void runOn(Device & device, const std::vector<Move> & moves);

    const RowFormat rows;
    std::map<Device *, std::vector<Move>> moves;
};

}  // namespace kvasir

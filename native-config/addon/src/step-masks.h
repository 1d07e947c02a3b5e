// Masks of several tokens over heads of different lengths, made on the device layer by layer while the graph runs.
#pragma once

#include <memory>
#include <vector>

#include "graph.h"
#include "masks.h"
#include "session.h"

namespace kvasir {

/**
 * Token t of a batch sees the rows of a region that precede the batch, and t + 1 more: a row of its mask is visible up to
 * there and hidden behind. All such rows are pieces of one step, visible * width then hidden * width, so a layer's mask is
 * gathered from it: one op, and room for one layer at a time, where masks of all layers would take hundreds of megabytes.
 * Pieces are gathered as 32-bit words; the step is there once more shifted by one element for those that begin in between.
 */
class StepMasks {
public:
    StepMasks(Device & device, std::vector<int> layers)
        : device(device), layers(std::move(layers)) {}

    /** Says for every layer where the rows of its mask begin, and makes room. @param nTokens of the batch */
    void prepare(const Session & session, uint32_t nTokens);

    /** Changes when anything moves in memory. */
    uint64_t generation() const { return moves; }
    /** Rows of a head's mask: those of the batch's tokens, and hidden ones up to a tile of the kernels that scan it. */
    int64_t rowsPerHead(uint32_t nTokens) const { return paddedTo(nTokens, maskTile); }
    /** The step as overlapping rows of `length` elements, one for each word that a row may begin at. */
    ggml_tensor * pieces(Graph & graph, int64_t length) const;
    /** Of the `slot`-th layer: the piece of each row, [rowsPerHead x KV heads]. */
    ggml_tensor * starts(Graph & graph, size_t slot, uint32_t nTokens, int nKvHeads) const;
    /** Room for one layer's mask. */
    const ggml_tensor * mask() const { return room->at(0); }
    /** Room for one layer's output: [headDim, queries per KV head, nTokens, KV heads] f32. */
    const ggml_tensor * output() const { return room->at(1); }

private:
    void grow(const Session & session, uint32_t nTokens);

    Device & device;
    const std::vector<int> layers;
    int64_t width = 0, nRows = 0, nOutput = 0;  // elements of a mask's row, rows of a layer's mask, elements of its output
    std::unique_ptr<DeviceTensors> step;    // words
    std::unique_ptr<DeviceTensors> indices;
    std::unique_ptr<DeviceTensors> room;
    uint64_t moves = 0;
};

}  // namespace kvasir

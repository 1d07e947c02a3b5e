// Causal masks over regions of many lengths, shared by all of them and kept on the device.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "graph.h"

namespace kvasir {

// Elements of every mask, f16: 0 and -infinity.
constexpr uint16_t maskVisible = 0x0000;
constexpr uint16_t maskHidden = 0xfc00;

// Batches up to this length come again and again (draft.cpp): graphs made for them find their masks where they were.
constexpr uint32_t maxShortBatch = 16;

// Kernels that scan the masks of several sequences look at this many rows at a time, at those behind the last too.
constexpr int64_t maskTile = 64;

/** How wide masks are to be: as they are while that fits, else with room, so that a longer answer does not move them at every block. */
constexpr int64_t roomyWidth(int64_t needed, int64_t width) {
    constexpr int64_t room = 1024;
    return needed > width || needed + 4 * room < width ? needed + room : width;
}

/**
 * Row x of a region whose batch begins at row b is visible to token t of the batch iff x <= b + t. So one wide mask
 * M[x, t] = (x <= B + t ? 0 : -inf), B the largest b, serves every region: its mask is M shifted by B - b columns. A
 * mask of its own per region length would be hundreds of megabytes for a batch over long contexts. A layer with a
 * sliding window of w tokens sees b + t - w < x as well; its regions hold tokens at consecutive positions only. For long batches
 * B is larger than any b, so that the next batch, and the next file, find the mask filled.
 */
class Masks {
public:
    Masks(const Device & device, uint32_t window)
        : device(device), window(window) {}

    /**
     * Prepares masks for a batch.
     * @param border  rows before the batch in the longest region
     * @param nTokens of the batch; of its longest part when it has several
     */
    void prepare(uint32_t border, uint32_t nTokens);

    /** Changes when masks move in memory, so that views made before are stale. */
    uint64_t generation() const { return moves; }

    /**
     * The mask of a region: [length, nTokens] f16 with the wide mask's row stride, as leaf of the graph; of several rows for a
     * device that does not read the stride (Device::readsMaskStride) a dense copy, which the graph has to make room for.
     * @param border  the b of that region
     * @param nTokens of the part of the batch that sees the region
     */
    ggml_tensor * view(Graph & graph, uint32_t border, int64_t length, uint32_t nTokens);

    /**
     * What of a region tokens `first`, `first + stride`, ... of the part see, as leaf of a graph that copies it: [length, n] f16,
     * rows far apart. Parameters as of view().
     */
    ggml_tensor * rows(Graph & graph, uint32_t border, int64_t length, uint32_t first, uint32_t n, uint32_t stride);

    /** ggml_flash_attn_ext asks for a dense mask when it is called, kernels use the stride: to be set in between. */
    void applyStride(ggml_tensor * mask) const;

private:
    /** Kernels load masks in blocks, so a shift that is no multiple of a block is built into a copy of the mask. */
    ggml_tensor * shifted(uint32_t residue);
    void prepareLong(uint32_t border, uint32_t nTokens);
    void fill(ggml_tensor * mask, uint32_t residue) const;

    const Device & device;
    const uint32_t window;  // 0 for none
    uint64_t moves = 0;
    uint32_t border = 0, width = 0, nTokens = 0;  // B, columns, rows
    std::map<uint32_t, std::unique_ptr<DeviceTensors>> masks;  // by residue
};

}  // namespace kvasir

// Masks of one token over heads of different lengths, one for every (layer, KV head) of a device.
#pragma once

#include <memory>
#include <vector>

#include "graph.h"
#include "masks.h"
#include "session.h"

namespace kvasir {

/**
 * Row (layer, head) is visible up to the session's length in that region, its next token included. From token to token
 * one element of each changes, so they are changed on the device by one small graph.
 */
class HeadMasks {
public:
    HeadMasks(Device & device, std::vector<int> layers)
        : device(device), layers(std::move(layers)) {}

    /** Shows every region its rows and one more: those before the next token, and its own. */
    void prepare(const Session & session);

    /** Changes when masks move in memory. */
    uint64_t generation() const { return moves; }
    /** Columns of a row: at least the padded length of the longest region. */
    int64_t width() const { return columns; }
    /** [width, KV heads x layers] f16, and a tile of rows behind them. */
    const ggml_tensor * tensor() const { return masks->at(0); }
    /** Bytes from the start to the first head's row of the `slot`-th layer. */
    size_t offsetOf(size_t slot, int nKvHeads) const { return slot * nKvHeads * columns * sizeof(uint16_t); }

private:
    void fill(const Session & session);
    /** Sets the elements [from, to) behind every region's base rows. */
    void change(const Session & session, uint32_t from, uint32_t to, bool isVisible);

    Device & device;
    const std::vector<int> layers;
    std::unique_ptr<DeviceTensors> masks;
    std::unique_ptr<DeviceTensors> places;  // indices of elements, and what they are set to
    int64_t columns = 0;
    uint64_t moves = 0;
    uint64_t epoch = 0;    // of the session's layout
    uint32_t nShown = 0;   // live rows that are visible
};

}  // namespace kvasir

#include "masks.h"

#include <algorithm>
#include <utility>

namespace kvasir {

namespace {

// B of long batches is a multiple of this: a file of a few thousand tokens is read under one mask.
constexpr uint32_t borderStep = 4096;

/** A region's padded length ends at most a block behind its own rows; rows of masks start at multiples of 32 bytes. */
constexpr uint32_t widthFor(uint32_t border, uint32_t nTokens) {
    return static_cast<uint32_t>(paddedTo(border + nTokens + 256, 16));
}

}  // namespace

void Masks::prepareLong(uint32_t newBorder, uint32_t newTokens) {
    const uint32_t roomy = std::max(static_cast<uint32_t>(paddedTo(newBorder, borderStep)), borderStep);
    if (newTokens <= nTokens && newBorder <= border && border <= 4 * roomy) {
        return;
    }
    masks.clear();
    border = roomy;
    nTokens = newTokens;
    width = widthFor(border, nTokens);
    moves++;
}

void Masks::prepare(uint32_t newBorder, uint32_t newTokens) {
    if (newTokens > maxShortBatch) {
        prepareLong(newBorder, newTokens);
        return;
    }
    const uint32_t needed = widthFor(newBorder, newTokens);
    // A mask says nothing of any session: whoever comes next needs one column more, or all of them set anew.
    const bool isNextToken = newTokens == 1 && nTokens == 1 && needed <= width && newBorder == border + 1;
    if (isNextToken) {
        border = newBorder;
        for (auto & [residue, tensors] : masks) {
            const auto set = [&, residue = residue, mask = tensors->at(0)](uint32_t x, const uint16_t & value) {
                if (x >= residue) {
                    api.ggml_backend_tensor_set(mask, &value, (x - residue) * sizeof(uint16_t), sizeof(uint16_t));
                }
            };
            set(border, maskVisible);
            if (window > 0 && border >= window) {
                set(border - window, maskHidden);
            }
        }
        return;
    }
    if (needed > width || newTokens != nTokens || needed < width / 4) {
        masks.clear();
        width = needed + 1024;  // single tokens and drafts come by the hundred
        moves++;
    }
    border = newBorder;
    nTokens = newTokens;
    for (auto & [residue, tensors] : masks) {
        fill(tensors->at(0), residue);
    }
}

void Masks::fill(ggml_tensor * mask, uint32_t residue) const {
    std::vector<uint16_t> values(static_cast<size_t>(width) * nTokens, maskHidden);
    for (uint32_t t = 0; t < nTokens; t++) {
        const int64_t newest = static_cast<int64_t>(border) + t - residue;
        const int64_t end = std::clamp<int64_t>(newest + 1, 0, width);
        const int64_t begin = window == 0 ? 0 : std::clamp<int64_t>(newest + 1 - window, 0, end);
        std::fill(values.begin() + static_cast<int64_t>(width) * t + begin, values.begin() + static_cast<int64_t>(width) * t + end,
                  maskVisible);
    }
    api.ggml_backend_tensor_set(mask, values.data(), 0, values.size() * sizeof(uint16_t));
}

ggml_tensor * Masks::shifted(uint32_t residue) {
    auto found = masks.find(residue);
    if (found == masks.end()) {
        auto tensors = std::make_unique<DeviceTensors>(
            device, std::vector<DeviceTensors::Shape>{{GGML_TYPE_F16, width, nTokens}});
        fill(tensors->at(0), residue);
        found = masks.emplace(residue, std::move(tensors)).first;
    }
    return found->second->at(0);
}

ggml_tensor * Masks::view(Graph & graph, uint32_t regionBorder, int64_t length, uint32_t nRows) {
    ggml_tensor * mask = rows(graph, regionBorder, length, 0, nRows, 1);
    if (nRows > 1 && !device.readsMaskStride()) {
        return api.ggml_cont(graph.context, mask);
    }
    mask->nb[1] = static_cast<size_t>(length) * sizeof(uint16_t);
    mask->nb[2] = mask->nb[3] = mask->nb[1] * mask->ne[1];
    return mask;
}

ggml_tensor * Masks::rows(Graph & graph, uint32_t regionBorder, int64_t length, uint32_t first, uint32_t n, uint32_t stride) {
    const size_t row = static_cast<size_t>(width) * sizeof(uint16_t);
    const uint32_t shift = border - regionBorder;
    const uint32_t residue = shift % static_cast<uint32_t>(device.maskAlignment());
    const size_t offset = first * row + (shift - residue) * sizeof(uint16_t);
    return graph.leaf(shifted(residue), offset, {GGML_TYPE_F16, {length, n, 1}, row * stride});
}

void Masks::applyStride(ggml_tensor * mask) const {
    if (mask->op != GGML_OP_NONE) {
        return;  // a dense copy
    }
    mask->nb[1] = width * sizeof(uint16_t);
    mask->nb[2] = mask->nb[3] = mask->nb[1] * mask->ne[1];
}

}  // namespace kvasir

#include "step-masks.h"

#include <algorithm>

namespace kvasir {

void StepMasks::prepare(const Session & session, uint32_t nTokens) {
    grow(session, nTokens);
    const int64_t perHead = rowsPerHead(nTokens);
    const int64_t nWords = width;  // of one step: 2 * width elements
    std::vector<int32_t> starts;
    starts.reserve(static_cast<size_t>(perHead) * session.shape.nKvHeads * layers.size());
    for (const int layer : layers) {
        for (int head = 0; head < session.shape.nKvHeads; head++) {
            for (int64_t t = 0; t < perHead; t++) {
                const int64_t nVisible = t < nTokens ? session.length(layer, head) + t + 1 : 0;
                const int64_t at = width - std::min(nVisible, width);
                starts.push_back(static_cast<int32_t>(at % 2 == 0 ? at / 2 : nWords + at / 2));
            }
        }
    }
    api.ggml_backend_tensor_set(indices->at(0), starts.data(), 0, starts.size() * sizeof(int32_t));
}

void StepMasks::grow(const Session & session, uint32_t nTokens) {
    const ModelShape & shape = session.shape;
    const int64_t longest = paddedTo(static_cast<int64_t>(session.maxLength()) + nTokens, lengthBlock);
    const int64_t rowsHere = rowsPerHead(nTokens) * shape.nKvHeads;
    const int64_t outputHere = static_cast<int64_t>(shape.headDim) * shape.nHeads * nTokens;
    if (const int64_t n = roomyWidth(longest, width); n != width) {
        // Twice 2 * n elements, the second time from the second element on.
        std::vector<uint16_t> elements(static_cast<size_t>(n) * 4, maskHidden);
        std::fill_n(elements.begin(), n, maskVisible);
        std::fill_n(elements.begin() + 2 * n, n - 1, maskVisible);
        moves++;
        width = 0;
        room.reset();
        step.reset();
        step = std::make_unique<DeviceTensors>(device, std::vector<DeviceTensors::Shape>{{GGML_TYPE_I32, 2 * n, 1}});
        api.ggml_backend_tensor_set(step->at(0), elements.data(), 0, elements.size() * sizeof(uint16_t));
        width = n;
    }
    if (!room || rowsHere > nRows || outputHere > nOutput) {
        moves++;
        room.reset();
        indices.reset();
        indices = std::make_unique<DeviceTensors>(
            device, std::vector<DeviceTensors::Shape>{{GGML_TYPE_I32, rowsHere, static_cast<int64_t>(layers.size())}});
        room = std::make_unique<DeviceTensors>(
            device, std::vector<DeviceTensors::Shape>{{GGML_TYPE_F16, width, rowsHere}, {GGML_TYPE_F32, outputHere, 1}});
        nRows = rowsHere;
        nOutput = outputHere;
    }
}

ggml_tensor * StepMasks::pieces(Graph & graph, int64_t length) const {
    return graph.leaf(step->at(0), 0, {GGML_TYPE_I32, {length / 2, 2 * width, 1}, sizeof(int32_t)});
}

ggml_tensor * StepMasks::starts(Graph & graph, size_t slot, uint32_t nTokens, int nKvHeads) const {
    const int64_t n = rowsPerHead(nTokens) * nKvHeads;
    return graph.leaf(indices->at(0), slot * static_cast<size_t>(n) * sizeof(int32_t), {GGML_TYPE_I32, {n, 1, 1}});
}

}  // namespace kvasir

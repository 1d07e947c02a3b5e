#include "head-masks.h"

#include <algorithm>
#include <cmath>

namespace kvasir {

namespace {

// A change of more live rows than this is cheaper as a whole.
constexpr uint32_t maxChange = 16;

}  // namespace

void HeadMasks::prepare(const Session & session) {
    const int64_t needed = paddedTo(static_cast<int64_t>(session.maxLength()) + 1, lengthBlock);
    const uint32_t n = session.nLive() + 1;
    if (const int64_t roomy = roomyWidth(needed, columns); roomy != columns) {
        columns = roomy;
        const int64_t nRows = static_cast<int64_t>(layers.size()) * session.shape.nKvHeads;
        masks.reset();
        masks = std::make_unique<DeviceTensors>(device, std::vector<DeviceTensors::Shape>{{GGML_TYPE_F16, columns, nRows + maskTile}});
        moves++;
        epoch = 0;
    }
    const uint32_t nChanged = n > nShown ? n - nShown : nShown - n;
    if (epoch != session.layoutEpoch() || nChanged > maxChange) {
        fill(session);
    } else if (n > nShown) {
        change(session, nShown, n, true);
    } else if (n < nShown) {
        change(session, n, nShown, false);
    }
    epoch = session.layoutEpoch();
    nShown = n;
}

void HeadMasks::fill(const Session & session) {
    const int nKvHeads = session.shape.nKvHeads;
    std::vector<uint16_t> values(static_cast<size_t>(columns * masks->at(0)->ne[1]), maskHidden);
    auto row = values.begin();
    for (const int layer : layers) {
        for (int head = 0; head < nKvHeads; head++, row += columns) {
            std::fill_n(row, std::min<int64_t>(session.length(layer, head) + 1, columns), maskVisible);
        }
    }
    api.ggml_backend_tensor_set(masks->at(0), values.data(), 0, values.size() * sizeof(uint16_t));
}

void HeadMasks::change(const Session & session, uint32_t from, uint32_t to, bool isVisible) {
    const int nKvHeads = session.shape.nKvHeads;
    std::vector<int32_t> indices;
    int64_t row = 0;
    for (const int layer : layers) {
        for (int head = 0; head < nKvHeads; head++, row += columns) {
            for (uint32_t x = from; x < to; x++) {
                indices.push_back(static_cast<int32_t>(row + session.region(layer, head).base + x));
            }
        }
    }
    const int64_t n = static_cast<int64_t>(indices.size());
    if (!places || places->at(0)->ne[0] < n) {
        const int64_t most = static_cast<int64_t>(layers.size()) * nKvHeads * maxChange;
        places.reset();
        places = std::make_unique<DeviceTensors>(
            device, std::vector<DeviceTensors::Shape>{{GGML_TYPE_I32, most, 1}, {GGML_TYPE_F32, 1, most}, {GGML_TYPE_F32, 1, most}});
        const std::vector<float> hiding(static_cast<size_t>(most), -INFINITY);
        api.ggml_backend_tensor_set(places->at(2), hiding.data(), 0, hiding.size() * sizeof(float));
    }
    api.ggml_backend_tensor_set(places->at(0), indices.data(), 0, indices.size() * sizeof(int32_t));
    Graph graph(8);
    ggml_tensor * elements = graph.leaf(masks->at(0), 0, {GGML_TYPE_F16, {1, columns * masks->at(0)->ne[1], 1}});
    ggml_tensor * values = graph.leaf(places->at(isVisible ? 1 : 2), 0, {GGML_TYPE_F32, {1, n, 1}});
    ggml_tensor * set = api.ggml_set_rows(graph.context, elements, values, graph.leaf(places->at(0), 0, {GGML_TYPE_I32, {n, 1, 1}}));
    set->data = elements->data;
    set->buffer = elements->buffer;
    graph.expand(set);
    graph.runInPlace(device);
}

}  // namespace kvasir

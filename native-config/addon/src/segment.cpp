#include "segment.h"

#include <algorithm>
#include <map>

#include "error.h"
#include "row-mover.h"

namespace kvasir {

Segment::Segment(const ModelShape & shape, const RowFormat & rows, const std::vector<LayerPlan> & layers,
                 std::vector<uint32_t> countsIn)
    : shape(shape), rows(rows), counts(std::move(countsIn)), owner(layers.size()), slot(layers.size()) {
    std::map<const Device *, std::vector<DeviceTensors::Shape>> shapes;
    std::vector<const Device *> order;
    for (int layer = 0; layer < shape.nLayers; layer++) {
        const Device * device = layers[layer].device;
        if (shapes.find(device) == shapes.end()) {
            order.push_back(device);
        }
        auto & list = shapes[device];
        owner[layer] = std::find(order.begin(), order.end(), device) - order.begin();
        slot[layer] = list.size();
        const DeviceTensors::Shape words = {GGML_TYPE_I32, rows.words(), layerCount(layer)};
        list.push_back(words);
        list.push_back(words);
    }
    for (const Device * device : order) {
        owners.push_back(std::make_unique<DeviceTensors>(*device, shapes[device]));
    }
}

uint32_t Segment::layerCount(int layer) const {
    uint32_t n = 0;
    for (int head = 0; head < shape.nKvHeads; head++) {
        n += count(layer, head);
    }
    return n;
}

size_t Segment::rowBytes() const {
    size_t n = 0;
    for (const uint32_t count : counts) {
        n += count;
    }
    return n * rows.bytes * 2;
}

size_t Segment::bytes() const {
    size_t n = 0;
    for (const auto & tensors : owners) {
        n += tensors->bytes();
    }
    return n;
}

std::shared_ptr<Segment> Segment::select(const std::vector<LayerPlan> & layers, const std::vector<std::vector<int32_t>> & keep) const {
    std::vector<uint32_t> kept;
    for (size_t i = 0; i < counts.size(); i++) {
        const auto isOutside = [&](int32_t row) { return row < 0 || row >= static_cast<int64_t>(counts[i]); };
        if (keep.size() != counts.size() || std::any_of(keep[i].begin(), keep[i].end(), isOutside)) {
            throw KvError("internal", "keep lists do not fit the segment");
        }
        kept.push_back(static_cast<uint32_t>(keep[i].size()));
    }
    auto segment = std::make_shared<Segment>(shape, rows, layers, std::move(kept));
    RowMover mover(rows);
    for (int layer = 0; layer < shape.nLayers; layer++) {
        std::vector<int32_t> sources;
        int32_t first = 0;
        for (int head = 0; head < shape.nKvHeads; head++) {
            for (const int32_t row : keep[static_cast<size_t>(layer) * shape.nKvHeads + head]) {
                sources.push_back(first + row);
            }
            first += static_cast<int32_t>(count(layer, head));
        }
        mover.gather(*layers[layer].device, k(layer), sources, segment->k(layer), 0);
        mover.gather(*layers[layer].device, v(layer), std::move(sources), segment->v(layer), 0);
    }
    mover.run();
    return segment;
}

template <typename Visit> void Segment::forRange(size_t offset, size_t size, Visit visit) const {
    size_t begin = 0;
    const size_t end = offset + size;
    for (int layer = 0; layer < shape.nLayers; layer++) {
        const size_t bytes = layerCount(layer) * rows.bytes;
        for (ggml_tensor * tensor : {k(layer), v(layer)}) {
            const size_t from = std::max(begin, offset);
            const size_t to = std::min(begin + bytes, end);
            if (from < to) {
                visit(tensor, from - begin, to - from, from - offset);
            }
            begin += bytes;
        }
    }
}

void Segment::download(size_t offset, size_t size, char * into) const {
    forRange(offset, size, [&](ggml_tensor * tensor, size_t at, size_t n, size_t to) {
        api.ggml_backend_tensor_get(tensor, into + to, at, n);
    });
}

void Segment::upload(size_t offset, size_t size, const char * from) {
    forRange(offset, size, [&](ggml_tensor * tensor, size_t at, size_t n, size_t source) {
        api.ggml_backend_tensor_set(tensor, from + source, at, n);
    });
}

}  // namespace kvasir

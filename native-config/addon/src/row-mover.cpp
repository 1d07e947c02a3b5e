#include "row-mover.h"

#include <algorithm>
#include <cstring>

#include "error.h"
#include "rotation.h"

namespace kvasir {

void RowMover::copy(Device & device, const ggml_tensor * source, uint32_t from, const ggml_tensor * target, uint32_t to, uint32_t n) {
    if (device.isHost()) {
        // A graph of set_rows takes rows one by one.
        std::memcpy(static_cast<char *>(target->data) + to * rows.bytes, static_cast<const char *>(source->data) + from * rows.bytes,
                    n * rows.bytes);
        return;
    }
    std::vector<Move> & list = moves[&device];
    const bool goesOn = !list.empty() && !list.back().isGather && list.back().rope == nullptr && list.back().source == source &&
                        list.back().target == target && list.back().from + list.back().indices.size() == from;
    if (!goesOn && n > 0) {
        list.push_back({false, source, from, target, 0, {}});
    }
    for (uint32_t i = 0; i < n; i++) {
        list.back().indices.push_back(static_cast<int32_t>(to + i));
    }
}

void RowMover::scatter(Device & device, const ggml_tensor * source, uint32_t from, const ggml_tensor * target,
                       std::vector<int32_t> indices) {
    if (!indices.empty()) {
        moves[&device].push_back({false, source, from, target, 0, std::move(indices)});
    }
}

void RowMover::scatterRotated(Device & device, const ggml_tensor * source, uint32_t from, const ggml_tensor * target,
                              std::vector<int32_t> indices, const RopeParams & rope, int delta) {
    if (delta == 0) {
        scatter(device, source, from, target, std::move(indices));
        return;
    }
    if (!rope.isKnown) {
        throw KvError("model-unsupported", "this model's graph shows no RoPE over K, so rows cannot be moved to other positions");
    }
    if (rows.type != GGML_TYPE_F16 && rows.type != GGML_TYPE_F32) {
        throw KvError("model-unsupported", "quantised rows cannot be rotated: use parallel positions or f16 rows");
    }
    if (!indices.empty()) {
        moves[&device].push_back({false, source, from, target, 0, std::move(indices), &rope, delta});
    }
}

void RowMover::gather(Device & device, const ggml_tensor * source, std::vector<int32_t> indices, const ggml_tensor * target,
                      uint32_t to) {
    if (!indices.empty()) {
        moves[&device].push_back({true, source, 0, target, to, std::move(indices)});
    }
}

void RowMover::run() {
    for (auto & [device, list] : moves) {
        // Graphs of bounded size: rotated copies need room for a copy of their rows.
        for (size_t i = 0; i < list.size(); i += 512) {
            runOn(*device, {list.begin() + i, list.begin() + std::min(list.size(), i + 512)});
        }
    }
    moves.clear();
}

void RowMover::runOn(Device & device, const std::vector<Move> & moves) {
    std::vector<int32_t> numbers;
    for (const Move & move : moves) {
        numbers.insert(numbers.end(), move.indices.begin(), move.indices.end());
        if (move.rope != nullptr) {
            numbers.insert(numbers.end(), move.indices.size(), move.delta);
        }
    }
    const DeviceTensors numbersOnDevice(device, {{GGML_TYPE_I32, static_cast<int64_t>(numbers.size()), 1}});
    ggml_tensor * all = numbersOnDevice.at(0);
    api.ggml_backend_tensor_set(all, numbers.data(), 0, numbers.size() * sizeof(int32_t));

    Graph graph(moves.size() * 3 + 8);
    const int64_t halves = static_cast<int64_t>(rows.bytes / 2);
    size_t at = 0;
    for (const Move & move : moves) {
        const int64_t n = static_cast<int64_t>(move.indices.size());
        ggml_tensor * index = graph.leaf(all, at, {GGML_TYPE_I32, {n, 1, 1}});
        at += move.indices.size() * sizeof(int32_t);
        if (move.isGather) {
            // get_rows keeps the type of I32 rows only, so a row travels as 32-bit words.
            ggml_tensor * source = graph.leaf(move.source, 0, {GGML_TYPE_I32, {rows.words(), move.source->ne[1], 1}});
            ggml_tensor * out = api.ggml_get_rows(graph.context, source, index);
            out->data = static_cast<char *>(move.target->data) + move.to * rows.bytes;
            out->buffer = move.target->buffer;
            graph.expand(out);
            continue;
        }
        ggml_tensor * source;
        if (move.rope == nullptr) {
            // set_rows copies f16 to f16 bit for bit, so a row travels as 16-bit words.
            source = graph.leaf(move.source, move.from * rows.bytes, {GGML_TYPE_F16, {halves, n, 1}});
        } else {
            ggml_tensor * k = graph.leaf(move.source, move.from * rows.bytes, {rows.type, {rows.headDim, 1, n}});
            ggml_tensor * delta = graph.leaf(all, at, {GGML_TYPE_I32, {n, 1, 1}});
            at += move.indices.size() * sizeof(int32_t);
            ggml_tensor * rotated = rotateFurther(graph, k, delta, *move.rope);
            source = graph.reinterpret(rotated, 0, {GGML_TYPE_F16, {halves, n, 1}});
        }
        ggml_tensor * target = graph.leaf(move.target, 0, {GGML_TYPE_F16, {halves, move.target->ne[1], 1}});
        graph.expand(api.ggml_set_rows(graph.context, target, source, index));
    }
    graph.run(device);
}

}  // namespace kvasir

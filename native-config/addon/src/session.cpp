#include "session.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <numeric>

#include "error.h"

namespace kvasir {

namespace {

// A K length is rounded up to 256 (a block of the GPU kernels, and llama.cpp's own rounding), so the last region of a
// layer may be read that far beyond its rows: masked, but it must be memory of ours.
constexpr uint32_t paddedBlock = 256;

// A layer whose heads differ more than this stays dense, with an op for each head: rows that nobody uses cost memory.
constexpr double maxSpread = 1.5;

std::vector<int32_t> range(uint32_t begin, uint32_t n) {
    std::vector<int32_t> indices(n);
    std::iota(indices.begin(), indices.end(), static_cast<int32_t>(begin));
    return indices;
}

}  // namespace

Session::Session(const ModelShape & shape, const RowFormat & rows, const std::vector<LayerPlan> & layers)
    : shape(shape), rows(rows), layers(layers), regions(shape.nRegions()) {
    touch();
}

void Session::touch() {
    static std::atomic<uint64_t> next{1};
    epoch = next++;
}

uint32_t Session::spread(Region * heads, uint32_t nRows) const {
    // The last head needs no room for others behind it, but one op reads as many rows of it as of the longest.
    uint32_t distance = 0, longest = 0;
    for (int head = 0; head < shape.nKvHeads; head++) {
        longest = std::max(longest, heads[head].capacity);
        if (head + 1 < shape.nKvHeads) {
            distance = std::max(distance, heads[head].capacity);
        }
    }
    const uint32_t total = distance * (shape.nKvHeads - 1) + longest;
    if (total > nRows * maxSpread) {
        return nRows;
    }
    for (int head = 0; head < shape.nKvHeads; head++) {
        heads[head].start = head * distance;
    }
    return total;
}

Session::Arena Session::layOut(std::vector<Region> & regions, uint32_t room) const {
    std::map<Device *, std::vector<DeviceTensors::Shape>> shapes;
    std::vector<Device *> order;
    std::vector<std::pair<size_t, size_t>> place(shape.nLayers);
    for (int layer = 0; layer < shape.nLayers; layer++) {
        uint32_t total = 0;
        for (int head = 0; head < shape.nKvHeads; head++) {
            Region & r = regions[index(layer, head)];
            r.start = total;
            r.capacity = r.base + live + room;
            total += r.capacity;
        }
        if (layers[layer].isSpread) {
            total = spread(&regions[index(layer, 0)], total);
        }
        Device * device = layers[layer].device;
        if (shapes.find(device) == shapes.end()) {
            order.push_back(device);
        }
        auto & list = shapes[device];
        place[layer] = {std::find(order.begin(), order.end(), device) - order.begin(), list.size()};
        const DeviceTensors::Shape words = {GGML_TYPE_I32, rows.words(), total + paddedBlock};
        list.push_back(words);
        list.push_back(words);
    }
    Arena arena;
    for (Device * device : order) {
        // In main memory the rows are copied over most of it, and the rest is cleared then.
        arena.owners.push_back(std::make_unique<DeviceTensors>(*device, shapes[device], !device->isHost()));
    }
    for (const auto & [owner, slot] : place) {
        arena.k.push_back(arena.owners[owner]->at(slot));
        arena.v.push_back(arena.owners[owner]->at(slot + 1));
    }
    return arena;
}

namespace {

bool isSeen(const Part & part, const LayerPlan & layer) {
    return layer.window == 0 || part.isAdjacent;
}

}  // namespace

void Session::clearRest(const std::vector<Region> & regions, const Arena & arena) const {
    for (int layer = 0; layer < shape.nLayers; layer++) {
        if (!layers[layer].device->isHost()) {
            continue;
        }
        for (const ggml_tensor * rowsOf : {arena.k[layer], arena.v[layer]}) {
            const uint32_t total = static_cast<uint32_t>(rowsOf->ne[1]);
            for (int head = 0; head < shape.nKvHeads; head++) {
                const Region & r = regions[index(layer, head)];
                const uint32_t from = r.start + r.base + live;
                const uint32_t to = head + 1 < shape.nKvHeads ? regions[index(layer, head + 1)].start : total;
                std::memset(static_cast<char *>(rowsOf->data) + from * rows.bytes, 0, (to - from) * rows.bytes);
            }
        }
    }
}

void Session::compose(const std::vector<Part> & parts, uint32_t room) {
    std::vector<Region> next = regions;
    for (int layer = 0; layer < shape.nLayers; layer++) {
        for (int head = 0; head < shape.nKvHeads; head++) {
            Region & r = next[index(layer, head)];
            r.base = 0;
            for (const Part & part : parts) {
                r.base += isSeen(part, layers[layer]) ? part.segment->count(layer, head) : 0;
            }
        }
    }
    Arena nextArena = layOut(next, std::max(room, paddedBlock));
    RowMover mover(rows);
    std::vector<uint32_t> filled(shape.nRegions(), 0);
    for (const Part & part : parts) {
        for (int layer = 0; layer < shape.nLayers; layer++) {
            const LayerPlan & plan = layers[layer];
            if (!isSeen(part, plan)) {
                continue;
            }
            std::vector<int32_t> targets;
            for (const bool isK : {false, true}) {
                uint32_t from = 0;
                for (int head = 0; head < shape.nKvHeads; head++) {
                    const size_t i = index(layer, head);
                    const uint32_t n = part.segment->count(layer, head);
                    const uint32_t to = next[i].start + filled[i];
                    if (!isK) {
                        mover.copy(*plan.device, part.segment->v(layer), from, nextArena.v[layer], to, n);
                    } else if (part.delta == 0) {
                        mover.copy(*plan.device, part.segment->k(layer), from, nextArena.k[layer], to, n);
                    } else {
                        const std::vector<int32_t> here = range(to, n);
                        targets.insert(targets.end(), here.begin(), here.end());
                    }
                    from += n;
                }
            }
            if (!targets.empty()) {
                mover.scatterRotated(*plan.device, part.segment->k(layer), 0, nextArena.k[layer], std::move(targets), plan.rope,
                                     part.delta);
            }
            for (int head = 0; head < shape.nKvHeads; head++) {
                filled[index(layer, head)] += part.segment->count(layer, head);
            }
        }
    }
    if (!arena.k.empty()) {
        for (int layer = 0; layer < shape.nLayers; layer++) {
            for (int head = 0; head < shape.nKvHeads; head++) {
                const Region & a = regions[index(layer, head)];
                const Region & b = next[index(layer, head)];
                mover.copy(*layers[layer].device, arena.k[layer], a.start + a.base, nextArena.k[layer], b.start + b.base, live);
                mover.copy(*layers[layer].device, arena.v[layer], a.start + a.base, nextArena.v[layer], b.start + b.base, live);
            }
        }
    }
    mover.run();
    clearRest(next, nextArena);
    regions = std::move(next);
    arena = std::move(nextArena);
    touch();
}

void Session::reserve(uint32_t n) {
    const bool fits = !arena.k.empty() && std::all_of(regions.begin(), regions.end(), [&](const Region & r) {
        return r.base + live + n <= r.capacity;
    });
    if (fits) {
        return;
    }
    // Growing by half keeps the number of re-layings logarithmic for a long answer.
    std::vector<Region> next = regions;
    Arena nextArena = layOut(next, std::max({n, live / 2, arena.k.empty() ? 0u : paddedBlock}));
    if (!arena.k.empty()) {
        RowMover mover(rows);
        for (int layer = 0; layer < shape.nLayers; layer++) {
            for (int head = 0; head < shape.nKvHeads; head++) {
                const Region & a = regions[index(layer, head)];
                const Region & b = next[index(layer, head)];
                mover.copy(*layers[layer].device, arena.k[layer], a.start, nextArena.k[layer], b.start, b.base + live);
                mover.copy(*layers[layer].device, arena.v[layer], a.start, nextArena.v[layer], b.start, b.base + live);
            }
        }
        mover.run();
    }
    clearRest(next, nextArena);
    regions = std::move(next);
    arena = std::move(nextArena);
    touch();
}

void Session::truncate(uint32_t n) {
    live = std::min(live, n);
}

void Session::extend(const Segment & segment) {
    const uint32_t n = segment.count(0, 0);
    if (std::any_of(segment.counts.begin(), segment.counts.end(), [n](uint32_t count) { return count != n; })) {
        throw KvError("internal", "live rows are the same tokens in every layer and KV head");
    }
    reserve(n);
    RowMover mover(rows);
    for (int layer = 0; layer < shape.nLayers; layer++) {
        std::vector<int32_t> targets;
        for (int head = 0; head < shape.nKvHeads; head++) {
            const Region & r = region(layer, head);
            const std::vector<int32_t> next = range(r.start + r.base + live, n);
            targets.insert(targets.end(), next.begin(), next.end());
        }
        mover.scatter(*layers[layer].device, segment.k(layer), 0, arena.k[layer], targets);
        mover.scatter(*layers[layer].device, segment.v(layer), 0, arena.v[layer], std::move(targets));
    }
    mover.run();
    live += n;
    touch();
}

namespace {

void checkKeep(const std::vector<std::vector<int32_t>> & keep, size_t nRegions, uint32_t live) {
    if (keep.size() != nRegions) {
        throw KvError("internal", "a keep list is needed for every layer and KV head");
    }
    for (size_t i = 0; i < keep.size(); i++) {
        for (const int32_t row : keep[i]) {
            if (row < 0 || row >= static_cast<int64_t>(live)) {
                throw KvError("internal", "a keep list names row " + std::to_string(row) + " of " + std::to_string(live));
            }
        }
    }
}

}  // namespace

std::shared_ptr<Segment> Session::gather(const std::vector<std::vector<int32_t>> & keep) const {
    checkKeep(keep, regions.size(), live);
    std::vector<uint32_t> counts;
    for (const auto & list : keep) {
        counts.push_back(static_cast<uint32_t>(list.size()));
    }
    auto segment = std::make_shared<Segment>(shape, rows, layers, std::move(counts));
    RowMover mover(rows);
    for (int layer = 0; layer < shape.nLayers; layer++) {
        std::vector<int32_t> sources;
        for (int head = 0; head < shape.nKvHeads; head++) {
            const Region & r = region(layer, head);
            for (const int32_t row : keep[index(layer, head)]) {
                sources.push_back(static_cast<int32_t>(r.start + r.base) + row);
            }
        }
        mover.gather(*layers[layer].device, arena.k[layer], sources, segment->k(layer), 0);
        mover.gather(*layers[layer].device, arena.v[layer], std::move(sources), segment->v(layer), 0);
    }
    mover.run();
    return segment;
}

std::unique_ptr<Session> Session::fork() const {
    auto copy = std::make_unique<Session>(shape, rows, layers);
    copy->regions = regions;
    copy->live = live;
    if (!arena.k.empty()) {
        copy->arena = copy->layOut(copy->regions, paddedBlock);
        RowMover mover(rows);
        for (int layer = 0; layer < shape.nLayers; layer++) {
            for (int head = 0; head < shape.nKvHeads; head++) {
                const uint32_t from = region(layer, head).start;
                const uint32_t to = copy->region(layer, head).start;
                mover.copy(*layers[layer].device, arena.k[layer], from, copy->arena.k[layer], to, length(layer, head));
                mover.copy(*layers[layer].device, arena.v[layer], from, copy->arena.v[layer], to, length(layer, head));
            }
        }
        mover.run();
        copy->clearRest(copy->regions, copy->arena);
    }
    return copy;
}

uint32_t Session::maxLength() const {
    uint32_t n = 0;
    for (const Region & r : regions) {
        n = std::max(n, r.base + live);
    }
    return n;
}

size_t Session::bytes() const {
    size_t n = 0;
    for (const auto & owner : arena.owners) {
        n += owner->bytes();
    }
    return n;
}

}  // namespace kvasir

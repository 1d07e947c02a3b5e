#include "host-attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "host-kernels.h"

namespace kvasir {

namespace {

// Queries at a time, about: so many go over keys that were fetched from memory once, and their logits are in the second cache.
constexpr int64_t chunkQueries = 24;
// Keys that stay in the first cache meanwhile.
constexpr int64_t panelKeys = 64;

// Shares that the tokens are dealt to, a chunk at a time (later ones see more keys), so that every thread has its own.
constexpr int64_t nShares = 16;

int64_t padded(int64_t n, int64_t to = blockKeys) {
    return (n + to - 1) / to * to;
}

int64_t chunkTokens(int64_t queriesPerKvHead) {
    return std::max<int64_t>(1, chunkQueries / queriesPerKvHead);
}

/** Of a KV head: [blocks of keys, headDim, blockKeys], so that a channel's keys lie side by side, and a block's in one piece. */
void transpose(const ggml_tensor * keys, int64_t head, std::vector<float> & blocks) {
    const int64_t d = keys->ne[0], n = keys->ne[1];
    const auto toFloat = api.ggml_get_type_traits(keys->type)->to_float;
    blocks.assign(static_cast<size_t>(d * padded(n)), 0.0f);
    std::vector<float> row(static_cast<size_t>(d));
    for (int64_t j = 0; j < n; j++) {
        const char * key = static_cast<const char *>(keys->data) + head * keys->nb[3] + j * keys->nb[1];
        if (toFloat == nullptr) {
            std::memcpy(row.data(), key, row.size() * sizeof(float));
        } else {
            toFloat(key, row.data(), d);
        }
        float * into = blocks.data() + j / blockKeys * blockKeys * d + j % blockKeys;
        for (int64_t c = 0; c < d; c++) {
            into[c * blockKeys] = row[c];
        }
    }
}

/** One thread's way through its shares of the tokens. */
class Folding {
public:
    Folding(ggml_tensor * dst, const HostAttention & attention)
        : attention(attention), dst(dst), asked(dst->src[0]), here(dst->src[1]), keys(dst->src[2]), d(keys->ne[0]), nKeys(keys->ne[1]), G(asked->ne[2]),
          nTokens(asked->ne[1]), stride(padded(nKeys) + attention.nNear), nearStride(padded(attention.nNear + chunkTokens(G) * attention.stride) + blockKeys) {
        const int64_t most = padded(chunkTokens(G) * G, blockQueries);
        queries.resize(static_cast<size_t>(most * d));
        logits.resize(static_cast<size_t>(most * stride));
        nearby.resize(static_cast<size_t>(attention.nNear > 0 ? most * nearStride : 0));
    }

    void fold(int64_t share, int64_t head) {
        if (head != headThere) {
            transpose(keys, head, blocks);
            headThere = head;
        }
        for (int64_t query = 0; query < G; query++) {
            std::fill_n(target(share, head, query), dst->ne[0], 0.0f);
        }
        const int64_t step = chunkTokens(G);
        for (int64_t from = share * step; from < nTokens; from += dst->ne[1] * step) {
            foldChunk(share, head, from, std::min(nTokens, from + step));
        }
    }

private:
    float * target(int64_t share, int64_t head, int64_t query) const {
        return reinterpret_cast<float *>(static_cast<char *>(dst->data) + share * dst->nb[1] + (head * G + query) * dst->nb[2]);
    }
    int64_t seenBy(int64_t token) const { return attention.seen + token * attention.stride; }
    /** The first of the keys that are near. */
    int64_t nearOf(int64_t token) const { return std::max(attention.first, seenBy(token) - attention.nNear); }

    /** Tokens [from, to); row `i` of queries and logits is query i % G of token from + i / G. */
    void foldChunk(int64_t share, int64_t head, int64_t from, int64_t to) {
        const bool isAhead = attention.nNear > 0;
        weigh(asked, head, from, to);
        multiplyAll((to - from) * G, 0, isAhead ? nKeys : seenBy(to - 1), logits.data(), stride);
        const int64_t nearFrom = isAhead ? nearOf(from) / blockKeys * blockKeys : 0;
        if (isAhead) {
            weigh(here, head, from, to);
            multiplyAll((to - from) * G, nearFrom, seenBy(to - 1), nearby.data(), nearStride);
        }
        for (int64_t i = 0; i < (to - from) * G; i++) {
            const int64_t token = from + i / G;
            float * row = logits.data() + i * stride;
            int64_t n = isAhead ? nKeys : seenBy(token);
            const int64_t nCounted = std::min(dst->ne[0], n - attention.first);
            if (isAhead) {
                std::copy_n(nearby.data() + i * nearStride + nearOf(token) - nearFrom, seenBy(token) - nearOf(token), row + n);
                n += seenBy(token) - nearOf(token);
            }
            if (attention.softCap != 0) {
                cap(row, n, (*attention.gain)[token]);
            }
            const float factor = kernels().attend(row, n);
            kernels().receive(row + attention.first, nCounted, factor, attention.over, target(share, head, i % G));
        }
    }

    /** Logits of the first n queries over the keys [from, to), from a whole block on. */
    void multiplyAll(int64_t n, int64_t from, int64_t to, float * into, int64_t rowLength) const {
        for (int64_t panel = from; panel < to; panel += panelKeys) {
            for (int64_t i = 0; i < n; i += blockQueries) {
                kernels().multiply(queries.data() + i * d, blocks.data() + panel * d, d, std::min(panelKeys, to - panel), into + i * rowLength + panel - from, rowLength);
            }
        }
    }

    /** The gain is multiplied into the queries; capped logits get it afterwards. */
    void weigh(const ggml_tensor * tensor, int64_t head, int64_t from, int64_t to) {
        float * into = queries.data();
        for (int64_t token = from; token < to; token++) {
            const float factor = attention.scale * (attention.softCap != 0 ? 1 : (*attention.gain)[token]);
            for (int64_t query = 0; query < G; query++) {
                const char * row = static_cast<const char *>(tensor->data) + token * tensor->nb[1] + query * tensor->nb[2] + head * tensor->nb[3];
                for (int64_t c = 0; c < d; c++) {
                    *into++ = reinterpret_cast<const float *>(row)[c] * factor;
                }
            }
        }
    }
    void cap(float * row, int64_t n, float gain) const {
        for (int64_t j = 0; j < n; j++) {
            row[j] = attention.softCap * std::tanh(row[j] / attention.softCap) * gain;
        }
    }

    const HostAttention & attention;
    ggml_tensor * dst;
    const ggml_tensor * asked, * here, * keys;
    const int64_t d, nKeys, G, nTokens, stride, nearStride;
    std::vector<float> blocks, queries, logits, nearby;
    int64_t headThere = -1;
};

void foldShares(ggml_tensor * dst, int ith, int nth, void * attention) {
    Folding folding(dst, *static_cast<const HostAttention *>(attention));
    const int64_t nPerHead = dst->ne[1], n = nPerHead * dst->src[0]->ne[3];
    // A head's shares go to as few threads as may be: each of them transposes its keys.
    for (int64_t task = ith * n / nth; task < (ith + 1) * n / nth; task++) {
        folding.fold(task % nPerHead, task / nPerHead);
    }
}

}  // namespace

ggml_tensor * foldedAttention(Graph & graph, const HostAttention & attention, ggml_tensor * asked, ggml_tensor * here, ggml_tensor * keys, int64_t n) {
    ggml_tensor * args[] = {asked, here, keys};
    const int64_t step = chunkTokens(asked->ne[2]);
    return api.ggml_custom_4d(graph.context, GGML_TYPE_F32, n, std::min(nShares, padded(asked->ne[1], step) / step), asked->ne[2] * asked->ne[3], 1, args, 3,
                              foldShares, GGML_N_TASKS_MAX, const_cast<HostAttention *>(&attention));
}

}  // namespace kvasir

#include "host-attention.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

// Compilers make vectors of the plain loops below; where the loader can choose, also of those that most processors have by now.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define KVASIR_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define KVASIR_INLINE inline __attribute__((always_inline))
#else
#define KVASIR_WIDE
#define KVASIR_INLINE inline
#endif

namespace kvasir {

namespace {

// Keys, and queries, of a block whose products stay in registers.
constexpr int64_t blockKeys = 16;
constexpr int64_t blockQueries = 8;

// Shares that the tokens are dealt to, a block's worth at a time (later ones see more keys), so that every thread has its own.
constexpr int64_t nShares = 16;

// A key that is attended to by less than e to the power of this adds nothing to a softmax in f32.
constexpr float least = -40.0f;

int64_t padded(int64_t n) {
    return (n + blockKeys - 1) / blockKeys * blockKeys;
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

/** Logits of blockQueries queries, [blockQueries, d], over n keys, whole blocks of them. */
KVASIR_WIDE void multiply(const float * queries, const float * blocks, int64_t d, int64_t n, float * logits, int64_t stride) {
    for (int64_t from = 0; from < n; from += blockKeys) {
        float sums[blockQueries][blockKeys] = {};
        const float * keys = blocks + from * d;
        for (int64_t c = 0; c < d; c++, keys += blockKeys) {
            for (int64_t i = 0; i < blockQueries; i++) {
                const float channel = queries[i * d + c];
                for (int64_t j = 0; j < blockKeys; j++) {
                    sums[i][j] += channel * keys[j];
                }
            }
        }
        for (int64_t i = 0; i < blockQueries; i++) {
            std::copy_n(sums[i], blockKeys, logits + i * stride + from);
        }
    }
}

/** e^x for x <= 0, to 2 units of the last place: 2^n e^r with |r| <= ln(2) / 2, e^r by its Taylor series. */
KVASIR_INLINE float expOf(float to) {
    const float x = to < least ? least : to;
    // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
    const float rounded = x * 1.44269504f + 12582912.0f;
    int32_t bits;
    std::memcpy(&bits, &rounded, sizeof(bits));
    const float n = rounded - 12582912.0f;
    const float r = (x - n * 0.693145752f) - n * 1.42860677e-6f;
    float series = (((((1.0f / 720 * r + 1.0f / 120) * r + 1.0f / 24) * r + 1.0f / 6) * r + 0.5f) * r + 1.0f) * r + 1.0f;
    int32_t power;
    std::memcpy(&power, &series, sizeof(power));
    power += bits << 23;
    std::memcpy(&series, &power, sizeof(series));
    return to < least ? 0.0f : series;
}

/** Logits in the place of p[n] become their softmax times a factor. @return its inverse */
KVASIR_WIDE float attend(float * p, int64_t n) {
    float highest = p[0], sum = 0;
#pragma omp simd reduction(max : highest)
    for (int64_t j = 0; j < n; j++) {
        highest = highest < p[j] ? p[j] : highest;
    }
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < n; j++) {
        p[j] = expOf(p[j] - highest);
        sum += p[j];
    }
    return 1 / sum;
}

/** Adds a token's attention to what was received before: p[n] times the factor. */
KVASIR_WIDE void receive(const float * p, int64_t n, float factor, Scores::Over over, float * into) {
    if (over == Scores::Over::max) {
        for (int64_t j = 0; j < n; j++) {
            const float part = p[j] * factor;
            into[j] = into[j] < part ? part : into[j];
        }
    } else if (over == Scores::Over::norm) {
        for (int64_t j = 0; j < n; j++) {
            const float part = p[j] * factor;
            into[j] += part * part;
        }
    } else {
        for (int64_t j = 0; j < n; j++) {
            into[j] += p[j] * factor;
        }
    }
}

/** One thread's way through its shares of the tokens. */
class Folding {
public:
    Folding(ggml_tensor * dst, const HostAttention & attention)
        : attention(attention), dst(dst), asked(dst->src[0]), here(dst->src[1]), keys(dst->src[2]), d(keys->ne[0]), nKeys(keys->ne[1]),
          stride(padded(nKeys) + attention.nNear), nearStride(padded(attention.nNear + blockQueries * attention.stride) + blockKeys),
          queries(static_cast<size_t>(blockQueries * d)), logits(static_cast<size_t>(blockQueries * stride)),
          nearby(static_cast<size_t>(attention.nNear > 0 ? blockQueries * nearStride : 0)) {}

    void fold(int64_t share, int64_t head) {
        if (head != headThere) {
            transpose(keys, head, blocks);
            headThere = head;
        }
        const int64_t G = asked->ne[2];
        for (int64_t query = 0; query < G; query++) {
            std::fill_n(target(share, head, query), dst->ne[0], 0.0f);
        }
        const int64_t nTokens = asked->ne[1];
        std::vector<Query> block;
        for (int64_t from = share * blockQueries; from < nTokens; from += dst->ne[1] * blockQueries) {
            for (int64_t token = from; token < std::min(nTokens, from + blockQueries); token++) {
                for (int64_t query = 0; query < G; query++) {
                    block.push_back({token, query});
                    if (block.size() == blockQueries) {
                        foldBlock(share, head, block);
                        block.clear();
                    }
                }
            }
        }
        if (!block.empty()) {
            foldBlock(share, head, block);
        }
    }

private:
    struct Query {
        int64_t token, query;
    };

    float * target(int64_t share, int64_t head, int64_t query) const {
        return reinterpret_cast<float *>(static_cast<char *>(dst->data) + share * dst->nb[1] + (head * asked->ne[2] + query) * dst->nb[2]);
    }
    int64_t seenBy(const Query & one) const { return attention.seen + one.token * attention.stride; }
    /** The first of the keys that are near. */
    int64_t nearOf(const Query & one) const { return std::max(attention.first, seenBy(one) - attention.nNear); }

    void foldBlock(int64_t share, int64_t head, const std::vector<Query> & block) {
        const bool isAhead = attention.nNear > 0;
        const int64_t most = isAhead ? nKeys : seenBy(block.back());
        weigh(asked, head, block);
        multiply(queries.data(), blocks.data(), d, most, logits.data(), stride);
        const int64_t nearFrom = isAhead ? nearOf(block.front()) / blockKeys * blockKeys : 0;
        if (isAhead) {
            weigh(here, head, block);
            multiply(queries.data(), blocks.data() + nearFrom * d, d, seenBy(block.back()) - nearFrom, nearby.data(), nearStride);
        }
        for (size_t i = 0; i < block.size(); i++) {
            const Query & one = block[i];
            float * row = logits.data() + i * stride;
            int64_t n = isAhead ? nKeys : seenBy(one);
            const int64_t nCounted = std::min(dst->ne[0], n - attention.first);
            if (isAhead) {
                const int64_t from = nearOf(one);
                std::copy_n(nearby.data() + i * nearStride + from - nearFrom, seenBy(one) - from, row + n);
                n += seenBy(one) - from;
            }
            if (attention.softCap != 0) {
                cap(row, n, (*attention.gain)[one.token]);
            }
            const float factor = attend(row, n);
            receive(row + attention.first, nCounted, factor, attention.over, target(share, head, one.query));
        }
    }

    /** The gain is multiplied into the queries; capped logits get it afterwards. */
    void weigh(const ggml_tensor * tensor, int64_t head, const std::vector<Query> & block) {
        for (size_t i = 0; i < block.size(); i++) {
            const auto & [token, query] = block[i];
            const auto * from = reinterpret_cast<const float *>(static_cast<const char *>(tensor->data) + token * tensor->nb[1] + query * tensor->nb[2] + head * tensor->nb[3]);
            const float factor = attention.scale * (attention.softCap != 0 ? 1 : (*attention.gain)[token]);
            for (int64_t c = 0; c < d; c++) {
                queries[i * d + c] = from[c] * factor;
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
    const int64_t d, nKeys, stride, nearStride;
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
    return api.ggml_custom_4d(graph.context, GGML_TYPE_F32, n, std::min(nShares, (asked->ne[1] + blockQueries - 1) / blockQueries), asked->ne[2] * asked->ne[3], 1, args, 3, foldShares,
                              GGML_N_TASKS_MAX, const_cast<HostAttention *>(&attention));
}

}  // namespace kvasir

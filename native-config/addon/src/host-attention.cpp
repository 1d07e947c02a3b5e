#include "host-attention.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__GNUC__)
#define KVASIR_INLINE inline __attribute__((always_inline))
#else
#define KVASIR_INLINE inline
#endif

namespace kvasir {

namespace {

// Keys, and queries, of a block whose products stay in registers.
constexpr int64_t blockKeys = 16;
constexpr int64_t blockQueries = 8;

// Queries at a time, about: so many go over keys that were fetched from memory once, and their logits are in the second cache.
constexpr int64_t chunkQueries = 24;
// Keys that stay in the first cache meanwhile.
constexpr int64_t panelKeys = 64;

// Shares that the tokens are dealt to, a chunk at a time (later ones see more keys), so that every thread has its own.
constexpr int64_t nShares = 16;

// A key that is attended to by less than e to the power of this adds nothing to a softmax in f32.
constexpr float least = -40.0f;

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

#if defined(__GNUC__)
/** As many floats as a register has: GCC keeps them in one only where it is told so. */
template <int bytes>
struct Register {
    typedef float Floats __attribute__((vector_size(bytes), aligned(4), may_alias));
};
#else
template <int bytes>
struct Register {
    struct Floats {
        float at[bytes / sizeof(float)];
        friend Floats operator*(float a, Floats b) {
            for (float & one : b.at) {
                one *= a;
            }
            return b;
        }
        Floats & operator+=(const Floats & other) {
            for (size_t j = 0; j < bytes / sizeof(float); j++) {
                at[j] += other.at[j];
            }
            return *this;
        }
    };
};
#endif

/** Logits of blockQueries queries, [blockQueries, d], over n keys, whole blocks of them; `abreast` queries at a time. */
template <int bytes, int abreast>
KVASIR_INLINE void multiplyBy(const float * queries, const float * blocks, int64_t d, int64_t n, float * logits, int64_t stride) {
    using Floats = typename Register<bytes>::Floats;
    constexpr int floats = bytes / static_cast<int>(sizeof(float)), nRegisters = static_cast<int>(blockKeys) / floats;
    for (int64_t from = 0; from < n; from += blockKeys) {
        for (int64_t first = 0; first < blockQueries; first += abreast) {
            const float * asked = queries + first * d;
            const float * keys = blocks + from * d;
            Floats sums[abreast * nRegisters] = {};
            for (int64_t c = 0; c < d; c++, keys += blockKeys) {
                for (int j = 0; j < nRegisters; j++) {
                    const Floats key = *reinterpret_cast<const Floats *>(keys + j * floats);
                    for (int i = 0; i < abreast; i++) {
                        sums[i * nRegisters + j] += asked[i * d + c] * key;
                    }
                }
            }
            for (int i = 0; i < abreast; i++) {
                for (int j = 0; j < nRegisters; j++) {
                    *reinterpret_cast<Floats *>(logits + (first + i) * stride + from + j * floats) = sums[i * nRegisters + j];
                }
            }
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
KVASIR_INLINE float attendTo(float * p, int64_t n) {
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
KVASIR_INLINE void receiveOf(const float * p, int64_t n, float factor, Scores::Over over, float * into) {
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

/** The inner loops, made for the registers of a kind of processor. */
struct Kernels {
    void (*multiply)(const float * queries, const float * blocks, int64_t d, int64_t n, float * logits, int64_t stride);
    float (*attend)(float * p, int64_t n);
    void (*receive)(const float * p, int64_t n, float factor, Scores::Over over, float * into);
};

#define KVASIR_KERNELS(name, target, bytes, abreast)                                                                                      \
    target void multiply##name(const float * queries, const float * blocks, int64_t d, int64_t n, float * logits, int64_t stride) {       \
        multiplyBy<bytes, abreast>(queries, blocks, d, n, logits, stride);                                                                \
    }                                                                                                                                     \
    target float attend##name(float * p, int64_t n) { return attendTo(p, n); }                                                            \
    target void receive##name(const float * p, int64_t n, float factor, Scores::Over over, float * into) {                                \
        receiveOf(p, n, factor, over, into);                                                                                              \
    }                                                                                                                                     \
    constexpr Kernels name = {multiply##name, attend##name, receive##name};

KVASIR_KERNELS(everywhere, , 16, 4)
#if defined(__GNUC__) && defined(__x86_64__)
KVASIR_KERNELS(avx2, __attribute__((target("avx2,fma"))), 32, 4)
KVASIR_KERNELS(avx512, __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), 64, 8)
#endif

const Kernels & kernels() {
#if defined(__GNUC__) && defined(__x86_64__)
    static const Kernels & best = [] () -> const Kernels & {
        if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
            return avx512;
        }
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? avx2 : everywhere;
    }();
    return best;
#else
    return everywhere;
#endif
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

#include "host-kernels.h"

#include <cstring>

#if defined(__GNUC__)
#define KVASIR_INLINE inline __attribute__((always_inline))
#else
#define KVASIR_INLINE inline
#endif

namespace kvasir {

namespace {

// A key that is attended to by less than e to the power of this adds nothing to a softmax in f32.
constexpr float least = -40.0f;

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

/** `abreast` queries at a time. */
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

}  // namespace

const Kernels & kernels() {
#if defined(__GNUC__) && defined(__x86_64__)
    static const Kernels & best = []() -> const Kernels & {
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

}  // namespace kvasir

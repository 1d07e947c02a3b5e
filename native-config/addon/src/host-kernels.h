// The inner loops of attention in main memory, made for the registers of several kinds of processors.
#pragma once

#include <cstdint>

#include "scores.h"

namespace kvasir {

// Keys, and queries, of a block whose products stay in registers.
constexpr int64_t blockKeys = 16;
constexpr int64_t blockQueries = 8;

struct Kernels {
    /**
     * Logits of blockQueries queries over n keys, whole blocks of them.
     * @param queries [blockQueries, d]
     * @param blocks  [blocks of keys, d, blockKeys]
     * @param logits  [blockQueries, stride]
     */
    void (*multiply)(const float * queries, const float * blocks, int64_t d, int64_t n, float * logits, int64_t stride);
    /** Logits in the place of p[n] become their softmax times a factor. @return its inverse */
    float (*attend)(float * p, int64_t n);
    /** Adds a token's attention to what was received before: p[n] times the factor, its squares, or the larger of the two. */
    void (*receive)(const float * p, int64_t n, float factor, Scores::Over over, float * into);
};

/** Those for this processor. */
const Kernels & kernels();

}  // namespace kvasir

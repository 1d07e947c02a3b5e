// What the model's graph says about its attention: learnt from one decode in which nothing is computed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "device.h"

namespace kvasir {

/** How one row of K or V is stored. Rows move between buffers as raw 32-bit words, whatever their type is. */
struct RowFormat {
    ggml_type type;   // f32, f16, q8_0 or q4_0; the same for K and V
    int64_t headDim;  // elements of one row of one KV head
    size_t bytes;     // bytes of such a row
    int64_t words() const { return static_cast<int64_t>(bytes / 4); }
};

/** RoPE as the model's own graph applies it to K of one layer, to rotate kept rows by a further delta. */
struct RopeParams {
    bool isKnown = false;
    int nDims = 0;
    int mode = 0;
    int nCtxOrig = 0;
    float freqBase = 0, freqScale = 0, extFactor = 0, attnFactor = 0, betaFast = 0, betaSlow = 0;
    ggml_tensor * freqFactors = nullptr;
};

/** One cache of llama.cpp: the K and V cells of a layer, or of several layers that share them. */
struct LayerPlan {
    int modelLayer = 0;  // as in the tensor's name, cache_k_l<il>
    ggml_tensor * cacheK = nullptr;
    ggml_tensor * cacheV = nullptr;
    Device * device = nullptr;
    uint32_t window = 0;  // tokens that the layer sees back; 0 for all
    /** Regions of heads of different lengths lie equally far apart, so that one op sees all of them (graft.h). */
    bool isSpread = false;
    /** Around its attention node lie nodes that compute nothing, where a graft can put a mask and the order of the output. */
    bool hasIdleNodes = false;
    RopeParams rope;
};

struct ModelShape {
    int nLayers = 0;   // caches
    int nHeads = 0;    // query heads
    int nKvHeads = 0;
    int headDim = 0;
    int queriesPerKvHead() const { return nHeads / nKvHeads; }
    size_t nRegions() const { return static_cast<size_t>(nLayers) * nKvHeads; }
};

/** The leaf under views and casts: of an attention node's K or V the cache that it reads. */
ggml_tensor * rootOf(ggml_tensor * tensor);

/** Why this model cannot run through the seam, by what llama.cpp says of it before any graph is built; empty when it can. */
std::string unsupportedReason(const llama_model * model);

}  // namespace kvasir

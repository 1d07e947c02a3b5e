// llama.cpp's own samplers, put together from one description.
#pragma once

#include <memory>
#include <string>

#include "api.h"
#include "draft.h"

namespace kvasir {

struct SamplingOptions {
    float temperature = 0.0f;  // 0 is greedy
    int32_t topK = 40;         // 0 is off
    float topP = 0.95f;        // 1 is off
    float minP = 0.05f;        // 0 is off
    float repeatPenalty = 1.0f;
    int32_t repeatLastN = 64;
    uint32_t seed = LLAMA_DEFAULT_SEED;
    std::string grammar;  // GBNF; empty for none
};

struct SamplerFree {
    void operator()(llama_sampler * sampler) const { api.llama_sampler_free(sampler); }
};
using Sampler = std::unique_ptr<llama_sampler, SamplerFree>;

/** A generation that stopped in the middle: its samplers and drafts with their state, and the token that was sampled last. */
struct Sampling {
    Sampler sampler;
    Draft draft;
    llama_token pending = LLAMA_TOKEN_NULL;
};

/** @throws KvError "usage" when the grammar does not parse */
Sampler makeSampler(const llama_vocab * vocab, const SamplingOptions & options);

}  // namespace kvasir

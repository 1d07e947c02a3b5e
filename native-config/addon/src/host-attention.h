// What tokens of a batch attend to, folded over them, in main memory: products, softmax and sums in one op, a few queries at a
// time, so that their logits stay in a core's cache. ggml's ops would write all of them and read them again for each step, and
// its product adds up the lanes of a register for every logit, after as few multiplications as a head has channels.
#pragma once

#include <vector>

#include "graph.h"
#include "scores.h"

namespace kvasir {

/** What some tokens of a batch ask, by heads that share an op. */
struct HostAttention {
    const std::vector<float> * gain;  // one per token, over `scale`
    float scale;                      // of the logits
    float softCap;                    // 0: none
    int64_t seen;                     // keys that the first token sees, itself included
    int64_t stride;                   // keys that each further one sees more
    int64_t nNear;                    // keys up to a token's own that it asks as it is, while it asks all keys from ahead; or 0
    int64_t first;                    // the first key that counts, and that may be near
    Scores::Over over;
};

/**
 * softmax(gain * scale * q K) by token, folded over blocks of tokens. Near keys take their part of the softmax and no score.
 * @param attention must outlive the graph
 * @param asked [headDim, tokens, queries of a KV head, KV heads] f32: queries that see every key where there are near ones
 * @param here  the queries as they are, the same layout
 * @param keys  [headDim, keys, 1, KV heads], rows of the session's type
 * @param n     keys that count
 * @return [n, blocks of tokens, query heads] f32: sums, sums of squares (norm) or maxima
 */
ggml_tensor * foldedAttention(Graph & graph, const HostAttention & attention, ggml_tensor * asked, ggml_tensor * here, ggml_tensor * keys, int64_t n);

}  // namespace kvasir

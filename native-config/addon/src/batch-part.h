// What the seam computes of a batch at a time: the part of one session, and heads that share an op.
#pragma once

#include "session.h"

namespace kvasir {

/** Neighbouring tokens of a batch that belong to one session. They see its rows and each other, nothing of other parts. */
struct BatchPart {
    Session * session;
    uint32_t first;          // its first token in the batch
    uint32_t nTokens;
    const std::vector<ScorePass> * passes;  // scoring tokens, counted from the part's first; null for none
    /** Passes with tokens in this part. */
    std::vector<const ScorePass *> scored() const {
        std::vector<const ScorePass *> found;
        for (size_t i = 0; session->scores != nullptr && passes != nullptr && i < passes->size(); i++) {
            if (!(*passes)[i].weights.empty()) {
                found.push_back(&(*passes)[i]);
            }
        }
        return found;
    }
};

/** Neighbouring KV heads of a layer with equally many rows. */
struct HeadGroup {
    int firstHead;
    int nHeads;
    uint32_t spacing;  // rows between the starts of neighbouring heads
};

}  // namespace kvasir

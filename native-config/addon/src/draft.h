// Guesses at what a model will write, by prompt lookup: what followed the same tokens before follows them again. Edits
// and completions repeat much of the files and the buffer that they are about. The model verifies every guess.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "api.h"

namespace kvasir {

class Draft {
public:
    Draft() = default;  // never guesses
    /** @param text what may be repeated, its end right before what comes next; empty never guesses */
    explicit Draft(std::vector<llama_token> text);

    /** The next token of the text. */
    void append(llama_token token);

    /**
     * What follows the longest earlier occurrence of the text's end: no more tokens than agree there already, so that a
     * chance match costs little and a long copy soon goes by the largest batch. 1, 3, 7 or 15 tokens, for graphs are kept
     * for batches of 2, 4, 8 and 16; empty when there is no guess.
     */
    std::vector<llama_token> next(size_t most);

private:
    void index(size_t end);
    uint64_t keyAt(size_t end) const;

    std::vector<llama_token> text;
    // Positions where the same last tokens ended, newest first: a chain per key, as in LZ77 coders. Up to date when a guess
    // is asked for, so that nobody waits for it before the first token.
    std::unordered_map<uint64_t, int32_t> newest;
    std::vector<int32_t> older;  // by position; -1 ends a chain
};

}  // namespace kvasir

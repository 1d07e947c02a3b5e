#include "draft.h"

#include <algorithm>
#include <utility>

namespace kvasir {

namespace {

// Tokens that must agree. Two are common in code (`) {` and the like) and would be wrong too often.
constexpr size_t keyTokens = 3;
// Occurrences that are compared, and tokens of each: what a look-up may cost.
constexpr int maxCandidates = 32;
constexpr size_t maxAgreed = 64;

constexpr size_t lengths[] = {15, 7, 3, 1};

}  // namespace

Draft::Draft(std::vector<llama_token> given) : text(std::move(given)) {}

void Draft::append(llama_token token) {
    if (text.empty()) {
        return;
    }
    text.push_back(token);
}

uint64_t Draft::keyAt(size_t end) const {
    // Vocabularies have less than 2^21 tokens, so the key is exact.
    uint64_t key = 0;
    for (size_t i = end - keyTokens; i < end; i++) {
        key = key << 21 | static_cast<uint64_t>(text[i]);
    }
    return key;
}

void Draft::index(size_t end) {
    const auto [found, isNew] = newest.try_emplace(keyAt(end), static_cast<int32_t>(end - 1));
    if (!isNew) {
        older[end - 1] = std::exchange(found->second, static_cast<int32_t>(end - 1));
    }
}

std::vector<llama_token> Draft::next(size_t most) {
    if (text.size() < keyTokens) {
        return {};
    }
    for (size_t end = std::max(older.size() + 1, keyTokens); end <= text.size(); end++) {
        older.resize(end, -1);
        index(end);
    }
    const int32_t last = static_cast<int32_t>(text.size()) - 1;
    size_t longest = 0;
    int32_t best = -1;
    int32_t at = older[last];
    for (int n = 0; n < maxCandidates && at >= 0; n++, at = older[at]) {
        size_t agreed = 0;
        while (agreed < maxAgreed && static_cast<int32_t>(agreed) <= at && text[at - agreed] == text[last - agreed]) {
            agreed++;
        }
        if (agreed > longest) {
            longest = agreed;
            best = at;
        }
    }
    const size_t nKnown = best < 0 ? 0 : static_cast<size_t>(last - best);
    const size_t limit = std::min({longest, most, nKnown});
    for (const size_t length : lengths) {
        if (length <= limit) {
            return {text.begin() + best + 1, text.begin() + best + 1 + static_cast<ptrdiff_t>(length)};
        }
    }
    return {};
}

}  // namespace kvasir

#include "sampling.h"

#include "error.h"

namespace kvasir {

Sampler makeSampler(const llama_vocab * vocab, const SamplingOptions & options) {
    Sampler chain(api.llama_sampler_chain_init(api.llama_sampler_chain_default_params()));
    const auto add = [&](llama_sampler * sampler) { api.llama_sampler_chain_add(chain.get(), sampler); };
    if (!options.grammar.empty()) {
        // First, so that the others only ever see tokens that the grammar allows.
        llama_sampler * grammar = api.llama_sampler_init_grammar(vocab, options.grammar.c_str(), "root");
        if (grammar == nullptr) {
            throw KvError("usage", "the GBNF grammar does not parse");
        }
        add(grammar);
    }
    if (options.repeatPenalty != 1.0f && options.repeatLastN > 0) {
        add(api.llama_sampler_init_penalties(api.llama_vocab_n_tokens(vocab), options.repeatLastN, options.repeatPenalty, 0.0f,
                                             0.0f));
    }
    if (options.temperature <= 0.0f) {
        add(api.llama_sampler_init_greedy());
        return chain;
    }
    if (options.topK > 0) {
        add(api.llama_sampler_init_top_k(options.topK));
    }
    if (options.topP < 1.0f) {
        add(api.llama_sampler_init_top_p(options.topP, 1));
    }
    if (options.minP > 0.0f) {
        add(api.llama_sampler_init_min_p(options.minP, 1));
    }
    add(api.llama_sampler_init_temp(options.temperature));
    add(api.llama_sampler_init_dist(options.seed));
    return chain;
}

}  // namespace kvasir

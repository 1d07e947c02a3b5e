#include "plan.h"

#include <cstdlib>

namespace kvasir {

ggml_tensor * rootOf(ggml_tensor * tensor) {
    for (;;) {
        if (tensor->view_src != nullptr) {
            tensor = tensor->view_src;
        } else if (tensor->src[0] != nullptr) {
            tensor = tensor->src[0];
        } else {
            return tensor;
        }
    }
}

namespace {

std::string metadata(const llama_model * model, const std::string & key) {
    char value[256];
    const int n = api.llama_model_meta_val_str(model, key.c_str(), value, sizeof(value));
    return n < 0 ? std::string() : std::string(value);
}

}  // namespace

std::string unsupportedReason(const llama_model * model) {
    const std::string arch = metadata(model, "general.architecture");
    if (api.llama_model_is_recurrent(model)) {
        return "recurrent model (" + arch + "): it keeps a state, not KV rows per token";
    }
    if (api.llama_model_is_hybrid(model)) {
        return "hybrid model (" + arch + "): some layers keep a recurrent state, not KV rows per token";
    }
    if (api.llama_model_has_encoder(model)) {
        return "encoder-decoder model (" + arch + ")";
    }
    if (api.llama_model_is_diffusion(model)) {
        return "diffusion model (" + arch + "): attention is not causal";
    }
    const llama_rope_type rope = api.llama_model_rope_type(model);
    if (rope == LLAMA_ROPE_TYPE_MROPE || rope == LLAMA_ROPE_TYPE_IMROPE || rope == LLAMA_ROPE_TYPE_VISION) {
        return "M-RoPE model (" + arch + "): positions have more than one axis";
    }
    if (rope == LLAMA_ROPE_TYPE_NONE) {
        return "model without RoPE (" + arch + "): ALiBi and learned positions need each key's distance at every question";
    }
    if (arch == "llama4") {
        return "chunked attention (llama4): what a token sees depends on the chunk it is in";
    }
    const std::string mla = metadata(model, arch + ".attention.kv_lora_rank");
    if (!mla.empty() && mla != "0") {
        return "MLA model (" + arch + "): keys and values are one latent row for all heads";
    }
    const std::string alibi = metadata(model, arch + ".attention.max_alibi_bias");
    if (!alibi.empty() && std::atof(alibi.c_str()) > 0) {
        return "ALiBi model (" + arch + "): slopes depend on each key's distance at every question";
    }
    return {};
}

}  // namespace kvasir

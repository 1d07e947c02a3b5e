// The public C API of llama.cpp and ggml, resolved at run time from the very library files that node-llama-cpp has
// loaded. Nothing is linked, so one addon binary serves the CPU, CUDA, Vulkan and Metal builds alike.
#pragma once

#include <string>
#include <vector>

#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "ggml.h"
#include "llama.h"

// clang-format off
#define KVASIR_LLAMA_FUNCTIONS(X)                                                                                      \
    X(llama_attach_threadpool) X(llama_batch_free) X(llama_batch_init) X(llama_context_default_params)                 \
    X(llama_decode) X(llama_detach_threadpool) X(llama_free) X(llama_get_logits_ith) X(llama_get_memory)               \
    X(llama_init_from_model) X(llama_log_set) X(llama_memory_clear) X(llama_memory_seq_cp) X(llama_memory_seq_rm)      \
    X(llama_model_desc) X(llama_model_get_vocab)                                                                       \
    X(llama_model_has_encoder) X(llama_model_is_diffusion) X(llama_model_is_hybrid) X(llama_model_is_recurrent)        \
    X(llama_model_meta_val_str) X(llama_model_n_ctx_train) X(llama_model_n_embd) X(llama_model_n_head)                 \
    X(llama_model_n_head_kv) X(llama_model_n_layer) X(llama_model_n_params) X(llama_model_n_swa)                       \
    X(llama_model_rope_type) X(llama_model_size) X(llama_sampler_accept) X(llama_sampler_chain_add)                    \
    X(llama_sampler_chain_default_params) X(llama_sampler_chain_init) X(llama_sampler_free)                            \
    X(llama_sampler_init_dist) X(llama_sampler_init_grammar) X(llama_sampler_init_greedy)                              \
    X(llama_sampler_init_min_p) X(llama_sampler_init_penalties) X(llama_sampler_init_temp)                             \
    X(llama_sampler_init_top_k) X(llama_sampler_init_top_p) X(llama_sampler_sample) X(llama_state_seq_get_data)        \
    X(llama_state_seq_get_size) X(llama_state_seq_set_data) X(llama_synchronize) X(llama_version)                      \
    X(llama_vocab_is_eog) X(llama_vocab_n_tokens) X(llama_vocab_type)

#define KVASIR_GGML_FUNCTIONS(X)                                                                                       \
    X(ggml_add) X(ggml_add_inplace) X(ggml_backend_alloc_buffer) X(ggml_backend_buffer_clear) X(ggml_backend_buffer_free)                  \
    X(ggml_backend_buffer_get_base) X(ggml_backend_buffer_get_size) X(ggml_backend_buffer_get_type)                    \
    X(ggml_backend_buffer_is_host) X(ggml_backend_buft_alloc_buffer) X(ggml_backend_buft_get_alignment)                \
    X(ggml_backend_buft_get_alloc_size) X(ggml_backend_buft_get_device) X(ggml_backend_buft_is_host)                   \
    X(ggml_backend_buft_name) X(ggml_backend_dev_backend_reg) X(ggml_backend_dev_by_type)                              \
    X(ggml_backend_dev_description) X(ggml_backend_dev_init) X(ggml_backend_dev_memory) X(ggml_backend_dev_name)       \
    X(ggml_backend_dev_supports_op) X(ggml_backend_dev_type) X(ggml_backend_free)                                      \
    X(ggml_backend_get_default_buffer_type) X(ggml_backend_graph_compute) X(ggml_backend_reg_get_proc_address)         \
    X(ggml_backend_synchronize) X(ggml_backend_tensor_alloc) X(ggml_backend_tensor_get) X(ggml_backend_tensor_memset)  \
    X(ggml_backend_tensor_set) X(ggml_backend_view_init) X(ggml_blck_size) X(ggml_build_forward_expand) X(ggml_cast)   \
    X(ggml_concat) X(ggml_cont) X(ggml_cpy) X(ggml_custom_4d) X(ggml_flash_attn_ext) X(ggml_flash_attn_ext_add_sinks) X(ggml_free) X(ggml_gallocr_alloc_graph)       \
    X(ggml_gallocr_free) X(ggml_gallocr_get_buffer_size) X(ggml_gallocr_new) X(ggml_get_rows)                          \
    X(ggml_get_type_traits) X(ggml_graph_overhead_custom) X(ggml_init) X(ggml_mul) X(ggml_mul_mat) X(ggml_prec_set_acc)  \
    X(ggml_nbytes)                                                                                                     \
    X(ggml_new_graph_custom) X(ggml_new_tensor) X(ggml_new_tensor_1d) X(ggml_new_tensor_2d) X(ggml_new_tensor_3d)      \
    X(ggml_relu) X(ggml_repeat_back) X(ggml_rope_ext) X(ggml_row_size) X(ggml_scale) X(ggml_set_name) X(ggml_set_rows)                     \
    X(ggml_soft_max_ext) X(ggml_sqr) X(ggml_sqrt) X(ggml_sub) X(ggml_sum_rows) X(ggml_tanh) X(ggml_tensor_overhead)                 \
    X(ggml_threadpool_params_default) X(ggml_type_name) X(ggml_type_size) X(ggml_view_1d) X(ggml_view_2d)              \
    X(ggml_view_3d)
// clang-format on

namespace kvasir {

/** One table for the process: every context of it runs on the same loaded libraries. */
struct Api {
#define KVASIR_DECLARE(name) decltype(&::name) name = nullptr;
    KVASIR_LLAMA_FUNCTIONS(KVASIR_DECLARE)
    KVASIR_GGML_FUNCTIONS(KVASIR_DECLARE)
#undef KVASIR_DECLARE

    // Exported by the CPU backend's registry entry only: it is a module of its own, picked by CPU features.
    decltype(&::ggml_threadpool_new) threadpool_new = nullptr;
    decltype(&::ggml_threadpool_free) threadpool_free = nullptr;
    decltype(&::ggml_backend_cpu_set_threadpool) cpu_set_threadpool = nullptr;
    ggml_backend_set_n_threads_t cpu_set_n_threads = nullptr;
};

extern Api api;

/**
 * Fills `api` from libraries that are already in the process.
 * @param libraries paths of libllama, libggml and libggml-base as loaded; each symbol is taken from the first that has it
 * @throws KvError "addon-mismatch" when a library is not loaded or a symbol is missing
 */
void loadApi(const std::vector<std::string> & libraries);

bool isApiLoaded();

/** Resolves what only the CPU backend's registry exports; needs a loaded backend, so it is called with the first model. */
void loadCpuBackendApi();

}  // namespace kvasir

#include "js-plain.h"

#include <algorithm>
#include <thread>

#include "error.h"
#include "js-values.h"

namespace kvasir {

llama_model * modelOf(Napi::Object addonModel);

JsPlain::State::~State() {
    close();
}

void JsPlain::State::close() {
    if (context != nullptr) {
        api.llama_batch_free(batch);
        api.llama_free(context);
        context = nullptr;
    }
}

void JsPlain::define(Napi::Env env, Napi::Object exports) {
    exports.Set("Plain", DefineClass(env, "Plain",
                                     {InstanceMethod("open", &JsPlain::open), InstanceMethod("close", &JsPlain::close),
                                      InstanceMethod("decode", &JsPlain::decode), InstanceMethod("clear", &JsPlain::clear),
                                      InstanceMethod("fill", &JsPlain::fill), InstanceMethod("save", &JsPlain::save),
                                      InstanceMethod("restore", &JsPlain::restore)}));
}

JsPlain::JsPlain(const Napi::CallbackInfo & info) : Napi::ObjectWrap<JsPlain>(info) {
    const Napi::Object addonModel = objectArgument(info, 0);
    const Napi::Object options = objectArgument(info, 1);
    state = std::make_shared<State>(info.Env());
    state->model = modelOf(addonModel);
    state->nCtx = static_cast<int>(numberOr(options, "nCtx", 4096));
    state->nBatch = static_cast<int>(numberOr(options, "nBatch", 512));
    state->nThreads = static_cast<int>(numberOr(options, "nThreads", 0));
    state->rowType = rowTypeOf(info.Env(), stringOr(options, "rowType", "f16"));
    // Off, this is llama.cpp as most programs run it; on, the seam is compared with the same persistent threads.
    state->hasThreadPool = flagOr(options, "threadPool", true);
    state->modelObject = Napi::Persistent(addonModel);
}

JsPlain::~JsPlain() = default;

Napi::Value JsPlain::open(const Napi::CallbackInfo & info) {
    auto s = state;
    return s->worker->promise(
        info.Env(),
        [s] {
            loadCpuBackendApi();
            llama_context_params params = api.llama_context_default_params();
            params.n_ctx = static_cast<uint32_t>(s->nCtx);
            params.n_batch = params.n_ubatch = static_cast<uint32_t>(s->nBatch);
            const int nThreads = s->nThreads > 0 ? s->nThreads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
            params.n_threads = params.n_threads_batch = nThreads;
            params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
            params.type_k = params.type_v = s->rowType;
            params.no_perf = true;
            // The second sequence is where copies of rows arrive before they join the first; cells are shared, so it costs none.
            params.n_seq_max = 2;
            params.kv_unified = true;
            s->context = api.llama_init_from_model(s->model, params);
            if (s->context == nullptr) {
                throw KvError("out-of-memory", "llama.cpp could not make a context of " + std::to_string(s->nCtx) + " cells");
            }
            if (s->hasThreadPool) {
                s->threads = std::make_unique<ThreadPool>(nThreads);
                api.llama_attach_threadpool(s->context, s->threads->get(), s->threads->get());
            }
            s->batch = api.llama_batch_init(s->nBatch, 0, 1);
        },
        [](Napi::Env env) { return env.Undefined(); });
}

Napi::Value JsPlain::close(const Napi::CallbackInfo & info) {
    auto s = state;
    return s->worker->promise(
        info.Env(), [s] { s->close(); }, [](Napi::Env env) { return env.Undefined(); });
}

Napi::Value JsPlain::clear(const Napi::CallbackInfo & info) {
    auto s = state;
    return s->worker->promise(
        info.Env(),
        [s] {
            api.llama_memory_clear(api.llama_get_memory(s->context), false);
            s->nPast = 0;
        },
        [](Napi::Env env) { return env.Undefined(); });
}

std::vector<uint8_t> JsPlain::State::rows() {
    if (context == nullptr) {
        throw KvError("internal", "the context is closed");
    }
    std::vector<uint8_t> rows(api.llama_state_seq_get_size(context, 0));
    rows.resize(api.llama_state_seq_get_data(context, rows.data(), rows.size(), 0));
    if (rows.empty()) {
        throw KvError("internal", "llama.cpp could not save its cache");
    }
    return rows;
}

void JsPlain::State::load(const std::vector<uint8_t> & rows) {
    if (api.llama_state_seq_set_data(context, rows.data(), rows.size(), 1) == 0) {
        throw KvError("out-of-memory", "llama.cpp has no room for these rows in its cache");
    }
    llama_memory_t memory = api.llama_get_memory(context);
    api.llama_memory_seq_cp(memory, 1, 0, -1, -1);
    api.llama_memory_seq_rm(memory, 1, -1, -1);
}

/**
 * Repeats the rows in the cache until it holds at least `nTokens` of them. They stand at the positions where they were
 * computed, so no window is outgrown; right for speed, which hangs on how many there are.
 */
Napi::Value JsPlain::fill(const Napi::CallbackInfo & info) {
    auto s = state;
    const int nTokens = info[0].ToNumber().Int32Value();
    return s->worker->promise(
        info.Env(),
        [s, nTokens] {
            const std::vector<uint8_t> rows = s->rows();
            for (int n = s->nPast; n < nTokens; n += s->nPast) {
                s->load(rows);
            }
        },
        [](Napi::Env env) { return env.Undefined(); });
}

/** Keeps a copy of the cache's rows for restore(): how many bytes. */
Napi::Value JsPlain::save(const Napi::CallbackInfo & info) {
    auto s = state;
    return s->worker->promise(
        info.Env(),
        [s] {
            s->saved = s->rows();
            s->nSavedPast = s->nPast;
        },
        [s](Napi::Env env) { return Napi::Number::New(env, static_cast<double>(s->saved.size())); });
}

/** Replaces what is in the cache by what was saved: how llama.cpp comes back to another context without computing it. */
Napi::Value JsPlain::restore(const Napi::CallbackInfo & info) {
    auto s = state;
    return s->worker->promise(
        info.Env(),
        [s] {
            if (s->context == nullptr || s->saved.empty()) {
                throw KvError("internal", "nothing was saved");
            }
            api.llama_memory_clear(api.llama_get_memory(s->context), false);
            s->load(s->saved);
            s->nPast = s->nSavedPast;
        },
        [](Napi::Env env) { return env.Undefined(); });
}

/** Decodes tokens behind what is in the cache; logits of all of them, of the last one, or none: [n, nVocab]. */
Napi::Value JsPlain::decode(const Napi::CallbackInfo & info) {
    auto s = state;
    auto tokens = std::make_shared<std::vector<llama_token>>(copyOf<llama_token>(uint32Argument(info, 0)));
    auto logits = std::make_shared<std::vector<float>>();
    const std::string of = info.Length() > 1 && info[1].IsString() ? info[1].As<Napi::String>().Utf8Value() : "none";
    return s->worker->promise(
        info.Env(),
        [s, tokens, logits, of] {
            if (s->context == nullptr) {
                throw KvError("internal", "the context is closed");
            }
            const size_t nVocab = static_cast<size_t>(api.llama_vocab_n_tokens(api.llama_model_get_vocab(s->model)));
            for (size_t at = 0; at < tokens->size(); at += s->nBatch) {
                const int n = static_cast<int>(std::min<size_t>(s->nBatch, tokens->size() - at));
                for (int i = 0; i < n; i++) {
                    s->batch.token[i] = (*tokens)[at + i];
                    s->batch.pos[i] = s->nPast + i;
                    s->batch.n_seq_id[i] = 1;
                    s->batch.seq_id[i][0] = 0;
                    s->batch.logits[i] = of == "all" || (of == "last" && at + i + 1 == tokens->size());
                }
                s->batch.n_tokens = n;
                const int status = api.llama_decode(s->context, s->batch);
                if (status != 0) {
                    throw KvError("internal", "llama.cpp could not decode (status " + std::to_string(status) + ")");
                }
                s->nPast += n;
                for (int i = 0; i < n; i++) {
                    if (s->batch.logits[i]) {
                        const float * row = api.llama_get_logits_ith(s->context, i);
                        logits->insert(logits->end(), row, row + nVocab);
                    }
                }
            }
            // A GPU may still be at it when nothing was read back; who measures wants the end.
            api.llama_synchronize(s->context);
        },
        [logits](Napi::Env env) -> Napi::Value {
            return logits->empty() ? env.Undefined() : static_cast<Napi::Value>(floatsToJs(env, *logits));
        });
}

}  // namespace kvasir

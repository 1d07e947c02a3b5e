// llama.cpp as it is, with its own cache and attention: the reference that tests and benches measure the seam against.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "device.h"
#include "worker.h"

namespace kvasir {

class JsPlain : public Napi::ObjectWrap<JsPlain> {
public:
    static void define(Napi::Env env, Napi::Object exports);
    explicit JsPlain(const Napi::CallbackInfo & info);
    ~JsPlain() override;

private:
    struct State {
        explicit State(Napi::Env env) : worker(std::make_shared<Worker>(env)) {}
        ~State();
        void close();
        llama_model * model = nullptr;
        int nCtx = 0, nBatch = 0, nThreads = 0;
        bool hasThreadPool = true;
        ggml_type rowType = GGML_TYPE_F16;
        std::unique_ptr<ThreadPool> threads;
        llama_context * context = nullptr;
        llama_batch batch{};
        int nPast = 0;
        std::vector<uint8_t> saved;  // by save()
        int nSavedPast = 0;
        /** A copy of the cache's rows, and such a copy put behind what the cache holds; both leave nPast alone. */
        std::vector<uint8_t> rows();
        void load(const std::vector<uint8_t> & rows);
        Napi::ObjectReference modelObject;
        const std::shared_ptr<Worker> worker;
    };

    Napi::Value open(const Napi::CallbackInfo & info);
    Napi::Value close(const Napi::CallbackInfo & info);
    Napi::Value decode(const Napi::CallbackInfo & info);
    Napi::Value clear(const Napi::CallbackInfo & info);
    Napi::Value fill(const Napi::CallbackInfo & info);
    Napi::Value save(const Napi::CallbackInfo & info);
    Napi::Value restore(const Napi::CallbackInfo & info);

    std::shared_ptr<State> state;
};

}  // namespace kvasir

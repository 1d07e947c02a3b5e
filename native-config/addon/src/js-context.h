// What JavaScript sees of a context. Owns the worker thread; sessions and segments share it.
#pragma once

#include <napi.h>

#include <memory>

#include "context.h"
#include "worker.h"

namespace kvasir {

/** A context with its thread. Wrappers of sessions and segments hold it, so it ends after the last of them. */
struct Engine {
    Engine(Napi::Env env, Napi::Object addonModel);
    ~Engine();
    /** @throws KvError "internal" after close() */
    Context & get();
    const std::shared_ptr<Worker> worker;
    llama_model * const model;
    std::shared_ptr<Budget> budget;  // touched on the JavaScript thread only

    /** Cancelling reaches into the context from the JavaScript thread; its end on the worker's thread waits for that. */
    void cancel();
    void clearCancel();
    void yieldSoon();
    /** A wish to yield that came before a generation was asked for does not mean it. */
    void clearYield();
    void adopt(std::unique_ptr<Context> made);

private:
    Napi::ObjectReference modelObject;  // the model must not be collected while we compute with it
    std::mutex mutex;                   // guards the pointer, not the context
    std::unique_ptr<Context> context;   // used on the worker's thread only, but for cancelling
};

class JsContext : public Napi::ObjectWrap<JsContext> {
public:
    static void define(Napi::Env env, Napi::Object exports);
    explicit JsContext(const Napi::CallbackInfo & info);
    ~JsContext() override;

private:
    Napi::Value open(const Napi::CallbackInfo & info);
    Napi::Value close(const Napi::CallbackInfo & info);
    Napi::Value newSession(const Napi::CallbackInfo & info);
    Napi::Value newSegment(const Napi::CallbackInfo & info);
    Napi::Value decodeTogether(const Napi::CallbackInfo & info);
    Napi::Value memory(const Napi::CallbackInfo & info);
    void setLimit(const Napi::CallbackInfo & info);
    void cancel(const Napi::CallbackInfo & info);
    void yieldSoon(const Napi::CallbackInfo & info);
    void clearCancel(const Napi::CallbackInfo & info);

    std::shared_ptr<Engine> engine;
    ContextOptions options;
};

class JsSegment : public Napi::ObjectWrap<JsSegment> {
public:
    static void define(Napi::Env env, Napi::Object exports);
    static Napi::Object wrap(Napi::Env env, std::shared_ptr<Engine> engine, std::shared_ptr<Segment> segment);
    explicit JsSegment(const Napi::CallbackInfo & info);
    ~JsSegment() override;
    /** @throws a coded error after dispose() */
    std::shared_ptr<Segment> get(Napi::Env env) const;

private:
    Napi::Value select(const Napi::CallbackInfo & info);
    Napi::Value download(const Napi::CallbackInfo & info);
    Napi::Value upload(const Napi::CallbackInfo & info);
    Napi::Value counts(const Napi::CallbackInfo & info);
    Napi::Value bytes(const Napi::CallbackInfo & info);
    Napi::Value rowBytes(const Napi::CallbackInfo & info);
    void dispose(const Napi::CallbackInfo & info);
    void release();

    std::shared_ptr<Engine> engine;
    std::shared_ptr<Segment> segment;
};

}  // namespace kvasir

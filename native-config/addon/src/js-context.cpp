#include "js-context.h"

#include <utility>

#include "error.h"
#include "js-session.h"
#include "js-values.h"

namespace kvasir {

llama_model * modelOf(Napi::Object addonModel);

Engine::Engine(Napi::Env env, Napi::Object addonModel)
    : worker(std::make_shared<Worker>(env)), model(modelOf(addonModel)), modelObject(Napi::Persistent(addonModel)) {}

Engine::~Engine() {
    cancel();
    // The worker's last work: frees the context on the thread that used it, while the model is still held.
    std::mutex done;
    std::condition_variable ended;
    bool isDone = false;
    worker->post([&] {
        context.reset();
        std::lock_guard<std::mutex> lock(done);
        isDone = true;
        ended.notify_one();
    });
    std::unique_lock<std::mutex> lock(done);
    ended.wait(lock, [&] { return isDone; });
}

Context & Engine::get() {
    if (!context) {
        throw KvError("internal", "the context is closed");
    }
    return *context;
}

void Engine::adopt(std::unique_ptr<Context> made) {
    std::unique_ptr<Context> old;
    {
        std::lock_guard<std::mutex> lock(mutex);
        old = std::exchange(context, std::move(made));
    }
}

void Engine::cancel() {
    std::lock_guard<std::mutex> lock(mutex);
    if (context) {
        context->cancel();
    }
}

void Engine::yieldSoon() {
    std::lock_guard<std::mutex> lock(mutex);
    if (context) {
        context->yieldSoon();
    }
}

void Engine::clearYield() {
    std::lock_guard<std::mutex> lock(mutex);
    if (context) {
        context->clearYield();
    }
}

void Engine::clearCancel() {
    std::lock_guard<std::mutex> lock(mutex);
    if (context) {
        context->clearCancel();
    }
}

namespace {

ContextOptions::Graft graftOf(Napi::Env env, const std::string & name) {
    if (name == "automatic") {
        return ContextOptions::Graft::automatic;
    }
    if (name == "never") {
        return ContextOptions::Graft::never;
    }
    if (name == "always") {
        return ContextOptions::Graft::always;
    }
    throw codedError(env, "usage", "unknown graft " + name + " (automatic, never or always)");
}

}  // namespace

void JsContext::define(Napi::Env env, Napi::Object exports) {
    exports.Set("Context", DefineClass(env, "Context",
                                       {InstanceMethod("open", &JsContext::open), InstanceMethod("close", &JsContext::close),
                                        InstanceMethod("newSession", &JsContext::newSession),
                                        InstanceMethod("newSegment", &JsContext::newSegment),
                                        InstanceMethod("memory", &JsContext::memory),
                                        InstanceMethod("setLimit", &JsContext::setLimit),
                                        InstanceMethod("decodeTogether", &JsContext::decodeTogether),
                                        InstanceMethod("cancel", &JsContext::cancel),
                                        InstanceMethod("yieldSoon", &JsContext::yieldSoon),
                                        InstanceMethod("clearCancel", &JsContext::clearCancel)}));
}

JsContext::JsContext(const Napi::CallbackInfo & info) : Napi::ObjectWrap<JsContext>(info) {
    const Napi::Env env = info.Env();
    if (!isApiLoaded()) {
        throw codedError(env, "addon-mismatch", "load() must be called before a context is made");
    }
    const Napi::Object addonModel = objectArgument(info, 0);
    const Napi::Object given = objectArgument(info, 1);
    options.nBatch = static_cast<int>(numberOr(given, "nBatch", 512));
    options.nThreads = static_cast<int>(numberOr(given, "nThreads", 0));
    options.rowType = rowTypeOf(env, stringOr(given, "rowType", "f16"));
    options.budgetBytes = static_cast<size_t>(numberOr(given, "budgetBytes", 0));
    options.graft = graftOf(env, stringOr(given, "graft", "automatic"));
    if (options.nBatch < 256 || options.nBatch % 256 != 0) {
        throw codedError(env, "usage", "nBatch must be a multiple of 256");
    }
    engine = std::make_shared<Engine>(env, addonModel);
}

JsContext::~JsContext() = default;

Napi::Value JsContext::open(const Napi::CallbackInfo & info) {
    auto e = engine;
    return engine->worker->promise(
        info.Env(),
        [e, options = options] {
            loadCpuBackendApi();
            e->adopt(std::make_unique<Context>(e->model, options));
        },
        [e](Napi::Env env) -> Napi::Value {
            const Context & context = e->get();
            e->budget = context.budget;
            Napi::Object result = Napi::Object::New(env);
            result.Set("nLayers", context.modelShape().nLayers);
            result.Set("nHeads", context.modelShape().nHeads);
            result.Set("nKvHeads", context.modelShape().nKvHeads);
            result.Set("headDim", context.modelShape().headDim);
            result.Set("rowBytes", static_cast<double>(context.rowFormat().bytes));
            Napi::Array devices = Napi::Array::New(env);
            for (const auto & device : context.deviceList()) {
                Napi::Object entry = Napi::Object::New(env);
                entry.Set("name", device->name());
                entry.Set("isHost", device->isHost());
                devices.Set(devices.Length(), entry);
            }
            Napi::Array windows = Napi::Array::New(env);
            for (const LayerPlan & layer : context.layerPlans()) {
                windows.Set(windows.Length(), layer.window);
            }
            result.Set("windows", windows);
            result.Set("devices", devices);
            return result;
        });
}

Napi::Value JsContext::close(const Napi::CallbackInfo & info) {
    auto e = engine;
    engine->cancel();
    return engine->worker->promise(
        info.Env(), [e] { e->adopt(nullptr); }, [](Napi::Env env) { return env.Undefined(); });
}

Napi::Value JsContext::newSession(const Napi::CallbackInfo & info) {
    auto e = engine;
    auto made = std::make_shared<std::unique_ptr<Session>>();
    return engine->worker->promise(
        info.Env(), [e, made] { *made = e->get().newSession(); },
        [e, made](Napi::Env env) { return JsSession::wrap(env, e, std::move(*made)); });
}

Napi::Value JsContext::newSegment(const Napi::CallbackInfo & info) {
    auto e = engine;
    auto counts = copyOf<uint32_t>(uint32Argument(info, 0));
    auto made = std::make_shared<std::shared_ptr<Segment>>();
    return engine->worker->promise(
        info.Env(),
        [e, made, counts = std::move(counts)] {
            if (counts.size() != e->get().modelShape().nRegions()) {
                throw KvError("internal", "a row count is needed for every layer and KV head");
            }
            *made = e->get().newSegment(counts);
        },
        [e, made](Napi::Env env) { return JsSegment::wrap(env, e, std::move(*made)); });
}

Napi::Value JsContext::memory(const Napi::CallbackInfo & info) {
    Napi::Object result = Napi::Object::New(info.Env());
    const auto & budget = engine->budget;
    result.Set("limitBytes", budget ? static_cast<double>(budget->limitBytes()) : 0.0);
    result.Set("usedBytes", budget ? static_cast<double>(budget->usedBytes()) : 0.0);
    result.Set("peakBytes", budget ? static_cast<double>(budget->peakBytes()) : 0.0);
    return result;
}

void JsContext::setLimit(const Napi::CallbackInfo & info) {
    const double bytes = numberArgument(info, 0);
    if (engine->budget) {
        engine->budget->setLimit(static_cast<size_t>(bytes));
    }
}

void JsContext::cancel(const Napi::CallbackInfo &) {
    engine->cancel();
}

Napi::Value JsContext::decodeTogether(const Napi::CallbackInfo & info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 1 || !info[0].IsArray()) {
        throw Napi::TypeError::New(env, "argument 1 must be an array of parts");
    }
    struct Part {
        std::shared_ptr<Session> session;
        DecodeRequest request;
    };
    auto parts = std::make_shared<std::vector<Part>>();
    const Napi::Array given = info[0].As<Napi::Array>();
    for (uint32_t i = 0; i < given.Length(); i++) {
        const Napi::Object part = given.Get(i).As<Napi::Object>();
        const Napi::Value tokens = part.Get("tokens");
        if (!tokens.IsTypedArray() || tokens.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
            throw Napi::TypeError::New(env, "a part needs tokens, a Uint32Array");
        }
        DecodeRequest request;
        request.tokens = copyOf<llama_token>(tokens.As<Napi::Uint32Array>());
        request.firstPosition = static_cast<int>(numberOr(part, "firstPosition", 0));
        request.logits = logitsOf(part);
        request.passes = scorePassesOf(part);
        parts->push_back({JsSession::of(env, part.Get("session")), std::move(request)});
    }
    auto e = engine;
    auto logits = std::make_shared<std::vector<std::vector<float>>>();
    return engine->worker->promise(
        env,
        [e, parts, logits] {
            std::vector<std::pair<Session *, DecodeRequest>> requests;
            for (Part & part : *parts) {
                requests.push_back({part.session.get(), part.request});
            }
            *logits = e->get().decodeTogether(requests);
        },
        [logits](Napi::Env env) -> Napi::Value {
            Napi::Array result = Napi::Array::New(env, logits->size());
            for (uint32_t i = 0; i < logits->size(); i++) {
                result.Set(i, (*logits)[i].empty() ? env.Undefined() : Napi::Value(floatsToJs(env, (*logits)[i])));
            }
            return result;
        });
}

void JsContext::yieldSoon(const Napi::CallbackInfo &) {
    engine->yieldSoon();
}

void JsContext::clearCancel(const Napi::CallbackInfo &) {
    engine->clearCancel();
}

}  // namespace kvasir

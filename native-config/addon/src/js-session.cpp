#include "js-session.h"

#include <algorithm>
#include <cstring>

#include "error.h"
#include "js-values.h"

namespace kvasir {

namespace {

SamplingOptions samplingOf(const Napi::Object & given) {
    SamplingOptions options;
    options.temperature = static_cast<float>(numberOr(given, "temperature", options.temperature));
    options.topK = static_cast<int32_t>(numberOr(given, "topK", options.topK));
    options.topP = static_cast<float>(numberOr(given, "topP", options.topP));
    options.minP = static_cast<float>(numberOr(given, "minP", options.minP));
    options.repeatPenalty = static_cast<float>(numberOr(given, "repeatPenalty", options.repeatPenalty));
    options.repeatLastN = static_cast<int32_t>(numberOr(given, "repeatLastN", options.repeatLastN));
    options.seed = static_cast<uint32_t>(numberOr(given, "seed", options.seed));
    options.grammar = stringOr(given, "grammar", "");
    return options;
}

const char * nameOf(StopReason reason) {
    switch (reason) {
        case StopReason::endOfText: return "endOfText";
        case StopReason::maxTokens: return "maxTokens";
        case StopReason::windowEnd: return "windowEnd";
        case StopReason::stopped: return "stopped";
        case StopReason::cancelled: return "cancelled";
        case StopReason::yielded: return "yielded";
    }
    return "stopped";
}

std::vector<float> toFloats(const RowFormat & rows, ggml_tensor * arena, size_t first, size_t n) {
    std::vector<char> raw(n * rows.bytes);
    if (n > 0) {
        api.ggml_backend_tensor_get(arena, raw.data(), first * rows.bytes, raw.size());
    }
    std::vector<float> values(n * static_cast<size_t>(rows.headDim));
    if (rows.type == GGML_TYPE_F32) {
        std::memcpy(values.data(), raw.data(), raw.size());
    } else {
        api.ggml_get_type_traits(rows.type)->to_float(raw.data(), values.data(), static_cast<int64_t>(values.size()));
    }
    return values;
}

}  // namespace

void JsSession::define(Napi::Env env, Napi::Object exports) {
    exports.Set("Session",
                DefineClass(env, "Session",
                            {InstanceMethod("compose", &JsSession::compose), InstanceMethod("reserve", &JsSession::reserve),
                             InstanceMethod("decode", &JsSession::decode), InstanceMethod("generate", &JsSession::generate),
                             InstanceMethod("truncate", &JsSession::truncate),
                             InstanceMethod("extend", &JsSession::extend),
                             InstanceMethod("gather", &JsSession::gather), InstanceMethod("fork", &JsSession::fork),
                             InstanceMethod("startScores", &JsSession::startScores),
                             InstanceMethod("readScores", &JsSession::readScores),
                             InstanceMethod("stopScores", &JsSession::stopScores),
                             InstanceMethod("valueNorms", &JsSession::valueNorms),
                             InstanceMethod("exportRows", &JsSession::exportRows), InstanceMethod("state", &JsSession::state),
                             InstanceMethod("dispose", &JsSession::dispose)}));
}

Napi::Object JsSession::wrap(Napi::Env env, std::shared_ptr<Engine> engine, std::unique_ptr<Session> session) {
    const Napi::Object classes = env.GetInstanceData<Napi::ObjectReference>()->Value();
    const Napi::Object object = classes.Get("Session").As<Napi::Function>().New({});
    JsSession * self = JsSession::Unwrap(object);
    self->engine = std::move(engine);
    self->session = std::move(session);
    return object;
}

JsSession::JsSession(const Napi::CallbackInfo & info) : Napi::ObjectWrap<JsSession>(info) {}

JsSession::~JsSession() {
    release();
}

void JsSession::release() {
    if (session) {
        engine->worker->post([held = std::move(session)]() mutable { held.reset(); });
        session = nullptr;
        engine = nullptr;
    }
}

void JsSession::dispose(const Napi::CallbackInfo &) {
    release();
}

std::shared_ptr<Session> JsSession::of(Napi::Env env, const Napi::Value & value) {
    const Napi::Object classes = env.GetInstanceData<Napi::ObjectReference>()->Value();
    if (!value.IsObject() || !value.As<Napi::Object>().InstanceOf(classes.Get("Session").As<Napi::Function>())) {
        throw Napi::TypeError::New(env, "a part needs a session");
    }
    return JsSession::Unwrap(value.As<Napi::Object>())->get(env);
}

std::shared_ptr<Session> JsSession::get(Napi::Env env) const {
    if (!session) {
        throw codedError(env, "internal", "the session was disposed of");
    }
    return session;
}

Napi::Value JsSession::done(const Napi::CallbackInfo & info, std::function<void(Context &, Session &)> work) {
    auto held = get(info.Env());
    auto e = engine;
    return engine->worker->promise(
        info.Env(), [e, held, work = std::move(work)] { work(e->get(), *held); },
        [](Napi::Env env) { return env.Undefined(); });
}

Napi::Value JsSession::compose(const Napi::CallbackInfo & info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 1 || !info[0].IsArray()) {
        throw Napi::TypeError::New(env, "argument 1 must be an array of parts");
    }
    const Napi::Array given = info[0].As<Napi::Array>();
    std::vector<Part> parts;
    for (uint32_t i = 0; i < given.Length(); i++) {
        const Napi::Object part = given.Get(i).As<Napi::Object>();
        const Napi::Value segment = part.Get("segment");
        const Napi::Object classes = env.GetInstanceData<Napi::ObjectReference>()->Value();
        if (!segment.IsObject() || !segment.As<Napi::Object>().InstanceOf(classes.Get("Segment").As<Napi::Function>())) {
            throw Napi::TypeError::New(env, "a part needs a segment");
        }
        parts.push_back({JsSegment::Unwrap(segment.As<Napi::Object>())->get(env), static_cast<int>(numberOr(part, "delta", 0)),
                         flagOr(part, "isAdjacent", false)});
    }
    const uint32_t room = info.Length() > 1 && info[1].IsNumber() ? static_cast<uint32_t>(numberArgument(info, 1)) : 0;
    return done(info, [parts = std::move(parts), room](Context &, Session & session) { session.compose(parts, room); });
}

Napi::Value JsSession::reserve(const Napi::CallbackInfo & info) {
    const uint32_t n = static_cast<uint32_t>(numberArgument(info, 0));
    return done(info, [n](Context &, Session & session) { session.reserve(n); });
}

Napi::Value JsSession::truncate(const Napi::CallbackInfo & info) {
    const uint32_t n = static_cast<uint32_t>(numberArgument(info, 0));
    return done(info, [n](Context &, Session & session) { session.truncate(n); });
}

Napi::Value JsSession::extend(const Napi::CallbackInfo & info) {
    const Napi::Env env = info.Env();
    const Napi::Object classes = env.GetInstanceData<Napi::ObjectReference>()->Value();
    if (info.Length() < 1 || !info[0].IsObject() ||
        !info[0].As<Napi::Object>().InstanceOf(classes.Get("Segment").As<Napi::Function>())) {
        throw Napi::TypeError::New(env, "argument 1 must be a segment");
    }
    const std::shared_ptr<Segment> segment = JsSegment::Unwrap(info[0].As<Napi::Object>())->get(env);
    return done(info, [segment](Context &, Session & session) { session.extend(*segment); });
}

Napi::Value JsSession::gather(const Napi::CallbackInfo & info) {
    auto held = get(info.Env());
    auto e = engine;
    auto made = std::make_shared<std::shared_ptr<Segment>>();
    return engine->worker->promise(
        info.Env(), [held, made, keep = keepListsOf(info)] { *made = held->gather(keep); },
        [e, made](Napi::Env env) { return JsSegment::wrap(env, e, std::move(*made)); });
}

Napi::Value JsSession::fork(const Napi::CallbackInfo & info) {
    auto held = get(info.Env());
    auto e = engine;
    auto made = std::make_shared<std::unique_ptr<Session>>();
    return engine->worker->promise(
        info.Env(), [held, made] { *made = held->fork(); },
        [e, made](Napi::Env env) { return JsSession::wrap(env, e, std::move(*made)); });
}

Napi::Value JsSession::startScores(const Napi::CallbackInfo & info) {
    const uint32_t nRows = static_cast<uint32_t>(numberArgument(info, 0));
    const std::string name = info.Length() > 1 && info[1].IsString() ? info[1].As<Napi::String>().Utf8Value() : "sum";
    const Scores::Over over = name == "max" ? Scores::Over::max : name == "norm" ? Scores::Over::norm : Scores::Over::sum;
    return done(info, [nRows, over](Context & context, Session & session) {
        session.scores.reset();
        session.scores = std::make_unique<Scores>(context.modelShape(), context.layerPlans(), nRows, over);
    });
}

Napi::Value JsSession::readScores(const Napi::CallbackInfo & info) {
    auto held = get(info.Env());
    auto values = std::make_shared<std::vector<float>>();
    const std::string name = info.Length() > 0 && info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "each";
    const Scores::Heads heads = name == "mean" ? Scores::Heads::mean : name == "max" ? Scores::Heads::max : Scores::Heads::each;
    return engine->worker->promise(
        info.Env(),
        [held, values, heads] {
            if (!held->scores) {
                throw KvError("internal", "nothing is being scored");
            }
            *values = held->scores->download(heads);
        },
        [values](Napi::Env env) { return floatsToJs(env, *values); });
}

Napi::Value JsSession::stopScores(const Napi::CallbackInfo & info) {
    return done(info, [](Context &, Session & session) { session.scores.reset(); });
}

Napi::Value JsSession::valueNorms(const Napi::CallbackInfo & info) {
    auto held = get(info.Env());
    auto e = engine;
    auto values = std::make_shared<std::vector<float>>();
    const uint32_t nRows = static_cast<uint32_t>(numberArgument(info, 0));
    return engine->worker->promise(
        info.Env(), [e, held, values, nRows] { *values = kvasir::valueNorms(*held, e->get().layerPlans(), nRows); },
        [values](Napi::Env env) { return floatsToJs(env, *values); });
}

Napi::Value JsSession::exportRows(const Napi::CallbackInfo & info) {
    auto held = get(info.Env());
    const int layer = static_cast<int>(numberArgument(info, 0));
    const int head = static_cast<int>(numberArgument(info, 1));
    if (layer < 0 || layer >= held->shape.nLayers || head < 0 || head >= held->shape.nKvHeads) {
        throw Napi::RangeError::New(info.Env(), "no such layer or KV head");
    }
    auto k = std::make_shared<std::vector<float>>();
    auto v = std::make_shared<std::vector<float>>();
    return engine->worker->promise(
        info.Env(),
        [held, k, v, layer, head] {
            const size_t first = held->region(layer, head).start;
            const size_t n = held->length(layer, head);
            *k = toFloats(held->rows, held->k(layer), first, n);
            *v = toFloats(held->rows, held->v(layer), first, n);
        },
        [k, v](Napi::Env env) -> Napi::Value {
            Napi::Object result = Napi::Object::New(env);
            result.Set("k", floatsToJs(env, *k));
            result.Set("v", floatsToJs(env, *v));
            return result;
        });
}

Napi::Value JsSession::state(const Napi::CallbackInfo & info) {
    auto held = get(info.Env());
    auto lengths = std::make_shared<std::vector<uint32_t>>();
    auto live = std::make_shared<std::pair<uint32_t, size_t>>();
    return engine->worker->promise(
        info.Env(),
        [held, lengths, live] {
            for (int layer = 0; layer < held->shape.nLayers; layer++) {
                for (int head = 0; head < held->shape.nKvHeads; head++) {
                    lengths->push_back(held->length(layer, head));
                }
            }
            *live = {held->nLive(), held->bytes()};
        },
        [lengths, live](Napi::Env env) -> Napi::Value {
            const auto toArray = [&](const std::vector<uint32_t> & values) {
                Napi::Uint32Array array = Napi::Uint32Array::New(env, values.size());
                std::copy(values.begin(), values.end(), array.Data());
                return array;
            };
            Napi::Object result = Napi::Object::New(env);
            result.Set("lengths", toArray(*lengths));
            result.Set("nLive", live->first);
            result.Set("bytes", static_cast<double>(live->second));
            return result;
        });
}

Napi::Value JsSession::decode(const Napi::CallbackInfo & info) {
    auto held = get(info.Env());
    auto e = engine;
    auto request = std::make_shared<DecodeRequest>();
    auto result = std::make_shared<DecodeResult>();
    request->tokens = copyOf<llama_token>(uint32Argument(info, 0));
    request->firstPosition = static_cast<int>(numberArgument(info, 1));
    if (info.Length() > 2 && info[2].IsObject()) {
        const Napi::Object given = info[2].As<Napi::Object>();
        request->logits = logitsOf(given);
        request->capture = flagOr(given, "capture", false);
        request->layerSimilarity = flagOr(given, "layerSimilarity", false);
        request->passes = scorePassesOf(given);
    }
    return engine->worker->promise(
        info.Env(), [e, held, request, result] { *result = e->get().decode(*held, *request); },
        [result](Napi::Env env) -> Napi::Value {
            Napi::Object object = Napi::Object::New(env);
            if (!result->logits.empty()) {
                object.Set("logits", floatsToJs(env, result->logits));
            }
            if (!result->captured.empty()) {
                Napi::Array layers = Napi::Array::New(env, result->captured.size());
                for (uint32_t i = 0; i < result->captured.size(); i++) {
                    Napi::Object layer = Napi::Object::New(env);
                    layer.Set("queries", floatsToJs(env, result->captured[i].queries));
                    layer.Set("outputs", floatsToJs(env, result->captured[i].outputs));
                    layers.Set(i, layer);
                }
                object.Set("captured", layers);
            }
            if (!result->layerSimilarity.empty()) {
                Napi::Float64Array layers = Napi::Float64Array::New(env, result->layerSimilarity.size());
                std::copy(result->layerSimilarity.begin(), result->layerSimilarity.end(), layers.Data());
                object.Set("layerSimilarity", layers);
            }
            return object;
        });
}

Napi::Value JsSession::generate(const Napi::CallbackInfo & info) {
    auto held = get(info.Env());
    auto e = engine;
    auto request = std::make_shared<GenerateRequest>();
    auto result = std::make_shared<GenerateResult>();
    request->prompt = copyOf<llama_token>(uint32Argument(info, 0));
    request->firstPosition = static_cast<int>(numberArgument(info, 1));
    const Napi::Object given = objectArgument(info, 2);
    request->isResumed = flagOr(given, "isResumed", false);
    request->maxTokens = static_cast<int>(numberOr(given, "maxTokens", 256));
    request->maxPosition = static_cast<int>(numberOr(given, "maxPosition", INT32_MAX));
    request->sampling = samplingOf(given);
    if (given.Get("history").IsTypedArray() && given.Get("history").As<Napi::TypedArray>().TypedArrayType() == napi_uint32_array) {
        request->history = copyOf<llama_token>(given.Get("history").As<Napi::Uint32Array>());
    }
    if (given.Get("draftFrom").IsTypedArray() && given.Get("draftFrom").As<Napi::TypedArray>().TypedArrayType() == napi_uint32_array) {
        request->draftFrom = copyOf<llama_token>(given.Get("draftFrom").As<Napi::Uint32Array>());
    }
    if (info.Length() < 4 || !info[3].IsFunction()) {
        throw Napi::TypeError::New(info.Env(), "argument 4 must be a function that takes tokens");
    }
    // Tokens travel to JavaScript as they come; an answer of `false` comes back as soon as it can.
    auto onToken = std::make_shared<Napi::FunctionReference>(Napi::Persistent(info[3].As<Napi::Function>()));
    auto isStopped = std::make_shared<std::atomic<bool>>(false);
    const std::shared_ptr<Worker> worker = engine->worker;
    request->onToken = [worker, onToken, isStopped](llama_token token) {
        worker->callJs([onToken, isStopped, token](Napi::Env env) {
            const Napi::Value answer = onToken->Call({Napi::Number::New(env, token)});
            if (answer.IsBoolean() && !answer.As<Napi::Boolean>().Value()) {
                *isStopped = true;
            }
        });
        return !isStopped->load();
    };
    engine->clearYield();
    return engine->worker->promise(
        info.Env(),
        [e, held, request, result] {
            *result = e->get().generate(*held, *request);
            request->onToken = nullptr;
        },
        [held, result, onToken](Napi::Env env) -> Napi::Value {
            onToken->Reset();
            Napi::Object object = Napi::Object::New(env);
            Napi::Uint32Array tokens = Napi::Uint32Array::New(env, result->tokens.size());
            std::copy(result->tokens.begin(), result->tokens.end(), tokens.Data());
            object.Set("tokens", tokens);
            object.Set("reason", nameOf(result->reason));
            object.Set("promptMs", static_cast<double>(result->promptMicros) / 1000.0);
            object.Set("firstTokenMs", static_cast<double>(result->firstTokenMicros) / 1000.0);
            object.Set("nSteps", result->nSteps);
            object.Set("nDrafted", result->nDrafted);
            object.Set("nAccepted", result->nAccepted);
            object.Set("totalMs", static_cast<double>(result->totalMicros) / 1000.0);
            return object;
        });
}

}  // namespace kvasir

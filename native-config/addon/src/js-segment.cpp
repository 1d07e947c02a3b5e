#include "error.h"
#include "js-context.h"
#include "js-values.h"

namespace kvasir {

void JsSegment::define(Napi::Env env, Napi::Object exports) {
    exports.Set(
        "Segment",
        DefineClass(env, "Segment",
                    {InstanceMethod("select", &JsSegment::select),
                     InstanceMethod("download", &JsSegment::download), InstanceMethod("upload", &JsSegment::upload),
                     InstanceMethod("dispose", &JsSegment::dispose), InstanceMethod("counts", &JsSegment::counts),
                     InstanceMethod("bytes", &JsSegment::bytes), InstanceMethod("rowBytes", &JsSegment::rowBytes)}));
}

Napi::Object JsSegment::wrap(Napi::Env env, std::shared_ptr<Engine> engine, std::shared_ptr<Segment> segment) {
    const Napi::Object classes = env.GetInstanceData<Napi::ObjectReference>()->Value();
    const Napi::Object object = classes.Get("Segment").As<Napi::Function>().New({});
    JsSegment * self = JsSegment::Unwrap(object);
    self->engine = std::move(engine);
    self->segment = std::move(segment);
    return object;
}

JsSegment::JsSegment(const Napi::CallbackInfo & info) : Napi::ObjectWrap<JsSegment>(info) {}

JsSegment::~JsSegment() {
    release();
}

void JsSegment::release() {
    if (segment) {
        // Work that is queued may still copy from it, so it ends in its turn.
        engine->worker->post([held = std::move(segment)]() mutable { held.reset(); });
        segment = nullptr;
        engine = nullptr;
    }
}

std::shared_ptr<Segment> JsSegment::get(Napi::Env env) const {
    if (!segment) {
        throw codedError(env, "internal", "the segment was disposed of");
    }
    return segment;
}

Napi::Value JsSegment::select(const Napi::CallbackInfo & info) {
    const auto held = get(info.Env());
    auto e = engine;
    auto made = std::make_shared<std::shared_ptr<Segment>>();
    return engine->worker->promise(
        info.Env(),
        [e, held, made, keep = keepListsOf(info)] { *made = held->select(e->get().layerPlans(), keep); },
        [e, made](Napi::Env env) { return JsSegment::wrap(env, e, std::move(*made)); });
}

Napi::Value JsSegment::download(const Napi::CallbackInfo & info) {
    const auto held = get(info.Env());
    const double offset = numberArgument(info, 0);
    const double size = numberArgument(info, 1);
    if (offset < 0 || size < 0 || offset + size > static_cast<double>(held->rowBytes())) {
        throw Napi::RangeError::New(info.Env(), "outside the segment's rows");
    }
    auto data = std::make_shared<std::vector<char>>(static_cast<size_t>(size));
    return engine->worker->promise(
        info.Env(), [held, data, offset] { held->download(static_cast<size_t>(offset), data->size(), data->data()); },
        [data](Napi::Env env) { return Napi::Buffer<char>::Copy(env, data->data(), data->size()); });
}

Napi::Value JsSegment::upload(const Napi::CallbackInfo & info) {
    const auto held = get(info.Env());
    const double offset = numberArgument(info, 0);
    if (info.Length() < 2 || !info[1].IsBuffer()) {
        throw Napi::TypeError::New(info.Env(), "argument 2 must be a Buffer");
    }
    const auto buffer = info[1].As<Napi::Buffer<char>>();
    if (offset < 0 || offset + static_cast<double>(buffer.Length()) > static_cast<double>(held->rowBytes())) {
        throw Napi::RangeError::New(info.Env(), "outside the segment's rows");
    }
    auto data = std::make_shared<std::vector<char>>(buffer.Data(), buffer.Data() + buffer.Length());
    return engine->worker->promise(
        info.Env(), [held, data, offset] { held->upload(static_cast<size_t>(offset), data->size(), data->data()); },
        [](Napi::Env env) { return env.Undefined(); });
}

Napi::Value JsSegment::counts(const Napi::CallbackInfo & info) {
    const auto held = get(info.Env());
    Napi::Uint32Array array = Napi::Uint32Array::New(info.Env(), held->counts.size());
    std::copy(held->counts.begin(), held->counts.end(), array.Data());
    return array;
}

Napi::Value JsSegment::bytes(const Napi::CallbackInfo & info) {
    return Napi::Number::New(info.Env(), segment ? static_cast<double>(segment->bytes()) : 0.0);
}

Napi::Value JsSegment::rowBytes(const Napi::CallbackInfo & info) {
    return Napi::Number::New(info.Env(), segment ? static_cast<double>(segment->rowBytes()) : 0.0);
}

void JsSegment::dispose(const Napi::CallbackInfo &) {
    release();
}

}  // namespace kvasir

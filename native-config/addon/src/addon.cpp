// The addon's exports: load(), the model pointer taken from node-llama-cpp, and the classes.
#include <napi.h>

#include "AddonModel.h"

#include "crash-report.h"
#include "error.h"
#include "js-context.h"
#include "js-plain.h"
#include "js-session.h"
#include "js-values.h"

namespace kvasir {

/**
 * The llama_model behind node-llama-cpp's AddonModel. Its class is known from its own header, of the very version that
 * this addon was built for; the vocab that llama.cpp gives for the pointer must be the one stored beside it.
 * @throws an Error with code "addon-mismatch"
 */
llama_model * modelOf(Napi::Object addonModel) {
    const Napi::Env env = addonModel.Env();
    void * unwrapped = nullptr;
    if (napi_unwrap(env, addonModel, &unwrapped) != napi_ok || unwrapped == nullptr) {
        throw codedError(env, "addon-mismatch", "this is not a model of node-llama-cpp");
    }
    const AddonModel * wrapped = static_cast<const AddonModel *>(unwrapped);
    if (wrapped->disposed || wrapped->model == nullptr) {
        throw codedError(env, "internal", "the model is not loaded");
    }
    if (api.llama_model_get_vocab(wrapped->model) != wrapped->vocab) {
        throw codedError(env, "addon-mismatch", "node-llama-cpp's model has another layout than this addon was built for");
    }
    return wrapped->model;
}

namespace {

Napi::Value load(const Napi::CallbackInfo & info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 1 || !info[0].IsArray()) {
        throw Napi::TypeError::New(env, "argument 1 must be an array of library paths");
    }
    std::vector<std::string> libraries;
    const Napi::Array given = info[0].As<Napi::Array>();
    for (uint32_t i = 0; i < given.Length(); i++) {
        libraries.push_back(given.Get(i).ToString().Utf8Value());
    }
    try {
        loadApi(libraries);
    } catch (const KvError & error) {
        throw codedError(env, error.code, error.what());
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("llamaVersion", api.llama_version());
    return result;
}

/** What llama.cpp says of a loaded model, and why it cannot run through the seam if so. */
Napi::Value describeModel(const Napi::CallbackInfo & info) {
    const Napi::Env env = info.Env();
    if (!isApiLoaded()) {
        throw codedError(env, "addon-mismatch", "load() must be called first");
    }
    llama_model * model = modelOf(objectArgument(info, 0));
    Napi::Object result = Napi::Object::New(env);
    char text[256] = "";
    api.llama_model_desc(model, text, sizeof(text));
    result.Set("description", text);
    result.Set("nLayers", api.llama_model_n_layer(model));
    result.Set("nHeads", api.llama_model_n_head(model));
    result.Set("nKvHeads", api.llama_model_n_head_kv(model));
    result.Set("window", api.llama_model_n_ctx_train(model));
    result.Set("slidingWindow", api.llama_model_n_swa(model));
    result.Set("bytes", static_cast<double>(api.llama_model_size(model)));
    result.Set("nVocab", api.llama_vocab_n_tokens(api.llama_model_get_vocab(model)));
    result.Set("unsupported", unsupportedReason(model));
    return result;
}

/** Needs no load(): a crash while llama.cpp is loaded is worth knowing too. */
Napi::Value reportCrashes(const Napi::CallbackInfo & info) {
    if (info.Length() < 1 || !info[0].IsString()) {
        throw Napi::TypeError::New(info.Env(), "argument 1 must be a path");
    }
    return Napi::Boolean::New(info.Env(), reportCrashesTo(info[0].As<Napi::String>().Utf8Value()));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
    exports.Set("load", Napi::Function::New(env, load));
    exports.Set("reportCrashes", Napi::Function::New(env, reportCrashes));
    exports.Set("describeModel", Napi::Function::New(env, describeModel));
    exports.Set("llamaRelease", KVASIR_LLAMA_RELEASE);
    exports.Set("nodeLlamaCppVersion", KVASIR_NODE_LLAMA_CPP_VERSION);
    JsContext::define(env, exports);
    JsPlain::define(env, exports);
    JsSegment::define(env, exports);
    JsSession::define(env, exports);
    // The classes of this environment, for wrapping what native code makes.
    env.SetInstanceData(new Napi::ObjectReference(Napi::Persistent(exports)));
    return exports;
}

}  // namespace

}  // namespace kvasir

static Napi::Object initAddon(Napi::Env env, Napi::Object exports) {
    return kvasir::init(env, exports);
}

NODE_API_MODULE(kvasir, initAddon)

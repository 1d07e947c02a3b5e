// Reading options and arrays that JavaScript passes in; every surprise is a TypeError, never a crash.
#pragma once

#include <napi.h>

#include <algorithm>
#include <string>
#include <vector>

#include "context.h"
#include "worker.h"

namespace kvasir {

inline Napi::Object objectArgument(const Napi::CallbackInfo & info, size_t i) {
    if (info.Length() <= i || !info[i].IsObject()) {
        throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(i + 1) + " must be an object");
    }
    return info[i].As<Napi::Object>();
}

inline double numberArgument(const Napi::CallbackInfo & info, size_t i) {
    if (info.Length() <= i || !info[i].IsNumber()) {
        throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(i + 1) + " must be a number");
    }
    return info[i].As<Napi::Number>().DoubleValue();
}

inline double numberOr(const Napi::Object & object, const char * name, double otherwise) {
    const Napi::Value value = object.Get(name);
    return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : otherwise;
}

inline std::string stringOr(const Napi::Object & object, const char * name, const std::string & otherwise) {
    const Napi::Value value = object.Get(name);
    return value.IsString() ? value.As<Napi::String>().Utf8Value() : otherwise;
}

inline bool flagOr(const Napi::Object & object, const char * name, bool otherwise) {
    const Napi::Value value = object.Get(name);
    return value.IsBoolean() ? value.As<Napi::Boolean>().Value() : otherwise;
}

template <typename To, typename Array> std::vector<To> copyOf(const Array & array) {
    return std::vector<To>(array.Data(), array.Data() + array.ElementLength());
}

inline Napi::Uint32Array uint32Argument(const Napi::CallbackInfo & info, size_t i) {
    if (info.Length() <= i || !info[i].IsTypedArray() || info[i].As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
        throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(i + 1) + " must be a Uint32Array");
    }
    return info[i].As<Napi::Uint32Array>();
}

/** @throws "usage" for a name that is no row type */
inline ggml_type rowTypeOf(Napi::Env env, const std::string & name) {
    if (name == "f16") {
        return GGML_TYPE_F16;
    }
    if (name == "q8_0") {
        return GGML_TYPE_Q8_0;
    }
    if (name == "q4_0") {
        return GGML_TYPE_Q4_0;
    }
    if (name == "f32") {
        return GGML_TYPE_F32;
    }
    throw codedError(env, "usage", "unknown row type " + name + " (f16, q8_0, q4_0 or f32)");
}

/** The `logits` of an object that asks for a decode. */
inline LogitsOf logitsOf(const Napi::Object & object) {
    const std::string name = stringOr(object, "logits", "none");
    return name == "all" ? LogitsOf::all : name == "last" ? LogitsOf::last : LogitsOf::none;
}

/** The `passes` of an object that asks for a decode; empty when it has none. */
inline std::vector<ScorePass> scorePassesOf(const Napi::Object & object) {
    std::vector<ScorePass> passes;
    if (!object.Get("passes").IsArray()) {
        return passes;
    }
    const Napi::Array given = object.Get("passes").As<Napi::Array>();
    for (uint32_t i = 0; i < given.Length(); i++) {
        const Napi::Object one = given.Get(i).As<Napi::Object>();
        const Napi::Value weights = one.Get("weights");
        if (!weights.IsTypedArray() || weights.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
            throw Napi::TypeError::New(object.Env(), "a score pass needs weights, a Float32Array");
        }
        ScorePass & pass = passes.emplace_back();
        pass.offset = static_cast<uint32_t>(numberOr(one, "offset", 0));
        pass.stride = std::max(1u, static_cast<uint32_t>(numberOr(one, "stride", 1)));
        pass.weights = copyOf<float>(weights.As<Napi::Float32Array>());
        pass.ahead = static_cast<uint32_t>(numberOr(one, "ahead", 0));
        const Napi::Value heads = one.Get("heads");
        if (heads.IsTypedArray() && heads.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
            pass.heads = copyOf<uint8_t>(heads.As<Napi::Uint8Array>());
        }
    }
    return passes;
}

/** Keep lists arrive flat: how many rows per (layer, KV head), and the rows one list after the other. */
inline std::vector<std::vector<int32_t>> keepListsOf(const Napi::CallbackInfo & info) {
    const auto counts = copyOf<uint32_t>(uint32Argument(info, 0));
    const auto rows = copyOf<uint32_t>(uint32Argument(info, 1));
    std::vector<std::vector<int32_t>> lists;
    size_t at = 0;
    for (const uint32_t count : counts) {
        if (at + count > rows.size()) {
            throw Napi::RangeError::New(info.Env(), "keep lists name more rows than were given");
        }
        lists.emplace_back(rows.begin() + static_cast<ptrdiff_t>(at), rows.begin() + static_cast<ptrdiff_t>(at + count));
        at += count;
    }
    return lists;
}

inline Napi::Float32Array floatsToJs(Napi::Env env, const std::vector<float> & values) {
    Napi::Float32Array array = Napi::Float32Array::New(env, values.size());
    std::copy(values.begin(), values.end(), array.Data());
    return array;
}

}  // namespace kvasir

// What JavaScript sees of a session.
#pragma once

#include "js-context.h"

namespace kvasir {

class JsSession : public Napi::ObjectWrap<JsSession> {
public:
    static void define(Napi::Env env, Napi::Object exports);
    static Napi::Object wrap(Napi::Env env, std::shared_ptr<Engine> engine, std::unique_ptr<Session> session);
    explicit JsSession(const Napi::CallbackInfo & info);
    ~JsSession() override;
    /** @throws a TypeError for anything but a session that is still there */
    static std::shared_ptr<Session> of(Napi::Env env, const Napi::Value & value);

private:
    Napi::Value compose(const Napi::CallbackInfo & info);
    Napi::Value reserve(const Napi::CallbackInfo & info);
    Napi::Value decode(const Napi::CallbackInfo & info);
    Napi::Value generate(const Napi::CallbackInfo & info);
    Napi::Value truncate(const Napi::CallbackInfo & info);
    Napi::Value extend(const Napi::CallbackInfo & info);
    Napi::Value gather(const Napi::CallbackInfo & info);
    Napi::Value fork(const Napi::CallbackInfo & info);
    Napi::Value startScores(const Napi::CallbackInfo & info);
    Napi::Value readScores(const Napi::CallbackInfo & info);
    Napi::Value stopScores(const Napi::CallbackInfo & info);
    Napi::Value valueNorms(const Napi::CallbackInfo & info);
    Napi::Value exportRows(const Napi::CallbackInfo & info);
    Napi::Value state(const Napi::CallbackInfo & info);
    void dispose(const Napi::CallbackInfo & info);
    void release();

    std::shared_ptr<Session> get(Napi::Env env) const;
    Napi::Value done(const Napi::CallbackInfo & info, std::function<void(Context &, Session &)> work);

    std::shared_ptr<Engine> engine;
    std::shared_ptr<Session> session;
};

}  // namespace kvasir

#include "worker.h"

#include <exception>
#include <memory>
#include <new>

#include "error.h"

namespace kvasir {

Napi::Error codedError(Napi::Env env, const std::string & code, const std::string & message) {
    Napi::Error error = Napi::Error::New(env, message);
    error.Set("code", Napi::String::New(env, code));
    return error;
}

Worker::Worker(Napi::Env env) {
    // Queue of any length: what is pushed are single tokens and ends of jobs, and the JavaScript side awaits those.
    js = Napi::ThreadSafeFunction::New(env, Napi::Function::New(env, [](const Napi::CallbackInfo &) {}), "kvasir", 0, 1);
    js.Unref(env);
    thread = std::thread([this] { loop(); });
}

Worker::~Worker() {
    {
        std::lock_guard<std::mutex> lock(mutex);
        isClosing = true;
    }
    wake.notify_all();
    if (thread.get_id() == std::this_thread::get_id()) {
        thread.detach();  // the environment is going down and this thread holds the last work
    } else {
        thread.join();
    }
    js.Release();
}

void Worker::loop() {
    for (;;) {
        std::function<void()> work;
        {
            std::unique_lock<std::mutex> lock(mutex);
            wake.wait(lock, [&] { return isClosing || !queue.empty(); });
            if (queue.empty()) {
                return;
            }
            work = std::move(queue.front());
            queue.pop_front();
        }
        work();
    }
}

void Worker::post(std::function<void()> work) {
    {
        std::lock_guard<std::mutex> lock(mutex);
        queue.push_back(std::move(work));
    }
    wake.notify_one();
}

void Worker::callJs(std::function<void(Napi::Env)> call) {
    auto * copy = new std::function<void(Napi::Env)>(std::move(call));
    const napi_status status = js.NonBlockingCall(copy, [](Napi::Env env, Napi::Function, std::function<void(Napi::Env)> * f) {
        std::unique_ptr<std::function<void(Napi::Env)>> owned(f);
        if (env != nullptr) {
            Napi::HandleScope scope(env);
            (*owned)(env);
        }
    });
    if (status != napi_ok) {
        delete copy;  // the environment is going down; nobody waits any more
    }
}

Napi::Value Worker::promise(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> finish) {
    struct Job {
        std::function<void()> work;
        std::function<Napi::Value(Napi::Env)> finish;
        Napi::Promise::Deferred deferred;
        std::string code, message;
    };
    auto job = std::make_shared<Job>(Job{std::move(work), std::move(finish), Napi::Promise::Deferred::New(env), {}, {}});
    // Waiting work keeps the process alive, an idle context does not.
    if (nPending++ == 0) {
        js.Ref(env);
    }
    const Napi::Value promised = job->deferred.Promise();
    post([self = shared_from_this(), job]() mutable {
        try {
            job->work();
        } catch (const KvError & error) {
            job->code = error.code;
            job->message = error.what();
        } catch (const std::bad_alloc &) {
            job->code = "out-of-memory";
            job->message = "the process ran out of memory";
        } catch (const std::exception & error) {
            job->code = "internal";
            job->message = error.what();
        }
        Worker & worker = *self;
        worker.callJs([self = std::move(self), job = std::move(job)](Napi::Env env) {
            if (--self->nPending == 0) {
                self->js.Unref(env);
            }
            if (job->code.empty()) {
                job->deferred.Resolve(job->finish(env));
            } else {
                job->deferred.Reject(codedError(env, job->code, job->message).Value());
            }
        });
    });
    return promised;
}

}  // namespace kvasir

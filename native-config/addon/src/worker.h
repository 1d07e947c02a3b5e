// One thread that does a context's work in the order it was asked for, and tells JavaScript when a piece is done.
#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace kvasir {

class Worker : public std::enable_shared_from_this<Worker> {
public:
    explicit Worker(Napi::Env env);
    /** Finishes what is queued, then joins. */
    ~Worker();

    /** Runs on the worker's thread; nothing is told to anybody. What `work` holds may end there. */
    void post(std::function<void()> work);

    /**
     * Runs `work` on the worker's thread and settles a promise with what `finish` makes of it on the JavaScript thread.
     * A KvError becomes an Error with `code`. Both functions, and what they hold, end on the JavaScript thread.
     */
    Napi::Value promise(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> finish);

    /** From the worker's thread: runs `call` on the JavaScript thread, soon. */
    void callJs(std::function<void(Napi::Env)> call);

private:
    void loop();

    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::function<void()>> queue;
    bool isClosing = false;
    int nPending = 0;  // promises; touched on the JavaScript thread only
    Napi::ThreadSafeFunction js;
    std::thread thread;
};

/** An Error with a `code`, as the TypeScript side expects it of every failure. */
Napi::Error codedError(Napi::Env env, const std::string & code, const std::string & message);

}  // namespace kvasir

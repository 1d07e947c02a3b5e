#include "crash-report.h"

#if __has_include(<execinfo.h>)

#include <csignal>
#include <cstring>
#include <execinfo.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <vector>

namespace kvasir {

namespace {

struct Fatal {
    int number;
    const char * name;
    struct sigaction before;
};
Fatal fatals[] = {{SIGSEGV, "SIGSEGV", {}}, {SIGBUS, "SIGBUS", {}}, {SIGILL, "SIGILL", {}},
                  {SIGFPE, "SIGFPE", {}},   {SIGABRT, "SIGABRT", {}}};
constexpr int maxFrames = 64;
std::atomic<int> file{-1};
std::atomic_flag isReporting = ATOMIC_FLAG_INIT;

void say(int fd, const char * text) {
    const ssize_t n = write(fd, text, std::strlen(text));
    (void) n;  // nobody is left to hear of it
}

/** Calls only what may be called in a signal handler; `backtrace` has been called before, so that it loads nothing now. */
void onFatal(int number, siginfo_t * info, void *) {
    const Fatal * fatal = nullptr;
    for (const Fatal & one : fatals) {
        fatal = one.number == number ? &one : fatal;
    }
    if (fatal == nullptr) {
        return;
    }
    if (!isReporting.test_and_set()) {
        const int fd = file;
        say(fd, fatal->name);
        say(fd, "\n");
        void * frames[maxFrames];
        backtrace_symbols_fd(frames, backtrace(frames, maxFrames), fd);
        fsync(fd);
    }
    // Whoever was here before us goes on, Node's own handler or the system's end. A fault comes again by itself when we
    // return; what somebody has sent does not.
    sigaction(number, &fatal->before, nullptr);
    if (info->si_code <= 0) {
        raise(number);
    }
}

}  // namespace

bool reportCrashesTo(const std::string & path) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    const int earlier = file.exchange(fd);
    if (earlier >= 0) {
        close(earlier);
        return true;
    }
    void * frame[1];
    backtrace(frame, 1);
    // A stack that ran over cannot hold the handler: this thread gets another one for it.
    static std::vector<char> spare(64 * 1024);
    stack_t stack = {};
    stack.ss_sp = spare.data();
    stack.ss_size = spare.size();
    sigaltstack(&stack, nullptr);
    for (Fatal & fatal : fatals) {
        struct sigaction action = {};
        action.sa_sigaction = onFatal;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigemptyset(&action.sa_mask);
        sigaction(fatal.number, &action, &fatal.before);
    }
    return true;
}

}  // namespace kvasir

#else

namespace kvasir {

bool reportCrashesTo(const std::string &) {
    return false;
}

}  // namespace kvasir

#endif

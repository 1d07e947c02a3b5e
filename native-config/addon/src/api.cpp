#include "api.h"

#include "error.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace kvasir {

Api api;

namespace {

bool isLoaded = false;

#ifdef _WIN32
void * openLoaded(const std::string & path) {
    // Only a module that is in the process already: loading a second copy of ggml would split its registry in two.
    const int n = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
    std::wstring wide(n, L'\0');
    MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, wide.data(), n);
    return GetModuleHandleW(wide.c_str());
}
void * symbolOf(void * library, const char * name) {
    return reinterpret_cast<void *>(GetProcAddress(static_cast<HMODULE>(library), name));
}
#else
void * openLoaded(const std::string & path) {
    return dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
}
void * symbolOf(void * library, const char * name) {
    return dlsym(library, name);
}
#endif

}  // namespace

void loadApi(const std::vector<std::string> & libraries) {
    std::vector<void *> handles;
    for (const std::string & path : libraries) {
        void * handle = openLoaded(path);
        if (handle == nullptr) {
            throw KvError("addon-mismatch", "llama.cpp's library is not loaded in this process: " + path);
        }
        handles.push_back(handle);
    }
    const auto resolve = [&](const char * name) {
        for (void * handle : handles) {
            if (void * symbol = symbolOf(handle, name)) {
                return symbol;
            }
        }
        throw KvError("addon-mismatch", std::string("the loaded llama.cpp does not export ") + name);
    };
    Api table;
#define KVASIR_RESOLVE(name) table.name = reinterpret_cast<decltype(table.name)>(resolve(#name));
    KVASIR_LLAMA_FUNCTIONS(KVASIR_RESOLVE)
    KVASIR_GGML_FUNCTIONS(KVASIR_RESOLVE)
#undef KVASIR_RESOLVE
    api = table;
    isLoaded = true;
}

bool isApiLoaded() {
    return isLoaded;
}

void loadCpuBackendApi() {
    if (api.threadpool_new != nullptr) {
        return;
    }
    ggml_backend_dev_t cpu = api.ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (cpu == nullptr) {
        throw KvError("addon-mismatch", "llama.cpp has no CPU backend loaded");
    }
    ggml_backend_reg_t reg = api.ggml_backend_dev_backend_reg(cpu);
    const auto resolve = [&](const char * name) {
        void * symbol = api.ggml_backend_reg_get_proc_address(reg, name);
        if (symbol == nullptr) {
            throw KvError("addon-mismatch", std::string("the loaded CPU backend does not export ") + name);
        }
        return symbol;
    };
    api.cpu_set_threadpool = reinterpret_cast<decltype(api.cpu_set_threadpool)>(resolve("ggml_backend_cpu_set_threadpool"));
    api.cpu_set_n_threads = reinterpret_cast<decltype(api.cpu_set_n_threads)>(resolve("ggml_backend_set_n_threads"));
    api.threadpool_free = reinterpret_cast<decltype(api.threadpool_free)>(resolve("ggml_threadpool_free"));
    api.threadpool_new = reinterpret_cast<decltype(api.threadpool_new)>(resolve("ggml_threadpool_new"));
}

}  // namespace kvasir

// Answers the delayed load of node.exe with the running executable, so that one build of the addon works in
// Node and in Electron, whatever the executable is called.
#include <windows.h>

#include <delayimp.h>

#include <cstring>

static FARPROC WINAPI load_host(unsigned int event, DelayLoadInfo* info) {
    if (event != dliNotePreLoadLibrary || _stricmp(info->szDll, HOST_BINARY) != 0) return nullptr;
    return reinterpret_cast<FARPROC>(GetModuleHandle(nullptr));
}

ExternC const PfnDliHook __pfnDliNotifyHook2 = load_host;

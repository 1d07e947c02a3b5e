// The last words of a process that dies in native code: the signal and the stack of the thread that got it, in a file.
#pragma once

#include <string>

namespace kvasir {

/**
 * From now on a fatal signal first writes its name and a native stack (libraries and function names, nothing of the
 * user's) to `path`, then has its usual effect. The file is made, and emptied, now: there is no later in a crash.
 * @returns false where there is no such thing (Windows, musl) or the file cannot be made
 */
bool reportCrashesTo(const std::string & path);

}  // namespace kvasir

// An expected failure: a code that the TypeScript side maps to its coded errors, and a sentence.
#pragma once

#include <stdexcept>
#include <string>

namespace kvasir {

class KvError : public std::runtime_error {
public:
    KvError(std::string code, const std::string & message) : std::runtime_error(message), code(std::move(code)) {}
    const std::string code;
};

}  // namespace kvasir

// Small questions that several readers ask.
#pragma once

#include <cstdint>
#include <string>

namespace netwright {

// Whether it is a folder that can be reached; never throws.
bool is_folder(const std::string& path);

// Whether it is valid UTF-8, as names that go into JSON documents must be.
bool is_utf8(const std::string& text);

// Bytes of memory this machine has.
std::uint64_t machine_memory();

}  // namespace netwright

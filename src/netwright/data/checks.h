// Small questions that several readers ask.
#pragma once

#include <cstdint>
#include <string>

namespace netwright {

// Whether it is a folder that can be reached; never throws.
bool is_folder(const std::string& path);

// Bytes of memory this machine has.
std::uint64_t machine_memory();

}  // namespace netwright

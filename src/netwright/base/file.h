// Files that are whole or absent: written beside, flushed to the disk, renamed over.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

// The whole file; an invalid Error when it is absent, unreadable, a folder, or longer than `limit` bytes.
std::string read_file(const std::string& path, std::size_t limit = std::size_t{1} << 32);

// Writes to a temporary file in the same folder, fsyncs it, renames it over `path`, fsyncs the folder. On any failure
// (read-only or full disk) throws an Error (invalid where another place would do) that names the path and the cause;
// `path` keeps its old content.
void write_file_atomically(const std::string& path, std::string_view content);

// mkdir -p; throws an Error that names the path and the cause.
void make_folders(const std::string& path);

bool file_exists(const std::string& path);

// Path of the running program, for finding its siblings (netwright-torch, spaces/).
std::string program_path();

// BLAKE2b (libsodium) in hexadecimal; `bytes` between 16 and 64.
std::string blake2b_hex(std::string_view content, std::size_t bytes = 16);

}  // namespace netwright

// Studies in an SQLite file.
//
// Write-ahead log with synchronous=FULL: each call is one transaction and one flush of the disk. Several processes may
// read while one writes. The tables, in sqlite.cpp, are plain enough to be looked at with the sqlite3 shell.
#pragma once

#include <memory>
#include <string>

#include "netwright/storage/storage.h"

namespace netwright {

// Opens the file, or makes it and its folder. Throws Error (ExitCode::storage) when it is no database, another
// program's, damaged, of a newer netwright, or cannot be written.
std::unique_ptr<Storage> open_sqlite_storage(const std::string& path);

}  // namespace netwright

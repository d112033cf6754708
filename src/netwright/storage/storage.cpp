#include "netwright/storage/storage.h"

#include "netwright/base/error.h"
#include "netwright/storage/memory.h"
#include "netwright/storage/sqlite.h"

namespace netwright {

std::unique_ptr<Storage> open_storage(const std::string& where) {
  if (where.empty()) throw Error(ExitCode::storage, "no storage is named", "set `storage:` to the path of a file");
  if (where == "memory") return make_memory_storage();
  return open_sqlite_storage(where);
}

}  // namespace netwright

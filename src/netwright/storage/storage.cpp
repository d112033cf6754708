#include "netwright/storage/storage.h"

#include <algorithm>
#include <array>

#include "netwright/base/error.h"
#include "netwright/storage/memory.h"
#include "netwright/storage/sqlite.h"

namespace netwright {

namespace {
constexpr std::array<std::string_view, 6> kinds = {"proposed", "resumed", "paused", "finished", "imported", "closed"};
}

std::string_view to_string(EventKind kind) {
  return kinds[static_cast<std::size_t>(kind)];
}

EventKind event_kind_from_string(std::string_view text) {
  const auto found = std::find(kinds.begin(), kinds.end(), text);
  if (found == kinds.end()) throw invalid({}, "'" + std::string(text) + "' is no kind of event", "");
  return static_cast<EventKind>(found - kinds.begin());
}

std::unique_ptr<Storage> open_storage(const std::string& where) {
  if (where.empty()) throw Error(ExitCode::storage, "no storage is named", "set `storage:` to the path of a file");
  if (where == "memory") return make_memory_storage();
  return open_sqlite_storage(where);
}

}  // namespace netwright

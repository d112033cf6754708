#include "netwright/storage/database.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace netwright {
namespace {

constexpr int busy_milliseconds = 30000;

std::string remedy_of(int code, int system_error) {
  if (code == SQLITE_FULL || system_error == ENOSPC || system_error == EDQUOT) {
    return "free some space on that disk, then run the command again";
  }
  if (system_error == EACCES || system_error == EPERM || system_error == EROFS) {
    return "make the file and its folder writable, or choose another with `storage:`";
  }
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another process is writing to it; wait for it to end, then run the command again";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return "make the file and its folder writable, or choose another with `storage:`";
    case SQLITE_CANTOPEN:
      return "check that the path is a file in a folder that you may write to";
    case SQLITE_NOTADB:
      return "give the path of a file that netwright made, or of one that does not exist yet";
    case SQLITE_CORRUPT:
      return "restore a copy, or rescue what is readable with: sqlite3 FILE .recover | sqlite3 NEW_FILE";
    case SQLITE_IOERR:
      return "check the disk";
    default:
      return "";
  }
}

// A whole database (no log beside it) on a disk, or in a folder, that cannot be written.
bool lies_read_only(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return ::access(path.c_str(), R_OK) == 0 && ::access(folder.empty() ? "." : folder.c_str(), W_OK) != 0 &&
         ::access((path + "-wal").c_str(), F_OK) != 0;
}

// The path with what means something in a URI escaped.
std::string uri_path(const std::string& path) {
  std::string escaped;
  for (const char c : std::filesystem::absolute(path).lexically_normal().string()) {
    if (c == '%' || c == '?' || c == '#') {
      constexpr char digits[] = "0123456789abcdef";
      escaped += '%';
      escaped += digits[static_cast<unsigned char>(c) >> 4];
      escaped += digits[static_cast<unsigned char>(c) & 15];
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

Rows::~Rows() {
  sqlite3_reset(statement_);
}

bool Rows::next() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  throw database_.failure(code);
}

std::int64_t Rows::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Rows::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string Rows::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Database::Database(std::string path) : path_(std::move(path)), read_only_(lies_read_only(path_)) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  std::string name = path_;
  if (read_only_) {  // a log cannot be kept there either: nobody may write, so none is needed
    flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    name = "file:" + uri_path(path_) + "?immutable=1";
  }
  const int code = sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) {
    const Error error = failure(code);
    sqlite3_close_v2(handle_);
    throw error;
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, busy_milliseconds);
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

void Database::execute(const char* script) {
  const int code = sqlite3_exec(handle_, script, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw failure(code);
}

Error Database::failure(int code) const {
  const int system_error = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
  std::string cause = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  const int primary = code & 0xff;
  const bool by_system = primary == SQLITE_CANTOPEN || primary == SQLITE_IOERR || primary == SQLITE_FULL;
  if (by_system && system_error != 0) cause += std::string(" (") + std::strerror(system_error) + ")";
  return Error(ExitCode::storage, "the study database cannot be used: " + cause,
               remedy_of(primary, by_system ? system_error : 0), {path_, 0, 0});
}

Error Database::damaged(const std::string& what) const {
  return Error(ExitCode::storage, "the study database is damaged: " + what, remedy_of(SQLITE_CORRUPT, 0),
               {path_, 0, 0});
}

sqlite3_stmt* Database::prepare(const char* sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) throw failure(code);
  statements_.emplace(sql, statement);
  return statement;
}

void Database::bind(sqlite3_stmt* statement, int place, std::int64_t value) const {
  const int code = sqlite3_bind_int64(statement, place, value);
  if (code != SQLITE_OK) throw failure(code);
}

void Database::bind(sqlite3_stmt* statement, int place, double value) const {
  const int code = sqlite3_bind_double(statement, place, value);
  if (code != SQLITE_OK) throw failure(code);
}

void Database::bind(sqlite3_stmt* statement, int place, std::string_view value) const {
  const int code = sqlite3_bind_text64(statement, place, value.data() == nullptr ? "" : value.data(), value.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) throw failure(code);
}

int Database::changes() const {
  return sqlite3_changes(handle_);
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const Error&) {  // SQLite has rolled back by itself already, as after a full disk
  }
}

}  // namespace netwright

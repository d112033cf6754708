// SQLite's C API with its results checked: every failure is an Error with ExitCode::storage that names the file, the
// cause and a remedy. Private to storage/. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "netwright/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace netwright {

class Database;

// The result of one statement; the statement is free for its next use when this goes.
class Rows {
 public:
  Rows(Database& database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  ~Rows();
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  bool next();  // moves to the next row; false after the last
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* statement_;
};

class Database {
 public:
  // Opens the file, or makes it; one where nothing can be written is opened for reading. Writers of other processes are
  // waited for up to 30 s.
  explicit Database(std::string path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Statements without parameters or results.
  void execute(const char* script);

  // A statement with its parameters bound in order; prepared once, by its text, which must outlive the database.
  template <class... Values>
  Rows query(const char* sql, const Values&... values) {
    sqlite3_stmt* statement = prepare(sql);
    int place = 0;
    (bind(statement, ++place, values), ...);
    return Rows(*this, statement);
  }

  // The same for a statement without results; the number of rows that it changed.
  template <class... Values>
  int run(const char* sql, const Values&... values) {
    Rows rows = query(sql, values...);
    while (rows.next()) {
    }
    return changes();
  }

  const std::string& path() const { return path_; }
  bool read_only() const { return read_only_; }
  // The failure of the last call, as SQLite tells it.
  Error failure(int code) const;
  Error damaged(const std::string& what) const;

 private:
  sqlite3_stmt* prepare(const char* sql);
  void bind(sqlite3_stmt* statement, int place, std::int64_t value) const;
  void bind(sqlite3_stmt* statement, int place, int value) const { bind(statement, place, std::int64_t{value}); }
  void bind(sqlite3_stmt* statement, int place, bool value) const { bind(statement, place, std::int64_t{value}); }
  void bind(sqlite3_stmt* statement, int place, double value) const;
  void bind(sqlite3_stmt* statement, int place, std::string_view value) const;
  int changes() const;

  std::string path_;
  bool read_only_;
  sqlite3* handle_ = nullptr;
  std::map<std::string_view, sqlite3_stmt*> statements_;
};

// All or nothing: rolled back unless committed. Takes the write lock at once, so that what it reads stays true.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.run("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Durable when it returns.
  void commit() {
    database_.run("COMMIT");
    open_ = false;
  }

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace netwright

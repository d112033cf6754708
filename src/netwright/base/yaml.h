// YAML as plain data in which every node knows its line and column, so that a message can point at the user's mistake.
//
// Parsing refuses duplicate keys, non-scalar keys, documents of more than 100,000 nodes after alias expansion (alias
// bombs), and files over 4 MiB.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "netwright/base/error.h"

namespace netwright {

struct YamlEntry;

struct Yaml {
  enum class Kind { null, scalar, sequence, mapping };

  Kind kind = Kind::null;
  std::string text;                // scalar
  bool quoted = false;             // scalar written in quotes: always text, never a number
  std::vector<Yaml> items;         // sequence
  std::vector<YamlEntry> entries;  // mapping, in the order written
  Location where;

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_sequence() const { return kind == Kind::sequence; }
  bool is_mapping() const { return kind == Kind::mapping; }

  const Yaml* find(std::string_view key) const;   // null unless a mapping that has the key
  Yaml& set(const std::string& key, Yaml value);  // adds or replaces; turns null into a mapping

  // Typed reading; each throws an invalid Error at the node's place when the type or the range is wrong.
  // `what` names the value in the message, e.g. "epochs".
  std::int64_t as_integer(std::string_view what, std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                          std::int64_t high = std::numeric_limits<std::int64_t>::max()) const;
  double as_number(std::string_view what, double low = -std::numeric_limits<double>::infinity(),
                   double high = std::numeric_limits<double>::infinity()) const;
  bool as_boolean(std::string_view what) const;
  const std::string& as_text(std::string_view what) const;

  // Whether the scalar, unquoted, reads as such a value.
  bool reads_as_integer(std::int64_t* value = nullptr) const;
  bool reads_as_number(double* value = nullptr) const;
  bool reads_as_boolean(bool* value = nullptr) const;
};

struct YamlEntry {
  std::string key;
  Location where;
  Yaml value;
};

// `file` is only used in messages.
Yaml parse_yaml(std::string_view text, const std::string& file);
Yaml load_yaml(const std::string& path);

// Block-style text that parses back to the same tree; scalars are quoted where needed.
std::string dump_yaml(const Yaml& node);

// "a.b.c" -> sets that path in a mapping, making mappings on the way; value is parsed as YAML. For --set. Throws usage
// errors.
void set_by_path(Yaml& root, std::string_view assignment);

// Strict reading of a mapping: every key must be asked for before finish(), which names unknown ones and the nearest
// valid.
class MappingReader {
 public:
  // Throws unless `node` is a mapping (null counts as an empty one). `node` must outlive the reader.
  MappingReader(const Yaml& node, std::string what);

  const Yaml* optional(const std::string& key);
  const Yaml& required(const std::string& key);
  bool has(const std::string& key);

  std::int64_t integer(const std::string& key, std::int64_t fallback, std::int64_t low, std::int64_t high);
  double number(const std::string& key, double fallback, double low, double high);
  bool boolean(const std::string& key, bool fallback);
  std::string text(const std::string& key, const std::string& fallback);
  std::string one_of(const std::string& key, const std::string& fallback, const std::vector<std::string>& allowed);

  void finish() const;
  const Yaml& node() const { return node_; }
  const std::string& what() const { return what_; }

 private:
  const Yaml& node_;
  std::string what_;
  std::vector<std::string> known_;
};

}  // namespace netwright

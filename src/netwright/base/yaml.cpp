#include "netwright/base/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>
#include <unordered_set>
#include <utility>

#include "netwright/base/file.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

constexpr std::size_t max_nodes = 100'000;
constexpr std::size_t max_bytes = std::size_t{4} << 20;
constexpr std::size_t max_depth = 200;

std::size_t count_nodes(const Yaml& node) {
  std::size_t count = 1;
  for (const auto& item : node.items) count += count_nodes(item);
  for (const auto& entry : node.entries) count += 1 + count_nodes(entry.value);
  return count;
}

// Builds the tree from yaml-cpp's events, counting nodes as aliases are copied in.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string file) : file_(std::move(file)) {}

  Yaml take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Yaml node;
    node.where = place(mark);
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw invalid(place(mark), "an alias to a node that contains it", "write the value out instead of an alias");
    }
    nodes_ += found->second.second;
    check_size(place(mark));
    Yaml copy = found->second.first;
    copy.where = place(mark);
    add(std::move(copy), 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (!is_utf8(value)) {  // yaml-cpp writes one byte for these two
      throw invalid(place(mark), "the escape \\N or \\_ in quotes", "write \\u0085 or \\u00a0");
    }
    Yaml node;
    node.where = place(mark);
    node.quoted = tag == "!";
    if (!node.quoted && (value == "~" || value == "null" || value == "Null" || value == "NULL" || value.empty())) {
      node.kind = Yaml::Kind::null;
    } else {
      node.kind = Yaml::Kind::scalar;
      node.text = value;
    }
    add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Yaml::Kind::sequence, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Yaml::Kind::mapping, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Yaml node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    std::string key;
    std::unordered_set<std::string> keys;  // so far
    Location key_where;
  };

  Location place(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  void check_size(const Location& where) const {
    if (nodes_ > max_nodes) {
      throw invalid(where, "the document has more than 100000 nodes once its aliases are expanded",
                    "remove nested aliases (&name, *name) or split the file");
    }
  }

  void open(Yaml::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (stack_.size() >= max_depth) {
      throw invalid(place(mark), "nested deeper than 200 levels", "flatten the document");
    }
    Open entry;
    entry.node.kind = kind;
    entry.node.where = place(mark);
    entry.anchor = anchor;
    stack_.push_back(std::move(entry));
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  void add(Yaml node, YAML::anchor_t anchor) {
    ++nodes_;
    check_size(node.where);
    if (anchor != 0) {
      const std::size_t size = count_nodes(node);
      anchors_[anchor] = {node, size};
    }
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = stack_.back();
    if (parent.node.kind == Yaml::Kind::sequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      if (!node.is_scalar()) throw invalid(node.where, "a key that is not plain text", "write keys as plain words");
      if (!parent.keys.insert(node.text).second) {
        throw invalid(node.where, "duplicate key '" + node.text + "'", "keep one of the two");
      }
      parent.key = node.text;
      parent.key_where = node.where;
      parent.has_key = true;
    } else {
      parent.node.entries.push_back({parent.key, parent.key_where, std::move(node)});
      parent.has_key = false;
    }
  }

  std::string file_;
  Yaml root_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, std::pair<Yaml, std::size_t>> anchors_;
  std::size_t nodes_ = 0;
};

std::string describe(const Yaml& node) {
  switch (node.kind) {
    case Yaml::Kind::null:
      return "nothing";
    case Yaml::Kind::scalar:
      return "'" + node.text.substr(0, 60) + "'";
    case Yaml::Kind::sequence:
      return "a list";
    case Yaml::Kind::mapping:
      return "a mapping";
  }
  return "";
}

// YAML has no control characters but tab and line ends.
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 32 && c != '\t' && c != '\n' && c != '\r';
}

// yaml-cpp guesses other encodings from the first bytes, and passes on what is wrong in UTF-8.
void check_encoding(std::string_view text, const std::string& file) {
  const auto clean = [](std::string_view part) {
    return std::none_of(part.begin(), part.end(), is_control) && is_utf8(part);
  };
  if (clean(text)) return;
  int line = 1;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (!clean(text.substr(begin, end - begin))) break;
    begin = end + 1;
  }
  throw invalid({file, line, 1}, "not UTF-8 text", "save the file as plain text in the encoding UTF-8");
}

Error wrong_type(const Yaml& node, std::string_view what, const std::string& expected) {
  return invalid(node.where, "'" + std::string(what) + "' must be " + expected + ", not " + describe(node),
                 "give " + expected);
}

}  // namespace

const Yaml* Yaml::find(std::string_view key) const {
  for (const auto& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

Yaml& Yaml::set(const std::string& key, Yaml value) {
  if (kind == Kind::null) kind = Kind::mapping;
  for (auto& entry : entries) {
    if (entry.key == key) return entry.value = std::move(value);
  }
  entries.push_back({key, value.where, std::move(value)});
  return entries.back().value;
}

bool Yaml::reads_as_integer(std::int64_t* value) const {
  if (!is_scalar() || quoted) return false;
  std::int64_t parsed = 0;
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(begin, end, parsed);
  if (result.ec != std::errc{} || result.ptr != end) return false;
  if (value != nullptr) *value = parsed;
  return true;
}

bool Yaml::reads_as_number(double* value) const {
  if (!is_scalar() || quoted) return false;
  double parsed = 0;
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(begin, end, parsed);
  if (result.ec != std::errc{} || result.ptr != end || !std::isfinite(parsed)) return false;
  if (value != nullptr) *value = parsed;
  return true;
}

bool Yaml::reads_as_boolean(bool* value) const {
  if (!is_scalar() || quoted) return false;
  const bool yes = text == "true" || text == "True" || text == "TRUE" || text == "yes" || text == "on";
  const bool no = text == "false" || text == "False" || text == "FALSE" || text == "no" || text == "off";
  if (value != nullptr && (yes || no)) *value = yes;
  return yes || no;
}

std::int64_t Yaml::as_integer(std::string_view what, std::int64_t low, std::int64_t high) const {
  std::int64_t value = 0;
  if (!reads_as_integer(&value)) {
    double number = 0;  // 1e3 is an integer too
    if (!reads_as_number(&number) || number != std::floor(number) || std::fabs(number) > 9e15) {
      throw wrong_type(*this, what, "an integer");
    }
    value = static_cast<std::int64_t>(number);
  }
  if (value < low || value > high) {
    const std::string range = high == std::numeric_limits<std::int64_t>::max()
                                  ? "at least " + std::to_string(low)
                                  : "between " + std::to_string(low) + " and " + std::to_string(high);
    throw invalid(where, "'" + std::string(what) + "' is " + text, "it must be " + range);
  }
  return value;
}

double Yaml::as_number(std::string_view what, double low, double high) const {
  double value = 0;
  if (!reads_as_number(&value)) throw wrong_type(*this, what, "a number");
  if (value < low || value > high) {
    const std::string range =
        std::isinf(high) ? "at least " + number_text(low) : "between " + number_text(low) + " and " + number_text(high);
    throw invalid(where, "'" + std::string(what) + "' is " + text, "it must be " + range);
  }
  return value;
}

bool Yaml::as_boolean(std::string_view what) const {
  bool value = false;
  if (!reads_as_boolean(&value)) throw wrong_type(*this, what, "true or false");
  return value;
}

const std::string& Yaml::as_text(std::string_view what) const {
  if (!is_scalar()) throw wrong_type(*this, what, "text");
  return text;
}

Yaml parse_yaml(std::string_view text, const std::string& file) {
  if (text.size() > max_bytes)
    throw invalid({file, 0, 0}, "larger than 4 MiB", "this is not an experiment or space file");
  check_encoding(text, file);
  // yaml-cpp takes the end of a file after a line break for a closing quote; the end of a comment it does not.
  std::istringstream stream(std::string(text) + "\n#");
  try {
    YAML::Parser parser(stream);
    TreeBuilder builder(file);
    if (!parser.HandleNextDocument(builder)) {
      Yaml empty;
      empty.where = {file, 1, 1};
      return empty;
    }
    Yaml root = builder.take();
    TreeBuilder extra(file);
    if (parser.HandleNextDocument(extra)) {
      throw invalid(extra.take().where, "a second document in one file", "remove the '---' and what follows it");
    }
    return root;
  } catch (const YAML::Exception& error) {
    if (error.msg == YAML::ErrorMsg::EOF_IN_SCALAR) {
      throw invalid({file, error.mark.line + 1, error.mark.column + 1}, "a quote that is never closed",
                    "look above for an opening quote without its partner");
    }
    throw invalid({file, error.mark.line + 1, error.mark.column + 1}, "not valid YAML: " + error.msg,
                  "check the indentation, colons and quotes on this line");
  }
}

Yaml load_yaml(const std::string& path) {
  return parse_yaml(read_file(path, max_bytes), path);
}

void set_by_path(Yaml& root, std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw Error(ExitCode::usage, "--set " + std::string(assignment) + " has no key=value",
                "write --set recipe.epochs=5, for example");
  }
  const std::string origin = "--set " + std::string(assignment.substr(0, equals));
  Yaml value = parse_yaml(assignment.substr(equals + 1), origin);
  Yaml* node = &root;
  const auto parts = split(assignment.substr(0, equals), '.');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    if (part.empty()) throw Error(ExitCode::usage, origin + " has an empty name between two dots");
    const bool last = i + 1 == parts.size();
    if (node->is_sequence()) {
      std::size_t index = 0;
      const auto result = std::from_chars(part.data(), part.data() + part.size(), index);
      if (result.ec != std::errc{} || result.ptr != part.data() + part.size() || index >= node->items.size()) {
        throw Error(ExitCode::usage, origin + ": '" + part + "' is not an index of that list");
      }
      node = &node->items[index];
    } else {
      if (!node->is_mapping() && !node->is_null()) *node = Yaml{};
      node->kind = Yaml::Kind::mapping;
      if (node->where.file.empty()) node->where = value.where;
      if (node->find(part) == nullptr) {
        Yaml made;
        made.where = value.where;
        node->set(part, std::move(made));
      }
      node = const_cast<Yaml*>(node->find(part));
    }
    if (last) *node = std::move(value);
  }
}

MappingReader::MappingReader(const Yaml& node, std::string what) : node_(node), what_(std::move(what)) {
  if (!node.is_mapping() && !node.is_null()) throw wrong_type(node, what_, "a mapping (key: value)");
}

const Yaml* MappingReader::optional(const std::string& key) {
  known_.push_back(key);
  const Yaml* found = node_.find(key);
  return found != nullptr && found->is_null() ? nullptr : found;
}

const Yaml& MappingReader::required(const std::string& key) {
  const Yaml* found = optional(key);
  if (found == nullptr) throw invalid(node_.where, what_ + " lacks '" + key + "'", "add '" + key + ": …'");
  return *found;
}

bool MappingReader::has(const std::string& key) {
  return optional(key) != nullptr;
}

std::int64_t MappingReader::integer(const std::string& key, std::int64_t fallback, std::int64_t low,
                                    std::int64_t high) {
  const Yaml* found = optional(key);
  return found != nullptr ? found->as_integer(key, low, high) : fallback;
}

double MappingReader::number(const std::string& key, double fallback, double low, double high) {
  const Yaml* found = optional(key);
  return found != nullptr ? found->as_number(key, low, high) : fallback;
}

bool MappingReader::boolean(const std::string& key, bool fallback) {
  const Yaml* found = optional(key);
  return found != nullptr ? found->as_boolean(key) : fallback;
}

std::string MappingReader::text(const std::string& key, const std::string& fallback) {
  const Yaml* found = optional(key);
  return found != nullptr ? found->as_text(key) : fallback;
}

std::string MappingReader::one_of(const std::string& key, const std::string& fallback,
                                  const std::vector<std::string>& allowed) {
  const Yaml* found = optional(key);
  if (found == nullptr) return fallback;
  const std::string& value = found->as_text(key);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    throw invalid(found->where, "'" + key + "' is '" + value + "'", suggest(value, allowed));
  }
  return value;
}

void MappingReader::finish() const {
  for (const auto& entry : node_.entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) == known_.end()) {
      throw invalid(entry.where, "unknown key '" + entry.key + "' in " + what_, suggest(entry.key, known_));
    }
  }
}

}  // namespace netwright

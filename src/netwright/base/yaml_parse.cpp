// From text to a tree, by yaml-cpp's events.
#include "netwright/base/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
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

}  // namespace

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

}  // namespace netwright

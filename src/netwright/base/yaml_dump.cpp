// Writing a tree as block-style YAML that reads back the same.

#include <algorithm>
#include <cctype>
#include <string>

#include "netwright/base/yaml.h"

namespace netwright {
namespace {

void write_node(const Yaml& node, int indent, std::string& out);

bool needs_quotes(const Yaml& node) {
  const std::string& text = node.text;
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return true;
  if (node.quoted) {  // keep text text: quote what would read as a number or a boolean without
    Yaml plain = node;
    plain.quoted = false;
    if (plain.reads_as_number() || plain.reads_as_boolean()) return true;
  }
  if (text.front() == ' ' || text.back() == ' ' || text.back() == ':') return true;
  if (std::string_view("-?:,[]{}#&*!|>'\"%@`").find(text.front()) != std::string_view::npos) {
    const bool negative_number =
        text.front() == '-' && text.size() > 1 && (std::isdigit(static_cast<unsigned char>(text[1])) || text[1] == '.');
    if (!negative_number) return true;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) < 32 || c == ',' || c == '?' || c == '[' || c == ']' || c == '{' || c == '}' ||
        c == '\\')
      return true;
    if (c == '#' && text[i - 1] == ' ') return true;
    if (c == ':' && i + 1 < text.size() && text[i + 1] == ' ') return true;
  }
  return false;
}

std::string scalar_text(const Yaml& node) {
  if (node.is_null()) return "null";
  if (!needs_quotes(node)) return node.text;
  std::string out = "\"";
  for (const char c : node.text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 32) {
      constexpr const char* digits = "0123456789abcdef";
      out += "\\x";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[c & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

bool is_flat(const Yaml& node) {
  return std::all_of(node.items.begin(), node.items.end(),
                     [](const Yaml& item) { return item.is_scalar() || item.is_null(); });
}

void write_value_after_colon(const Yaml& value, int indent, std::string& out) {
  if (value.is_mapping() && !value.entries.empty()) {
    out += "\n";
    write_node(value, indent + 2, out);
  } else if (value.is_sequence() && !value.items.empty() && !is_flat(value)) {
    out += "\n";
    write_node(value, indent + 2, out);
  } else {
    out += " ";
    write_node(value, indent, out);
  }
}

void write_node(const Yaml& node, int indent, std::string& out) {
  const std::string pad(static_cast<std::size_t>(indent), ' ');
  if (node.is_mapping()) {
    if (node.entries.empty()) {
      out += "{}\n";
      return;
    }
    for (const auto& entry : node.entries) {
      Yaml key;
      key.kind = Yaml::Kind::scalar;
      key.text = entry.key;
      out += pad + scalar_text(key) + ":";
      write_value_after_colon(entry.value, indent, out);
    }
  } else if (node.is_sequence()) {
    if (is_flat(node)) {
      out += "[";
      for (std::size_t i = 0; i < node.items.size(); ++i) out += (i > 0 ? ", " : "") + scalar_text(node.items[i]);
      out += "]\n";
      return;
    }
    for (const auto& item : node.items) {
      if ((item.is_mapping() && !item.entries.empty()) ||
          (item.is_sequence() && !item.items.empty() && !is_flat(item))) {
        std::string inner;
        write_node(item, indent + 2, inner);
        inner[static_cast<std::size_t>(indent)] = '-';  // the first line's indentation becomes "- "
        out += inner;
      } else {
        out += pad + "- ";
        write_node(item, indent, out);
      }
    }
  } else {
    out += scalar_text(node) + "\n";
  }
}

}  // namespace

std::string dump_yaml(const Yaml& node) {
  std::string out;
  write_node(node, 0, out);
  return out;
}

}  // namespace netwright

#include "report/markup.h"

#include <cctype>
#include <set>
#include <string_view>
#include <vector>

namespace netwright {
namespace {

const std::set<std::string_view> void_elements{"meta", "img", "br", "hr", "link", "input"};

// Reads attributes up to the closing bracket; returns where it is, or npos after a fault.
std::size_t end_of_tag(const std::string& document, std::size_t at) {
  bool quoted = false;
  for (; at < document.size(); ++at) {
    const char c = document[at];
    if (c == '"') quoted = !quoted;
    if (quoted && c == '<') return std::string::npos;
    if (!quoted && c == '>') return at;
    if (!quoted && (c == '<' || c == '\'')) return std::string::npos;
  }
  return std::string::npos;
}

bool is_entity(const std::string& document, std::size_t at) {
  const std::size_t end = document.find(';', at);
  if (end == std::string::npos || end - at > 8 || end == at + 1) return false;
  for (std::size_t i = at + 1; i < end; ++i) {
    if (std::isalnum(static_cast<unsigned char>(document[i])) == 0 && document[i] != '#') return false;
  }
  return true;
}

}  // namespace

std::string markup_problem(const std::string& document) {
  std::vector<std::string> open;
  for (std::size_t at = 0; at < document.size(); ++at) {
    if (document[at] == '&' && !is_entity(document, at)) return "bare & near " + document.substr(at, 30);
    if (document[at] == '>') return "bare > near " + document.substr(at, 30);
    if (document[at] != '<') continue;
    const std::size_t end = end_of_tag(document, at + 1);
    if (end == std::string::npos) return "malformed tag " + document.substr(at, 40);
    if (document[at + 1] == '!') {
      at = end;
      continue;
    }
    const bool closing = document[at + 1] == '/';
    std::size_t name_end = at + (closing ? 2 : 1);
    const std::size_t name_begin = name_end;
    while (std::isalnum(static_cast<unsigned char>(document[name_end])) != 0) ++name_end;
    const std::string name = document.substr(name_begin, name_end - name_begin);
    if (name.empty()) return "tag without a name near " + document.substr(at, 30);
    if (closing) {
      if (open.empty() || open.back() != name)
        return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
    } else if (document[end - 1] != '/' && void_elements.count(name) == 0) {
      open.push_back(name);
    }
    at = end;
    // A style sheet's text is not markup.
    if (name == "style" && !closing) at = document.find("</style>", end) - 1;
  }
  return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

}  // namespace netwright

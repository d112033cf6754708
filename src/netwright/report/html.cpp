#include "netwright/report/html.h"

#include <algorithm>
#include <cstdint>

#include "netwright/base/text.h"

namespace netwright {
namespace {

std::string base64(std::string_view bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < have ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) text += j <= have ? digits[group >> (18 - 6 * j) & 63u] : '=';
  }
  return text;
}

std::string plain(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    std::vector<std::string> parts;
    for (const auto& item : value) parts.push_back(plain(item));
    return join(parts, ", ");
  }
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void flatten(const Json& json, const std::string& prefix, const std::vector<std::string>& without,
             std::vector<std::pair<std::string, std::string>>& facts) {
  for (const auto& [key, value] : json.items()) {
    if (value.is_null() || std::find(without.begin(), without.end(), key) != without.end()) continue;
    std::string name = prefix + key;
    std::replace(name.begin(), name.end(), '_', ' ');
    if (value.is_object()) {
      flatten(value, name + " · ", without, facts);
    } else {
      facts.emplace_back(name, plain(value));
    }
  }
}

}  // namespace

std::string element(const std::string& name, const std::string& inner, const std::string& attributes) {
  return "<" + name + (attributes.empty() ? "" : " " + attributes) + ">" + inner + "</" + name + ">";
}

std::string section(const std::string& id, const std::string& heading, const std::string& inner) {
  if (inner.empty()) return {};
  return "<section id=\"" + id + "\">\n<h2>" + escape_xml(heading) + "</h2>\n" + inner + "\n</section>\n";
}

std::string figure(const std::string& heading, const std::string& picture, const std::string& note) {
  std::string caption = element("b", escape_xml(heading));
  if (!note.empty()) caption += " " + element("span", escape_xml(note));
  return "<figure>\n" + element("figcaption", caption) + "\n" + picture + "</figure>\n";
}

std::string tile(const std::string& label, const std::string& value, const std::string& detail) {
  std::string inner =
      element("div", escape_xml(label), "class=\"label\"") + element("div", escape_xml(value), "class=\"value\"");
  if (!detail.empty()) inner += element("div", escape_xml(detail), "class=\"detail\"");
  return element("div", inner, "class=\"tile\"") + "\n";
}

std::string html_table(const std::vector<HtmlColumn>& columns, const std::vector<std::vector<std::string>>& rows) {
  std::string head;
  for (const auto& column : columns) {
    head += element("th", escape_xml(column.heading), column.right ? "class=\"right\" scope=\"col\"" : "scope=\"col\"");
  }
  std::string body;
  for (const auto& row : rows) {
    std::string cells;
    for (std::size_t i = 0; i < row.size(); ++i) {
      cells += element("td", row[i], i < columns.size() && columns[i].right ? "class=\"right\"" : "");
    }
    body += element("tr", cells) + "\n";
  }
  const std::string table =
      element("table", element("thead", element("tr", head)) + "\n" + element("tbody", "\n" + body));
  return element("div", table, "class=\"scroll\"") + "\n";
}

std::vector<std::pair<std::string, std::string>> flat_facts(const Json& json, const std::vector<std::string>& without) {
  std::vector<std::pair<std::string, std::string>> facts;
  if (json.is_object()) flatten(json, "", without, facts);
  return facts;
}

std::string svg_address(std::string_view svg) {
  return "data:image/svg+xml;base64," + base64(svg);
}

}  // namespace netwright

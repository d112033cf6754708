// Small pieces of HTML: escaped text, tables, tiles.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netwright/base/json.h"

namespace netwright {

// <name attributes>inner</name>; `inner` is HTML, `attributes` written as they are.
std::string element(const std::string& name, const std::string& inner, const std::string& attributes = {});

// A <section> with a heading; empty when `inner` is empty.
std::string section(const std::string& id, const std::string& heading, const std::string& inner);

// A <figure> with a caption above the picture.
std::string figure(const std::string& heading, const std::string& picture, const std::string& note = {});

std::string tile(const std::string& label, const std::string& value, const std::string& detail = {});

struct HtmlColumn {
  std::string heading;  // plain text
  bool right = false;
};

// Cells are HTML.
std::string html_table(const std::vector<HtmlColumn>& columns, const std::vector<std::vector<std::string>>& rows);

// Nested objects as rows "machine · cores", lists joined by commas; keys in `without` are passed over.
std::vector<std::pair<std::string, std::string>> flat_facts(const Json& json, const std::vector<std::string>& without);

// A "data:" address of an SVG document. Shown as an image it keeps its styles to itself and runs no script.
std::string svg_address(std::string_view svg);

}  // namespace netwright

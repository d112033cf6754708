#include "apps/netwright-torch/options.h"

#include <iostream>
#include <iterator>

#include "netwright/base/error.h"
#include "netwright/base/file.h"

namespace netwright {

DataOptions read_data_options(const std::string& text) {
  std::string content = text;
  if (text == "-") {
    content.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else if (text.find('{') == std::string::npos) {
    content = read_file(text, std::size_t{1} << 20);
  }
  const Json json = Json::parse(content, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw invalid({}, "the data options are no JSON object", "e.g. what 'netwright check' sends");
  return data_options_from_json(json);
}

}  // namespace netwright

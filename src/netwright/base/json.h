// JSON by nlohmann; keys keep the order they were set in, so that documents read as they were written.
#pragma once

#include <nlohmann/json.hpp>

namespace netwright {
using Json = nlohmann::ordered_json;
}

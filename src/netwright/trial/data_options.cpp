#include "netwright/trial/data_options.h"

#include <algorithm>
#include <limits>

#include "netwright/base/text.h"

namespace netwright {
namespace {

constexpr std::int64_t many = std::numeric_limits<std::int32_t>::max();  // examples are counted in 32 bits
constexpr std::int64_t largest_image = 1024;

const std::vector<std::string>& formats() {
  static const std::vector<std::string> names = {"fashion-mnist", "mnist",        "cifar-10",
                                                 "cifar-100",     "image-folder", "csv"};
  return names;
}

// Keys that mean something for some formats only; elsewhere they are a mistake worth telling.
struct Restricted {
  const char* key;
  std::vector<std::string> formats;
};

const std::vector<Restricted>& restricted_keys() {
  static const std::vector<Restricted> keys = {{"test_fraction", {"image-folder", "csv"}},
                                               {"test_path", {"image-folder", "csv"}},
                                               {"target", {"csv"}},
                                               {"image_size", {"image-folder"}}};
  return keys;
}

void check_restricted_keys(const Yaml& node, const std::string& format) {
  for (const Restricted& restricted : restricted_keys()) {
    const auto& allowed = restricted.formats;
    if (std::find(allowed.begin(), allowed.end(), format) != allowed.end()) continue;
    for (const YamlEntry& entry : node.entries) {
      if (entry.key != restricted.key) continue;
      throw invalid(entry.where, "'" + entry.key + "' has no meaning for the format " + format,
                    "remove it; it belongs to " + join(allowed, " and "));
    }
  }
}

// A share strictly between 0 and 1.
double share(MappingReader& reader, const std::string& key, double fallback) {
  const double value = reader.number(key, fallback, 0, 1);
  if (value <= 0 || value >= 1) {
    throw invalid(reader.optional(key)->where, "'" + key + "' is " + number_text(value),
                  "it must lie between 0 and 1, both excluded");
  }
  return value;
}

}  // namespace

DataOptions parse_data_options(const Yaml& node) {
  DataOptions options;
  MappingReader reader(node, "data");
  options.format = reader.one_of("format", "", formats());
  options.path = reader.text("path", "");
  options.validation_fraction = share(reader, "validation_fraction", options.validation_fraction);
  options.train_limit = reader.integer("train_limit", 0, 0, many);
  options.validation_limit = reader.integer("validation_limit", 0, 0, many);
  options.test_limit = reader.integer("test_limit", 0, 0, many);
  options.test_fraction = share(reader, "test_fraction", options.test_fraction);
  options.target = reader.text("target", "");
  options.test_path = reader.text("test_path", "");
  options.image_size = reader.integer("image_size", options.image_size, 1, largest_image);
  options.split_seed =
      static_cast<std::uint64_t>(reader.integer("split_seed", 0, 0, std::numeric_limits<std::int64_t>::max()));
  reader.finish();

  if (options.format.empty()) {
    if (node.entries.empty()) return options;
    throw invalid(node.where, "data lacks 'format'", "add 'format: …', one of " + join(formats(), ", "));
  }
  check_restricted_keys(node, options.format);
  if (options.path.empty() && options.format != "fashion-mnist") {
    throw invalid(node.where, "data lacks 'path'",
                  std::string("add 'path: …', the ") + (options.format == "csv" ? "file" : "folder") + " of the " +
                      options.format + " data");
  }
  if (!options.test_path.empty() && node.find("test_fraction") != nullptr) {
    throw invalid(node.find("test_fraction")->where, "'test_fraction' and 'test_path' exclude each other",
                  "keep one of the two");
  }
  return options;
}

Json to_json(const DataOptions& options) {
  return Json{{"format", options.format},
              {"path", options.path},
              {"validation_fraction", options.validation_fraction},
              {"train_limit", options.train_limit},
              {"validation_limit", options.validation_limit},
              {"test_limit", options.test_limit},
              {"test_fraction", options.test_fraction},
              {"target", options.target},
              {"test_path", options.test_path},
              {"image_size", options.image_size},
              {"split_seed", options.split_seed}};
}

DataOptions data_options_from_json(const Json& json) {
  DataOptions options;
  try {
    options.format = json.at("format").get<std::string>();
    options.path = json.at("path").get<std::string>();
    options.validation_fraction = json.at("validation_fraction").get<double>();
    options.train_limit = json.at("train_limit").get<std::int64_t>();
    options.validation_limit = json.at("validation_limit").get<std::int64_t>();
    options.test_limit = json.at("test_limit").get<std::int64_t>();
    options.test_fraction = json.at("test_fraction").get<double>();
    options.target = json.at("target").get<std::string>();
    options.test_path = json.at("test_path").get<std::string>();
    options.image_size = json.at("image_size").get<std::int64_t>();
    options.split_seed = json.at("split_seed").get<std::uint64_t>();
  } catch (const Json::exception& error) {
    throw Error(ExitCode::failure, std::string("not data options: ") + error.what(),
                "both ends of the trial protocol must be of the same version");
  }
  return options;
}

}  // namespace netwright

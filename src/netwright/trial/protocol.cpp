#include "netwright/trial/protocol.h"

#include <algorithm>
#include <cmath>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

constexpr std::size_t quoted_bytes = 120;

// Printable beginning of a line, for messages.
std::string quote(const std::string& line) {
  std::string text = line.substr(0, quoted_bytes);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  if (line.size() > quoted_bytes) text += "… (" + std::to_string(line.size()) + " bytes)";
  return text;
}

// Whether brackets nest deeper than any message does; such a document could exhaust the stack when it is written again.
bool nests_too_deeply(const std::string& line) {
  constexpr int deepest = 100;
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_text && c == '\\') ++i;
    if (c == '"') in_text = !in_text;
    if (in_text) continue;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > deepest) return true;
  }
  return false;
}

// Strict reading of one line's object: every key must be asked for before finish().
class LineReader {
 public:
  explicit LineReader(const std::string& line) : line_(line) {
    if (nests_too_deeply(line)) fail("brackets nest too deeply");
    json_ = Json::parse(line, nullptr, false);
    if (json_.is_discarded()) fail("not JSON");
    if (!json_.is_object()) fail("not a JSON object");
    type_ = required<std::string>("type");
  }

  const std::string& type() const { return type_; }

  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ExitCode::failure, "trial protocol: " + problem + " in the line: " + quote(line_),
                "docs/trial-protocol.md describes every message");
  }

  // Null when absent.
  const Json* find(const std::string& key) {
    known_.push_back(key);
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }

  const Json& object(const std::string& key) {
    const Json* value = find(key);
    if (value == nullptr) fail("'" + key + "' is missing");
    if (!value->is_object()) fail("'" + key + "' is not an object");
    return *value;
  }

  template <class T>
  T required(const std::string& key) {
    const Json* value = find(key);
    if (value == nullptr) fail("'" + key + "' is missing");
    return convert<T>(key, *value);
  }

  template <class T>
  T optional(const std::string& key, T fallback) {
    const Json* value = find(key);
    return value == nullptr ? fallback : convert<T>(key, *value);
  }

  // Reads a part by a function that throws an Error of its own.
  template <class Read>
  auto part(const std::string& key, Read read) {
    const Json& value = object(key);
    try {
      return read(value);
    } catch (const Error& error) {
      fail("'" + key + "': " + error.problem());
    } catch (const Json::exception&) {
      fail("'" + key + "' is malformed");
    }
  }

  void finish() const {
    for (const auto& [key, value] : json_.items()) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
        fail("unknown key '" + key + "' (" + suggest(key, known_) + ")");
      }
    }
  }

 private:
  template <class T>
  T convert(const std::string& key, const Json& value) const {
    bool fits = false;
    if constexpr (std::is_same_v<T, bool>) {
      fits = value.is_boolean();
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      fits = value.is_number_unsigned();
    } else if constexpr (std::is_integral_v<T>) {
      fits = value.is_number_integer() && in_range<T>(value);
    } else if constexpr (std::is_floating_point_v<T>) {
      fits = value.is_number();
    } else {
      fits = value.is_string();
    }
    if (!fits) fail("'" + key + "' has the wrong type or is out of range");
    return value.get<T>();
  }

  template <class T>
  static bool in_range(const Json& value) {
    if (value.is_number_unsigned()) {
      return value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    }
    const auto number = value.get<std::int64_t>();
    return number >= std::numeric_limits<T>::min() && number <= std::numeric_limits<T>::max();
  }

  const std::string& line_;
  Json json_;
  std::string type_;
  std::vector<std::string> known_;
};

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);  // messages may quote bytes that are not UTF-8
}

// ---- writing ----

Json document(const Hello& hello) {
  return {{"type", "hello"},        {"protocol", hello.protocol},  {"study", hello.study},
          {"folder", hello.folder}, {"data", to_json(hello.data)}, {"threads", hello.threads},
          {"device", hello.device}};
}

Json document(const Start& start) {
  Json json = {{"type", "start"},
               {"trial", start.trial},
               {"purpose", start.purpose},
               {"configuration", to_json(start.configuration)}};
  if (start.network) json["network"] = to_json(*start.network);
  if (start.recipe) json["recipe"] = to_json(*start.recipe);
  json["seed"] = start.seed;
  json["fidelity"] = start.fidelity;
  json["checkpoint"] = start.checkpoint;
  json["folder"] = start.folder;
  json["keep_checkpoint"] = start.keep_checkpoint;
  json["measure_latency"] = start.measure_latency;
  if (!start.supernet.empty()) json["supernet"] = start.supernet;
  return json;
}

Json document(const Test& test) {
  return {{"type", "test"}, {"trial", test.trial}, {"checkpoint", test.checkpoint}};
}

Json document(const Continue&) {
  return {{"type", "continue"}};
}
Json document(const Stop&) {
  return {{"type", "stop"}};
}
Json document(const Quit&) {
  return {{"type", "quit"}};
}

Json document(const Ready& ready) {
  Json json = {{"type", "ready"}, {"trainer", ready.trainer}};
  if (ready.input) {
    json["input"] = ready.input->is_image() ? Json({ready.input->channels, ready.input->height, ready.input->width})
                                            : Json::array({ready.input->channels});
  }
  json["classes"] = ready.classes;
  if (!ready.about.is_null()) json["about"] = ready.about;
  return json;
}

Json document(const Measured& measured) {
  Json json = {{"type", "measured"}, {"trial", measured.trial}};
  json.update(to_json(measured.measurement));
  return json;
}

Json document(const Finished& finished) {
  Json json = {{"type", "finished"}, {"trial", finished.trial}, {"state", to_string(finished.state)}};
  if (!finished.reason.empty()) json["reason"] = finished.reason;
  if (!finished.message.empty()) json["message"] = finished.message;
  if (!finished.checkpoint.empty()) json["checkpoint"] = finished.checkpoint;
  if (!finished.metrics.is_null()) json["metrics"] = finished.metrics;
  if (finished.configuration) json["configuration"] = to_json(*finished.configuration);
  return json;
}

// ---- reading ----

Hello read_hello(LineReader& reader) {
  Hello hello;
  hello.protocol = reader.required<int>("protocol");
  if (hello.protocol != protocol_version) {
    reader.fail("protocol " + std::to_string(hello.protocol) + " is spoken, this trainer speaks " +
                std::to_string(protocol_version));
  }
  hello.study = reader.required<std::string>("study");
  hello.folder = reader.required<std::string>("folder");
  hello.data = reader.part("data", [](const Json& json) { return data_options_from_json(json); });
  hello.threads = reader.required<int>("threads");
  hello.device = reader.required<std::string>("device");
  return hello;
}

Start read_start(LineReader& reader) {
  Start start;
  start.trial = reader.required<std::int64_t>("trial");
  start.purpose = reader.required<std::string>("purpose");
  start.configuration = reader.part("configuration", [](const Json& json) { return configuration_from_json(json); });
  if (reader.find("network") != nullptr) {
    start.network = reader.part("network", [](const Json& json) { return network_from_json(json); });
  }
  if (reader.find("recipe") != nullptr) {
    start.recipe = reader.part("recipe", [](const Json& json) { return recipe_from_json(json); });
  }
  start.seed = reader.required<std::uint64_t>("seed");
  start.fidelity = reader.required<double>("fidelity");
  start.checkpoint = reader.optional<std::string>("checkpoint", "");
  start.folder = reader.required<std::string>("folder");
  start.keep_checkpoint = reader.optional("keep_checkpoint", false);
  start.measure_latency = reader.optional("measure_latency", false);
  start.supernet = reader.optional<std::string>("supernet", "");
  return start;
}

Test read_test(LineReader& reader) {
  return {reader.required<std::int64_t>("trial"), reader.required<std::string>("checkpoint")};
}

Shape read_shape(LineReader& reader, const Json& json) {
  const bool sizes = json.is_array() && (json.size() == 1 || json.size() == 3) &&
                     std::all_of(json.begin(), json.end(), [](const Json& size) {
                       return size.is_number_unsigned() && size.get<std::uint64_t>() >= 1 &&
                              size.get<std::uint64_t>() <= (std::uint64_t{1} << 31);
                     });
  if (!sizes) reader.fail("'input' is neither [features] nor [channels, height, width]");
  Shape shape{json[0].get<std::int64_t>(), 0, 0};
  if (json.size() == 3) {
    shape.height = json[1].get<std::int64_t>();
    shape.width = json[2].get<std::int64_t>();
  }
  return shape;
}

Ready read_ready(LineReader& reader) {
  Ready ready;
  ready.trainer = reader.optional<std::string>("trainer", "");
  if (const Json* input = reader.find("input"); input != nullptr && !input->is_null()) {
    ready.input = read_shape(reader, *input);
  }
  ready.classes = reader.optional<std::int64_t>("classes", 0);
  if (ready.classes < 0) reader.fail("'classes' is negative");
  if (const Json* about = reader.find("about")) ready.about = *about;
  return ready;
}

Measured read_measured(LineReader& reader) {
  Measured measured;
  measured.trial = reader.required<std::int64_t>("trial");
  Measurement& measurement = measured.measurement;
  measurement.fidelity = reader.required<double>("fidelity");
  measurement.seconds = reader.optional("seconds", 0.0);
  if (!std::isfinite(measurement.fidelity) || measurement.fidelity < 0)
    reader.fail("'fidelity' is negative or too large");
  if (!std::isfinite(measurement.seconds) || measurement.seconds < 0) reader.fail("'seconds' is negative or too large");
  measurement.metrics = reader.part("metrics", [](const Json& json) {
    return measurement_from_json({{"metrics", json}}).metrics;
  });
  if (measurement.metrics.empty()) reader.fail("'metrics' is empty");
  if (const Json* details = reader.find("details"); details != nullptr && !details->is_null()) {
    if (!details->is_object()) reader.fail("'details' is not an object");
    measurement.details = *details;
  }
  return measured;
}

Finished read_finished(LineReader& reader) {
  Finished finished;
  finished.trial = reader.required<std::int64_t>("trial");
  const auto state = reader.required<std::string>("state");
  if (state != "complete" && state != "paused" && state != "failed") {
    reader.fail("'state' is '" + state + "', not complete, paused or failed");
  }
  finished.state = trial_state_from_string(state);
  finished.reason = reader.optional<std::string>("reason", "");
  if (finished.state == TrialState::failed && finished.reason.empty()) finished.reason = "error";
  finished.message = reader.optional<std::string>("message", "");
  finished.checkpoint = reader.optional<std::string>("checkpoint", "");
  if (const Json* metrics = reader.find("metrics"); metrics != nullptr && !metrics->is_null()) {
    if (!metrics->is_object()) reader.fail("'metrics' is not an object");
    finished.metrics = *metrics;
  }
  if (reader.find("configuration") != nullptr) {
    finished.configuration =
        reader.part("configuration", [](const Json& json) { return configuration_from_json(json); });
  }
  return finished;
}

}  // namespace

std::string to_line(const Command& command) {
  return std::visit([](const auto& message) { return dump(document(message)); }, command);
}

std::string to_line(const Report& report) {
  return std::visit([](const auto& message) { return dump(document(message)); }, report);
}

Command command_from_line(const std::string& line) {
  LineReader reader(line);
  const auto read = [&]() -> Command {
    if (reader.type() == "hello") return read_hello(reader);
    if (reader.type() == "start") return read_start(reader);
    if (reader.type() == "test") return read_test(reader);
    if (reader.type() == "continue") return Continue{};
    if (reader.type() == "stop") return Stop{};
    if (reader.type() == "quit") return Quit{};
    reader.fail("unknown type '" + reader.type() + "'");
  };
  Command command = read();
  reader.finish();
  return command;
}

Report report_from_line(const std::string& line) {
  LineReader reader(line);
  const auto read = [&]() -> Report {
    if (reader.type() == "ready") return read_ready(reader);
    if (reader.type() == "measured") return read_measured(reader);
    if (reader.type() == "finished") return read_finished(reader);
    reader.fail("unknown type '" + reader.type() + "'");
  };
  Report report = read();
  reader.finish();
  return report;
}

}  // namespace netwright

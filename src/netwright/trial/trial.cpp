#include "netwright/trial/trial.h"

#include <cmath>
#include <limits>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

// Words of the enumerations, in the order of their values.
const std::vector<std::string> states = {"waiting", "running", "paused", "complete", "pruned", "failed"};
const std::vector<std::string> purposes = {"search", "retrain", "baseline", "imported"};

template <class Enum>
Enum from_word(std::string_view text, const std::vector<std::string>& words, const std::string& what) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == text) return static_cast<Enum>(i);
  }
  throw invalid({}, "'" + std::string(text) + "' is no " + what, suggest(text, words));
}

Error malformed(const std::string& problem) {
  return invalid({}, "malformed trial: " + problem, "the file or line was not written by netwright, or is damaged");
}

// A double that JSON's numbers cannot hold is written as text.
Json number_to_json(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

double number_from_json(const Json& json, const std::string& what) {
  if (json.is_number()) return json.get<double>();
  if (json.is_null() || json == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (json == "inf") return std::numeric_limits<double>::infinity();
  if (json == "-inf") return -std::numeric_limits<double>::infinity();
  throw malformed("'" + what + "' is not a number");
}

// Reads one key into a member; an absent key leaves the member's default.
template <class T>
void read(const Json& json, const char* key, T& member) {
  const auto found = json.find(key);
  if (found == json.end()) return;
  try {
    found->get_to(member);
  } catch (const Json::exception&) {
    throw malformed("'" + std::string(key) + "' has the wrong type");
  }
}

void read(const Json& json, const char* key, double& member) {
  const auto found = json.find(key);
  if (found != json.end()) member = number_from_json(*found, key);
}

}  // namespace

std::string_view to_string(TrialState state) {
  return states[static_cast<std::size_t>(state)];
}

TrialState trial_state_from_string(std::string_view text) {
  return from_word<TrialState>(text, states, "state of a trial");
}

std::string_view to_string(TrialPurpose purpose) {
  return purposes[static_cast<std::size_t>(purpose)];
}

bool is_retraining(TrialPurpose purpose) {
  return purpose == TrialPurpose::retrain || purpose == TrialPurpose::baseline;
}

TrialPurpose trial_purpose_from_string(std::string_view text) {
  return from_word<TrialPurpose>(text, purposes, "purpose of a trial");
}

std::optional<double> last_metric(const Trial& trial, const std::string& name) {
  for (auto measurement = trial.measurements.rbegin(); measurement != trial.measurements.rend(); ++measurement) {
    const auto found = measurement->metrics.find(name);
    if (found != measurement->metrics.end()) return found->second;
  }
  return std::nullopt;
}

bool is_finished(TrialState state) {
  return state == TrialState::complete || state == TrialState::pruned || state == TrialState::failed;
}

Json to_json(const Measurement& measurement) {
  Json metrics = Json::object();
  for (const auto& [name, value] : measurement.metrics) metrics[name] = number_to_json(value);
  Json json = {{"fidelity", number_to_json(measurement.fidelity)},
               {"seconds", number_to_json(measurement.seconds)},
               {"metrics", std::move(metrics)}};
  if (!measurement.details.is_null()) json["details"] = measurement.details;
  return json;
}

Measurement measurement_from_json(const Json& json) {
  if (!json.is_object()) throw malformed("a measurement is not an object");
  Measurement measurement;
  read(json, "fidelity", measurement.fidelity);
  read(json, "seconds", measurement.seconds);
  if (const auto details = json.find("details"); details != json.end() && !details->is_null()) {
    if (!details->is_object()) throw malformed("'details' is not an object");
    measurement.details = *details;
  }
  const auto metrics = json.find("metrics");
  if (metrics == json.end()) return measurement;
  if (!metrics->is_object()) throw malformed("'metrics' is not an object");
  for (const auto& [name, value] : metrics->items()) measurement.metrics[name] = number_from_json(value, name);
  return measurement;
}

Json to_json(const Trial& trial) {
  Json measurements = Json::array();
  for (const auto& measurement : trial.measurements) measurements.push_back(to_json(measurement));
  return {{"id", trial.id},
          {"state", to_string(trial.state)},
          {"purpose", to_string(trial.purpose)},
          {"configuration", to_json(trial.configuration)},
          {"network_hash", trial.network_hash},
          {"seed", trial.seed},
          {"target_fidelity", number_to_json(trial.target_fidelity)},
          {"fidelity", number_to_json(trial.fidelity)},
          {"measurements", std::move(measurements)},
          {"reason", trial.reason},
          {"message", trial.message},
          {"checkpoint", trial.checkpoint},
          {"copied_from", trial.copied_from},
          {"source", trial.source},
          {"attempts", trial.attempts},
          {"worker", trial.worker},
          {"started", number_to_json(trial.started)},
          {"finished", number_to_json(trial.finished)}};
}

Trial trial_from_json(const Json& json) {
  if (!json.is_object()) throw malformed("it is not an object");
  Trial trial;
  std::string state(to_string(trial.state));
  std::string purpose(to_string(trial.purpose));
  read(json, "id", trial.id);
  read(json, "state", state);
  read(json, "purpose", purpose);
  trial.state = trial_state_from_string(state);
  trial.purpose = trial_purpose_from_string(purpose);
  if (json.contains("configuration")) trial.configuration = configuration_from_json(json["configuration"]);
  read(json, "network_hash", trial.network_hash);
  read(json, "seed", trial.seed);
  read(json, "target_fidelity", trial.target_fidelity);
  read(json, "fidelity", trial.fidelity);
  if (const auto measurements = json.find("measurements"); measurements != json.end()) {
    if (!measurements->is_array()) throw malformed("'measurements' is not a list");
    for (const auto& measurement : *measurements) trial.measurements.push_back(measurement_from_json(measurement));
  }
  read(json, "reason", trial.reason);
  read(json, "message", trial.message);
  read(json, "checkpoint", trial.checkpoint);
  read(json, "copied_from", trial.copied_from);
  read(json, "source", trial.source);
  read(json, "attempts", trial.attempts);
  read(json, "worker", trial.worker);
  read(json, "started", trial.started);
  read(json, "finished", trial.finished);
  return trial;
}

}  // namespace netwright

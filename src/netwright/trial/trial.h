// A configuration being evaluated.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/space/configuration.h"

namespace netwright {

enum class TrialState { waiting, running, paused, complete, pruned, failed };

std::string_view to_string(TrialState state);
TrialState trial_state_from_string(std::string_view text);  // throws Error on an unknown word

// What a trial is for. Search trials are told to the strategy; the others belong to what follows the search.
enum class TrialPurpose {
  search,    // proposed by the strategy
  retrain,   // one of the best K, trained with the full recipe
  baseline,  // a random configuration, trained the same way
  imported,  // from earlier work, as a warm start: the strategy is told, nothing else
};

std::string_view to_string(TrialPurpose purpose);
TrialPurpose trial_purpose_from_string(std::string_view text);
bool is_retraining(TrialPurpose purpose);  // retrain, baseline

// Metrics of a trial at a fidelity. Names: loss, accuracy, top5 (validation; shares in [0, 1]), train_loss,
// train_accuracy, test_accuracy, test_loss, parameters, macs, latency_ms; a user's trainer may add others.
struct Measurement {
  double fidelity = 0;  // epochs done (or steps, or share of the data)
  double seconds = 0;   // of evaluation since the trial's previous measurement
  std::map<std::string, double> metrics;
  // What numbers by name cannot say, kept as it came: an object, or null. docs/trial-protocol.md names the keys that a
  // report knows (trial/architecture_record.h).
  Json details = {};
};

struct Trial {
  std::int64_t id = 0;  // from 1, in order of creation
  TrialState state = TrialState::waiting;
  TrialPurpose purpose = TrialPurpose::search;
  Configuration configuration;
  std::string network_hash;    // canonical_hash of the network; equal networks are trained once (empty: no network)
  std::uint64_t seed = 0;      // for weights, shuffling and augmentation
  double target_fidelity = 0;  // epochs it may have until it is next decided on
  double fidelity = 0;         // epochs it has had
  std::vector<Measurement> measurements;  // by rising fidelity
  std::string reason;                     // of failed or pruned: nan, diverged, oom, timeout, crash, error, …
  std::string message;                    // details for a person
  std::string checkpoint;                 // path, relative to the study's folder; empty: none
  std::int64_t copied_from = 0;  // id of the earlier trial of an equal network whose measurements these are; 0: its own
  std::int64_t source = 0;       // retrain: id of the search trial whose configuration this is
  int attempts = 0;              // times started since it was last paused; a crash is retried within the budget
  int worker = -1;               // slot that ran it last
  double started = 0;            // seconds since the study began (its own clock, pauses excluded)
  double finished = 0;
};

// The last value of a metric, or nullopt.
std::optional<double> last_metric(const Trial& trial, const std::string& name);

bool is_finished(TrialState state);  // complete, pruned, failed

Json to_json(const Measurement& measurement);
Measurement measurement_from_json(const Json& json);
Json to_json(const Trial& trial);
Trial trial_from_json(const Json& json);

}  // namespace netwright

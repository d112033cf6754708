// The trial protocol: JSON lines between the orchestrator and a trainer, on the trainer's stdin and stdout.
// docs/trial-protocol.md is its specification; this header is what both sides of ours use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/space/graph.h"
#include "netwright/space/recipe.h"
#include "netwright/trial/data_options.h"
#include "netwright/trial/trial.h"

namespace netwright {

constexpr int protocol_version = 1;

// ---- orchestrator to trainer ----

// First line. The trainer answers with Ready (or Failed with trial 0) before anything else.
struct Hello {
  int protocol = protocol_version;
  std::string study;
  std::string folder;  // the study's folder, absolute
  DataOptions data;
  int threads = 1;
  std::string device = "cpu";
};

// Evaluate one trial, from `checkpoint` where given, until it has had `fidelity`.
struct Start {
  std::int64_t trial = 0;
  std::string purpose = "search";
  Configuration configuration;
  std::optional<Network> network;  // filled graph; absent for spaces of hyperparameters alone
  std::optional<Recipe> recipe;
  std::uint64_t seed = 0;
  double fidelity = 0;           // epochs in total that the trial is to have
  std::string checkpoint;        // absolute path to continue from; empty: from scratch
  std::string folder;            // absolute; the trainer may write files of this trial there
  bool keep_checkpoint = false;  // leave a checkpoint at the end (pause, retrain)
  bool measure_latency = false;
  // The text of the study's experiment, whose strategy is a one-shot method: search in a supernet of its space and
  // finish with a configuration. Empty: train one network.
  std::string supernet;
};

// Evaluate a trained network on the test data. Sent only after all retraining is over.
struct Test {
  std::int64_t trial = 0;
  std::string checkpoint;
};

struct Continue {};  // reply to a measurement
struct Stop {};      // reply to a measurement, or at any time: end this trial as paused
struct Quit {};      // end the process

using Command = std::variant<Hello, Start, Test, Continue, Stop, Quit>;

// ---- trainer to orchestrator ----

struct Ready {
  std::string trainer;         // name and version
  std::optional<Shape> input;  // of the data
  std::int64_t classes = 0;    // 0: unknown
  Json about;                  // free: sizes of the splits, library versions; goes into the report
};

struct Measured {
  std::int64_t trial = 0;
  Measurement measurement;
};

struct Finished {
  std::int64_t trial = 0;
  TrialState state = TrialState::complete;  // complete, paused, failed
  std::string reason;
  std::string message;
  std::string checkpoint;
  Json metrics;                                // of Test: {"test_accuracy": …}; else may be null
  std::optional<Configuration> configuration;  // what a search in a supernet has found
};

using Report = std::variant<Ready, Measured, Finished>;

// One line without the newline. Parsing throws Error (ExitCode::failure) that quotes the line's beginning.
std::string to_line(const Command& command);
std::string to_line(const Report& report);
Command command_from_line(const std::string& line);
Report report_from_line(const std::string& line);

}  // namespace netwright

// Running a study from the command: trainers, storage, signals, progress, and what is left behind at the end.
#pragma once

#include <string>

#include "netwright/study/study.h"

namespace netwright {

struct LaunchOptions {
  bool json = false;   // print the summary document instead of text
  bool quiet = false;  // no progress
};

// What the data is, as far as the orchestrator needs to know; read by netwright-torch, or unknown with a trainer of the
// user's own.
struct DataFacts {
  std::optional<Shape> input;
  std::optional<std::int64_t> classes;
  Json about;  // sizes of the splits, library versions
};

DataFacts data_facts(const Experiment& experiment);

// Makes the strategy and the schedule, fills a few random configurations and infers their shapes, so that a search that
// cannot work is refused before anything is written. Returns how many of `members` random fillings were no network;
// throws the last reason when all were.
int check_search(const Experiment& experiment, const SearchSpace& space, int members);

// Checks the experiment and stores its study, ready to be run. An invalid Error when its name is taken; nothing is
// written over. Returns its space.
SearchSpace create_study(const Experiment& experiment);

// Creates the study (an invalid Error when its name is taken; nothing is written over) and runs it. Returns the exit
// code.
int launch_new(const Experiment& experiment, const LaunchOptions& options);

// Continues a stored study.
int launch_stored(const std::string& name, const std::string& storage_path, const LaunchOptions& options);

}  // namespace netwright

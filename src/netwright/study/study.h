// One study from its first trial to its tested networks: search, retrain the best beside random ones, test.
//
// Everything is stored before it is acted on, so that a study killed at any moment continues with run_study(): finished
// trials are kept, unfinished ones run again from their last checkpoint, and the strategy is brought to the state it
// had.
#pragma once

#include <atomic>
#include <deque>
#include <string>
#include <vector>

#include "netwright/fleet/fleet.h"
#include "netwright/storage/storage.h"
#include "netwright/study/experiment.h"

namespace netwright {

// What a person may want to see while it runs. Called from the thread of run_study; must be quick.
class StudyObserver {
 public:
  virtual ~StudyObserver() = default;
  virtual void phase(const std::string& name,
                     std::int64_t trials) = 0;         // searching, retraining, testing; trials planned (0: open)
  virtual void trial_changed(const Trial& trial) = 0;  // started, measured, ended
  virtual void note(const std::string& text) = 0;      // retries, warnings
  virtual void waited() {}                             // nothing happened for a moment, at most half a second
};

struct StudyContext {
  const Experiment& experiment;
  const SearchSpace& space;
  Storage& storage;
  Fleet& fleet;
  StudyObserver& observer;
  std::string folder;                  // absolute; trials/ and artefacts are below it
  const std::atomic<int>& interrupts;  // 1: pause running trials and return; 2: return at once
};

enum class StudyEnd { complete, interrupted, too_many_failures, no_valid_trial };

// A study in memory: its record and every trial, in the order of ids (trials[i].id == i + 1).
struct StudyState {
  StudyRecord record;
  std::deque<Trial> trials;
  std::vector<StudyEvent> events;  // of the search
};

StudyState load_study(Storage& storage, const std::string& name);  // an invalid Error when there is none

// Precondition: the study is in the storage (a new one just created). Returns when it is complete, was interrupted, or
// cannot go on. Throws Error when storage or the trainers are unusable.
StudyEnd run_study(const StudyContext& context);

// The folder of a trial, relative to the study's.
std::string trial_folder(std::int64_t trial);

}  // namespace netwright

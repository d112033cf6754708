// A study whose trials are evaluated by somebody else, one call at a time: a shell script, a laboratory, another
// program. Strategy, schedule, budget and storage are those of any study; between two calls nothing runs.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "netwright/study/runner.h"
#include "netwright/study/search.h"

namespace netwright {

class AskTell {
 public:
  // Precondition: the study is in the storage. All arguments outlive this. Trials that were asked for and not told yet
  // stay running.
  AskTell(const Experiment& experiment, const SearchSpace& space, Storage& storage, const std::string& folder);
  ~AskTell();

  struct Asked {
    std::int64_t trial = 0;
    Configuration configuration;
    double from = 0;      // fidelity that it has had; 0: a new trial
    double fidelity = 0;  // that it is to have in total when it is told next
  };
  // Nullopt when there is nothing to evaluate now: the schedule waits for trials that are out, or the search is over.
  std::optional<Asked> ask();

  // What has been measured at `fidelity` (nullopt: at the one asked for), in the units of the objectives. Returns the
  // trial as it now is: running (its fidelity is not reached yet), paused, complete or pruned. Throws an invalid Error
  // for a trial that is not out, a fidelity that does not rise, or a metric missing that the objectives need.
  const Trial& tell(std::int64_t trial, std::map<std::string, double> metrics, std::optional<double> fidelity,
                    double seconds);
  // It could not be evaluated.
  const Trial& fail(std::int64_t trial, const std::string& reason);

  // Earlier work; see Search::import. The configuration must be one of the space.
  void import(const Configuration& configuration, const Measurement& measurement);

  bool over() const { return state_.record.state == "complete"; }
  std::int64_t out() const;  // trials that were asked for and not told yet
  const StudyState& state() const { return state_; }

 private:
  Trial& trial_that_is_out(std::int64_t id);
  void conclude();

  class Nobody;  // a fleet without slots, and an observer of nothing
  std::unique_ptr<Nobody> nobody_;
  std::atomic<int> interrupts_{0};
  StudyState state_;
  StudyContext context_;
  std::unique_ptr<Runner> clock_;
  std::unique_ptr<Search> search_;
};

}  // namespace netwright

// After the search: the best configurations and as many random ones are trained with the full recipe and several seeds,
// and only then tested. The same code trains both, in turn, so that neither side has the quieter machine.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "netwright/study/runner.h"

namespace netwright {

class Retraining : public JobSource {
 public:
  // Plans what the state does not hold yet and stores it as waiting trials.
  Retraining(const StudyContext& context, StudyState& state);

  std::optional<Job> next() override;
  bool measured(Trial& trial) override;
  void ended(Trial& trial, const Json& result) override;
  bool closed() const override { return false; }

  std::int64_t planned() const { return planned_; }

 private:
  struct Plan {
    TrialPurpose purpose;
    Configuration configuration;
    std::int64_t source;
    std::uint64_t seed;
  };
  std::vector<Plan> plan();
  std::vector<Configuration> random_configurations(std::size_t count) const;
  Design full_design(const Configuration& configuration) const;

  const StudyContext& context_;
  StudyState& state_;
  std::vector<Trial*> waiting_;  // last first
  std::int64_t planned_ = 0;
};

// Reads the test data once: every retrained network is measured on it, after all retraining is over.
class Testing : public JobSource {
 public:
  Testing(const StudyContext& context, StudyState& state);

  std::optional<Job> next() override;
  bool measured(Trial&) override { return true; }
  void ended(Trial& trial, const Json& result) override;
  bool closed() const override { return false; }

  std::int64_t planned() const { return planned_; }

 private:
  const StudyContext& context_;
  StudyState& state_;
  std::vector<Trial*> waiting_;  // last first
  std::int64_t planned_ = 0;
};

// The retrained trial to hand over: of the retrained configurations the one with the best mean validation score over
// its seeds, and of its runs the best; never chosen by test data. Without retraining the best search trial. Null when
// nothing is complete.
const Trial* final_trial(const std::deque<Trial>& trials, const std::vector<Objective>& objectives);

// Mean of `metric` over the seeds of each retrained (purpose retrain) or random (purpose baseline) configuration.
std::vector<double> means_by_configuration(const std::deque<Trial>& trials, TrialPurpose purpose,
                                           const std::string& metric);

}  // namespace netwright

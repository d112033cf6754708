// What the strategies that learn a sequential policy share: rewards, what is pending, and what is remembered.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "netwright/strategy/policy.h"
#include "netwright/strategy/strategy.h"

namespace netwright {

// A moving average of the rewards, and of their squared distance from it, both corrected for their start (as Adam's
// moments are): after n rewards the latest counts (1 − decay)/(1 − decay^n).
class RewardScale {
 public:
  explicit RewardScale(double decay) : decay_(decay) {}
  // Takes the reward in, then returns its distance from the average: the first is exactly 0.
  double advantage(double reward);
  // The moving standard deviation; 0 before two different rewards.
  double deviation() const;
  double average() const { return average_; }

 private:
  double decay_;
  std::int64_t count_ = 0;
  double average_ = 0, variance_ = 0;
};

struct PolicySearchOptions {
  PolicyOptions policy;
  double rate = 0.005;    // of Adam
  double entropy = 0.05;  // bonus for each choice's entropy, in units of the advantages
  double baseline = 0.9;  // decay of the moving average of rewards
  bool normalize = true;  // divide advantages by the moving standard deviation of rewards
  bool remember = true;   // a proposal that has been evaluated before is learned from again, and another is drawn
};

// One configuration that the policy proposed, and what it was worth.
struct Episode {
  Actions actions;
  std::vector<double> log_probabilities;  // of each action, when it was proposed
  double advantage = 0;
};

class PolicySearch : public Strategy {
 public:
  PolicySearch(const SearchSpace& space, Objective objective, const PolicySearchOptions& options);

  std::optional<Configuration> ask(Random& random) override;
  // The reward is the objective's score; failed and pruned trials get the worst complete one's so far, or before any is
  // complete the worst at the lowest rung. A trial that was never asked for counts as proposed by the present policy.
  //
  // Under a schedule with rungs a trial is learned from at each rung where it pauses, its advantage being over the
  // trials that came to that rung: each rung has a moving average of its own. What is climbed is thus the expected sum,
  // over the rungs that a trial reaches, of how it compares with those that came as far; complete trials compare with
  // complete ones, whatever their fidelity.
  void tell(const Trial& trial) override;

 protected:
  virtual void learn(Episode episode) = 0;

  Policy policy_;
  PolicySearchOptions options_;
  Adam adam_;

 private:
  // Trials that are compared with each other.
  struct Peers {
    RewardScale scale;
    double worst = std::numeric_limits<double>::infinity();
  };
  struct Reward {
    double rung = 0;  // whose peers it was compared with
    double value = 0;
  };
  static constexpr double whole = std::numeric_limits<double>::infinity();  // the rung of complete trials

  Episode episode_of(const Trial& trial);
  Peers& peers(double rung);
  void reward(Episode episode, const Reward& reward);

  Objective objective_;
  std::map<double, Peers> peers_;                          // by rung
  std::unordered_multimap<std::string, Episode> pending_;  // not yet told, by canonical text
  std::unordered_map<std::int64_t, Episode> paused_;       // by the trial's id
  std::unordered_map<std::string, Reward> rewards_;        // the latest of everything told, by canonical text
};

// Reads the shared options; the caller reads its own and finishes.
void read_policy_search_options(MappingReader& reader, PolicySearchOptions& options);

}  // namespace netwright

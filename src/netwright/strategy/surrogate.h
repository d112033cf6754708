// What strategies with a learned model of the objective share: the trials to learn from, the candidates to choose
// among, and never the same network twice.
#pragma once

#include <Eigen/Dense>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "netwright/strategy/encoding.h"
#include "netwright/strategy/pending.h"
#include "netwright/strategy/strategy.h"

namespace netwright {

struct SurrogateOptions {
  int startup = 10;     // evaluated trials before the model is used; proposals are random until then
  int candidates = 60;  // among which each proposal is chosen
  int parents = 10;     // the best so many trials, of which most candidates are mutations
  int points = 300;     // learned from at most: the best half of them and the youngest
};

// Reads `startup`, `candidates`, `parents` and `points`.
SurrogateOptions read_surrogate_options(MappingReader& reader, const SurrogateOptions& defaults);

// What a model learns from. Rows are trials, columns those of the encoding, `groups` their groups.
struct SurrogateData {
  Eigen::MatrixXd points;
  Eigen::VectorXd targets;  // normal scores of the objective, larger is better: the quantiles of a normal distribution
                            // at the ranks of the values, so that neither scale nor outliers matter
  Eigen::VectorXd log_seconds;  // of the evaluation; centred
  Eigen::MatrixXd pending;      // proposed, not yet told
  std::vector<int> groups;
  double best = 0;           // the largest target
  std::int64_t version = 0;  // changes when a trial has been told
};

// Learned from: at the largest fidelity that `startup` trials have reached, each trial's score there. A failed trial
// counts as the worst of these, a pruned one with its own last score but as no better than their median; a trial that
// is paused below that fidelity does not count. Candidates: mutations (one change, then another with probability 1/2,
// and so on) of the best trials, the better ones more often, and a quarter of them at random; half of them are kept
// from the proposal before, where they were the most promising after the one proposed.
class SurrogateStrategy : public Strategy {
 public:
  SurrogateStrategy(const SearchSpace& space, Objective objective, const SurrogateOptions& options);

  std::optional<Configuration> ask(Random& random) final;
  void tell(const Trial& trial) final;

 protected:
  // How promising each of `candidates` (rows) is; the largest is proposed.
  virtual Eigen::VectorXd acquisition(const SurrogateData& data, const Eigen::MatrixXd& candidates, Random& random) = 0;
  const Encoding& encoding() const { return encoding_; }

 private:
  struct Told {
    Configuration configuration;
    Encoding::Entries entries;
    TrialState state = TrialState::running;
    std::vector<std::pair<double, double>> scores;  // fidelity and score, rising
    double seconds = 0;
  };
  struct Scored {
    const Told* trial;
    double score;
  };

  struct Candidate {
    Configuration configuration;
    std::string text;  // canonical
  };

  void score_trials();
  void learn();
  std::vector<Candidate> draw_candidates(Random& random);
  Configuration mutant(Random& random);
  bool can_change(const Configuration& configuration) const;
  Configuration new_sample(Random& random);
  Eigen::MatrixXd matrix(const std::vector<Encoding::Entries>& rows) const;

  const SearchSpace& space_;
  Objective objective_;
  SurrogateOptions options_;
  Encoding encoding_;
  Pending pending_;
  std::map<std::int64_t, Told> told_;  // by id
  std::set<std::string> networks_;     // proposed or told
  std::vector<Scored> scored_;         // best first
  std::vector<Candidate> kept_;        // of the proposal before
  std::int64_t version_ = 0, learned_ = -1;
  SurrogateData data_;
};

}  // namespace netwright

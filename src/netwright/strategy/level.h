// Trials made comparable where a schedule pauses them at rungs: for strategies that keep a population.
//
// All are compared at one fidelity, the level: the largest that enough trials have reached, as BOHB (Falkner et al.
// 2018) chooses the fidelity of its model. A trial that is paused has reached the rungs that it paused at; a complete
// one has reached every fidelity, so that from the moment when enough are complete only they count. A trial that counts
// is scored by its measurements up to the level, or up to the first beyond it where it was not measured there.
#pragma once

#include <map>
#include <vector>

#include "netwright/strategy/pareto.h"

namespace netwright {

class Level {
 public:
  // Precondition: enough ≥ 1.
  Level(std::vector<Objective> objectives, std::size_t enough) : objectives_(std::move(objectives)), enough_(enough) {}

  struct News {
    bool anew = false;            // the level has risen: what was handed out before counts no more
    std::vector<Member> members;  // that have come to the level, in the order in which they did
  };
  // To be called from Strategy::tell. Failed and pruned trials, and those without every objective's metric, bring
  // nothing. Nothing is handed out before some fidelity has been reached by enough.
  News tell(const Trial& trial);

 private:
  struct Told {
    Trial trial;         // as last told
    double reached = 0;  // infinity: complete
  };
  std::optional<Member> member(const Trial& trial) const;
  void raise(double level, News& news);

  std::vector<Objective> objectives_;
  std::size_t enough_;
  double level_ = -1;  // none yet
  // Until enough trials are complete:
  std::map<std::int64_t, Told> told_;                      // by id
  std::vector<std::pair<std::int64_t, double>> arrivals_;  // a trial and what it had reached, in the order told
};

}  // namespace netwright

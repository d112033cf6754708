#include "netwright/schedule/asha.h"

#include <algorithm>
#include <map>
#include <set>

#include "netwright/schedule/rungs.h"

namespace netwright {
namespace {

struct Rung {
  double fidelity = 0;
  RungRanking results;
  std::set<std::int64_t> promoted;  // from here to the next one
  // So that a rung of many trials is not searched anew for every free slot:
  std::size_t scanned = 0;        // of the places before this one
  std::vector<std::size_t> open;  // these have not been promoted, best first
};

std::vector<Rung> make_rungs(const RungOptions& options) {
  std::vector<Rung> rungs;
  for (const double fidelity : rung_fidelities(options, most_promotions(options)))
    rungs.push_back({fidelity, {}, {}, 0, {}});
  return rungs;
}

class PromotionAsha : public Schedule {
 public:
  PromotionAsha(const RungOptions& options, std::vector<Objective> objectives)
      : eta_(static_cast<std::size_t>(options.eta)), rungs_(make_rungs(options)), objectives_(std::move(objectives)) {}

  Decision next(bool may_start) override {
    for (std::size_t k = rungs_.size() - 1; k-- > 0;) {
      if (const std::int64_t trial = promotable(rungs_[k], rungs_[k].results.size() / eta_)) return promote(trial, k);
    }
    if (may_start) return {Decision::Kind::start_new, 0, rungs_.front().fidelity};
    if (!heading_for_.empty()) return {Decision::Kind::wait, 0, 0};
    return last_promotion();
  }

  void started(std::int64_t trial) override { heading_for_[trial] = 0; }
  bool measured(const Trial&, const Measurement&) override { return true; }

  bool reached(const Trial& trial) override {
    const auto found = heading_for_.find(trial.id);
    if (found == heading_for_.end() || found->second + 1 == rungs_.size()) return true;
    arrive(rung_result(trial, objectives_));
    return false;
  }

  void finished(const Trial& trial) override { arrive(final_result(trial, objectives_)); }

 private:
  void arrive(RungResult result) {
    const auto found = heading_for_.find(result.trial);
    if (found == heading_for_.end()) return;
    Rung& rung = rungs_[found->second];
    make_room(rung, rung.results.add(std::move(result)));
    heading_for_.erase(found);
  }

  // For a result that came in at this place.
  void make_room(Rung& rung, std::size_t place) const {
    if (objectives_.size() > 1) {  // Pareto ranks: all of them may have moved
      rung.open.clear();
      rung.scanned = 0;
    }
    if (place >= rung.scanned) return;
    auto after = std::lower_bound(rung.open.begin(), rung.open.end(), place);
    for (auto moved = after; moved != rung.open.end(); ++moved) ++*moved;
    rung.open.insert(after, place);
    ++rung.scanned;
  }

  // The best of the first `count` not yet promoted; 0: none.
  static std::int64_t promotable(Rung& rung, std::size_t count) {
    const auto& results = rung.results.best_first();
    const std::size_t end = std::min(count, results.size());
    for (; rung.open.empty() && rung.scanned < end; ++rung.scanned) {
      if (!rung.promoted.contains(results[rung.scanned].trial)) rung.open.push_back(rung.scanned);
    }
    if (rung.open.empty() || rung.open.front() >= end) return 0;
    const RungResult& best = results[rung.open.front()];
    return best.usable() ? best.trial : 0;
  }

  Decision promote(std::int64_t trial, std::size_t from) {
    rungs_[from].promoted.insert(trial);
    rungs_[from].open.erase(rungs_[from].open.begin());  // promotable() has found it there
    heading_for_[trial] = from + 1;
    return {Decision::Kind::resume, trial, rungs_[from + 1].fidelity};
  }

  // Nothing runs and nothing will start: the best of the highest rung that has any goes on, so that one trial at least
  // has the full resource.
  Decision last_promotion() {
    for (std::size_t k = rungs_.size(); k-- > 0;) {
      const auto& results = rungs_[k].results.best_first();
      if (results.empty() || !results.front().usable()) continue;
      if (k + 1 == rungs_.size()) break;
      const std::int64_t trial = promotable(rungs_[k], results.size());
      if (trial != 0) return promote(trial, k);
    }
    return {Decision::Kind::finished, 0, 0};
  }

  std::size_t eta_;
  std::vector<Rung> rungs_;  // by rising fidelity
  std::vector<Objective> objectives_;
  std::map<std::int64_t, std::size_t> heading_for_;  // the rung of each running trial
};

class StoppingAsha : public Schedule {
 public:
  StoppingAsha(const RungOptions& options, std::vector<Objective> objectives)
      : eta_(static_cast<std::size_t>(options.eta)), rungs_(make_rungs(options)), objectives_(std::move(objectives)) {}

  Decision next(bool may_start) override {
    return {may_start ? Decision::Kind::start_new : Decision::Kind::finished, 0, rungs_.back().fidelity};
  }

  void started(std::int64_t trial) override { heading_for_[trial] = 0; }

  bool measured(const Trial& trial, const Measurement& measurement) override {
    const auto found = heading_for_.find(trial.id);
    if (found == heading_for_.end()) return true;
    const std::size_t before = found->second;
    while (found->second + 1 < rungs_.size() && rungs_[found->second].fidelity <= measurement.fidelity) ++found->second;
    if (found->second == before) return true;
    RungRanking& results = rungs_[found->second - 1].results;
    RungResult result = rung_result(trial, objectives_);
    const bool usable = result.usable();
    results.add(std::move(result));
    return usable && results.place(trial.id) < std::max<std::size_t>(1, results.size() / eta_);
  }

  bool reached(const Trial&) override { return true; }

  void finished(const Trial& trial) override {
    const auto found = heading_for_.find(trial.id);
    if (found == heading_for_.end()) return;
    if (trial.state == TrialState::failed) rungs_[found->second].results.add(final_result(trial, objectives_));
    heading_for_.erase(found);
  }

 private:
  std::size_t eta_;
  std::vector<Rung> rungs_;  // by rising fidelity
  std::vector<Objective> objectives_;
  std::map<std::int64_t, std::size_t> heading_for_;  // the next rung of each running trial
};

}  // namespace

std::unique_ptr<Schedule> make_asha_schedule(const ScheduleContext& context) {
  MappingReader reader(context.options, "schedule");
  reader.optional("name");
  const RungOptions options = read_rung_options(reader, context.full_fidelity);
  const bool stopping = reader.one_of("mode", "promotion", {"promotion", "stopping"}) == "stopping";
  reader.finish();
  if (stopping) return std::make_unique<StoppingAsha>(options, context.objectives);
  return std::make_unique<PromotionAsha>(options, context.objectives);
}

}  // namespace netwright

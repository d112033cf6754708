#include "netwright/strategy/level.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <set>

namespace netwright {
namespace {

constexpr double everything = std::numeric_limits<double>::infinity();

}  // namespace

// As at the level.
std::optional<Member> Level::member(const Trial& trial) const {
  Trial view = trial;
  view.state = TrialState::complete;
  const auto beyond = std::find_if(view.measurements.begin(), view.measurements.end(),
                                   [this](const Measurement& measurement) { return measurement.fidelity >= level_; });
  if (beyond != view.measurements.end()) view.measurements.erase(beyond + 1, view.measurements.end());
  return member_of(view, objectives_);
}

// Hands out all that have reached the level.
void Level::raise(double level, News& news) {
  level_ = level;
  news.anew = true;
  std::set<std::int64_t> seen;
  for (const auto& [id, reached] : arrivals_) {
    if (reached < level || !seen.insert(id).second) continue;
    if (auto arrived = member(told_.at(id).trial)) news.members.push_back(std::move(*arrived));
  }
  if (level < everything) return;
  told_.clear();
  arrivals_.clear();
}

Level::News Level::tell(const Trial& trial) {
  News news;
  const bool complete = trial.state == TrialState::complete;
  if (level_ == everything) {
    if (auto arrived = member_of(trial, objectives_)) news.members.push_back(std::move(*arrived));
    return news;
  }
  if ((!complete && trial.state != TrialState::paused) || trial.measurements.empty()) return news;
  Trial whole = trial;
  whole.state = TrialState::complete;
  if (!member_of(whole, objectives_)) return news;
  const auto known = told_.find(trial.id);
  const double before = known != told_.end() ? known->second.reached : -1;
  const double reached = complete ? everything : trial.measurements.back().fidelity;
  told_[trial.id] = {trial, reached};
  arrivals_.emplace_back(trial.id, reached);
  if (told_.size() < enough_) return news;
  std::vector<double> all;
  for (const auto& [id, told] : told_) all.push_back(told.reached);
  const auto last = all.begin() + static_cast<std::ptrdiff_t>(enough_ - 1);
  std::nth_element(all.begin(), last, all.end(), std::greater<>());
  if (*last > level_) {
    raise(*last, news);
  } else if (before < level_ && reached >= level_) {
    if (auto arrived = member(trial)) news.members.push_back(std::move(*arrived));
  }
  return news;
}

}  // namespace netwright

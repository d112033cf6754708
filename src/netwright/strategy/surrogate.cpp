#include "netwright/strategy/surrogate.h"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <numeric>

namespace netwright {
namespace {

constexpr int most_tries = 30;  // to draw a configuration that is new

// The normal distribution's quantile.
double normal_quantile(double p) {
  return -std::sqrt(2.0) * boost::math::erfc_inv(2 * p);
}

// Scores, best first, to quantiles; equal scores share the middle of theirs.
Eigen::VectorXd normal_scores(const std::vector<double>& scores) {
  const auto n = static_cast<double>(scores.size());
  Eigen::VectorXd result(static_cast<Eigen::Index>(scores.size()));
  for (std::size_t first = 0, end = 0; first < scores.size(); first = end) {
    while (end < scores.size() && scores[end] == scores[first]) ++end;
    const double middle = 0.5 * static_cast<double>(first + end);  // of the ranks, plus a half
    for (std::size_t i = first; i < end; ++i) {
      result[static_cast<Eigen::Index>(i)] = normal_quantile(1 - (middle + 0.125) / (n + 0.25));
    }
  }
  return result;
}

}  // namespace

SurrogateOptions read_surrogate_options(MappingReader& reader, const SurrogateOptions& defaults) {
  SurrogateOptions options;
  options.startup = static_cast<int>(reader.integer("startup", defaults.startup, 2, 100000));
  options.candidates = static_cast<int>(reader.integer("candidates", defaults.candidates, 1, 100000));
  options.parents = static_cast<int>(reader.integer("parents", defaults.parents, 1, 100000));
  options.points = static_cast<int>(reader.integer("points", defaults.points, 10, 5000));
  return options;
}

SurrogateStrategy::SurrogateStrategy(const SearchSpace& space, Objective objective, const SurrogateOptions& options)
    : space_(space), objective_(std::move(objective)), options_(options), encoding_(space) {}

void SurrogateStrategy::tell(const Trial& trial) {
  pending_.told(trial);
  Told& told = told_[trial.id];
  told.configuration = trial.configuration;
  told.state = trial.state;
  told.scores.clear();
  told.seconds = 0;
  Trial view = trial;
  view.measurements.clear();
  for (const Measurement& measurement : trial.measurements) {
    told.seconds += measurement.seconds;
    view.measurements.assign(1, measurement);
    if (const auto value = score(view, objective_)) told.scores.emplace_back(measurement.fidelity, *value);
  }
  networks_.insert(encoding_.network_of(trial.configuration));
  told.entries = encoding_.of(trial.configuration).entries;
  ++version_;
}

std::optional<Configuration> SurrogateStrategy::ask(Random& random) {
  Configuration proposal;
  learn();
  if (scored_.size() < static_cast<std::size_t>(options_.startup)) {
    proposal = new_sample(random);
  } else {
    std::vector<Candidate> candidates = draw_candidates(random);
    if (candidates.empty()) {
      proposal = new_sample(random);
    } else {
      std::vector<Encoding::Entries> pending, drawn;
      for (const auto& one : pending_.configurations()) pending.push_back(encoding_.of(one).entries);
      for (const auto& one : candidates) drawn.push_back(encoding_.of(one.configuration, one.text).entries);
      data_.pending = matrix(pending);
      const Eigen::MatrixXd rows = matrix(drawn);
      data_.groups.clear();
      for (std::size_t c = 0; c < encoding_.columns(); ++c) data_.groups.push_back(encoding_.group_of(c));
      const Eigen::VectorXd promise = acquisition(data_, rows, random);
      std::vector<std::size_t> order(candidates.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return promise[static_cast<Eigen::Index>(a)] > promise[static_cast<Eigen::Index>(b)];
      });
      const auto fresh = std::find_if(order.begin(), order.end(), [&](std::size_t i) {
        return !networks_.contains(encoding_.network_of(candidates[i].configuration));
      });
      proposal = fresh == order.end() ? new_sample(random) : candidates[*fresh].configuration;
      kept_.clear();
      for (auto next = fresh; next != order.end() && kept_.size() < candidates.size() / 2; ++next) {
        if (next != fresh) kept_.push_back(std::move(candidates[*next]));
      }
    }
  }
  networks_.insert(encoding_.network_of(proposal));
  pending_.add(proposal);
  return proposal;
}

// At the largest fidelity that enough trials have reached.
void SurrogateStrategy::score_trials() {
  std::vector<double> reached;
  for (const auto& [id, told] : told_) {
    if (!told.scores.empty() && told.state != TrialState::failed) reached.push_back(told.scores.back().first);
  }
  std::sort(reached.rbegin(), reached.rend());
  scored_.clear();
  if (reached.empty()) return;
  const double level = reached[std::min(reached.size(), static_cast<std::size_t>(options_.startup)) - 1];
  std::vector<double> scores;
  std::vector<Scored> below;
  for (const auto& [id, told] : told_) {
    const auto at =
        std::find_if(told.scores.begin(), told.scores.end(), [&](const auto& one) { return one.first >= level; });
    if (told.state != TrialState::failed && at != told.scores.end()) {
      scored_.push_back({&told, at->second});
      scores.push_back(at->second);
    } else if (told.state == TrialState::pruned && !told.scores.empty()) {
      below.push_back({&told, told.scores.back().second});
    } else if (told.state == TrialState::failed) {
      below.push_back({&told, -std::numeric_limits<double>::infinity()});
    }
  }
  std::sort(scores.begin(), scores.end());
  for (Scored& one : below) {
    one.score = std::clamp(one.score, scores.front(), scores[scores.size() / 2]);
    scored_.push_back(one);
  }
  std::stable_sort(scored_.begin(), scored_.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });
}

void SurrogateStrategy::learn() {
  if (learned_ == version_) return;
  learned_ = version_;
  score_trials();
  if (scored_.size() < static_cast<std::size_t>(options_.startup)) return;
  std::vector<double> scores;
  for (const Scored& one : scored_) scores.push_back(one.score);
  const Eigen::VectorXd all = normal_scores(scores);
  std::vector<std::size_t> kept(scored_.size());
  std::iota(kept.begin(), kept.end(), std::size_t{0});
  if (kept.size() > static_cast<std::size_t>(options_.points)) {
    // The best half, then the youngest of the rest; told_ is sorted by id, so addresses are no order but ids are.
    std::map<const Told*, std::int64_t> id_of;
    for (const auto& [id, told] : told_) id_of[&told] = id;
    const auto half = kept.begin() + options_.points / 2;
    std::sort(half, kept.end(),
              [&](std::size_t a, std::size_t b) { return id_of[scored_[a].trial] > id_of[scored_[b].trial]; });
    kept.resize(static_cast<std::size_t>(options_.points));
  }
  std::vector<Encoding::Entries> rows;
  data_.targets.resize(static_cast<Eigen::Index>(kept.size()));
  data_.log_seconds.resize(static_cast<Eigen::Index>(kept.size()));
  for (std::size_t i = 0; i < kept.size(); ++i) {
    rows.push_back(scored_[kept[i]].trial->entries);
    data_.targets[static_cast<Eigen::Index>(i)] = all[static_cast<Eigen::Index>(kept[i])];
    data_.log_seconds[static_cast<Eigen::Index>(i)] = std::log(std::max(1e-9, scored_[kept[i]].trial->seconds));
  }
  data_.log_seconds.array() -= data_.log_seconds.mean();
  data_.points = matrix(rows);
  data_.best = data_.targets.maxCoeff();
  data_.version = version_;
}

std::vector<SurrogateStrategy::Candidate> SurrogateStrategy::draw_candidates(Random& random) {
  std::vector<Candidate> candidates = std::move(kept_);
  std::set<std::string> seen;
  for (const auto& candidate : candidates) seen.insert(candidate.text);
  const int drawn = options_.candidates - static_cast<int>(candidates.size());
  for (int i = 0; i < drawn; ++i) {
    Configuration candidate = i % 4 == 3 ? space_.sample(random) : mutant(random);
    std::string text = candidate.canonical_text();
    if (seen.insert(text).second) candidates.push_back({std::move(candidate), std::move(text)});
  }
  return candidates;
}

Configuration SurrogateStrategy::mutant(Random& random) {
  const std::size_t parents = std::min(scored_.size(), static_cast<std::size_t>(options_.parents));
  // The better of two, so that the better ones come more often.
  const std::size_t parent = std::min(random.below(parents), random.below(parents));
  Configuration child = scored_[parent].trial->configuration;
  do {
    if (!can_change(child)) return space_.sample(random);
    child = space_.mutate(child, random);
  } while (random.below(2) == 0);
  return child;
}

// Whether some active choice has another value to offer.
bool SurrogateStrategy::can_change(const Configuration& configuration) const {
  return std::any_of(space_.choices().begin(), space_.choices().end(), [&](const Choice& choice) {
    return configuration.find(choice.name) != nullptr && count_values(choice).value_or(2) > 1;
  });
}

Configuration SurrogateStrategy::new_sample(Random& random) {
  Configuration sample = space_.sample(random);
  for (int i = 0; i < most_tries && networks_.contains(encoding_.network_of(sample)); ++i) {
    sample = space_.sample(random);
  }
  return sample;
}

Eigen::MatrixXd SurrogateStrategy::matrix(const std::vector<Encoding::Entries>& rows) const {
  Eigen::MatrixXd result =
      Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(encoding_.columns()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& [column, value] : rows[i]) result(static_cast<Eigen::Index>(i), column) = value;
  }
  return result;
}

}  // namespace netwright

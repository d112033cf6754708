#include "netwright/strategy/warm_start.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace netwright {
namespace {

bool is_computed(const std::string& score) {
  return score == "parameters" || score == "macs";
}

// Larger is better; nullopt where the configuration is no network.
std::optional<double> cost_score(const SearchSpace& space, const Configuration& configuration,
                                 const WarmStartOptions& options) {
  try {
    const Cost cost = network_cost(space.fill(configuration).network, space.table());
    const auto value = static_cast<double>(options.score == "macs" ? cost.macs : cost.parameters);
    return options.maximize ? value : -value;
  } catch (const Error&) {
    return std::nullopt;
  }
}

class CostWarmStart : public Strategy {
 public:
  CostWarmStart(const SearchSpace& space, const WarmStartOptions& options, std::unique_ptr<Strategy> then)
      : space_(space), options_(options), then_(std::move(then)) {}

  std::optional<Configuration> ask(Random& random) override {
    if (!chosen_) {
      choose(random);
      chosen_ = true;
    }
    if (next_ < beginning_.size()) return beginning_[next_++];
    return then_->ask(random);
  }

  void tell(const Trial& trial) override { then_->tell(trial); }

 private:
  void choose(Random& random) {
    std::vector<std::pair<double, Configuration>> scored;
    std::set<std::string> seen;
    for (int i = 0; i < options_.candidates; ++i) {
      Configuration candidate = space_.sample(random);
      if (!seen.insert(candidate.canonical_text()).second) continue;
      if (const auto value = cost_score(space_, candidate, options_)) scored.emplace_back(*value, std::move(candidate));
    }
    std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    if (scored.size() > static_cast<std::size_t>(options_.trials)) {
      scored.resize(static_cast<std::size_t>(options_.trials));
    }
    for (auto& [value, configuration] : scored) beginning_.push_back(std::move(configuration));
  }

  const SearchSpace& space_;
  WarmStartOptions options_;
  std::unique_ptr<Strategy> then_;
  bool chosen_ = false;
  std::vector<Configuration> beginning_;
  std::size_t next_ = 0;
};

class MetricWarmStart : public Strategy {
 public:
  MetricWarmStart(const SearchSpace& space, const WarmStartOptions& options, std::unique_ptr<Strategy> then,
                  Location where)
      : space_(space), options_(options), then_(std::move(then)), where_(std::move(where)) {}

  std::optional<Configuration> ask(Random& random) override {
    if (asked_ < options_.candidates) {
      ++asked_;
      Configuration proposal = space_.sample(random);
      pending_.push_back(proposal);
      return proposal;
    }
    if (!handed_over_) hand_over();
    return then_->ask(random);
  }

  void tell(const Trial& trial) override {
    const auto begun = std::find(pending_.begin(), pending_.end(), trial.configuration);
    const bool first = !scored_.contains(trial.id) && begun != pending_.end();
    if (first) pending_.erase(begun);
    if (!first && !scored_.contains(trial.id)) {  // proposed by `then`, or imported
      then_->tell(trial);
      return;
    }
    Scored& scored = scored_[trial.id];
    if (first) scored.order = static_cast<std::int64_t>(scored_.size());
    scored.trial = trial;
    scored.value = value_of(trial);
    any_measured_ = any_measured_ || !trial.measurements.empty();
    if (!handed_over_) return;
    scored.chosen = scored.chosen || scored.value > threshold_;
    if (scored.chosen) then_->tell(trial);
  }

 private:
  struct Scored {
    Trial trial;  // as last told
    double value = 0;
    std::int64_t order = 0;  // in which they were first told
    bool chosen = false;
  };

  double value_of(const Trial& trial) const {
    for (const Measurement& measurement : trial.measurements) {
      const auto found = measurement.metrics.find(options_.score);
      if (found == measurement.metrics.end() || std::isnan(found->second)) continue;
      return options_.maximize ? found->second : -found->second;
    }
    return -std::numeric_limits<double>::infinity();
  }

  void hand_over() {
    handed_over_ = true;
    std::vector<Scored*> best;
    for (auto& [id, scored] : scored_) {
      if (std::isfinite(scored.value)) best.push_back(&scored);
    }
    if (best.empty() && any_measured_) {
      throw invalid(
          where_,
          "none of the " + std::to_string(scored_.size()) + " trials so far has the score '" + options_.score + "'",
          "let the trainer report it as a metric, or use score: parameters or macs");
    }
    const auto by_order = [](const Scored* a, const Scored* b) { return a->order < b->order; };
    std::sort(best.begin(), best.end(), by_order);
    std::stable_sort(best.begin(), best.end(), [](const Scored* a, const Scored* b) { return a->value > b->value; });
    if (best.size() >= static_cast<std::size_t>(options_.trials)) {
      best.resize(static_cast<std::size_t>(options_.trials));
      threshold_ = best.back()->value;
    }
    std::sort(best.begin(), best.end(), by_order);
    for (Scored* scored : best) {
      scored->chosen = true;
      then_->tell(scored->trial);
    }
  }

  const SearchSpace& space_;
  WarmStartOptions options_;
  std::unique_ptr<Strategy> then_;
  Location where_;
  int asked_ = 0;
  std::vector<Configuration> pending_;                           // of the beginning, not yet told
  std::map<std::int64_t, Scored> scored_;                        // of the beginning, by id
  double threshold_ = -std::numeric_limits<double>::infinity();  // what a late trial has to be better than
  bool any_measured_ = false;
  bool handed_over_ = false;
};

void require_network(const SearchSpace& space, const std::string& score, const Location& where) {
  Random random(0);
  bool network = true;
  try {
    network = !space.fill(space.sample(random)).network.graph.nodes.empty();
  } catch (const Error&) {  // this one does not fit; others may
  }
  if (network) return;
  throw invalid(where, "the score '" + score + "' is computed from the network, and this space has none",
                "name a metric that the trainer reports, or write a network into the space");
}

}  // namespace

std::unique_ptr<Strategy> make_warm_start_strategy(const StrategyContext& context) {
  MappingReader reader(context.options, "strategy");
  WarmStartOptions options;
  reader.optional("name");
  const Yaml* score = reader.optional("score");
  if (score != nullptr) options.score = score->as_text("score");
  const Location where = score != nullptr ? score->where : context.options.where;
  const bool computed = is_computed(options.score);
  bool larger = true;  // larger networks tend to be better
  if (!computed) {     // as for an objective of that metric
    Yaml objective;
    objective.set("metric", *score);
    larger = parse_objectives(objective).front().maximize;
  }
  options.maximize = reader.one_of("goal", larger ? "maximize" : "minimize", {"maximize", "minimize"}) == "maximize";
  const std::int64_t candidates = reader.integer("candidates", computed ? options.candidates : 100, 1, 1000000);
  options.candidates = static_cast<int>(candidates);
  const std::int64_t usual = std::min<std::int64_t>(options.trials, candidates);
  options.trials = static_cast<int>(reader.integer("trials", usual, 1, candidates));
  const Yaml* inner = reader.optional("then");
  reader.finish();
  Yaml then;
  then.where = context.options.where;
  if (inner == nullptr || inner->is_scalar()) {  // a name alone
    Yaml name;
    name.kind = Yaml::Kind::scalar;
    name.text = inner == nullptr ? "evolution" : inner->text;
    name.where = inner == nullptr ? then.where : inner->where;
    then.set("name", name);
  } else {
    then = *inner;
  }
  if (computed) require_network(context.space, options.score, where);
  std::unique_ptr<Strategy> rest = make_strategy({context.space, context.objectives, then});
  if (computed) return std::make_unique<CostWarmStart>(context.space, options, std::move(rest));
  return std::make_unique<MetricWarmStart>(context.space, options, std::move(rest), where);
}

}  // namespace netwright

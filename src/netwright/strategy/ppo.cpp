#include "netwright/strategy/ppo.h"

#include <cmath>

namespace netwright {
namespace {

class PpoStrategy : public PolicySearch {
 public:
  PpoStrategy(const SearchSpace& space, Objective objective, const PpoOptions& options)
      : PolicySearch(space, std::move(objective), options.search), ppo_(options) {}

 protected:
  void learn(Episode episode) override {
    batch_.push_back(std::move(episode));
    if (static_cast<int>(batch_.size()) < ppo_.batch) return;
    for (int epoch = 0; epoch < ppo_.epochs; ++epoch) step();
    batch_.clear();
  }

 private:
  void step() {
    const double share = 1 / static_cast<double>(batch_.size());
    gradient_.assign(policy_.parameters().size(), 0);
    for (const Episode& episode : batch_) {
      std::vector<double> weights = policy_.log_probabilities(episode.actions);
      for (std::size_t i = 0; i < weights.size(); ++i) {
        const double ratio = std::exp(weights[i] - episode.log_probabilities[i]);
        weights[i] = share * ppo_weight(ratio, episode.advantage, ppo_.clip);
      }
      policy_.add_gradient(episode.actions, weights, share * options_.entropy, gradient_);
    }
    adam_.ascend(gradient_, policy_.parameters());
  }

  PpoOptions ppo_;
  std::vector<Episode> batch_;
  std::vector<double> gradient_;
};

}  // namespace

double ppo_weight(double ratio, double advantage, double clip) {
  const bool gone_too_far = advantage > 0 ? ratio > 1 + clip : ratio < 1 - clip;
  return gone_too_far ? 0 : ratio * advantage;
}

std::unique_ptr<Strategy> make_ppo_strategy(const StrategyContext& context) {
  MappingReader reader(context.options, "strategy");
  PpoOptions options;
  read_policy_search_options(reader, options.search);
  options.batch = static_cast<int>(reader.integer("batch", options.batch, 1, 100000));
  options.epochs = static_cast<int>(reader.integer("epochs", options.epochs, 1, 1000));
  options.clip = reader.number("clip", options.clip, 0, 1);
  reader.finish();
  return std::make_unique<PpoStrategy>(context.space, only_objective(context, "ppo"), options);
}

}  // namespace netwright

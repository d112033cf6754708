#include "netwright/strategy/reinforce.h"

namespace netwright {
namespace {

class ReinforceStrategy : public PolicySearch {
 public:
  ReinforceStrategy(const SearchSpace& space, Objective objective, const ReinforceOptions& options)
      : PolicySearch(space, std::move(objective), options.search), batch_(options.batch) {
    gradient_.assign(policy_.parameters().size(), 0);
  }

 protected:
  void learn(Episode episode) override {
    const double share = 1.0 / batch_;
    const std::vector<double> weights(episode.actions.size(), share * episode.advantage);
    policy_.add_gradient(episode.actions, weights, share * options_.entropy, gradient_);
    if (++episodes_ < batch_) return;
    adam_.ascend(gradient_, policy_.parameters());
    gradient_.assign(gradient_.size(), 0);
    episodes_ = 0;
  }

 private:
  int batch_;
  int episodes_ = 0;
  std::vector<double> gradient_;
};

}  // namespace

std::unique_ptr<Strategy> make_reinforce_strategy(const StrategyContext& context) {
  MappingReader reader(context.options, "strategy");
  ReinforceOptions options;
  read_policy_search_options(reader, options.search);
  options.batch = static_cast<int>(reader.integer("batch", options.batch, 1, 100000));
  reader.finish();
  return std::make_unique<ReinforceStrategy>(context.space, only_objective(context, "reinforce"), options);
}

}  // namespace netwright

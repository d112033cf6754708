#include "netwright/strategy/random.h"

namespace netwright {
namespace {

class RandomStrategy : public Strategy {
 public:
  explicit RandomStrategy(const SearchSpace& space) : space_(space) {}

  std::optional<Configuration> ask(Random& random) override { return space_.sample(random); }
  void tell(const Trial&) override {}

 private:
  const SearchSpace& space_;
};

}  // namespace

std::unique_ptr<Strategy> make_random_strategy(const StrategyContext& context) {
  MappingReader options(context.options, "strategy");
  options.optional("name");
  options.finish();
  return std::make_unique<RandomStrategy>(context.space);
}

}  // namespace netwright

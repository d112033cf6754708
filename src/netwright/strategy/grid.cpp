#include "netwright/strategy/grid.h"

namespace netwright {
namespace {

// An odometer with a wheel for each choice. A wheel whose choice is not active does not turn.
class GridStrategy : public Strategy {
 public:
  GridStrategy(const SearchSpace& space, const GridOptions& options) : space_(space) {
    for (const auto& choice : space.choices())
      wheels_.push_back({&choice, grid_values(choice, options.points), 0, true});
  }

  std::optional<Configuration> ask(Random&) override {
    if (ended_) return std::nullopt;
    if (!begun_) {
      begun_ = true;
      reset_from(0);
      return present_;
    }
    for (std::size_t i = wheels_.size(); i-- > 0;) {
      Wheel& wheel = wheels_[i];
      if (!wheel.active || wheel.place + 1 >= wheel.values.size()) continue;
      ++wheel.place;
      present_.set(wheel.choice->name, wheel.values[wheel.place]);
      reset_from(i + 1);
      return present_;
    }
    ended_ = true;
    return std::nullopt;
  }

  void tell(const Trial&) override {}

 private:
  struct Wheel {
    const Choice* choice;
    std::vector<Value> values;
    std::size_t place;
    bool active;
  };

  // Turns every later wheel back to its first value; parents come before the choices that depend on them.
  void reset_from(std::size_t first) {
    for (std::size_t i = first; i < wheels_.size(); ++i) present_.erase(wheels_[i].choice->name);
    for (std::size_t i = first; i < wheels_.size(); ++i) {
      Wheel& wheel = wheels_[i];
      wheel.place = 0;
      wheel.active = space_.is_active(*wheel.choice, present_);
      if (wheel.active) present_.set(wheel.choice->name, wheel.values.front());
    }
  }

  const SearchSpace& space_;
  std::vector<Wheel> wheels_;
  Configuration present_;
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Strategy> make_grid_strategy(const StrategyContext& context) {
  MappingReader reader(context.options, "strategy");
  GridOptions options;
  reader.optional("name");
  options.points = static_cast<int>(reader.integer("points", options.points, 1, 10000));
  reader.finish();
  return std::make_unique<GridStrategy>(context.space, options);
}

}  // namespace netwright

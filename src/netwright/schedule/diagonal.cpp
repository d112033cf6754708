#include "netwright/schedule/diagonal.h"

#include <tuple>

#include "netwright/schedule/hyperband_plan.h"

namespace netwright {
namespace {

class DiagonalSchedule : public BracketSchedule {
 public:
  DiagonalSchedule(const HyperbandOptions& options, std::vector<Objective> objectives)
      : plans_(hyperband_plan(options)), eta_(options.rungs.eta), objectives_(std::move(objectives)) {}

  Decision next(bool may_start) override {
    if (!may_start) {
      for (const Open& open : open_) open.bracket->close();
    }
    std::erase_if(open_, [](const Open& open) { return open.bracket->over(); });
    const Open* first = first_with_work();
    if (first == nullptr && may_start) {
      for (const BracketPlan& plan : plans_) {
        open_.push_back({round_, std::make_shared<Bracket>(plan, eta_, objectives_)});
      }
      ++round_;
      first = first_with_work();
    }
    if (first != nullptr) return take(first->bracket);
    return {open_.empty() ? Decision::Kind::finished : Decision::Kind::wait, 0, 0};
  }

 private:
  struct Open {
    std::int64_t round = 0;
    std::shared_ptr<Bracket> bracket;
  };

  // Smaller comes first: the round, the step, more rungs.
  static std::tuple<std::int64_t, int, int> order(const Open& open) {
    const int s = open.bracket->s();
    return {open.round, static_cast<int>(open.bracket->rung()) - s, -s};
  }

  const Open* first_with_work() const {
    const Open* first = nullptr;
    for (const Open& open : open_) {
      if (!open.bracket->can_resume() && !open.bracket->can_start()) continue;
      if (first == nullptr || order(open) < order(*first)) first = &open;
    }
    return first;
  }

  std::vector<BracketPlan> plans_;
  int eta_;
  std::vector<Objective> objectives_;
  std::int64_t round_ = 0;  // rounds begun
  std::vector<Open> open_;
};

}  // namespace

std::unique_ptr<Schedule> make_diagonal_schedule(const ScheduleContext& context) {
  MappingReader reader(context.options, "schedule");
  reader.optional("name");
  const HyperbandOptions options = read_hyperband_options(reader, context.full_fidelity);
  reader.finish();
  return std::make_unique<DiagonalSchedule>(options, context.objectives);
}

}  // namespace netwright

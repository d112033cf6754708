#include "netwright/schedule/hyperband.h"

namespace netwright {
namespace {

class SequentialBrackets : public BracketSchedule {
 public:
  SequentialBrackets(std::vector<BracketPlan> plans, int eta, std::vector<Objective> objectives)
      : plans_(std::move(plans)), eta_(eta), objectives_(std::move(objectives)) {}

  Decision next(bool may_start) override {
    if (bracket_ && !may_start) bracket_->close();
    if (!bracket_ || bracket_->over()) {
      if (!may_start) return {Decision::Kind::finished, 0, 0};
      bracket_ = std::make_shared<Bracket>(plans_[made_++ % plans_.size()], eta_, objectives_);
    }
    if (bracket_->can_resume() || bracket_->can_start()) return take(bracket_);
    return {Decision::Kind::wait, 0, 0};
  }

 private:
  std::vector<BracketPlan> plans_;
  int eta_;
  std::vector<Objective> objectives_;
  std::size_t made_ = 0;              // brackets so far
  std::shared_ptr<Bracket> bracket_;  // the present one; null before the first
};

}  // namespace

std::unique_ptr<Schedule> make_sequential_brackets(std::vector<BracketPlan> plans, int eta,
                                                   std::vector<Objective> objectives) {
  return std::make_unique<SequentialBrackets>(std::move(plans), eta, std::move(objectives));
}

std::unique_ptr<Schedule> make_hyperband_schedule(const ScheduleContext& context) {
  MappingReader reader(context.options, "schedule");
  reader.optional("name");
  const HyperbandOptions options = read_hyperband_options(reader, context.full_fidelity);
  reader.finish();
  return make_sequential_brackets(hyperband_plan(options), options.rungs.eta, context.objectives);
}

}  // namespace netwright

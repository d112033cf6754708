#include "netwright/schedule/full.h"

namespace netwright {
namespace {

class FullSchedule : public Schedule {
 public:
  explicit FullSchedule(double fidelity) : fidelity_(fidelity) {}

  Decision next(bool may_start) override {
    return {may_start ? Decision::Kind::start_new : Decision::Kind::finished, 0, fidelity_};
  }
  void started(std::int64_t) override {}
  bool measured(const Trial&, const Measurement&) override { return true; }
  bool reached(const Trial&) override { return true; }
  void finished(const Trial&) override {}

 private:
  double fidelity_;
};

}  // namespace

std::unique_ptr<Schedule> make_full_schedule(const ScheduleContext& context) {
  MappingReader options(context.options, "schedule");
  options.optional("name");
  options.finish();
  return std::make_unique<FullSchedule>(context.full_fidelity);
}

}  // namespace netwright

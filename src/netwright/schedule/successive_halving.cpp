#include "netwright/schedule/successive_halving.h"

#include "netwright/schedule/hyperband.h"

namespace netwright {

std::unique_ptr<Schedule> make_successive_halving_schedule(const ScheduleContext& context) {
  MappingReader reader(context.options, "schedule");
  reader.optional("name");
  const HyperbandOptions options = read_hyperband_options(reader, context.full_fidelity, false);
  const int s = most_promotions(options.rungs);
  std::int64_t usual = 1;
  for (int i = 0; i < s; ++i) usual *= options.rungs.eta;
  const std::int64_t trials = reader.integer("trials", usual, 1, 1000000);
  reader.finish();
  return make_sequential_brackets({bracket_plan(options, s, trials)}, options.rungs.eta, context.objectives);
}

}  // namespace netwright

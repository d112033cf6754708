// The table of schedules. A new one adds its pair of files and one row here.
#include "netwright/base/text.h"
#include "netwright/schedule/asha.h"
#include "netwright/schedule/diagonal.h"
#include "netwright/schedule/full.h"
#include "netwright/schedule/hyperband.h"
#include "netwright/schedule/median_stopping.h"
#include "netwright/schedule/schedule.h"
#include "netwright/schedule/successive_halving.h"

namespace netwright {

std::vector<ScheduleRow> schedules() {
  return {
      {"full", "every trial gets the full fidelity at once", make_full_schedule},
      {"successive_halving", "many trials with little, the best third with three times as much, and so on",
       make_successive_halving_schedule},
      {"hyperband", "successive halving from several starting points, one after the other", make_hyperband_schedule},
      {"diagonal", "Hyperband's brackets side by side: no worker waits", make_diagonal_schedule},
      {"asha", "successive halving that never waits for a rung", make_asha_schedule},
      {"median_stopping", "stops a trial that is behind the median of those before it", make_median_stopping_schedule},
  };
}

std::unique_ptr<Schedule> make_schedule(const ScheduleContext& context) {
  std::vector<std::string> names;
  const Yaml* name = context.options.find("name");
  for (const auto& row : schedules()) {
    if (name != nullptr && name->is_scalar() && name->text == row.name) return row.make(context);
    names.push_back(row.name);
  }
  if (name == nullptr) {
    throw invalid(context.options.where, "the schedule has no name", "write schedule: {name: " + names.front() + "}");
  }
  const std::string& wrong = name->as_text("name");
  throw invalid(name->where, "there is no schedule '" + wrong + "'", suggest(wrong, names));
}

}  // namespace netwright

#include "netwright/schedule/hyperband_plan.h"

#include <algorithm>

namespace netwright {

HyperbandOptions read_hyperband_options(MappingReader& reader, double full_fidelity, bool rounding) {
  HyperbandOptions options;
  options.rungs = read_rung_options(reader, full_fidelity);
  if (rounding) options.ceil = reader.one_of("rounding", "floor", {"floor", "ceil"}) == "ceil";
  options.additional = reader.one_of("resource", "total", {"total", "additional"}) == "additional";
  options.skip_last = static_cast<int>(reader.integer("skip_last", 0, 0, most_promotions(options.rungs)));
  return options;
}

BracketPlan bracket_plan(const HyperbandOptions& options, int s, std::int64_t trials) {
  BracketPlan plan;
  plan.s = s;
  double sum = 0;
  for (const double fidelity : rung_fidelities(options.rungs, s)) {
    sum += fidelity;
    plan.rungs.push_back({std::max<std::int64_t>(1, trials), options.additional ? sum : fidelity});
    trials /= options.rungs.eta;
  }
  plan.rungs.resize(plan.rungs.size() - std::min(plan.rungs.size(), static_cast<std::size_t>(options.skip_last)));
  return plan;
}

std::vector<BracketPlan> hyperband_plan(const HyperbandOptions& options) {
  std::vector<BracketPlan> plans;
  const int s_max = most_promotions(options.rungs);
  std::int64_t power = 1;
  for (int s = 0; s <= s_max; ++s, power *= options.rungs.eta) {
    const std::int64_t brackets = s_max + 1, rungs = s + 1;
    const std::int64_t trials =
        options.ceil ? (brackets * power + rungs - 1) / rungs : std::max<std::int64_t>(1, brackets / rungs) * power;
    BracketPlan plan = bracket_plan(options, s, trials);
    if (!plan.rungs.empty()) plans.push_back(std::move(plan));
  }
  std::reverse(plans.begin(), plans.end());
  return plans;
}

}  // namespace netwright

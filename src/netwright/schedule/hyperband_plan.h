// The brackets of Hyperband: which rungs with how many trials.
#pragma once

#include "netwright/schedule/bracket.h"

namespace netwright {

struct HyperbandOptions {
  RungOptions rungs;
  bool ceil = false;        // rounding: the paper's pseudocode instead of its table
  bool additional = false;  // resource: each rung adds its resource to what a trial has had
  int skip_last = 0;        // rungs dropped at the end of every bracket; brackets without any left are dropped
};

// Reads resource and skip_last, and what read_rung_options reads; the rounding where `rounding`.
HyperbandOptions read_hyperband_options(MappingReader& reader, double full_fidelity, bool rounding = true);

// A bracket of `trials` in its first rung and one in eta^i in rung i, at least one. `additional`: the fidelities are
// added up.
BracketPlan bracket_plan(const HyperbandOptions& options, int s, std::int64_t trials);

// Bracket s = s_max … 0, s_max = most_promotions(). With S = s_max + 1 the first rung has floor(S / (s + 1)) * eta^s
// trials, or ceil(S * eta^s / (s + 1)).
std::vector<BracketPlan> hyperband_plan(const HyperbandOptions& options);

}  // namespace netwright

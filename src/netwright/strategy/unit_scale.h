// The numbers of an integer or real choice on a common scale from 0 to 1 (in the logarithm where the choice says so),
// so that steps have the same meaning for every choice. Precondition throughout: the choice is not categorical.
#pragma once

#include "netwright/space/choice.h"

namespace netwright {

bool is_numeric(const Choice& choice);
double to_unit(const Choice& choice, const Value& value);
// The nearest value of the domain; `unit` is clamped to [0, 1].
Value from_unit(const Choice& choice, double unit);

}  // namespace netwright

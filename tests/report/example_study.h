// A made-up study that looks like a real one: 24 trials with failures, three retrained networks against three random.
#pragma once

#include "netwright/report/report.h"

namespace netwright {

ReportInput example_study();

// The same with hostile text wherever a user can put text.
ReportInput hostile_study(const std::string& text);

}  // namespace netwright

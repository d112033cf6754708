// The report's sections, top to bottom. Each is a whole <section>, or empty when the study has nothing for it.
#pragma once

#include <string>

#include "netwright/report/report.h"

namespace netwright {

std::string comparison_section(const ReportInput& input);
std::string progress_section(const ReportInput& input);
std::string supernet_section(const ReportInput& input);
std::string choices_section(const ReportInput& input);
std::string rungs_section(const ReportInput& input);
std::string cost_section(const ReportInput& input);
std::string curves_section(const ReportInput& input);
std::string network_section(const ReportInput& input);
std::string confusion_section(const ReportInput& input);
std::string best_section(const ReportInput& input);
std::string failures_section(const ReportInput& input);
std::string reproduce_section(const ReportInput& input);

// The best search trial by the objectives; null when none is complete.
const Trial* best_of_search(const ReportInput& input);

// How many trials are of that purpose.
std::int64_t count(const ReportInput& input, TrialPurpose purpose);

}  // namespace netwright

// Which plots a report shows, made from its trials.
#pragma once

#include <string>
#include <vector>

#include "netwright/report/plot.h"
#include "netwright/report/report.h"

namespace netwright {

// The objective that the curves show: the first one, or accuracy when there is none.
Objective main_objective(const ReportInput& input);

// Of the objective's values; far outliers on the bad side do not stretch it.
Axis value_axis(const Objective& objective);

// Best value so far and every search trial, over the number of trials or over the study's seconds.
std::string progress_chart(const ReportInput& input, bool over_seconds);

// Metrics to draw the main objective against: the other objectives, then parameters and MACs; at most `most` of those
// that were measured.
std::vector<std::string> cost_metrics(const ReportInput& input, std::size_t most);

// The main objective against a cost, with the Pareto front of the two among the search trials.
std::string cost_chart(const ReportInput& input, const std::string& cost);

// The main objective over fidelity. Empty when no trial was measured twice.
std::string search_curves_chart(const ReportInput& input);
std::string retrain_curves_chart(const ReportInput& input);

// Precondition: input.comparison.
std::string comparison_chart(const ReportInput& input);

// "#12 (complete): accuracy 91.20 %, parameters 130 k".
std::string trial_tooltip(const Trial& trial, const std::vector<std::string>& metrics);

}  // namespace netwright

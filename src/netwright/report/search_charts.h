// How a search went and which choices mattered: pictures made from its trials. Each is empty when it would say nothing.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netwright/report/importance.h"
#include "netwright/report/report.h"

namespace netwright {

// A picture and the sentence that says what to look at.
struct Chart {
  std::string picture;
  std::string caption;
  bool empty() const { return picture.empty(); }
};

// Search trials whose main objective may be compared, with its values.
struct Results {
  std::vector<const Trial*> trials;
  std::vector<double> values;
  double fidelity = 0;  // at which all were measured; 0: each at its end
};

// Complete trials; where a schedule left fewer than twenty of them, those of the highest rung that has so many.
Results compared_results(const ReportInput& input);

// What the report claims about choices; nullopt when it claims nothing.
std::optional<Importance> importance(const ReportInput& input);

Chart results_chart(const ReportInput& input);   // a histogram; retrained networks above it
Chart timeline_chart(const ReportInput& input);  // of workers
Chart choices_chart(const ReportInput& input, const std::optional<Importance>& importance);  // parallel coordinates
Chart importance_chart(const ReportInput& input, const Importance& importance);
Chart rungs_chart(const ReportInput& input);

// A fidelity at which a schedule decided, and the values of the trials that were measured there.
struct Rung {
  double fidelity = 0;
  std::vector<std::pair<const Trial*, double>> values;
};

// From the lowest; at most twelve, the first and the last among them. Empty where there are fewer than two, or no
// schedule.
std::vector<Rung> rungs(const ReportInput& input);

// "at 9 epochs", or empty where each trial counts at its end.
std::string fidelity_phrase(const ReportInput& input, double fidelity);

}  // namespace netwright

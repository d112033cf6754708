// Sections about the search itself: how it went, which choices mattered, what its schedule did.
#include <algorithm>

#include "netwright/base/statistics.h"
#include "netwright/base/text.h"
#include "netwright/report/architecture_history.h"
#include "netwright/report/charts.h"
#include "netwright/report/html.h"
#include "netwright/report/search_charts.h"
#include "netwright/report/sections.h"

namespace netwright {
namespace {

std::string figure_of(const std::string& heading, const Chart& chart) {
  return chart.empty() ? "" : figure(heading, chart.picture, chart.caption);
}

std::string rungs_table(const ReportInput& input, const std::vector<Rung>& all) {
  const Objective objective = main_objective(input);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<double> values;
    for (const auto& value : all[i].values) values.push_back(value.second);
    if (values.empty()) continue;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    rows.push_back({format_value(all[i].fidelity, Quantity::number), std::to_string(values.size()),
                    i + 1 < all.size() ? std::to_string(all[i + 1].values.size()) : "–",
                    escape_xml(format_metric(objective.metric, objective.maximize ? *high : *low)),
                    escape_xml(format_metric(objective.metric, median(values)))});
  }
  return html_table({{input.fidelity_unit, true},
                     {"trials that reached it", true},
                     {"went further", true},
                     {"best", true},
                     {"median", true}},
                    rows);
}

}  // namespace

std::string progress_section(const ReportInput& input) {
  // A search in a supernet is one long trial, which has a section of its own.
  if (input.trials.empty() || !architecture_history(input).empty()) return {};
  std::string figures =
      figure("Over trials", progress_chart(input, false),
             "A line that still climbs at its end says that more trials would help.") +
      figure("Over time", progress_chart(input, true), "The same against the clock, each trial at its end.") +
      figure_of("Results", results_chart(input)) + figure_of("Workers", timeline_chart(input));
  return section("progress", "How the search went", element("div", figures, "class=\"pair\""));
}

std::string choices_section(const ReportInput& input) {
  const auto known = importance(input);
  const Chart paths = choices_chart(input, known);
  if (paths.empty()) return {};
  std::string inner;
  if (known) {
    const std::string at = fidelity_phrase(input, compared_results(input).fidelity);
    inner += element("div", figure_of("Importance", importance_chart(input, *known)), "class=\"pair\"") +
             element("p",
                     escape_xml("Functional analysis of variance on a random forest of " +
                                std::to_string(known->trials) + " trials" + (at.empty() ? "" : " " + at) +
                                ", which explains " + format_value(known->explained, Quantity::share, 0) +
                                " of the variance among trials it has not seen: the less, the less the bars mean."),
                     "class=\"note\"");
  } else {
    inner += element("p", "The trials do not tell yet which choices matter.", "class=\"note\"");
  }
  return section("choices", "Which choices matter", inner + figure_of("Choices", paths));
}

std::string rungs_section(const ReportInput& input) {
  const Chart chart = rungs_chart(input);
  if (chart.empty()) return {};
  const std::string table = element("div", element("h3", "Rungs") + rungs_table(input, rungs(input)));
  return section("rungs", "What the schedule did",
                 element("div", figure_of("From rung to rung", chart) + table, "class=\"pair\""));
}

}  // namespace netwright

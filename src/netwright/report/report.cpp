#include "netwright/report/report.h"

#include <algorithm>

#include "netwright/base/text.h"
#include "netwright/base/version.h"
#include "netwright/report/charts.h"
#include "netwright/report/format.h"
#include "netwright/report/html.h"
#include "netwright/report/page_style.h"
#include "netwright/report/sections.h"

namespace netwright {
namespace {

std::int64_t count(const ReportInput& input, TrialPurpose purpose, TrialState state) {
  return std::count_if(input.trials.begin(), input.trials.end(),
                       [&](const Trial& trial) { return trial.purpose == purpose && trial.state == state; });
}

// "20 complete, 2 pruned, 2 failed", without those that are none.
std::string states_in_words(const ReportInput& input, TrialPurpose purpose) {
  std::vector<std::string> parts;
  for (const auto state : {TrialState::complete, TrialState::running, TrialState::paused, TrialState::waiting,
                           TrialState::pruned, TrialState::failed}) {
    const auto number = count(input, purpose, state);
    if (number > 0) parts.push_back(std::to_string(number) + " " + std::string(to_string(state)));
  }
  return join(parts, ", ");
}

std::string header(const ReportInput& input) {
  const std::string& state = input.study.state;
  const std::string kind = state == "complete" || state == "failed" ? "badge " + state : "badge";
  std::string text =
      element("h1", escape_xml(input.study.name) +
                        (state.empty() ? "" : element("span", escape_xml(state), "class=\"" + kind + "\"")));
  std::vector<std::string> parts;
  if (!input.space.empty()) parts.push_back("space " + input.space);
  if (!input.data.empty()) parts.push_back("data " + input.data);
  if (!input.strategy.empty()) parts.push_back("strategy " + input.strategy);
  if (!input.schedule.empty()) parts.push_back("schedule " + input.schedule);
  if (input.study.created > 0) parts.push_back(date_text(input.study.created));
  if (!parts.empty()) text += element("p", escape_xml(join(parts, " · ")));
  return element("header", text) + "\n";
}

std::string without_comparison(const ReportInput& input) {
  if (const auto accuracy = final_test_accuracy(input)) {
    return "The final network reaches " + format_value(*accuracy, Quantity::share) + " test accuracy.";
  }
  if (const Trial* best = best_of_search(input)) {
    const std::string metric = main_objective(input).metric;
    const auto value = last_metric(*best, metric);
    return "The best trial so far, #" + std::to_string(best->id) + ", has " + metric_phrase(metric) + " " +
           (value ? format_metric(metric, *value) : "unknown") + ".";
  }
  if (input.trials.empty()) return "No trial has been started yet.";
  const auto failed = count(input, TrialPurpose::search, TrialState::failed);
  if (failed > 0 && failed == count(input, TrialPurpose::search)) {
    return "All " + std::to_string(failed) + " trials failed; the reasons are below.";
  }
  return "No trial is complete yet.";
}

std::string headline(const ReportInput& input) {
  if (!input.comparison) {
    std::string text = element("p", escape_xml(without_comparison(input)), "class=\"result\"");
    const std::string& state = input.study.state;
    if (state == "searching" || state == "retraining" || state == "testing") {
      text +=
          element("p", "The study is still " + state + "; this page shows what is known so far.", "class=\"sample\"");
    }
    return element("div", text, "class=\"headline open\"") + "\n";
  }
  const Comparison& comparison = *input.comparison;
  const bool better = input.words.larger_is_better ? comparison.above() : comparison.below();
  const bool worse = input.words.larger_is_better ? comparison.below() : comparison.above();
  // The sample's size comes after the sentence's closing bracket.
  const std::string words = in_words(comparison, input.words);
  const auto split_at = words.find("). ");
  std::string text = element("p", escape_xml(words.substr(0, split_at == std::string::npos ? split_at : split_at + 2)),
                             "class=\"result\"");
  if (split_at != std::string::npos) text += element("p", escape_xml(words.substr(split_at + 3)), "class=\"sample\"");
  const std::string kind = better ? "better" : worse ? "worse" : "open";
  return element("div", text, "class=\"headline " + kind + "\"") + "\n";
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string tiles(const ReportInput& input) {
  std::string text;
  const Trial* final = final_trial_of(input);
  const Trial* shown = final != nullptr ? final : best_of_search(input);
  const std::string which = shown ? (final ? "final network, #" : "best trial, #") + std::to_string(shown->id) : "";
  const std::string metric = main_objective(input).metric;
  if (const auto accuracy = final_test_accuracy(input)) {
    text += tile("Test accuracy", format_value(*accuracy, Quantity::share, 2), which);
  } else if (shown != nullptr && last_metric(*shown, metric)) {
    text += tile(capitalised(metric_phrase(metric)), format_metric(metric, *last_metric(*shown, metric)), which);
  }
  if (input.comparison) {
    const Comparison& comparison = *input.comparison;
    const double scale = input.words.percent ? 100 : 1;
    text += tile(
        "Against " + input.words.other_short,
        (comparison.difference > 0 ? "+" : "") + fixed_text(scale * comparison.difference, 2),
        std::string(input.words.percent ? "points, " : "") + "p = " + format_value(comparison.p, Quantity::number));
  }
  for (const std::string cost : {"parameters", "macs", "latency_ms"}) {
    if (shown == nullptr || cost == metric) continue;
    if (const auto value = last_metric(*shown, cost)) {
      text += tile(cost == "macs"         ? "MACs"
                   : cost == "parameters" ? "Parameters"
                                          : "Latency",
                   format_metric(cost, *value) + (cost == "latency_ms" ? " ms" : ""), which);
    }
  }
  text +=
      tile("Trials", std::to_string(count(input, TrialPurpose::search)), states_in_words(input, TrialPurpose::search));
  if (input.study.elapsed > 0) text += tile("Time", human_seconds(input.study.elapsed), "search, retraining, tests");
  return element("div", "\n" + text, "class=\"tiles\"") + "\n";
}

}  // namespace

const Trial* final_trial_of(const ReportInput& input) {
  const auto found = std::find_if(input.trials.begin(), input.trials.end(),
                                  [&](const Trial& trial) { return trial.id == input.final_trial; });
  return input.final_trial == 0 || found == input.trials.end() ? nullptr : &*found;
}

std::optional<double> final_test_accuracy(const ReportInput& input) {
  const Trial* final = final_trial_of(input);
  return final != nullptr ? last_metric(*final, "test_accuracy") : std::nullopt;
}

std::string html_report(const ReportInput& input) {
  if (input.objectives.empty()) {
    ReportInput with_default = input;
    with_default.objectives = {Objective{}};
    return html_report(with_default);
  }
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; img-src data:\">\n";
  page += element("title", escape_xml(input.study.name) + " – netwright") + "\n";
  page += element("style", "\n" + page_style()) + "\n</head>\n<body>\n<main>\n";
  page += header(input) + headline(input) + tiles(input) + comparison_section(input) + supernet_section(input) +
          progress_section(input) + choices_section(input) + rungs_section(input) + cost_section(input) +
          curves_section(input) + network_section(input) + confusion_section(input) + best_section(input) +
          failures_section(input) + reproduce_section(input);
  page += element("footer", "Written by netwright " + escape_xml(version()) + ".") + "\n</main>\n</body>\n</html>\n";
  return page;
}

}  // namespace netwright

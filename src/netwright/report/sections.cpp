#include "netwright/report/sections.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "netwright/base/text.h"
#include "netwright/report/architecture_history.h"
#include "netwright/report/charts.h"
#include "netwright/report/format.h"
#include "netwright/report/html.h"
#include "netwright/report/plot.h"

namespace netwright {
namespace {

constexpr std::size_t best_shown = 10;
constexpr std::size_t failures_shown = 50;
constexpr std::size_t confusions_shown = 5;
constexpr std::size_t largest_matrix = 100;  // classes; beyond that a cell is smaller than a pixel should be
constexpr std::size_t longest_message = 600;

std::string configuration_html(const Configuration& configuration) {
  std::string text;
  for (const auto& [name, value] : configuration.values()) {
    text += element("span", element("i", escape_xml(name)) + " " + escape_xml(short_value(value)), "class=\"choice\"") +
            " ";
  }
  if (configuration.values().size() <= 8) return text;
  return element("details", element("summary", std::to_string(configuration.values().size()) + " choices") + text);
}

std::string metric_html(const Trial& trial, const std::string& metric) {
  const auto value = last_metric(trial, metric);
  return value ? escape_xml(format_metric(metric, *value)) : "–";
}

std::vector<std::string> shown_metrics(const ReportInput& input, bool with_test) {
  std::vector<std::string> metrics;
  for (const auto& objective : input.objectives) metrics.push_back(objective.metric);
  if (metrics.empty()) metrics.push_back(main_objective(input).metric);
  for (const std::string extra : {"test_accuracy", "parameters", "macs"}) {
    const bool measured = std::any_of(input.trials.begin(), input.trials.end(),
                                      [&](const Trial& trial) { return last_metric(trial, extra).has_value(); });
    const bool wanted = extra != "test_accuracy" || with_test;
    if (measured && wanted && std::find(metrics.begin(), metrics.end(), extra) == metrics.end())
      metrics.push_back(extra);
  }
  return metrics;
}

// The runs behind the comparison, or behind the final network where there was none.
std::string retrained_table(const ReportInput& input) {
  const auto metrics = shown_metrics(input, true);
  std::vector<HtmlColumn> columns{{"trial", true}, {"network", false}};
  for (const auto& metric : metrics) columns.push_back({metric_phrase(metric), true});
  columns.push_back({input.fidelity_unit, true});
  columns.push_back({"time", true});
  columns.push_back({"seed", true});
  std::vector<std::vector<std::string>> rows;
  for (const auto& trial : input.trials) {
    if (trial.purpose == TrialPurpose::search) continue;
    const std::string purpose(to_string(trial.purpose));
    std::string network = trial.purpose == TrialPurpose::baseline ? "random" : "from #" + std::to_string(trial.source);
    if (trial.state != TrialState::complete) network += " (" + std::string(to_string(trial.state)) + ")";
    if (trial.id == input.final_trial) network += " – final";
    std::vector<std::string> row{"#" + std::to_string(trial.id), "<span class=\"run\"><span class=\"swatch " + purpose +
                                                                     "\"></span>" + escape_xml(network) + "</span>"};
    for (const auto& metric : metrics) row.push_back(metric_html(trial, metric));
    row.push_back(format_value(trial.fidelity, Quantity::number));
    row.push_back(human_seconds(seconds_of(trial)));
    row.push_back(std::to_string(trial.seed));
    rows.push_back(std::move(row));
  }
  return rows.empty() ? "" : html_table(columns, rows);
}

std::string class_name(const ConfusionMatrix& confusion, std::size_t index) {
  return index < confusion.classes.size() ? confusion.classes[index] : std::to_string(index);
}

std::string confusions_table(const ConfusionMatrix& confusion) {
  struct Mistake {
    std::int64_t count;
    std::size_t actual, taken_for;
    double share;
  };
  std::vector<Mistake> mistakes;
  for (std::size_t row = 0; row < confusion.counts.size(); ++row) {
    std::int64_t total = 0;
    for (const auto number : confusion.counts[row]) total += number;
    for (std::size_t column = 0; column < confusion.counts[row].size(); ++column) {
      const auto number = confusion.counts[row][column];
      if (row != column && number > 0)
        mistakes.push_back({number, row, column, static_cast<double>(number) / static_cast<double>(total)});
    }
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.count > b.count; });
  if (mistakes.empty()) return element("p", "The network made no mistake.");
  if (mistakes.size() > confusions_shown) mistakes.resize(confusions_shown);
  std::vector<std::vector<std::string>> rows;
  for (const auto& mistake : mistakes) {
    rows.push_back({escape_xml(class_name(confusion, mistake.actual)),
                    escape_xml(class_name(confusion, mistake.taken_for)), std::to_string(mistake.count),
                    format_value(mistake.share, Quantity::share)});
  }
  return html_table({{"true class", false}, {"taken for", false}, {"times", true}, {"share", true}}, rows);
}

std::string facts_list(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string text;
  for (const auto& [name, value] : facts) {
    text += element("dt", escape_xml(name)) + element("dd", escape_xml(value)) + "\n";
  }
  return element("dl", "\n" + text);
}

}  // namespace

const Trial* best_of_search(const ReportInput& input) {
  const auto ranked = ranking(input.trials, input.objectives);
  return ranked.empty() ? nullptr : ranked.front();
}

std::int64_t count(const ReportInput& input, TrialPurpose purpose) {
  return std::count_if(input.trials.begin(), input.trials.end(), [&](const Trial& t) { return t.purpose == purpose; });
}

std::string comparison_section(const ReportInput& input) {
  const std::string table = retrained_table(input);
  std::string inner;
  if (input.comparison) {
    std::string picture = comparison_chart(input);
    const std::string note =
        "Each dot is one " + input.words.unit + (input.words.seeds > 1 ? ", averaged over its seeds" : "") +
        "; bars are means. The whisker is the interval of the difference, drawn from the random mean.";
    inner = "<figure class=\"narrow\">\n" + picture + "</figure>\n" + element("p", escape_xml(note), "class=\"note\"");
  }
  if (!table.empty()) inner += element("h3", "Retrained networks") + table;
  return section("comparison", "Compared with random search", inner);
}

std::string cost_section(const ReportInput& input) {
  std::string figures;
  const std::string against = metric_phrase(main_objective(input).metric) + " against ";
  for (const auto& cost : cost_metrics(input, 2)) {
    figures += figure(static_cast<char>(std::toupper(against[0])) + against.substr(1) + metric_title(cost),
                      cost_chart(input, cost));
  }
  if (figures.empty()) return {};
  const std::string note =
      "The Pareto front is that of the search’s trials in the two quantities shown. Retrained networks "
      "had the full recipe: compare them with each other, not with the search’s trials.";
  const bool retrained = count(input, TrialPurpose::retrain) > 0;
  return section("cost", "Accuracy and cost",
                 element("div", figures, "class=\"pair\"") + (retrained ? element("p", note, "class=\"note\"") : ""));
}

std::string curves_section(const ReportInput& input) {
  std::string figures;
  // A search in a supernet is no trial among trials; it has a section of its own.
  const bool one_shot = !architecture_history(input).empty();
  const std::string search = one_shot ? "" : search_curves_chart(input), retrain = retrain_curves_chart(input);
  if (!search.empty())
    figures += figure("Search", search,
                      "Every trial over its training: curves that cross are trials that a short training misjudges.");
  if (!retrain.empty())
    figures += figure("Retraining with the full recipe", retrain,
                      "Searched against random networks: compare where the curves end.");
  return figures.empty() ? "" : section("curves", "Learning curves", element("div", figures, "class=\"pair\""));
}

std::string network_section(const ReportInput& input) {
  const Trial* final = final_trial_of(input);
  const Trial* shown = final != nullptr ? final : best_of_search(input);
  std::string inner;
  if (!input.architecture_svg.empty()) {
    inner +=
        "<img class=\"network\" alt=\"Picture of the network\" src=\"" + svg_address(input.architecture_svg) + "\">\n";
  }
  if (shown != nullptr && !shown->configuration.values().empty()) {
    std::string facts;
    for (const auto& [name, value] : shown->configuration.values()) {
      facts += element("dt", escape_xml(name)) + element("dd", escape_xml(to_string(value))) + "\n";
    }
    inner += element("h3", "Its configuration") + element("dl", "\n" + facts);
  }
  return section("network", final != nullptr ? "The final network" : "The best network so far", inner);
}

std::string confusion_section(const ReportInput& input) {
  if (!input.confusion || input.confusion->counts.empty()) return {};
  const ConfusionMatrix& confusion = *input.confusion;
  std::string picture;
  if (confusion.counts.size() <= largest_matrix) {
    picture = "<figure class=\"narrow\">\n" +
              draw(HeatMap{"Confusion matrix", "true class", "predicted class", confusion.classes, confusion.counts}) +
              "</figure>\n";
  }
  return section(
      "confusion", "What the final network confuses",
      element("div", picture + element("div", element("h3", "Most frequent mistakes") + confusions_table(confusion)),
              "class=\"pair\""));
}

std::string best_section(const ReportInput& input) {
  auto ranked = ranking(input.trials, input.objectives);
  const std::size_t all = ranked.size();
  if (ranked.empty()) return {};
  if (ranked.size() > best_shown) ranked.resize(best_shown);
  const auto metrics = shown_metrics(input, false);
  std::vector<HtmlColumn> columns{{"trial", true}};
  for (const auto& metric : metrics) columns.push_back({metric_phrase(metric), true});
  columns.push_back({input.fidelity_unit, true});
  columns.push_back({"time", true});
  columns.push_back({"configuration", false});
  std::vector<std::vector<std::string>> rows;
  for (const Trial* trial : ranked) {
    std::vector<std::string> row{"#" + std::to_string(trial->id)};
    for (const auto& metric : metrics) row.push_back(metric_html(*trial, metric));
    row.push_back(format_value(trial->fidelity, Quantity::number));
    row.push_back(human_seconds(seconds_of(*trial)));
    row.push_back(configuration_html(trial->configuration));
    rows.push_back(std::move(row));
  }
  const std::string note =
      all > ranked.size()
          ? element("p",
                    "The best " + std::to_string(ranked.size()) + " of " + std::to_string(all) + " different networks.",
                    "class=\"note\"")
          : "";
  return section("trials", "Best trials of the search", html_table(columns, rows) + note);
}

std::string failures_section(const ReportInput& input) {
  std::map<std::string, int> reasons;
  std::vector<std::vector<std::string>> rows;
  int failures = 0;
  for (const auto& trial : input.trials) {
    if (trial.state != TrialState::failed) continue;
    ++failures;
    ++reasons[trial.reason.empty() ? "unknown" : trial.reason];
    if (rows.size() == failures_shown) continue;
    std::string message = trial.message;
    if (message.size() > longest_message) {
      std::size_t end = longest_message;
      while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
      message = message.substr(0, end) + "…";
    }
    rows.push_back({"#" + std::to_string(trial.id), escape_xml(to_string(trial.purpose)), escape_xml(trial.reason),
                    escape_xml(message), format_value(trial.fidelity, Quantity::number),
                    configuration_html(trial.configuration)});
  }
  if (rows.empty()) return {};
  std::vector<std::string> counts;
  for (const auto& [reason, number] : reasons) counts.push_back(std::to_string(number) + " " + reason);
  return section("failures", "Failures",
                 element("p", std::to_string(failures) + (failures == 1 ? " trial" : " trials") +
                                  " failed: " + escape_xml(join(counts, ", ")) + ".") +
                     html_table({{"trial", true},
                                 {"purpose", false},
                                 {"reason", false},
                                 {"message", false},
                                 {input.fidelity_unit, true},
                                 {"configuration", false}},
                                rows));
}

std::string reproduce_section(const ReportInput& input) {
  std::vector<std::pair<std::string, std::string>> facts{{"study", input.study.name},
                                                         {"seed", std::to_string(input.study.seed)}};
  if (input.study.created > 0) facts.emplace_back("begun", date_text(input.study.created));
  for (auto& fact : flat_facts(input.study.notes, {"comparison", "confusion"})) facts.push_back(std::move(fact));
  std::string text = facts_list(facts);
  if (!input.commands.empty())
    text += element("h3", "Commands") + element("pre", escape_xml(join(input.commands, "\n")));
  if (!input.artefacts.empty()) {
    std::string files;
    for (const auto& artefact : input.artefacts) {
      files +=
          element("dt", element("a", escape_xml(artefact.path), "href=\"" + escape_xml("./" + artefact.path) + "\"")) +
          element("dd", escape_xml(artefact.description)) + "\n";
    }
    text += element("h3", "Files beside this page") + element("dl", "\n" + files);
  }
  if (!input.study.experiment.empty()) {
    text += element("details", element("summary", "The experiment file, as run") +
                                   element("pre", escape_xml(input.study.experiment)));
  }
  return section("reproduce", "Reproduce", text);
}

}  // namespace netwright

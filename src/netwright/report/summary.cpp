#include "netwright/report/summary.h"

#include <cmath>

#include "netwright/report/charts.h"
#include "netwright/report/format.h"
#include "netwright/report/search_charts.h"

namespace netwright {
namespace {

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json numbers(const std::vector<double>& values) {
  Json json = Json::array();
  for (const double value : values) json.push_back(number(value));
  return json;
}

Json trials_by_state(const std::vector<Trial>& trials) {
  Json json;
  json["total"] = trials.size();
  for (const auto purpose : {TrialPurpose::search, TrialPurpose::retrain, TrialPurpose::baseline}) {
    Json& states = json[std::string(to_string(purpose))] = Json::object();
    for (const auto& trial : trials) {
      if (trial.purpose != purpose) continue;
      const std::string state(to_string(trial.state));
      states[state] = states.value(state, 0) + 1;
    }
  }
  return json;
}

Json objectives_summary(const std::vector<Objective>& objectives) {
  Json json = Json::array();
  for (const auto& objective : objectives) {
    Json item;
    item["metric"] = objective.metric;
    item["goal"] = objective.maximize ? "maximize" : "minimize";
    if (objective.constraint) item["constraint"] = number(*objective.constraint);
    if (objective.target) item["target"] = number(*objective.target);
    json.push_back(std::move(item));
  }
  return json;
}

std::string verdict(const Comparison& comparison, bool larger_is_better) {
  if (larger_is_better ? comparison.above() : comparison.below()) return "better";
  if (larger_is_better ? comparison.below() : comparison.above()) return "worse";
  return "not better";
}

Json comparison_summary(const ReportInput& input) {
  if (!input.comparison) return nullptr;
  const Comparison& comparison = *input.comparison;
  Json json;
  json["text"] = in_words(comparison, input.words);
  json["metric"] = input.comparison_metric;
  json["searched"] = {{"values", numbers(comparison.a)}, {"mean", number(comparison.mean_a)}};
  json["random"] = {{"values", numbers(comparison.b)}, {"mean", number(comparison.mean_b)}};
  json["difference"] = number(comparison.difference);
  json["interval"] = comparison.interval ? numbers({comparison.interval->low, comparison.interval->high}) : Json();
  json["confidence"] = comparison.confidence;
  json["p"] = number(comparison.p);
  json["smallest_p"] = number(comparison.smallest_p);
  json["exact"] = comparison.exact;
  json["verdict"] = verdict(comparison, input.words.larger_is_better);
  return json;
}

Json importance_summary(const ReportInput& input) {
  const auto found = importance(input);
  if (!found) return nullptr;
  const auto entry = [](const Importance::Entry& given) {
    return Json{{"share", number(given.share)}, {"interval", numbers({given.interval.low, given.interval.high})}};
  };
  Json json;
  json["metric"] = main_objective(input).metric;
  json["trials"] = found->trials;
  if (const double fidelity = compared_results(input).fidelity; fidelity > 0) json["fidelity"] = number(fidelity);
  json["explained"] = number(found->explained);
  Json& choices = json["choices"] = Json::array();
  for (const auto& given : found->choices) {
    choices.push_back(entry(given));
    choices.back()["choice"] = given.choices.front();
  }
  Json& pairs = json["pairs"] = Json::array();
  for (const auto& given : found->pairs) {
    pairs.push_back(entry(given));
    pairs.back()["choices"] = given.choices;
  }
  return json;
}

}  // namespace

Json trial_summary(const Trial& trial) {
  Json json;
  json["id"] = trial.id;
  json["state"] = to_string(trial.state);
  json["purpose"] = to_string(trial.purpose);
  if (trial.source != 0) json["source"] = trial.source;
  if (!trial.reason.empty()) json["reason"] = trial.reason;
  json["configuration"] = to_json(trial.configuration);
  Json& metrics = json["metrics"] = Json::object();
  for (const auto& measurement : trial.measurements) {
    for (const auto& [name, value] : measurement.metrics) metrics[name] = number(value);
  }
  json["fidelity"] = number(trial.fidelity);
  json["seconds"] = number(seconds_of(trial));
  json["seed"] = trial.seed;
  return json;
}

Json summary(const ReportInput& input) {
  if (input.objectives.empty()) {
    ReportInput with_default = input;
    with_default.objectives = {Objective{}};
    return summary(with_default);
  }
  Json json;
  json["schema"] = summary_schema;
  json["name"] = input.study.name;
  json["state"] = input.study.state;
  json["seed"] = input.study.seed;
  json["created"] = number(input.study.created);
  json["seconds"] = number(input.study.elapsed);
  json["objectives"] = objectives_summary(input.objectives);
  json["trials"] = trials_by_state(input.trials);
  const auto ranked = ranking(input.trials, input.objectives);
  json["best"] = ranked.empty() ? Json() : trial_summary(*ranked.front());
  if (input.objectives.size() > 1) {
    Json& front = json["front"] = Json::array();
    for (const Trial* trial : pareto_front(input.trials, input.objectives)) front.push_back(trial->id);
  }
  const Trial* final = final_trial_of(input);
  json["final"] = final ? trial_summary(*final) : Json();
  const auto test_accuracy = final_test_accuracy(input);
  json["test_accuracy"] = test_accuracy ? number(*test_accuracy) : Json();
  json["comparison"] = comparison_summary(input);
  json["importance"] = importance_summary(input);
  return json;
}

}  // namespace netwright

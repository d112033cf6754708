#include "apps/netwright-torch/supernet_plan.h"

#include <filesystem>

#include "netwright/base/bytes.h"
#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/oneshot/method.h"
#include "netwright/oneshot/search.h"
#include "netwright/train/evaluate.h"

namespace netwright {
namespace {

constexpr double free_share = 0.8;

MemoryPrediction predict(const Experiment& experiment, const Recipe& recipe, const SearchData& data) {
  const SearchSpace space = make_space(experiment, data.training.shape(), data.training.classes());
  const Relaxation relaxation = space.relax({});
  const auto method = make_method({space, relaxation, experiment.strategy, 0, torch::kFloat});
  SupernetOptions options;
  options.partial = method->settings().partial;
  options.passes = experiment.execution.passes;
  MemoryQuestion question;
  question.resident = resident_bytes();  // before the net that is built to be looked at
  const auto net = build_supernet(relaxation, space.table(), options);
  question.optimizer = recipe.optimizer;
  question.evaluated = evaluation_batch(data.training.shape());
  if (experiment.collapse.is_on() && experiment.collapse.ratio > 0 && method->relaxed()) {
    question.watched = experiment.collapse.examples;
  }
  ask_for_method(experiment.strategy, question);
  return predict_memory(*net, space.table(), question);
}

// The experiment with another number for a parameter of its space; absent where it has none, or it is 1 already.
std::optional<std::pair<Experiment, std::int64_t>> with_less(const Experiment& experiment, const std::string& parameter,
                                                             std::int64_t divisor) {
  const Yaml* parameters = experiment.space.find("parameters");
  const Yaml* value = parameters != nullptr ? parameters->find(parameter) : nullptr;
  std::int64_t number = 0;
  if (value == nullptr || !value->reads_as_integer(&number) || number / divisor < 1) return std::nullopt;
  Experiment other = experiment;
  set_by_path(other.space, "parameters." + parameter + "=" + std::to_string(number / divisor));
  return std::pair(other, number / divisor);
}

// What would make the search fit, each alone.
std::string changes(const Experiment& experiment, const Recipe& recipe, const SearchData& data, std::int64_t limit,
                    const MemoryPrediction& prediction) {
  std::vector<std::string> found;
  const auto fits = [&](const Experiment& other) {
    try {
      return predict(other, recipe, data).peak(std::min<std::int64_t>(recipe.batch, 8)) <= limit;
    } catch (const Error&) {  // no such network
      return false;
    }
  };
  if (prediction.beside > 0 && prediction.per_image > 0 && prediction.fixed() + prediction.beside > limit &&
      experiment.collapse.is_on()) {
    Experiment other = experiment;
    other.collapse.action = "off";
    if (fits(other)) found.emplace_back("search.collapse: off, or fewer collapse.eigenvalue.examples");
  }
  if (!experiment.execution.passes.recompute) {
    Experiment other = experiment;
    other.execution.passes.recompute = true;
    if (fits(other)) found.emplace_back("execution: {passes: {recompute: true}} (a third slower, the same result)");
  }
  const std::int64_t room = limit - prediction.fixed();
  const std::int64_t batch = prediction.beside <= room ? room / std::max<std::int64_t>(prediction.per_image, 1) : 0;
  if (batch >= 2) found.push_back("recipe: {batch: " + std::to_string(std::min(batch, recipe.batch)) + "}");
  for (const char* parameter : {"channels", "layers", "cells"}) {
    for (const std::int64_t divisor : {2, 4, 8}) {
      const auto other = with_less(experiment, parameter, divisor);
      if (!other || !fits(other->first)) continue;
      found.push_back("space: {parameters: {" + std::string(parameter) + ": " + std::to_string(other->second) + "}}");
      break;
    }
  }
  if (experiment.strategy.find("name")->text == "darts") {
    Experiment other = experiment;
    other.strategy = parse_yaml("{name: pc_darts}", "the strategy");
    if (fits(other)) found.emplace_back("search: {strategy: pc_darts}");
  }
  std::string text;
  for (const std::string& change : found) text += (text.empty() ? "any of these fits: " : ", or ") + change;
  const std::string more =
      "execution: {memory: " + human_bytes(prediction.peak(std::min<std::int64_t>(recipe.batch, 8))) +
      "} where the machine has it";
  return text.empty() ? "nothing in this file alone makes it fit; " + more : text + ", or " + more;
}

std::optional<SupernetPlan> stored_plan(const std::string& file) {
  if (!file_exists(file)) return std::nullopt;
  const Json json = Json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  SupernetPlan plan;
  const auto number = [&](const char* key, std::int64_t& to) {
    const bool there = json.is_object() && json.contains(key) && json[key].is_number_integer();
    if (there) to = json[key].get<std::int64_t>();
    return there;
  };
  const bool whole = number("batch", plan.batch) && number("parts", plan.parts) &&
                     number("predicted", plan.predicted) && number("limit", plan.limit) && plan.batch > 0 &&
                     plan.parts > 0;
  if (whole) return plan;
  throw invalid({file, 0, 0}, "the file does not say which batch the search has", "remove the study and run it again");
}

}  // namespace

Json to_json(const SupernetPlan& plan) {
  return {{"batch", plan.batch}, {"parts", plan.parts}, {"predicted", plan.predicted}, {"limit", plan.limit}};
}

SupernetPlan plan_supernet(const Start& start, const Experiment& experiment, const SearchData& data,
                           std::optional<TooLarge>& too_large) {
  const Recipe recipe = start.recipe.value_or(one_shot_recipe());
  const std::string file = (std::filesystem::path(start.folder) / "memory.json").string();
  if (auto stored = stored_plan(file)) return *stored;
  if (!start.checkpoint.empty() || file_exists((std::filesystem::path(start.folder) / "supernet.ckpt").string())) {
    return {recipe.batch, 1, 0, 0};  // of a search that began before plans were made
  }
  const BatchWish wish{experiment.batch.automatic, recipe.batch, experiment.batch.accumulate};
  SupernetPlan plan{recipe.batch, std::max<std::int64_t>(wish.accumulate, 1), 0, experiment.execution.memory};
  const auto available = available_bytes();
  if (plan.limit == 0 && available) {
    plan.limit = resident_bytes() + static_cast<std::int64_t>(free_share * static_cast<double>(*available));
  }
  if (experiment.execution.device == "cpu" && plan.limit > 0) {
    const MemoryPrediction prediction = predict(experiment, recipe, data);
    const BatchPlan found = plan_batch(prediction, plan.limit, wish, divides_batches(experiment.strategy));
    plan.batch = found.batch;
    plan.parts = found.parts;
    plan.predicted = found.peak;
    if (!found.fits) {
      const std::string parts = found.parts > 1 ? " in " + std::to_string(found.parts) + " parts" : "";
      too_large = TooLarge{"the search takes about " + human_bytes(found.peak) + " of memory at its peak with batch " +
                               std::to_string(found.batch) + parts + ", and the limit is " + human_bytes(plan.limit),
                           changes(experiment, recipe, data, plan.limit, prediction)};
      return plan;
    }
  }
  make_folders(start.folder);
  write_file_atomically(file, to_json(plan).dump(2) + "\n");
  return plan;
}

}  // namespace netwright

// netwright-torch estimators

#include <iostream>
#include <memory>

#include "apps/netwright-torch/verb.h"
#include "netwright/base/json.h"
#include "netwright/nn/runtime.h"
#include "netwright/oneshot/estimator_comparison.h"

namespace netwright {
namespace {

Json to_json(const EstimatorFigures& figures) {
  Json json = {{"name", figures.name},         {"temperature", nullptr},
               {"bias", figures.bias},         {"bias_standard_error", figures.standard_error},
               {"variance", figures.variance}, {"variance_ratio", figures.variance_ratio},
               {"unbiased", figures.unbiased}, {"microseconds", figures.microseconds}};
  if (figures.temperature > 0) json["temperature"] = figures.temperature;
  return json;
}

int estimators(const ComparisonOptions& options) {
  configure_runtime(1);  // the tensors are tiny
  const EstimatorComparison comparison = compare_estimators(options);
  Json document = {{"schema", 1},
                   {"benchmark", "estimators"},
                   {"rows", options.rows},
                   {"options", options.options},
                   {"draws", options.draws},
                   {"warm_up", options.warm_up},
                   {"seed", options.seed},
                   {"expected_loss", comparison.loss},
                   {"gradient_norm", comparison.gradient_norm},
                   {"estimators", Json::array()}};
  for (const EstimatorFigures& figures : comparison.estimators) document["estimators"].push_back(to_json(figures));
  std::cout << document.dump(2) << '\n';
  return 0;
}

}  // namespace

std::function<int()> add_estimators(CLI::App& application) {
  const auto options = std::make_shared<ComparisonOptions>();
  CLI::App* verb = application.add_subcommand("estimators", "Print bias and variance of gradient estimators");
  verb->add_option("--rows", options->rows, "Rows of the problem")->check(CLI::Range(1, 16));
  verb->add_option("--options", options->options, "Options of each row")->check(CLI::Range(2, 65536));
  verb->add_option("--draws", options->draws, "Draws of each estimator")->check(CLI::Range(2, 1'000'000'000));
  verb->add_option("--warm-up", options->warm_up, "Draws before those that count")->check(CLI::Range(0, 1'000'000'000));
  verb->add_option("--temperature", options->temperatures, "Of Gumbel-softmax and straight-through (repeatable)")
      ->check(CLI::Range(1e-3, 1e3));
  verb->add_option("--control-temperature", options->control_temperature, "Of REBAR and RELAX")
      ->check(CLI::Range(1e-3, 1e3));
  verb->add_option("--seed", options->seed, "Of the problem and the draws");
  return [options] { return estimators(*options); };
}

}  // namespace netwright

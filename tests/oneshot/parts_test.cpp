// Batches in parts: gradients of the whole from parts, in the weights' and in the architecture's step.
#include "netwright/oneshot/parts.h"

#include <gtest/gtest.h>

#include "oneshot/tiny.h"

namespace netwright {
namespace {

using testing::Bench;
using testing::chosen_edges;
using testing::flat;
using testing::space_from;

// Nothing in it depends on more than one image.
SearchSpace without_batch_statistics() {
  return space_from(R"(
input: [1, 8, 8]
classes: 3
choices: {op: [avg_pool_3x3, max_pool_3x3, skip_connect]}
cells:
  cell:
    inputs: [x]
    nodes:
      - {name: a, sum: [{op: $op, from: x}]}
network:
  - {name: stem, op: conv, channels: 4}
  - {name: cell, cell: cell}
  - {name: head, op: classifier}
)");
}

std::vector<torch::Tensor> gradients(Bench& bench, std::int64_t parts, const Batch& batch) {
  const Mixture mixture = bench.method->relaxed()->mixture();
  std::vector<torch::Tensor> by = bench.net->parameters();
  for (const torch::Tensor& tensor : bench.method->relaxed()->parameters) by.push_back(tensor);
  const PartsLoss loss = loss_in_parts(*bench.net, batch, mixture, {parts, true, 0.1});
  auto found = torch::autograd::grad({loss.loss}, by, {}, /*retain_graph=*/{}, false, /*allow_unused=*/true);
  for (std::size_t i = 0; i < by.size(); ++i) {
    if (!found[i].defined()) found[i] = torch::zeros_like(by[i]);
  }
  found.push_back(loss.loss.detach());
  return found;
}

TEST(Parts, WithoutBatchStatisticsTheyChangeNothing) {
  Bench bench(without_batch_statistics(), "{name: darts}");
  const torch::Tensor whole = flat(gradients(bench, 1, bench.train));
  EXPECT_GT(whole.abs().max().item<double>(), 1e-3);
  for (const std::int64_t parts : {2, 3, 4}) {  // of six examples: 3 + 3, 2 + 2 + 2, and no more than these
    EXPECT_TRUE(torch::allclose(whole, flat(gradients(bench, parts, bench.train)), 1e-9, 1e-12)) << parts;
  }
}

TEST(Parts, AreTheMeanOfThePartsByTheirSizes) {
  Bench bench(chosen_edges(), "{name: pc_darts}");
  Batch five = bench.train, first, second;
  five.inputs = five.inputs.narrow(0, 0, 5);
  five.labels = five.labels.narrow(0, 0, 5);
  first.inputs = five.inputs.narrow(0, 0, 3);
  first.labels = five.labels.narrow(0, 0, 3);
  second.inputs = five.inputs.narrow(0, 3, 2);
  second.labels = five.labels.narrow(0, 3, 2);
  const torch::Tensor by_hand = 0.6 * flat(gradients(bench, 1, first)) + 0.4 * flat(gradients(bench, 1, second));
  EXPECT_TRUE(torch::allclose(by_hand, flat(gradients(bench, 2, five)), 1e-6, 1e-9));
  EXPECT_FALSE(torch::allclose(flat(gradients(bench, 1, five)), by_hand, 1e-6, 1e-9)) << "batch norm sees parts";
}

TEST(Parts, EveryMethodStepsAsWithWholeBatchesWhereNothingIsNormalised) {
  for (const std::string method :
       {"{name: darts}", "{name: darts, order: second}", "{name: gaea}", "{name: gdas}", "{name: snas}",
        "{name: drnas}", "{name: rebar}", "{name: relax}", "{name: enas}", "{name: random_ws}"}) {
    SCOPED_TRACE(method);
    std::vector<torch::Tensor> after;
    for (const std::int64_t parts : {1, 3}) {
      Bench bench(without_batch_statistics(), method);
      OptimizerOptions options;
      options.nesterov = false;
      SearchSteps steps(*bench.net, *bench.method, options, 5, parts);
      StepResult result;
      for (int i = 0; i < 2; ++i) result = steps.run(bench.train, bench.valid, {0, 10}, 0.1, bench.generator);
      std::vector<torch::Tensor> all = bench.net->parameters();
      for (const auto& [name, tensor] : bench.method->state()) all.push_back(tensor.to(torch::kDouble));
      all.push_back(
          torch::tensor({result.loss, result.gradient_norm, static_cast<double>(result.correct)}, torch::kDouble));
      after.push_back(flat(all));
    }
    EXPECT_TRUE(torch::allclose(after[0], after[1], 1e-6, 1e-7));
  }
}

TEST(Parts, OfASecondDerivativeAreRefused) {
  Bench bench(without_batch_statistics(), "{name: darts, order: exact}");
  SearchSteps steps(*bench.net, *bench.method, {}, 5, 2);
  EXPECT_THROW(steps.run(bench.train, bench.valid, {0, 10}, 0.1, bench.generator), std::exception);
}

}  // namespace
}  // namespace netwright

// Steps a second of a NAS-Bench-201 network trained by netwright's modules on random data; the counterpart of
// throughput.py, which is the same in Python. With --network small, a network the size of the demo's.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

#include "netwright/nn/builder.h"
#include "netwright/nn/runtime.h"
#include "netwright/space/nas_bench_201.h"

namespace {

using namespace netwright;

constexpr const char* architecture =
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|";

Node make_node(const OperationTable& table, const std::string& name, const std::string& operation,
               const Parameters& parameters, int input) {
  Node node;
  node.name = name;
  node.operation = operation;
  node.parameters = table.complete(operation, parameters);
  node.inputs = {input};
  return node;
}

// Three stages of 16, 32 and 64 channels on 28x28 grey images.
Network small_network(const OperationTable& table) {
  Network network;
  network.input = {1, 28, 28};
  network.classes = 10;
  Graph& graph = network.graph;
  graph.name = "small";
  graph.inputs = {"x"};
  int value = 0;
  for (const std::int64_t channels : {16, 32, 64}) {
    const std::int64_t stride = channels == 16 ? 1 : 2;
    const std::string stage = "stage" + std::to_string(channels);
    graph.nodes.push_back(make_node(table, stage + "a", "conv_bn",
                                    {{"channels", channels}, {"stride", stride}, {"activation", std::string("relu")}},
                                    value++));
    graph.nodes.push_back(make_node(table, stage + "b", "residual_block", {}, value++));
  }
  graph.nodes.push_back(make_node(table, "head", "classifier", {{"features", std::int64_t{10}}}, value++));
  graph.output = value;
  return network;
}

// SGD with Nesterov momentum as in torch.optim, one flat buffer per parameter.
class Sgd {
 public:
  explicit Sgd(std::vector<torch::Tensor> parameters) : parameters_(std::move(parameters)) {
    for (const torch::Tensor& parameter : parameters_) momentum_.push_back(torch::zeros_like(parameter));
  }
  void step() {
    torch::NoGradGuard guard;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      torch::Tensor& gradient = parameters_[i].mutable_grad();
      gradient.add_(parameters_[i], 5e-4);
      momentum_[i].mul_(0.9).add_(gradient);
      parameters_[i].add_(gradient.add_(momentum_[i], 0.9), -0.1);
      gradient.reset();
    }
  }

 private:
  std::vector<torch::Tensor> parameters_, momentum_;
};

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double cpu_seconds() {  // of all threads
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Steps a second of training on random data");
  int threads = 2, steps = 10;
  std::int64_t batch = 64;
  std::string which = "nas-bench-201";
  app.add_option("--threads", threads, "threads of LibTorch")->capture_default_str();
  app.add_option("--batch", batch, "images a step")->capture_default_str();
  app.add_option("--steps", steps, "steps measured, after 3 others")->capture_default_str();
  app.add_option("--network", which, "nas-bench-201 or small")
      ->check(CLI::IsMember({"nas-bench-201", "small"}))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  configure_runtime(threads);
  torch::manual_seed(1);
  const OperationTable table = OperationTable::standard();
  const Network network = which == "small" ? small_network(table) : nas_bench_201_network(architecture, table);
  const auto module = build(network, table, {.seed = 1});
  Sgd optimizer(module->parameters());
  const Shape& shape = network.input;
  const torch::Tensor images =
      torch::randn({batch, shape.channels, shape.height, shape.width}).contiguous(at::MemoryFormat::ChannelsLast);
  const torch::Tensor labels = torch::randint(10, {batch}, torch::kLong);

  double loss = 0;
  const auto step = [&] {
    torch::Tensor value = torch::cross_entropy_loss(module->forward(images), labels);
    value.backward();
    optimizer.step();
    loss = value.item<double>();
  };
  for (int i = 0; i < 3; ++i) step();
  const double wall = wall_seconds(), cpu = cpu_seconds();
  for (int i = 0; i < steps; ++i) step();
  const double milliseconds = 1000 * (wall_seconds() - wall) / steps, busy = 1000 * (cpu_seconds() - cpu) / steps;
  std::printf("steps/s %.4f ms/step %.1f cpu-ms/step %.1f parameters %lld loss %.4f\n", 1000 / milliseconds,
              milliseconds, busy, static_cast<long long>(module->parameter_count()), loss);
  return 0;
}

// A search space of 16 networks with one sum over two chosen edges of three, and one of 9; data for them in memory.
#pragma once

#include "netwright/base/yaml.h"
#include "netwright/data/loader.h"
#include "netwright/oneshot/method.h"
#include "netwright/oneshot/steps.h"
#include "netwright/space/relaxation.h"
#include "train/example.h"

namespace netwright::testing {

inline SearchSpace space_from(const std::string& text) {
  return SearchSpace::parse(parse_yaml(text, "space.yaml"), Yaml{}, std::nullopt, std::nullopt);
}

// Two open edges in a row, three options each: 9 networks.
inline SearchSpace nine_networks() {
  return space_from(R"(
input: [1, 8, 8]
classes: 3
choices:
  first: [skip_connect, nor_conv_1x1, avg_pool_3x3]
  second: [skip_connect, nor_conv_3x3, none]
cells:
  cell:
    inputs: [x]
    nodes:
      - {name: a, sum: [{op: $first, from: x}]}
      - {name: b, sum: [{op: $second, from: a}, x]}
network:
  - {name: stem, op: conv_bn, channels: 4, stride: 2}
  - {name: cell, cell: cell}
  - {name: head, op: classifier}
)");
}

// Chosen edges as in DARTS, small.
inline SearchSpace chosen_edges() {
  return space_from(R"(
input: [1, 8, 8]
classes: 3
cells:
  cell:
    inputs: [s0, s1]
    nodes:
      - name: n0
        sum: {choose: 1, of: [s0, s1], op: {choice: [skip_connect, nor_conv_1x1]}}
      - name: n1
        sum: {choose: 2, of: [s0, s1, n0], op: {choice: [skip_connect, nor_conv_1x1, avg_pool_3x3]}}
    output: n1
network:
  - {name: stem, op: conv_bn, channels: 8, stride: 2}
  - {name: cell, cell: cell, from: [-1, -1]}
  - {name: head, op: classifier}
)");
}

inline Batch random_batch(std::int64_t size, std::uint64_t seed, torch::ScalarType type = torch::kDouble) {
  at::Generator generator = compat::cpu_generator(seed);
  Batch batch;
  batch.inputs = torch::empty({size, 1, 8, 8}, torch::kDouble).normal_(0, 1, generator).to(type);
  batch.labels = torch::empty({size}, torch::kLong).random_(0, 3, generator);
  return batch;
}

// A supernet with a method and what its steps need, in float64.
struct Bench {
  explicit Bench(const SearchSpace& given, const std::string& method_text)
      : space(given),
        relaxation(space.relax({})),
        options(parse_yaml(method_text, "method.yaml")),
        method(make_method({space, relaxation, options, 5, torch::kDouble})),
        generator(compat::cpu_generator(11)),
        train(random_batch(6, 1)),
        valid(random_batch(6, 2)) {
    SupernetOptions net_options;
    net_options.seed = 3;
    net_options.partial = method->settings().partial;
    net = build_supernet(relaxation, space.table(), net_options);
    net->to(torch::kDouble);
  }

  SearchStep step(const Progress& progress = {0, 10}) {
    return {*net,
            train,
            valid,
            progress,
            generator,
            0.025,
            0.9,
            3e-4,
            net->parameters(),
            [this] { return std::vector<torch::Tensor>(net->parameters().size()); }};
  }

  // Architecture parameters, by name.
  torch::Tensor parameter(const std::string& name) const {
    for (const auto& [key, tensor] : method->state()) {
      if (key == name) return tensor;
    }
    throw std::runtime_error("no parameter " + name);
  }

  SearchSpace space;
  Relaxation relaxation;
  Yaml options;
  std::unique_ptr<Method> method;
  at::Generator generator;
  Batch train, valid;
  std::shared_ptr<Supernet> net;
};

// The method's own architecture parameters: state() shares their memory.
inline std::vector<torch::Tensor> parameters_of(const Bench& bench) {
  std::vector<torch::Tensor> found;
  for (const auto& [name, tensor] : bench.method->state()) {
    if (name.starts_with("alpha.") || name.starts_with("beta.")) found.push_back(tensor);
  }
  return found;
}

// The gradient that the first update took: the first moment of Adam is 1 - beta1 of it, decay included.
inline std::vector<torch::Tensor> learned_gradients(const Bench& bench, const std::vector<torch::Tensor>& before,
                                                    double decay = 1e-3, double beta1 = 0.5) {
  std::vector<torch::Tensor> found;
  const NamedTensors state = bench.method->state();
  for (const auto& [name, tensor] : state) {
    if (!name.starts_with("optimizer.") || !name.ends_with(".first")) continue;
    const std::size_t at = found.size();
    found.push_back(tensor.detach() / (1 - beta1) - decay * before.at(at));
  }
  return found;
}

inline std::vector<torch::Tensor> copies(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> result;
  for (const torch::Tensor& tensor : tensors) result.push_back(tensor.detach().clone());
  return result;
}

// Central differences of `loss`, a function of these tensors' values.
template <class Loss>
std::vector<torch::Tensor> difference_quotients(const Loss& loss, const std::vector<torch::Tensor>& tensors,
                                                double step = 1e-5) {
  std::vector<torch::Tensor> slopes;
  for (const torch::Tensor& given : tensors) {
    const torch::Tensor tensor = given.detach();
    torch::Tensor slope = torch::zeros_like(tensor);
    for (std::int64_t i = 0; i < tensor.numel(); ++i) {
      double* place = tensor.data_ptr<double>() + i;
      const double kept = *place;
      *place = kept + step;
      const double above = loss();
      *place = kept - step;
      const double below = loss();
      *place = kept;
      slope.view({-1})[i] = (above - below) / (2 * step);
    }
    slopes.push_back(slope);
  }
  return slopes;
}

// Mean and standard error of each component.
class Sample {
 public:
  void add(const torch::Tensor& value) {
    sum_ = count_ == 0 ? value.clone() : sum_ + value;
    squares_ = count_ == 0 ? value.square() : squares_ + value.square();
    ++count_;
  }
  torch::Tensor mean() const { return sum_ / count_; }
  torch::Tensor variance() const { return squares_ / count_ - mean().square(); }
  // The largest distance to `expected`, in standard errors.
  double distance(const torch::Tensor& expected) const {
    const torch::Tensor error = (variance() / count_).sqrt() + 1e-12;
    return ((mean() - expected).abs() / error).max().item<double>();
  }

 private:
  torch::Tensor sum_, squares_;
  double count_ = 0;
};

inline torch::Tensor flat(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> parts;
  for (const torch::Tensor& tensor : tensors) parts.push_back(tensor.detach().reshape({-1}));
  return torch::cat(parts);
}

}  // namespace netwright::testing

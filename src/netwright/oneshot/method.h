// How a one-shot method searches: what its architecture parameters are, how a step samples or weights the options, how
// they are updated, and what a network is decoded from. A new method is a pair of files and a row in methods.cpp.
//
// Randomness is drawn from the generator handed in. Numbers are of the supernet's type; nothing is shared with the
// supernet, so that one may be stored without the other.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netwright/base/yaml.h"
#include "netwright/data/loader.h"
#include "netwright/oneshot/decoding.h"
#include "netwright/oneshot/supernet.h"
#include "netwright/train/optimizer.h"
#include "netwright/train/tensors.h"

namespace netwright {

// Where a search stands, for what is annealed.
struct Progress {
  double epoch = 0;  // begun and done, as a real number
  double epochs = 1;

  // The whole epochs done as a share of all but the last: 0 in the first epoch, 1 in the last.
  double by_epoch() const;
};

// What a method may use to update the architecture. The batches are of the two halves of the data.
struct SearchStep {
  Supernet& net;
  const Batch& train;
  const Batch& valid;
  Progress progress;
  at::Generator& generator;
  // Of the weights' optimizer, for methods that unroll its step.
  double learning_rate = 0;
  double momentum = 0;
  double weight_decay = 0;
  std::vector<torch::Tensor> weights;                            // the net's parameters
  std::function<std::vector<torch::Tensor>()> momentum_buffers;  // one a weight, undefined: 0

  std::int64_t parts = 1;  // that a batch is computed in (parts.h)

  // Mean cross-entropy. `by_weights`: whether it has to be differentiable in the net's weights too.
  torch::Tensor loss(const Batch& batch, const Mixture& mixture, bool by_weights = false) const;
};

struct MethodSettings {
  bool joint = false;        // architecture and weights learn from one and the same loss, on the weights' batch
  std::int64_t partial = 1;  // K of the supernet
  double warmup_epochs = 0;  // in which only weights are trained
  std::string decoding = "top_edges";  // the rule that it is published with
};

// An architecture that is a point in a continuous space.
struct RelaxedArchitecture {
  std::vector<torch::Tensor> parameters;  // leaves that require gradients
  std::function<Mixture()> mixture;       // that they stand for, without noise; differentiable in them
};

class Method {
 public:
  explicit Method(MethodSettings settings) : settings_(std::move(settings)) {}
  virtual ~Method() = default;
  const MethodSettings& settings() const { return settings_; }
  // Absent where the architecture is something else: a controller, or nothing that is learned.
  const std::optional<RelaxedArchitecture>& relaxed() const { return relaxed_; }

  // What one forward pass that trains the weights sees. Differentiable in the architecture parameters.
  virtual Mixture mixture(const Progress& progress, at::Generator& generator) = 0;
  // Updates the architecture parameters. A joint method finds the gradients of the weights' loss in them; what it adds
  // to that loss it adds here.
  virtual void update(const SearchStep& step) = 0;
  // How much each option counts: probabilities, rows summing to 1.
  virtual Importance importance() const = 0;
  // All that a search changes: parameters and optimizers. restore() throws an invalid Error at `file` for another's.
  virtual NamedTensors state() const = 0;
  virtual void restore(const NamedTensors& state, const std::string& file) = 0;

 protected:
  void set_relaxed(RelaxedArchitecture relaxed) { relaxed_ = std::move(relaxed); }

 private:
  MethodSettings settings_;
  std::optional<RelaxedArchitecture> relaxed_;
};

// What a method is made from. `options` is the mapping with its `name`, strict.
struct MethodContext {
  const SearchSpace& space;  // these two outlive the method
  const Relaxation& relaxation;
  const Yaml& options;
  std::uint64_t seed = 0;  // of the first values
  torch::TensorOptions tensors = torch::kFloat;
};

struct MethodRow {
  std::string name;
  std::string summary;
  std::unique_ptr<Method> (*make)(const MethodContext&);
};

// Every method, in methods.cpp.
std::vector<MethodRow> methods();

// Finds the row of `name:` and makes it; an invalid Error at the name's place suggests the nearest.
std::unique_ptr<Method> make_method(const MethodContext& context);

}  // namespace netwright

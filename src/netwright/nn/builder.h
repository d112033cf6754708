// From a graph, plain data, to a LibTorch module: one builder for every graph.
//
// - Memory: images and 4-D weights are channels_last and stay so throughout; inputs are converted where they are not.
//   An intermediate result is released as soon as its last reader has run (autograd keeps what backward needs).
// - Names: a parameter is called by its node's path, e.g. "stage1.2.n1.0.block.weight" for copy 2 of stage1, the first
//   edge of node n1 of its cell. They depend on the graph alone.
// - Weights: convolutions normal with variance 2 / fan_out, norms 1 and 0, linear layers as in PyTorch (units.h). Each
//   unit draws from a generator of its own, seeded by BuildOptions::seed and the unit's name: the same seed gives the
//   same weights, and a change in one node leaves the others' alone. torch's global generator is not touched.
// - Work: nodes that do not reach the output are built (they are parameters) but not run; zero terms of sums and
//   identities cost nothing.
// - Randomness in training (dropout, drop path) is drawn from torch's global generator.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "netwright/nn/operations.h"
#include "netwright/nn/torch_compat.h"
#include "netwright/space/graph.h"
#include "netwright/space/operation.h"

namespace netwright {

// A network as a module. One thread at a time.
class NetworkModule : public torch::nn::Module {
 public:
  struct Output {
    torch::Tensor logits;     // N x classes
    torch::Tensor auxiliary;  // N x classes; undefined unless built with an auxiliary classifier, and training
  };

  // `x`: N x C x H x W, or N x features. Any device and any floating type the parameters have been moved to.
  Output run(const torch::Tensor& x);
  torch::Tensor forward(const torch::Tensor& x) { return run(x).logits; }

  // Drop path in training: every node inside a cell that feeds a sum and is no identity, and the residual branch of an
  // inverted_residual, is dropped with that probability a sample. Precondition: 0 <= probability < 1.
  void set_drop_path(double probability);
  double drop_path() const { return drop_path_; }

  // Numbers that training learns. Equals network_cost().parameters when built without auxiliary classifier.
  std::int64_t parameter_count() const;

  const Shape& input_shape() const { return input_; }

 private:
  friend class Builder;

  // A layer's run: reads and writes numbered slots that hold tensors for as long as somebody still reads them.
  struct Step {
    std::shared_ptr<Layer> layer;
    std::vector<int> inputs;
    int output = 0;
    std::vector<int> last_read;  // slots to release afterwards
    bool droppable = false;
    bool training_only = false;  // only the auxiliary classifier needs it
  };

  Shape input_;
  std::vector<Step> steps_;
  int slot_count_ = 0;
  int output_slot_ = 0;
  int auxiliary_slot_ = -1;
  double drop_path_ = 0;
};

struct BuildOptions {
  std::uint64_t seed = 0;
  bool auxiliary = false;  // build the auxiliary classifier where the graph has one
  LayerTable layers = LayerTable::standard();
};

// Throws an invalid Error where shapes do not fit (infer_shapes) or an operation has no factory.
std::shared_ptr<NetworkModule> build(const Network& network, const OperationTable& table,
                                     const BuildOptions& options = {});

}  // namespace netwright

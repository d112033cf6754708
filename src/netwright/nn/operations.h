// The table of torch factories, one for each row of the operation table (space/operation.h) under the row's base name.
// A user adds an operation by a row there and a factory here; aliases need no factory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "netwright/nn/torch_compat.h"
#include "netwright/space/operation.h"

namespace netwright {

// An operation with its weights. Layers keep no state between calls but running statistics.
class Layer : public torch::nn::Module {
 public:
  // Inputs are N x C x H x W in channels_last memory, or N x features; the result's shape is the operation's shape rule
  // applied to them. The inputs may be read by others: never written.
  virtual torch::Tensor forward(const std::vector<torch::Tensor>& inputs) = 0;

  // For a layer that has a residual branch of its own. 0 <= probability < 1.
  virtual void set_drop_path(double) {}
};

struct LayerContext {
  std::vector<Shape> inputs;
  Shape output;
  Parameters parameters;  // complete, as in Node
};

// Units (units.h) registered within the layer are initialised by the builder; other parameters the layer has to
// initialise itself.
using LayerFactory = std::function<std::shared_ptr<Layer>(const LayerContext&)>;

class LayerTable {
 public:
  static LayerTable standard();

  void add(const std::string& operation, LayerFactory factory);  // replaces a factory of that name
  const LayerFactory* find(const std::string& operation) const;  // null when absent
  std::vector<std::string> names() const;

 private:
  std::map<std::string, LayerFactory> factories_;
};

// Sets each sample (first dimension) of x to zero with that probability and divides the others by the rest, so that
// the expectation stays (Larsson et al. 2017, per sample as in DARTS). Draws from torch's global generator. x itself
// where the probability is 0.
torch::Tensor drop_path(const torch::Tensor& x, double probability);

}  // namespace netwright

// All architectures of a search space in one set of shared weights: the module of a Relaxation (space/relaxation.h).
//
// - Structure: plain data, a flat list of steps (`steps()`); a mixed step has a unit for each option. Passes
//   rewrite the list and replace how a step runs; the arithmetic stays.
// - Weights: as in builder.h, by path; an option's path is the mixed node's and the option's name, e.g.
//   "stage1.0.n1.p0.sep_conv_3x3.depthwise1.weight".
// - Batch norms use the batch's statistics, in training mode as in evaluation of sampled networks (train() is left on).
// - A partial supernet (Xu et al. 2020, "PC-DARTS") sends the first channels/K channels of an edge through its options
//   and appends the others, pooled 2x2 where the edge reduces; then the channels are shuffled in K groups.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "netwright/nn/operations.h"
#include "netwright/oneshot/mixture.h"
#include "netwright/space/relaxation.h"
#include "netwright/trial/supernet_passes.h"

namespace netwright {

struct SupernetOptions {
  std::uint64_t seed = 0;    // of the weights
  std::int64_t partial = 1;  // K: the share 1/K of an edge's channels that its options see; 1: all
  SupernetPasses passes;
  LayerTable layers = LayerTable::standard();
};

// An operation with its own weights.
struct SupernetUnit {
  std::string path;
  Node node;                     // what it is: operation and complete parameters
  std::shared_ptr<Layer> layer;  // null for an identity and for zero
  std::vector<int> inputs;       // slots
  std::vector<Shape> input_shapes;
  std::vector<Factor> factors;  // in a mixed step: its weight is their product
  bool zero = false;            // gives nothing
  int shared = -1;              // units of the same number give the same
};

struct SupernetStep {
  enum class Kind { layer, mixed, mask, sum };
  Kind kind = Kind::layer;
  std::string path;
  std::vector<SupernetUnit> units;  // of a layer or mask one, whose inputs the step reads; of a sum none
  std::vector<SupernetStep> edges;  // of a sum: mixed steps, whose outputs are added up
  int output = 0;                   // slot
  Shape shape;                      // of the output
  std::vector<int> last_read;       // slots to release afterwards
  int sum = -1, edge = -1;          // of a mixed step that is an edge of a chosen sum
  int mask = -1;                    // of Relaxation::masks
  std::int64_t partial = 1;         // K of a mixed step
  int cell = -1;                    // steps of one cell have one number; -1: of none
  bool reduces = false;             // a partial step halves height and width
};

// The steps [begin, end) of a cell, to be recomputed.
struct SupernetSegment {
  std::size_t begin = 0, end = 0;
  std::vector<int> inputs, outputs;  // slots that come from before it, and those that something later reads
  std::vector<torch::Tensor> parameters;
};

class Supernet : public torch::nn::Module {
 public:
  // N x classes. `x`: N x C x H x W or N x features, of the parameters' type and device.
  torch::Tensor forward(const torch::Tensor& x, const Mixture& mixture);

  const Relaxation& relaxation() const { return relaxation_; }
  std::vector<SupernetStep>& steps() { return steps_; }
  const std::vector<SupernetStep>& steps() const { return steps_; }
  // Cells to be recomputed, in order; none unless the pass is on.
  const std::vector<SupernetSegment>& segments() const { return segments_; }
  const SupernetPasses& passes() const { return passes_; }
  // Type and device of the parameters.
  torch::TensorOptions options() const { return any_parameter_.options(); }
  std::int64_t parameter_count() const;

 private:
  friend class SupernetBuilder;
  class Run;

  Relaxation relaxation_;
  std::vector<SupernetStep> steps_;
  std::vector<int> shared_slots_;  // of each shared unit: the slot it reads
  std::vector<int> readers_;       // of each slot: how many units read it
  int slot_count_ = 0;
  int output_slot_ = 0;
  SupernetPasses passes_;
  std::vector<SupernetSegment> segments_;
  torch::Tensor any_parameter_;
};

// Throws an invalid Error where the options of a node differ in shape, or channels cannot be divided by `partial`.
std::shared_ptr<Supernet> build_supernet(const Relaxation& relaxation, const OperationTable& table,
                                         const SupernetOptions& options = {});

}  // namespace netwright

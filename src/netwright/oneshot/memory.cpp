#include "netwright/oneshot/memory.h"

#include <algorithm>
#include <map>
#include <set>

#include "netwright/nn/weighted_sum.h"

namespace netwright {
namespace {

// Fitted to the largest resident memory of searches in DARTS's space (docs/benchmarks.md): what LibTorch, oneDNN,
// loaders and an epoch's accuracies add to a process once they run; what a heap that keeps freed memory takes beyond
// what lives in it, more where pieces of other sizes follow one another, as in plain execution, on partial edges and
// with recomputed cells; and how many times the intermediates of plain execution a graph of gradients takes that can be
// differentiated again.
constexpr std::int64_t libraries = std::int64_t{288} << 20;
constexpr double heap = 1.08, ragged_heap = 1.4;
constexpr double again = 2.2;

double elements(const Shape& shape) {
  return static_cast<double>(shape.elements());
}

// What a unit keeps for its backward, in numbers an image.
struct Kept {
  double inside = 0;    // besides input and output
  bool input = true;    // whether it needs its input again
  bool output = false;  // and its output
  double passing = 0;   // gradients inside it that live while its backward runs
};

// Of `times` convolution blocks after one another.
Kept block_kept(const SupernetUnit& unit, const Shape& out, bool relu_before, bool plain, bool normed) {
  const double in = elements(unit.input_shapes.front()), own = elements(out);
  if (!normed) return {0, true, false, own};
  const bool fused = !plain && integer_of(unit.node.parameters, "stride", 1) == 1 &&
                     integer_of(unit.node.parameters, "groups", 1) == 1 &&
                     integer_of(unit.node.parameters, "dilation", 1) == 1;
  if (fused) return {own, true, false, 0};
  return {own + (relu_before ? in : 0), !relu_before, false, own};
}

Kept residual_kept(const SupernetUnit& unit, const Shape& out, const std::string& base) {
  const Shape& in = unit.input_shapes.front();
  const Parameters& parameters = unit.node.parameters;
  if (base == "residual_block") return {4 * elements(out) + elements(in), true, true, 2 * elements(out)};
  const std::int64_t expansion = integer_of(parameters, "expansion", 6);
  const double wide_in = elements(in) * static_cast<double>(expansion);
  const double wide_out = elements(out) / static_cast<double>(std::max<std::int64_t>(out.channels, 1)) *
                          static_cast<double>(in.channels * expansion);
  const std::string activation = text_of(parameters, "activation", "relu6");
  const double per_block = activation == "relu" || activation == "relu6" ? 2 : 3;
  double inside = per_block * wide_out + elements(out);
  if (expansion != 1) inside += per_block * wide_in;
  if (real_of(parameters, "squeeze_excite", 0) > 0) inside += wide_out;
  return {inside, true, false, wide_in + wide_out};
}

Kept kept_by(const SupernetUnit& unit, const Shape& out, const OperationTable& table, bool plain) {
  if (!unit.layer) return {};
  const std::string& base = table.base_of(unit.node.operation);
  const Shape& first = unit.input_shapes.front();
  const double in = elements(first), own = elements(out);
  const bool reduces = out.height < first.height;
  if (const auto* separable = dynamic_cast<const Separable*>(unit.layer.get())) {
    // A stage: ReLU, depthwise, pointwise; the norm's result is the next ReLU's input, which that does not need.
    double inside = 0;
    for (int s = 0; s < separable->stages(); ++s) inside += (s == 0 ? in : own) + 2 * own;
    return {inside, false, false, in + own};
  }
  if (base == "nor_conv") return block_kept(unit, out, true, plain, true);
  if (base == "conv_bn") return block_kept(unit, out, false, plain, true);
  if (base == "conv") return block_kept(unit, out, false, plain, false);
  if (base == "factorized_reduce" || ((base == "skip_connect" || base == "align") && reduces)) {
    return {in + own, false, false, in + own};
  }
  if (base == "skip_connect" || base == "align") return block_kept(unit, out, true, plain, true);
  if (base == "max_pool" || base == "avg_pool") {
    const bool norm = boolean_of(unit.node.parameters, "norm", false);
    if (!plain) return {0, true, norm, 0};
    return {(norm ? own : 0) + (base == "max_pool" ? 2 * own : 0), true, false, own};  // places are 64 bits
  }
  if (base == "batch_norm" || base == "bn_relu") return {0, true, base == "bn_relu", own};
  if (base == "add" || base == "concat" || base == "global_avg_pool" || base == "flatten") return {0, false, false, 0};
  if (base == "relu") return {0, false, true, 0};
  if (base == "activation" || base == "linear" || base == "classifier") return {0, true, true, 0};
  if (base == "inverted_residual" || base == "residual_block") return residual_kept(unit, out, base);
  return {2 * std::max(in, own), true, true, std::max(in, own)};
}

// Of a layer that a weighted sum computes itself, keeping one tensor a stage; 0 for others.
int stages_in_sum(const Layer* layer) {
  if (const auto* separable = dynamic_cast<const Separable*>(layer)) {
    return summable(*separable) ? separable->stages() : 0;
  }
  const auto* reduce = dynamic_cast<const FactorizedReduce*>(layer);
  return reduce && summable(*reduce) ? 1 : 0;
}

// The pass forward and the pass backward, in numbers an image.
class Walk {
 public:
  // `plain`: as by LibTorch's operations alone, whatever the net's passes are.
  Walk(const Supernet& net, const OperationTable& table, bool plain, bool one_option)
      : net_(net), table_(table), plain_(plain), one_option_(one_option), cell_end_(net.steps().size()) {
    for (const SupernetStep& step : net.steps()) shapes_[step.output] = elements(step.shape);
    for (const SupernetStep& step : net.steps()) steps_.push_back(look_at(step));
    if (plain) return;
    for (const SupernetSegment& segment : net.segments()) {
      cell_inputs_.insert(segment.inputs.begin(), segment.inputs.end());
      for (std::size_t i = segment.begin; i < segment.end; ++i) cell_end_[i] = segment.end;
    }
  }

  // All that waits for the backward pass.
  double kept() const {
    double sum = 0;
    for (std::size_t i = 0; i < steps_.size(); ++i) sum += waiting(i);
    return sum;
  }

  // The most that lives at once on the way back.
  double peak() const {
    double alive = kept(), most = alive, scratch = 0;
    std::map<int, double> gradients;
    double gradient_sum = 0;
    for (std::size_t i = steps_.size(); i-- > 0;) {
      const Look& look = steps_[i];
      if (cell_end_[i] == i + 1) {  // the cell that ends here is run again
        for (std::size_t j = i + 1; j-- > 0 && cell_end_[j] == i + 1;) alive += look_kept(j) - waiting(j);
      }
      double added = 0, twice = 0;
      for (const int input : look.inputs) {
        if (input == 0) continue;
        if (gradients.emplace(input, shapes_.at(input)).second) {
          added += shapes_.at(input);
        } else {
          twice += shapes_.at(input);
        }
      }
      gradient_sum += added;
      most = std::max(most, alive + gradient_sum + twice + look.passing);
      scratch = std::max(scratch, look.scratch);
      const auto own = gradients.find(net_.steps()[i].output);
      if (own != gradients.end()) {
        gradient_sum -= own->second;
        gradients.erase(own);
      }
      alive -= cell_end_[i] > 0 ? look_kept(i) : waiting(i);
    }
    return most + scratch;
  }

  // The most at once of a pass without gradients.
  double forward_peak() const {
    double alive = 0, most = 0;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const SupernetStep& step = net_.steps()[i];
      alive += elements(step.shape);
      most = std::max(most, alive + steps_[i].inside);
      for (const int slot : step.last_read) alive -= shapes_.at(slot);
    }
    return most;
  }

 private:
  struct Look {
    double inside = 0, passing = 0, scratch = 0;
    bool output = false;  // needed again by the step itself
    std::set<int> inputs;
  };

  // What a step that is not recomputed, or has been, keeps for the backward pass.
  double look_kept(std::size_t i) const {
    const int slot = net_.steps()[i].output;
    const bool output = steps_[i].output || read_again_.count(slot) > 0 || cell_inputs_.count(slot) > 0;
    return steps_[i].inside + (output ? shapes_.at(slot) : 0);
  }

  // What it keeps until its backward pass begins.
  double waiting(std::size_t i) const {
    if (cell_end_[i] == 0) return look_kept(i);
    const int slot = net_.steps()[i].output;
    return cell_inputs_.count(slot) > 0 ? shapes_.at(slot) : 0;
  }

  Look look_at(const SupernetStep& step) {
    Look look;
    if (step.kind == SupernetStep::Kind::sum) {
      for (const SupernetStep& edge : step.edges) add_options(edge, look);
    } else if (step.kind == SupernetStep::Kind::mixed) {
      add_options(step, look);
    } else {
      const SupernetUnit& unit = step.units.front();
      const Kept kept = kept_by(unit, step.shape, table_, plain_);
      note(unit, kept, look);
      look.inside = kept.inside;
      look.passing = kept.passing;
      look.output = kept.output;
      if (step.kind == SupernetStep::Kind::mask) read_again_.insert(unit.inputs.front());
    }
    return look;
  }

  void note(const SupernetUnit& unit, const Kept& kept, Look& look) {
    for (const int input : unit.inputs) {
      look.inputs.insert(input);
      if (kept.input) read_again_.insert(input);
    }
  }

  // An edge's options, weighted and added up.
  void add_options(const SupernetStep& edge, Look& look) {
    Shape out = edge.shape;
    out.channels /= edge.partial;
    const double own = elements(out);
    Look all, most;
    for (const SupernetUnit& unit : edge.units) {
      Look one;
      if (unit.zero || (unit.shared >= 0 && !seen_.insert(unit.shared).second)) continue;
      Kept kept = kept_by(unit, out, table_, plain_);
      const int stages = plain_ ? 0 : stages_in_sum(unit.layer.get());
      if (stages > 0) {
        kept = {stages * own * (net_.passes().bf16 ? 0.5 : 1), true, false, 0};
        if (stages > 1) one.scratch = own;
      } else if (unit.layer) {
        kept.inside += own;  // what is weighted
        kept.passing += own;
      }
      note(unit, kept, look);
      all.inside += kept.inside;
      all.passing += kept.passing;
      all.scratch += one.scratch;
      most.inside = std::max(most.inside, kept.inside);
      most.passing = std::max(most.passing, kept.passing);
      most.scratch = std::max(most.scratch, one.scratch);
    }
    const Look& counted = one_option_ ? most : all;
    look.inside += counted.inside;
    look.scratch += counted.scratch;
    // LibTorch's functions are propagated back one after another, ours give all values' gradients at once.
    look.passing = plain_ ? std::max(look.passing, counted.passing) : look.passing + counted.passing;
    if (edge.partial > 1) {  // the share of the source, and the shuffled result that an edge's weight multiplies
      look.inside += elements(edge.shape);
      if (shares_.insert(edge.units.front().inputs.front()).second) {
        look.inside += shapes_.count(edge.units.front().inputs.front()) > 0
                           ? shapes_.at(edge.units.front().inputs.front()) / static_cast<double>(edge.partial)
                           : 0;
      }
      if (edge.reduces) look.inside += 2 * (elements(edge.shape) - own);  // the pool's places
      look.passing += 2 * elements(edge.shape);
    }
  }

  const Supernet& net_;
  const OperationTable& table_;
  bool plain_, one_option_;
  std::map<int, double> shapes_{};  // by slot
  std::set<int> read_again_, shares_;
  std::set<int> cell_inputs_;          // slots that recomputed cells read
  std::vector<std::size_t> cell_end_;  // of the recomputed cell that a step is in; 0: of none
  std::set<int> seen_;                 // shared units
  std::vector<Look> steps_;
};

double copies_of_weights(const std::string& order) {
  if (order == "second") return 4;
  if (order == "exact") return 5;
  return order == "implicit" ? 8 : 0;
}

}  // namespace

std::int64_t MemoryPrediction::peak(std::int64_t batch) const {
  return fixed() + std::max(batch * per_image, beside);
}

MemoryPrediction predict_memory(const Supernet& net, const OperationTable& table, const MemoryQuestion& question) {
  const auto element = static_cast<double>(question.element);
  const bool partial =
      std::any_of(net.steps().begin(), net.steps().end(), [](const SupernetStep& step) { return step.partial > 1; });
  const double waste = !net.passes().sums || net.passes().recompute || partial ? ragged_heap : heap;
  const auto bytes = [&](double numbers) { return static_cast<std::int64_t>(waste * element * numbers); };
  const Walk fast(net, table, !net.passes().sums, question.one_option);
  const Walk plain(net, table, true, question.one_option);
  const auto twice = [&] { return fast.kept() + again * plain.kept(); };

  double parameters = 0, buffers = 0;
  for (const torch::Tensor& tensor : net.parameters()) parameters += static_cast<double>(tensor.numel());
  for (const torch::Tensor& tensor : net.buffers()) buffers += static_cast<double>(tensor.numel());

  MemoryPrediction prediction;
  prediction.resident = question.resident + libraries;
  prediction.weights = bytes(2 * parameters + buffers);
  const double moments = question.optimizer.name != "sgd" ? 2 : question.optimizer.momentum != 0 ? 1 : 0;
  prediction.optimizer = bytes((moments + copies_of_weights(question.order)) * parameters);
  const bool double_backward = question.order == "exact" || question.order == "implicit";
  const double step = fast.peak() * static_cast<double>(question.graphs);
  prediction.per_image = bytes(double_backward ? std::max(step, twice()) : step);
  prediction.beside = std::max(question.evaluated * bytes(fast.forward_peak()),
                               2 * question.watched * bytes(fast.peak()));  // in float64
  return prediction;
}

void ask_for_method(const Yaml& method, MemoryQuestion& question) {
  const auto text = [&](const char* key) {
    const Yaml* value = method.find(key);
    return value != nullptr && value->is_scalar() ? value->text : std::string();
  };
  const std::string name = text("name");
  if (!text("order").empty()) question.order = text("order");
  question.one_option = name == "gdas" || name == "enas" || name == "random_ws";
  question.graphs = name == "rebar" || name == "relax" ? 2 : 1;
}

bool divides_batches(const Yaml& method) {
  MemoryQuestion question;
  ask_for_method(method, question);
  return question.order != "exact" && question.order != "implicit";
}

BatchPlan plan_batch(const MemoryPrediction& prediction, std::int64_t limit, const BatchWish& wish, bool divides) {
  constexpr std::int64_t least = 8;
  const auto plan = [&](std::int64_t batch, std::int64_t parts) {
    const std::int64_t peak = prediction.peak((batch + parts - 1) / parts);
    return BatchPlan{batch, parts, peak, peak <= limit};
  };
  if (wish.automatic) {
    const std::int64_t parts = std::max<std::int64_t>(wish.accumulate, 1);
    BatchPlan found = plan(std::min(wish.batch, least), parts);
    for (std::int64_t batch = 256; batch >= least; batch /= 2) {
      if (batch > wish.batch) continue;
      found = plan(batch, std::min(parts, batch));
      if (found.fits) break;
    }
    return found;
  }
  if (!divides || wish.accumulate > 0) return plan(wish.batch, divides ? std::min(wish.accumulate, wish.batch) : 1);
  BatchPlan found = plan(wish.batch, 1);
  for (std::int64_t parts = 2; !found.fits && wish.batch / parts >= least; ++parts) {
    if (wish.batch % parts == 0) found = plan(wish.batch, parts);
  }
  return found;
}

}  // namespace netwright

// From a Relaxation to a Supernet: cells within cells flattened into one list of steps.
#include <algorithm>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/nn/factorized_reduce.h"
#include "netwright/nn/module_tree.h"
#include "netwright/nn/separable.h"
#include "netwright/oneshot/passes.h"

namespace netwright {

namespace {

struct Slot {
  int number = 0;
  Shape shape;
};

std::int64_t number_of(const Node& node) {
  return integer_of(node.parameters, "number", 0);
}

}  // namespace

class SupernetBuilder {
 public:
  SupernetBuilder(const Relaxation& relaxation, const OperationTable& table, const SupernetOptions& options)
      : table_(table), options_(options), net_(std::make_shared<Supernet>()) {
    net_->relaxation_ = relaxation;
    net_->passes_ = options.passes;
  }

  std::shared_ptr<Supernet> build() {
    const Network& network = net_->relaxation_.network;
    net_->slot_count_ = 1;
    const std::vector<Slot> values = add_graph(network.graph, {{0, network.input}}, "");
    const Slot& output = values[static_cast<std::size_t>(network.graph.output)];
    net_->output_slot_ = output.number;
    if (output.shape != Shape{network.classes, 0, 0}) {
      throw invalid({},
                    "the supernet ends in " + to_string(output.shape) + ", not in " + std::to_string(network.classes) +
                        " numbers, one a class",
                    "end the network with {op: classifier}");
    }
    apply_passes(options_.passes, table_, net_->steps_, net_->shared_slots_);
    schedule();
    register_layers(net_, layers_);
    initialize_units(*net_, options_.seed);
    if (!options_.passes.separable) leave_to_torch();
    if (!options_.passes.channels_last) use_plain_layout();
    const std::vector<torch::Tensor> parameters = net_->parameters();
    net_->any_parameter_ = parameters.empty() ? torch::empty({0}) : parameters.front();
    if (options_.passes.recompute) net_->segments_ = cells_of(net_->steps_);
    return net_;
  }

 private:
  std::vector<Slot> add_graph(const Graph& graph, const std::vector<Slot>& inputs, const std::string& prefix) {
    std::vector<Slot> values = inputs;
    for (const Node& node : graph.nodes) values.push_back(add_node(node, values, prefix));
    return values;
  }

  Slot add_node(const Node& node, const std::vector<Slot>& values, const std::string& prefix) {
    const std::string path = prefix + node.name;
    if (node.operation == mixed_operation) return add_mixed(node, values, path);
    if (node.operation == mask_operation) return add_mask(node, values, path);
    if (node.cell) {
      std::vector<Slot> arguments;
      for (const int input : node.inputs) arguments.push_back(values[static_cast<std::size_t>(input)]);
      const int outer = cell_;
      cell_ = cell_count_++;
      const std::vector<Slot> inner = add_graph(*node.cell, arguments, path + ".");
      cell_ = outer;
      return inner[static_cast<std::size_t>(node.cell->output)];
    }
    Shape shape;
    SupernetUnit unit = make_unit(node, values, path, 1, shape);
    if (!unit.layer && !unit.zero) return values[static_cast<std::size_t>(node.inputs.front())];
    if (unit.zero) unit.layer = make_layer(node, {{}, shape, node.parameters});
    if (table_.base_of(node.operation) == "add" && unit.inputs.size() == 1) {
      return values[static_cast<std::size_t>(node.inputs.front())];
    }
    SupernetStep step;
    step.path = path;
    step.units.push_back(std::move(unit));
    return finish(std::move(step), shape);
  }

  Slot finish(SupernetStep step, const Shape& shape) {
    step.output = net_->slot_count_++;
    step.shape = shape;
    step.cell = cell_;
    net_->steps_.push_back(std::move(step));
    return {net_->steps_.back().output, shape};
  }

  // `shape` becomes that of its output. Its layer is null where it is an identity or zero.
  SupernetUnit make_unit(const Node& node, const std::vector<Slot>& values, const std::string& path,
                         std::int64_t partial, Shape& shape) {
    SupernetUnit unit;
    unit.path = path;
    unit.node = node;
    std::vector<Shape> inputs;
    for (const int input : node.inputs) {
      const Slot& slot = values[static_cast<std::size_t>(input)];
      unit.inputs.push_back(slot.number);
      inputs.push_back(slot.shape);
      inputs.back().channels /= partial;
    }
    unit.input_shapes = inputs;
    if (partial > 1) {
      auto found = unit.node.parameters.find("channels");
      if (found != unit.node.parameters.end()) found->second = std::get<std::int64_t>(found->second) / partial;
    }
    const Operation* operation = table_.find(node.operation);
    if (operation == nullptr) {
      throw invalid(node.where, "unknown operation '" + node.operation + "'", suggest(node.operation, table_.names()));
    }
    try {
      shape = operation->shape ? operation->shape(inputs, unit.node.parameters) : inputs.front();
    } catch (const Error& error) {
      throw invalid(node.where, "'" + path + "': " + error.problem(), error.remedy());
    }
    unit.zero = operation->zero;
    const bool identity =
        operation->identity && inputs.front() == shape && integer_of(node.parameters, "stride", 1) == 1;
    if (identity || unit.zero) return unit;
    unit.layer = make_layer(node, {inputs, shape, unit.node.parameters});
    layers_.emplace_back(path, unit.layer);
    return unit;
  }

  std::shared_ptr<Layer> make_layer(const Node& node, const LayerContext& context) const {
    const std::string& base = table_.base_of(node.operation);
    const LayerFactory* factory = options_.layers.find(base);
    if (factory != nullptr) return (*factory)(context);
    throw invalid(node.where, "operation '" + base + "' has no torch factory",
                  "add one to the LayerTable that the supernet is built with (nn/operations.h)");
  }

  Slot add_mixed(const Node& node, const std::vector<Slot>& values, const std::string& path) {
    const MixedNode& mixed = net_->relaxation_.mixed[static_cast<std::size_t>(number_of(node))];
    SupernetStep step;
    step.kind = SupernetStep::Kind::mixed;
    step.path = path;
    step.sum = mixed.sum;
    step.edge = mixed.edge;
    step.partial = partial_of(mixed, values, node, path);
    Shape shape;
    for (const RelaxedOption& option : mixed.options) {
      const std::string option_path = path + "." + option.node.name;
      Shape own;
      SupernetUnit unit;
      if (option.node.cell) {  // the cell's steps come before; its result is what the option passes on
        const Slot result = add_node(option.node, values, path + ".");
        unit.path = option_path;
        unit.node = option.node;
        unit.inputs = {result.number};
        own = result.shape;
      } else {
        unit = make_unit(option.node, values, option_path, step.partial, own);
      }
      unit.factors = option.factors;
      if (step.units.empty()) shape = own;
      if (own != shape) throw different(mixed, node, path, option, shape, own);
      step.units.push_back(std::move(unit));
    }
    shape.channels *= step.partial;
    const Shape& source = values[static_cast<std::size_t>(node.inputs.front())].shape;
    step.reduces = step.partial > 1 && shape.height < source.height;
    return finish(std::move(step), shape);
  }

  Error different(const MixedNode& mixed, const Node& node, const std::string& path, const RelaxedOption& option,
                  const Shape& shape, const Shape& own) const {
    std::string choice = path;
    if (!option.factors.empty()) {
      choice = net_->relaxation_.rows[static_cast<std::size_t>(option.factors.front().row)].name;
    }
    return invalid(node.where,
                   "a supernet cannot hold the choice '" + choice + "': at '" + path + "' its option '" +
                       mixed.options.front().node.name + "' gives " + to_string(shape) + " and '" + option.node.name +
                       "' " + to_string(own),
                   "decide it under fix:, or give the options the same channels and stride");
  }

  // Options of an edge of a chosen sum, or all on one image whose channels they keep.
  std::int64_t partial_of(const MixedNode& mixed, const std::vector<Slot>& values, const Node& node,
                          const std::string& path) const {
    if (options_.partial <= 1 || node.inputs.size() != 1) return 1;
    const Shape& source = values[static_cast<std::size_t>(node.inputs.front())].shape;
    const bool plain = std::all_of(mixed.options.begin(), mixed.options.end(), [&](const RelaxedOption& option) {
      const std::int64_t channels = integer_of(option.node.parameters, "channels", 0);
      return !option.node.cell && (channels == 0 || channels == source.channels);
    });
    if (!plain || !source.is_image() || mixed.options.front().node.operation == "identity") return 1;
    if (source.channels % options_.partial == 0) return options_.partial;
    throw invalid(node.where,
                  "the " + std::to_string(source.channels) + " channels of '" + path + "' cannot be divided by " +
                      std::to_string(options_.partial),
                  "choose channels that partial channels divide, or another K");
  }

  Slot add_mask(const Node& node, const std::vector<Slot>& values, const std::string& path) {
    const Slot& source = values[static_cast<std::size_t>(node.inputs.front())];
    SupernetStep step;
    step.kind = SupernetStep::Kind::mask;
    step.path = path;
    step.mask = static_cast<int>(number_of(node));
    SupernetUnit unit;
    unit.path = path;
    unit.node = node;
    unit.inputs = {source.number};
    step.units.push_back(std::move(unit));
    return finish(std::move(step), source.shape);
  }

  void leave_to_torch() {
    for (const auto& [path, layer] : layers_) {
      if (auto* separable = dynamic_cast<Separable*>(layer.get())) separable->want_kernels(false);
      if (auto* reduce = dynamic_cast<FactorizedReduce*>(layer.get())) reduce->want_kernels(false);
    }
  }

  // Made anew: contiguous() leaves the strides of a 1x1 weight as they are, and from them alone LibTorch would take
  // image and weight for channels_last.
  void use_plain_layout() {
    const torch::NoGradGuard no_grad;
    for (torch::Tensor& parameter : net_->parameters()) {
      parameter.set_data(torch::empty(parameter.sizes(), parameter.options()).copy_(parameter));
    }
  }

  // Drops the steps nobody needs, and notes after which step each slot is free. Slot 0 stays: zeros take its size.
  void schedule() {
    std::vector<int>& readers = net_->readers_;
    readers.assign(static_cast<std::size_t>(net_->slot_count_), 0);
    ++readers[static_cast<std::size_t>(net_->output_slot_)];
    std::vector<SupernetStep> kept;
    for (auto step = net_->steps_.rbegin(); step != net_->steps_.rend(); ++step) {
      if (readers[static_cast<std::size_t>(step->output)] == 0) continue;
      const auto note = [&](const SupernetUnit& unit) {
        for (const int input : unit.inputs) {
          if (readers[static_cast<std::size_t>(input)]++ == 0 && input != 0) step->last_read.push_back(input);
        }
      };
      std::for_each(step->units.begin(), step->units.end(), note);
      for (const SupernetStep& edge : step->edges) std::for_each(edge.units.begin(), edge.units.end(), note);
      kept.push_back(std::move(*step));
    }
    net_->steps_.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  }

  const OperationTable& table_;
  const SupernetOptions& options_;
  std::shared_ptr<Supernet> net_;
  NamedLayers layers_;
  int cell_ = -1, cell_count_ = 0;  // the innermost cell at hand, and how many there have been
};

std::shared_ptr<Supernet> build_supernet(const Relaxation& relaxation, const OperationTable& table,
                                         const SupernetOptions& options) {
  return SupernetBuilder(relaxation, table, options).build();
}

}  // namespace netwright

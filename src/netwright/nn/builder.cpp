#include "netwright/nn/builder.h"

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/nn/module_tree.h"

namespace netwright {

namespace {

// What a value of a graph becomes: a slot of the flat program.
struct Slot {
  int number = 0;
  Shape shape;
  bool zero = false;  // known to be all zeros
};

// Which values of `graph` the value `output` depends on, itself included.
std::vector<bool> ancestors(const Graph& graph, int output) {
  std::vector<bool> reached(graph.value_count(), false);
  if (output < 0) return reached;
  reached[static_cast<std::size_t>(output)] = true;
  for (int value = static_cast<int>(graph.value_count()) - 1; value >= 0; --value) {
    const Node* node = graph.producer(value);
    if (!node || !reached[static_cast<std::size_t>(value)]) continue;
    for (const int input : node->inputs) reached[static_cast<std::size_t>(input)] = true;
  }
  return reached;
}

std::vector<bool> feeds_sum(const Graph& graph, const OperationTable& table) {
  std::vector<bool> feeds(graph.value_count(), false);
  for (const Node& node : graph.nodes) {
    if (table.base_of(node.operation) != "add") continue;
    for (const int input : node.inputs) feeds[static_cast<std::size_t>(input)] = true;
  }
  return feeds;
}

}  // namespace

// Flattens the graph, cells within cells, into one program without calls.
class Builder {
 public:
  Builder(const OperationTable& table, const BuildOptions& options)
      : table_(table), options_(options), module_(std::make_shared<NetworkModule>()) {}

  std::shared_ptr<NetworkModule> build(const Network& network) {
    infer_shapes(network.graph, {network.input}, table_);  // a mistake is reported at its place in the file
    module_->input_ = network.input;
    module_->slot_count_ = 1;
    const Slot input{0, network.input, false};
    const Graph& graph = network.graph;
    std::vector<bool> left_out(graph.value_count(), false);
    if (!options_.auxiliary) {
      const std::vector<bool> main = ancestors(graph, graph.output), side = ancestors(graph, graph.auxiliary_output);
      for (std::size_t i = 0; i < left_out.size(); ++i) left_out[i] = side[i] && !main[i];
    }
    const std::vector<Slot> values = add_graph(graph, {input}, "", false, left_out);
    module_->output_slot_ = values[static_cast<std::size_t>(graph.output)].number;
    if (options_.auxiliary && graph.auxiliary_output >= 0) {
      module_->auxiliary_slot_ = values[static_cast<std::size_t>(graph.auxiliary_output)].number;
    }
    schedule();
    register_layers(module_, layers_);
    initialize_units(*module_, options_.seed);
    return module_;
  }

 private:
  std::vector<Slot> add_graph(const Graph& graph, const std::vector<Slot>& inputs, const std::string& prefix,
                              bool inside_cell, const std::vector<bool>& left_out) {
    const std::vector<bool> summed = feeds_sum(graph, table_);
    std::vector<Slot> values = inputs;
    for (const Node& node : graph.nodes) {
      const std::size_t value = values.size();
      if (!left_out.empty() && left_out[value]) {
        values.emplace_back();
        continue;
      }
      std::vector<Slot> arguments;
      for (const int input : node.inputs) arguments.push_back(values[static_cast<std::size_t>(input)]);
      if (node.cell) {
        const std::vector<Slot> inner = add_graph(*node.cell, arguments, prefix + node.name + ".", true, {});
        values.push_back(inner[static_cast<std::size_t>(node.cell->output)]);
      } else {
        values.push_back(add_node(node, std::move(arguments), prefix + node.name, inside_cell && summed[value]));
      }
    }
    return values;
  }

  Slot add_node(const Node& node, std::vector<Slot> arguments, const std::string& path, bool droppable) {
    const Operation* operation = table_.find(node.operation);
    if (!operation) {
      throw invalid(node.where, "unknown operation '" + node.operation + "'", suggest(node.operation, table_.names()));
    }
    LayerContext context{{}, {}, node.parameters};
    for (const Slot& argument : arguments) context.inputs.push_back(argument.shape);
    context.output = operation->shape(context.inputs, node.parameters);
    if (operation->identity && context.inputs[0] == context.output && integer_of(node.parameters, "stride", 1) == 1) {
      return arguments[0];
    }
    if (table_.base_of(node.operation) == "add") {
      std::erase_if(arguments, [](const Slot& argument) { return argument.zero; });
      if (arguments.size() == 1) return arguments[0];
      if (arguments.empty()) return make_zero(context, node, path);
    }
    const Slot result{module_->slot_count_++, context.output, operation->zero};
    NetworkModule::Step step;
    step.layer = make_layer(context, node);
    for (const Slot& argument : arguments) step.inputs.push_back(argument.number);
    step.output = result.number;
    step.droppable = droppable && !operation->zero;
    layers_.emplace_back(path, step.layer);
    module_->steps_.push_back(std::move(step));
    return result;
  }

  // A sum of zeros only. Its layer reads the batch size off the network's input.
  Slot make_zero(const LayerContext& context, const Node& node, const std::string& path) {
    const Slot result{module_->slot_count_++, context.output, true};
    NetworkModule::Step step;
    Node zero = node;
    zero.operation = "none";
    step.layer = make_layer(context, zero);
    step.inputs = {0};
    step.output = result.number;
    layers_.emplace_back(path, step.layer);
    module_->steps_.push_back(std::move(step));
    return result;
  }

  std::shared_ptr<Layer> make_layer(const LayerContext& context, const Node& node) {
    const std::string& base = table_.base_of(node.operation);
    const LayerFactory* factory = options_.layers.find(base);
    if (!factory) {
      throw invalid(node.where, "operation '" + base + "' has no torch factory",
                    "add one to the LayerTable that the network is built with (nn/operations.h)");
    }
    return (*factory)(context);
  }

  // Drops the steps nobody needs, and notes after which step each slot is free.
  void schedule() {
    std::vector<NetworkModule::Step>& steps = module_->steps_;
    const auto slots = static_cast<std::size_t>(module_->slot_count_);
    std::vector<bool> main(slots, false), side(slots, false), read(slots, false);
    main[static_cast<std::size_t>(module_->output_slot_)] = true;
    read[static_cast<std::size_t>(module_->output_slot_)] = true;
    if (module_->auxiliary_slot_ >= 0) {
      side[static_cast<std::size_t>(module_->auxiliary_slot_)] = true;
      read[static_cast<std::size_t>(module_->auxiliary_slot_)] = true;
    }
    std::vector<NetworkModule::Step> kept;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      const auto output = static_cast<std::size_t>(step->output);
      if (!main[output] && !side[output]) continue;
      step->training_only = !main[output];
      for (const int number : step->inputs) {
        const auto input = static_cast<std::size_t>(number);
        (step->training_only ? side : main)[input] = true;
        if (!read[input]) step->last_read.push_back(number);
        read[input] = true;
      }
      kept.push_back(std::move(*step));
    }
    steps.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  }

  const OperationTable& table_;
  const BuildOptions& options_;
  std::shared_ptr<NetworkModule> module_;
  NamedLayers layers_;  // in the graph's order
};

NetworkModule::Output NetworkModule::run(const torch::Tensor& x) {
  std::vector<torch::Tensor> slots(static_cast<std::size_t>(slot_count_));
  slots[0] = x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x;
  std::vector<torch::Tensor> inputs;
  for (const Step& step : steps_) {
    if (step.training_only && !is_training()) continue;
    for (const int input : step.inputs) inputs.push_back(slots[static_cast<std::size_t>(input)]);
    torch::Tensor y = step.layer->forward(inputs);
    if (step.droppable && is_training()) y = netwright::drop_path(y, drop_path_);
    inputs.clear();
    for (const int slot : step.last_read) slots[static_cast<std::size_t>(slot)].reset();
    slots[static_cast<std::size_t>(step.output)] = std::move(y);
  }
  Output output{slots[static_cast<std::size_t>(output_slot_)], {}};
  if (auxiliary_slot_ >= 0 && is_training()) output.auxiliary = slots[static_cast<std::size_t>(auxiliary_slot_)];
  return output;
}

void NetworkModule::set_drop_path(double probability) {
  drop_path_ = probability;
  for (const Step& step : steps_) step.layer->set_drop_path(probability);
}

std::int64_t NetworkModule::parameter_count() const {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : parameters()) count += parameter.numel();
  return count;
}

std::shared_ptr<NetworkModule> build(const Network& network, const OperationTable& table, const BuildOptions& options) {
  return Builder(table, options).build(network);
}

}  // namespace netwright

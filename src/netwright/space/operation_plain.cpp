// Operations without convolutions: sums, pools, norms, activations, and layers for rows.
#include "netwright/base/error.h"
#include "netwright/space/operation_rows.h"

namespace netwright::rows {

namespace {

using Shapes = std::vector<Shape>;

Shape same_shape(const Shapes& inputs, const Parameters&) {
  return inputs[0];
}

Cost free_of_charge(const Shapes&, const Shape&, const Parameters&) {
  return {};
}

bool always(const Parameters&) {
  return true;
}

bool keeps_zero_activation(const std::string& name) {
  return name != "sigmoid";
}

// A row that leaves the shape alone and has no weights, to be changed further by the caller.
Operation row(std::string name, std::string summary, Parameters defaults = {}) {
  Operation operation;
  operation.name = std::move(name);
  operation.summary = std::move(summary);
  operation.defaults = std::move(defaults);
  operation.shape = same_shape;
  operation.cost = free_of_charge;
  return operation;
}

std::string list(const Shapes& shapes) {
  std::string text;
  for (const Shape& shape : shapes) text += (text.empty() ? "" : ", ") + to_string(shape);
  return text;
}

Shape none_shape(const Shapes& inputs, const Parameters& parameters) {
  const std::int64_t channels = channels_of(parameters, inputs[0]), stride = stride_of(parameters);
  if (!inputs[0].is_image() && stride == 1) return {channels, 0, 0};
  return strided(image(inputs[0]), channels, stride);
}

Shape sum_shape(const Shapes& inputs, const Parameters&) {
  for (const Shape& shape : inputs) {
    if (shape != inputs[0]) {
      throw invalid({}, "the terms of a sum have different shapes: " + list(inputs),
                    "give the operations before it the same channels and stride");
    }
  }
  return inputs[0];
}

Shape concat_shape(const Shapes& inputs, const Parameters&) {
  Shape out = inputs[0];
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i].height != out.height || inputs[i].width != out.width) {
      throw invalid({}, "the parts of a concatenation have different heights and widths: " + list(inputs),
                    "give the operations before it the same stride");
    }
    out.channels += inputs[i].channels;
  }
  return out;
}

// Padding (kernel - 1) / 2: odd kernels keep the size at stride 1, and 2x2 at stride 2 halves it.
Shape pool_shape(const Shapes& inputs, const Parameters& parameters) {
  const Shape& in = image(inputs[0]);
  const std::int64_t kernel = integer_in(parameters, "kernel", 3, 1, 31), stride = stride_of(parameters);
  if (channels_of(parameters, in) != in.channels) {
    throw invalid({},
                  "a pool cannot turn " + std::to_string(in.channels) + " channels into " +
                      std::to_string(channels_of(parameters, in)),
                  "put a nor_conv_1x1 before it or leave its channels out");
  }
  const std::int64_t lost = kernel % 2 == 0 ? 1 : 0;
  if (in.height <= lost || in.width <= lost) {
    throw invalid({}, "an image of " + to_string(in) + " is too small for a pool of kernel " + std::to_string(kernel),
                  "use an odd kernel or pool less before");
  }
  return {in.channels, (in.height - lost - 1) / stride + 1, (in.width - lost - 1) / stride + 1};
}

Shape linear_shape(const Shapes& inputs, const Parameters& parameters) {
  if (inputs[0].is_image()) {
    throw invalid({}, "the input is an image of " + to_string(inputs[0]) + ", not a row of features",
                  "put a global_pool or flatten before it");
  }
  const std::int64_t features = integer_in(parameters, "features", 0, 0, 1 << 24);
  return {features == 0 ? inputs[0].channels : features, 0, 0};
}

Shape classifier_shape(const Shapes&, const Parameters& parameters) {
  real_in(parameters, "dropout", 0, 0, 0.99);
  const std::int64_t classes = integer_in(parameters, "features", 0, 0, 1 << 24);
  if (classes == 0) throw invalid({}, "classifier has no number of classes", "set its parameter features");
  return {classes, 0, 0};
}

void add_structure(OperationTable& table) {
  Operation none = row("none", "zeros", {{"channels", std::int64_t{0}}, {"stride", std::int64_t{1}}});
  none.zero = true;
  none.shape = none_shape;
  none.keeps_zero = always;
  table.add(std::move(none));

  Operation identity = row("identity", "passes its input through");
  identity.identity = true;
  identity.keeps_zero = always;
  table.add(std::move(identity));

  Operation add = row("add", "sum of its inputs");
  add.max_inputs = -1;
  add.commutative = true;
  add.shape = sum_shape;
  add.keeps_zero = always;
  table.add(std::move(add));

  Operation concat = row("concat", "its inputs' channels one after another");
  concat.max_inputs = -1;
  concat.shape = concat_shape;
  concat.keeps_zero = always;
  table.add(std::move(concat));
}

void add_pools(OperationTable& table) {
  for (const std::string name : {"max_pool", "avg_pool"}) {
    Operation pool =
        row(name, name == "max_pool" ? "largest value of a window" : "mean of a window, padding not counted",
            {{"kernel", std::int64_t{3}}, {"stride", std::int64_t{1}}, {"channels", std::int64_t{0}}, {"norm", false}});
    pool.shape = pool_shape;
    pool.keeps_zero = always;  // the norm after it has no weights
    table.add(std::move(pool));
    table.alias(name + "_3x3", name, {{"kernel", std::int64_t{3}}});
  }

  Operation global = row("global_pool", "mean of each channel: an image becomes a row");
  global.shape = [](const Shapes& inputs, const Parameters&) { return Shape{image(inputs[0]).channels, 0, 0}; };
  global.keeps_zero = always;
  table.add(std::move(global));

  Operation flatten = row("flatten", "an image as a row of all its values");
  flatten.shape = [](const Shapes& inputs, const Parameters&) { return Shape{inputs[0].elements(), 0, 0}; };
  flatten.keeps_zero = always;
  table.add(std::move(flatten));
}

void add_norms(OperationTable& table) {
  const auto affine_cost = [](const Shapes& inputs, const Shape&, const Parameters& parameters) {
    return norm_cost(inputs[0].channels, boolean_of(parameters, "affine", true));
  };
  const auto plain = [](const Parameters& parameters) { return !boolean_of(parameters, "affine", true); };
  Operation batch_norm = row("batch_norm", "batch norm", {{"affine", true}});
  batch_norm.cost = affine_cost;
  batch_norm.keeps_zero = plain;
  table.add(std::move(batch_norm));

  Operation bn_relu = row("bn_relu", "batch norm, ReLU", {{"affine", true}});
  bn_relu.cost = affine_cost;
  bn_relu.keeps_zero = plain;
  table.add(std::move(bn_relu));

  Operation layer_norm = row("layer_norm", "layer norm over the channels of each position");
  layer_norm.cost = [](const Shapes& inputs, const Shape&, const Parameters&) {
    return norm_cost(inputs[0].channels, true);
  };
  table.add(std::move(layer_norm));
}

void add_activations(OperationTable& table) {
  Operation relu = row("relu", "ReLU");
  relu.keeps_zero = always;
  table.add(std::move(relu));

  Operation activation = row("activation", "an elementwise function by name", {{"function", std::string("relu")}});
  activation.shape = [](const Shapes& inputs, const Parameters& parameters) {
    activation_of(parameters, "function", "relu");
    return inputs[0];
  };
  activation.keeps_zero = [](const Parameters& parameters) {
    return keeps_zero_activation(text_of(parameters, "function", "relu"));
  };
  table.add(std::move(activation));

  Operation dropout = row("dropout", "zeroes values at random while training", {{"probability", 0.5}});
  dropout.shape = [](const Shapes& inputs, const Parameters& parameters) {
    real_in(parameters, "probability", 0.5, 0, 0.99);
    return inputs[0];
  };
  dropout.keeps_zero = always;
  table.add(std::move(dropout));
}

void add_row_layers(OperationTable& table) {
  Operation linear = row("linear", "linear layer on a row", {{"features", std::int64_t{0}}, {"bias", true}});
  linear.shape = linear_shape;
  linear.cost = [](const Shapes& inputs, const Shape& out, const Parameters& parameters) {
    return linear_cost(inputs[0].channels, out.channels, boolean_of(parameters, "bias", true));
  };
  linear.keeps_zero = [](const Parameters& parameters) { return !boolean_of(parameters, "bias", true); };
  table.add(std::move(linear));

  Operation dense =
      row("dense", "linear layer on a row, batch norm, activation, dropout",
          {{"features", std::int64_t{0}}, {"activation", std::string("relu")}, {"norm", false}, {"dropout", 0.0}});
  dense.shape = [](const Shapes& inputs, const Parameters& parameters) {
    activation_of(parameters, "activation", "relu");
    real_in(parameters, "dropout", 0, 0, 0.99);
    return linear_shape(inputs, parameters);
  };
  dense.cost = [](const Shapes& inputs, const Shape& out, const Parameters& parameters) {
    Cost cost = linear_cost(inputs[0].channels, out.channels, true);
    return cost += norm_cost(out.channels, boolean_of(parameters, "norm", false));
  };
  table.add(std::move(dense));

  Operation classifier = row("classifier", "global average pool of an image, dropout, linear layer to the classes",
                             {{"features", std::int64_t{0}}, {"dropout", 0.0}});
  classifier.shape = classifier_shape;
  classifier.cost = [](const Shapes& inputs, const Shape& out, const Parameters&) {
    return linear_cost(inputs[0].channels, out.channels, true);
  };
  table.add(std::move(classifier));
}

}  // namespace

void add_plain(OperationTable& table) {
  add_structure(table);
  add_pools(table);
  add_norms(table);
  add_activations(table);
  add_row_layers(table);
}

}  // namespace netwright::rows

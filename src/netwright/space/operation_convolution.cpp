// Images to images with weights: convolutions and what DARTS and NAS-Bench-201 make of them.
#include "netwright/base/error.h"
#include "netwright/space/operation_rows.h"

namespace netwright::rows {

namespace {

using Shapes = std::vector<Shape>;

std::int64_t positions(const Shape& shape) {
  return shape.height * shape.width;
}

std::int64_t dilation_of(const Parameters& parameters, std::int64_t fallback = 1) {
  return integer_in(parameters, "dilation", fallback, 1, 16);
}

bool affine_of(const Parameters& parameters) {
  return boolean_of(parameters, "affine", true);
}

bool is_plain_norm(const Parameters& parameters) {
  return !affine_of(parameters);
}

Shape convolution_shape(const Shapes& inputs, const Parameters& parameters) {
  odd_kernel_of(parameters);
  dilation_of(parameters);
  return strided(image(inputs[0]), channels_of(parameters, inputs[0]), stride_of(parameters));
}

Shape grouped_shape(const Shapes& inputs, const Parameters& parameters) {
  const Shape out = convolution_shape(inputs, parameters);
  const std::int64_t groups = integer_in(parameters, "groups", 1, 1, 65536);
  if (inputs[0].channels % groups != 0 || out.channels % groups != 0) {
    throw invalid({},
                  std::to_string(inputs[0].channels) + " input and " + std::to_string(out.channels) +
                      " output channels cannot be split into " + std::to_string(groups) + " groups",
                  "choose groups that divide both numbers of channels");
  }
  return out;
}

ConvolutionCost convolution(const Shapes& inputs, const Shape& out, const Parameters& parameters) {
  return {.in = inputs[0].channels,
          .out = out.channels,
          .kernel = integer_of(parameters, "kernel", 3),
          .groups = integer_of(parameters, "groups", 1),
          .positions = positions(out)};
}

Cost normed_cost(const Shapes& inputs, const Shape& out, const Parameters& parameters) {
  Cost cost = cost_of(convolution(inputs, out, parameters));
  return cost += norm_cost(out.channels, affine_of(parameters));
}

// Depthwise, pointwise, batch norm.
Cost separable_cost(std::int64_t in, const Shape& out, const Parameters& parameters) {
  Cost cost = cost_of(
      {.in = in, .out = in, .kernel = integer_of(parameters, "kernel", 3), .groups = in, .positions = positions(out)});
  cost += cost_of({.in = in, .out = out.channels, .positions = positions(out)});
  return cost += norm_cost(out.channels, affine_of(parameters));
}

// The two halves of a factorized reduction together are one 1x1 convolution; so is the channel change of align.
Cost pointwise_cost(const Shapes& inputs, const Shape& out, const Parameters& parameters) {
  Cost cost = cost_of({.in = inputs[0].channels, .out = out.channels, .positions = positions(out)});
  return cost += norm_cost(out.channels, affine_of(parameters));
}

Shape factorized_shape(const Shapes& inputs, const Parameters& parameters) {
  const std::int64_t channels = channels_of(parameters, inputs[0]);
  if (channels < 2) {
    throw invalid({}, "a factorized reduction makes two halves of its channels, but it has only 1",
                  "give it at least 2 channels");
  }
  return strided(image(inputs[0]), channels, 2);
}

Shape skip_shape(const Shapes& inputs, const Parameters& parameters) {
  const Shape& in = inputs[0];
  const std::int64_t stride = integer_in(parameters, "stride", 1, 1, 2);
  const std::int64_t channels = channels_of(parameters, in);
  if (stride == 1 && channels != in.channels) {
    throw invalid({},
                  "a skip_connect of stride 1 cannot turn " + std::to_string(in.channels) + " channels into " +
                      std::to_string(channels),
                  "use nor_conv_1x1, or stride 2");
  }
  if (stride == 1) return in;
  // A single position has nothing to reduce: the input passes through unless its channels change.
  return factorized_shape(inputs, parameters);
}

Cost skip_cost(const Shapes& inputs, const Shape& out, const Parameters& parameters) {
  return inputs[0] == out ? Cost{} : pointwise_cost(inputs, out, parameters);
}

Shape align_shape(const Shapes& inputs, const Parameters& parameters) {
  const Shape &x = image(inputs[0]), &reference = image(inputs[1]);
  const Shape out = {channels_of(parameters, x), reference.height, reference.width};
  const bool same = x.height == reference.height && x.width == reference.width;
  if (same || strided(x, out.channels, 2) == out) return out;
  throw invalid({}, "an image of " + to_string(x) + " cannot be aligned with one of " + to_string(reference),
                "the first input has to be as large as the second or twice as large");
}

Operation row(std::string name, std::string summary, Parameters defaults) {
  Operation operation;
  operation.name = std::move(name);
  operation.summary = std::move(summary);
  operation.defaults = std::move(defaults);
  return operation;
}

void add_plain_convolutions(OperationTable& table) {
  Operation nor_conv = row("nor_conv", "ReLU, convolution without bias, batch norm",
                           {{"kernel", std::int64_t{3}},
                            {"channels", std::int64_t{0}},
                            {"stride", std::int64_t{1}},
                            {"dilation", std::int64_t{1}},
                            {"affine", true}});
  nor_conv.shape = convolution_shape;
  nor_conv.cost = normed_cost;
  nor_conv.keeps_zero = is_plain_norm;
  table.add(std::move(nor_conv));
  table.alias("nor_conv_1x1", "nor_conv", {{"kernel", std::int64_t{1}}});
  table.alias("nor_conv_3x3", "nor_conv", {{"kernel", std::int64_t{3}}});
  table.alias("relu_conv_bn", "nor_conv", {{"kernel", std::int64_t{1}}});

  Operation conv_bn = row("conv_bn", "convolution without bias, batch norm, activation",
                          {{"kernel", std::int64_t{3}},
                           {"channels", std::int64_t{0}},
                           {"stride", std::int64_t{1}},
                           {"groups", std::int64_t{1}},
                           {"dilation", std::int64_t{1}},
                           {"activation", std::string("none")},
                           {"affine", true}});
  conv_bn.shape = [](const Shapes& inputs, const Parameters& parameters) {
    activation_of(parameters, "activation", "none");
    return grouped_shape(inputs, parameters);
  };
  conv_bn.cost = normed_cost;
  conv_bn.keeps_zero = [](const Parameters& parameters) {
    return is_plain_norm(parameters) && text_of(parameters, "activation", "none") != "sigmoid";
  };
  table.add(std::move(conv_bn));

  Operation conv = row("conv", "convolution",
                       {{"kernel", std::int64_t{3}},
                        {"channels", std::int64_t{0}},
                        {"stride", std::int64_t{1}},
                        {"groups", std::int64_t{1}},
                        {"dilation", std::int64_t{1}},
                        {"bias", true}});
  conv.shape = grouped_shape;
  conv.cost = [](const Shapes& inputs, const Shape& out, const Parameters& parameters) {
    ConvolutionCost c = convolution(inputs, out, parameters);
    c.bias = boolean_of(parameters, "bias", true);
    return cost_of(c);
  };
  conv.keeps_zero = [](const Parameters& parameters) { return !boolean_of(parameters, "bias", true); };
  table.add(std::move(conv));
}

void add_separable_convolutions(OperationTable& table) {
  Operation sep_conv =
      row("sep_conv", "twice ReLU, depthwise and pointwise convolution, batch norm",
          {{"kernel", std::int64_t{3}}, {"channels", std::int64_t{0}}, {"stride", std::int64_t{1}}, {"affine", true}});
  sep_conv.shape = convolution_shape;
  sep_conv.cost = [](const Shapes& inputs, const Shape& out, const Parameters& parameters) {
    const std::int64_t in = inputs[0].channels;
    Cost cost = separable_cost(in, {in, out.height, out.width}, parameters);
    return cost += separable_cost(in, out, parameters);
  };
  sep_conv.keeps_zero = is_plain_norm;
  table.add(std::move(sep_conv));
  for (const std::int64_t kernel : {3, 5, 7}) {
    const std::string side = std::to_string(kernel);
    table.alias("sep_conv_" + side + "x" + side, "sep_conv", {{"kernel", kernel}});
  }

  Operation dil_conv = row("dil_conv", "ReLU, dilated depthwise and pointwise convolution, batch norm",
                           {{"kernel", std::int64_t{3}},
                            {"channels", std::int64_t{0}},
                            {"stride", std::int64_t{1}},
                            {"dilation", std::int64_t{2}},
                            {"affine", true}});
  dil_conv.shape = convolution_shape;
  dil_conv.cost = [](const Shapes& inputs, const Shape& out, const Parameters& parameters) {
    return separable_cost(inputs[0].channels, out, parameters);
  };
  dil_conv.keeps_zero = is_plain_norm;
  table.add(std::move(dil_conv));
  for (const std::int64_t kernel : {3, 5}) {
    const std::string side = std::to_string(kernel);
    table.alias("dil_conv_" + side + "x" + side, "dil_conv", {{"kernel", kernel}});
  }
}

void add_shape_changers(OperationTable& table) {
  Operation reduce = row("factorized_reduce", "ReLU, two 1x1 convolutions of stride 2 side by side, batch norm",
                         {{"channels", std::int64_t{0}}, {"affine", true}});
  reduce.shape = factorized_shape;
  reduce.cost = pointwise_cost;
  reduce.keeps_zero = is_plain_norm;
  table.add(std::move(reduce));

  Operation skip = row("skip_connect", "passes its input through; at stride 2 a factorized reduction",
                       {{"channels", std::int64_t{0}}, {"stride", std::int64_t{1}}, {"affine", true}});
  skip.identity = true;
  skip.shape = skip_shape;
  skip.cost = skip_cost;
  skip.keeps_zero = is_plain_norm;
  table.add(std::move(skip));

  Operation align = row("align",
                        "brings the first input to the second's size: ReLU, 1x1 convolution, batch norm, or a "
                        "factorized reduction",
                        {{"channels", std::int64_t{0}}, {"affine", true}});
  align.min_inputs = align.max_inputs = 2;
  align.shape = align_shape;
  align.cost = pointwise_cost;
  align.keeps_zero = is_plain_norm;
  table.add(std::move(align));
}

}  // namespace

void add_convolutions(OperationTable& table) {
  add_plain_convolutions(table);
  add_separable_convolutions(table);
  add_shape_changers(table);
}

}  // namespace netwright::rows

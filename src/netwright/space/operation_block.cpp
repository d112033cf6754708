// Blocks with a shortcut of their own, squeeze-and-excite, and DARTS's auxiliary head.
#include "netwright/base/error.h"
#include "netwright/space/operation_rows.h"

namespace netwright::rows {

namespace {

using Shapes = std::vector<Shape>;

std::int64_t positions(const Shape& shape) {
  return shape.height * shape.width;
}

// 1x1 down, ReLU, 1x1 up, sigmoid, both with bias, on the means of the channels.
Cost excite_cost(std::int64_t channels, std::int64_t width) {
  Cost cost = linear_cost(channels, width, true);
  return cost += linear_cost(width, channels, true);
}

Shape inverted_residual_shape(const Shapes& inputs, const Parameters& parameters) {
  odd_kernel_of(parameters);
  integer_in(parameters, "expansion", 6, 1, 64);
  real_in(parameters, "squeeze_excite", 0, 0, 1);
  activation_of(parameters, "activation", "relu6");
  return strided(image(inputs[0]), channels_of(parameters, inputs[0]), stride_of(parameters));
}

Cost inverted_residual_cost(const Shapes& inputs, const Shape& out, const Parameters& parameters) {
  const Shape& in = inputs[0];
  const std::int64_t expansion = integer_of(parameters, "expansion", 6);
  const std::int64_t wide = in.channels * expansion;
  Cost cost;
  if (expansion != 1) {
    cost += cost_of({.in = in.channels, .out = wide, .positions = positions(in)});
    cost += norm_cost(wide, true);
  }
  cost += cost_of({.in = wide,
                   .out = wide,
                   .kernel = integer_of(parameters, "kernel", 3),
                   .groups = wide,
                   .positions = positions(out)});
  cost += norm_cost(wide, true);
  const double ratio = real_of(parameters, "squeeze_excite", 0);
  if (ratio > 0) cost += excite_cost(wide, squeezed(in.channels, ratio));
  cost += cost_of({.in = wide, .out = out.channels, .positions = positions(out)});
  return cost += norm_cost(out.channels, true);
}

Shape residual_block_shape(const Shapes& inputs, const Parameters& parameters) {
  odd_kernel_of(parameters);
  const Shape& in = image(inputs[0]);
  const std::int64_t stride = stride_of(parameters);
  const std::string style = one_of(parameters, "style", "resnet", {"resnet", "nas_bench_201"});
  if (style == "nas_bench_201" && (in.height % stride != 0 || in.width % stride != 0)) {
    throw invalid({},
                  "a residual_block of style nas_bench_201 pools its shortcut, and " + to_string(in) +
                      " is no multiple of its stride " + std::to_string(stride),
                  "use style resnet, or an input whose sides are multiples of the stride");
  }
  return strided(in, channels_of(parameters, in), stride);
}

Cost residual_block_cost(const Shapes& inputs, const Shape& out, const Parameters& parameters) {
  const Shape& in = inputs[0];
  const std::int64_t kernel = integer_of(parameters, "kernel", 3);
  Cost cost = cost_of({.in = in.channels, .out = out.channels, .kernel = kernel, .positions = positions(out)});
  cost += cost_of({.in = out.channels, .out = out.channels, .kernel = kernel, .positions = positions(out)});
  cost += norm_cost(2 * out.channels, true);
  if (integer_of(parameters, "stride", 1) != 1 || in.channels != out.channels) {
    cost += cost_of({.in = in.channels, .out = out.channels, .positions = positions(out)});
    if (text_of(parameters, "style", "resnet") == "resnet") cost += norm_cost(out.channels, true);
  }
  return cost;
}

Shape auxiliary_shape(const Shapes& inputs, const Parameters& parameters) {
  image(inputs[0]);
  const std::int64_t classes = integer_in(parameters, "features", 0, 0, 1 << 24);
  if (classes == 0) throw invalid({}, "auxiliary_classifier has no number of classes", "set its parameter features");
  return {classes, 0, 0};
}

// On images pooled to 2x2.
Cost auxiliary_cost(const Shapes& inputs, const Shape& out, const Parameters&) {
  constexpr std::int64_t narrow = 128, wide = 768;
  Cost cost = cost_of({.in = inputs[0].channels, .out = narrow, .positions = 4});
  cost += norm_cost(narrow, true);
  cost += cost_of({.in = narrow, .out = wide, .kernel = 2});
  cost += norm_cost(wide, true);
  return cost += linear_cost(wide, out.channels, true);
}

}  // namespace

void add_blocks(OperationTable& table) {
  Operation inverted;
  inverted.name = "inverted_residual";
  inverted.summary = "1x1 expansion, depthwise convolution, squeeze-and-excite, linear 1x1 projection, residual sum";
  inverted.defaults = {{"kernel", std::int64_t{3}},   {"expansion", std::int64_t{6}},
                       {"channels", std::int64_t{0}}, {"stride", std::int64_t{1}},
                       {"squeeze_excite", 0.0},       {"activation", std::string("relu6")}};
  inverted.shape = inverted_residual_shape;
  inverted.cost = inverted_residual_cost;
  table.add(std::move(inverted));

  Operation residual;
  residual.name = "residual_block";
  residual.summary = "two convolutions with batch norm and a shortcut";
  residual.defaults = {{"channels", std::int64_t{0}},
                       {"stride", std::int64_t{1}},
                       {"kernel", std::int64_t{3}},
                       {"style", std::string("resnet")}};
  residual.shape = residual_block_shape;
  residual.cost = residual_block_cost;
  table.add(std::move(residual));

  Operation excite;
  excite.name = "squeeze_excite";
  excite.summary = "scales each channel by a gate computed from all channels' means";
  excite.defaults = {{"ratio", 0.25}};
  excite.shape = [](const Shapes& inputs, const Parameters& parameters) {
    real_in(parameters, "ratio", 0.25, 0, 1);
    return image(inputs[0]);
  };
  excite.cost = [](const Shapes& inputs, const Shape&, const Parameters& parameters) {
    const std::int64_t channels = inputs[0].channels;
    return excite_cost(channels, squeezed(channels, real_of(parameters, "ratio", 0.25)));
  };
  excite.keeps_zero = [](const Parameters&) { return true; };
  table.add(std::move(excite));

  Operation auxiliary;
  auxiliary.name = "auxiliary_classifier";
  auxiliary.summary = "DARTS's auxiliary head: pool to 2x2, two convolutions, linear";
  auxiliary.defaults = {{"features", std::int64_t{0}}};
  auxiliary.shape = auxiliary_shape;
  auxiliary.cost = auxiliary_cost;
  table.add(std::move(auxiliary));
}

}  // namespace netwright::rows

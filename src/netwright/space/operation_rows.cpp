#include "netwright/space/operation_rows.h"

#include <algorithm>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright::rows {

namespace {

// Bounds that keep every count within 64 bits.
constexpr std::int64_t most_channels = 65536;
constexpr std::int64_t largest_kernel = 31;

}  // namespace

std::int64_t integer_in(const Parameters& parameters, const std::string& name, std::int64_t fallback, std::int64_t low,
                        std::int64_t high) {
  const std::int64_t value = integer_of(parameters, name, fallback);
  if (value >= low && value <= high) return value;
  throw invalid({}, "parameter '" + name + "' is " + std::to_string(value),
                "give an integer from " + std::to_string(low) + " to " + std::to_string(high));
}

double real_in(const Parameters& parameters, const std::string& name, double fallback, double low, double high) {
  const double value = real_of(parameters, name, fallback);
  if (value >= low && value <= high) return value;
  throw invalid({}, "parameter '" + name + "' is " + number_text(value),
                "give a number from " + number_text(low) + " to " + number_text(high));
}

std::string one_of(const Parameters& parameters, const std::string& name, const std::string& fallback,
                   const std::vector<std::string>& allowed) {
  std::string value = text_of(parameters, name, fallback);
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return value;
  throw invalid({}, "parameter '" + name + "' is '" + value + "'", suggest(value, allowed));
}

std::int64_t stride_of(const Parameters& parameters) {
  return integer_in(parameters, "stride", 1, 1, 16);
}

std::int64_t odd_kernel_of(const Parameters& parameters) {
  const std::int64_t kernel = integer_in(parameters, "kernel", 3, 1, largest_kernel);
  if (kernel % 2 == 1) return kernel;
  throw invalid({}, "kernel " + std::to_string(kernel) + " is even, so padding cannot keep the image's size",
                "use " + std::to_string(kernel - 1) + " or " + std::to_string(kernel + 1));
}

std::int64_t channels_of(const Parameters& parameters, const Shape& input) {
  const std::int64_t channels = integer_in(parameters, "channels", 0, 0, most_channels);
  return channels == 0 ? input.channels : channels;
}

std::string activation_of(const Parameters& parameters, const std::string& name, const std::string& fallback) {
  static const std::vector<std::string> names = {"none", "relu", "relu6",   "hard_swish",
                                                 "silu", "gelu", "sigmoid", "tanh"};
  return one_of(parameters, name, fallback, names);
}

const Shape& image(const Shape& input) {
  if (input.is_image()) return input;
  throw invalid({}, "the input is a row of " + to_string(input) + " features, not an image",
                "use dense or linear here, or move this before the global_pool or flatten");
}

Shape strided(const Shape& image, std::int64_t channels, std::int64_t stride) {
  return {channels, (image.height + stride - 1) / stride, (image.width + stride - 1) / stride};
}

Cost cost_of(const ConvolutionCost& c) {
  const std::int64_t weights = c.in / c.groups * c.out * c.kernel * c.kernel;
  Cost cost{.parameters = weights, .macs = weights * c.positions, .bias_adds = 0};
  if (c.bias) {
    cost.parameters += c.out;
    cost.bias_adds = c.out * c.positions;
  }
  return cost;
}

Cost linear_cost(std::int64_t in, std::int64_t out, bool bias) {
  return cost_of({.in = in, .out = out, .bias = bias});
}

Cost norm_cost(std::int64_t channels, bool affine) {
  return {.parameters = affine ? 2 * channels : 0};
}

std::int64_t squeezed(std::int64_t channels, double ratio) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(channels) * ratio));
}

}  // namespace netwright::rows

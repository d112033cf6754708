// The rows of OperationTable::standard(), and the rules they share.
#pragma once

#include <string>
#include <vector>

#include "netwright/space/operation.h"

namespace netwright::rows {

void add_convolutions(OperationTable& table);  // operation_convolution.cpp
void add_blocks(OperationTable& table);        // operation_block.cpp
void add_plain(OperationTable& table);         // operation_plain.cpp

// A parameter within its range; an invalid Error that names it otherwise.
std::int64_t integer_in(const Parameters& parameters, const std::string& name, std::int64_t fallback, std::int64_t low,
                        std::int64_t high);
double real_in(const Parameters& parameters, const std::string& name, double fallback, double low, double high);
std::string one_of(const Parameters& parameters, const std::string& name, const std::string& fallback,
                   const std::vector<std::string>& allowed);

std::int64_t stride_of(const Parameters& parameters);
std::int64_t odd_kernel_of(const Parameters& parameters);
// The parameter `channels`, or the input's where it is 0.
std::int64_t channels_of(const Parameters& parameters, const Shape& input);
std::string activation_of(const Parameters& parameters, const std::string& name, const std::string& fallback);

const Shape& image(const Shape& input);  // throws unless it is one
// An image after a 'same'-padded window of that stride: sides divided, rounded up.
Shape strided(const Shape& image, std::int64_t channels, std::int64_t stride);

struct ConvolutionCost {
  std::int64_t in = 0, out = 0;
  std::int64_t kernel = 1, groups = 1;
  std::int64_t positions = 1;  // of the output
  bool bias = false;
};
Cost cost_of(const ConvolutionCost& convolution);
Cost linear_cost(std::int64_t in, std::int64_t out, bool bias);
Cost norm_cost(std::int64_t channels, bool affine);
// Width of the bottleneck of squeeze-and-excite: at least one channel.
std::int64_t squeezed(std::int64_t channels, double ratio);

}  // namespace netwright::rows

// The architecture strings of NAS-Bench-201 (Dong & Yang, ICLR 2020):
// "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|", the cell's edges grouped by target node, each with its source after the tilde.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "netwright/space/configuration.h"
#include "netwright/space/graph.h"
#include "netwright/space/operation.h"

namespace netwright {

// In the order of the paper.
inline constexpr std::array<const char*, 5> nas_bench_201_operations = {"none", "skip_connect", "nor_conv_1x1",
                                                                        "nor_conv_3x3", "avg_pool_3x3"};
// The choices of spaces/nas-bench-201.yaml, in the order of the string.
inline constexpr std::array<const char*, 6> nas_bench_201_edges = {"edge_0_1", "edge_0_2", "edge_1_2",
                                                                   "edge_0_3", "edge_1_3", "edge_2_3"};

// Both throw an invalid Error that shows what is wrong with the string, or the configuration.
Configuration nas_bench_201_configuration(std::string_view architecture);
std::string nas_bench_201_architecture(const Configuration& configuration);

struct NasBench201Options {
  std::int64_t channels = 16;  // of the stem; doubled at each of the two reductions
  std::int64_t cells = 5;      // a stage
  Shape input = {3, 32, 32};
  std::int64_t classes = 10;
};

// The network of the paper: stem, three stages of cells with residual blocks of stride 2 between, batch norm, ReLU,
// classifier. The same as spaces/nas-bench-201.yaml filled. Throws as nas_bench_201_configuration does.
Network nas_bench_201_network(std::string_view architecture, const OperationTable& table,
                              const NasBench201Options& options = {});

}  // namespace netwright

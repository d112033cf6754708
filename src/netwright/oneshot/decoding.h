// From what a search has learned to one configuration of the space. A rule is a row in decoding.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "netwright/base/random.h"
#include "netwright/oneshot/mixture.h"
#include "netwright/space/search_space.h"

namespace netwright {

struct Importance {
  std::vector<torch::Tensor> weights;  // by group: rows x options
  std::vector<torch::Tensor> edges;    // by sum over chosen edges: a weight an edge; undefined, or none: 1
};

// What a rule may use. `importance` suffices for top_edges and best_path.
struct Decoding {
  const SearchSpace& space;
  const Relaxation& relaxation;
  Importance importance;
  std::function<double(const Mixture&)> accuracy;  // of the supernet under that mixture, on validation data
  std::function<void(const Mixture&)> tune;        // trains the weights a little under it; may be empty
  std::function<Mixture()> draw;                   // one that the search would draw now
  int samples = 100;                               // of best_of_samples
  Random& random;
};

struct DecodingRule {
  std::string name;
  std::string summary;
  Configuration (*decode)(const Decoding&);
};

// - top_edges: of each chosen sum the edges whose best operation other than `none` weighs most (times the edge's
// weight),
//   with that operation, as DARTS publishes it; equal weights: the earlier. Of every other choice the option that
//   weighs most.
// - best_path: the likeliest network: an edge that is left out counts as `none`. The same without chosen sums.
// - perturbation: an edge's operation is the one whose removal costs the supernet most accuracy, edges in random order,
//   tuned in between; then of each chosen sum the edges whose removal costs most (Wang et al. 2021, "Rethinking
//   Architecture Selection in Differentiable NAS").
// - best_of_samples: the most accurate of so many drawn networks, with the shared weights.
std::vector<DecodingRule> decoding_rules();

// An invalid Error suggests the nearest name.
Configuration decode(const std::string& rule, const Decoding& decoding);

}  // namespace netwright

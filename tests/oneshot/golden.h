// The reference data under goldens/: weights, inputs and expected outputs of small search networks in float64.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/oneshot/supernet.h"
#include "netwright/space/search_space.h"
#include "netwright/train/tensors.h"

namespace netwright::testing {

// Paths of every file of the folder; none where it is absent.
std::vector<std::string> golden_files();

struct Golden {
  explicit Golden(const std::string& path);

  Json json;
  SearchSpace space;
  bool partial;  // PC-DARTS

  torch::Tensor input(const std::string& which) const;  // "train", "valid"
  torch::Tensor target(const std::string& which) const;

  // The file's own architecture tensors in the order of Relaxation::groups, then of its sums.
  std::vector<torch::Tensor> alphas(const Relaxation& relaxation, const Json& from) const;
  std::vector<torch::Tensor> betas(const Relaxation& relaxation, const Json& from) const;

  // In float64 with the file's weights.
  std::shared_ptr<Supernet> supernet(bool plain) const;
  // Expected genotype as a configuration of the space.
  Configuration genotype() const;
};

torch::Tensor tensor_of(const Json& json);  // {"shape", "data"}

// Our name of each published parameter name.
std::map<std::string, std::string> published_names(const Relaxation& relaxation, const Json& parameters);

// |a - b| <= tolerance * largest |b|, element by element.
::testing::AssertionResult close(const torch::Tensor& a, const torch::Tensor& b, double tolerance);
::testing::AssertionResult close(double a, double b, double tolerance);

}  // namespace netwright::testing

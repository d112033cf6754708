#include "netwright/nn/operations.h"

#include "netwright/nn/layers.h"

namespace netwright {

LayerTable LayerTable::standard() {
  LayerTable table;
  table.add("none", layers::none);
  table.add("identity", layers::identity);
  table.add("skip_connect", layers::skip_connect);
  table.add("add", layers::add);
  table.add("concat", layers::concat);
  table.add("nor_conv", layers::nor_conv);
  table.add("conv_bn", layers::conv_bn);
  table.add("conv", layers::conv);
  table.add("sep_conv", layers::sep_conv);
  table.add("dil_conv", layers::dil_conv);
  table.add("factorized_reduce", layers::factorized_reduce);
  table.add("align", layers::align);
  table.add("max_pool", layers::max_pool);
  table.add("avg_pool", layers::avg_pool);
  table.add("inverted_residual", layers::inverted_residual);
  table.add("residual_block", layers::residual_block);
  table.add("squeeze_excite", layers::squeeze_excite);
  table.add("batch_norm", layers::batch_norm);
  table.add("layer_norm", layers::layer_norm);
  table.add("bn_relu", layers::bn_relu);
  table.add("relu", layers::relu);
  table.add("activation", layers::activation);
  table.add("dropout", layers::dropout);
  table.add("global_pool", layers::global_pool);
  table.add("flatten", layers::flatten);
  table.add("linear", layers::linear);
  table.add("dense", layers::dense);
  table.add("classifier", layers::classifier);
  table.add("auxiliary_classifier", layers::auxiliary_classifier);
  return table;
}

void LayerTable::add(const std::string& operation, LayerFactory factory) {
  factories_[operation] = std::move(factory);
}

const LayerFactory* LayerTable::find(const std::string& operation) const {
  const auto found = factories_.find(operation);
  return found == factories_.end() ? nullptr : &found->second;
}

std::vector<std::string> LayerTable::names() const {
  std::vector<std::string> names;
  for (const auto& [name, factory] : factories_) names.push_back(name);
  return names;
}

torch::Tensor drop_path(const torch::Tensor& x, double probability) {
  if (probability <= 0) return x;
  const double keep = 1 - probability;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(x.dim()), 1);
  sizes[0] = x.size(0);
  return x * torch::empty(sizes, x.options()).bernoulli_(keep).div_(keep);
}

}  // namespace netwright

#include "netwright/nn/module_tree.h"

#include <map>
#include <set>

#include "netwright/base/random.h"
#include "netwright/base/text.h"
#include "netwright/nn/units.h"

namespace netwright {

void register_layers(const std::shared_ptr<torch::nn::Module>& root, const NamedLayers& layers) {
  std::map<std::string, std::shared_ptr<torch::nn::Module>> modules;
  for (const auto& [path, layer] : layers) modules[path] = layer;
  std::set<std::string> registered;
  for (const auto& [path, layer] : layers) {
    std::shared_ptr<torch::nn::Module> parent = root;
    std::string prefix;
    for (const std::string& part : split(path, '.')) {
      prefix += (prefix.empty() ? "" : ".") + part;
      std::shared_ptr<torch::nn::Module>& child = modules[prefix];
      if (!child) child = std::make_shared<torch::nn::Module>();
      if (registered.insert(prefix).second) parent->register_module(part, child);
      parent = child;
    }
  }
}

void initialize_units(torch::nn::Module& root, std::uint64_t seed) {
  for (const auto& item : root.named_modules()) {
    if (auto* unit = dynamic_cast<Unit*>(item.value().get())) {
      at::Generator generator = compat::cpu_generator(derive_seed(seed, item.key()));
      unit->initialize(generator);
    }
  }
}

}  // namespace netwright

#include "netwright/train/trained.h"

#include "netwright/base/error.h"

namespace netwright {

std::shared_ptr<NetworkModule> trained_module(const Checkpoint& checkpoint, const OperationTable& table) {
  auto module = build(checkpoint.network, table, {});
  const NamedTensors wanted = module_tensors(*module);
  const NamedTensors weights = evaluated_weights(checkpoint);
  NamedTensors used;  // without the auxiliary classifier's
  for (const auto& [name, tensor] : wanted) {
    if (const torch::Tensor* found = find_tensor(weights, name)) used.emplace_back(name, *found);
  }
  copy_tensors(used, wanted, "checkpoint");
  module->eval();
  return module;
}

TrainedData trained_data(const Checkpoint& checkpoint) {
  try {
    const Json& data = checkpoint.data;
    return {data_options_from_json(data.at("options")), data.at("class_names").get<std::vector<std::string>>(),
            data.at("mean").get<std::vector<float>>(), data.at("deviation").get<std::vector<float>>()};
  } catch (const Json::exception&) {
    throw Error(ExitCode::invalid, "the checkpoint does not say what data it was trained on",
                "make it with 'netwright run'");
  }
}

}  // namespace netwright

#include "netwright/export/torchscript.h"

#include <gtest/gtest.h>
#include <torch/script.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/yaml.h"
#include "netwright/export/fold.h"
#include "netwright/space/search_space.h"
#include "netwright/train/evaluate.h"
#include "netwright/train/loop.h"
#include "netwright/train/trained.h"
#include "train/example.h"

namespace netwright {
namespace {

namespace fs = std::filesystem;

class Export : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "netwright-export-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

 private:
  fs::path folder_;
};

// A checkpoint of random weights, with running statistics that are not those of a new network.
Checkpoint random_checkpoint(const Network& network) {
  Checkpoint checkpoint;
  checkpoint.network = network;
  checkpoint.evaluated = "model.";
  const auto channels = static_cast<std::size_t>(network.input.is_image() ? network.input.channels : 0);
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < network.classes; ++i) names.push_back("class " + std::to_string(i));
  checkpoint.data = {{"options", to_json(DataOptions())},
                     {"class_names", names},
                     {"mean", std::vector<float>(channels, 0.3F)},
                     {"deviation", std::vector<float>(channels, 0.25F)}};
  checkpoint.metrics = {{"accuracy", 0.5}};
  checkpoint.configuration.set("width", std::int64_t{16});
  const auto module = build(network, OperationTable::standard(), {});
  const torch::NoGradGuard no_grad;
  torch::manual_seed(2);
  for (auto& [name, tensor] : module_tensors(*module)) {
    torch::Tensor values = tensor.detach();
    if (name.ends_with("running_mean")) values.normal_(0, 0.1);
    if (name.ends_with("running_var")) values.uniform_(0.5, 1.5);
    if (name.ends_with("norm.weight")) values.uniform_(0.5, 1.5);
    if (name.ends_with("norm.bias")) values.normal_(0, 0.1);
  }
  append_with_prefix(checkpoint.tensors, module_tensors(*module), "model.");
  return checkpoint;
}

TEST_F(Export, TrainedNetworkLoadsAndAgrees) {
  Training training(testing::example_network(0.2, true), testing::example_recipe(), testing::example_data(), 1);
  TrainingHooks hooks;
  hooks.measured = [](const Measurement&) { return true; };
  training.run_until(2, hooks);
  const Checkpoint checkpoint = training.checkpoint();
  const std::string path = file("model.ts");
  const TorchScriptResult result = export_torchscript(checkpoint, path);
  EXPECT_LE(result.largest_difference, 1e-5);
  EXPECT_GT(result.parameters, 0);

  torch::jit::ExtraFilesMap extra = {{"netwright.json", ""}};
  torch::jit::Module loaded = torch::jit::load(path, torch::kCPU, extra);
  const Json description = Json::parse(extra.at("netwright.json"));
  EXPECT_EQ(description, export_description(checkpoint));
  EXPECT_EQ(description.at("class_names"), Json({"left", "middle", "right"}));
  EXPECT_EQ(loaded.attr("classes").toInt(), 3);
  EXPECT_EQ(loaded.attr("input_shape").toIntVector(), (std::vector<std::int64_t>{1, 8, 8}));

  // Pixels as shares go in; the loader's normalised ones go into the network itself.
  const SearchData data = testing::example_data();
  EvaluationLoader plain(data.validation, 30, /*normalize=*/false), normalized(data.validation, 30);
  const torch::NoGradGuard no_grad;
  const torch::Tensor expected = trained_module(checkpoint)->forward(normalized.get(0).inputs);
  const torch::Tensor logits = loaded.forward({plain.get(0).inputs.contiguous()}).toTensor();
  EXPECT_LT((logits - expected).abs().max().item<double>(), 1e-5 * std::max(1.0, expected.abs().max().item<double>()));
}

TEST_F(Export, FoldingKeepsTheFunctionAndRemovesNorms) {
  const Checkpoint checkpoint = random_checkpoint(testing::example_network());
  const auto original = trained_module(checkpoint), folded = trained_module(checkpoint);
  fold_batch_norms(*folded);
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::rand({4, 1, 8, 8});
  EXPECT_TRUE(torch::allclose(original->forward(x), folded->forward(x), 1e-5, 1e-6));
  EXPECT_GT(original->named_buffers().size(), 0U);
  EXPECT_LT(folded->named_buffers().size(), original->named_buffers().size());
}

// The shipped spaces, small: narrow and shallow where a space has parameters for that.
SearchSpace small_space(const std::string& path) {
  Yaml yaml = load_yaml(path);
  if (const Yaml* parameters = yaml.find("parameters")) {
    for (const auto& [name, value] : {std::pair{"channels", "8"}, {"layers", "4"}, {"cells", "1"}}) {
      if (parameters->find(name) != nullptr) set_by_path(yaml, std::string("parameters.") + name + "=" + value);
    }
  }
  return SearchSpace::parse(yaml, Yaml{}, std::nullopt, std::nullopt);
}

TEST_F(Export, MembersOfEveryShippedSpace) {
  int spaces = 0;
  for (const auto& entry : fs::directory_iterator(NETWRIGHT_SOURCE_DIR "/spaces")) {
    if (entry.path().extension() != ".yaml") continue;
    SCOPED_TRACE(entry.path().filename().string());
    const SearchSpace space = small_space(entry.path());
    Random random(4);
    std::vector<Network> members;
    for (int i = 0; i < 200 && members.size() < 2; ++i) {
      const Network network = space.fill(space.sample(random)).network;
      if (network_cost(network, space.table()).macs < 60'000'000) members.push_back(network);
    }
    ++spaces;
    EXPECT_EQ(members.size(), 2U);
    for (const Network& network : members) {
      const TorchScriptResult result = export_torchscript(random_checkpoint(network), file("member.ts"), space.table());
      EXPECT_LE(result.largest_difference, 1e-5);
    }
  }
  EXPECT_GT(spaces, 0);
}

TEST_F(Export, NetworkOfZerosKeepsTheBatch) {
  Network network = testing::linear_network();
  network.graph.nodes = {testing::make_node("nothing", "none", {0}), testing::make_node("sum", "concat", {0, 1}),
                         testing::make_node("head", "classifier", {2}, {{"features", std::int64_t{3}}})};
  network.graph.output = 3;
  EXPECT_LE(export_torchscript(random_checkpoint(network), file("zero.ts")).largest_difference, 1e-5);
}

TEST_F(Export, NothingIsWrittenWhereItCannotBe) {
  const Checkpoint checkpoint = random_checkpoint(testing::linear_network());
  EXPECT_THROW(export_torchscript(checkpoint, file("absent/model.ts")), Error);
  Checkpoint broken = checkpoint;
  broken.tensors.pop_back();
  EXPECT_THROW(export_torchscript(broken, file("model.ts")), Error);
  EXPECT_FALSE(file_exists(file("model.ts")));
}

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  while (std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), count);
  ::pclose(pipe);
  return output;
}

TEST_F(Export, PythonLoadsItAndAgrees) {
  if (output_of("/usr/bin/python3 -c 'import torch; print(1)' 2>/dev/null") != "1\n") {
    GTEST_SKIP() << "there is no /usr/bin/python3 with torch";
  }
  const Checkpoint checkpoint = random_checkpoint(testing::example_network());
  export_torchscript(checkpoint, file("model.ts"));
  std::ofstream(file("look.py")) << R"(
import json, sys, torch
extra = {"netwright.json": ""}
module = torch.jit.load(sys.argv[1], _extra_files=extra)
about = json.loads(extra["netwright.json"])
assert about["classes"] == module.classes == 3 and about["input"] == module.input_shape == [1, 8, 8]
x = torch.linspace(0, 1, 7 * 64).view(7, 1, 8, 8)
with torch.no_grad():
    print(json.dumps(module(x).double().flatten().tolist()))
)";
  const std::string output = output_of("/usr/bin/python3 " + file("look.py") + " " + file("model.ts"));
  const Json logits = Json::parse(output, nullptr, false);
  ASSERT_TRUE(logits.is_array()) << output;
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::linspace(0, 1, 7 * 64).view({7, 1, 8, 8});
  const torch::Tensor expected = trained_module(checkpoint)->forward((x - 0.3) / 0.25).flatten();
  ASSERT_EQ(static_cast<std::int64_t>(logits.size()), expected.numel());
  const double scale = std::max(1.0, expected.abs().max().item<double>());
  for (std::int64_t i = 0; i < expected.numel(); ++i) {
    EXPECT_NEAR(logits[static_cast<std::size_t>(i)].get<double>(), expected[i].item<double>(), 1e-5 * scale);
  }
}

}  // namespace
}  // namespace netwright

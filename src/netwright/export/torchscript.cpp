#include "netwright/export/torchscript.h"

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/script.h>

#include <algorithm>
#include <chrono>
#include <sstream>

#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/statistics.h"
#include "netwright/base/text.h"
#include "netwright/base/version.h"
#include "netwright/export/fold.h"
#include "netwright/train/evaluate.h"
#include "netwright/train/trained.h"

namespace netwright {
namespace {

constexpr double tolerance = 1e-5;  // of the largest logit

// Mirrors a module's tree with the very same tensors, so that the tracer finds them again as attributes. Class names
// need not tell the parts apart: the compilation unit numbers equal ones.
torch::jit::Module mirror(const torch::nn::Module& module, const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  torch::jit::Module copy(c10::QualifiedName("netwright.Part"), unit, /*shouldMangle=*/true);
  for (const auto& item : module.named_parameters(/*recurse=*/false)) {
    copy.register_parameter(item.key(), item.value(), /*is_buffer=*/false);
  }
  for (const auto& item : module.named_buffers(/*recurse=*/false)) {
    copy.register_parameter(item.key(), item.value(), /*is_buffer=*/true);
  }
  for (const auto& child : module.named_children()) copy.register_module(child.key(), mirror(*child.value(), unit));
  return copy;
}

torch::Tensor random_batch(const Shape& shape, std::int64_t samples, at::Generator& generator) {
  if (!shape.is_image()) return torch::randn({samples, shape.channels}, generator);
  return torch::rand({samples, shape.channels, shape.height, shape.width}, generator);
}

// Mean and deviation as 1 x C x 1 x 1, or undefined when the network was trained on plain values.
struct Normalizer {
  torch::Tensor mean, deviation;

  torch::Tensor operator()(const torch::Tensor& x) const { return mean.defined() ? (x - mean) / deviation : x; }
};

Normalizer normalizer_of(const Checkpoint& checkpoint) {
  const TrainedData data = trained_data(checkpoint);
  if (!checkpoint.network.input.is_image() || !checkpoint.recipe.augmentation.normalize || data.mean.empty()) return {};
  const auto channels = [](const std::vector<float>& values) { return torch::tensor(values).view({1, -1, 1, 1}); };
  return {channels(data.mean), channels(data.deviation)};
}

torch::jit::Module trace(NetworkModule& network, const Normalizer& normalizer, const torch::Tensor& example) {
  torch::jit::Module module = mirror(network, std::make_shared<torch::jit::CompilationUnit>());
  if (normalizer.mean.defined()) {
    module.register_buffer("mean", normalizer.mean);
    module.register_buffer("deviation", normalizer.deviation);
  }
  const auto run = [&](torch::jit::Stack inputs) -> torch::jit::Stack {
    return {network.forward(normalizer(inputs.at(0).toTensor()))};
  };
  const auto no_name = [](const torch::Tensor&) { return std::string(); };
  const auto traced =
      torch::jit::tracer::trace({example}, run, no_name, /*strict=*/true, /*force_outplace=*/false, &module, {"x"});
  auto* forward = module._ivalue()->compilation_unit()->create_function(
      c10::QualifiedName(*module.type()->name(), "forward"), traced.first->graph);
  module.type()->addMethod(forward);
  return module;
}

void describe(torch::jit::Module& module, const Checkpoint& checkpoint) {
  const Shape& input = checkpoint.network.input;
  c10::List<std::int64_t> shape;
  for (const std::int64_t size : {input.channels, input.height, input.width}) {
    if (size > 0) shape.push_back(size);
  }
  c10::List<std::string> names;
  for (const auto& name : trained_data(checkpoint).class_names) names.push_back(name);
  module.register_attribute("classes", c10::IntType::get(), checkpoint.network.classes);
  module.register_attribute("input_shape", c10::ListType::ofInts(), shape);
  module.register_attribute("class_names", c10::ListType::ofStrings(), names);
}

torch::Tensor logits_of(torch::jit::Module& exported, const torch::Tensor& batch) {
  try {
    return exported.forward({batch}).toTensor();
  } catch (const std::exception& error) {  // LibTorch's own words are a listing of the whole function
    const std::string text = error.what();
    const std::size_t at = text.rfind("RuntimeError");
    throw Error(ExitCode::failure,
                "the exported network does not run on " + std::to_string(batch.size(0)) +
                    " samples: " + trim(at == std::string::npos ? text : text.substr(at)),
                "one of its operations is not traced; use the checkpoint itself, and report this as a bug");
  }
}

double difference(torch::jit::Module& exported, NetworkModule& network, const Normalizer& normalizer,
                  const Shape& shape) {
  at::Generator generator = compat::cpu_generator(1);
  double largest = 0;
  for (const std::int64_t samples : {5, 1, 32}) {
    const torch::Tensor batch = random_batch(shape, samples, generator);
    const torch::Tensor expected = network.forward(normalizer(batch));
    const torch::Tensor logits = logits_of(exported, batch);
    if (logits.sizes() != expected.sizes()) {
      throw Error(ExitCode::failure, "the exported network does not keep the number of samples",
                  "one of its operations fixes the batch size; see docs/operations.md");
    }
    const double scale = std::max(1.0, expected.abs().max().item<double>());
    largest = std::max(largest, (logits - expected).abs().max().item<double>() / scale);
  }
  return largest;
}

double latency_ms(torch::jit::Module& module, const Shape& shape) {
  constexpr int warm_up = 5, runs = 31;
  at::Generator generator = compat::cpu_generator(2);
  const torch::Tensor sample = random_batch(shape, 1, generator);
  std::vector<double> milliseconds;
  for (int i = 0; i < warm_up + runs; ++i) {
    const auto began = std::chrono::steady_clock::now();
    module.forward({sample});
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - began;
    if (i >= warm_up) milliseconds.push_back(taken.count());
  }
  return median(milliseconds);
}

}  // namespace

Json export_description(const Checkpoint& checkpoint) {
  const Shape& input = checkpoint.network.input;
  const TrainedData data = trained_data(checkpoint);
  const bool normalized = input.is_image() && checkpoint.recipe.augmentation.normalize;
  return {{"schema", 1},
          {"netwright", version()},
          {"input", input.is_image() ? Json{input.channels, input.height, input.width} : Json{input.channels}},
          {"input_range", input.is_image() ? "float in [0, 1], N x C x H x W" : "standardised features, N x features"},
          {"classes", checkpoint.network.classes},
          {"class_names", data.class_names},
          {"mean", normalized ? Json(data.mean) : Json()},
          {"deviation", normalized ? Json(data.deviation) : Json()},
          {"configuration", to_json(checkpoint.configuration)},
          {"recipe", to_json(checkpoint.recipe)},
          {"metrics", checkpoint.metrics}};
}

TorchScriptResult export_torchscript(const Checkpoint& checkpoint, const std::string& path,
                                     const OperationTable& table) {
  const torch::NoGradGuard no_grad;
  const auto original = trained_module(checkpoint, table);
  const auto folded = trained_module(checkpoint, table);
  fold_batch_norms(*folded);
  for (torch::Tensor& parameter : folded->parameters()) parameter.set_requires_grad(false);
  const Normalizer normalizer = normalizer_of(checkpoint);
  at::Generator generator = compat::cpu_generator(0);
  torch::jit::Module module =
      trace(*folded, normalizer, random_batch(checkpoint.network.input, /*samples=*/2, generator));
  describe(module, checkpoint);
  module.eval();

  std::stringstream stream;
  module.save(stream, {{"netwright.json", export_description(checkpoint).dump(1)}});
  torch::jit::Module loaded = torch::jit::load(stream);
  TorchScriptResult result;
  result.largest_difference = difference(loaded, *original, normalizer, checkpoint.network.input);
  if (!(result.largest_difference <= tolerance)) {
    throw Error(ExitCode::failure,
                "the exported network's logits differ from the checkpoint's by " +
                    number_text(result.largest_difference) + " of the largest, more than " + number_text(tolerance),
                "use the checkpoint itself, and report this as a bug");
  }
  result.latency_ms = latency_ms(loaded, checkpoint.network.input);
  for (const torch::Tensor& parameter : loaded.parameters()) result.parameters += parameter.numel();
  write_file_atomically(path, stream.str());
  return result;
}

}  // namespace netwright

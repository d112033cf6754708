#include "netwright/train/evaluate.h"

#include <algorithm>
#include <chrono>

#include "netwright/base/statistics.h"

namespace netwright {
namespace {

// Sets evaluation mode for its lifetime.
class EvaluationMode {
 public:
  explicit EvaluationMode(torch::nn::Module& module) : module_(module), training_(module.is_training()) {
    module_.eval();
  }
  ~EvaluationMode() { module_.train(training_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  torch::nn::Module& module_;
  bool training_;
};

}  // namespace

Evaluation evaluate(NetworkModule& module, EvaluationLoader& loader, std::int64_t classes,
                    const torch::Device& device) {
  const EvaluationMode mode(module);
  const c10::InferenceMode inference;
  const auto counting = torch::TensorOptions().device(device).dtype(torch::kLong);
  torch::Tensor loss = torch::zeros({}, torch::TensorOptions().device(device).dtype(torch::kDouble));
  torch::Tensor among_five = torch::zeros({}, counting);
  torch::Tensor confusion = torch::zeros({classes * classes}, counting);
  Evaluation result;
  for (std::int64_t i = 0; i < loader.batches(); ++i) {
    const Batch batch = loader.get(i);
    const torch::Tensor labels = batch.labels.to(device);
    const torch::Tensor logits = module.forward(batch.inputs.to(device));
    loss += torch::nn::functional::cross_entropy(
        logits, labels, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum));
    const torch::Tensor best = std::get<1>(logits.topk(std::min<std::int64_t>(5, classes), 1));
    among_five += best.eq(labels.unsqueeze(1)).sum();
    confusion += torch::bincount(labels * classes + logits.argmax(1), {}, classes * classes);
    result.examples += batch.size();
  }
  const double count = static_cast<double>(std::max<std::int64_t>(result.examples, 1));
  const torch::Tensor table = confusion.view({classes, classes}).to(torch::kCPU);
  result.loss = loss.item<double>() / count;
  result.top5 = among_five.item<double>() / count;
  result.accuracy = table.trace().item<double>() / count;
  for (std::int64_t row = 0; row < classes; ++row) {
    const auto* begin = table.data_ptr<std::int64_t>() + row * classes;
    result.confusion.emplace_back(begin, begin + classes);
  }
  return result;
}

Json to_json(const Evaluation& evaluation, const std::string& prefix) {
  return {{prefix + "accuracy", evaluation.accuracy},
          {prefix + "loss", evaluation.loss},
          {prefix + "top5", evaluation.top5},
          {"examples", evaluation.examples},
          {"confusion", evaluation.confusion}};
}

double measure_latency_ms(NetworkModule& module, const torch::Device& device, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t fewest_runs = 11;
  constexpr std::size_t most_runs = 1000;
  const EvaluationMode mode(module);
  const c10::InferenceMode inference;
  const Shape& shape = module.input_shape();
  torch::Tensor sample =
      shape.is_image()
          ? torch::zeros({1, shape.channels, shape.height, shape.width}).contiguous(at::MemoryFormat::ChannelsLast)
          : torch::zeros({1, shape.channels});
  sample = sample.to(device);
  const auto run_once = [&] {
    const auto began = Clock::now();
    module.forward(sample).sum().item<float>();  // reading a number waits for devices that run on their own
    return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
  };
  for (std::size_t i = 0; i < fewest_runs / 2; ++i) run_once();
  std::vector<double> milliseconds;
  double total = 0;
  while (milliseconds.size() < fewest_runs || (total < seconds * 1000 && milliseconds.size() < most_runs)) {
    milliseconds.push_back(run_once());
    total += milliseconds.back();
  }
  return median(milliseconds);
}

std::int64_t evaluation_batch(const Shape& shape) {
  constexpr std::int64_t elements = 256 * 3 * 32 * 32;
  return std::clamp<std::int64_t>(elements / std::max<std::int64_t>(shape.elements(), 1), 1, 512);
}

}  // namespace netwright

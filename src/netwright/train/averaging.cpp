#include "netwright/train/averaging.h"

#include <algorithm>
#include <vector>

#include "netwright/nn/units.h"

namespace netwright {

WeightAverage::WeightAverage(const torch::nn::Module& module) : current_(module_tensors(module)) {
  for (const auto& [name, tensor] : current_) average_.emplace_back(name, tensor.detach().clone());
}

void WeightAverage::blend(double share) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < current_.size(); ++i) {
    torch::Tensor& average = average_[i].second;
    const torch::Tensor current = current_[i].second.detach();
    if (share == 1 || !average.is_floating_point()) {
      average.copy_(current);
    } else {
      average.lerp_(current, share);
    }
  }
  ++updates_;
}

void WeightAverage::restore(const NamedTensors& tensors, std::int64_t updates, const std::string& file) {
  copy_tensors(tensors, average_, file);
  updates_ = updates;
}

void WeightAverage::exchange() {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < current_.size(); ++i) {
    torch::Tensor current = current_[i].second.detach();
    const torch::Tensor kept = current.clone();
    current.copy_(average_[i].second);
    average_[i].second.copy_(kept);
  }
}

double ema_share(double decay, std::int64_t updates) {
  const double t = static_cast<double>(updates);
  return 1 - std::min(decay, (1 + t) / (10 + t));
}

void recompute_batch_norm(torch::nn::Module& module, const std::function<bool()>& forward_next) {
  struct Statistics {
    torch::Tensor mean, variance;          // the norm's own
    torch::Tensor mean_sum, variance_sum;  // over batches
    torch::Tensor old_mean, old_variance;
  };
  const torch::NoGradGuard no_grad;
  module.eval();
  std::vector<Statistics> all;
  for (const auto& part : module.modules()) {
    auto* norm = dynamic_cast<BatchNorm*>(part.get());
    if (norm == nullptr) continue;
    norm->train();
    all.push_back({norm->running_mean, norm->running_var, torch::zeros_like(norm->running_mean),
                   torch::zeros_like(norm->running_var), norm->running_mean.clone(), norm->running_var.clone()});
  }
  std::int64_t batches = 0;
  while (!all.empty()) {
    for (Statistics& one : all) {
      one.mean.zero_();
      one.variance.zero_();
    }
    if (!forward_next()) break;
    ++batches;
    for (Statistics& one : all) {  // from zero, a batch moves the running value by momentum times its own
      one.mean_sum.add_(one.mean, 1 / BatchNorm::momentum);
      one.variance_sum.add_(one.variance, 1 / BatchNorm::momentum);
    }
  }
  for (Statistics& one : all) {
    const double count = static_cast<double>(batches);
    one.mean.copy_(batches > 0 ? one.mean_sum / count : one.old_mean);
    one.variance.copy_(batches > 0 ? one.variance_sum / count : one.old_variance);
  }
  module.eval();
}

}  // namespace netwright

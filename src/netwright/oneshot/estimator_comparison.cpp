#include "netwright/oneshot/estimator_comparison.h"

#include <chrono>
#include <cmath>
#include <functional>

#include "netwright/base/error.h"
#include "netwright/base/random.h"

namespace netwright {
namespace {

constexpr double most_networks = 65'536;
constexpr double allowed_errors = 3;

torch::Tensor flat(const RowWeights& tensors) {
  std::vector<torch::Tensor> parts;
  for (const torch::Tensor& tensor : tensors) parts.push_back(tensor.detach().reshape({-1}));
  return torch::cat(parts);
}

// Mean and summed variance of vectors, by Welford's recurrence.
class Moments {
 public:
  void add(const torch::Tensor& value) {
    ++count_;
    const torch::Tensor before = mean_.defined() ? value - mean_ : value;
    mean_ = mean_.defined() ? mean_ + before / count_ : value;
    squares_ += torch::dot(before, value - mean_).item<double>();
  }
  const torch::Tensor& mean() const { return mean_; }
  double variance() const { return squares_ / std::max(count_ - 1, 1.0); }
  double standard_error() const { return std::sqrt(variance() / count_); }

 private:
  torch::Tensor mean_;
  double squares_ = 0;
  double count_ = 0;
};

struct Contestant {
  std::string name;
  double temperature = 0;
  std::function<Estimate(const EstimatorProblem&, at::Generator&)> draw;
};

Contestant reinforce_with_baseline() {
  return {"reinforce", 0, [sum = 0.0, count = 0.0](const EstimatorProblem& problem, at::Generator& generator) mutable {
            const double baseline = count > 0 ? sum / count : 0;
            Estimate estimate = reinforce_gradient(problem.logits, problem.objective, baseline, generator);
            sum += estimate.loss;
            ++count;
            return estimate;
          }};
}

std::vector<Contestant> contestants(const ComparisonOptions& options, const EstimatorProblem& problem) {
  std::vector<Contestant> all = {
      reinforce_with_baseline(),
      {"reinforce_without_baseline", 0, [](const EstimatorProblem& p, at::Generator& generator) {
         return reinforce_gradient(p.logits, p.objective, 0, generator);
       }}};
  for (const double temperature : options.temperatures) {
    all.push_back({"gumbel_softmax", temperature, [temperature](const EstimatorProblem& p, at::Generator& generator) {
                     return gumbel_softmax_gradient(p.logits, p.objective, temperature, generator);
                   }});
  }
  for (const double temperature : options.temperatures) {
    all.push_back({"straight_through", temperature, [temperature](const EstimatorProblem& p, at::Generator& generator) {
                     return straight_through_gradient(p.logits, p.objective, temperature, generator);
                   }});
  }
  const double control = options.control_temperature;
  all.push_back(
      {"rebar", control, [rebar = Rebar(control)](const EstimatorProblem& p, at::Generator& generator) mutable {
         return rebar(p.logits, p.objective, generator);
       }});
  const auto relax = std::make_shared<Relax>(problem.logits, control, 32, 1e-3, derive_seed(options.seed, "surrogate"));
  all.push_back({"relax", control, [relax](const EstimatorProblem& p, at::Generator& generator) {
                   return (*relax)(p.logits, p.objective, generator);
                 }});
  return all;
}

EstimatorFigures measure(Contestant contestant, const EstimatorProblem& problem, const torch::Tensor& exact,
                         const ComparisonOptions& options) {
  using Clock = std::chrono::steady_clock;
  at::Generator generator =
      compat::cpu_generator(derive_seed(options.seed, contestant.name + std::to_string(contestant.temperature)));
  for (std::int64_t i = 0; i < options.warm_up; ++i) contestant.draw(problem, generator);
  Moments moments;
  const auto began = Clock::now();
  for (std::int64_t i = 0; i < options.draws; ++i) moments.add(flat(contestant.draw(problem, generator).gradients));
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();

  EstimatorFigures figures;
  figures.name = contestant.name;
  figures.temperature = contestant.temperature;
  figures.bias = (moments.mean() - exact).norm().item<double>();
  figures.standard_error = moments.standard_error();
  figures.variance = moments.variance();
  figures.unbiased = figures.bias <= allowed_errors * figures.standard_error;
  figures.microseconds = seconds / static_cast<double>(options.draws) * 1e6;
  return figures;
}

}  // namespace

EstimatorProblem made_up_problem(std::int64_t rows, std::int64_t options, std::uint64_t seed) {
  at::Generator generator = compat::cpu_generator(derive_seed(seed, "problem"));
  EstimatorProblem problem;
  problem.logits = {torch::empty({rows, options}, torch::kDouble).normal_(0, 0.7, generator).requires_grad_()};
  const torch::Tensor slope = torch::empty({rows * options}, torch::kDouble).normal_(0, 1, generator);
  const torch::Tensor bend = torch::empty({rows * options, rows * options}, torch::kDouble).normal_(0, 1, generator);
  problem.objective = [slope, bend](const RowWeights& weights, bool) {
    const torch::Tensor w = weights[0].reshape({-1});
    return 2 + torch::dot(slope, w) + 0.5 * torch::dot(w, torch::mv(bend, w));
  };
  return problem;
}

EstimatorComparison compare_estimators(const ComparisonOptions& options) {
  const double networks = std::pow(static_cast<double>(options.options), static_cast<double>(options.rows));
  if (networks > most_networks) {
    throw invalid({}, "the exact gradient would take " + std::to_string(networks) + " networks",
                  "take fewer rows or options: options to the power of rows may be 65,536 at most");
  }
  const EstimatorProblem problem = made_up_problem(options.rows, options.options, options.seed);
  const Estimate exact = exact_gradient(problem.logits, problem.objective);
  const torch::Tensor gradient = flat(exact.gradients);
  EstimatorComparison comparison{exact.loss, gradient.norm().item<double>(), {}};
  for (Contestant& contestant : contestants(options, problem)) {
    comparison.estimators.push_back(measure(std::move(contestant), problem, gradient, options));
    EstimatorFigures& figures = comparison.estimators.back();
    figures.variance_ratio = figures.variance / comparison.estimators.front().variance;
  }
  return comparison;
}

}  // namespace netwright

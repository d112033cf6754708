#include "netwright/strategy/bayesian.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "netwright/strategy/gaussian_process.h"

namespace netwright {
namespace {

constexpr double fully_tuned = 75;  // points; with more a try costs more and has less to find

double normal_density(double z) {
  return std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
}
double normal_share(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

class BayesianStrategy : public SurrogateStrategy {
 public:
  BayesianStrategy(const SearchSpace& space, Objective objective, const BayesianOptions& options)
      : SurrogateStrategy(space, std::move(objective), options.search),
        options_(options),
        process_(static_cast<int>(space.choices().size()), encoding().groups()) {}

 protected:
  Eigen::VectorXd acquisition(const SurrogateData& data, const Eigen::MatrixXd& candidates, Random& random) override {
    const Eigen::Index columns = candidates.cols();
    Eigen::MatrixXd points = widened(data.points, columns);
    const double share = std::min(1.0, fully_tuned / static_cast<double>(points.rows()));
    process_.fit(points, data.groups, data.targets, static_cast<int>(std::ceil(share * options_.tuning)), random);
    Eigen::VectorXd log_seconds = data.log_seconds;
    if (data.pending.rows() > 0) {
      const Eigen::MatrixXd pending = widened(data.pending, columns);
      Eigen::VectorXd targets(points.rows() + pending.rows());
      targets << data.targets, process_.predict(pending, data.groups).mean;
      Eigen::VectorXd seconds(targets.size());
      seconds << log_seconds, process_.smooth(pending, data.groups, log_seconds);
      log_seconds = seconds;
      Eigen::MatrixXd all(targets.size(), columns);
      all << points, pending;
      points = std::move(all);
      process_.fit(points, data.groups, targets, 0, random);
    }
    Eigen::VectorXd result = options_.acquisition == "thompson" ? process_.draw(candidates, data.groups, random)
                                                                : improvement(data, candidates);
    if (options_.cost_power > 0 && options_.acquisition == "ei") {
      result.array() -= options_.cost_power * process_.smooth(candidates, data.groups, log_seconds).array();
    }
    return result;
  }

 private:
  static Eigen::MatrixXd widened(const Eigen::MatrixXd& points, Eigen::Index columns) {
    Eigen::MatrixXd result = Eigen::MatrixXd::Zero(points.rows(), columns);
    result.leftCols(points.cols()) = points;
    return result;
  }

  // The logarithm of expected improvement over the best of the posterior means at what was measured.
  Eigen::VectorXd improvement(const SurrogateData& data, const Eigen::MatrixXd& candidates) const {
    const auto predicted = process_.predict(candidates, data.groups);
    const double best = data.best;
    Eigen::VectorXd result(candidates.rows());
    for (Eigen::Index i = 0; i < result.size(); ++i) {
      const double z = (predicted.mean[i] - best) / predicted.deviation[i];
      // Far below the best the difference is lost to rounding; there it is about density / z².
      const double gain = z > -6 ? z * normal_share(z) + normal_density(z) : normal_density(z) / (z * z);
      result[i] = std::log(predicted.deviation[i]) + std::log(std::max(gain, 1e-300));
    }
    return result;
  }

  BayesianOptions options_;
  GaussianProcess process_;
};

}  // namespace

std::unique_ptr<Strategy> make_bayesian_strategy(const StrategyContext& context) {
  MappingReader reader(context.options, "strategy");
  BayesianOptions options;
  reader.optional("name");
  options.search = read_surrogate_options(reader, options.search);
  options.acquisition = reader.one_of("acquisition", options.acquisition, {"ei", "thompson"});
  options.cost_power = reader.number("cost_power", options.cost_power, 0, 10);
  options.tuning = static_cast<int>(reader.integer("tuning", options.tuning, 0, 1000));
  reader.finish();
  return std::make_unique<BayesianStrategy>(context.space, only_objective(context, "bayesian"), options);
}

}  // namespace netwright

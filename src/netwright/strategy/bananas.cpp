#include "netwright/strategy/bananas.h"

#include <cmath>
#include <numbers>

namespace netwright {
namespace {

class BananasStrategy : public SurrogateStrategy {
 public:
  BananasStrategy(const SearchSpace& space, Objective objective, const BananasOptions& options)
      : SurrogateStrategy(space, std::move(objective), options.search),
        options_(options),
        predictors_(options.predictor) {}

 protected:
  Eigen::VectorXd acquisition(const SurrogateData& data, const Eigen::MatrixXd& candidates, Random& random) override {
    if (fitted_ < 0 || data.version >= fitted_ + options_.refit) {
      predictors_.fit(data.points, data.targets, random);
      fitted_ = data.version;
    }
    const Eigen::MatrixXd said = predictors_.predict(candidates);
    Eigen::VectorXd result(said.rows());
    for (Eigen::Index i = 0; i < said.rows(); ++i) {
      const double mean = said.row(i).mean();
      const double spread =
          std::sqrt((said.row(i).array() - mean).square().sum() / static_cast<double>(said.cols() - 1)) + 1e-6;
      result[i] = promise(mean, spread, data.best, random);
    }
    return result;
  }

 private:
  double promise(double mean, double spread, double best, Random& random) const {
    if (options_.acquisition == "its") return mean + spread * random.normal();
    if (options_.acquisition == "ucb") return mean + 0.5 * spread;
    if (options_.acquisition == "mean") return mean;
    const double z = (mean - best) / spread;
    const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
    return spread * (z * 0.5 * std::erfc(-z / std::numbers::sqrt2) + density);
  }

  BananasOptions options_;
  BoostedTrees predictors_;
  std::int64_t fitted_ = -1;  // the data's version
};

}  // namespace

std::unique_ptr<Strategy> make_bananas_strategy(const StrategyContext& context) {
  MappingReader reader(context.options, "strategy");
  BananasOptions options;
  reader.optional("name");
  options.search = read_surrogate_options(reader, options.search);
  options.acquisition = reader.one_of("acquisition", options.acquisition, {"its", "ucb", "ei", "mean"});
  options.refit = static_cast<int>(reader.integer("refit", options.refit, 1, 100000));
  options.predictor.members = static_cast<int>(reader.integer("members", options.predictor.members, 2, 100));
  options.predictor.trees = static_cast<int>(reader.integer("trees", options.predictor.trees, 1, 10000));
  options.predictor.depth = static_cast<int>(reader.integer("depth", options.predictor.depth, 1, 20));
  options.predictor.rate = reader.number("rate", options.predictor.rate, 0.001, 1);
  options.predictor.columns = reader.number("columns", options.predictor.columns, 0.01, 1);
  reader.finish();
  return std::make_unique<BananasStrategy>(context.space, only_objective(context, "bananas"), options);
}

}  // namespace netwright

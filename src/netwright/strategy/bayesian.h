// Bayesian optimisation with a Gaussian process over choices and networks (Jones et al. 1998, "Efficient Global
// Optimization"; Kandasamy et al. 2018, "Neural Architecture Search with Bayesian Optimisation and Optimal Transport";
// Ru et al. 2021, "Interpretable Neural Architecture Search via Bayesian Optimisation with Weisfeiler-Lehman Kernels").
#pragma once

#include "netwright/strategy/surrogate.h"

namespace netwright {

struct BayesianOptions {
  SurrogateOptions search;
  std::string acquisition = "ei";  // expected improvement, or thompson: the best of one draw from the posterior
  double cost_power = 0;           // expected improvement is divided by the predicted seconds to this power
  int tuning = 5;                  // tries to improve the length scales, a proposal; beyond 75 trials n fewer, by 75/n
};

// Trials and candidates as surrogate.h says, the model as gaussian_process.h says. Pending trials count as measured at
// the model's mean of them (the "kriging believer" of Ginsbourger et al. 2010).
std::unique_ptr<Strategy> make_bayesian_strategy(const StrategyContext& context);

}  // namespace netwright

// A supernet search on data: training data divided in two, one part for the weights and one for the architecture,
// alternating updates. It can stop after any step, be stored, and go on as if it had never stopped (on one thread bit
// for bit; on several, LibTorch's own sums may differ in their last bits).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "netwright/data/data_set.h"
#include "netwright/data/loader.h"
#include "netwright/oneshot/health.h"
#include "netwright/oneshot/method.h"
#include "netwright/oneshot/steps.h"
#include "netwright/space/recipe.h"
#include "netwright/train/checkpoint.h"
#include "netwright/train/learning_rate.h"
#include "netwright/train/loop.h"

namespace netwright {

struct OneShotOptions {
  double weight_share = 0.5;  // of the training data that trains the weights; the rest decides the architecture
  RelaxationOptions relaxation;
  SupernetPasses passes;
  torch::ScalarType type = torch::kFloat;  // or kDouble
  torch::Device device = torch::kCPU;
  std::string decoding;                   // a rule of decoding.h; empty: the method's
  int decoding_samples = 100;             // of best_of_samples
  std::int64_t decoding_examples = 5000;  // at most, each time a rule asks for an accuracy
  int tune_steps = 0;                     // of the weights' training between decisions of the perturbation rule
  CollapseOptions collapse;
  std::int64_t parts = 1;  // that each batch is computed in (parts.h)
  // For checkpoints alone:
  DataOptions data_options;
};

// DARTS's: SGD 0.025 to 0.001 by a cosine, momentum 0.9, decay 3e-4, gradients clipped at 5, batch 64, 50 epochs.
Recipe one_shot_recipe();

// After each epoch.
struct OneShotReport {
  std::int64_t epoch = 0;  // done
  double seconds = 0;      // of this epoch's steps, loading included
  double train_loss = 0;   // mean over the epoch's steps, in training
  double train_accuracy = 0;
  Configuration configuration;  // by the heaviest options and edges
  ArchitectureRecord architecture;
  EpochHealth health;
  std::vector<CollapseSign> signs;  // of collapse, seen for the first time
};

struct OneShotHooks {
  std::function<bool(const OneShotReport&)> epoch_done;  // false stops there; may be empty
  std::function<bool()> stop_requested;                  // asked before every step; may be empty
};

class OneShotSearch {
 public:
  // `method` is the strategy's mapping with its name. Throws an invalid Error where a supernet cannot hold a choice of
  // the space, or the data do not fit it. Of the recipe it uses epochs (or steps), batch, optimizer, schedule,
  // augmentation, gradient_clip and label_smoothing.
  OneShotSearch(const SearchSpace& space, const Yaml& method, const Recipe& recipe, const SearchData& data,
                std::uint64_t seed, const OneShotOptions& options = {});

  // Until so many epochs have been done in all, or fewer where a sign of collapse ends the search (health().stopped()).
  // Fails with nan when a loss is not finite.
  TrainingResult run_until(double epochs, const OneShotHooks& hooks = {});

  double epochs_done() const { return timetable_.epochs_after(step_); }
  std::int64_t step() const { return step_; }

  // The network that the search has found, by the rule of the options or the method; where a sign of collapse ended it,
  // from the architecture of before. The search is as before afterwards, and the same state gives the same network.
  Configuration decode();
  // The same by the heaviest options and edges, whatever the rule.
  Configuration heaviest() const { return heaviest(importance()); }
  // Of a network or a mixture in the supernet with the shared weights, on the architecture's data without augmentation.
  double accuracy(const Mixture& mixture);

  Checkpoint checkpoint() const;
  // Throws an invalid Error at `file` when it is of another search.
  void restore(const Checkpoint& checkpoint, const std::string& file);

  const HealthWatch& health() const { return health_; }
  Supernet& net() { return *net_; }
  Method& method() { return *method_; }
  const SearchSpace& space() const { return space_; }
  const Relaxation& relaxation() const { return relaxation_; }

 private:
  Decoding decoding(at::Generator& generator, Random& random);
  Importance importance() const;  // to decode from
  Configuration heaviest(const Importance& importance) const;
  std::function<torch::Tensor()> curved_loss();  // whose Hessian is watched
  OneShotReport report(double seconds);
  void seek();

  SearchSpace space_;
  Yaml method_options_;
  Recipe recipe_;
  OneShotOptions options_;
  std::uint64_t seed_;
  Relaxation relaxation_;
  std::unique_ptr<Method> method_;
  std::shared_ptr<Supernet> net_;
  HealthWatch health_;
  std::pair<TrainingData, TrainingData> halves_;
  Loader train_;
  Loader valid_;
  EvaluationLoader evaluation_;
  Normalization normalization_;
  std::vector<std::string> class_names_;
  Timetable timetable_;
  SearchSteps steps_;
  torch::Tensor random_state_;

  std::int64_t step_ = 0;
  std::int64_t loader_step_ = 0;
  double loss_sum_ = 0;  // of this epoch so far
  std::int64_t correct_ = 0, seen_ = 0;
};

}  // namespace netwright

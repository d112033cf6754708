// A search in one supernet in place of many trials: one long trial that ends with a configuration.
#pragma once

#include <string>
#include <vector>

#include "netwright/study/runner.h"

namespace netwright {

// Names of the methods that netwright-torch knows (oneshot/methods.h); `search.strategy` may be any of them.
const std::vector<std::string>& one_shot_methods();
bool is_one_shot(const Yaml& strategy);

// How the supernet is trained: DARTS's settings, or PC-DARTS's where `strategy` has partial channels (batch 256,
// learning rate 0.1 to 0), changed by the experiment's `recipe`. The space's own recipe is for its networks and plays
// no part.
Recipe supernet_recipe(const Yaml& strategy, const Yaml& recipe);

class OneShot : public JobSource {
 public:
  // Plans the trial, unless the state holds it already.
  OneShot(const StudyContext& context, StudyState& state);

  std::optional<Job> next() override;
  // Tells the observer of each sign of collapse that the trainer has seen, and at first of the batch it has chosen.
  bool measured(Trial& trial) override;
  // Throws an invalid Error where the trainer refuses to start for want of memory (a failure "memory").
  void ended(Trial& trial, const Json& result) override;
  bool closed() const override { return false; }

 private:
  const StudyContext& context_;
  StudyState& state_;
  Recipe recipe_;
  Trial* waiting_ = nullptr;
};

}  // namespace netwright

// What changes in the course of training as a pure function of the step, so that resuming needs no state for it.
#pragma once

#include <cstdint>

#include "netwright/space/recipe.h"

namespace netwright {

// Epochs and steps of a recipe on data of so many batches an epoch.
struct Timetable {
  std::int64_t batches = 1;  // optimizer steps in an epoch
  double epochs = 1;  // that learning rate and drop path are laid out for: schedule.horizon_epochs, else the recipe's

  double epochs_after(std::int64_t steps) const { return static_cast<double>(steps) / static_cast<double>(batches); }
};

// Precondition: batches >= 1.
Timetable make_timetable(const Recipe& recipe, std::int64_t batches);

// Learning rate of the step numbered `step`, from 0.
// - Warm-up: rises linearly from 0, and reaches the peak in its last step.
// - cosine (Loshchilov & Hutter 2017, one period): from the peak after warm-up to final_fraction of it at the end.
// - step: the peak times gamma for every step_epochs whole epochs done (warm-up included).
// Beyond the end it stays what it was there.
double learning_rate_at(const Recipe& recipe, const Timetable& timetable, std::int64_t step);

// Drop path probability in the epoch that `step` belongs to: drop_path * epoch / epochs (DARTS), at most drop_path.
double drop_path_at(const Recipe& recipe, const Timetable& timetable, std::int64_t step);

}  // namespace netwright

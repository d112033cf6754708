#include "netwright/train/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {

Timetable make_timetable(const Recipe& recipe, std::int64_t batches) {
  Timetable timetable;
  timetable.batches = batches;
  timetable.epochs = recipe.steps > 0 ? timetable.epochs_after(recipe.steps) : recipe.epochs;
  if (recipe.schedule.horizon_epochs > 0) timetable.epochs = recipe.schedule.horizon_epochs;
  return timetable;
}

double learning_rate_at(const Recipe& recipe, const Timetable& timetable, std::int64_t step) {
  const LearningRateOptions& options = recipe.schedule;
  const double peak = recipe.optimizer.learning_rate;
  const double warmup_steps = std::round(options.warmup_epochs * static_cast<double>(timetable.batches));
  const double position = static_cast<double>(step);
  if (position + 1 < warmup_steps) return peak * (position + 1) / warmup_steps;
  if (options.name == "constant") return peak;
  if (options.name == "step") {
    return peak * std::pow(options.gamma, std::floor(timetable.epochs_after(step) / options.step_epochs));
  }
  if (options.name == "cosine") {
    const double end = timetable.epochs * static_cast<double>(timetable.batches);
    const double length = std::max(end - warmup_steps, 1.0);
    const double progress = std::clamp((position - warmup_steps) / length, 0.0, 1.0);
    const double last = peak * options.final_fraction;
    return last + (peak - last) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  }
  throw invalid({}, "there is no learning rate schedule '" + options.name + "'",
                suggest(options.name, {"constant", "step", "cosine"}));
}

double drop_path_at(const Recipe& recipe, const Timetable& timetable, std::int64_t step) {
  if (recipe.drop_path == 0) return 0;
  const double epoch = static_cast<double>(step / timetable.batches);
  return recipe.drop_path * std::min(1.0, epoch / timetable.epochs);
}

}  // namespace netwright

#include "netwright/oneshot/collapse.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "netwright/base/statistics.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

const CellSkips* worst_normal(const EpochHealth& health) {
  const CellSkips* worst = nullptr;
  for (const CellSkips& skips : health.skips) {
    if (skips.normal && (worst == nullptr || skips.count > worst->count)) worst = &skips;
  }
  return worst;
}

bool has_too_many(const EpochHealth& health, std::int64_t limit) {
  const CellSkips* worst = worst_normal(health);
  return worst != nullptr && worst->count >= limit;
}

std::optional<FoundSign> judge_skips(const std::vector<EpochHealth>& history, const CollapseOptions& options,
                                     std::int64_t first) {
  const EpochHealth& now = history.back();
  if (options.skips == 0 || now.epoch < first || !has_too_many(now, options.skips)) return std::nullopt;
  const CellSkips& worst = *worst_normal(now);
  const auto before = std::find_if(history.rbegin(), history.rend(),
                                   [&](const EpochHealth& health) { return !has_too_many(health, options.skips); });
  return FoundSign{"cell '" + worst.cell + "' has " + std::to_string(worst.count) +
                       " skip connections (DARTS+ stops at " + std::to_string(options.skips) + ")",
                   before == history.rend() ? now.epoch : before->epoch};
}

std::optional<FoundSign> judge_eigenvalue(const std::vector<EpochHealth>& history, const CollapseOptions& options,
                                          std::int64_t first) {
  std::vector<double> values;
  std::vector<std::int64_t> epochs;
  for (const EpochHealth& health : history) {
    if (!health.eigenvalue) continue;
    values.push_back(std::fabs(*health.eigenvalue));
    epochs.push_back(health.epoch);
  }
  const auto window = static_cast<std::size_t>(options.window);
  const bool is_new = history.back().eigenvalue.has_value();
  if (options.ratio == 0 || !is_new || values.size() < window + window / 2 + 1) return std::nullopt;
  const std::size_t now = values.size() - 1 - window / 2, before = now - window;
  if (epochs[before] < first) return std::nullopt;
  const std::vector<double> smooth = moving_mean(values, window);
  if (!(smooth[before] < options.ratio * smooth[now])) return std::nullopt;
  return FoundSign{"the dominant eigenvalue of the validation loss's Hessian rose from " +
                       number_text(std::round(smooth[before] * 1e4) / 1e4) + " around epoch " +
                       std::to_string(epochs[before]) + " to " + number_text(std::round(smooth[now] * 1e4) / 1e4) +
                       " around epoch " + std::to_string(epochs[now]) + " (R-DARTS stops when the ratio falls below " +
                       number_text(options.ratio) + ")",
                   epochs[before]};
}

}  // namespace

int EpochHealth::skip_count() const {
  return std::accumulate(skips.begin(), skips.end(), 0,
                         [](int sum, const CellSkips& cell) { return sum + cell.count; });
}

Json to_json(const EpochHealth& health) {
  Json skips = Json::array();
  for (const CellSkips& cell : health.skips) skips.push_back({cell.cell, cell.normal, cell.count});
  Json json = {{"epoch", health.epoch},
               {"entropy", health.entropy},
               {"sparsity", health.sparsity},
               {"skips", std::move(skips)},
               {"changed_epochs", health.changed_epochs}};
  if (health.eigenvalue) json["eigenvalue"] = *health.eigenvalue;
  if (health.changed_choices) json["changed_choices"] = *health.changed_choices;
  return json;
}

EpochHealth epoch_health_from_json(const Json& json) {
  EpochHealth health;
  health.epoch = json.at("epoch").get<std::int64_t>();
  health.entropy = json.at("entropy").get<double>();
  health.sparsity = json.at("sparsity").get<double>();
  for (const Json& cell : json.at("skips")) {
    health.skips.push_back({cell.at(0).get<std::string>(), cell.at(1).get<bool>(), cell.at(2).get<int>()});
  }
  health.changed_epochs = json.at("changed_epochs").get<std::int64_t>();
  if (json.contains("eigenvalue")) health.eigenvalue = json.at("eigenvalue").get<double>();
  if (json.contains("changed_choices")) health.changed_choices = json.at("changed_choices").get<int>();
  return health;
}

std::vector<CollapseRule> collapse_rules() {
  return {
      {"skip_connections", "many skip connections in one normal cell (DARTS+)", judge_skips},
      {"eigenvalue", "a rise of the validation loss's curvature in the architecture (R-DARTS)", judge_eigenvalue},
  };
}

}  // namespace netwright

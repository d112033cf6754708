#include "netwright/bench/synthetic.h"

#include <cmath>
#include <string>
#include <vector>

#include "netwright/base/random.h"

namespace netwright {
namespace {

// A number in [0, 1) fixed by the seed and the text.
double number_of(std::uint64_t seed, const std::string& text) {
  return Random(derive_seed(seed, text)).uniform();
}

}  // namespace

Measurement synthetic_measurement(const Configuration& configuration, double fidelity,
                                  const SyntheticOptions& options) {
  std::vector<std::string> settings;
  for (const auto& [name, value] : configuration.values()) settings.push_back(name + "=" + to_string(value));
  double quality = 0;
  double cost = 0;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    quality += number_of(options.seed, "quality; " + settings[i] + "; " + settings[(i + 1) % settings.size()]);
    cost += number_of(options.seed, "cost; " + settings[i]);
  }
  const auto count = static_cast<double>(std::max<std::size_t>(1, settings.size()));
  const double learned = 1 - std::exp(-3 * fidelity / options.full_fidelity);
  Measurement measurement;
  measurement.fidelity = fidelity;
  measurement.metrics["accuracy"] = quality / count * learned;
  measurement.metrics["loss"] = 1 - measurement.metrics["accuracy"];
  measurement.metrics["parameters"] = 1000 * (1 + cost / count);
  return measurement;
}

}  // namespace netwright

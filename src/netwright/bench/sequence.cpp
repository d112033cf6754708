#include "netwright/bench/sequence.h"

#include <algorithm>
#include <limits>

#include "netwright/base/error.h"
#include "netwright/base/random.h"

namespace netwright {
namespace {

SequenceOptions checked(const SequenceOptions& options) {
  const auto refuse = [](const char* problem, const char* remedy) { throw invalid({}, problem, remedy); };
  if (options.length < 2 || options.length > 1000) refuse("a sequence of such a length is not made", "use 2 to 1,000");
  if (options.letters < 2 || options.letters > 26) refuse("so many letters are not known", "use 2 to 26");
  if (options.neighbours < 0 || options.neighbours > 8 || options.neighbours >= options.length) {
    refuse("so many neighbours are not possible", "use 0 to 8, fewer than there are positions");
  }
  double windows = 1;
  for (int i = 0; i <= options.neighbours; ++i) windows *= options.letters;
  if (windows > 2e6) refuse("the landscape is too large", "use fewer letters or neighbours");
  return options;
}

std::string position_name(int position) {
  const std::string digits = std::to_string(position);
  return "p" + std::string(3 - digits.size(), '0') + digits;
}

SearchSpace make_space(const SequenceOptions& options) {
  std::string letters;
  for (int i = 0; i < options.letters; ++i) letters += (i > 0 ? ", " : "") + std::string(1, static_cast<char>('A' + i));
  std::string text = "name: sequence\nchoices:\n";
  for (int i = 0; i < options.length; ++i) text += "  " + position_name(i) + ": {choice: [" + letters + "]}\n";
  return SearchSpace::parse(parse_yaml(text, "sequence"), Yaml(), std::nullopt, std::nullopt);
}

}  // namespace

SequenceProblem::SequenceProblem(const SequenceOptions& options)
    : options_(checked(options)), space_(make_space(options_)) {
  for (int i = 0; i <= options_.neighbours; ++i) windows_ *= static_cast<std::size_t>(options_.letters);
  contributions_.resize(windows_ * static_cast<std::size_t>(options_.length));
  Random random(derive_seed(options_.seed, "sequence"));
  for (double& contribution : contributions_) contribution = random.uniform();
}

std::size_t SequenceProblem::window(const std::vector<int>& sequence, std::size_t position) const {
  std::size_t index = 0;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(options_.neighbours); ++i) {
    const int letter = sequence[(position + i) % sequence.size()];
    index = index * static_cast<std::size_t>(options_.letters) + static_cast<std::size_t>(letter);
  }
  return index;
}

double SequenceProblem::value(const std::vector<int>& sequence) const {
  double sum = 0;
  for (std::size_t i = 0; i < sequence.size(); ++i) sum += contributions_[i * windows_ + window(sequence, i)];
  return sum / static_cast<double>(sequence.size());
}

Measurement SequenceProblem::evaluate(const Configuration& configuration, double, double to) const {
  space_.validate(configuration);
  std::vector<int> sequence;
  for (const auto& [name, letter] : configuration.values()) {  // sorted by name, so by position
    sequence.push_back(std::get<std::string>(letter).front() - 'A');
  }
  Measurement measurement;
  measurement.fidelity = to;
  measurement.seconds = 1;
  measurement.metrics["accuracy"] = value(sequence);
  return measurement;
}

// The state is a position's next K letters. The first K letters are tried one after another; each fixes both ends of a
// walk around the ring.
double SequenceProblem::optimum() const {
  const auto letters = static_cast<std::size_t>(options_.letters);
  const auto length = static_cast<std::size_t>(options_.length);
  const std::size_t states = windows_ / letters;
  constexpr double never = -std::numeric_limits<double>::infinity();
  double best = never;
  for (std::size_t first = 0; first < states; ++first) {
    std::vector<double> reached(states, never);
    reached[first] = 0;
    for (std::size_t position = 0; position < length; ++position) {
      std::vector<double> next(states, never);
      for (std::size_t window = 0; window < windows_; ++window) {
        double& to = next[window % states];
        to = std::max(to, reached[window / letters] + contributions_[position * windows_ + window]);
      }
      reached = std::move(next);
    }
    best = std::max(best, reached[first]);
  }
  return best / static_cast<double>(length);
}

}  // namespace netwright

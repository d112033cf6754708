#include "netwright/base/statistics.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <numeric>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t most_enumerated_splits = 200000;
constexpr std::uint64_t drawn_splits = 100000;

double sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

double sorted_quantile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  if (below + 1 >= sorted.size()) return sorted.back();
  return std::lerp(sorted[below], sorted[below + 1], position - static_cast<double>(below));
}

double resampled_mean(std::span<const double> values, Random& random) {
  double total = 0;
  for (std::size_t i = 0; i < values.size(); ++i) total += values[random.below(values.size())];
  return total / static_cast<double>(values.size());
}

// The tail share of the bootstrap distribution at which Welch's t interval would end, were that distribution normal.
// The bootstrap's variance is (n-1)/n of the unbiased one, and the normal's tails are lighter than t's.
double expanded_tail(std::span<const double> a, std::span<const double> b, double confidence) {
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  const double va = std::pow(standard_deviation(a), 2) / n;
  const double vb = std::pow(standard_deviation(b), 2) / m;
  const double tail = (1 - confidence) / 2;
  if (va + vb == 0) return tail;
  const double freedom = (va + vb) * (va + vb) / (va * va / (n - 1) + vb * vb / (m - 1));
  const double t = boost::math::quantile(boost::math::complement(boost::math::students_t(freedom), tail));
  const double narrowing = std::sqrt((va * (n - 1) / n + vb * (m - 1) / m) / (va + vb));
  return boost::math::cdf(boost::math::normal(), -t / narrowing);
}

// Number of ways to choose k of n, or more than `limit` where that is exceeded.
std::uint64_t choose(std::uint64_t n, std::uint64_t k, std::uint64_t limit) {
  k = std::min(k, n - k);
  std::uint64_t ways = 1;
  for (std::uint64_t i = 1; i <= k; ++i) {
    ways = ways * (n - k + i) / i;
    if (ways > limit) return limit + 1;
  }
  return ways;
}

// Goes to the next way to choose indices.size() of n, in lexicographic order; false after the last.
bool next_choice(std::vector<std::size_t>& indices, std::size_t n) {
  const std::size_t k = indices.size();
  for (std::size_t i = k; i-- > 0;) {
    if (indices[i] == n - k + i) continue;
    ++indices[i];
    for (std::size_t j = i + 1; j < k; ++j) indices[j] = indices[j - 1] + 1;
    return true;
  }
  return false;
}

// A split's difference of means follows from the sum of its first part alone.
class SplitDifference {
 public:
  SplitDifference(std::span<const double> pooled, std::size_t first)
      : total_(sum(pooled)), n_(static_cast<double>(first)), m_(static_cast<double>(pooled.size() - first)) {}

  double operator()(double first_sum) const { return std::fabs(first_sum / n_ - (total_ - first_sum) / m_); }

 private:
  double total_, n_, m_;
};

// Splits whose difference equals the observed one but for rounding must count as hits.
double threshold(double observed, std::span<const double> pooled) {
  double largest = 0;
  for (const double value : pooled) largest = std::max(largest, std::fabs(value));
  return observed - 1e-12 * largest;
}

std::uint64_t count_all(std::span<const double> pooled, std::size_t first, double least) {
  const SplitDifference difference(pooled, first);
  std::vector<std::size_t> indices(first);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  std::uint64_t hits = 0;
  do {
    double part = 0;
    for (const std::size_t index : indices) part += pooled[index];
    if (difference(part) >= least) ++hits;
  } while (next_choice(indices, pooled.size()));
  return hits;
}

std::uint64_t count_drawn(std::vector<double> pooled, std::size_t first, double least, Random& random) {
  const SplitDifference difference(pooled, first);
  std::uint64_t hits = 0;
  for (std::uint64_t draw = 0; draw < drawn_splits; ++draw) {
    double part = 0;
    for (std::size_t i = 0; i < first; ++i) {
      std::swap(pooled[i], pooled[i + random.below(pooled.size() - i)]);
      part += pooled[i];
    }
    if (difference(part) >= least) ++hits;
  }
  return hits;
}

std::string fixed(double value, int decimals) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", decimals, value);
  // A value that rounds to zero has no sign.
  return std::strspn(buffer, "-0.") == std::strlen(buffer) && buffer[0] == '-' ? buffer + 1 : buffer;
}

std::string significant(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*g", digits, value);
  return buffer;
}

// 1/3 where that is what it is, else 0.012.
std::string probability_text(double p) {
  const double inverse = std::round(1 / p);
  if (inverse >= 2 && inverse < 1000 && std::fabs(p * inverse - 1) < 1e-9) {
    return "1/" + std::to_string(static_cast<int>(inverse));
  }
  return significant(p, 2);
}

// Values and differences in the unit they are told in.
class Telling {
 public:
  Telling(const Comparison& comparison, bool percent) : percent_(percent) {
    const double width = comparison.interval ? comparison.interval->high - comparison.interval->low : 1;
    if (std::fabs(comparison.difference) < 0.001 || width < 0.005) decimals_ = 2;
  }

  std::string value(double value) const {
    return percent_ ? fixed(100 * value, decimals_) + " %" : significant(value, 4);
  }
  std::string difference(double value) const {
    return percent_ ? fixed(100 * value, decimals_) : significant(value, 3);
  }
  std::string points() const { return percent_ ? " points" : ""; }

 private:
  bool percent_;
  int decimals_ = 1;
};

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string evidence(const Comparison& comparison, const ComparisonWords& words, const Telling& telling) {
  std::string text = "no interval from a single " + words.unit;
  if (comparison.interval) {
    text = fixed(100 * comparison.confidence, 0) + " % interval " + telling.difference(comparison.interval->low) +
           " to " + telling.difference(comparison.interval->high);
  }
  const std::string p = comparison.p < 0.001 ? "p < 0.001" : "p = " + significant(comparison.p, 2);
  return "(" + text + ", permutation " + p + ")";
}

std::string sample_in_words(const Comparison& comparison, const ComparisonWords& words) {
  std::string text = std::to_string(comparison.a.size()) + " against " + std::to_string(comparison.b.size()) +
                     " independent " + words.unit + "s";
  if (words.seeds > 1) text += ", each the mean of " + std::to_string(words.seeds) + " seeds";
  if (comparison.can_be_significant()) return text + ".";
  return text + ": too few for any p below " + significant(1 - comparison.confidence, 2) +
         "; the smallest possible is " + probability_text(comparison.smallest_p) + ".";
}

}  // namespace

double mean(std::span<const double> values) {
  return values.empty() ? not_a_number : sum(values) / static_cast<double>(values.size());
}

double standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double centre = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::vector<double> moving_mean(std::span<const double> values, std::size_t window) {
  std::vector<double> smooth;
  const std::size_t before = (std::max<std::size_t>(window, 1) - 1) / 2, after = window / 2;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t first = i - std::min(i, before), last = std::min(values.size() - 1, i + after);
    smooth.push_back(mean(values.subspan(first, last - first + 1)));
  }
  return smooth;
}

double median(std::span<const double> values) {
  return quantile(values, 0.5);
}

double quantile(std::span<const double> values, double share) {
  if (values.empty()) return not_a_number;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted_quantile(sorted, std::clamp(share, 0.0, 1.0));
}

std::optional<Interval> bootstrap_difference(std::span<const double> a, std::span<const double> b, Random& random,
                                             double confidence, int resamples) {
  if (a.size() < 2 || b.size() < 2) return std::nullopt;
  std::vector<double> differences(static_cast<std::size_t>(resamples));
  for (double& difference : differences) {
    const double first = resampled_mean(a, random);
    difference = first - resampled_mean(b, random);
  }
  std::sort(differences.begin(), differences.end());
  const double tail = expanded_tail(a, b, confidence);
  return Interval{sorted_quantile(differences, tail), sorted_quantile(differences, 1 - tail)};
}

PermutationTest permutation_test(std::span<const double> a, std::span<const double> b, Random& random) {
  std::vector<double> pooled(a.begin(), a.end());
  pooled.insert(pooled.end(), b.begin(), b.end());
  const double least = threshold(SplitDifference(pooled, a.size())(sum(a)), pooled);
  PermutationTest test;
  test.splits = choose(pooled.size(), a.size(), most_enumerated_splits);
  if (test.splits <= most_enumerated_splits) {
    const double all = static_cast<double>(test.splits);
    test.p = static_cast<double>(count_all(pooled, a.size(), least)) / all;
    // With equal sizes the split that swaps the two sides has the same magnitude.
    test.smallest_p = std::min(1.0, (a.size() == b.size() ? 2.0 : 1.0) / all);
    return test;
  }
  test.exact = false;
  test.splits = drawn_splits;
  test.p = static_cast<double>(1 + count_drawn(pooled, a.size(), least, random)) / (1.0 + drawn_splits);
  test.smallest_p = 1 / (1.0 + drawn_splits);
  return test;
}

bool Comparison::above() const {
  return difference > 0 && interval && interval->low > 0 && p <= 1 - confidence;
}

bool Comparison::below() const {
  return difference < 0 && interval && interval->high < 0 && p <= 1 - confidence;
}

Comparison compare(std::span<const double> a, std::span<const double> b, std::uint64_t seed, double confidence) {
  const auto finite = [](double value) { return std::isfinite(value); };
  if (a.empty() || b.empty() || !std::all_of(a.begin(), a.end(), finite) || !std::all_of(b.begin(), b.end(), finite)) {
    throw invalid({}, "a comparison needs finite values on both sides", "leave out what was not measured");
  }
  Random bootstrap(derive_seed(seed, "bootstrap"));
  Random permutation(derive_seed(seed, "permutation"));
  const PermutationTest test = permutation_test(a, b, permutation);
  Comparison comparison;
  comparison.a.assign(a.begin(), a.end());
  comparison.b.assign(b.begin(), b.end());
  comparison.mean_a = mean(a);
  comparison.mean_b = mean(b);
  comparison.difference = comparison.mean_a - comparison.mean_b;
  comparison.interval = bootstrap_difference(a, b, bootstrap, confidence);
  comparison.confidence = confidence;
  comparison.p = test.p;
  comparison.smallest_p = test.smallest_p;
  comparison.exact = test.exact;
  return comparison;
}

std::string in_words(const Comparison& comparison, const ComparisonWords& words) {
  const Telling telling(comparison, words.percent);
  const bool better = words.larger_is_better ? comparison.above() : comparison.below();
  const bool worse = words.larger_is_better ? comparison.below() : comparison.above();
  std::string text = words.subject + " reach " + telling.value(comparison.mean_a) + " " + words.quantity + ", ";
  if (comparison.difference == 0) {
    text += "as much as ";
  } else {
    text += telling.difference(std::fabs(comparison.difference)) + telling.points() +
            (comparison.difference > 0 ? " above " : " below ");
  }
  text += words.other + " " + evidence(comparison, words, telling) + ".";
  if (worse) text = "Worse than " + words.other_short + ": " + text;
  if (!better && !worse) text = "Not better than " + words.other_short + ": " + text;
  return capitalised(text) + " " + sample_in_words(comparison, words);
}

Json to_json(const Comparison& comparison) {
  Json json;
  json["a"] = comparison.a;
  json["b"] = comparison.b;
  json["mean_a"] = comparison.mean_a;
  json["mean_b"] = comparison.mean_b;
  json["difference"] = comparison.difference;
  json["interval"] =
      comparison.interval ? Json::array({comparison.interval->low, comparison.interval->high}) : Json(nullptr);
  json["confidence"] = comparison.confidence;
  json["p"] = comparison.p;
  json["smallest_p"] = comparison.smallest_p;
  json["exact"] = comparison.exact;
  return json;
}

Comparison comparison_from_json(const Json& json) {
  try {
    Comparison comparison;
    comparison.a = json.at("a").get<std::vector<double>>();
    comparison.b = json.at("b").get<std::vector<double>>();
    comparison.mean_a = json.at("mean_a").get<double>();
    comparison.mean_b = json.at("mean_b").get<double>();
    comparison.difference = json.at("difference").get<double>();
    const Json& interval = json.at("interval");
    if (!interval.is_null()) comparison.interval = Interval{interval.at(0).get<double>(), interval.at(1).get<double>()};
    comparison.confidence = json.at("confidence").get<double>();
    comparison.p = json.at("p").get<double>();
    comparison.smallest_p = json.at("smallest_p").get<double>();
    comparison.exact = json.at("exact").get<bool>();
    return comparison;
  } catch (const Json::exception& error) {
    throw invalid({}, std::string("malformed comparison: ") + error.what(), "compare the networks again");
  }
}

}  // namespace netwright

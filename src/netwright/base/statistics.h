// Statistics of small samples: what a report may claim from a handful of networks.
//
// Functions take their samples by value of a span and never reorder them. Every resampling takes a seeded Random, so
// that the same study gives the same sentence on every machine.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/base/random.h"

namespace netwright {

double mean(std::span<const double> values);                // NaN when empty
double standard_deviation(std::span<const double> values);  // with n - 1; 0 for fewer than two values
double median(std::span<const double> values);

// Of each value the mean of `window` around it: (window - 1) / 2 before it and window / 2 after it, as far as there are
// so many.
std::vector<double> moving_mean(std::span<const double> values, std::size_t window);

// Linear interpolation between order statistics (type 7 of Hyndman & Fan 1996, numpy's default); share in [0, 1]. NaN
// when empty.
double quantile(std::span<const double> values, double share);

struct Interval {
  double low = 0;
  double high = 0;

  bool contains(double value) const { return low <= value && value <= high; }
  bool operator==(const Interval&) const = default;
};

// Bootstrap interval of mean(a) - mean(b), each side resampled on its own.
//
// Plain percentile intervals of few values are too narrow (with three a side they cover far less than they promise).
// This is Hesterberg's expanded percentile interval ("What Teachers Should Know About the Bootstrap", 2015): the
// percentiles taken are those that would give Welch's t interval were the bootstrap distribution normal. With three
// values a side that is the whole range of the bootstrap distribution. Nullopt when a side has fewer than two values.
std::optional<Interval> bootstrap_difference(std::span<const double> a, std::span<const double> b, Random& random,
                                             double confidence = 0.95, int resamples = 10000);

struct PermutationTest {
  double p = 1;              // two-sided
  double smallest_p = 1;     // that any values in samples of these sizes could give
  bool exact = true;         // every split counted; else Monte Carlo with p = (1 + hits) / (1 + draws)
  std::uint64_t splits = 1;  // counted or drawn
};

// Whether mean(a) - mean(b) is larger in magnitude than under random relabelling. All splits are enumerated when there
// are at most 200,000, else 100,000 are drawn. Preconditions: neither sample empty, values finite.
PermutationTest permutation_test(std::span<const double> a, std::span<const double> b, Random& random);

struct KendallTau {
  double tau = 0;               // tau-b; NaN when a side is constant or n < 2
  double p = 1;                 // two-sided; NaN with tau
  bool exact = true;            // distribution of inversions counted; else normal approximation
  std::int64_t inversions = 0;  // discordant pairs
};

// Rank correlation of two equally long samples, by Knight's O(n log n) count. Exact p up to n = 60 without ties, else
// the normal approximation with the variance corrected for ties (Kendall 1970).
KendallTau kendall_tau(std::span<const double> x, std::span<const double> y);

// Exact two-sided p of `inversions` among n untied values. Precondition: 0 <= inversions <= n(n-1)/2, n <= 170.
double kendall_exact_p(std::int64_t n, std::int64_t inversions);

// Two sets of independent values: searched networks a, others b. Values of one network with several seeds are averaged
// before they come here; networks, not runs, are the independent unit.
struct Comparison {
  std::vector<double> a, b;
  double mean_a = 0, mean_b = 0;
  double difference = 0;             // mean_a - mean_b
  std::optional<Interval> interval;  // of the difference; absent when a side has one value
  double confidence = 0.95;
  double p = 1;  // permutation_test
  double smallest_p = 1;
  bool exact = true;

  // Whether a is above (below) b beyond chance: the interval excludes zero and p <= 1 - confidence.
  bool above() const;
  bool below() const;
  bool can_be_significant() const { return smallest_p <= 1 - confidence; }
};

// An invalid Error when a side is empty or holds a value that is not finite.
Comparison compare(std::span<const double> a, std::span<const double> b, std::uint64_t seed, double confidence = 0.95);

// How a comparison is told. `percent`: the values are shares in [0, 1], told as percent and points.
struct ComparisonWords {
  std::string subject = "the searched networks";
  std::string other = "random ones";
  std::string other_short = "random";
  std::string quantity = "test accuracy";
  std::string unit = "network";  // what one value stands for
  int seeds = 1;                 // runs averaged into one value
  bool percent = true;
  bool larger_is_better = true;
};

// "The searched networks reach 91.2 % test accuracy, 1.3 points above random ones (95 % interval 0.4 to 2.2,
// permutation p = 0.03)."; "Not better than random: …" when the interval includes zero or p > 0.05, "Worse than
// random: …". Then the number of independent units, and, where the samples are too small for any p below 0.05, that
// they are: "2 against 2 networks are too few: the smallest possible p is 1/3."
std::string in_words(const Comparison& comparison, const ComparisonWords& words = {});

Json to_json(const Comparison& comparison);
Comparison comparison_from_json(const Json& json);  // throws an invalid Error on a malformed document

}  // namespace netwright

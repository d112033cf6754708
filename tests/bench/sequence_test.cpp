#include "netwright/bench/sequence.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "netwright/base/error.h"

namespace netwright {
namespace {

double best_by_enumeration(const SequenceProblem& problem, int length, int letters) {
  std::vector<int> sequence(static_cast<std::size_t>(length), 0);
  double best = 0;
  while (true) {
    best = std::max(best, problem.value(sequence));
    std::size_t i = 0;
    while (i < sequence.size() && ++sequence[i] == letters) sequence[i++] = 0;
    if (i == sequence.size()) return best;
  }
}

TEST(Sequence, OptimumIsThatOfEnumeration) {
  for (int neighbours = 0; neighbours <= 4; ++neighbours) {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      const SequenceProblem problem({.length = 6, .letters = 3, .neighbours = neighbours, .seed = seed});
      EXPECT_NEAR(problem.optimum(), best_by_enumeration(problem, 6, 3), 1e-12) << neighbours << " neighbours";
    }
  }
}

// A letter changes its own contribution and those of the positions whose neighbour it is, and no other.
TEST(Sequence, NeighboursAreEpistatic) {
  const SequenceProblem independent({.length = 8, .letters = 4, .neighbours = 0});
  const SequenceProblem epistatic({.length = 8, .letters = 4, .neighbours = 2});
  // What letter 0 -> 1 at position 3 is worth, given the letter at another position.
  const auto effect = [](const SequenceProblem& problem, std::size_t other, int letter) {
    std::vector<int> sequence(8, 0);
    sequence[other] = letter;
    const double before = problem.value(sequence);
    sequence[3] = 1;
    return problem.value(sequence) - before;
  };
  for (std::size_t other = 0; other < 8; ++other) {
    if (other == 3) continue;
    EXPECT_NEAR(effect(independent, other, 0), effect(independent, other, 2), 1e-12);
    const bool near = other >= 1 && other <= 5;
    EXPECT_EQ(std::abs(effect(epistatic, other, 0) - effect(epistatic, other, 2)) > 1e-9, near) << other;
  }
}

TEST(Sequence, EvaluatesLettersByPositionAndRepeatsItself) {
  const SequenceProblem problem({.seed = 4}), same({.seed = 4}), other({.seed = 5});
  EXPECT_EQ(problem.space().choices().size(), 20u);
  EXPECT_NEAR(problem.space().log10_size(), 16.902, 0.001);  // 7^20
  Random random(1);
  for (int round = 0; round < 20; ++round) {
    std::vector<int> sequence;
    Configuration configuration;
    for (const Choice& choice : problem.space().choices()) {
      sequence.push_back(static_cast<int>(random.below(7)));
      configuration.set(choice.name, std::string(1, static_cast<char>('A' + sequence.back())));
    }
    const Measurement measurement = problem.evaluate(configuration, 0, 1);
    EXPECT_EQ(measurement.metrics.at("accuracy"), problem.value(sequence));
    EXPECT_EQ(measurement.seconds, 1);
    EXPECT_EQ(problem.value(sequence), same.value(sequence));
    EXPECT_NE(problem.value(sequence), other.value(sequence));
    EXPECT_LE(problem.value(sequence), problem.optimum());
  }
  EXPECT_THROW(problem.evaluate(Configuration(), 0, 1), Error);
}

TEST(Sequence, ImpossibleOptionsAreErrors) {
  EXPECT_THROW(SequenceProblem({.length = 1}), Error);
  EXPECT_THROW(SequenceProblem({.letters = 27}), Error);
  EXPECT_THROW(SequenceProblem({.length = 4, .letters = 2, .neighbours = 4}), Error);
  EXPECT_THROW(SequenceProblem({.letters = 26, .neighbours = 5}), Error);
}

}  // namespace
}  // namespace netwright

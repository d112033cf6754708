// What NSGA-II must compute, beyond the contract of every strategy.
#include "netwright/strategy/nsga2.h"

#include <gtest/gtest.h>

#include <set>

#include "netwright/bench/synthetic.h"
#include "netwright/strategy/pareto.h"
#include "strategy/spaces.h"

namespace netwright {
namespace {

Objective objective(const std::string& metric, bool maximize, std::optional<double> constraint = std::nullopt) {
  Objective result;
  result.metric = metric;
  result.maximize = maximize;
  result.constraint = constraint;
  return result;
}

Member member(std::vector<double> scores, double violation = 0) {
  return {Configuration(), std::move(scores), violation};
}

TEST(Pareto, RanksThenCrowdingThenViolation) {
  // Front: (1, 5) (2, 4) (4, 1); behind it (2, 3), (1, 1); infeasible the last two.
  const std::vector<Member> members = {member({1, 5}), member({2, 4}),    member({4, 1}),   member({2, 3}),
                                       member({1, 1}), member({9, 9}, 1), member({9, 9}, 2)};
  const auto fitness = rate(members);
  for (const std::size_t i : {0U, 1U, 2U}) EXPECT_EQ(fitness[i].rank, 0U) << i;
  EXPECT_EQ(fitness[3].rank, 1U);
  EXPECT_EQ(fitness[4].rank, 2U);
  EXPECT_TRUE(fitness[0].better_than(fitness[1])) << "an extreme of the front has all the room there is";
  EXPECT_DOUBLE_EQ(fitness[1].spread, (4 - 1) / 3.0 + (5 - 1) / 4.0);
  EXPECT_TRUE(fitness[1].better_than(fitness[3]));
  EXPECT_TRUE(fitness[4].better_than(fitness[5])) << "feasible before infeasible";
  EXPECT_TRUE(fitness[5].better_than(fitness[6])) << "less broken before more";
}

TEST(Pareto, OneObjectiveIsItsScore) {
  const auto fitness = rate({member({1}), member({3}), member({2})});
  EXPECT_TRUE(fitness[1].better_than(fitness[2]));
  EXPECT_TRUE(fitness[2].better_than(fitness[0]));
}

TEST(Pareto, TrialsWithoutAllMetricsAreNoMembers) {
  Trial trial;
  trial.state = TrialState::complete;
  trial.measurements = {{1, 1, {{"accuracy", 0.5}}}};
  EXPECT_TRUE(member_of(trial, {objective("accuracy", true)}));
  EXPECT_FALSE(member_of(trial, {objective("accuracy", true), objective("macs", false)}));
  trial.state = TrialState::pruned;
  EXPECT_FALSE(member_of(trial, {objective("accuracy", true)}));
}

TEST(Nsga2, ACrossedChildIsValidAndTakesEachValueFromAParent) {
  const SearchSpace space = mixed_space();
  Random random(1);
  std::set<std::string> from_first, from_second;
  for (int i = 0; i < 500; ++i) {
    const Configuration one = space.sample(random);
    const Configuration other = space.sample(random);
    const Configuration child = crossed(space, one, other, random);
    EXPECT_NO_THROW(space.validate(child));
    for (const auto& [name, value] : child.values()) {
      const Value* first = one.find(name);
      const Value* second = other.find(name);
      if (first == nullptr && second == nullptr) continue;  // active in neither: sampled
      EXPECT_TRUE((first != nullptr && *first == value) || (second != nullptr && *second == value)) << name;
      if (first != nullptr && second != nullptr && *first != *second)
        (*first == value ? from_first : from_second).insert(name);
    }
  }
  EXPECT_EQ(from_first, from_second) << "either parent gives every choice";
  EXPECT_EQ(from_first.size(), space.choices().size());
}

class Nsga2Search : public testing::Test {
 protected:
  // Runs a search and returns the trials.
  std::vector<Trial> run(const std::string& options, int trials) {
    const Yaml yaml = parse_yaml(options, "test");
    const auto strategy = make_nsga2_strategy({space_, objectives_, yaml});
    Random random(4);
    std::vector<Trial> all;
    for (int i = 1; i <= trials; ++i) {
      Trial trial;
      trial.id = i;
      trial.configuration = *strategy->ask(random);
      trial.measurements = {synthetic_measurement(trial.configuration, 10)};
      trial.state = TrialState::complete;
      strategy->tell(trial);
      all.push_back(std::move(trial));
    }
    return all;
  }

  SearchSpace space_ = edges_space();
  std::vector<Objective> objectives_ = {objective("accuracy", true), objective("parameters", false)};
};

// The area that a front dominates, from accuracy 0 and 2,000 parameters.
double hypervolume(const std::vector<Trial>& trials, const std::vector<Objective>& objectives) {
  auto front = pareto_front(trials, objectives);  // best accuracy first, so parameters fall
  double area = 0;
  double below = 2000;
  std::sort(front.begin(), front.end(), [](const Trial* a, const Trial* b) {
    return *last_metric(*a, "parameters") < *last_metric(*b, "parameters");
  });
  for (auto i = front.rbegin(); i != front.rend(); ++i) {
    area += *last_metric(**i, "accuracy") * (below - *last_metric(**i, "parameters"));
    below = *last_metric(**i, "parameters");
  }
  return area;
}

TEST_F(Nsga2Search, CoversMoreThanRandomSearch) {
  const auto searched = run("{name: nsga2}", 300);
  Random random(4);
  std::vector<Trial> drawn;
  for (int i = 1; i <= 300; ++i) {
    Trial trial;
    trial.id = i;
    trial.configuration = space_.sample(random);
    trial.measurements = {synthetic_measurement(trial.configuration, 10)};
    trial.state = TrialState::complete;
    drawn.push_back(std::move(trial));
  }
  EXPECT_GT(hypervolume(searched, objectives_), 1.02 * hypervolume(drawn, objectives_));
}

TEST_F(Nsga2Search, ProposesNothingTwice) {
  std::set<std::string> seen;
  for (const Trial& trial : run("{name: nsga2, population: 8}", 400)) {
    EXPECT_TRUE(seen.insert(trial.configuration.canonical_text()).second) << trial.id;
  }
}

TEST_F(Nsga2Search, WithoutVariationChildrenAreParents) {
  // No crossover and (next to) no mutation: every child equals a member until none is new, and is then drawn again.
  objectives_ = {objective("accuracy", true)};
  const auto trials = run("{name: nsga2, population: 2, crossover: 0, mutation: 1e-12}", 6);
  for (std::size_t i = 2; i < trials.size(); ++i) {
    EXPECT_TRUE(trials[i].configuration == trials[0].configuration ||
                trials[i].configuration == trials[1].configuration);
  }
}

TEST_F(Nsga2Search, ConstraintsComeFirst) {
  objectives_ = {objective("accuracy", true), objective("parameters", false, 1500)};
  int feasible = 0;
  const auto trials = run("{name: nsga2}", 200);
  for (std::size_t i = 100; i < trials.size(); ++i) feasible += *last_metric(trials[i], "parameters") <= 1500 ? 1 : 0;
  EXPECT_GT(feasible, 80);
}

}  // namespace
}  // namespace netwright

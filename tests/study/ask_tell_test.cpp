#include "netwright/study/ask_tell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "netwright/bench/synthetic.h"
#include "netwright/study/narrow.h"

namespace netwright {
namespace {

constexpr const char* text = R"(
name: laboratory
seed: 3
space:
  choices:
    rate: {real: [1e-4, 1.0], log: true}
    units: {integer: [16, 256], step: 16}
    kind: [a, b, c, d]
  recipe: {epochs: 9}
search: {strategy: {name: evolution, population: 8, tournament: 3}, budget: {trials: 20}}
execution: {fleet: external}
)";

class AskTellTest : public testing::Test {
 protected:
  AskTellTest()
      : experiment_(parse_experiment(parse_yaml(text, "laboratory.yaml"))),
        space_(make_space(experiment_, std::nullopt, std::nullopt)) {}

  std::unique_ptr<Storage> new_storage() const {
    auto storage = open_storage("memory");
    StudyRecord record;
    record.name = experiment_.name;
    record.state = "searching";
    record.seed = experiment_.seed;
    storage->create_study(record);
    return storage;
  }
  AskTell open(Storage& storage) const { return AskTell(experiment_, space_, storage, "/nowhere"); }
  static std::map<std::string, double> measure(const AskTell::Asked& asked) {
    return synthetic_measurement(asked.configuration, asked.fidelity).metrics;
  }

  Experiment experiment_;
  SearchSpace space_;
};

TEST_F(AskTellTest, EveryCallMayBeAnotherProcess) {
  const auto whole = new_storage();
  AskTell one = open(*whole);
  while (const auto asked = one.ask()) one.tell(asked->trial, measure(*asked), std::nullopt, 0);
  EXPECT_TRUE(one.over());
  ASSERT_EQ(one.state().trials.size(), 20U);

  const auto pieces = new_storage();
  while (const auto asked = open(*pieces).ask()) {
    AskTell next = open(*pieces);
    EXPECT_EQ(next.out(), 1);
    EXPECT_EQ(next.tell(asked->trial, measure(*asked), std::nullopt, 0).state, TrialState::complete);
  }
  const auto expected = whole->trials("laboratory");
  const auto trials = pieces->trials("laboratory");
  ASSERT_EQ(trials.size(), expected.size());
  for (std::size_t i = 0; i < trials.size(); ++i) EXPECT_EQ(trials[i].configuration, expected[i].configuration) << i;
}

TEST_F(AskTellTest, SeveralTrialsMayBeOut) {
  const auto storage = new_storage();
  AskTell study = open(*storage);
  const auto first = study.ask();
  const auto second = study.ask();
  EXPECT_EQ(study.out(), 2);
  EXPECT_EQ(study.fail(second->trial, "power cut").state, TrialState::failed);
  EXPECT_EQ(study.tell(first->trial, measure(*first), 4.0, 10).state, TrialState::running);
  EXPECT_EQ(study.tell(first->trial, measure(*first), std::nullopt, 10).state, TrialState::complete);
  EXPECT_EQ(study.out(), 0);
  EXPECT_EQ(storage->trials("laboratory")[0].measurements.size(), 2U);
}

TEST_F(AskTellTest, MistakesAreRefusedAndChangeNothing) {
  const auto storage = new_storage();
  AskTell study = open(*storage);
  EXPECT_THROW(study.tell(1, {{"accuracy", 0.5}}, std::nullopt, 0), Error);
  const auto asked = study.ask();
  EXPECT_THROW(study.tell(asked->trial, {{"loss", 0.5}}, std::nullopt, 0), Error);
  EXPECT_THROW(study.tell(asked->trial, {{"accuracy", std::nan("")}}, std::nullopt, 0), Error);
  EXPECT_THROW(study.tell(asked->trial, {{"accuracy", 0.5}}, 10.0, 0), Error);
  EXPECT_THROW(study.tell(asked->trial, {{"accuracy", 0.5}}, 0.0, 0), Error);
  EXPECT_EQ(study.out(), 1);
  EXPECT_TRUE(storage->trials("laboratory")[0].measurements.empty());
  study.tell(asked->trial, {{"accuracy", 0.5}}, std::nullopt, 0);
  EXPECT_THROW(study.tell(asked->trial, {{"accuracy", 0.5}}, std::nullopt, 0), Error);
}

TEST_F(AskTellTest, ImportedTrialsTeachTheStrategyAndUseNoBudget) {
  const auto storage = new_storage();
  const Configuration good({{"kind", std::string("c")}, {"rate", 0.01}, {"units", std::int64_t{64}}});
  {
    AskTell study = open(*storage);
    for (int i = 0; i < 8; ++i) study.import(good, {9, 0, {{"accuracy", 0.9}}});
  }
  AskTell study = open(*storage);
  const auto asked = study.ask();
  EXPECT_EQ(asked->trial, 9);
  // The population is full of it: what evolution proposes first is a child of the imported one.
  int same = 0;
  for (const auto& [choice, value] : good.values()) same += *asked->configuration.find(choice) == value ? 1 : 0;
  EXPECT_EQ(same, 2);
  study.tell(asked->trial, measure(*asked), std::nullopt, 0);
  int started = 1;
  for (; const auto more = study.ask(); ++started) study.tell(more->trial, measure(*more), std::nullopt, 0);
  EXPECT_EQ(started, 20);
}

TEST_F(AskTellTest, ANarrowedExperimentHasTheChoicesOfTheBest) {
  const auto storage = new_storage();
  AskTell study = open(*storage);
  while (const auto asked = study.ask()) {
    const bool kind = std::get<std::string>(*asked->configuration.find("kind")) == "b";
    const double rate = std::get<double>(*asked->configuration.find("rate"));
    study.tell(asked->trial, {{"accuracy", 0.5 + (kind ? 0.3 : 0.0) - 0.05 * std::abs(std::log10(rate) + 2)}},
               std::nullopt, 0);
  }
  NarrowOptions options;
  options.top = 4;
  const Narrowed narrowed = narrow(experiment_, space_, study.state().trials, options);
  const Experiment again = parse_experiment(parse_yaml(dump_yaml(narrowed.experiment), "narrow.yaml"));
  EXPECT_EQ(again.name, "laboratory-narrow");
  const SearchSpace smaller = make_space(again, std::nullopt, std::nullopt);
  const std::vector<Trial> trials(study.state().trials.begin(), study.state().trials.end());
  const auto best = ranking(trials, experiment_.objectives);
  double low = 1, high = 0;
  for (int i = 0; i < 4; ++i) {
    EXPECT_NO_THROW(smaller.validate(best[static_cast<std::size_t>(i)]->configuration));
    const double rate = std::get<double>(*best[static_cast<std::size_t>(i)]->configuration.find("rate"));
    low = std::min(low, rate);
    high = std::max(high, rate);
  }
  const auto& rate = std::get<Real>(smaller.find("rate")->domain);
  EXPECT_EQ(rate.low, low);
  EXPECT_EQ(rate.high, high);
  EXPECT_TRUE(rate.log);
  EXPECT_EQ(std::get<Categorical>(smaller.find("kind")->domain).options, std::vector<Value>{std::string("b")});
}

TEST_F(AskTellTest, NarrowingStaysWithinTheSpace) {
  for (const char* wrong : {"{rate: {real: [1e-5, 1.0], log: true}}", "{units: {integer: [8, 64], step: 8}}",
                            "{kind: [a, e]}", "{knd: [a]}", "{kind: {integer: [1, 2]}}"}) {
    EXPECT_THROW(space_.narrowed(parse_yaml(wrong, "narrow.yaml")), Error) << wrong;
  }
  const SearchSpace smaller = space_.narrowed(parse_yaml("{kind: [d, a], units: {integer: [32, 64], step: 32}}", "n"));
  EXPECT_EQ(count_values(*smaller.find("kind")), 2U);
  EXPECT_EQ(count_values(*smaller.find("units")), 2U);
}

}  // namespace
}  // namespace netwright

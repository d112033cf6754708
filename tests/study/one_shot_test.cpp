// Studies whose search is one supernet.

#include "netwright/study/one_shot.h"

#include <gtest/gtest.h>

#include "netwright/study/retrain.h"
#include "netwright/trial/architecture_record.h"
#include "study/fake_fleet.h"

namespace netwright {
namespace {

class OneShotStudyTest : public testing::Test {
 protected:
  OneShotStudyTest() {
    experiment_ = parse_experiment(parse_yaml(R"(
name: test
seed: 5
space: {choices: {a: [x, y, z], b: [x, y, z], c: [x, y, z]}}
recipe: {epochs: 4, optimizer: {learning_rate: 0.1}}
search: {strategy: darts}
retrain: {top: 1, seeds: 2, recipe: {epochs: 7}}
execution: {trainer: [unused], retries: 1}
)",
                                              "test.yaml"));
    StudyRecord record;
    record.name = experiment_.name;
    record.state = "searching";
    record.experiment = experiment_.full_text;
    storage_->create_study(record);
  }

  StudyEnd run(FakeFleet& fleet) {
    const SearchSpace space = make_space(experiment_, std::nullopt, std::nullopt);
    return run_study({experiment_, space, *storage_, fleet, observer_, "/studies/test", interrupts_});
  }

  static Configuration found() {
    return Configuration({{"a", std::string("z")}, {"b", std::string("y")}, {"c", std::string("x")}});
  }

  static std::vector<Report> search(const Start& start, const Configuration& configuration) {
    std::vector<Report> reports;
    for (int epoch = 1; epoch <= start.fidelity; ++epoch) {
      Measured measured;
      measured.trial = start.trial;
      measured.measurement = {static_cast<double>(epoch), 1, {{"accuracy", 0.1 * epoch}}};
      reports.push_back(measured);
    }
    Finished finished;
    finished.trial = start.trial;
    finished.configuration = configuration;
    reports.push_back(finished);
    return reports;
  }

  Experiment experiment_;
  std::unique_ptr<Storage> storage_ = open_storage("memory");
  SilentObserver observer_;
  std::atomic<int> interrupts_{0};
};

TEST_F(OneShotStudyTest, WhatTheSupernetFoundIsRetrainedBesideRandomNetworks) {
  FakeFleet fleet(
      2, [&](const Start& start) { return start.supernet.empty() ? instant_reports(start) : search(start, found()); });
  EXPECT_EQ(run(fleet), StudyEnd::complete);
  const Start& first = fleet.started.front();
  EXPECT_EQ(first.supernet, experiment_.full_text);
  EXPECT_EQ(first.fidelity, 4);
  EXPECT_EQ(first.recipe->optimizer.learning_rate, 0.1);
  EXPECT_EQ(first.recipe->optimizer.weight_decay, 3e-4) << "what the experiment leaves open is as DARTS has it";
  EXPECT_FALSE(first.network);
  const auto trials = storage_->trials("test");
  ASSERT_EQ(trials.size(), 5U);
  EXPECT_EQ(trials[0].state, TrialState::complete);
  EXPECT_EQ(trials[0].configuration, found());
  EXPECT_EQ(trials[0].measurements.size(), 4U);
  int same = 0;
  for (std::size_t i = 1; i < trials.size(); ++i) {
    EXPECT_EQ(trials[i].target_fidelity, 7);
    same += trials[i].purpose == TrialPurpose::retrain && trials[i].configuration == found() ? 1 : 0;
  }
  EXPECT_EQ(same, 2);
}

TEST_F(OneShotStudyTest, MoreRandomNetworksThanOneMayBeTrained) {
  Yaml root = parse_yaml(experiment_.full_text, "test.yaml");
  set_by_path(root, "retrain.random_networks=3");
  experiment_ = parse_experiment(root);
  FakeFleet fleet(
      2, [&](const Start& start) { return start.supernet.empty() ? instant_reports(start) : search(start, found()); });
  EXPECT_EQ(run(fleet), StudyEnd::complete);
  const auto trials = storage_->trials("test");
  ASSERT_EQ(trials.size(), 9U) << "the search, 2 seeds of one network, and of three";
  std::map<std::string, int> random;
  for (const Trial& trial : trials) {
    if (trial.purpose == TrialPurpose::baseline) ++random[trial.configuration.canonical_text()];
  }
  ASSERT_EQ(random.size(), 3U);
  for (const auto& [configuration, runs] : random) EXPECT_EQ(runs, 2) << configuration;

  set_by_path(root, "retrain.baseline=none");
  EXPECT_THROW(parse_experiment(root), Error) << "of what?";
}

TEST(SupernetRecipe, IsThatOfTheMethodsPaper) {
  const auto recipe = [](const std::string& strategy, const std::string& changes = "") {
    return supernet_recipe(parse_yaml(strategy, "s.yaml"), changes.empty() ? Yaml{} : parse_yaml(changes, "r.yaml"));
  };
  for (const std::string strategy : {"{name: darts}", "{name: gaea}", "{name: gdas}", "{name: gaea, base: darts}"}) {
    EXPECT_EQ(recipe(strategy).batch, 64) << strategy;
    EXPECT_EQ(recipe(strategy).optimizer.learning_rate, 0.025) << strategy;
    EXPECT_EQ(recipe(strategy).optimizer.learning_rate * recipe(strategy).schedule.final_fraction, 0.001) << strategy;
  }
  for (const std::string strategy : {"{name: pc_darts}", "{name: gaea, base: pc_darts}"}) {
    EXPECT_EQ(recipe(strategy).batch, 256) << strategy;
    EXPECT_EQ(recipe(strategy).optimizer.learning_rate, 0.1) << strategy;
    EXPECT_EQ(recipe(strategy).schedule.final_fraction, 0) << strategy;
    EXPECT_EQ(recipe(strategy).optimizer.weight_decay, 3e-4) << strategy;
    EXPECT_EQ(recipe(strategy).gradient_clip, 5) << strategy;
    EXPECT_EQ(recipe(strategy, "{batch: 32}").batch, 32) << "the experiment decides";
    EXPECT_EQ(recipe(strategy, "{batch: 32}").optimizer.learning_rate, 0.1) << strategy;
  }
}

TEST_F(OneShotStudyTest, KilledInTheSearchItIsStartedAgain) {
  struct Killed {};
  int polls = 0;
  bool done = false;
  for (int runs = 0; !done && runs < 30; ++runs) {
    FakeFleet fleet(1, [&](const Start& start) {
      return start.supernet.empty() ? instant_reports(start) : search(start, found());
    });
    fleet.before_poll = [&] {
      if (++polls == 4) throw Killed{};
    };
    try {
      done = run(fleet) == StudyEnd::complete;
    } catch (const Killed&) {
    }
  }
  ASSERT_TRUE(done);
  EXPECT_EQ(storage_->trials("test").at(0).measurements.size(), 4U) << "each epoch once";
  EXPECT_EQ(storage_->trials("test").size(), 5U);
}

TEST_F(OneShotStudyTest, TellsOfEachSignOfCollapseOnce) {
  const auto collapsing = [&](const Start& start) {
    auto reports = search(start, found());
    auto& measurement = std::get<Measured>(reports[1]).measurement;
    measurement.details["signs"] =
        to_json(std::vector<CollapseSign>{{"skip_connections", "cell 'c' has 2 skip connections"}});
    return reports;
  };
  FakeFleet fleet(
      1, [&](const Start& start) { return start.supernet.empty() ? instant_reports(start) : collapsing(start); });
  EXPECT_EQ(run(fleet), StudyEnd::complete);
  ASSERT_EQ(observer_.notes.size(), 1U);
  EXPECT_EQ(observer_.notes[0], "the search may be collapsing, epoch 2: cell 'c' has 2 skip connections");
  EXPECT_TRUE(storage_->trials("test").at(0).measurements.at(1).details.contains("signs"));
}

TEST_F(OneShotStudyTest, ASearchMayEndBeforeItsFidelity) {
  FakeFleet fleet(1, [&](const Start& start) {
    if (start.supernet.empty()) return instant_reports(start);
    auto reports = search(start, found());
    reports.erase(reports.begin() + 2, reports.begin() + 4);
    std::get<Finished>(reports.back()).message = "stopped after epoch 2";
    return reports;
  });
  EXPECT_EQ(run(fleet), StudyEnd::complete);
  const auto trials = storage_->trials("test");
  EXPECT_EQ(trials.at(0).state, TrialState::complete);
  EXPECT_EQ(trials.at(0).fidelity, 2);
  EXPECT_EQ(trials.at(0).message, "stopped after epoch 2");
  EXPECT_EQ(trials.at(0).configuration, found());
  EXPECT_EQ(trials.size(), 5U);
}

TEST(OneShot, DecodingAndKeysAreReadAtTheirPlace) {
  const auto parsed = [](const std::string& search) {
    return parse_experiment(
        parse_yaml("name: x\nspace: darts.yaml\ndata: {format: fashion-mnist}\nsearch: " + search + "\n", "e.yaml"));
  };
  EXPECT_EQ(parsed("{strategy: darts}").decoding.rule, "");
  EXPECT_EQ(parsed("{strategy: darts, decoding: perturbation}").decoding.rule, "perturbation");
  const DecodingOptions whole = parsed("{strategy: enas, decoding: {name: best_of_samples, samples: 7}}").decoding;
  EXPECT_EQ(whole.rule, "best_of_samples");
  EXPECT_EQ(whole.samples, 7);
  for (const std::string wrong : {"{strategy: {name: darts, ordre: second}}", "{strategy: darts, decoding: best}",
                                  "{strategy: darts, decoding: best_of_samples}",
                                  "{strategy: random, budget: {trials: 1}, decoding: top_edges}"}) {
    try {
      parsed(wrong);
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::invalid) << wrong;
      EXPECT_NE(std::string(error.what()).find("e.yaml:4"), std::string::npos) << error.what();
    }
  }
}

TEST_F(OneShotStudyTest, CollapseIsForSearchesInASupernet) {
  Yaml root = parse_yaml(experiment_.full_text, "test.yaml");
  set_by_path(root, "search.collapse=stop");
  EXPECT_TRUE(parse_experiment(root).collapse.stops());
  EXPECT_TRUE(parse_experiment(parse_yaml(parse_experiment(root).full_text, "again.yaml")).collapse.stops());
  set_by_path(root, "search.collapse={eigenvalue: {ratio: 0.5}}");
  EXPECT_EQ(parse_experiment(root).collapse.ratio, 0.5);
  const std::string text =
      "space: {choices: {a: [x, y]}}\nexecution: {trainer: [unused]}\n"
      "search: {strategy: random, collapse: warn, budget: {trials: 3}}\n";
  try {
    parse_experiment(parse_yaml(text, "test.yaml"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).substr(0, 14), "test.yaml:3:38") << error.what();
  }
}

TEST_F(OneShotStudyTest, BatchesAndMemoryAreReadFromTheFile) {
  const auto with = [&](const std::vector<std::string>& settings) {
    Yaml root = parse_yaml(experiment_.full_text, "test.yaml");
    for (const std::string& setting : settings) set_by_path(root, setting);
    return parse_experiment(root);
  };
  EXPECT_FALSE(experiment_.batch.automatic);
  EXPECT_EQ(experiment_.batch.accumulate, 0);
  EXPECT_EQ(experiment_.execution.memory, 0);
  const Experiment automatic = with({"recipe.batch=auto", "recipe.accumulate=2", "execution.memory=4 GiB",
                                     "execution.passes.recompute=true", "execution.passes.share=false"});
  for (const Experiment& experiment : {automatic, parse_experiment(parse_yaml(automatic.full_text, "again.yaml"))}) {
    EXPECT_TRUE(experiment.batch.automatic) << "a resumed study has it too";
    EXPECT_EQ(experiment.batch.accumulate, 2);
    EXPECT_EQ(experiment.execution.memory, std::int64_t{4} << 30);
    EXPECT_TRUE(experiment.execution.passes.recompute);
    EXPECT_FALSE(experiment.execution.passes.share);
    EXPECT_TRUE(experiment.execution.passes.sums) << "as by default";
    EXPECT_EQ(supernet_recipe(experiment.strategy, experiment.recipe).batch, 64) << "no more than the method's";
    EXPECT_EQ(supernet_recipe(experiment.strategy, experiment.recipe).epochs, 4);
  }
  EXPECT_EQ(with({"recipe.accumulate=auto"}).batch.accumulate, 0);
  parse_experiment(experiment_of_configuration(automatic, found()));  // trains one network, whose batch is a number
}

TEST_F(OneShotStudyTest, WrongBatchesAndMemoryNameTheirPlace) {
  const auto place = [](const std::string& strategy, const std::string& line) {
    const std::string text = line + "\nspace: {choices: {a: [x, y]}}\n" +
                             (line.starts_with("execution") ? "" : "execution: {trainer: [unused]}\n") +
                             "search: {strategy: " + strategy + ", budget: {trials: 3}}\n";
    try {
      parse_experiment(parse_yaml(text, "e.yaml"));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::invalid);
      return to_string(error.where());
    }
    return std::string("no error");
  };
  EXPECT_EQ(place("random", "recipe: {batch: auto}"), "e.yaml:1:17");
  EXPECT_EQ(place("random", "recipe: {accumulate: 2}"), "e.yaml:1:22");
  EXPECT_EQ(place("random", "execution: {trainer: [unused], memory: 4 GiB}"), "e.yaml:1:40");
  EXPECT_EQ(place("darts", "execution: {trainer: [unused], memory: 4 Gigs}"), "e.yaml:1:40");
  EXPECT_EQ(place("darts", "execution: {trainer: [unused], memory: plenty}"), "e.yaml:1:40");
  EXPECT_EQ(place("random", "execution: {trainer: [unused], passes: {bf16: true}}"), "e.yaml:1:40");
  EXPECT_EQ(place("darts", "execution: {trainer: [unused], passes: {bf61: true}}"), "e.yaml:1:41");
  EXPECT_EQ(place("darts", "execution: {trainer: [unused], passes: [bf16]}"), "e.yaml:1:40");
  EXPECT_EQ(place("darts", "execution: {trainer: [unused], passes: {bf16: 16}}"), "e.yaml:1:47");
  EXPECT_EQ(place("darts", "recipe: {accumulate: 0}"), "e.yaml:1:22");
  EXPECT_EQ(place("darts", "recipe: {accumulate: some}"), "e.yaml:1:22");
  EXPECT_EQ(place("{name: darts, order: exact}", "recipe: {accumulate: 2}"), "e.yaml:1:22");
  EXPECT_EQ(place("{name: darts, order: exact}", "recipe: {accumulate: 1}"), "no error");
  EXPECT_EQ(place("darts", "recipe: {batch: auto}"), "no error");
}

TEST_F(OneShotStudyTest, TellsOnceOfTheBatchThatWasChosen) {
  FakeFleet fleet(1, [&](const Start& start) {
    if (!start.supernet.empty()) {
      auto reports = search(start, found());
      for (Report& report : reports) {
        if (auto* measured = std::get_if<Measured>(&report)) {
          measured->measurement.details["memory"] = {
              {"batch", 64}, {"parts", 2}, {"predicted", 3 << 29}, {"limit", std::int64_t{1} << 31}};
        }
      }
      return reports;
    }
    return instant_reports(start);
  });
  EXPECT_EQ(run(fleet), StudyEnd::complete);
  EXPECT_EQ(observer_.notes, (std::vector<std::string>{"batch 64 in 2 parts: predicted peak 1.50 GiB of 2.00 GiB"}));
}

TEST_F(OneShotStudyTest, WithoutMemoryItIsAnErrorAndCanBeResumed) {
  FakeFleet small(1, [&](const Start& start) {
    Finished finished;
    finished.trial = start.trial;
    finished.state = TrialState::failed;
    finished.reason = "memory";
    finished.message = "the search takes 5 GiB";
    finished.metrics = {{"remedy", "recipe: {batch: 4}"}};
    return std::vector<Report>{finished};
  });
  try {
    run(small);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    EXPECT_EQ(error.problem(), "the search takes 5 GiB");
    EXPECT_EQ(error.remedy(), "recipe: {batch: 4}");
  }
  EXPECT_FALSE(is_finished(storage_->trials("test").at(0).state));
  FakeFleet large(
      1, [&](const Start& start) { return start.supernet.empty() ? instant_reports(start) : search(start, found()); });
  EXPECT_EQ(run(large), StudyEnd::complete);
}

TEST_F(OneShotStudyTest, AConfigurationOutsideTheSpaceFailsTheSearch) {
  FakeFleet fleet(1, [&](const Start& start) { return search(start, Configuration({{"a", std::string("w")}})); });
  EXPECT_EQ(run(fleet), StudyEnd::no_valid_trial);
  EXPECT_EQ(storage_->trials("test").at(0).state, TrialState::failed);
  EXPECT_EQ(storage_->trials("test").at(0).reason, "invalid");
}

}  // namespace
}  // namespace netwright

#include "netwright/study/experiment.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace netwright {
namespace {

const char* const valid = R"(name: good
space:
  name: numbers
  choices:
    a: {integer: [0, 9]}
    b: [x, y]
search: {strategy: random, budget: {trials: 5}}
execution: {trainer: ./mine}
)";

Experiment parse(const std::string& text) {
  return parse_experiment(parse_yaml(text, "e.yaml"));
}

std::string error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    return error.what();
  }
  return "no error";
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = valid;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST(Experiment, DumpsToTextThatReadsBackTheSame) {
  const Experiment first = parse(valid);
  const Experiment second = parse_experiment(parse_yaml(first.full_text, "again.yaml"));
  EXPECT_EQ(first.full_text, second.full_text);
  EXPECT_EQ(second.name, "good");
  EXPECT_EQ(second.budget.trials, 5);
  EXPECT_EQ(second.execution.trainer, std::vector<std::string>{"./mine"});
}

TEST(Experiment, ErrorsNameTheLineAndTheRemedy) {
  EXPECT_EQ(error_of(with("trials: 5", "trails: 5")),
            "e.yaml:7:37: unknown key 'trails' in search.budget\n  remedy: did you mean 'trials'?");
  EXPECT_NE(error_of(with("trials: 5", "trials: many")).find("e.yaml:7:45: 'trials' must be an integer"),
            std::string::npos);
  EXPECT_NE(error_of(with("trials: 5", "trials: -5")).find("e.yaml:7:45"), std::string::npos);
  EXPECT_NE(error_of(with("name: good", "name: ../evil")).find("e.yaml:1:7"), std::string::npos);
  EXPECT_NE(error_of(with("name: good", "nam: good")).find("did you mean 'name'?"), std::string::npos);
  EXPECT_NE(error_of(with("budget: {trials: 5}", "budget: {}")).find("the search has no end"), std::string::npos);
  EXPECT_NE(error_of(std::string(valid) + "retrain: {baseline: best}\n").find("'baseline' is 'best'"),
            std::string::npos);
  EXPECT_NE(error_of(std::string(valid) + "retrain: {recipe: {epohs: 3}}\n").find("did you mean 'epochs'?"),
            std::string::npos);
  EXPECT_NE(error_of(with("execution: {trainer: ./mine}", "seed: 1")).find("names no data"), std::string::npos);
  EXPECT_NE(error_of(with("trainer: ./mine", "trainer: ./mine, device: gpu")).find("unknown device 'gpu'"),
            std::string::npos);
  EXPECT_NE(error_of("name: a\nname: b\n").find("e.yaml:2:1: duplicate key 'name'"), std::string::npos);
}

TEST(Experiment, AMistakeInWhatIsFixedOrNarrowedNamesItsPlace) {
  const auto refusal = [](const std::string& change) {
    const std::string text = "space:\n  choices: {a: {integer: [1, 9]}, b: [x, y]}\n  " + change +
                             "\nsearch: {budget: {trials: 1}}\nexecution: {trainer: [t]}\n";
    try {
      make_space(parse_experiment(parse_yaml(text, "e.yaml")), std::nullopt, std::nullopt);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refusal("fix: {a: 3, zzzz: 3}"),
            "e.yaml:3:15: the space has no choice 'zzzz'\n  remedy: valid names: a, b");
  EXPECT_EQ(refusal("fix: {a: 10}").substr(0, 37), "e.yaml:3:9: choice 'a' cannot be 10\n ");
  EXPECT_EQ(refusal("fix: {b: x, a: 2}"), "accepted");
  EXPECT_EQ(refusal("narrow: {bb: [x]}").substr(0, 44), "e.yaml:3:12: the space has no choice 'bb'\n  ");
}

TEST(Experiment, SpaceFilesAreReadWithTheirParametersAndFixedChoices) {
  const auto folder = std::filesystem::temp_directory_path() / ("netwright-experiment-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "experiment.yaml")
      << "space: {file: " NETWRIGHT_SOURCE_DIR
         "/spaces/nas-bench-201.yaml, parameters: {cells: 2}, fix: {edge_0_1: none}}\n"
         "search: {budget: {trials: 1}}\ndata: {format: fashion-mnist}\n";
  const Experiment experiment = load_experiment((folder / "experiment.yaml").string(), {"seed=9"});
  EXPECT_EQ(experiment.name, "experiment");
  EXPECT_EQ(experiment.seed, 9U);
  EXPECT_EQ(experiment.space.find("parameters")->find("cells")->text, "2");
  const SearchSpace space = make_space(experiment, Shape{1, 28, 28}, 10);
  EXPECT_EQ(space.size(), 3125U);
  const Experiment again = parse_experiment(parse_yaml(experiment.full_text, "again.yaml"));
  EXPECT_EQ(make_space(again, Shape{1, 28, 28}, 10).size(), 3125U);
  std::filesystem::remove_all(folder);
}

TEST(Experiment, TheExperimentOfAConfigurationHasThatOneMember) {
  const Experiment experiment = parse(valid);
  Configuration configuration;
  configuration.set("a", std::int64_t{4});
  configuration.set("b", std::string("y"));
  const Experiment single =
      parse_experiment(parse_yaml(dump_yaml(experiment_of_configuration(experiment, configuration)), "best.yaml"));
  const SearchSpace space = make_space(single, std::nullopt, std::nullopt);
  Random random(1);
  EXPECT_EQ(space.sample(random), configuration);
  EXPECT_EQ(single.name, "good-best");
}

}  // namespace
}  // namespace netwright

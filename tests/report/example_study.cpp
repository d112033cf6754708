#include "report/example_study.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "netwright/base/random.h"

namespace netwright {
namespace {

const std::vector<std::string> garments{"T-shirt", "trousers", "pullover", "dress",   "coat",
                                        "sandal",  "shirt",    "sneaker",  "handbag", "ankle boot"};

std::vector<Choice> example_choices() {
  const Categorical operations{{std::string("none"), std::string("skip_connect"), std::string("nor_conv_1x1"),
                                std::string("nor_conv_3x3"), std::string("avg_pool_3x3")}};
  return {{"edge_0_1", operations, {}, {}},
          {"edge_0_2", operations, {}, {}},
          {"edge_1_2", operations, {}, {}},
          {"width", Integer{8, 32, 4, false}, {}, {}},
          {"recipe.optimizer.learning_rate", Real{0.01, 0.21, true}, {}, {}}};
}

Configuration draw_configuration(Random& random) {
  const std::vector<std::string> operations{"none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"};
  Configuration configuration;
  for (const std::string edge : {"edge_0_1", "edge_0_2", "edge_1_2"}) {
    configuration.set(edge, operations[random.below(operations.size())]);
  }
  configuration.set("width", static_cast<std::int64_t>(8 + 4 * random.below(7)));
  configuration.set("recipe.optimizer.learning_rate", std::exp(std::log(0.01) + 3 * random.uniform()));
  return configuration;
}

double quality_of(const Configuration& configuration) {
  double quality = 0.80;
  for (const auto& [name, value] : configuration.values()) {
    if (value == Value(std::string("nor_conv_3x3"))) quality += 0.025;
    if (value == Value(std::string("nor_conv_1x1"))) quality += 0.015;
    if (value == Value(std::string("none"))) quality -= 0.01;
  }
  return quality + 0.001 * static_cast<double>(std::get<std::int64_t>(*configuration.find("width")));
}

double parameters_of(const Configuration& configuration) {
  const auto width = static_cast<double>(std::get<std::int64_t>(*configuration.find("width")));
  double kernels = 2;
  for (const auto& [name, value] : configuration.values()) {
    if (value == Value(std::string("nor_conv_3x3"))) kernels += 9;
    if (value == Value(std::string("nor_conv_1x1"))) kernels += 1;
  }
  return std::round(kernels * width * width * 21 + 1000);
}

void train(Trial& trial, int epochs, double gain, Random& random) {
  const double quality = quality_of(trial.configuration) + gain + 0.004 * random.normal();
  const double parameters = parameters_of(trial.configuration);
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    const double learnt = 1 - std::exp(-1.3 * epoch * 6.0 / epochs);
    Measurement measurement{static_cast<double>(epoch), 3 + parameters / 20000, {}};
    measurement.metrics["accuracy"] = std::min(0.99, 0.1 + (quality - 0.1) * learnt + 0.003 * random.normal());
    measurement.metrics["loss"] = 2.3 * (1 - learnt) + 0.3;
    measurement.metrics["parameters"] = parameters;
    measurement.metrics["macs"] = parameters * 310;
    trial.measurements.push_back(measurement);
  }
  trial.state = TrialState::complete;
  trial.fidelity = trial.target_fidelity = epochs;
}

void fail(Trial& trial, const std::string& reason, const std::string& message) {
  trial.state = TrialState::failed;
  trial.reason = reason;
  trial.message = message;
  trial.measurements.clear();
  trial.fidelity = 0;
}

Trial& next_trial(ReportInput& input, TrialPurpose purpose, double& clock, double seconds) {
  Trial trial;
  trial.id = static_cast<std::int64_t>(input.trials.size()) + 1;
  trial.purpose = purpose;
  trial.seed = 1000 + static_cast<std::uint64_t>(trial.id);
  trial.worker = 0;
  trial.started = clock;
  clock += seconds;
  trial.finished = clock;
  input.trials.push_back(trial);
  return input.trials.back();
}

void search(ReportInput& input, Random& random, double& clock) {
  for (int i = 0; i < 24; ++i) {
    Trial& trial = next_trial(input, TrialPurpose::search, clock, 9 + 4 * random.uniform());
    trial.configuration = draw_configuration(random);
    train(trial, 4, 0, random);
  }
  fail(input.trials[4], "nan", "the loss became nan in step 212 of epoch 1 (learning rate 0.19)");
  fail(input.trials[16], "oom", "allocation of 512 MiB refused");
  Trial& pruned = input.trials[10];
  pruned.state = TrialState::pruned;
  pruned.reason = "median";
  pruned.measurements.resize(2);
  pruned.fidelity = 2;
  // A network of no use: its accuracy is that of guessing.
  for (auto& measurement : input.trials[7].measurements) measurement.metrics["accuracy"] = 0.1;
}

void retrain(ReportInput& input, Random& random, double& clock) {
  const auto best = ranking(input.trials, input.objectives);
  std::vector<std::pair<std::int64_t, Configuration>> sources;
  for (std::size_t i = 0; i < 3; ++i) sources.emplace_back(best[i]->id, best[i]->configuration);
  std::vector<std::vector<double>> tested(2);
  for (std::size_t i = 0; i < 3; ++i) {
    for (const auto purpose : {TrialPurpose::retrain, TrialPurpose::baseline}) {
      const bool searched = purpose == TrialPurpose::retrain;
      const Configuration configuration = searched ? sources[i].second : draw_configuration(random);
      double sum = 0;
      for (int seed = 0; seed < 2; ++seed) {
        Trial& trial = next_trial(input, purpose, clock, 40);
        trial.configuration = configuration;
        if (searched) trial.source = sources[i].first;
        train(trial, 12, 0.025, random);
        const double accuracy = trial.measurements.back().metrics["accuracy"] - 0.004;
        trial.measurements.back().metrics["test_accuracy"] = accuracy;
        sum += accuracy;
      }
      tested[searched ? 0 : 1].push_back(sum / 2);
    }
  }
  input.comparison = compare(tested[0], tested[1], input.study.seed);
  input.words.seeds = 2;
  input.final_trial = 25;
}

ConfusionMatrix confusions(Random& random) {
  ConfusionMatrix matrix{garments, {}};
  for (std::size_t row = 0; row < garments.size(); ++row) {
    std::vector<std::int64_t> counts(garments.size(), 0);
    std::int64_t left = 1000;
    for (std::size_t column = 0; column < garments.size(); ++column) {
      const bool alike =
          (row == 6 || row == 0 || row == 2 || row == 4) && (column == 6 || column == 0 || column == 2 || column == 4);
      if (row == column) continue;
      counts[column] = static_cast<std::int64_t>(random.below(alike ? 90 : 6));
      left -= counts[column];
    }
    counts[row] = left;
    matrix.counts.push_back(std::move(counts));
  }
  return matrix;
}

const char* const drawing =
    R"(<svg xmlns="http://www.w3.org/2000/svg" width="260" height="200" viewBox="0 0 260 200"><style>)"
    R"(rect{fill:#dbe7f8;stroke:#1f5fbf}text{font:13px sans-serif;fill:#1c2530}path{stroke:#5a6672;fill:none})"
    R"(@media(prefers-color-scheme:dark){rect{fill:#22324a;stroke:#7fb3ff}text{fill:#e8ecf1}path{stroke:#a3afbd}}</style>)"
    R"(<path d="M130 44V68M130 108V132"/><rect x="60" y="4" width="140" height="40" rx="8"/><rect x="60" y="68" width="140" )"
    R"(height="40" rx="8"/><rect x="60" y="132" width="140" height="40" rx="8"/><text x="130" y="28" text-anchor="middle">)"
    R"(stem conv 3×3</text><text x="130" y="92" text-anchor="middle">cell × 3</text><text x="130" y="156" )"
    R"(text-anchor="middle">classifier</text></svg>)";

}  // namespace

ReportInput example_study() {
  Random random(20);
  ReportInput input;
  input.study.name = "fashion";
  input.study.state = "complete";
  input.study.seed = 7;
  input.study.created = 1773500940;
  input.study.experiment =
      "name: fashion\nseed: 7\ndata: {format: fashion-mnist}\nspace: {file: nas-bench-201.yaml}\n"
      "search: {strategy: evolution, budget: {trials: 24}}\n";
  input.study.notes = Json{{"version", "0.1.0"},
                           {"machine", {{"cpu", "Example CPU at 2.4 GHz"}, {"cores", 2}, {"memory_gib", 7.8}}},
                           {"libraries", {{"LibTorch", "1.13.1"}, {"BLAS", "OpenBLAS 0.3.21, OpenMP"}}},
                           {"data", {{"train", 54000}, {"validation", 6000}, {"test", 10000}}}};
  input.objectives = {Objective{},
                      Objective{.metric = "parameters", .maximize = false, .constraint = {}, .target = {}}};
  input.choices = example_choices();
  double clock = 0;
  search(input, random, clock);
  retrain(input, random, clock);
  input.study.elapsed = clock;
  input.confusion = confusions(random);
  input.architecture_svg = drawing;
  input.space = "nas-bench-201";
  input.data = "fashion-mnist";
  input.strategy = "evolution";
  input.schedule = "full";
  input.commands = {"netwright run experiment.yaml", "netwright resume fashion", "netwright run best.yaml"};
  input.artefacts = {{"model.ts", "the final network as TorchScript"}, {"best.yaml", "its configuration"}};
  return input;
}

ReportInput halving_study() {
  Random random(4);
  ReportInput input;
  input.study.name = "halving";
  input.study.state = "complete";
  input.objectives = {Objective{}};
  input.choices = example_choices();
  input.schedule = "successive_halving";
  input.study.seed = 3;
  std::vector<double> clocks(3, 0.0);
  for (std::int64_t id = 1; id <= 27; ++id) {
    Trial trial;
    trial.id = id;
    trial.configuration = draw_configuration(random);
    trial.started = -1;
    input.trials.push_back(trial);
  }
  std::vector<Trial*> rung;
  for (auto& trial : input.trials) rung.push_back(&trial);
  double had = 0;
  for (const double fidelity : {1.0, 3.0, 9.0}) {
    for (Trial* trial : rung) {
      const auto worker = std::min_element(clocks.begin(), clocks.end());
      trial->worker = static_cast<int>(worker - clocks.begin());
      if (trial->started < 0) trial->started = *worker;
      input.events.push_back({had > 0 ? EventKind::resumed : EventKind::proposed, trial->id, had, *worker});
      for (double epoch = had + 1; epoch <= fidelity; ++epoch) {
        const double seconds = 2 + 2 * random.uniform();
        const double quality = quality_of(trial->configuration) - 0.25 * std::exp(-0.5 * epoch);
        trial->measurements.push_back({epoch, seconds, {{"accuracy", quality + 0.01 * random.normal()}}});
        *worker += seconds;
      }
      trial->fidelity = trial->target_fidelity = fidelity;
      trial->state = fidelity == 9 ? TrialState::complete : TrialState::paused;
      if (fidelity == 9) trial->finished = *worker;
      input.events.push_back(
          {fidelity == 9 ? EventKind::finished : EventKind::paused, trial->id, fidelity, *worker, trial->worker});
    }
    const double start = *std::max_element(clocks.begin(), clocks.end());
    clocks.assign(3, start);
    std::sort(rung.begin(), rung.end(), [](const Trial* a, const Trial* b) {
      return *last_metric(*a, "accuracy") > *last_metric(*b, "accuracy");
    });
    rung.resize(rung.size() / 3);
    had = fidelity;
  }
  input.study.elapsed = clocks[0];
  for (auto& trial : input.trials) {
    if (trial.state != TrialState::paused) continue;
    trial.state = TrialState::pruned;
    trial.reason = "schedule";
    trial.finished = clocks[0];
  }
  return input;
}

ReportInput large_study(int trials) {
  Random random(9);
  ReportInput input;
  input.study.name = "large";
  input.study.state = "complete";
  input.objectives = {Objective{}};
  input.schedule = "full";
  const Categorical operations{{std::string("nor_conv_3x3"), std::string("nor_conv_1x1"), std::string("avg_pool_3x3"),
                                std::string("skip_connect"), std::string("none")}};
  for (int i = 0; i < 12; ++i) input.choices.push_back({"cell.edge_" + std::to_string(i) + ".op", operations, {}, {}});
  input.choices.push_back({"depth", Integer{2, 8, 1, false}, {}, {}});
  input.choices.push_back({"width", Integer{8, 256, 1, true}, {}, {}});
  input.choices.push_back({"recipe.optimizer.name", Categorical{{std::string("sgd"), std::string("adam")}}, {}, {}});
  const Condition sgd{"recipe.optimizer.name", {std::string("sgd")}};
  input.choices.push_back({"recipe.optimizer.momentum", Real{0, 0.99, false}, {sgd}, {}});
  input.choices.push_back({"recipe.optimizer.nesterov", Categorical{{false, true}}, {sgd}, {}});
  input.choices.push_back({"recipe.optimizer.learning_rate", Real{1e-4, 1, true}, {}, {}});
  input.choices.push_back({"recipe.optimizer.weight_decay", Real{1e-6, 1e-2, true}, {}, {}});
  input.choices.push_back({"recipe.augmentation.cutout", Integer{0, 16, 4, false}, {}, {}});
  std::vector<double> clocks(8, 0.0);
  for (int id = 1; id <= trials; ++id) {
    Trial trial;
    trial.id = id;
    for (const auto& choice : input.choices) {
      const bool active = choice.conditions.empty() ||
                          *trial.configuration.find(choice.conditions[0].parent) == choice.conditions[0].values[0];
      if (active) trial.configuration.set(choice.name, sample(choice, random));
    }
    const double rate = std::log10(std::get<double>(*trial.configuration.find("recipe.optimizer.learning_rate")));
    const bool convolution = *trial.configuration.find("cell.edge_3.op") == Value(std::string("nor_conv_3x3"));
    const double quality =
        0.93 - 0.02 * (rate + 1.5) * (rate + 1.5) + (convolution ? 0.02 : 0) + 0.006 * random.normal();
    const auto worker = std::min_element(clocks.begin(), clocks.end());
    trial.worker = static_cast<int>(worker - clocks.begin());
    trial.started = *worker;
    trial.finished = *worker += 20 + 60 * random.uniform();
    trial.measurements = {{10, trial.finished - trial.started, {{"accuracy", quality}}}};
    trial.state = TrialState::complete;
    trial.fidelity = 10;
    input.trials.push_back(std::move(trial));
  }
  input.study.elapsed = *std::max_element(clocks.begin(), clocks.end());
  return input;
}

ReportInput hostile_study(const std::string& text) {
  ReportInput input = example_study();
  input.study.name = input.study.state = input.study.experiment = text;
  input.study.notes = Json{{text, text}, {"nested", {{text, Json::array({text})}}}};
  input.space = input.data = input.strategy = input.schedule = input.fidelity_unit = text;
  input.commands = {text};
  input.artefacts = {{text, text}};
  input.words = {text, text, text, text, text, 2, true, true};
  input.comparison_metric = text;
  input.confusion->classes.assign(10, text);
  input.architecture_svg = text;
  input.objectives.front().metric = text;
  input.choices.push_back({text, Categorical{{text, text + "1"}}, {}, {}});
  input.choices.push_back({text + "2", Integer{1, 99, 1, true}, {{text, {text}}}, {}});
  for (auto& trial : input.trials) {
    trial.reason = trial.message = text;
    trial.configuration.set(text, text);
    trial.configuration.set(text + "2", trial.id);
    for (auto& measurement : trial.measurements) measurement.metrics[text] = measurement.metrics["accuracy"];
  }
  return input;
}

}  // namespace netwright

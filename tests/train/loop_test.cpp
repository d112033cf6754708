#include "netwright/train/loop.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "netwright/base/error.h"
#include "netwright/train/evaluate.h"
#include "netwright/train/trained.h"
#include "train/example.h"

namespace netwright {
namespace {

using testing::example_data;
using testing::example_network;
using testing::example_recipe;
using testing::linear_network;

class Loop : public ::testing::Test {
 protected:
  void SetUp() override {
    threads_ = at::get_num_threads();
    at::set_num_threads(1);
  }
  void TearDown() override { at::set_num_threads(threads_); }

 private:
  int threads_ = 1;
};

TrainingHooks going_on(std::vector<Measurement>* measurements = nullptr) {
  TrainingHooks hooks;
  hooks.measured = [measurements](const Measurement& measurement) {
    if (measurements != nullptr) measurements->push_back(measurement);
    return true;
  };
  return hooks;
}

void expect_same_state(const Training& a, const Training& b) {
  const Checkpoint one = a.checkpoint(), other = b.checkpoint();
  ASSERT_EQ(one.tensors.size(), other.tensors.size());
  for (std::size_t i = 0; i < one.tensors.size(); ++i) {
    EXPECT_EQ(one.tensors[i].first, other.tensors[i].first);
    EXPECT_TRUE(torch::equal(one.tensors[i].second, other.tensors[i].second)) << one.tensors[i].first;
  }
  EXPECT_EQ(one.progress, other.progress);
  EXPECT_EQ(one.metrics, other.metrics);
  EXPECT_EQ(one.evaluated, other.evaluated);
}

struct ResumeCase {
  std::string name;
  Network network;
  Recipe recipe;
};

Recipe with(const std::function<void(Recipe&)>& change) {
  Recipe recipe = example_recipe();
  change(recipe);
  return recipe;
}

std::vector<ResumeCase> resume_cases() {
  const Network plain = example_network();
  return {
      {"sgd", plain, example_recipe()},
      {"adam", plain, with([](Recipe& r) { r.optimizer.name = "adam"; })},
      {"adamw", plain, with([](Recipe& r) { r.optimizer.name = "adamw"; })},
      {"clip and smoothing", plain, with([](Recipe& r) { r.gradient_clip = 0.5, r.label_smoothing = 0.1; })},
      {"warm-up", plain, with([](Recipe& r) { r.schedule.warmup_epochs = 1.5; })},
      {"ema", plain, with([](Recipe& r) { r.ema = 0.9; })},
      {"swa", plain, with([](Recipe& r) { r.swa_start = 0.25; })},
      {"ema and swa", plain, with([](Recipe& r) { r.ema = 0.9, r.swa_start = 0.5; })},
      {"augmentation", plain, with([](Recipe& r) {
         r.augmentation = {1, true, 3, true};
       })},
      {"dropout", example_network(0.4), example_recipe()},
      {"drop path", plain, with([](Recipe& r) { r.drop_path = 0.4; })},
      {"auxiliary", example_network(0, true), with([](Recipe& r) { r.auxiliary_weight = 0.4; })},
      {"everything", example_network(0.3, true), with([](Recipe& r) {
         r.optimizer.name = "adamw", r.ema = 0.95, r.swa_start = 0.3, r.augmentation = {1, true, 3, true};
         r.drop_path = 0.3, r.auxiliary_weight = 0.4, r.label_smoothing = 0.1, r.gradient_clip = 1;
         r.train_fraction = 0.8;
       })},
  };
}

// Through the file's bytes, into an object that knows nothing of the first.
std::unique_ptr<Training> reborn(const Training& training, const ResumeCase& test) {
  const std::string bytes = encode_checkpoint(training.checkpoint());
  auto fresh = std::make_unique<Training>(test.network, test.recipe, example_data(), 11);
  torch::rand({17});  // the global generator has moved on
  fresh->restore(decode_checkpoint(bytes, "memory"), "memory");
  return fresh;
}

TEST_F(Loop, ResumingAfterAnEpochIsBitForBitTheSame) {
  for (const ResumeCase& test : resume_cases()) {
    SCOPED_TRACE(test.name);
    std::vector<Measurement> straight_measured, resumed_measured;
    Training straight(test.network, test.recipe, example_data(), 11);
    EXPECT_EQ(straight.run_until(4, going_on(&straight_measured)).end, TrainingEnd::reached);

    Training first(test.network, test.recipe, example_data(), 11);
    first.run_until(2, going_on());
    const auto second = reborn(first, test);
    EXPECT_EQ(second->run_until(4, going_on(&resumed_measured)).end, TrainingEnd::reached);
    expect_same_state(straight, *second);
    ASSERT_EQ(straight_measured.size(), 4U);
    ASSERT_EQ(resumed_measured.size(), 2U);
    EXPECT_EQ(straight_measured[3].metrics, resumed_measured[1].metrics);
  }
}

TEST_F(Loop, StoppingInTheMiddleOfAnEpochIsToo) {
  for (const ResumeCase& test : resume_cases()) {
    SCOPED_TRACE(test.name);
    Training straight(test.network, test.recipe, example_data(), 11);
    straight.run_until(4, going_on());

    Training first(test.network, test.recipe, example_data(), 11);
    TrainingHooks hooks = going_on();
    int asked = 0;
    hooks.stop_requested = [&] { return ++asked > 8; };
    EXPECT_EQ(first.run_until(4, hooks).end, TrainingEnd::stopped);
    EXPECT_EQ(first.step(), 8);
    const auto second = reborn(first, test);
    second->run_until(4, going_on());
    expect_same_state(straight, *second);
  }
}

TEST_F(Loop, LearnsAndMeasures) {
  std::vector<Measurement> measurements;
  Recipe recipe = example_recipe();
  recipe.epochs = 8;
  Training training(example_network(), recipe, example_data(), 1);
  EXPECT_EQ(training.run_until(8, going_on(&measurements)).end, TrainingEnd::reached);
  ASSERT_EQ(measurements.size(), 8U);
  const auto& last = measurements.back().metrics;
  EXPECT_GT(last.at("accuracy"), 0.9);
  EXPECT_LT(last.at("loss"), measurements.front().metrics.at("loss"));
  EXPECT_GT(last.at("train_accuracy"), 0.9);
  EXPECT_EQ(last.at("top5"), 1);
  EXPECT_EQ(last.at("parameters"), static_cast<double>(training.module().parameter_count()));
  EXPECT_GT(last.at("macs"), 0);
  EXPECT_GT(measurements.back().seconds, 0);
  EXPECT_EQ(measurements.back().fidelity, 8);
}

TEST_F(Loop, SameSeedSameNetworkOtherSeedAnother) {
  const auto weights = [](std::uint64_t seed) {
    Training training(example_network(), example_recipe(), example_data(), seed);
    training.run_until(1, going_on());
    return training.checkpoint().tensors.front().second.clone();
  };
  EXPECT_TRUE(torch::equal(weights(1), weights(1)));
  EXPECT_FALSE(torch::equal(weights(1), weights(2)));
}

TEST_F(Loop, FractionsOfEpochsAndCountsOfSteps) {
  std::vector<Measurement> measurements;
  Training fraction(example_network(), example_recipe(), example_data(), 1);
  fraction.run_until(1.5, going_on(&measurements));  // 48 examples in batches of 10: 5 steps an epoch
  EXPECT_EQ(fraction.step(), 8);
  ASSERT_EQ(measurements.size(), 2U);
  EXPECT_EQ(measurements[0].fidelity, 1);
  EXPECT_EQ(measurements[1].fidelity, 1.5);

  measurements.clear();
  Recipe recipe = example_recipe();
  recipe.steps = 7;
  Training steps(example_network(), recipe, example_data(), 1);
  steps.run_until(7, going_on(&measurements));
  EXPECT_EQ(steps.step(), 7);
  ASSERT_EQ(measurements.size(), 2U);
  EXPECT_EQ(measurements[0].fidelity, 5);
  EXPECT_EQ(measurements[1].fidelity, 7);
}

TEST_F(Loop, AlreadyThereMeasuresOnce) {
  const ResumeCase test{"", example_network(), example_recipe()};
  Training first(test.network, test.recipe, example_data(), 11);
  first.run_until(2, going_on());
  std::vector<Measurement> measurements;
  const auto second = reborn(first, test);
  EXPECT_EQ(second->run_until(2, going_on(&measurements)).end, TrainingEnd::reached);
  ASSERT_EQ(measurements.size(), 1U);
  EXPECT_EQ(measurements[0].fidelity, 2);
  EXPECT_EQ(second->step(), 10);
}

TEST_F(Loop, AnAnswerMayStopIt) {
  Training training(example_network(), example_recipe(), example_data(), 1);
  TrainingHooks hooks;
  hooks.measured = [](const Measurement& measurement) { return measurement.fidelity < 2; };
  EXPECT_EQ(training.run_until(4, hooks).end, TrainingEnd::stopped);
  EXPECT_EQ(training.fidelity(), 2);
}

TEST_F(Loop, LossThatIsNotANumberFails) {
  Recipe recipe = example_recipe();
  recipe.optimizer.learning_rate = 1e30;
  Training training(linear_network(), recipe, example_data(), 1);
  const TrainingResult result = training.run_until(4, going_on());
  EXPECT_EQ(result.end, TrainingEnd::failed);
  EXPECT_EQ(result.reason, "nan");
}

TEST_F(Loop, LossFarBeyondGuessingFails) {
  Recipe recipe = example_recipe();
  recipe.epochs = 40;
  recipe.optimizer.learning_rate = 1000;
  recipe.optimizer.weight_decay = 0;
  recipe.schedule.name = "constant";
  Training training(linear_network(), recipe, example_data(600, 30, /*random_labels=*/true), 1);
  const TrainingResult result = training.run_until(40, going_on());
  EXPECT_EQ(result.end, TrainingEnd::failed);
  EXPECT_EQ(result.reason, "diverged");
  EXPECT_GE(training.step(), 99);
}

TEST_F(Loop, MemoryThatRunsOutIsToldFromOtherErrors) {
  try {
    torch::empty({std::int64_t{1} << 50});
    FAIL();
  } catch (const std::exception& error) {
    EXPECT_EQ(failure_reason(error), "oom");
    EXPECT_EQ(failure_message(error).find('\n'), std::string::npos);
  }
  EXPECT_EQ(failure_reason(std::bad_alloc()), "oom");
  EXPECT_EQ(failure_reason(std::runtime_error("shapes differ")), "error");
}

TEST_F(Loop, RefusesAnotherNetworksCheckpointAndOtherData) {
  Training one(example_network(), example_recipe(), example_data(), 1);
  Training other(linear_network(), example_recipe(), example_data(), 1);
  EXPECT_THROW(other.restore(one.checkpoint(), "one.ckpt"), Error);
  Training fewer(example_network(), example_recipe(), example_data(20), 1);
  EXPECT_THROW(fewer.restore(one.checkpoint(), "one.ckpt"), Error);
  Network wide = example_network();
  wide.input.width = 9;
  EXPECT_THROW(Training(wide, example_recipe(), example_data(), 1), Error);
  Network classes = example_network();
  classes.classes = 10;
  EXPECT_THROW(Training(classes, example_recipe(), example_data(), 1), Error);
}

TEST_F(Loop, CheckpointHoldsTheWeightsThatWereMeasured) {
  for (const bool swa : {false, true}) {
    Recipe recipe = example_recipe();
    recipe.ema = 0.9;
    if (swa) recipe.swa_start = 0.5;
    std::vector<Measurement> measurements;
    Training training(example_network(), recipe, example_data(), 1);
    training.run_until(4, going_on(&measurements));
    const Checkpoint checkpoint = decode_checkpoint(encode_checkpoint(training.checkpoint()), "memory");
    EXPECT_EQ(checkpoint.evaluated, swa ? "swa." : "ema.");
    const auto module = trained_module(checkpoint);
    const SearchData data = example_data();
    EvaluationLoader loader(data.validation, 7);
    const Evaluation result = evaluate(*module, loader, testing::example_classes, torch::kCPU);
    EXPECT_NEAR(result.loss, measurements.back().metrics.at("loss"), 1e-6);
    EXPECT_EQ(result.accuracy, measurements.back().metrics.at("accuracy"));
  }
}

TEST_F(Loop, MeasuresLatencyWhereAsked) {
  TrainingOptions options;
  options.measure_latency = true;
  std::vector<Measurement> measurements;
  Training training(linear_network(), example_recipe(), example_data(), 1, options);
  training.run_until(2, going_on(&measurements));
  EXPECT_FALSE(measurements.front().metrics.contains("latency_ms"));
  EXPECT_GT(measurements.back().metrics.at("latency_ms"), 0);
}

TEST(Evaluate, CountsByHand) {
  const SearchData data = example_data();
  const auto module = build(linear_network(), OperationTable::standard(), {});
  EvaluationLoader loader(data.validation, 7);
  const Evaluation result = evaluate(*module, loader, testing::example_classes, torch::kCPU);
  double loss = 0;
  std::int64_t right = 0;
  std::vector<std::vector<std::int64_t>> confusion(3, std::vector<std::int64_t>(3, 0));
  for (std::int64_t i = 0; i < loader.batches(); ++i) {
    const Batch batch = loader.get(i);
    const torch::Tensor logits = module->forward(batch.inputs).detach();
    for (std::int64_t j = 0; j < batch.size(); ++j) {
      const auto label = batch.labels[j].item<std::int64_t>();
      const auto predicted = logits[j].argmax().item<std::int64_t>();
      loss -= torch::log_softmax(logits[j], 0)[label].item<double>();
      right += label == predicted;
      ++confusion[static_cast<std::size_t>(label)][static_cast<std::size_t>(predicted)];
    }
  }
  EXPECT_EQ(result.examples, 30);
  EXPECT_NEAR(result.loss, loss / 30, 1e-5);
  EXPECT_DOUBLE_EQ(result.accuracy, static_cast<double>(right) / 30);
  EXPECT_EQ(result.top5, 1);
  EXPECT_EQ(result.confusion, confusion);
  EXPECT_TRUE(module->is_training());
}

}  // namespace
}  // namespace netwright

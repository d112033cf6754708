// Whole searches on small data: every method goes on from a checkpoint as if it had never stopped, and they learn.
#include "netwright/oneshot/search.h"

#include <gtest/gtest.h>

#include <set>

#include "netwright/base/error.h"
#include "oneshot/tiny.h"

namespace netwright {
namespace {

using testing::chosen_edges;
using testing::example_data;
using testing::nine_networks;

Recipe small_recipe() {
  Recipe recipe = one_shot_recipe();
  recipe.epochs = 3;
  recipe.batch = 8;
  recipe.augmentation.flip = true;
  return recipe;
}

class OneThread : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = torch::get_num_threads();
    torch::set_num_threads(1);
  }
  void TearDown() override { torch::set_num_threads(before_); }

 private:
  int before_ = 1;
};

using OneShotSearchTest = OneThread;

std::unique_ptr<OneShotSearch> make(const SearchSpace& space, const std::string& method, std::uint64_t seed = 1,
                                    const OneShotOptions& options = {}) {
  return std::make_unique<OneShotSearch>(space, parse_yaml(method, "study.yaml"), small_recipe(), example_data(), seed,
                                         options);
}

NamedTensors cloned(const NamedTensors& tensors) {
  NamedTensors copies;
  for (const auto& [name, tensor] : tensors) copies.emplace_back(name, tensor.detach().clone());
  return copies;
}

void expect_same(const NamedTensors& a, const NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].first, b[i].first);
    EXPECT_TRUE(torch::equal(a[i].second, b[i].second)) << a[i].first;
  }
}

OneShotHooks stop_after(int& steps_left) {
  OneShotHooks hooks;
  hooks.stop_requested = [&steps_left] { return steps_left-- == 0; };
  return hooks;
}

TEST_F(OneShotSearchTest, ResumedWithinAnEpochEveryMethodEndsAsUninterrupted) {
  for (const MethodRow& row : methods()) {
    SCOPED_TRACE(row.name);
    const std::string method = "{name: " + row.name + (row.name == "pc_darts" ? ", warmup_epochs: 1}" : "}");
    OneShotOptions options;
    options.decoding_samples = 5;
    const auto whole = make(chosen_edges(), method, 1, options);
    std::vector<OneShotReport> reports;
    OneShotHooks hooks;
    hooks.epoch_done = [&](const OneShotReport& report) {
      reports.push_back(report);
      return true;
    };
    EXPECT_EQ(whole->run_until(2, hooks).end, TrainingEnd::reached);
    ASSERT_EQ(reports.size(), 2u);

    const auto first = make(chosen_edges(), method, 1, options);
    int steps_left = 4;  // of three an epoch: in the second
    EXPECT_EQ(first->run_until(2, stop_after(steps_left)).end, TrainingEnd::stopped);
    const Checkpoint stored = decode_checkpoint(encode_checkpoint(first->checkpoint()), "memory");
    const auto second = make(chosen_edges(), method, 1, options);
    torch::rand({7});  // the global generator is somewhere else by now
    second->restore(stored, "memory");
    EXPECT_EQ(second->step(), 4);
    OneShotReport last;
    hooks.epoch_done = [&](const OneShotReport& report) {
      last = report;
      return true;
    };
    EXPECT_EQ(second->run_until(2, hooks).end, TrainingEnd::reached);
    expect_same(cloned(whole->checkpoint().tensors), cloned(second->checkpoint().tensors));
    EXPECT_EQ(last.train_loss, reports.back().train_loss);
    EXPECT_EQ(last.train_accuracy, reports.back().train_accuracy);
    const Configuration decoded = whole->decode();
    EXPECT_EQ(decoded, second->decode());
    whole->space().validate(decoded);
  }
}

TEST_F(OneShotSearchTest, ResumedWithinAnEpochASearchInPartsEndsAsUninterrupted) {
  for (const std::string method : {"{name: darts}", "{name: darts, order: second}", "{name: snas}"}) {
    SCOPED_TRACE(method);
    OneShotOptions options;
    options.parts = 3;
    const auto whole = make(chosen_edges(), method, 1, options);
    whole->run_until(2);
    const auto first = make(chosen_edges(), method, 1, options);
    int steps_left = 4;
    first->run_until(2, stop_after(steps_left));
    const Checkpoint stored = decode_checkpoint(encode_checkpoint(first->checkpoint()), "memory");
    EXPECT_THROW(make(chosen_edges(), method)->restore(stored, "memory"), Error) << "whole batches are another search";
    const auto second = make(chosen_edges(), method, 1, options);
    second->restore(stored, "memory");
    second->run_until(2);
    expect_same(cloned(whole->checkpoint().tensors), cloned(second->checkpoint().tensors));
  }
}

TEST_F(OneShotSearchTest, DecodingLeavesTheSearchAsItWas) {
  OneShotOptions options;
  options.decoding = "perturbation";
  options.tune_steps = 1;
  const auto search = make(chosen_edges(), "{name: darts}", 1, options);
  search->run_until(1);
  const NamedTensors before = cloned(search->checkpoint().tensors);
  const Configuration decoded = search->decode();
  search->space().validate(decoded);
  expect_same(before, cloned(search->checkpoint().tensors));
  EXPECT_EQ(decoded, search->decode());
}

TEST_F(OneShotSearchTest, TheSeedDecidesEverything) {
  const auto a = make(nine_networks(), "{name: gdas}", 4), b = make(nine_networks(), "{name: gdas}", 4),
             c = make(nine_networks(), "{name: gdas}", 5);
  for (const auto& search : {a.get(), b.get(), c.get()}) search->run_until(1);
  expect_same(cloned(a->checkpoint().tensors), cloned(b->checkpoint().tensors));
  EXPECT_FALSE(torch::equal(a->net().parameters().front(), c->net().parameters().front()));
}

TEST_F(OneShotSearchTest, WarmUpTrainsWeightsOnly) {
  const auto search = make(nine_networks(), "{name: darts, warmup_epochs: 1}");
  const NamedTensors before = cloned(search->method().state());
  const torch::Tensor weights = search->net().parameters().front().detach().clone();
  search->run_until(1);
  expect_same(before, cloned(search->method().state()));
  EXPECT_FALSE(torch::equal(weights, search->net().parameters().front()));
  search->run_until(2);
  EXPECT_FALSE(torch::equal(before.front().second, search->method().state().front().second));
}

TEST_F(OneShotSearchTest, LearnsInItsSupernet) {
  for (const std::string method : {"darts", "gaea", "random_ws"}) {
    OneShotSearch search(nine_networks(), parse_yaml("{name: " + method + "}", "study.yaml"),
                         [] {
                           Recipe recipe = small_recipe();
                           recipe.epochs = 12;
                           recipe.optimizer.learning_rate = 0.1;
                           return recipe;
                         }(),
                         example_data(96), 2, {});
    std::vector<double> losses;
    OneShotHooks hooks;
    hooks.epoch_done = [&](const OneShotReport& report) {
      losses.push_back(report.train_loss);
      return true;
    };
    search.run_until(12, hooks);
    EXPECT_LT(losses.back(), 0.8 * losses.front()) << method;
    const Configuration found = search.decode();
    EXPECT_GT(search.accuracy(single(search.net().relaxation().picks(found))), 0.6) << method;
  }
}

TEST_F(OneShotSearchTest, RefusesAnothersCheckpointAndData) {
  const auto darts = make(nine_networks(), "{name: darts}");
  const auto gdas = make(nine_networks(), "{name: gdas}");
  EXPECT_THROW(gdas->restore(darts->checkpoint(), "file"), Error);
  EXPECT_THROW(make(testing::space_from("input: [3, 8, 8]\nclasses: 3\nchoices: {k: [1, 3]}\nnetwork:\n"
                                        "  - {op: nor_conv, kernel: $k}\n  - {op: classifier}\n"),
                    "{name: darts}"),
               Error);
}

TEST(Divide, HalvesAreDisjointCompleteAndBalanced) {
  const SearchData data = example_data(48);
  const auto [first, second] = data.training.divide(0.5);
  EXPECT_EQ(first.size(), 24);
  EXPECT_EQ(second.size(), 24);
  EXPECT_EQ(first.class_counts(), (std::vector<std::int64_t>{8, 8, 8}));
  std::set<const std::uint8_t*> seen;
  for (std::int64_t i = 0; i < 24; ++i) {
    seen.insert(first.pixels(i));
    seen.insert(second.pixels(i));
  }
  EXPECT_EQ(seen.size(), 48u);
  EXPECT_THROW(data.training.divide(1.0), Error);
}

}  // namespace
}  // namespace netwright

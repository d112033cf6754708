// What is watched of a search: measured right, judged by each rule, and acted upon.
#include "netwright/oneshot/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/search.h"
#include "oneshot/tiny.h"

namespace netwright {
namespace {

using testing::Bench;
using testing::chosen_edges;
using testing::example_data;
using testing::nine_networks;

// ---- the eigenvalue ----

// Entry by entry, by differences of the gradient.
torch::Tensor explicit_hessian(const std::function<torch::Tensor()>& loss, const std::vector<torch::Tensor>& of) {
  const auto gradient = [&] {
    std::vector<torch::Tensor> parts = torch::autograd::grad({loss()}, of);
    return testing::flat(parts);
  };
  constexpr double step = 1e-5;
  std::vector<torch::Tensor> columns;
  for (const torch::Tensor& tensor : of) {
    for (std::int64_t i = 0; i < tensor.numel(); ++i) {
      double* value = tensor.data_ptr<double>() + i;
      const double kept = *value;
      *value = kept + step;
      const torch::Tensor above = gradient();
      *value = kept - step;
      const torch::Tensor below = gradient();
      *value = kept;
      columns.push_back((above - below) / (2 * step));
    }
  }
  return torch::stack(columns, 1);
}

double largest_in_magnitude(const torch::Tensor& hessian) {
  const torch::Tensor values = at::linalg_eigvalsh((hessian + hessian.t()) / 2);
  return values[values.abs().argmax().item<std::int64_t>()].item<double>();
}

std::vector<torch::Tensor> start_vector(const std::vector<torch::Tensor>& of) {
  at::Generator generator = compat::cpu_generator(3);
  std::vector<torch::Tensor> v;
  for (const torch::Tensor& tensor : of) v.push_back(torch::empty_like(tensor.detach()).normal_(0, 1, generator));
  return v;
}

TEST(Eigenvalue, IsThatOfTheExplicitHessian) {
  for (const std::string method : {"darts", "gaea", "drnas", "gdas", "{name: gaea, base: pc_darts}"}) {
    const std::string text = method[0] == '{' ? method : "{name: " + method + "}";
    Bench bench(method[0] == '{' ? chosen_edges() : nine_networks(), text);
    const auto& relaxed = bench.method->relaxed();
    ASSERT_TRUE(relaxed) << method;
    const SearchStep step = bench.step();
    const auto loss = [&] { return step.loss(step.valid, relaxed->mixture()); };
    const double expected = largest_in_magnitude(explicit_hessian(loss, relaxed->parameters));
    std::vector<torch::Tensor> v = start_vector(relaxed->parameters);
    const double found = dominant_eigenvalue(loss, relaxed->parameters, 3000, v, 1e-12);
    EXPECT_NEAR(found, expected, 1e-4 * std::fabs(expected)) << method;
    // From where it ended one iteration is enough.
    EXPECT_NEAR(dominant_eigenvalue(loss, relaxed->parameters, 1, v), found, 1e-6 * std::fabs(found)) << method;
  }
}

// A search in float32 is watched in float64, and is bit for bit as before afterwards.
TEST(Eigenvalue, IsTakenInFloat64) {
  const torch::Tensor x = torch::rand({3, 4}).requires_grad_(), y = torch::rand({5}).requires_grad_();
  const torch::Tensor whole = torch::tensor({7}, torch::kLong);
  const torch::Tensor kept = x.detach().clone();
  void* const memory = x.data_ptr();
  {
    const InDouble exact({x, y, whole});
    EXPECT_EQ(x.scalar_type(), torch::kDouble);
    EXPECT_EQ(whole.scalar_type(), torch::kLong);
    EXPECT_TRUE(x.requires_grad());
    std::vector<torch::Tensor> v = start_vector({x, y});
    const auto loss = [&] { return 1.5 * x.square().sum() + y.square().sum() + y.sum() * x.sum() * 0; };
    EXPECT_NEAR(dominant_eigenvalue(loss, {x, y}, 200, v, 1e-9), 3, 1e-4);
  }
  EXPECT_EQ(x.scalar_type(), torch::kFloat);
  EXPECT_EQ(x.data_ptr(), memory);
  EXPECT_TRUE(torch::equal(x.detach(), kept));
  EXPECT_TRUE(x.requires_grad());
  (2 * x).sum().backward();
  EXPECT_EQ(x.grad().scalar_type(), torch::kFloat);
}

TEST(Eigenvalue, OfALossThatIsFlatIsZeroAndLeavesTheVector) {
  const torch::Tensor x = torch::ones({2}, torch::kDouble).requires_grad_();
  std::vector<torch::Tensor> v = {torch::tensor({3.0, 4.0}, torch::kDouble)};
  EXPECT_EQ(dominant_eigenvalue([&] { return 2 * x.sum(); }, {x}, 5, v), 0);
  EXPECT_NEAR(v[0].norm().item<double>(), 1, 1e-12);
}

// A kink at the very point spoils one side of every step; kinks of different size on both sides spoil both.
TEST(Eigenvalue, IsNotTakenFromAJump) {
  const torch::Tensor x = torch::zeros({1}, torch::kDouble).requires_grad_();
  const auto curve = [&] { return 1.5 * x.square().sum(); };
  for (const double slope : {100.0, -100.0}) {
    std::vector<torch::Tensor> v = start_vector({x});
    const auto one_side = [&] { return curve() + slope * torch::relu(x).sum(); };
    EXPECT_NEAR(dominant_eigenvalue(one_side, {x}, 5, v), 3, 1e-6) << slope;
    v = start_vector({x});
    const auto other_side = [&] { return curve() + slope * torch::relu(-x).sum(); };
    EXPECT_NEAR(dominant_eigenvalue(other_side, {x}, 5, v), 3, 1e-6) << slope;
  }
  std::vector<torch::Tensor> v = start_vector({x});
  const auto both = [&] { return curve() + 100 * torch::relu(x).sum() + 7 * torch::relu(-x).sum(); };
  EXPECT_TRUE(std::isnan(dominant_eigenvalue(both, {x}, 5, v)));
  // One within reach of the first step alone.
  v = start_vector({x});
  const auto near = [&] { return curve() + 100 * torch::relu(x - 5e-9).sum() + 7 * torch::relu(-x - 2e-9).sum(); };
  EXPECT_NEAR(dominant_eigenvalue(near, {x}, 5, v), 3, 1e-4);
}

// ---- measures ----

TEST(Health, EntropyAndSparsityAtTheirEnds) {
  const torch::Tensor even = torch::full({3, 4}, 0.25), one = torch::tensor({{0.0f, 1.0f, 0.0f, 0.0f}});
  EXPECT_NEAR(mean_entropy({{even}, {}}), std::log(4), 1e-6);
  EXPECT_NEAR(mean_sparsity({{even}, {}}), 0, 1e-6);
  EXPECT_NEAR(mean_entropy({{one}, {}}), 0, 1e-6);
  EXPECT_NEAR(mean_sparsity({{one}, {}}), 1, 1e-6);
  EXPECT_NEAR(mean_sparsity({{even, one}, {}}), 0.25, 1e-6) << "each row counts alike";
}

Configuration configuration_of(const std::vector<std::pair<std::string, std::string>>& values) {
  Configuration configuration;
  for (const auto& [name, value] : values) configuration.set(name, value);
  return configuration;
}

int skips_in(const SearchSpace& space, const std::vector<std::pair<std::string, std::string>>& values) {
  const Relaxation relaxation = space.relax({});
  const auto cells = skip_connections(relaxation, space.table(), relaxation.picks(configuration_of(values)));
  EXPECT_EQ(cells.size(), 1u);
  EXPECT_EQ(cells.at(0).cell, "cell");
  EXPECT_TRUE(cells.at(0).normal);
  return cells.at(0).count;
}

TEST(Health, CountsSkipConnectionsOfTheDecodedCell) {
  EXPECT_EQ(skips_in(nine_networks(), {{"first", "skip_connect"}, {"second", "skip_connect"}}), 2);
  EXPECT_EQ(skips_in(nine_networks(), {{"first", "skip_connect"}, {"second", "none"}}), 1);
  EXPECT_EQ(skips_in(nine_networks(), {{"first", "nor_conv_1x1"}, {"second", "none"}}), 0);
}

TEST(Health, EdgesThatAreLeftOutDoNotCount) {
  const SearchSpace space = chosen_edges();
  const Relaxation relaxation = space.relax({});
  Picks picks;
  for (const RelaxedRow& row : relaxation.rows) {
    const auto at = std::find(row.options.begin(), row.options.end(), Value(std::string("skip_connect")));
    picks.options.push_back(static_cast<int>(at - row.options.begin()));
  }
  picks.edges = {{0}, {1, 2}};
  EXPECT_EQ(skip_connections(relaxation, space.table(), picks).at(0).count, 3);
  const ArchitectureRecord record =
      architecture_record(relaxation, {{torch::rand({2, 3}), torch::rand({3, 4})}, {}}, picks);
  std::vector<int> picked;
  for (const auto& group : record.groups) {
    for (const auto& row : group.rows) picked.push_back(row.picked);
  }
  EXPECT_EQ(std::count(picked.begin(), picked.end(), -1), 2) << "one edge of two, one of three";
}

TEST(Health, ACellThatReducesIsNotNormal) {
  const SearchSpace space = testing::space_from(R"(
input: [1, 8, 8]
classes: 3
cells:
  reduction:
    inputs: [x]
    nodes:
      - name: a
        sum: {choose: 1, of: [x], op: {choice: [skip_connect, max_pool_3x3]}, stride: 2}
network:
  - {name: stem, op: conv_bn, channels: 4}
  - {name: reduce, cell: reduction}
  - {name: head, op: classifier}
)");
  const Relaxation relaxation = space.relax({});
  Random random(1);
  const auto cells = skip_connections(relaxation, space.table(), relaxation.picks(space.sample(random)));
  ASSERT_EQ(cells.size(), 1u);
  EXPECT_FALSE(cells[0].normal);
  EXPECT_EQ(cells[0].count, 0) << "a skip_connect of stride 2 is a convolution";
}

// ---- rules ----

std::optional<FoundSign> judged(const std::string& rule, const std::vector<EpochHealth>& history, std::int64_t first,
                                const CollapseOptions& options = {}) {
  for (const CollapseRule& row : collapse_rules()) {
    if (row.name == rule) return row.judge(history, options, first);
  }
  throw std::runtime_error("no rule " + rule);
}

std::vector<EpochHealth> with_skips(const std::vector<int>& normal, int reduction = 0) {
  std::vector<EpochHealth> history;
  for (const int count : normal) {
    EpochHealth& health = history.emplace_back();
    health.epoch = static_cast<std::int64_t>(history.size());
    health.skips = {{"normal", true, count}, {"reduction", false, reduction}};
  }
  return history;
}

TEST(Collapse, TwoSkipConnectionsInANormalCell) {
  EXPECT_FALSE(judged("skip_connections", with_skips({0, 1, 1}), 1));
  EXPECT_FALSE(judged("skip_connections", with_skips({0, 1, 1}, 5), 1)) << "in a reduction cell they do not count";
  EXPECT_FALSE(judged("skip_connections", with_skips({0, 2, 1}), 1)) << "gone again";
  const auto found = judged("skip_connections", with_skips({0, 1, 2}), 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->back_to, 2);
  EXPECT_THAT(found->text, ::testing::HasSubstr("'normal' has 2 skip connections"));
  EXPECT_FALSE(judged("skip_connections", with_skips({0, 1, 2}), 4)) << "not judged so early";
  EXPECT_EQ(judged("skip_connections", with_skips({0, 1, 2, 3, 2}), 5)->back_to, 2);
  EXPECT_EQ(judged("skip_connections", with_skips({2, 2}), 1)->back_to, 2) << "there is no before";
  CollapseOptions three;
  three.skips = 3;
  EXPECT_FALSE(judged("skip_connections", with_skips({0, 1, 2}), 1, three));
  EXPECT_TRUE(judged("skip_connections", with_skips({0, 1, 3}), 1, three));
  CollapseOptions off;
  off.skips = 0;
  EXPECT_FALSE(judged("skip_connections", with_skips({9, 9}), 1, off));
}

std::vector<EpochHealth> with_eigenvalues(const std::vector<double>& values) {
  std::vector<EpochHealth> history;
  for (const double value : values) {
    EpochHealth& health = history.emplace_back();
    health.epoch = static_cast<std::int64_t>(history.size());
    if (std::isfinite(value)) health.eigenvalue = value;
  }
  return history;
}

TEST(Collapse, TheSmoothedEigenvalueRises) {
  // Around epoch 8 it is the mean of 6 to 10, around epoch 3 of 1 to 5.
  const std::vector<double> steady = {3, 3, 3, 3, 3, 4, 4, 4, 4, 3.9};
  EXPECT_FALSE(judged("eigenvalue", with_eigenvalues(steady), 1)) << "3 / 3.98 is above 0.75";
  const std::vector<double> rising = {3, 3, 3, 3, 3, 4, 4, 4, 4, 4.1};
  const auto found = judged("eigenvalue", with_eigenvalues(rising), 1);
  ASSERT_TRUE(found) << "3 / 4.02 is below 0.75";
  EXPECT_EQ(found->back_to, 3);
  EXPECT_FALSE(judged("eigenvalue", with_eigenvalues(rising), 4)) << "the earlier one is not judged";
  EXPECT_FALSE(judged("eigenvalue", with_eigenvalues({1, 2, 3, 4, 5, 6, 7}), 1)) << "too few";
  std::vector<double> falling = rising;
  std::reverse(falling.begin(), falling.end());
  EXPECT_FALSE(judged("eigenvalue", with_eigenvalues(falling), 1));
  CollapseOptions half;
  half.ratio = 0.5;
  EXPECT_FALSE(judged("eigenvalue", with_eigenvalues(rising), 1, half));
  half.ratio = 0;
  EXPECT_FALSE(judged("eigenvalue", with_eigenvalues({1, 1, 1, 1, 1, 9, 9, 9, 9, 9}), 1, half));
}

TEST(Collapse, EpochsWithoutAnEigenvalueAreNoValues) {
  const double none = std::nan("");
  CollapseOptions narrow;
  narrow.window = 1;
  const std::vector<double> every_second = {none, 1, none, 9};
  EXPECT_EQ(judged("eigenvalue", with_eigenvalues(every_second), 1, narrow)->back_to, 2);
  EXPECT_FALSE(judged("eigenvalue", with_eigenvalues({none, 1, none, 9, none}), 1, narrow)) << "nothing new";
}

// ---- a search ----

class HealthSearchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = torch::get_num_threads();
    torch::set_num_threads(1);
  }
  void TearDown() override { torch::set_num_threads(before_); }

  static std::unique_ptr<OneShotSearch> make(const std::string& method, const CollapseOptions& collapse,
                                             const SearchSpace& space = nine_networks()) {
    Recipe recipe = one_shot_recipe();
    recipe.epochs = 6;
    recipe.batch = 8;
    OneShotOptions options;
    options.collapse = collapse;
    options.decoding_samples = 4;
    return std::make_unique<OneShotSearch>(space, parse_yaml(method, "study.yaml"), recipe, example_data(), 1, options);
  }

  // The architecture stands still but for what the test puts there.
  static constexpr const char* still = "{name: darts, learning_rate: 0}";

  static void prefer(OneShotSearch& search, std::int64_t first, std::int64_t second) {
    const torch::NoGradGuard no_grad;
    for (const auto& [tensor, option] : {std::pair{0, first}, std::pair{1, second}}) {
      torch::Tensor parameters = search.method().relaxed()->parameters[static_cast<std::size_t>(tensor)];
      parameters.zero_();
      parameters.select(1, option).fill_(1);
    }
  }

  // Convolutions in the first two epochs, then skip connections.
  static OneShotHooks hooks(OneShotSearch& search, std::vector<OneShotReport>& reports) {
    OneShotHooks hooks;
    hooks.epoch_done = [&](const OneShotReport& report) {
      reports.push_back(report);
      if (report.epoch == 2) prefer(search, 0, 0);
      return true;
    };
    return hooks;
  }

  static CollapseOptions stopping() {
    CollapseOptions collapse;
    collapse.action = "stop";
    collapse.from_epoch = 2;
    return collapse;
  }

 private:
  int before_ = 1;
};

TEST_F(HealthSearchTest, StopDecodesTheArchitectureFromBefore) {
  const auto search = make(still, stopping());
  prefer(*search, 1, 1);
  std::vector<OneShotReport> reports;
  EXPECT_EQ(search->run_until(6, hooks(*search, reports)).end, TrainingEnd::reached);
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(search->epochs_done(), 3);
  EXPECT_TRUE(reports[1].signs.empty());
  ASSERT_EQ(reports[2].signs.size(), 1u);
  EXPECT_EQ(reports[2].signs[0].rule, "skip_connections");
  EXPECT_EQ(reports[2].health.skip_count(), 2);
  EXPECT_EQ(reports[2].health.changed_choices, 2);
  EXPECT_EQ(reports[2].health.changed_epochs, 1);
  EXPECT_TRUE(search->health().stopped());
  EXPECT_EQ(search->health().back_to(), 2);
  const Configuration expected = configuration_of({{"first", "nor_conv_1x1"}, {"second", "nor_conv_3x3"}});
  EXPECT_EQ(reports[1].configuration, expected);
  EXPECT_EQ(search->decode(), expected);
  EXPECT_EQ(search->heaviest(), expected);
}

TEST_F(HealthSearchTest, WarnGoesOnAndSaysSoOnce) {
  CollapseOptions collapse = stopping();
  collapse.action = "warn";
  const auto search = make(still, collapse);
  prefer(*search, 1, 1);
  std::vector<OneShotReport> reports;
  search->run_until(6, hooks(*search, reports));
  ASSERT_EQ(reports.size(), 6u);
  std::size_t signs = 0;
  for (const OneShotReport& report : reports) signs += report.signs.size();
  EXPECT_EQ(signs, 1u);
  EXPECT_FALSE(search->health().stopped());
  EXPECT_EQ(search->decode(), reports.back().configuration);
  for (const OneShotReport& report : reports) EXPECT_TRUE(report.health.eigenvalue) << report.epoch;
}

TEST_F(HealthSearchTest, OffLooksForNothing) {
  CollapseOptions collapse = stopping();
  collapse.action = "off";
  const auto search = make(still, collapse);
  prefer(*search, 1, 1);
  std::vector<OneShotReport> reports;
  search->run_until(6, hooks(*search, reports));
  ASSERT_EQ(reports.size(), 6u);
  for (const OneShotReport& report : reports) {
    EXPECT_TRUE(report.signs.empty());
    EXPECT_FALSE(report.health.eigenvalue);
    EXPECT_GT(report.health.entropy, 0);
  }
}

TEST_F(HealthSearchTest, BeingWatchedChangesNothing) {
  CollapseOptions off, warn;
  off.action = "off";
  warn.from_epoch = 1;
  for (const std::string method : {"darts", "drnas", "gdas"}) {
    const auto a = make("{name: " + method + "}", off), b = make("{name: " + method + "}", warn);
    a->run_until(2);
    b->run_until(2);
    for (std::size_t i = 0; i < a->net().parameters().size(); ++i) {
      ASSERT_TRUE(torch::equal(a->net().parameters()[i], b->net().parameters()[i])) << method;
    }
    for (std::size_t i = 0; i < a->method().state().size(); ++i) {
      ASSERT_TRUE(torch::equal(a->method().state()[i].second, b->method().state()[i].second)) << method;
    }
  }
}

TEST_F(HealthSearchTest, ResumedItStopsAtTheSameEpochWithTheSameNetwork) {
  const auto whole = make(still, stopping());
  prefer(*whole, 1, 1);
  std::vector<OneShotReport> reports;
  whole->run_until(6, hooks(*whole, reports));
  // Interrupted in the third epoch, before the sign.
  const auto first = make(still, stopping());
  prefer(*first, 1, 1);
  std::vector<OneShotReport> before, after;
  OneShotHooks interrupted = hooks(*first, before);
  int steps_left = 7;
  interrupted.stop_requested = [&steps_left] { return steps_left-- == 0; };
  EXPECT_EQ(first->run_until(6, interrupted).end, TrainingEnd::stopped);
  ASSERT_EQ(before.size(), 2u);
  const auto second = make(still, stopping());
  second->restore(decode_checkpoint(encode_checkpoint(first->checkpoint()), "memory"), "memory");
  EXPECT_EQ(second->run_until(6, hooks(*second, after)).end, TrainingEnd::reached);
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].signs.at(0).text, reports[2].signs.at(0).text);
  EXPECT_EQ(after[0].health.eigenvalue, reports[2].health.eigenvalue);
  EXPECT_EQ(after[0].health.changed_choices, reports[2].health.changed_choices);
  EXPECT_EQ(after[0].health.changed_epochs, reports[2].health.changed_epochs);
  EXPECT_EQ(second->decode(), whole->decode());
  // Once stopped it stays so.
  const auto third = make(still, stopping());
  third->restore(decode_checkpoint(encode_checkpoint(second->checkpoint()), "memory"), "memory");
  EXPECT_EQ(third->run_until(6).end, TrainingEnd::reached);
  EXPECT_EQ(third->epochs_done(), 3);
  EXPECT_EQ(third->decode(), whole->decode());
  EXPECT_EQ(third->health().new_signs().size(), 1u);
}

TEST_F(HealthSearchTest, ACheckpointFromBeforeTheWatchIsTakenUp) {
  const auto search = make(still, stopping());
  prefer(*search, 1, 1);
  std::vector<OneShotReport> reports;
  search->run_until(1, hooks(*search, reports));
  Checkpoint old = search->checkpoint();
  old.progress.erase("health");
  const auto next = make(still, stopping());
  next->restore(old, "memory");
  next->run_until(6, hooks(*next, reports));
  EXPECT_EQ(next->epochs_done(), 3);
  EXPECT_EQ(next->health().back_to(), 2);
  EXPECT_EQ(next->decode(), reports[1].configuration);
}

TEST_F(HealthSearchTest, MethodsWithoutAPointInSpaceAreMeasuredButNotJudged) {
  CollapseOptions collapse;
  collapse.from_epoch = 1;
  for (const MethodRow& row : methods()) {
    SCOPED_TRACE(row.name);
    const bool relaxed = row.name != "enas" && row.name != "random_ws";
    const std::string warmup = row.name == "pc_darts" ? ", warmup_epochs: 0}" : "}";
    const auto search = make("{name: " + row.name + warmup, collapse, chosen_edges());
    OneShotReport last;
    OneShotHooks hooks;
    hooks.epoch_done = [&](const OneShotReport& report) {
      last = report;
      return true;
    };
    search->run_until(1, hooks);
    EXPECT_EQ(last.health.eigenvalue.has_value(), relaxed);
    EXPECT_EQ(search->health().judged(), relaxed);
    EXPECT_GT(last.health.entropy, 0);
    EXPECT_GE(last.health.sparsity, 0);
    ASSERT_EQ(last.architecture.groups.size(), search->relaxation().groups.size());
    for (const auto& group : last.architecture.groups) {
      for (const auto& line : group.rows) {
        double sum = 0;
        for (const double weight : line.weights) sum += weight;
        EXPECT_NEAR(sum, 1, 1e-5);
        EXPECT_EQ(line.edge.has_value(), row.name == "pc_darts" || row.name == "enas");
      }
    }
  }
}

TEST_F(HealthSearchTest, NothingIsJudgedWhileOnlyWeightsAreTrained) {
  CollapseOptions collapse = stopping();
  collapse.from_epoch = 1;
  const auto search = make("{name: darts, learning_rate: 0, warmup_epochs: 2}", collapse);
  prefer(*search, 0, 0);
  std::vector<OneShotReport> reports;
  OneShotHooks hooks;
  hooks.epoch_done = [&](const OneShotReport& report) {
    reports.push_back(report);
    return true;
  };
  search->run_until(6, hooks);
  ASSERT_EQ(reports.size(), 3u) << "judged from the first epoch after it";
  EXPECT_FALSE(reports[1].health.eigenvalue);
  EXPECT_TRUE(reports[2].health.eigenvalue);
  EXPECT_EQ(search->decode(), reports[2].configuration) << "there is no before";
}

}  // namespace
}  // namespace netwright

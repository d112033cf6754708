// Supernets with the weights of other people's implementations give their logits, losses and gradients.
#include <gtest/gtest.h>

#include "netwright/oneshot/bilevel.h"
#include "oneshot/golden.h"

namespace netwright {
namespace {

using testing::close;
using testing::Golden;

constexpr double exact = 1e-9;
constexpr double by_difference = 1e-6;

// The supernet of a file under softmax weights, as a problem of two levels.
class Reference {
 public:
  explicit Reference(const Golden& golden, bool plain = false) : golden(golden), net(golden.supernet(plain)) {
    alphas = golden.alphas(net->relaxation(), golden.json.at("arch"));
    betas = golden.betas(net->relaxation(), golden.json.at("arch"));
    for (torch::Tensor& tensor : alphas) tensor.requires_grad_();
    for (torch::Tensor& tensor : betas) tensor.requires_grad_();
  }

  torch::Tensor logits(const std::string& which) {
    Mixture mixture;
    for (const torch::Tensor& tensor : alphas) mixture.weights.push_back(torch::softmax(tensor, 1));
    for (const torch::Tensor& tensor : betas) mixture.edges.push_back(torch::softmax(tensor, 0));
    return net->forward(golden.input(which), mixture);
  }

  torch::Tensor loss(const std::string& which) {
    return torch::nn::functional::cross_entropy(logits(which), golden.target(which));
  }

  Bilevel problem() {
    Bilevel problem{net->parameters(), alphas, [this] { return loss("train"); }, [this] { return loss("valid"); }};
    problem.architecture.insert(problem.architecture.end(), betas.begin(), betas.end());
    return problem;
  }

  Unrolling unrolling() const {
    const Json& constants = golden.json.at("second_order");
    Unrolling unrolling{
        constants.at("eta"), constants.at("momentum"), constants.at("weight_decay"), {}, constants.at("r")};
    std::map<std::string, torch::Tensor> buffers;
    const Json& given = golden.json.at("momentum_buffer");
    for (const auto& [published, ours] : testing::published_names(net->relaxation(), given)) {
      buffers[ours] = testing::tensor_of(given.at(published));
    }
    for (const auto& item : net->named_parameters()) unrolling.buffers.push_back(buffers.at(item.key()));
    return unrolling;
  }

  void expect_gradients(const std::vector<torch::Tensor>& found, const std::string& expected, double tolerance) const {
    const Json& json = golden.json.at("expect").at(expected);
    std::vector<torch::Tensor> wanted = golden.alphas(net->relaxation(), json);
    const std::vector<torch::Tensor> edges = golden.betas(net->relaxation(), json);
    wanted.insert(wanted.end(), edges.begin(), edges.end());
    ASSERT_EQ(found.size(), wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_TRUE(close(found[i], wanted[i], tolerance)) << expected << ", tensor " << i;
    }
  }

  const Golden& golden;
  std::shared_ptr<Supernet> net;
  std::vector<torch::Tensor> alphas, betas;
};

class Goldens : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::golden_files().empty()) GTEST_SKIP() << "no goldens folder; set NETWRIGHT_REFERENCE_DATA";
  }

  template <class Check>
  static void each(const Check& check) {
    for (const std::string& file : testing::golden_files()) {
      SCOPED_TRACE(file);
      const Golden golden(file);
      check(golden);
    }
  }
};

TEST_F(Goldens, LogitsLossAndEveryWeightsGradient) {
  each([](const Golden& golden) {
    Reference reference(golden);
    const Json& expect = golden.json.at("expect");
    EXPECT_EQ(reference.net->parameter_count(), expect.at("search_parameter_count").get<std::int64_t>());
    const torch::Tensor logits = reference.logits("train");
    EXPECT_TRUE(close(logits, testing::tensor_of(expect.at("train_logits")), exact));
    const torch::Tensor loss = torch::nn::functional::cross_entropy(logits, golden.target("train"));
    EXPECT_TRUE(close(loss.item<double>(), expect.at("train_loss").get<double>(), exact));
    loss.backward();
    std::vector<torch::Tensor> found;
    for (const torch::Tensor& tensor : reference.problem().architecture) found.push_back(tensor.grad());
    reference.expect_gradients(found, "train_grad_arch", exact);
    const Json& norms = expect.at("train_grad_parameters_l2");
    const auto parameters = reference.net->named_parameters();
    for (const auto& [published, ours] : testing::published_names(reference.net->relaxation(), norms)) {
      const double norm = parameters[ours].grad().norm().item<double>();
      EXPECT_TRUE(close(norm, norms.at(published).get<double>(), exact)) << published;
    }
  });
}

TEST_F(Goldens, FirstOrderGradient) {
  each([](const Golden& golden) {
    Reference reference(golden);
    const ArchitectureGradient found = first_order_gradient(reference.problem());
    EXPECT_TRUE(close(found.valid_loss, golden.json.at("expect").at("valid_loss").get<double>(), exact));
    reference.expect_gradients(found.gradients, "first_order_grad_arch", exact);
  });
}

TEST_F(Goldens, SecondOrderGradientByFiniteDifference) {
  each([](const Golden& golden) {
    Reference reference(golden);
    const ArchitectureGradient found = second_order_gradient(reference.problem(), reference.unrolling());
    EXPECT_TRUE(close(found.valid_loss, golden.json.at("expect").at("unrolled_valid_loss").get<double>(), exact));
    reference.expect_gradients(found.gradients, "second_order_grad_arch", by_difference);
  });
}

TEST_F(Goldens, ExactSecondOrderGradient) {
  each([](const Golden& golden) {
    Reference reference(golden);
    const ArchitectureGradient found = exact_second_order_gradient(reference.problem(), reference.unrolling());
    reference.expect_gradients(found.gradients, "second_order_exact_grad_arch", exact);
  });
}

TEST_F(Goldens, WeightsAreRestoredBitForBit) {
  const Golden golden(testing::golden_files().front());
  Reference reference(golden);
  std::vector<torch::Tensor> before;
  for (const torch::Tensor& parameter : reference.net->parameters()) before.push_back(parameter.detach().clone());
  second_order_gradient(reference.problem(), reference.unrolling());
  exact_second_order_gradient(reference.problem(), reference.unrolling());
  const auto after = reference.net->parameters();
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(torch::equal(before[i], after[i]));
}

}  // namespace
}  // namespace netwright

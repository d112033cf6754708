// Supernets with the weights of other people's implementations give their logits, losses and gradients.
#include <gtest/gtest.h>

#include "netwright/oneshot/bilevel.h"
#include "netwright/oneshot/steps.h"
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

// The method, with the file's parameters in place of its own.
std::unique_ptr<Method> method_for(const Golden& golden, const Relaxation& relaxation, const Yaml& options) {
  auto method = make_method({golden.space, relaxation, options, 1, torch::kDouble});
  const Json& given = golden.json.at("arch");
  std::vector<torch::Tensor> values = golden.alphas(relaxation, given);
  const std::vector<torch::Tensor> edges = golden.betas(relaxation, given);
  values.insert(values.end(), edges.begin(), edges.end());
  const NamedTensors state = method->state();
  for (std::size_t i = 0; i < values.size(); ++i) state[i].second.copy_(values[i]);
  return method;
}

TEST_F(Goldens, GenotypeByTheMethodsDecoding) {
  each([](const Golden& golden) {
    const Relaxation relaxation = golden.space.relax({});
    const Yaml options = parse_yaml(golden.partial ? "{name: pc_darts}" : "{name: darts}", "study.yaml");
    const auto method = method_for(golden, relaxation, options);
    Random random(1);
    const Decoding decoding{golden.space, relaxation, method->importance(), {}, {}, {}, 0, random};
    const Configuration found = decode(method->settings().decoding, decoding);
    golden.space.validate(found);
    EXPECT_EQ(found.canonical_text(), golden.genotype().canonical_text());
  });
}

TEST_F(Goldens, StateAfterTwoSearchSteps) {
  each([](const Golden& golden) {
    const auto net = golden.supernet(false);
    const Yaml options = parse_yaml(
        golden.partial ? "{name: pc_darts, learning_rate: 3e-4, warmup_epochs: 0}" : "{name: darts}", "study.yaml");
    const auto method = method_for(golden, net->relaxation(), options);
    OptimizerOptions sgd;
    sgd.nesterov = false;
    sgd.weight_decay = 3e-4;
    SearchSteps steps(*net, *method, sgd, 5);
    const Batch train{golden.input("train"), golden.target("train")};
    const Batch valid{golden.input("valid"), golden.target("valid")};
    at::Generator generator = compat::cpu_generator(1);
    for (const std::string name : {"after_step_1", "after_step_2"}) {
      SCOPED_TRACE(name);
      const StepResult result = steps.run(train, valid, {0, 50}, 0.025, generator);
      const Json& expect = golden.json.at("expect").at(name);
      EXPECT_TRUE(close(result.loss, expect.at("train_loss").get<double>(), exact));
      EXPECT_TRUE(close(result.gradient_norm, expect.at("grad_norm_before_clip").get<double>(), exact));
      std::vector<torch::Tensor> wanted = golden.alphas(net->relaxation(), expect.at("arch"));
      const std::vector<torch::Tensor> edges = golden.betas(net->relaxation(), expect.at("arch"));
      wanted.insert(wanted.end(), edges.begin(), edges.end());
      const NamedTensors state = method->state();
      for (std::size_t i = 0; i < wanted.size(); ++i)
        EXPECT_TRUE(close(state[i].second, wanted[i], exact)) << state[i].first;
      const auto parameters = net->named_parameters();
      const Json& norms = expect.at("parameters_l2");
      for (const auto& [published, ours] : testing::published_names(net->relaxation(), norms)) {
        EXPECT_TRUE(close(parameters[ours].norm().item<double>(), norms.at(published).get<double>(), exact)) << ours;
      }
    }
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

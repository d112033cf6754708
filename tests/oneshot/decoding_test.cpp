// From weights to configurations.
#include "netwright/oneshot/decoding.h"

#include <gtest/gtest.h>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "oneshot/tiny.h"

namespace netwright {
namespace {

using testing::chosen_edges;
using testing::nine_networks;

// Rows of chosen_edges(): n0 has s0, s1 with {none, skip, conv}; n1 has s0, s1, n0 with {none, skip, conv, pool}.
struct Case {
  Case() {
    importance.weights = {
        torch::tensor({{0.8, 0.1, 0.1}, {0.1, 0.3, 0.6}}, torch::kDouble),
        torch::tensor({{0.05, 0.55, 0.2, 0.2}, {0.4, 0.1, 0.1, 0.4}, {0.7, 0.06, 0.19, 0.05}}, torch::kDouble)};
  }
  Decoding decoding() { return {space, relaxation, importance, {}, {}, {}, 10, random}; }
  std::string text(const std::string& name) {
    const Configuration configuration = decode(name, decoding());
    space.validate(configuration);
    return configuration.canonical_text();
  }

  SearchSpace space = chosen_edges();
  Relaxation relaxation = space.relax({});
  Importance importance;
  Random random{1};
};

TEST(Decoding, TopEdgesLeavesNoneAside) {
  Case c;
  EXPECT_EQ(c.text("top_edges"),
            "cell.n0.inputs=s1; cell.n0.op=nor_conv_1x1; cell.n1.inputs=s0,s1; cell.n1.op1=skip_connect; "
            "cell.n1.op2=avg_pool_3x3");
}

TEST(Decoding, EqualEdgesGoToTheEarlier) {
  Case c;
  c.importance.weights[1].fill_(0.25);
  c.importance.weights[0].fill_(1.0 / 3);
  EXPECT_EQ(c.text("top_edges"),
            "cell.n0.inputs=s0; cell.n0.op=skip_connect; cell.n1.inputs=s0,s1; cell.n1.op1=skip_connect; "
            "cell.n1.op2=skip_connect");
}

TEST(Decoding, EdgeWeightsMultiply) {
  Case c;
  c.importance.edges = {torch::tensor({0.9, 0.1}, torch::kDouble), torch::tensor({0.1, 0.2, 0.7}, torch::kDouble)};
  EXPECT_EQ(c.text("top_edges"),
            "cell.n0.inputs=s0; cell.n0.op=skip_connect; cell.n1.inputs=s1,n0; cell.n1.op1=avg_pool_3x3; "
            "cell.n1.op2=nor_conv_1x1");
}

// An edge that is likely none is left out even where its best operation weighs more than another's.
TEST(Decoding, BestPathIsTheLikeliestNetwork) {
  Case c;
  c.importance.weights[1] =
      torch::tensor({{0.05, 0.55, 0.2, 0.2}, {0.55, 0.03, 0.02, 0.4}, {0.01, 0.3, 0.36, 0.33}}, torch::kDouble);
  EXPECT_NE(c.text("best_path"), c.text("top_edges"));
  // By enumeration.
  std::string best;
  double highest = -1;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const Configuration configuration = c.space.sample(c.random);
    const Picks picks = c.relaxation.picks(configuration);
    double likelihood = 1;
    for (std::size_t s = 0; s < picks.edges.size(); ++s) {
      const RelaxedSum& sum = c.relaxation.sums[s];
      for (std::size_t edge = 0; edge < sum.edges.size(); ++edge) {
        const RelaxedRow& row = c.relaxation.rows[static_cast<std::size_t>(sum.rows[edge])];
        const bool kept = std::count(picks.edges[s].begin(), picks.edges[s].end(), static_cast<int>(edge)) > 0;
        const int option = kept ? picks.options[static_cast<std::size_t>(sum.rows[edge])] : 0;
        likelihood *= c.importance.weights[static_cast<std::size_t>(row.group)][row.index][option].item<double>();
      }
    }
    if (likelihood > highest) best = configuration.canonical_text();
    highest = std::max(highest, likelihood);
  }
  EXPECT_EQ(c.text("best_path"), best);
}

// Where accuracy is a sum of what each edge contributes, perturbation finds the greatest contributions.
TEST(Decoding, PerturbationFindsWhatIsMissedMost) {
  Case c;
  Decoding decoding = c.decoding();
  const std::vector<std::vector<double>> worth = {{0, 1, 3}, {0, 2, 1}, {0, 1, 2, 9}, {0, 4, 1, 2}, {0, 1, 7, 2}};
  int tuned = 0;
  decoding.tune = [&](const Mixture& mixture) {
    ++tuned;
    ASSERT_TRUE(mixture.only);
  };
  decoding.accuracy = [&](const Mixture& mixture) {
    double sum = 0;
    for (std::size_t r = 0; r < c.relaxation.rows.size(); ++r) {
      const RelaxedRow& row = c.relaxation.rows[r];
      const std::vector<int>& edges = mixture.only->edges[static_cast<std::size_t>(row.sum)];
      if (std::count(edges.begin(), edges.end(), row.edge) == 0) continue;
      for (std::size_t option = 0; option < row.options.size(); ++option) {
        const int only = mixture.only->options[r];
        if (only >= 0 && only != static_cast<int>(option)) continue;
        const double weight =
            mixture.weights[static_cast<std::size_t>(row.group)][row.index][static_cast<std::int64_t>(option)]
                .item<double>();
        if (weight > 0) sum += worth[r][option];
      }
    }
    return sum;
  };
  const Configuration found = decode("perturbation", decoding);
  EXPECT_EQ(found.canonical_text(),
            "cell.n0.inputs=s0; cell.n0.op=nor_conv_1x1; cell.n1.inputs=s0,n0; cell.n1.op1=avg_pool_3x3; "
            "cell.n1.op2=nor_conv_1x1");
  EXPECT_EQ(tuned, 5 + 2);
}

TEST(Decoding, BestOfSamplesIsTheMostAccurateDrawn) {
  const SearchSpace space = nine_networks();
  const Relaxation relaxation = space.relax({});
  Random random(3);
  Decoding decoding{space, relaxation, {}, {}, {}, {}, 60, random};
  decoding.draw = [&] { return single(relaxation.picks(space.sample(random))); };
  decoding.accuracy = [&](const Mixture& mixture) {
    return mixture.only->options[0] == 2 && mixture.only->options[1] == 1 ? 1.0 : 0.1 * mixture.only->options[0];
  };
  EXPECT_EQ(decode("best_of_samples", decoding).canonical_text(), "first=avg_pool_3x3; second=nor_conv_3x3");
  EXPECT_THROW(decode("top_edge", decoding), Error);
}

}  // namespace
}  // namespace netwright

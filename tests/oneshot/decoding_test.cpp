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

// Where none is an option of the space itself, it may win.
TEST(Decoding, AnOptionOfTheSpaceCalledNoneIsAnOption) {
  const SearchSpace space = nine_networks();
  const Relaxation relaxation = space.relax({});
  Random random(1);
  std::vector<torch::Tensor> weights;
  for (const RowGroup& group : relaxation.groups) {
    weights.push_back(torch::tensor({{0.3, 0.2, 0.5}}, torch::kDouble));
    ASSERT_EQ(group.options.size(), 3u);
  }
  const Decoding decoding{space, relaxation, {weights, {}}, {}, {}, {}, 0, random};
  EXPECT_EQ(decode("top_edges", decoding).canonical_text(), "first=avg_pool_3x3; second=none");
  EXPECT_EQ(decode("best_path", decoding).canonical_text(), "first=avg_pool_3x3; second=none");
}

// What DARTS-PT's algorithm evaluates (Wang et al. 2021, algorithm 1): an edge in random order, each of its operations
// taken away from the supernet in which earlier edges are discretised and later ones are not; then each node's edges.
// Here an edge's worth depends on what was decided before, and the weights say the opposite of the accuracy.
TEST(Decoding, PerturbationEvaluatesTheSupernetAsDecidedSoFar) {
  Case c;
  Decoding decoding = c.decoding();
  std::vector<int> order;  // of the rows that were decided
  std::vector<int> undecided = {0, 1, 2, 3, 4};
  std::vector<std::vector<int>> removed(5);
  bool edges_begun = false;
  decoding.accuracy = [&](const Mixture& mixture) {
    int row_without = -1, option_without = -1;
    for (std::size_t r = 0; r < 5; ++r) {
      const RelaxedRow& row = c.relaxation.rows[r];
      const torch::Tensor weights = mixture.weights[static_cast<std::size_t>(row.group)][row.index];
      const torch::Tensor learned = c.importance.weights[static_cast<std::size_t>(row.group)][row.index];
      const bool decided = mixture.only->options[r] >= 0;
      EXPECT_EQ(decided, std::count(undecided.begin(), undecided.end(), static_cast<int>(r)) == 0);
      for (std::int64_t option = 0; option < weights.size(0); ++option) {
        const double weight = weights[option].item<double>();
        if (weight == 0 && !decided) {
          EXPECT_EQ(row_without, -1) << "one operation is taken away at a time";
          row_without = static_cast<int>(r);
          option_without = static_cast<int>(option);
        } else {
          EXPECT_EQ(weight, decided ? 1.0 : learned[option].item<double>());
        }
      }
    }
    if (row_without < 0) {  // an edge of n1 is taken away; n0's one edge of two likewise
      edges_begun = true;
      EXPECT_TRUE(undecided.empty());
      std::size_t missing = 0;
      for (std::size_t s = 0; s < 2; ++s) missing += c.relaxation.sums[s].edges.size() - mixture.only->edges[s].size();
      // Those of a sum decided before stay away.
      EXPECT_GE(missing, 1u);
      const std::vector<int>& rest = mixture.only->edges[1];
      // n1 misses its first edge least, n0 its second.
      if (rest.size() == 2) return std::count(rest.begin(), rest.end(), 0) == 0 ? 0.9 : 0.5;
      const std::vector<int>& first = mixture.only->edges[0];
      return std::count(first.begin(), first.end(), 1) == 0 ? 0.9 : 0.5;
    }
    EXPECT_FALSE(edges_begun) << "operations come first";
    removed[static_cast<std::size_t>(row_without)].push_back(option_without);
    return option_without == 2 ? 0.3 : 0.3 + 0.1 * option_without;  // ties go to the first; option 2 and none tie
  };
  decoding.tune = [&](const Mixture& mixture) {
    if (!edges_begun) {
      for (std::size_t at = 0; at < undecided.size(); ++at) {
        if (mixture.only->options[static_cast<std::size_t>(undecided[at])] < 0) continue;
        order.push_back(undecided[at]);
        undecided.erase(undecided.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      }
    }
  };
  const Configuration found = decode("perturbation", decoding);
  EXPECT_EQ(found.canonical_text(),
            "cell.n0.inputs=s0; cell.n0.op=nor_conv_1x1; cell.n1.inputs=s1,n0; cell.n1.op1=nor_conv_1x1; "
            "cell.n1.op2=nor_conv_1x1");
  EXPECT_EQ(order.size(), 5u);
  EXPECT_NE(order, (std::vector<int>{0, 1, 2, 3, 4})) << "in random order";
  for (std::size_t r = 0; r < 5; ++r) {
    const std::vector<int> expected = r < 2 ? std::vector<int>{1, 2} : std::vector<int>{1, 2, 3};
    EXPECT_EQ(removed[r], expected) << "each operation but none";
  }
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

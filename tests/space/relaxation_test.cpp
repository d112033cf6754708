#include "netwright/space/relaxation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netwright/base/error.h"
#include "netwright/base/yaml.h"

namespace netwright {
namespace {

SearchSpace shipped(const std::string& name) {
  return SearchSpace::load(NETWRIGHT_SOURCE_DIR "/spaces/" + name + ".yaml");
}

TEST(Relaxation, ADartsCellHasARowForEachEdge) {
  const Relaxation relaxation = shipped("darts").relax({});
  ASSERT_EQ(relaxation.groups.size(), 2u);
  EXPECT_EQ(relaxation.groups[0].name, "normal");
  EXPECT_EQ(relaxation.groups[1].name, "reduction");
  ASSERT_EQ(relaxation.groups[0].rows.size(), 14u);
  std::vector<std::string> names;
  for (const int row : relaxation.groups[0].rows) names.push_back(relaxation.rows[static_cast<std::size_t>(row)].name);
  EXPECT_EQ(names.front(), "normal.n0.p0");
  EXPECT_EQ(names[4], "normal.n1.n0");
  EXPECT_EQ(names.back(), "normal.n3.n2");
  std::vector<std::string> options;
  for (const Value& option : relaxation.groups[0].options) options.push_back(to_string(option));
  EXPECT_THAT(options, ::testing::ElementsAre("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3",
                                              "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"));
  EXPECT_EQ(relaxation.network.graph.auxiliary_output, -1);
}

// Rules of the search: norms within cells without weights, pools followed by one; the stem keeps its.
TEST(Relaxation, NormsWithinCellsHaveNoWeights) {
  const Relaxation relaxation = shipped("darts").relax({});
  for (const MixedNode& mixed : relaxation.mixed) {
    for (const RelaxedOption& option : mixed.options) {
      EXPECT_FALSE(boolean_of(option.node.parameters, "affine", false));
      EXPECT_TRUE(boolean_of(option.node.parameters, "norm", true));
    }
  }
  EXPECT_TRUE(boolean_of(relaxation.network.graph.nodes.front().parameters, "affine", false));
}

TEST(Relaxation, PicksAreTheInverseOfConfigurations) {
  Random random(8);
  for (const std::string name : {"darts", "nas-bench-201", "mobilenet", "resnet-stage", "fashion-demo"}) {
    const SearchSpace space = shipped(name);
    const Relaxation relaxation = space.relax({});
    for (int i = 0; i < 50; ++i) {
      const Configuration configuration = space.sample(random);
      EXPECT_EQ(relaxation.configuration(space, relaxation.picks(configuration)), configuration) << name;
    }
  }
}

TEST(Relaxation, AWidthIsAMaskAndADepthASelection) {
  const Relaxation relaxation = shipped("mobilenet").relax({});
  EXPECT_GE(relaxation.masks.size(), 5u);
  for (const WidthMask& mask : relaxation.masks) {
    EXPECT_EQ(mask.widths.size(), relaxation.rows[static_cast<std::size_t>(mask.row)].options.size());
  }
  bool depth = false;
  for (const MixedNode& mixed : relaxation.mixed) {
    if (mixed.options.front().node.operation != "identity") continue;
    depth = true;
    EXPECT_TRUE(relaxation.rows[static_cast<std::size_t>(mixed.options[0].factors[0].row)].name.ends_with(".depth"));
  }
  EXPECT_TRUE(depth);
  // A kernel and an expansion together: an option for each pair.
  EXPECT_EQ(relaxation.mixed.front().options.size(), 9u);
  EXPECT_EQ(relaxation.mixed.front().options.front().factors.size(), 2u);
}

TEST(Relaxation, AFixedChoiceIsNotRelaxed) {
  const SearchSpace space = shipped("nas-bench-201");
  Configuration fixed;
  fixed.set("edge_0_1", std::string("nor_conv_3x3"));
  const SearchSpace narrowed = space.fixed(fixed);
  const Relaxation relaxation = narrowed.relax({});
  EXPECT_EQ(relaxation.rows.size(), 5u);
  Picks picks;
  picks.options.assign(5, 0);
  EXPECT_EQ(*relaxation.configuration(narrowed, picks).find("edge_0_1"), Value(std::string("nor_conv_3x3")));
}

TEST(Relaxation, FixedEdgesAreTheOnlyOnes) {
  Configuration fixed;
  fixed.set("normal.n3.inputs", std::string("p1,n2"));
  const SearchSpace space = shipped("darts").fixed(fixed);
  const Relaxation relaxation = space.relax({});
  EXPECT_EQ(relaxation.groups[0].rows.size(), 11u);
  Random random(2);
  const Configuration configuration = space.sample(random);
  EXPECT_EQ(relaxation.configuration(space, relaxation.picks(configuration)).find("normal.n3.op2")->index(), 3u);
}

TEST(Relaxation, NamesTheChoiceItCannotHold) {
  const auto message = [](const std::string& name) -> std::string {
    try {
      shipped(name).relax({});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("mlp"), ::testing::HasSubstr("a supernet cannot hold the choice 'recipe."));
}

}  // namespace
}  // namespace netwright

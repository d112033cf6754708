// What docs/search-space.md shows is accepted.
#include <gtest/gtest.h>

#include "netwright/base/file.h"
#include "netwright/base/text.h"
#include "space/space_text.h"

namespace netwright {
namespace {

// The document's blocks of YAML.
std::vector<std::string> examples() {
  std::vector<std::string> blocks;
  bool inside = false;
  for (const auto& line : split(read_file(std::string(NETWRIGHT_SOURCE_DIR) + "/docs/search-space.md"), '\n')) {
    if (line == "```yaml") {
      blocks.emplace_back();
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

std::string indented(const std::string& text) {
  return "    " + join(split(trim(text), '\n'), "\n    ") + "\n";
}

TEST(SearchSpaceDocument, ShowsASpaceThatLoads) {
  const auto blocks = examples();
  ASSERT_EQ(blocks.size(), 2u);
  const SearchSpace space = space_of(blocks[0]);
  EXPECT_EQ(space.name(), "small-cnn");
  for (const char* name :
       {"width", "block", "pair.right.op", "wide.repeat", "down.kernel", "recipe.optimizer.learning_rate"}) {
    EXPECT_NE(space.find(name), nullptr) << name;
  }
  Random random(1);
  for (int i = 0; i < 50; ++i) EXPECT_NO_THROW(space.fill(space.sample(random)));
}

TEST(SearchSpaceDocument, ShowsChosenEdgesThatLoad) {
  const SearchSpace space =
      space_of("input: [3, 8, 8]\nclasses: 2\ncells:\n  c:\n    inputs: [p0, p1]\n    nodes:\n" +
               std::string("    - {name: n0, op: max_pool_3x3, from: p0, stride: 2}\n") + indented(examples()[1]) +
               "network:\n- {cell: c, from: [input, input]}\n- {op: classifier}\n");
  EXPECT_EQ(space.size(), 3u * 3u * 3u);
}

}  // namespace
}  // namespace netwright

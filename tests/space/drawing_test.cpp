#include "netwright/space/drawing.h"

#include <gtest/gtest.h>

#include <cmath>

#include "netwright/space/drawing_layout.h"
#include "netwright/space/nas_bench_201.h"
#include "netwright/space/search_space.h"

namespace netwright {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// Whether tags are closed in the order they were opened and text holds no bare < or &.
bool is_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < xml.size(); ++i) {
    if (xml[i] == '&' && xml.compare(i, 5, "&amp;") != 0 && xml.compare(i, 4, "&lt;") != 0 &&
        xml.compare(i, 4, "&gt;") != 0 && xml.compare(i, 6, "&quot;") != 0 && xml.compare(i, 5, "&#39;") != 0) {
      return false;
    }
    if (static_cast<unsigned char>(xml[i]) < 32 && xml[i] != '\n') return false;
    if (xml[i] != '<') continue;
    const std::size_t end = xml.find('>', i);
    if (end == std::string::npos) return false;
    const std::string tag = xml.substr(i + 1, end - i - 1);
    const std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    if (tag.front() == '/') {
      if (open.empty() || "/" + open.back() != name) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    i = end;
  }
  return open.empty();
}

const std::string architecture =
    "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|skip_connect~2|";

TEST(Drawing, ShowsStagesOnceAndEachCellOnce) {
  const OperationTable table = OperationTable::standard();
  const std::string svg = draw_svg(nas_bench_201_network(architecture, table), table);
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(svg.compare(0, 5, "<svg "), 0);
  EXPECT_EQ(count(svg, ">×5</text>"), 3u);
  EXPECT_EQ(count(svg, ">stage1 ×5, stage2 ×5, stage3 ×5</text>"), 1u);
  EXPECT_EQ(count(svg, ">avg_pool 3×3</text>"), 1u);
  EXPECT_EQ(count(svg, ">skip_connect</text>"), 2u);
  EXPECT_EQ(count(svg, ">none</text>"), 0u);
  EXPECT_EQ(count(svg, ">16×32×32</text>"), 2u);
}

TEST(Drawing, NeedsNothingFromOutside) {
  const OperationTable table = OperationTable::standard();
  const std::string svg = draw_svg(nas_bench_201_network(architecture, table), table);
  EXPECT_EQ(count(svg, "<script"), 0u);
  EXPECT_EQ(count(svg, "href"), 0u);
  EXPECT_EQ(count(svg, "url("), 0u);
  EXPECT_EQ(count(svg, "@import"), 0u);
  EXPECT_GT(count(svg, "prefers-color-scheme: dark"), 0u);
}

TEST(Drawing, NamesAreEscaped) {
  const OperationTable table = OperationTable::standard();
  Network network = nas_bench_201_network(architecture, table);
  network.graph.name = "a<script>&\"'\x01";
  network.graph.nodes[0].name = "<b>&amp;";
  network.graph.nodes[0].where.file = "x";
  EXPECT_TRUE(is_well_formed(draw_svg(network, table)));
}

TEST(Drawing, EveryShippedSpaceCanBeDrawn) {
  for (const std::string name : {"darts", "mlp", "mobilenet", "nas-bench-201", "resnet-stage", "fashion-demo"}) {
    const SearchSpace space = SearchSpace::load(NETWRIGHT_SOURCE_DIR "/spaces/" + name + ".yaml");
    Random random(3);
    for (int i = 0; i < 5; ++i) {
      const std::string svg = draw_svg(space.fill(space.sample(random)).network, space.table());
      EXPECT_TRUE(is_well_formed(svg)) << name;
      EXPECT_EQ(count(svg, "nan"), 0u) << name;
    }
  }
}

TEST(Layout, VerticesDoNotOverlapAndEdgesGoDown) {
  Random random(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<LayoutVertex> vertices(2 + random.below(25));
    std::vector<LayoutEdge> edges;
    for (std::size_t v = 0; v < vertices.size(); ++v) {
      vertices[v].width = 20 + 100 * random.uniform();
      vertices[v].height = 20 + 20 * random.uniform();
      for (std::size_t k = 0; v > 0 && k < 1 + random.below(2); ++k) {
        edges.push_back({static_cast<int>(random.below(v)), static_cast<int>(v), {}});
      }
    }
    const LayoutSize size = lay_out(vertices, edges);
    for (std::size_t a = 0; a < vertices.size(); ++a) {
      const LayoutVertex& p = vertices[a];
      EXPECT_GE(p.x - p.width / 2, -1e-6);
      EXPECT_LE(p.x + p.width / 2, size.width + 1e-6);
      EXPECT_LE(p.y + p.height / 2, size.height + 1e-6);
      for (std::size_t b = 0; b < a; ++b) {
        const LayoutVertex& q = vertices[b];
        EXPECT_TRUE(std::fabs(p.x - q.x) >= (p.width + q.width) / 2 - 1e-6 ||
                    std::fabs(p.y - q.y) >= (p.height + q.height) / 2 - 1e-6);
      }
    }
    for (const LayoutEdge& edge : edges) {
      for (std::size_t i = 1; i < edge.points.size(); ++i) EXPECT_GE(edge.points[i].y, edge.points[i - 1].y);
    }
  }
}

TEST(Layout, LongEdgesOfALadderRunStraight) {
  // 0 -> 1 -> 2 -> 3 -> 4 and 0 -> 4: the long edge has room beside the chain.
  std::vector<LayoutVertex> vertices(5, {60, 20, 0, 0});
  std::vector<LayoutEdge> edges = {{0, 1, {}}, {1, 2, {}}, {2, 3, {}}, {3, 4, {}}, {0, 4, {}}};
  lay_out(vertices, edges);
  const auto& points = edges[4].points;
  ASSERT_EQ(points.size(), 8u);
  for (std::size_t i = 2; i + 1 < points.size(); ++i) EXPECT_DOUBLE_EQ(points[i].x, points[1].x);
}

TEST(Layout, FindsThePlaneDrawing) {
  // Two pairs whose order in the list makes them cross.
  std::vector<LayoutVertex> vertices(6, {40, 20, 0, 0});
  std::vector<LayoutEdge> edges = {{0, 2, {}}, {0, 3, {}}, {1, 4, {}}, {2, 5, {}}, {1, 5, {}}, {4, 5, {}}, {3, 5, {}}};
  lay_out(vertices, edges);
  EXPECT_EQ(vertices[0].x < vertices[1].x, vertices[2].x < vertices[4].x);
  EXPECT_EQ(vertices[0].x < vertices[1].x, vertices[3].x < vertices[4].x);
}

TEST(Layout, NothingIsNothing) {
  std::vector<LayoutVertex> vertices;
  std::vector<LayoutEdge> edges;
  EXPECT_EQ(lay_out(vertices, edges).width, 0);
}

}  // namespace
}  // namespace netwright

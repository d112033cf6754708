#include "netwright/space/nas_bench_201.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <string_view>

#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/text.h"
#include "netwright/space/canonical.h"
#include "netwright/space/search_space.h"

namespace netwright {
namespace {

struct Row {
  std::string architecture, isomorphism_class;
  double parameters_millions, flops_millions;
};

std::string table_path() {
  const char* folder = std::getenv("NETWRIGHT_REFERENCE_DATA");
  return std::string(folder ? folder : NETWRIGHT_SOURCE_DIR "/../shared/data") + "/nas-bench-201/cifar10.csv.gz";
}

const std::vector<Row>& published_table() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> rows;
    gzFile file = gzopen(table_path().c_str(), "rb");
    std::string text;
    char buffer[1 << 16];
    for (int n; (n = gzread(file, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
    gzclose(file);
    std::istringstream lines(text);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      const std::vector<std::string> cells = split(line, ',');
      rows.push_back({cells.at(0), cells.at(2), std::stod(cells.at(7)), std::stod(cells.at(8))});
    }
    return rows;
  }();
  return rows;
}

class NasBench201Table : public testing::Test {
 protected:
  void SetUp() override {
    if (!file_exists(table_path())) GTEST_SKIP() << "no " << table_path() << "; set NETWRIGHT_REFERENCE_DATA";
  }
  const OperationTable table = OperationTable::standard();
};

const Graph& cell_of(const Network& network) {
  return *network.graph.nodes[1].cell;
}

TEST_F(NasBench201Table, ParametersAndFlopsAgreeOnEveryRow) {
  ASSERT_EQ(published_table().size(), 15625u);
  for (const Row& row : published_table()) {
    const Cost cost = network_cost(nas_bench_201_network(row.architecture, table), table);
    // The table has micro-units of parameters and tens of FLOPs.
    ASSERT_EQ(cost.parameters, std::llround(row.parameters_millions * 1e6)) << row.architecture;
    ASSERT_EQ(cost.macs + cost.bias_adds, std::llround(row.flops_millions * 1e6)) << row.architecture;
  }
}

// Classes of all cells at a level, and of pairs of such a class and the published one: as many as both where the two
// partitions are the same.
struct Classes {
  std::set<GraphHash> own;
  std::set<std::pair<GraphHash, std::string_view>> pairs;
};

TEST_F(NasBench201Table, CellsFallIntoThePublishedClasses) {
  std::map<Equivalence, Classes> levels;
  for (const Row& row : published_table()) {
    const Network network = nas_bench_201_network(row.architecture, table);
    for (const Equivalence level :
         {Equivalence::isomorphism, Equivalence::skips, Equivalence::zeros, Equivalence::function}) {
      const GraphHash hash = graph_hash(cell_of(network), {Shape{16, 32, 32}}, table, level);
      levels[level].own.insert(hash);
      levels[level].pairs.insert({hash, row.isomorphism_class});
    }
  }
  EXPECT_EQ(levels[Equivalence::isomorphism].own.size(), 15625u);
  EXPECT_EQ(levels[Equivalence::skips].own.size(), 12751u);
  EXPECT_EQ(levels[Equivalence::zeros].own.size(), 6466u);
  EXPECT_EQ(levels[Equivalence::zeros].pairs.size(), 6466u);
  // Counted independently as the smallest of all orders of each cell's live nodes, sums flattened and zeros dropped.
  EXPECT_EQ(levels[Equivalence::function].own.size(), 5875u);
}

TEST_F(NasBench201Table, NetworksFallIntoTheSameClassesAsTheirCells) {
  Classes zeros, function;
  for (const Row& row : published_table()) {
    const Network network = nas_bench_201_network(row.architecture, table, {.cells = 2});
    const GraphHash hash = graph_hash(network.graph, {network.input}, table, Equivalence::zeros);
    zeros.own.insert(hash);
    zeros.pairs.insert({hash, row.isomorphism_class});
    function.own.insert(graph_hash(network.graph, {network.input}, table, Equivalence::function));
  }
  EXPECT_EQ(zeros.own.size(), 6466u);
  EXPECT_EQ(zeros.pairs.size(), 6466u);
  EXPECT_EQ(function.own.size(), 5875u);
}

TEST_F(NasBench201Table, TextIsThePublishedClass) {
  for (const Row& row : published_table()) {
    const Network network = nas_bench_201_network(row.architecture, table);
    ASSERT_EQ(canonical_text(cell_of(network), {Shape{16, 32, 32}}, table, Equivalence::zeros), row.isomorphism_class)
        << row.architecture;
  }
}

TEST(NasBench201, StringsAndConfigurationsRoundTrip) {
  const std::string architecture =
      "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|nor_conv_3x3~1|skip_connect~2|";
  const Configuration configuration = nas_bench_201_configuration(architecture);
  EXPECT_EQ(std::get<std::string>(*configuration.find("edge_0_1")), "avg_pool_3x3");
  EXPECT_EQ(std::get<std::string>(*configuration.find("edge_0_2")), "nor_conv_1x1");
  EXPECT_EQ(std::get<std::string>(*configuration.find("edge_1_2")), "skip_connect");
  EXPECT_EQ(std::get<std::string>(*configuration.find("edge_0_3")), "none");
  EXPECT_EQ(std::get<std::string>(*configuration.find("edge_1_3")), "nor_conv_3x3");
  EXPECT_EQ(std::get<std::string>(*configuration.find("edge_2_3")), "skip_connect");
  EXPECT_EQ(nas_bench_201_architecture(configuration), architecture);
}

TEST(NasBench201, TheShippedSpaceFillsToTheSameNetwork) {
  const SearchSpace space = SearchSpace::load(NETWRIGHT_SOURCE_DIR "/spaces/nas-bench-201.yaml");
  Random random(7);
  for (int i = 0; i < 20; ++i) {
    const Configuration configuration = space.sample(random);
    const std::string architecture = nas_bench_201_architecture(configuration);
    const Network ours = nas_bench_201_network(architecture, space.table());
    const Network filled = space.fill(configuration).network;
    EXPECT_EQ(nas_bench_201_configuration(architecture), configuration);
    for (const Equivalence level : {Equivalence::isomorphism, Equivalence::zeros, Equivalence::function}) {
      EXPECT_EQ(canonical_hash(ours, space.table(), level), canonical_hash(filled, space.table(), level));
    }
    EXPECT_EQ(network_cost(ours, space.table()), network_cost(filled, space.table()));
  }
}

TEST(NasBench201, MalformedStringsAreRefused) {
  const std::vector<std::string> malformed = {
      "",
      "|",
      "|none~0|",
      "|none~0|+|none~0|none~1|+|none~0|none~1|",
      "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|+|none~0|",
      "|none~1|+|none~0|none~1|+|none~0|none~1|none~2|",
      "none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
      "|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|",
  };
  for (const std::string& text : malformed) EXPECT_THROW(nas_bench_201_configuration(text), Error) << text;
  EXPECT_THROW(nas_bench_201_architecture(Configuration()), Error);
  try {
    nas_bench_201_configuration("|nor_conv_3x4~0|+|none~0|none~1|+|none~0|none~1|none~2|");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    EXPECT_EQ(error.remedy(), "did you mean 'nor_conv_3x3'?");
  }
}

}  // namespace
}  // namespace netwright

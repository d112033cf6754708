// Configurations as numbers, for strategies that learn a model of the objective.
//
// Columns come in groups, so that a model may weigh each group by itself: one group a choice (one-hot for a categorical
// one, a number in [0, 1] for the others, "not active" a column of its own), and three of the filled network where the
// choices change it: how often each operation is on the way from an input to the output, the paths from an input to the
// output as sequences of operations (the path encoding of White et al. 2021, "BANANAS"), and its size. Identities are
// passed through and zeros cut before paths are read, so networks that compute the same have the same columns.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "netwright/space/search_space.h"

namespace netwright {

class Encoding {
 public:
  using Entries = std::vector<std::pair<int, double>>;  // column and number; the other columns are 0
  struct Point {
    Entries entries;
    std::string network;  // equal text, equal training; empty until network_of() is asked
  };

  // `space` outlives the encoding.
  explicit Encoding(const SearchSpace& space);

  // Fills the space once for each configuration; what it found is kept. The reference holds until the next call. A
  // configuration that is no network has the columns of its choices alone.
  const Point& of(const Configuration& configuration);
  // The same for who knows its canonical text.
  const Point& of(const Configuration& configuration, const std::string& text);
  // What tells trainings apart: the network's canonical hash and its recipe, or the configuration where it is no
  // network.
  const std::string& network_of(const Configuration& configuration);

  std::size_t columns() const { return group_of_.size(); }  // grows as new paths are seen
  int group_of(std::size_t column) const { return group_of_[column]; }
  int groups() const { return static_cast<int>(space_.choices().size()) + 3; }
  int operations_group() const { return groups() - 3; }
  int paths_group() const { return groups() - 2; }
  int size_group() const { return groups() - 1; }

 private:
  Point& entry(const Configuration& configuration, const std::string& text);
  void encode_choices(const Configuration& configuration, Point& point) const;
  void encode_network(const Design& design, Point& point);
  void encode_graph(const Graph& graph, std::map<int, double>& counts);
  int column_of(const std::string& key, int group);

  const SearchSpace& space_;
  std::vector<int> first_column_;  // of each choice
  std::vector<int> group_of_;      // of each column
  std::unordered_map<std::string, int> column_of_;
  std::unordered_map<std::string, Point> points_;  // by canonical text
};

}  // namespace netwright

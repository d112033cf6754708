// Pictures of a search beside the plots of plot.h, in the same style: inline SVG with the classes of plot_style().
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netwright/base/statistics.h"
#include "netwright/report/plot.h"

namespace netwright {

// How often values fall where. Those beyond the axis (Axis::outliers) are counted in words at its edge. Groups stand
// above the bars, each value a mark in the group's own row.
struct Histogram {
  struct Group {
    std::string name;
    Role role = Role::retrained;
    Mark mark = Mark::diamond;
    std::vector<std::pair<double, std::string>> values = {};  // with tooltips
  };

  std::string title;
  Axis axis;
  std::string counted = "trials";
  std::vector<double> values;
  std::vector<Group> groups;
  int width = 560, height = 330;
};

std::string draw(const Histogram& histogram);

// The bars' borders: about as wide as Freedman and Diaconis (1981) advise, 5 to 40 of them, at round numbers. Empty
// without values.
std::vector<double> histogram_borders(const std::vector<double>& values);

// Parallel coordinates (Inselberg 1985) turned on their side: every axis a row with room for its words, every line runs
// down through the rows. Lines through the same option lie side by side, by their `order`, so that they can be told
// apart.
struct Parallel {
  struct Row {
    std::string name;
    std::vector<std::string> options = {};  // empty: numbers, on `axis`
    Axis axis = {};
    bool optional = false;  // lines may pass it by, on the right
  };
  struct Path {
    std::vector<std::optional<double>> places;  // for each row: the option's number, or the number itself
    double order = 0;                           // 0 worst … 1 best of all
    bool best = false;                          // stands out
    std::string title = {};                     // tooltip
  };

  std::string title;
  std::vector<Row> rows;
  std::vector<Path> paths;  // later ones are drawn over earlier ones
  int width = 1040;
};

std::string draw(const Parallel& parallel);

// Shares as bars, each with its interval.
struct Bars {
  struct Bar {
    std::string name;
    double value = 0;
    Interval interval = {};
    Role role = Role::best;
  };

  std::string title;
  Axis axis;  // from 0
  std::vector<Bar> bars;
  int width = 560;
};

std::string draw(const Bars& bars);

// Who did what when.
struct Timeline {
  struct Span {
    std::size_t lane = 0;
    double from = 0, to = 0;  // seconds
    Role role = Role::searched;
    std::string title = {};  // tooltip
  };

  std::string title;
  std::vector<std::string> lanes;                         // names, top to bottom
  std::vector<Span> spans;                                // later ones are drawn over earlier ones
  std::vector<std::pair<Role, std::string>> legend = {};  // of the roles that occur
  int width = 560;
};

std::string draw(const Timeline& timeline);

// An option of a decision, with the CSS class of its colour: "op0" … "op7", "skip" or "none".
struct OptionKind {
  std::string name;
  std::string kind;
};

// Small multiples (Tufte 1983): a small chart for each decision, in all of them the weights of its options over the
// same epochs on the same axes. Edges into one node (named NODE ← SOURCE) stand in a row.
struct Multiples {
  struct Panel {
    std::string name;
    std::vector<std::vector<double>> weights;  // by option: one an epoch
    int picked = -1;                           // the option in the decoded network; -1: none, the panel is faint
  };

  std::string title;
  std::vector<OptionKind> options;
  std::vector<double> epochs;
  std::vector<Panel> panels;
  std::vector<double> events = {};  // epochs to mark
  int width = 1040;
};

std::string draw(const Multiples& multiples);

// Which option each decision was decoded to, epoch by epoch: a row of coloured stretches for each. A decision that was
// not in the network leaves a gap.
struct Evolution {
  struct Row {
    std::string name;
    std::vector<int> picked;  // an option's number, or -1; one an epoch
  };

  std::string title;
  std::vector<OptionKind> options;
  std::vector<double> epochs;
  std::vector<Row> rows;
  std::vector<double> events = {};
  int width = 560;
};

std::string draw(const Evolution& evolution);

// Names and colours of the options that the two share; as wide as given.
std::string draw_legend(const std::vector<OptionKind>& options, int width);

// "n1" of the edge "n1 ← p0"; empty for other decisions.
std::string node_of(const std::string& decision);

}  // namespace netwright

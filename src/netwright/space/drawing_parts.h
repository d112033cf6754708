// What the parts of an architecture's picture share: words, colours, and the SVG elements they are drawn with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "netwright/space/drawing_layout.h"
#include "netwright/space/graph.h"
#include "netwright/space/operation_inference.h"

namespace netwright::drawing {

// A part of the picture with its top left corner at (0, 0).
struct Part {
  double width = 0, height = 0;
  std::string svg;
};

// Class names of the style sheet, one a family of operations: nw-conv, nw-sep, …
std::string family_of(const Node& node, const OperationTable& table);

// "nor_conv 3×3", "residual_block 3×3 /2", "cell".
std::string label_of(const Node& node);
// Parameters that the label does not tell, where they differ from the row's defaults, and the expansion of an inverted
// residual: "expansion 4, silu".
std::string details_of(const Node& node, const Operation* row);
// For a tooltip: name, operation with all parameters, shape, cost.
std::string tooltip_of(const Node& node, const Shape& shape, const Cost& cost);

std::string shape_text(const Shape& shape);             // "16×32×32"
std::string count_text(std::int64_t count);             // "1.23 M", "–" for 0
double text_width(std::string_view text, double size);  // rough, generous
// The words, cut short with an ellipsis where they would be wider.
std::string fitted(const std::string& words, double width, double size);

enum class Anchor { start, middle, end };

// Elements as text. Words are escaped here; `kind` is a class name.
std::string text_at(double x, double y, std::string_view words, const std::string& kind, Anchor anchor = Anchor::start);
std::string box(double x, double y, double width, double height, double radius, const std::string& kind);
std::string path(const std::string& data, const std::string& kind);
std::string moved(double x, double y, const std::string& svg);
std::string number(double value);  // at most one decimal

// The graph of a cell, without title.
Part draw_cell(const Graph& cell, const Inferred& inferred, const OperationTable& table);

// The network as a column of rows, runs of equal nodes as one.
Part draw_column(const Network& network, const Inferred& inferred, const OperationTable& table);

// Consecutive nodes of a graph that are copies: the same operation or cell with the same parameters, each with the one
// before as its last input. `plain`: each with that input alone, which nothing else uses.
struct Run {
  std::size_t first = 0, count = 1;
  std::string name;  // what the copies' names share
};
std::vector<Run> runs_of(const Graph& graph, bool plain);

std::string style_sheet();

}  // namespace netwright::drawing

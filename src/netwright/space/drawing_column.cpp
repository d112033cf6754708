#include <algorithm>

#include "netwright/base/text.h"
#include "netwright/space/drawing_parts.h"

namespace netwright::drawing {

namespace {

constexpr double row_height = 44, row_gap = 20, lane_step = 12, first_lane = 14;
constexpr double number_width = 78, shape_width = 92;

struct Row {
  std::string name, label, details, family, tooltip;
  std::size_t copies = 1;
  Shape shape;
  Cost cost;
  bool auxiliary = false;
};

// An edge that is not from a row to the next: drawn through a lane to the left of the boxes.
struct Detour {
  std::size_t from = 0, to = 0;
  int lane = 0;
};

std::string second_line(const Row& row) {
  return row.label + (row.details.empty() ? "" : " · " + row.details);
}

class Column {
 public:
  Column(const Network& network, const Inferred& inferred, const OperationTable& table)
      : graph_(network.graph), inferred_(inferred), table_(table) {
    Row input;
    input.name = "input";
    input.family = "nw-cell";
    input.shape = network.input;
    rows_.push_back(input);
    row_of_value_.push_back(0);
    for (const Run& run : runs_of(graph_, false)) add(run);
    mark_auxiliary();
    find_edges();
  }

  Part draw();

 private:
  void add(const Run& run);
  void mark_auxiliary();
  void find_edges();
  std::string draw_row(const Row& row, double left, double top, double width) const;
  std::string draw_detour(const Detour& detour, double left) const;
  static double top_of(std::size_t row) { return 30 + static_cast<double>(row) * (row_height + row_gap); }

  const Graph& graph_;
  const Inferred& inferred_;
  const OperationTable& table_;
  std::vector<Row> rows_;
  std::vector<std::size_t> row_of_value_;
  std::vector<bool> to_next_;  // whether a row feeds the one below it
  std::vector<Detour> detours_;
  int lanes_ = 0;
};

void Column::add(const Run& run) {
  const Node& node = graph_.nodes[run.first];
  Row row;
  row.name = run.name;
  row.copies = run.count;
  row.label = label_of(node);
  if (node.cell && node.cell->name != "cell") row.label += " cell";
  row.details = details_of(node, inferred_.steps[run.first].row);
  row.family = family_of(node, table_);
  row.shape = inferred_.shapes[graph_.inputs.size() + run.first + run.count - 1];
  for (std::size_t i = 0; i < run.count; ++i) {
    row.cost += inferred_.steps[run.first + i].cost;
    row_of_value_.push_back(rows_.size());
  }
  row.tooltip = tooltip_of(node, row.shape, row.cost);
  rows_.push_back(std::move(row));
}

void Column::mark_auxiliary() {
  if (graph_.auxiliary_output < 0) return;
  const std::size_t row = row_of_value_[static_cast<std::size_t>(graph_.auxiliary_output)];
  if (row == row_of_value_[static_cast<std::size_t>(graph_.output)]) return;
  rows_[row].auxiliary = true;
  rows_[row].details = "in training only";
}

void Column::find_edges() {
  to_next_.assign(rows_.size(), false);
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    const std::size_t to = row_of_value_[graph_.inputs.size() + i];
    for (const int input : graph_.nodes[i].inputs) {
      const std::size_t from = row_of_value_[static_cast<std::size_t>(input)];
      if (from == to) continue;
      if (from + 1 == to) {
        to_next_[from] = true;
        continue;
      }
      const bool known =
          std::any_of(detours_.begin(), detours_.end(), [&](const Detour& d) { return d.from == from && d.to == to; });
      if (!known) detours_.push_back({from, to, 0});
    }
  }
  // Short detours inside, each in the first lane that is free along its way.
  std::stable_sort(detours_.begin(), detours_.end(),
                   [](const Detour& a, const Detour& b) { return a.to - a.from < b.to - b.from; });
  for (std::size_t i = 0; i < detours_.size(); ++i) {
    const auto taken = [&](int lane) {
      return std::any_of(detours_.begin(), detours_.begin() + static_cast<std::ptrdiff_t>(i), [&](const Detour& d) {
        return d.lane == lane && d.from < detours_[i].to && detours_[i].from < d.to;
      });
    };
    while (taken(detours_[i].lane)) ++detours_[i].lane;
    lanes_ = std::max(lanes_, detours_[i].lane + 1);
  }
}

Part Column::draw() {
  constexpr double widest = 360;
  const double left = lanes_ > 0 ? first_lane + lanes_ * lane_step : 0;
  double width = 190;
  for (const Row& row : rows_) {
    const double badge = row.copies > 1 ? 44 : 0;
    width = std::max(width, std::max(text_width(row.name, 13.5), text_width(second_line(row), 11)) + badge + 34);
  }
  width = std::min(width, widest);
  const double shape_end = left + width + shape_width + 12, parameters_end = shape_end + number_width,
               macs_end = parameters_end + number_width;
  std::string svg = text_at(shape_end, 14, "output", "nw-muted", Anchor::end) +
                    text_at(parameters_end, 14, "parameters", "nw-muted", Anchor::end) +
                    text_at(macs_end, 14, "MACs", "nw-muted", Anchor::end);
  for (const Detour& detour : detours_) svg += draw_detour(detour, left);
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    const double top = top_of(i), middle = top + row_height / 2 + 4.5;
    svg += draw_row(row, left, top, width);
    const std::string kind = row.auxiliary ? "nw-muted" : "nw-figure";
    svg += text_at(shape_end, middle, shape_text(row.shape), kind, Anchor::end);
    if (i > 0) {
      svg += text_at(parameters_end, middle, count_text(row.cost.parameters), kind, Anchor::end);
      svg += text_at(macs_end, middle, count_text(row.cost.macs), kind, Anchor::end);
    }
    if (!to_next_[i]) continue;
    const double x = left + width / 2, next = top_of(i + 1);
    svg += path("M" + number(x) + " " + number(top + row_height) + "V" + number(next - 5), "nw-edge");
    svg += path("M" + number(x) + " " + number(next) + "l-3.5 -6.5h7z", "nw-tip");
  }
  const double bottom = top_of(rows_.size()) - row_gap + 14;
  svg += path("M" + number(left) + " " + number(bottom) + "H" + number(macs_end), "nw-rule");
  svg += text_at(left, bottom + 22, "total", "nw-muted");
  svg += text_at(parameters_end, bottom + 22, count_text(inferred_.cost.parameters), "nw-total", Anchor::end);
  svg += text_at(macs_end, bottom + 22, count_text(inferred_.cost.macs), "nw-total", Anchor::end);
  return {macs_end, bottom + 28, svg};
}

std::string Column::draw_row(const Row& row, double left, double top, double width) const {
  std::string svg = row.tooltip.empty() ? "" : row.tooltip + "\n";
  svg += box(left, top, width, row_height, 8, row.family);
  const double text_left = left + 14;
  const double room = width - 28 - (row.copies > 1 ? 44 : 0);
  const std::string name = fitted(row.name, room, 13.5);
  if (row.label.empty()) {
    svg += text_at(text_left, top + row_height / 2 + 4.5, name, "nw-name");
  } else {
    svg += text_at(text_left, top + 18.5, name, "nw-name");
    svg += text_at(text_left, top + 35, fitted(second_line(row), room, 11), "nw-muted");
  }
  if (row.copies > 1) {
    const std::string times = "×" + std::to_string(row.copies);
    const double size = text_width(times, 11) + 14, x = left + width - size - 10;
    svg += box(x, top + row_height / 2 - 9, size, 18, 9, "nw-badge");
    svg += text_at(x + size / 2, top + row_height / 2 + 4, times, "nw-times", Anchor::middle);
  }
  return std::string(row.auxiliary ? "<g class=\"nw-faded\">" : "<g>") + svg + "</g>\n";
}

// Out to the lane, down, and back in; several that leave or reach one row do so at different heights.
std::string Column::draw_detour(const Detour& detour, double left) const {
  const double x = left - first_lane - detour.lane * lane_step, radius = 6;
  const double offset = std::min(12.0 + 7 * detour.lane, row_height / 2);
  const double from = top_of(detour.from) + row_height - offset, to = top_of(detour.to) + offset;
  std::string svg =
      path("M" + number(left) + " " + number(from) + "H" + number(x + radius) + "Q" + number(x) + " " + number(from) +
               " " + number(x) + " " + number(from + radius) + "V" + number(to - radius) + "Q" + number(x) + " " +
               number(to) + " " + number(x + radius) + " " + number(to) + "H" + number(left - 5),
           "nw-edge");
  return svg + path("M" + number(left) + " " + number(to) + "l-6.5 -3.5v7z", "nw-tip");
}

}  // namespace

Part draw_column(const Network& network, const Inferred& inferred, const OperationTable& table) {
  return Column(network, inferred, table).draw();
}

}  // namespace netwright::drawing

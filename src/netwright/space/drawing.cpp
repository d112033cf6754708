#include "netwright/space/drawing.h"

#include <algorithm>

#include "netwright/base/text.h"
#include "netwright/space/drawing_parts.h"

namespace netwright {

namespace {

using drawing::Part;

constexpr double margin = 24, gutter = 36, panel_padding = 20, panel_gap = 20, panels_width = 860;

// Different cells that look the same are drawn once: instances of one template at several widths.
struct Panel {
  const Graph* cell = nullptr;
  const Inferred* inferred = nullptr;
  std::vector<std::string> users;  // "stage1 ×5"

  std::string user_text() const { return drawing::fitted(join(users, ", "), 360, 11); }
  Part part;
};

bool width_of(const std::string& parameter) {
  return parameter == "channels" || parameter == "features";
}

bool look_alike(const Graph& a, const Graph& b) {
  if (&a == &b) return true;
  const auto parameters_alike = [](const Parameters& x, const Parameters& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const auto& p, const auto& q) {
      return p.first == q.first && (width_of(p.first) || p.second == q.second);
    });
  };
  return a.name == b.name && a.inputs == b.inputs && a.output == b.output &&
         std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(), [&](const Node& x, const Node& y) {
           return x.operation == y.operation && x.inputs == y.inputs && parameters_alike(x.parameters, y.parameters) &&
                  (!x.cell) == (!y.cell) && (!x.cell || look_alike(*x.cell, *y.cell));
         });
}

void collect(const Graph& graph, const Inferred& inferred, std::vector<Panel>& panels) {
  for (const drawing::Run& run : drawing::runs_of(graph, false)) {
    const Graph* cell = graph.nodes[run.first].cell.get();
    if (!cell) continue;
    const auto found =
        std::find_if(panels.begin(), panels.end(), [&](const Panel& panel) { return look_alike(*panel.cell, *cell); });
    std::string user = run.name;
    if (run.count > 1) user += " ×" + std::to_string(run.count);
    if (found != panels.end()) {
      std::vector<std::string>& users = found->users;
      if (std::find(users.begin(), users.end(), user) == users.end()) users.push_back(user);
      continue;
    }
    Panel panel;
    panel.cell = cell;
    panel.inferred = inferred.steps[run.first].cell;
    panel.users = {user};
    panels.push_back(std::move(panel));
    collect(*cell, *inferred.steps[run.first].cell, panels);
  }
}

std::string draw_panel(const Panel& panel, double x, double y, double width, double height) {
  std::string svg = drawing::box(0, 0, width, height, 12, "nw-panel");
  svg += drawing::text_at(panel_padding, 29, panel.cell->name, "nw-name");
  svg += drawing::text_at(panel_padding + drawing::text_width(panel.cell->name, 14) + 12, 29, panel.user_text(),
                          "nw-muted");
  svg += drawing::moved((width - panel.part.width) / 2, 52, panel.part.svg);
  return drawing::moved(x, y, svg);
}

// Panels from left to right in rows.
Part draw_panels(std::vector<Panel>& panels) {
  Part all;
  double x = 0, y = 0, row_height = 0;
  for (Panel& panel : panels) {
    const double words = drawing::text_width(panel.cell->name, 14) + 12 + drawing::text_width(panel.user_text(), 11);
    const double width = std::max(panel.part.width, words) + 2 * panel_padding;
    const double height = panel.part.height + 52 + panel_padding;
    if (x > 0 && x + width > panels_width) {
      x = 0;
      y += row_height + panel_gap;
      row_height = 0;
    }
    all.svg += draw_panel(panel, x, y, width, height);
    all.width = std::max(all.width, x + width);
    row_height = std::max(row_height, height);
    x += width + panel_gap;
  }
  all.height = y + row_height;
  return all;
}

}  // namespace

std::string draw_svg(const Network& network, const OperationTable& table) {
  Inference inference(table);
  const Inferred& inferred = inference.infer(network.graph, {network.input});
  const Part column = drawing::draw_column(network, inferred, table);
  std::vector<Panel> panels;
  collect(network.graph, inferred, panels);
  for (Panel& panel : panels) panel.part = drawing::draw_cell(*panel.cell, *panel.inferred, table);
  const Part cells = draw_panels(panels);

  const double top = margin + 44;
  const double width = 2 * margin + column.width + (panels.empty() ? 0 : gutter + cells.width);
  const double height = top + std::max(column.height, cells.height) + margin;
  const std::string size = drawing::number(width) + " " + drawing::number(height);
  const std::string name = escape_xml(network.graph.name);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"nw\" width=\"" + drawing::number(width) +
                    "\" height=\"" + drawing::number(height) + "\" viewBox=\"0 0 " + size +
                    "\" role=\"img\" aria-label=\"Architecture of " + name + "\">\n";
  svg += drawing::style_sheet();
  svg += drawing::box(0, 0, width, height, 0, "nw-paper");
  svg += drawing::text_at(margin, margin + 15, network.graph.name, "nw-title");
  const std::string summary = drawing::shape_text(network.input) + " in, " + std::to_string(network.classes) +
                              " out · " + drawing::count_text(inferred.cost.parameters) + " parameters · " +
                              drawing::count_text(inferred.cost.macs) + " MACs";
  svg += drawing::text_at(margin + drawing::text_width(network.graph.name, 19) + 16, margin + 15, summary, "nw-muted");
  svg += drawing::moved(margin, top, column.svg);
  if (!panels.empty()) svg += drawing::moved(margin + column.width + gutter, top, cells.svg);
  return svg + "</svg>\n";
}

}  // namespace netwright

#include <algorithm>
#include <cmath>

#include "netwright/base/text.h"
#include "netwright/space/drawing_parts.h"

namespace netwright::drawing {

namespace {

constexpr double pill_height = 26, tall_pill_height = 40, circle = 20, text_size = 12;

// A graph reduced to what is worth drawing: zero edges and sums of one term are left out, a chain of equal operations
// is one vertex.
class Sketch {
 public:
  Sketch(const Graph& graph, const Inferred& inferred, const OperationTable& table)
      : graph_(graph), inferred_(inferred), table_(table) {
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) add_input(i);
    for (const Run& run : runs_of(graph, true)) add_run(run);
    add_output();
    mark_live();
  }

  Part draw() {
    const LayoutSize size = lay_out(vertices_, edges_);
    spread_ports();
    std::string svg;
    for (const LayoutEdge& edge : edges_) svg += draw_edge(edge);
    for (std::size_t v = 0; v < vertices_.size(); ++v) svg += draw_vertex(v);
    return {size.width, size.height, svg};
  }

 private:
  enum class Kind { end, operation, sum, zero };
  struct Looks {
    Kind kind = Kind::operation;
    std::string label, details, family, tooltip;
    std::size_t copies = 1;
    std::string beside;  // small text beside a circle
    bool live = false;
  };

  static std::size_t at(int index) { return static_cast<std::size_t>(index); }

  int add_vertex(Looks looks) {
    LayoutVertex vertex;
    if (looks.kind == Kind::sum || looks.kind == Kind::zero) {
      vertex.width =
          circle + 2 * (text_width(looks.beside, 11) + 4);  // as much on the other side: edges meet its middle
      vertex.height = circle;
    } else {
      const std::string badge = looks.copies > 1 ? " ×" + std::to_string(looks.copies) : "";
      vertex.width =
          std::ceil(std::max(text_width(looks.label + badge, text_size), text_width(looks.details, 11)) + 22);
      vertex.height = looks.details.empty() ? pill_height : tall_pill_height;
    }
    vertices_.push_back(vertex);
    looks_.push_back(std::move(looks));
    return static_cast<int>(vertices_.size()) - 1;
  }

  void connect(const std::vector<int>& sources, int target) {
    for (const int source : sources) edges_.push_back({source, target, {}});
  }

  void add_input(std::size_t i) {
    Looks looks;
    looks.kind = Kind::end;
    looks.label = graph_.inputs[i];
    looks.family = "nw-cell";
    looks.tooltip = "<title>input " + shape_text(inferred_.shapes[i]) + "</title>";
    shown_.push_back({add_vertex(std::move(looks))});
  }

  // Vertices that stand for the inputs of a node; values that are zero have none.
  std::vector<int> sources_of(const Node& node) const {
    std::vector<int> sources;
    for (const int input : node.inputs)
      sources.insert(sources.end(), shown_[at(input)].begin(), shown_[at(input)].end());
    return sources;
  }

  void add_run(const Run& run) {
    const Node& node = graph_.nodes[run.first];
    const std::size_t value = graph_.inputs.size() + run.first;
    const Operation* row = inferred_.steps[run.first].row;
    std::vector<int> shown;
    if (!row || !row->zero) {
      const std::string& base = table_.base_of(node.operation);
      const std::vector<int> sources = sources_of(node);
      const bool passes = row && (base == "add" ? sources.size() == 1 : base == "concat" && node.inputs.size() == 1);
      if (passes) {
        shown = sources;
      } else {
        Cost cost;
        for (std::size_t i = 0; i < run.count; ++i) cost += inferred_.steps[run.first + i].cost;
        shown = {add_vertex(looks_of(node, run, inferred_.shapes[value], cost, sources.empty()))};
        connect(sources, shown[0]);
      }
    }
    // Inner values of a run are used by the run alone: runs_of saw to it that each follows the one before.
    for (std::size_t i = 0; i < run.count; ++i) shown_.push_back(shown);
  }

  Looks looks_of(const Node& node, const Run& run, const Shape& shape, const Cost& cost, bool from_zero) const {
    Looks looks;
    const std::string& base = table_.base_of(node.operation);
    looks.kind = node.cell || base != "add" ? Kind::operation : from_zero ? Kind::zero : Kind::sum;
    looks.label = label_of(node);
    looks.details = details_of(node, inferred_.steps[run.first].row);
    looks.copies = run.count;
    looks.family = family_of(node, table_);
    looks.tooltip = tooltip_of(node, shape, cost);
    if (looks.kind == Kind::sum || looks.kind == Kind::zero) looks.beside = run.name;
    if (from_zero && looks.kind == Kind::operation) looks.label += " of 0";
    return looks;
  }

  void add_output() {
    Looks looks;
    looks.kind = Kind::end;
    looks.label = "output";
    looks.family = "nw-cell";
    looks.tooltip = "<title>output " + shape_text(inferred_.shapes[at(graph_.output)]) + "</title>";
    const std::vector<int> sources = shown_[at(graph_.output)];
    if (sources.empty()) looks.label = "output 0";
    const int vertex = add_vertex(std::move(looks));
    connect(sources, vertex);
    looks_[at(vertex)].live = true;
  }

  void mark_live() {
    for (std::size_t e = edges_.size(); e-- > 0;) {
      // Edges are in the order of their targets, so a target's use is known before its sources are looked at.
      if (looks_[at(edges_[e].to)].live) looks_[at(edges_[e].from)].live = true;
    }
  }

  // Edges into a wide vertex arrive side by side, in the order they come from.
  void spread_ports() {
    for (std::size_t v = 0; v < vertices_.size(); ++v) {
      if (looks_[v].kind != Kind::operation && looks_[v].kind != Kind::end) continue;
      std::vector<LayoutEdge*> arriving;
      for (LayoutEdge& edge : edges_) {
        if (at(edge.to) == v) arriving.push_back(&edge);
      }
      std::stable_sort(arriving.begin(), arriving.end(), [](const LayoutEdge* a, const LayoutEdge* b) {
        return a->points[a->points.size() - 2].x < b->points[b->points.size() - 2].x;
      });
      const double count = static_cast<double>(arriving.size());
      const double step = std::min(14.0, (vertices_[v].width - 24) / std::max(1.0, count - 1));
      for (std::size_t i = 0; i < arriving.size(); ++i) {
        arriving[i]->points.back().x += (static_cast<double>(i) - (count - 1) / 2) * step;
      }
    }
  }

  std::string draw_edge(const LayoutEdge& edge) const {
    const auto& points = edge.points;
    std::string data = "M" + number(points[0].x) + " " + number(points[0].y);
    for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
      const auto &from = points[i], &to = points[i + 1];
      const bool last = i + 2 >= points.size();
      const double end = last ? to.y - 5 : to.y;  // the tip's length
      const double middle = (from.y + end) / 2;
      if (std::fabs(from.x - to.x) < 0.05) {
        data += "V" + number(end);
      } else {
        data += "C" + number(from.x) + " " + number(middle) + " " + number(to.x) + " " + number(middle) + " " +
                number(to.x) + " " + number(end);
      }
      if (!last) data += "V" + number(points[i + 2].y);
    }
    const auto& tip = points.back();
    std::string svg = path(data, "nw-edge");
    svg += path("M" + number(tip.x) + " " + number(tip.y) + "l-3.5 -6.5h7z", "nw-tip");
    const bool live = looks_[at(edge.to)].live;
    return live ? svg : "<g class=\"nw-faded\">" + svg + "</g>\n";
  }

  std::string draw_vertex(std::size_t v) const {
    const LayoutVertex& vertex = vertices_[v];
    const Looks& looks = looks_[v];
    std::string svg = looks.tooltip + "\n";
    const double left = vertex.x - vertex.width / 2, top = vertex.y - vertex.height / 2;
    if (looks.kind == Kind::sum || looks.kind == Kind::zero) {
      svg += "<circle cx=\"" + number(vertex.x) + "\" cy=\"" + number(vertex.y) + "\" r=\"" + number(circle / 2) +
             "\" class=\"nw-wire\"/>\n";
      svg += text_at(vertex.x, vertex.y + 4.5, looks.kind == Kind::sum ? "+" : "0", "nw-wire", Anchor::middle);
      svg += text_at(vertex.x + circle / 2 + 4, vertex.y + 4, looks.beside, "nw-muted");
    } else {
      const double radius = looks.kind == Kind::end ? 5 : pill_height / 2;
      svg += box(left, top, vertex.width, vertex.height, radius, looks.family);
      const std::string badge = looks.copies > 1 ? " ×" + std::to_string(looks.copies) : "";
      const double line = looks.details.empty() ? vertex.y + 4.2 : vertex.y - 2.5;
      svg += text_at(vertex.x, line, looks.label + badge, looks.family, Anchor::middle);
      if (!looks.details.empty()) svg += text_at(vertex.x, vertex.y + 13, looks.details, "nw-muted", Anchor::middle);
    }
    return std::string(looks.live ? "<g>" : "<g class=\"nw-faded\">") + svg + "</g>\n";
  }

  const Graph& graph_;
  const Inferred& inferred_;
  const OperationTable& table_;
  std::vector<LayoutVertex> vertices_;
  std::vector<Looks> looks_;
  std::vector<LayoutEdge> edges_;
  std::vector<std::vector<int>> shown_;  // the vertices that stand for a value: none for zero, else one
};

}  // namespace

Part draw_cell(const Graph& cell, const Inferred& inferred, const OperationTable& table) {
  return Sketch(cell, inferred, table).draw();
}

}  // namespace netwright::drawing

#include "netwright/space/drawing_parts.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "netwright/base/text.h"

namespace netwright::drawing {

namespace {

// "nor_conv_3x3" -> "nor_conv" and "3×3"; false when the name has no such ending.
bool split_kernel(const std::string& name, std::string& stem, std::string& kernel) {
  const std::size_t bar = name.rfind('_'), x = name.rfind('x');
  if (bar == std::string::npos || x == std::string::npos || x < bar + 2 || x + 1 >= name.size()) return false;
  for (std::size_t i = bar + 1; i < name.size(); ++i) {
    if (i != x && (name[i] < '0' || name[i] > '9')) return false;
  }
  stem = name.substr(0, bar);
  kernel = name.substr(bar + 1, x - bar - 1) + "×" + name.substr(x + 1);
  return true;
}

const Value* find(const Parameters& parameters, const char* name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? nullptr : &found->second;
}

const char* anchor_name(Anchor anchor) {
  constexpr std::array<const char*, 3> names = {"start", "middle", "end"};
  return names[static_cast<std::size_t>(anchor)];
}

// Control characters are not allowed in XML, not even escaped.
std::string printable(std::string_view words) {
  std::string text(words);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  }
  return escape_xml(text);
}

}  // namespace

std::string family_of(const Node& node, const OperationTable& table) {
  static const std::map<std::string, const char*> families = {{"nor_conv", "conv"},
                                                              {"conv_bn", "conv"},
                                                              {"conv", "conv"},
                                                              {"align", "conv"},
                                                              {"factorized_reduce", "conv"},
                                                              {"sep_conv", "sep"},
                                                              {"dil_conv", "dil"},
                                                              {"residual_block", "block"},
                                                              {"inverted_residual", "block"},
                                                              {"squeeze_excite", "block"},
                                                              {"max_pool", "pool"},
                                                              {"avg_pool", "pool"},
                                                              {"global_pool", "pool"},
                                                              {"flatten", "pool"},
                                                              {"batch_norm", "norm"},
                                                              {"bn_relu", "norm"},
                                                              {"layer_norm", "norm"},
                                                              {"relu", "norm"},
                                                              {"activation", "norm"},
                                                              {"dropout", "norm"},
                                                              {"linear", "dense"},
                                                              {"dense", "dense"},
                                                              {"classifier", "dense"},
                                                              {"auxiliary_classifier", "dense"},
                                                              {"skip_connect", "wire"},
                                                              {"identity", "wire"},
                                                              {"add", "wire"},
                                                              {"concat", "wire"},
                                                              {"none", "wire"}};
  if (node.cell) return "nw-cell";
  const auto found = families.find(table.base_of(node.operation));
  return std::string("nw-") + (found == families.end() ? "other" : found->second);
}

std::string label_of(const Node& node) {
  if (node.cell) return node.cell->name;
  std::string stem, kernel, label = node.operation;
  if (split_kernel(node.operation, stem, kernel)) {
    label = stem + " " + kernel;
  } else if (const Value* value = find(node.parameters, "kernel")) {
    label += " " + to_string(*value) + "×" + to_string(*value);
  }
  const Value* stride = find(node.parameters, "stride");
  if (stride && *stride != Value(std::int64_t{1})) label += " /" + to_string(*stride);
  return label;
}

std::string details_of(const Node& node, const Operation* row) {
  std::vector<std::string> words;
  for (const auto& [name, value] : node.parameters) {
    if (name == "kernel" || name == "stride" || name == "channels" || name == "features") continue;
    if (!row) continue;
    const Value* usual = find(row->defaults, name.c_str());
    if (!usual || (*usual == value && name != "expansion")) continue;
    if (const auto* flag = std::get_if<bool>(&value)) {
      words.push_back(*flag ? name : "no " + name);
    } else if (std::holds_alternative<std::string>(value)) {
      words.push_back(std::get<std::string>(value));
    } else if (const auto* real = std::get_if<double>(&value)) {
      std::array<char, 32> digits{};
      std::snprintf(digits.data(), digits.size(), "%.3g", *real);
      words.push_back(name + " " + digits.data());
    } else {
      words.push_back(name + " " + to_string(value));
    }
  }
  return join(words, ", ");
}

std::string tooltip_of(const Node& node, const Shape& shape, const Cost& cost) {
  std::string text = node.name + ": " + (node.cell ? "cell " + node.cell->name : node.operation);
  for (const auto& [name, value] : node.parameters) text += "\n" + name + " " + to_string(value);
  text += "\noutput " + shape_text(shape) + "\nparameters " + count_text(cost.parameters) + ", MACs " +
          count_text(cost.macs);
  return "<title>" + printable(text) + "</title>";
}

std::string shape_text(const Shape& shape) {
  std::string text = std::to_string(shape.channels);
  if (shape.is_image()) text += "×" + std::to_string(shape.height) + "×" + std::to_string(shape.width);
  return text;
}

std::string count_text(std::int64_t count) {
  return count == 0 ? "–" : human_count(static_cast<double>(count));
}

double text_width(std::string_view text, double size) {
  double em = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;  // within a character of several bytes
    const bool narrow = c == 'i' || c == 'l' || c == 'j' || c == 't' || c == 'f' || c == 'r' || c == '.' || c == ',' ||
                        c == ' ' || c == '/' || c == '1';
    const bool wide = c == 'm' || c == 'w' || (c >= 'A' && c <= 'Z');
    em += narrow ? 0.36 : wide ? 0.8 : 0.6;
  }
  return em * size;
}

std::string fitted(const std::string& words, double width, double size) {
  if (text_width(words, size) <= width) return words;
  std::string kept = words;
  while (!kept.empty() && text_width(kept + "…", size) > width) {
    // A character of several bytes goes as a whole.
    while (!kept.empty() && (static_cast<unsigned char>(kept.back()) & 0xC0) == 0x80) kept.pop_back();
    if (!kept.empty()) kept.pop_back();
  }
  return kept + "…";
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", std::round(value * 10) / 10 + 0.0);
  std::string digits = text.data();
  if (digits.ends_with(".0")) digits.resize(digits.size() - 2);
  return digits == "-0" ? "0" : digits;
}

std::string text_at(double x, double y, std::string_view words, const std::string& kind, Anchor anchor) {
  std::string svg = "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\"";
  if (!kind.empty()) svg += " class=\"" + kind + "\"";
  if (anchor != Anchor::start) svg += std::string(" text-anchor=\"") + anchor_name(anchor) + "\"";
  return svg + ">" + printable(words) + "</text>\n";
}

std::string box(double x, double y, double width, double height, double radius, const std::string& kind) {
  return "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) + "\" height=\"" +
         number(height) + "\" rx=\"" + number(radius) + "\" class=\"" + kind + "\"/>\n";
}

std::string path(const std::string& data, const std::string& kind) {
  return "<path d=\"" + data + "\" class=\"" + kind + "\"/>\n";
}

std::string moved(double x, double y, const std::string& svg) {
  return "<g transform=\"translate(" + number(x) + " " + number(y) + ")\">\n" + svg + "</g>\n";
}

std::vector<Run> runs_of(const Graph& graph, bool plain) {
  std::vector<int> uses(graph.value_count(), 0);
  for (const Node& node : graph.nodes) {
    for (const int input : node.inputs) ++uses[static_cast<std::size_t>(input)];
  }
  ++uses[static_cast<std::size_t>(graph.output)];
  const auto follows = [&](const Node& node, const Node& first, std::size_t before) {
    if (node.operation == "add" || node.operation == "concat" || node.inputs.empty()) return false;
    if (node.inputs.back() != static_cast<int>(before)) return false;
    if (plain && (node.inputs.size() != 1 || uses[before] != 1)) return false;
    return node.operation == first.operation && node.cell == first.cell && node.parameters == first.parameters &&
           node.inputs.size() == first.inputs.size();
  };
  std::vector<Run> runs;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (i > 0 && follows(node, graph.nodes[runs.back().first], graph.inputs.size() + i - 1)) {
      ++runs.back().count;
    } else {
      runs.push_back({i, 1, node.name});
    }
  }
  for (Run& run : runs) {
    if (run.count == 1) continue;
    // "stage1.0" … "stage1.4" share "stage1".
    const std::string &first = run.name, &last = graph.nodes[run.first + run.count - 1].name;
    const std::size_t dot = first.rfind('.');
    const bool copies = dot != std::string::npos && last.compare(0, dot + 1, first, 0, dot + 1) == 0;
    run.name = copies ? first.substr(0, dot) : first + " … " + last;
  }
  return runs;
}

// One hue a family: its ink for outlines and text, its tint for surfaces.
std::string style_sheet() {
  return R"(<style>
.nw { --paper: #ffffff; --panel: #f6f7f9; --ink: #1c2530; --muted: #5a6672; --rule: #e1e5ea; --edge: #8794a1;
  --conv: #1f5fbf; --conv-t: #e6effb; --sep: #0b7a75; --sep-t: #e0f4f2; --dil: #3f7a1c; --dil-t: #eaf5e1;
  --block: #4b48b8; --block-t: #ebebfb; --pool: #9a5b00; --pool-t: #fdf0da; --norm: #86409b; --norm-t: #f6eafa;
  --dense: #b0305c; --dense-t: #fce8ee; --wire: #5a6672; --wire-t: #ffffff; --other: #5a6672; --other-t: #eef0f2;
  --cell: #5a6672; --cell-t: #f6f7f9;
  font-family: system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; }
@media screen and (prefers-color-scheme: dark) {
.nw { --paper: #171c23; --panel: #1d232c; --ink: #e8ecf1; --muted: #a3afbd; --rule: #2f3843; --edge: #7d8a99;
  --conv: #8fbcff; --conv-t: #1b3050; --sep: #6fd6cf; --sep-t: #123a39; --dil: #a5d982; --dil-t: #23381a;
  --block: #b5b3ff; --block-t: #2a2a55; --pool: #ffc46b; --pool-t: #40300f; --norm: #dca9ec; --norm-t: #3a2543;
  --dense: #ff9dbb; --dense-t: #47202f; --wire: #a3afbd; --wire-t: #1d232c; --other: #a3afbd; --other-t: #2a313b;
  --cell: #a3afbd; --cell-t: #1d232c; }
}
.nw text { font-size: 12px; fill: var(--ink); }
.nw .nw-title { font-size: 17px; font-weight: 600; }
.nw .nw-name { font-size: 13px; font-weight: 600; }
.nw .nw-muted { font-size: 11px; fill: var(--muted); }
.nw .nw-figure { font-variant-numeric: tabular-nums; }
.nw .nw-total { font-variant-numeric: tabular-nums; font-weight: 600; }
.nw .nw-paper { fill: var(--paper); } .nw .nw-panel { fill: var(--panel); }
.nw .nw-rule { stroke: var(--rule); fill: none; }
.nw .nw-edge { stroke: var(--edge); stroke-width: 1.3; fill: none; }
.nw .nw-tip { fill: var(--edge); stroke: none; }
.nw .nw-faded { opacity: 0.4; }
.nw .nw-times { font-size: 11px; font-weight: 600; fill: var(--paper); }
.nw .nw-badge { fill: var(--muted); }
)" + [] {
    std::string rules;
    for (const std::string name : {"conv", "sep", "dil", "block", "pool", "norm", "dense", "wire", "other", "cell"}) {
      rules += ".nw rect.nw-" + name + ", .nw circle.nw-" + name + " { fill: var(--" + name + "-t); stroke: var(--" +
               name + "); } .nw text.nw-" + name + " { fill: var(--" + name + "); }\n";
    }
    return rules;
  }() + "</style>\n";
}

}  // namespace netwright::drawing

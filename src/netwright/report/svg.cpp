#include "netwright/report/svg.h"

#include <cmath>

#include "netwright/base/text.h"
#include "netwright/report/format.h"
#include "netwright/report/table.h"

namespace netwright {
namespace {

std::string attribute(const char* name, double value) {
  return " " + std::string(name) + "=\"" + svg_number(value) + "\"";
}

std::string class_of(const std::string& kind) {
  std::string classes;
  for (const auto& word : split(kind, ' ')) classes += (classes.empty() ? "p-" : " p-") + word;
  return " class=\"" + classes + "\"";
}

}  // namespace

std::string svg_number(double value) {
  const double rounded = std::round(value * 10) / 10;
  return rounded == std::floor(rounded) ? fixed_text(rounded + 0.0, 0) : fixed_text(rounded, 1);
}

double text_width(std::string_view text, double size) {
  return 0.58 * size * display_width(text);
}

Svg::Svg(double width, double height, const std::string& name) {
  out_ = "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 " + svg_number(width) + " " + svg_number(height) + "\"" +
         attribute("width", width) + attribute("height", height) + ">\n<title>" + escape_xml(name) + "</title>\n";
}

void Svg::close(const char* element, const std::string& title) {
  if (title.empty()) {
    out_ += "/>\n";
  } else {
    out_ += "><title>" + escape_xml(title) + "</title></" + element + ">\n";
  }
}

void Svg::line(double x1, double y1, double x2, double y2, const std::string& kind) {
  out_ += "<line" + class_of(kind) + attribute("x1", x1) + attribute("y1", y1) + attribute("x2", x2) +
          attribute("y2", y2) + "/>\n";
}

void Svg::rect(double x, double y, double width, double height, const std::string& kind, const std::string& title,
               double opacity) {
  out_ += "<rect" + class_of(kind) + attribute("x", x) + attribute("y", y) + attribute("width", width) +
          attribute("height", height);
  if (opacity < 1) out_ += " fill-opacity=\"" + fixed_text(opacity, 3) + "\"";
  close("rect", title);
}

void Svg::text(double x, double y, const std::string& words, const std::string& kind, Anchor anchor, double rotation) {
  out_ += "<text" + class_of(kind) + attribute("x", x) + attribute("y", y);
  if (anchor != Anchor::start) out_ += anchor == Anchor::middle ? " text-anchor=\"middle\"" : " text-anchor=\"end\"";
  if (rotation != 0) {
    out_ += " transform=\"rotate(" + svg_number(rotation) + " " + svg_number(x) + " " + svg_number(y) + ")\"";
  }
  out_ += ">" + escape_xml(words) + "</text>\n";
}

void Svg::path(const std::string& data, const std::string& kind, const std::string& title) {
  out_ += "<path" + class_of(kind) + " d=\"" + data + "\"";
  close("path", title);
}

void Svg::circle(double x, double y, double radius, const std::string& kind, const std::string& title) {
  out_ += "<circle" + class_of(kind) + attribute("cx", x) + attribute("cy", y) + attribute("r", radius);
  close("circle", title);
}

void Svg::begin_window(double x, double y, double width, double height) {
  // A nested picture clips by itself and needs no id, which would have to be unique in the page.
  out_ += "<svg overflow=\"hidden\"" + attribute("x", x) + attribute("y", y) + attribute("width", width) +
          attribute("height", height) + " viewBox=\"" + svg_number(x) + " " + svg_number(y) + " " + svg_number(width) +
          " " + svg_number(height) + "\">\n";
}

void Svg::end_window() {
  out_ += "</svg>\n";
}

std::string Svg::finish() {
  return out_ + "</svg>\n";
}

}  // namespace netwright

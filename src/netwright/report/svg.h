// Writing SVG by hand: elements with numbers short enough to read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace netwright {

// At most one decimal: a tenth of a pixel is finer than any screen.
std::string svg_number(double value);

// A rough width in pixels of text at a font size, for layout; sans-serif, generous.
double text_width(std::string_view text, double size = 12);

enum class Anchor { start, middle, end };

class Svg {
 public:
  // Scales with its container; `name` is read out to those who do not see it.
  Svg(double width, double height, const std::string& name);

  // `kind` names a class of plot_style(), e.g. "grid" -> class="p-grid". Titles become tooltips; empty: none.
  void line(double x1, double y1, double x2, double y2, const std::string& kind);
  void rect(double x, double y, double width, double height, const std::string& kind, const std::string& title = {},
            double opacity = 1);
  void text(double x, double y, const std::string& words, const std::string& kind, Anchor anchor = Anchor::start,
            double rotation = 0);
  void path(const std::string& data, const std::string& kind, const std::string& title = {});
  void circle(double x, double y, double radius, const std::string& kind, const std::string& title = {});
  // What is drawn until end_window() is clipped to the rectangle; coordinates stay those of the picture.
  void begin_window(double x, double y, double width, double height);
  void end_window();

  std::string finish();

 private:
  void close(const char* element, const std::string& title);

  std::string out_;
};

}  // namespace netwright

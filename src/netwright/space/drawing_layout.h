// Layered layout of a small directed acyclic graph, top to bottom, after Sugiyama, Tagawa & Toda (1981): longest-path
// layers, dummy vertices where an edge passes a layer, barycentre ordering, then positions by alternating exact
// least-squares placement of each layer.
#pragma once

#include <vector>

namespace netwright {

struct LayoutVertex {
  double width = 0, height = 0;  // in
  double x = 0, y = 0;           // out: centre
};

struct LayoutEdge {
  int from = 0, to = 0;  // in; from < to in some topological order, so no cycles
  struct Point {
    double x = 0, y = 0;
  };
  // out: from the bottom of `from` to the top of `to`. Points come in pairs: the path runs straight down from the first
  // of each pair to the second, and in a curve with vertical ends between pairs. The first and last are single.
  std::vector<Point> points;
};

struct LayoutSpacing {
  double between = 18;  // vertices of a layer
  double layers = 34;
};

struct LayoutSize {
  double width = 0, height = 0;
};

// Places the vertices within (0, 0) to the returned size and routes the edges. Deterministic. Time is about
// edges × layers; meant for up to a few hundred vertices.
LayoutSize lay_out(std::vector<LayoutVertex>& vertices, std::vector<LayoutEdge>& edges,
                   const LayoutSpacing& spacing = {});

}  // namespace netwright

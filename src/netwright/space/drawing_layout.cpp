#include "netwright/space/drawing_layout.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace netwright {

namespace {

constexpr int ordering_sweeps = 24;
constexpr int placement_sweeps = 60;
// How much a straight long edge is worth against a short one.
constexpr double dummy_weight = 6;

// A vertex to be drawn, or the place where an edge passes a layer.
struct Place {
  double width = 0, height = 0;
  double x = 0;
  int layer = 0;
  bool dummy = false;
  std::vector<int> above, below;  // neighbours in the adjacent layers
};

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

class Layout {
 public:
  Layout(std::vector<LayoutVertex>& vertices, std::vector<LayoutEdge>& edges, const LayoutSpacing& spacing)
      : vertices_(vertices), edges_(edges), spacing_(spacing) {}

  LayoutSize run() {
    if (vertices_.empty()) return {};
    assign_layers();
    insert_dummies();
    order();
    place();
    return finish();
  }

 private:
  void assign_layers();
  void level_out();
  void insert_dummies();
  void order();
  void sweep(bool down);
  void transpose();
  long crossings(std::size_t upper) const;
  long crossings() const;
  long crossings_of_pair(int left, int right, bool above) const;
  void place();
  void place_layer(const std::vector<int>& layer, bool by_above, bool by_below);
  void straighten(const LayoutEdge& edge, const std::vector<int>& dummies);
  std::pair<double, double> room(int place) const;
  LayoutSize finish();
  void number_positions(const std::vector<int>& layer) {
    for (std::size_t i = 0; i < layer.size(); ++i) position_[at(layer[i])] = static_cast<int>(i);
  }
  double separation(int left, int right) const {
    const double gap = places_[at(left)].dummy && places_[at(right)].dummy ? spacing_.between / 2 : spacing_.between;
    return (places_[at(left)].width + places_[at(right)].width) / 2 + gap;
  }

  std::vector<LayoutVertex>& vertices_;
  std::vector<LayoutEdge>& edges_;
  LayoutSpacing spacing_;
  std::vector<Place> places_;              // vertices first, then dummies
  std::vector<std::vector<int>> layers_;   // places from left to right
  std::vector<int> position_;              // of a place in its layer
  std::vector<std::vector<int>> dummies_;  // of an edge, from above
};

void Layout::assign_layers() {
  for (const LayoutVertex& vertex : vertices_) {
    Place place;
    place.width = vertex.width;
    place.height = vertex.height;
    places_.push_back(place);
  }
  // Longest path from the sources; repeated until nothing moves, because edges come in any order.
  for (bool moved = true; moved;) {
    moved = false;
    for (const LayoutEdge& edge : edges_) {
      const int least = places_[at(edge.from)].layer + 1;
      if (places_[at(edge.to)].layer >= least) continue;
      places_[at(edge.to)].layer = least;
      moved = true;
    }
  }
  level_out();
}

// A vertex between one source and one target may stand anywhere between them: where its layer is narrowest, near the
// target when equal. Sources move down to their first target.
void Layout::level_out() {
  std::vector<double> width(vertices_.size() + 1, 0);
  for (const Place& place : places_) width[at(place.layer)] += place.width + spacing_.between;
  for (std::size_t v = vertices_.size(); v-- > 0;) {
    int sources = 0, targets = 0, highest = 0, lowest = static_cast<int>(vertices_.size());
    for (const LayoutEdge& edge : edges_) {
      if (at(edge.to) == v) {
        ++sources;
        highest = std::max(highest, places_[at(edge.from)].layer + 1);
      }
      if (at(edge.from) == v) {
        ++targets;
        lowest = std::min(lowest, places_[at(edge.to)].layer - 1);
      }
    }
    Place& place = places_[v];
    if (sources > 1 || targets != 1 || lowest <= place.layer) continue;
    width[at(place.layer)] -= place.width + spacing_.between;
    int best = lowest;
    for (int layer = lowest - 1; sources > 0 && layer >= highest; --layer) {
      if (width[at(layer)] < width[at(best)]) best = layer;
    }
    place.layer = best;
    width[at(best)] += place.width + spacing_.between;
  }
}

void Layout::insert_dummies() {
  dummies_.resize(edges_.size());
  for (std::size_t e = 0; e < edges_.size(); ++e) {
    int above = edges_[e].from;
    const int last = places_[at(edges_[e].to)].layer;
    for (int layer = places_[at(above)].layer + 1; layer <= last; ++layer) {
      int below = edges_[e].to;
      if (layer < last) {
        below = static_cast<int>(places_.size());
        Place dummy;
        dummy.dummy = true;
        dummy.layer = layer;
        places_.push_back(dummy);
        dummies_[e].push_back(below);
      }
      places_[at(above)].below.push_back(below);
      places_[at(below)].above.push_back(above);
      above = below;
    }
  }
  for (std::size_t p = 0; p < places_.size(); ++p) {
    if (layers_.size() <= at(places_[p].layer)) layers_.resize(at(places_[p].layer) + 1);
    layers_[at(places_[p].layer)].push_back(static_cast<int>(p));
  }
  position_.resize(places_.size());
  for (const std::vector<int>& layer : layers_) number_positions(layer);
}

// Crossings between a layer and the one below it.
long Layout::crossings(std::size_t upper) const {
  std::vector<std::pair<int, int>> lines;
  for (const int place : layers_[upper]) {
    for (const int below : places_[at(place)].below) lines.emplace_back(position_[at(place)], position_[at(below)]);
  }
  long count = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::size_t j = i + 1; j < lines.size(); ++j) {
      count += (lines[i].first - lines[j].first) * (lines[i].second - lines[j].second) < 0;
    }
  }
  return count;
}

long Layout::crossings() const {
  long count = 0;
  for (std::size_t layer = 0; layer + 1 < layers_.size(); ++layer) count += crossings(layer);
  return count;
}

void Layout::order() {
  std::vector<std::vector<int>> best = layers_;
  long fewest = crossings();
  for (int i = 0; i < ordering_sweeps && fewest > 0; ++i) {
    sweep(i % 2 == 0);
    transpose();
    const long count = crossings();
    if (count >= fewest) continue;
    fewest = count;
    best = layers_;
  }
  layers_ = best;
  for (const std::vector<int>& layer : layers_) number_positions(layer);
}

// Sorts each layer by the mean position of its neighbours in the layer before it.
void Layout::sweep(bool down) {
  for (std::size_t step = 1; step < layers_.size(); ++step) {
    std::vector<int>& layer = layers_[down ? step : layers_.size() - 1 - step];
    std::vector<std::pair<double, int>> keyed;
    for (const int place : layer) {
      const std::vector<int>& neighbours = down ? places_[at(place)].above : places_[at(place)].below;
      double sum = 0;
      for (const int neighbour : neighbours) sum += position_[at(neighbour)];
      const double own = position_[at(place)];
      keyed.emplace_back(neighbours.empty() ? own : sum / static_cast<double>(neighbours.size()), place);
    }
    std::stable_sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 0; i < layer.size(); ++i) layer[i] = keyed[i].second;
    number_positions(layer);
  }
}

long Layout::crossings_of_pair(int left, int right, bool above) const {
  const auto& a = above ? places_[at(left)].above : places_[at(left)].below;
  const auto& b = above ? places_[at(right)].above : places_[at(right)].below;
  long count = 0;
  for (const int i : a) {
    for (const int j : b) count += position_[at(i)] > position_[at(j)];
  }
  return count;
}

// Swaps neighbours while that saves crossings.
void Layout::transpose() {
  for (bool improved = true; improved;) {
    improved = false;
    for (std::vector<int>& layer : layers_) {
      for (std::size_t i = 0; i + 1 < layer.size(); ++i) {
        const int a = layer[i], b = layer[i + 1];
        const long now = crossings_of_pair(a, b, true) + crossings_of_pair(a, b, false);
        const long swapped = crossings_of_pair(b, a, true) + crossings_of_pair(b, a, false);
        if (swapped >= now) continue;
        std::swap(layer[i], layer[i + 1]);
        std::swap(position_[at(a)], position_[at(b)]);
        improved = true;
      }
    }
  }
}

void Layout::place() {
  for (const std::vector<int>& layer : layers_) {
    double x = 0;
    for (std::size_t i = 0; i < layer.size(); ++i) {
      if (i > 0) x += separation(layer[i - 1], layer[i]);
      places_[at(layer[i])].x = x;
    }
    for (const int place : layer) places_[at(place)].x -= x / 2;
  }
  for (int i = 0; i < placement_sweeps; ++i) {
    const bool last = i + 4 >= placement_sweeps;
    for (std::size_t step = 0; step < layers_.size(); ++step) {
      const bool down = i % 2 == 0;
      place_layer(layers_[down ? step : layers_.size() - 1 - step], down || last, !down || last);
    }
  }
  for (int i = 0; i < 3; ++i) {
    for (std::size_t e = 0; e < edges_.size(); ++e) straighten(edges_[e], dummies_[e]);
  }
}

// Moves the layer's places as near to the mean of their neighbours as their order and widths allow: the least-squares
// solution, by pooling adjacent violators.
void Layout::place_layer(const std::vector<int>& layer, bool by_above, bool by_below) {
  struct Block {
    double sum, weight;
    std::size_t end;
    double mean() const { return sum / weight; }
  };
  std::vector<double> offset(layer.size(), 0);
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < layer.size(); ++i) {
    if (i > 0) offset[i] = offset[i - 1] + separation(layer[i - 1], layer[i]);
    const Place& place = places_[at(layer[i])];
    double sum = 0, weight = 0;
    const auto pull = [&](const std::vector<int>& neighbours) {
      for (const int neighbour : neighbours) {
        const double strength = place.dummy && places_[at(neighbour)].dummy ? dummy_weight : 1;
        sum += strength * places_[at(neighbour)].x;
        weight += strength;
      }
    };
    if (by_above) pull(place.above);
    if (by_below) pull(place.below);
    const double wish = weight > 0 ? sum / weight : place.x;
    const double force = std::max(weight, 0.1);
    blocks.push_back({(wish - offset[i]) * force, force, i + 1});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].mean() > blocks.back().mean()) {
      const Block joined = blocks.back();
      blocks.pop_back();
      blocks.back() = {blocks.back().sum + joined.sum, blocks.back().weight + joined.weight, joined.end};
    }
  }
  std::size_t i = 0;
  for (const Block& block : blocks) {
    for (; i < block.end; ++i) places_[at(layer[i])].x = block.mean() + offset[i];
  }
}

// How far a place may move to the left and right between its neighbours.
std::pair<double, double> Layout::room(int place) const {
  const std::vector<int>& layer = layers_[at(places_[at(place)].layer)];
  const std::size_t position = at(position_[at(place)]);
  std::pair<double, double> room = {-1e9, 1e9};
  if (position > 0) room.first = places_[at(layer[position - 1])].x + separation(layer[position - 1], place);
  if (position + 1 < layer.size()) {
    room.second = places_[at(layer[position + 1])].x - separation(place, layer[position + 1]);
  }
  return room;
}

// Lets the edge run straight past as many layers as its neighbours allow, under its source or over its target if it
// can.
void Layout::straighten(const LayoutEdge& edge, const std::vector<int>& dummies) {
  for (std::size_t begin = 0; begin < dummies.size();) {
    std::pair<double, double> shared = room(dummies[begin]);
    double sum = places_[at(dummies[begin])].x;
    std::size_t end = begin + 1;
    for (; end < dummies.size(); ++end) {
      const auto [low, high] = room(dummies[end]);
      if (std::max(low, shared.first) > std::min(high, shared.second)) break;
      shared = {std::max(low, shared.first), std::min(high, shared.second)};
      sum += places_[at(dummies[end])].x;
    }
    double x = std::clamp(sum / static_cast<double>(end - begin), shared.first, std::max(shared.first, shared.second));
    const double over = places_[at(edge.to)].x, under = places_[at(edge.from)].x;
    const auto fits = [&](double wish) { return shared.first <= wish && wish <= shared.second; };
    if (end == dummies.size() && fits(over)) {
      x = over;
    } else if (begin == 0 && fits(under)) {
      x = under;
    }
    for (; begin < end; ++begin) places_[at(dummies[begin])].x = x;
  }
}

LayoutSize Layout::finish() {
  double left = 1e300, right = -1e300;
  for (const Place& place : places_) {
    left = std::min(left, place.x - place.width / 2);
    right = std::max(right, place.x + place.width / 2);
  }
  std::vector<double> top(layers_.size()), bottom(layers_.size());
  double y = 0;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    double height = 0;
    for (const int place : layers_[l]) height = std::max(height, places_[at(place)].height);
    top[l] = y;
    bottom[l] = y + height;
    y += height + spacing_.layers;
  }
  for (std::size_t v = 0; v < vertices_.size(); ++v) {
    const std::size_t layer = at(places_[v].layer);
    vertices_[v].x = places_[v].x - left;
    vertices_[v].y = (top[layer] + bottom[layer]) / 2;
  }
  for (std::size_t e = 0; e < edges_.size(); ++e) {
    const LayoutVertex &from = vertices_[at(edges_[e].from)], &to = vertices_[at(edges_[e].to)];
    std::vector<LayoutEdge::Point>& points = edges_[e].points;
    points = {{from.x, from.y + from.height / 2}};
    for (const int dummy : dummies_[e]) {
      const double x = places_[at(dummy)].x - left;
      points.push_back({x, top[at(places_[at(dummy)].layer)]});
      points.push_back({x, bottom[at(places_[at(dummy)].layer)]});
    }
    points.push_back({to.x, to.y - to.height / 2});
  }
  return {right - left, y - spacing_.layers};
}

}  // namespace

LayoutSize lay_out(std::vector<LayoutVertex>& vertices, std::vector<LayoutEdge>& edges, const LayoutSpacing& spacing) {
  return Layout(vertices, edges, spacing).run();
}

}  // namespace netwright

#include "netwright/oneshot/decoding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

const Value none = std::string("none");

std::vector<double> row_weights(const Decoding& decoding, int number) {
  const RelaxedRow& row = decoding.relaxation.rows[static_cast<std::size_t>(number)];
  const torch::Tensor weights = decoding.importance.weights[static_cast<std::size_t>(row.group)][row.index]
                                    .detach()
                                    .to(torch::kCPU, torch::kDouble)
                                    .contiguous();
  return {weights.data_ptr<double>(), weights.data_ptr<double>() + weights.numel()};
}

double edge_weight(const Decoding& decoding, std::size_t sum, int edge) {
  const auto& edges = decoding.importance.edges;
  return edges.empty() || !edges[sum].defined() ? 1.0 : edges[sum][edge].item<double>();
}

// The heaviest option, the first of equals; of an edge one other than none.
int heaviest(const RelaxedRow& row, const std::vector<double>& weights) {
  int best = -1;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!row.is_choice && row.options[i] == none && row.options.size() > 1) continue;
    if (best < 0 || weights[i] > weights[static_cast<std::size_t>(best)]) best = static_cast<int>(i);
  }
  return best;
}

// The `count` edges of the highest score, the earlier of equals; ascending.
std::vector<int> highest(const std::vector<double>& scores, std::size_t count) {
  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
  });
  order.resize(count);
  std::sort(order.begin(), order.end());
  return order;
}

// Every row's heaviest option; edges by `score(weights, best option, edge weight)`.
template <class Score>
Configuration by_weight(const Decoding& decoding, const Score& score) {
  const Relaxation& relaxation = decoding.relaxation;
  Picks picks;
  for (std::size_t row = 0; row < relaxation.rows.size(); ++row) {
    picks.options.push_back(heaviest(relaxation.rows[row], row_weights(decoding, static_cast<int>(row))));
  }
  for (std::size_t s = 0; s < relaxation.sums.size(); ++s) {
    const RelaxedSum& sum = relaxation.sums[s];
    std::vector<double> scores;
    for (std::size_t edge = 0; edge < sum.edges.size(); ++edge) {
      const double weight = edge_weight(decoding, s, static_cast<int>(edge));
      const int row = sum.rows[edge];
      scores.push_back(row < 0 ? weight
                               : score(relaxation.rows[static_cast<std::size_t>(row)], row_weights(decoding, row),
                                       picks.options[static_cast<std::size_t>(row)], weight));
    }
    picks.edges.push_back(highest(scores, relaxation.chosen_edges(s)));
  }
  return relaxation.configuration(decoding.space, picks);
}

Configuration top_edges(const Decoding& decoding) {
  return by_weight(decoding, [](const RelaxedRow&, const std::vector<double>& weights, int best, double edge) {
    return weights[static_cast<std::size_t>(best)] * edge;
  });
}

// Left out, an edge contributes the probability of none; so the gain of keeping it is the ratio.
Configuration best_path(const Decoding& decoding) {
  return by_weight(decoding, [](const RelaxedRow& row, const std::vector<double>& weights, int best, double edge) {
    const double kept = weights[static_cast<std::size_t>(best)] * edge;
    const auto found = std::find(row.options.begin(), row.options.end(), none);
    if (found == row.options.end()) return kept;
    const double left_out = weights[static_cast<std::size_t>(found - row.options.begin())];
    return kept / std::max(left_out, std::numeric_limits<double>::min());
  });
}

// ---- perturbation ----

// The learned mixture with some rows decided and some options or edges taken away.
class Perturbation {
 public:
  explicit Perturbation(const Decoding& decoding) : decoding_(decoding) {
    const Relaxation& relaxation = decoding.relaxation;
    picks_.options.assign(relaxation.rows.size(), -1);
    for (const RelaxedSum& sum : relaxation.sums) {
      std::vector<int> all(sum.edges.size());
      std::iota(all.begin(), all.end(), 0);
      picks_.edges.push_back(std::move(all));
    }
  }

  Configuration run() {
    std::vector<int> rows(picks_.options.size());
    std::iota(rows.begin(), rows.end(), 0);
    decoding_.random.shuffle(rows);
    for (const int row : rows) {
      picks_.options[static_cast<std::size_t>(row)] = most_missed_option(row);
      tune();
    }
    std::vector<std::size_t> sums(picks_.edges.size());
    std::iota(sums.begin(), sums.end(), std::size_t{0});
    decoding_.random.shuffle(sums);
    for (const std::size_t sum : sums) {
      picks_.edges[sum] = most_missed_edges(sum);
      tune();
    }
    return decoding_.relaxation.configuration(decoding_.space, picks_);
  }

 private:
  Mixture mixture() const {
    Mixture mixture;
    mixture.weights = decoding_.importance.weights;
    mixture.edges = decoding_.importance.edges;
    // What has been decided has the weight 1.
    for (torch::Tensor& weights : mixture.weights) weights = weights.detach().clone();
    for (std::size_t row = 0; row < picks_.options.size(); ++row) {
      if (picks_.options[row] < 0) continue;
      const RelaxedRow& at = decoding_.relaxation.rows[row];
      mixture.weights[static_cast<std::size_t>(at.group)][at.index].fill_(1);
    }
    mixture.only = picks_;
    return mixture;
  }

  void tune() const {
    if (decoding_.tune) decoding_.tune(mixture());
  }

  int most_missed_option(int number) const {
    const RelaxedRow& row = decoding_.relaxation.rows[static_cast<std::size_t>(number)];
    int best = -1;
    double lowest = 0;
    for (std::size_t option = 0; option < row.options.size(); ++option) {
      if (!row.is_choice && row.options[option] == none && row.options.size() > 1) continue;
      Mixture without = mixture();
      without.weights[static_cast<std::size_t>(row.group)][row.index][static_cast<std::int64_t>(option)] = 0;
      const double accuracy = decoding_.accuracy(without);
      if (best >= 0 && accuracy >= lowest) continue;
      best = static_cast<int>(option);
      lowest = accuracy;
    }
    return best;
  }

  std::vector<int> most_missed_edges(std::size_t sum) const {
    std::vector<double> scores;
    const std::size_t count = decoding_.relaxation.sums[sum].edges.size();
    for (std::size_t edge = 0; edge < count && count > decoding_.relaxation.chosen_edges(sum); ++edge) {
      Mixture without = mixture();
      std::erase(without.only->edges[sum], static_cast<int>(edge));
      scores.push_back(-decoding_.accuracy(without));
    }
    return scores.empty() ? picks_.edges[sum] : highest(scores, decoding_.relaxation.chosen_edges(sum));
  }

  const Decoding& decoding_;
  Picks picks_;  // -1: not decided
};

Configuration perturbation(const Decoding& decoding) {
  return Perturbation(decoding).run();
}

Configuration best_of_samples(const Decoding& decoding) {
  std::optional<Picks> best;
  double highest_accuracy = -std::numeric_limits<double>::infinity();
  for (int i = 0; i < std::max(decoding.samples, 1); ++i) {
    const Mixture drawn = decoding.draw();
    if (!drawn.only) {
      throw invalid({}, "best_of_samples needs a method that draws single networks",
                    "use decoding: top_edges, or the method enas or random_ws");
    }
    const double accuracy = decoding.accuracy(single(*drawn.only));
    if (best && accuracy <= highest_accuracy) continue;
    best = drawn.only;
    highest_accuracy = accuracy;
  }
  return decoding.relaxation.configuration(decoding.space, *best);
}

}  // namespace

std::vector<DecodingRule> decoding_rules() {
  return {
      {"top_edges", "the heaviest option of each choice; of chosen edges the heaviest, none left aside", top_edges},
      {"best_path", "the likeliest network, an edge that is left out counting as none", best_path},
      {"perturbation", "what the supernet misses most when it is taken away", perturbation},
      {"best_of_samples", "the most accurate of many drawn networks, with the shared weights", best_of_samples},
  };
}

Configuration decode(const std::string& rule, const Decoding& decoding) {
  std::vector<std::string> names;
  for (const DecodingRule& row : decoding_rules()) {
    if (row.name == rule) return row.decode(decoding);
    names.push_back(row.name);
  }
  throw invalid({}, "there is no decoding rule '" + rule + "'", suggest(rule, names));
}

}  // namespace netwright

// A made-up DARTS search of fifty epochs whose normal cell fills with skip connections.
#include <algorithm>
#include <cmath>

#include "netwright/base/random.h"
#include "netwright/trial/architecture_record.h"
#include "report/example_study.h"

namespace netwright {
namespace {

constexpr int nodes = 4;

const std::vector<std::string> operations{"none",         "max_pool_3x3", "avg_pool_3x3", "skip_connect",
                                          "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"};

struct Logits {
  std::string name;
  std::vector<double> now, drift;
};

std::vector<Logits> draw_edges(const std::string& cell, Random& random) {
  std::vector<Logits> edges;
  for (int node = 0; node < nodes; ++node) {
    for (int source = 0; source < node + 2; ++source) {
      const std::string from = source < 2 ? "p" + std::to_string(source) : "n" + std::to_string(source - 2);
      Logits& edge = edges.emplace_back(Logits{"n" + std::to_string(node) + " ← " + from, {}, {}});
      for (std::size_t i = 0; i < operations.size(); ++i) {
        edge.now.push_back(0.05 * random.normal());
        edge.drift.push_back(0.012 * random.normal() + (i == 0 ? 0.012 : 0.0) +
                             (operations[i] == "skip_connect" && cell == "normal" && source > 0 ? 0.022 : 0.0));
      }
    }
  }
  return edges;
}

ArchitectureRecord::Group record_of(const std::string& cell, const std::vector<Logits>& edges) {
  ArchitectureRecord::Group group{cell, operations, {}};
  for (const Logits& edge : edges) {
    ArchitectureRecord::Row row;
    row.name = edge.name;
    double sum = 0;
    for (const double value : edge.now) sum += std::exp(value);
    for (const double value : edge.now) row.weights.push_back(std::exp(value) / sum);
    group.rows.push_back(std::move(row));
  }
  // Of each node the two edges whose best operation other than none weighs most.
  std::size_t first = 0;
  for (std::size_t node = 0; node < nodes; ++node) {
    const auto best = [&](std::size_t row) {
      const auto& weights = group.rows[row].weights;
      return std::max_element(weights.begin() + 1, weights.end());
    };
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < node + 2; ++i) order.push_back(first + i);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return *best(a) > *best(b); });
    for (std::size_t i = 0; i < 2; ++i) {
      auto& row = group.rows[order[i]];
      row.picked = static_cast<int>(best(order[i]) - row.weights.begin());
    }
    first += node + 2;
  }
  return group;
}

int skips_of(const ArchitectureRecord::Group& group) {
  return static_cast<int>(std::count_if(group.rows.begin(), group.rows.end(), [](const auto& row) {
    return row.picked >= 0 && operations[static_cast<std::size_t>(row.picked)] == "skip_connect";
  }));
}

}  // namespace

ReportInput one_shot_study() {
  Random random(4);
  ReportInput input;
  input.study.name = "one-shot";
  input.study.state = "searching";
  input.study.elapsed = 6000;
  input.space = input.strategy = "darts";
  input.objectives = {Objective{}};
  Trial& trial = input.trials.emplace_back();
  trial.id = 1;
  trial.state = TrialState::running;
  trial.worker = 0;
  trial.target_fidelity = 50;
  auto normal = draw_edges("normal", random), reduction = draw_edges("reduction", random);
  ArchitectureRecord before;
  double changed_epochs = 0;
  bool told = false;
  for (int epoch = 1; epoch <= 50; ++epoch) {
    for (auto* edges : {&normal, &reduction}) {
      for (Logits& edge : *edges) {
        for (std::size_t i = 0; i < operations.size(); ++i) edge.now[i] += edge.drift[i] + 0.01 * random.normal();
      }
    }
    const ArchitectureRecord record{{record_of("normal", normal), record_of("reduction", reduction)}};
    Measurement& measurement = trial.measurements.emplace_back();
    measurement.fidelity = epoch;
    measurement.seconds = 120;
    auto& metrics = measurement.metrics;
    const double learnt = 1 - std::exp(-epoch / 12.0);
    metrics["supernet_accuracy"] = 0.1 + 0.78 * learnt + 0.004 * random.normal();
    metrics["accuracy"] = 0.1 + (epoch < 25 ? 0.7 : 0.7 - 0.012 * (epoch - 25)) * learnt + 0.01 * random.normal();
    metrics["accuracy_gap"] = metrics["supernet_accuracy"] - metrics["accuracy"];
    metrics["entropy"] = 2.08 - 0.006 * epoch;
    metrics["sparsity"] = 0.004 * epoch;
    metrics["eigenvalue"] = 0.08 + 0.3 / (1 + std::exp((28 - epoch) / 3.0)) + 0.02 * random.normal();
    const int skips = skips_of(record.groups[0]);
    metrics["skip_connections.normal"] = skips;
    metrics["skip_connections.reduction"] = skips_of(record.groups[1]);
    metrics["skip_connections"] = skips + metrics["skip_connections.reduction"];
    if (epoch > 1) {
      double changed = 0;
      for (std::size_t g = 0; g < 2; ++g) {
        for (std::size_t r = 0; r < record.groups[g].rows.size(); ++r) {
          changed += record.groups[g].rows[r].picked != before.groups[g].rows[r].picked ? 1 : 0;
        }
      }
      metrics["changed_choices"] = changed;
      changed_epochs += changed > 0 ? 1 : 0;
    }
    metrics["changed_epochs"] = changed_epochs;
    measurement.details["architecture"] = to_json(record);
    std::vector<CollapseSign> signs;
    if (epoch >= 10) {
      if (skips >= 2 && !told) {
        signs.push_back({"skip_connections",
                         "cell 'normal' has " + std::to_string(skips) + " skip connections (DARTS+ stops at 2)"});
        told = true;
      }
      if (epoch == 30) signs.push_back({"eigenvalue", "the dominant eigenvalue rose from 0.09 to 0.14"});
      metrics["collapse"] = (told ? 1 : 0) + (epoch >= 30 ? 1 : 0);
    }
    if (!signs.empty()) measurement.details["signs"] = to_json(signs);
    before = record;
    trial.fidelity = epoch;
  }
  return input;
}

}  // namespace netwright

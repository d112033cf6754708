// The section about a search in a supernet: how it fared, what its cell became, what it thought of each option.
#include <algorithm>
#include <cmath>
#include <set>

#include "netwright/base/statistics.h"
#include "netwright/base/text.h"
#include "netwright/report/architecture_history.h"
#include "netwright/report/figures.h"
#include "netwright/report/html.h"
#include "netwright/report/sections.h"

namespace netwright {
namespace {

constexpr std::size_t smoothed_over = 5;  // eigenvalues, as R-DARTS does

class SupernetSection {
 public:
  SupernetSection(const ReportInput& input, const ArchitectureHistory& history) : input_(input), history_(history) {
    for (const auto& sign : history.signs) {
      if (events_.empty() || events_.back() != sign.epoch) events_.push_back(sign.epoch);
    }
  }

  std::string html() const {
    return section("supernet", "The search in the supernet",
                   words() + element("div", health_figures(), "class=\"pair\"") + evolution() + weights());
  }

 private:
  // ---- words ----

  std::string words() const {
    const Trial& trial = *history_.trial;
    std::string text;
    if (!trial.message.empty() && trial.state == TrialState::complete) {
      text += element("p", escape_xml("The search ended by itself: " + trial.message + "."), "class=\"sign\"");
    } else {
      for (const auto& sign : history_.signs) {
        text += element(
            "p", escape_xml("A sign of collapse in epoch " + number_text(sign.epoch) + ": " + sign.what.text + "."),
            "class=\"sign\"");
      }
    }
    const std::vector<Point> judged = points("collapse");
    if (history_.signs.empty() && !judged.empty()) {
      text += element("p", escape_xml("No sign of collapse was seen in the epochs " + number_text(judged.front().x) +
                                      " to " + number_text(judged.back().x) + "."));
    }
    return text + element("p", escape_xml(changes_in_words()), "class=\"note\"");
  }

  std::string changes_in_words() const {
    const auto epochs = static_cast<std::int64_t>(history_.epochs.size());
    const auto changed = last_metric(*history_.trial, "changed_epochs");
    if (!changed || epochs < 2) return "One epoch has been measured.";
    std::string text = "The decoded network changed in " + number_text(*changed) + " of " + std::to_string(epochs - 1) +
                       (epochs == 2 ? " epoch" : " epochs") + " after the first";
    double last_change = 0;
    for (const Point& point : points("changed_choices")) {
      if (point.y > 0) last_change = point.x;
    }
    return text + (last_change > 0 ? ", the last time in epoch " + number_text(last_change) + "." : ".");
  }

  // ---- health ----

  std::vector<Point> points(const std::string& metric) const {
    std::vector<Point> found;
    for (const Measurement& measurement : history_.trial->measurements) {
      const auto value = measurement.metrics.find(metric);
      if (value == measurement.metrics.end()) continue;
      found.push_back({measurement.fidelity, value->second,
                       "epoch " + number_text(measurement.fidelity) + ": " + metric_title(metric) + " " +
                           format_metric(metric, value->second)});
    }
    return found;
  }

  static Series line(const std::string& name, Role role, std::vector<Point> points) {
    return {.name = name,
            .role = role,
            .mark = points.size() > 30 ? Mark::none : Mark::dot,
            .line = Line::straight,
            .title = name,
            .points = std::move(points)};
  }

  Plot plot(const std::string& title, Axis y) const {
    Plot plot;
    plot.title = title;
    plot.x = {.title = input_.fidelity_unit, .whole = true};
    plot.y = std::move(y);
    plot.height = 280;
    for (const auto& sign : history_.signs) {
      plot.events.push_back({sign.epoch, metric_title(sign.what.rule), sign.what.text});
    }
    return plot;
  }

  std::string health_figures() const {
    return accuracy_figure() + curvature_figure() + decided_figure() + skips_figure();
  }

  std::string accuracy_figure() const {
    Plot chart = plot("Accuracy of the supernet and of the decoded network",
                      {.title = "accuracy on the architecture's data", .quantity = Quantity::share});
    chart.series = {line("supernet, all options weighted", Role::searched, points("supernet_accuracy")),
                    line("decoded network in it", Role::best, points("accuracy"))};
    std::string note = "Where the lines part, the search believes in a mixture that its network cannot keep up with.";
    if (const auto gap = last_metric(*history_.trial, "accuracy_gap")) {
      note += " The gap is " + fixed_text(100 * *gap, 1) + " points now.";
    }
    return figure("Supernet against decoded network", draw(chart), note);
  }

  std::string curvature_figure() const {
    std::vector<Point> values = points("eigenvalue"), smooth;
    if (values.empty()) return {};
    std::vector<double> numbers;
    for (const Point& point : values) numbers.push_back(std::fabs(point.y));
    const std::vector<double> means = moving_mean(numbers, smoothed_over);
    for (std::size_t i = 0; i < values.size(); ++i) smooth.push_back({values[i].x, means[i], {}});
    Plot chart = plot("Dominant eigenvalue of the Hessian of the validation loss",
                      {.title = "dominant eigenvalue", .outliers = Outliers::edge_high});
    Series dots = line("each epoch", Role::searched, std::move(values));
    dots.line = Line::none;
    dots.mark = Mark::dot;
    Series mean_line = line("mean of five around", Role::best, std::move(smooth));
    mean_line.mark = Mark::none;
    chart.series = {std::move(dots), std::move(mean_line)};
    return figure("Curvature in the architecture", draw(chart),
                  "Of the validation loss. A steep rise foretells networks that do badly on their own (R-DARTS).");
  }

  std::string decided_figure() const {
    double most = 0, rows = 0;
    for (const auto& group : history_.records.front().groups) {
      const auto count = static_cast<double>(group.rows.size());
      most += count * std::log(static_cast<double>(std::max<std::size_t>(2, group.options.size())));
      rows += count;
    }
    std::vector<Point> entropy = points("entropy");
    for (Point& point : entropy) point.y /= rows > 0 ? most / rows : 1;
    Plot chart = plot("Entropy and sparsity of the architecture's weights",
                      {.title = "mean over decisions", .low = 0.0, .high = 1.0});
    chart.series = {line("entropy, as a share of the largest", Role::searched, std::move(entropy)),
                    line("sparsity", Role::front, points("sparsity"))};
    return figure("How decided the architecture is", draw(chart),
                  "Entropy 1: all options weigh the same. Sparsity 1: each decision has one option left.");
  }

  std::string skips_figure() const {
    Plot chart = plot("Skip connections and changes of the decoded network", {.title = "number", .whole = true});
    chart.y.low = 0.0;
    Series changed = line("choices changed since the epoch before", Role::faint, points("changed_choices"));
    chart.series.push_back(std::move(changed));
    const std::string prefix = "skip_connections.";
    std::set<std::string> cells;
    for (const Measurement& measurement : history_.trial->measurements) {
      for (const auto& [name, value] : measurement.metrics) {
        if (name.starts_with(prefix)) cells.insert(name.substr(prefix.size()));
      }
    }
    constexpr Role roles[] = {Role::best, Role::baseline, Role::front, Role::searched};
    std::size_t next = 0;
    for (const std::string& cell : cells) {
      Series skips = line("skip connections, " + cell, roles[next++ % 4], points(prefix + cell));
      skips.line = Line::steps;
      chart.series.push_back(std::move(skips));
    }
    return figure("Skip connections and changes", draw(chart),
                  "Of the decoded network. Cells that fill with skip connections are the usual way to collapse.");
  }

  // ---- architecture ----

  std::vector<OptionKind> kinds(const std::vector<std::string>& options) const {
    std::vector<OptionKind> found;
    for (const std::string& option : options) found.push_back({option, history_.kinds.at(option)});
    return found;
  }

  std::string legend() const {
    std::vector<OptionKind> options;
    std::set<std::string> known;
    for (const auto& group : history_.records.front().groups) {
      for (const std::string& option : group.options) {
        if (known.insert(option).second) options.push_back({option, history_.kinds.at(option)});
      }
    }
    return draw_legend(options, 1040);
  }

  // Without the cell's name, which stands above.
  static std::string name_of(const ArchitectureRecord::Group& group, std::size_t row) {
    const std::string& name = group.rows[row].name;
    return name.starts_with(group.name + ".") ? name.substr(group.name.size() + 1) : name;
  }

  std::string evolution() const {
    std::string figures;
    const auto& groups = history_.records.front().groups;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      Evolution chart{.title = "Evolution of " + groups[g].name,
                      .options = kinds(groups[g].options),
                      .epochs = history_.epochs,
                      .rows = {},
                      .events = events_};
      for (std::size_t r = 0; r < groups[g].rows.size(); ++r) {
        Evolution::Row row{name_of(groups[g], r), {}};
        for (const auto& record : history_.records) row.picked.push_back(record.groups[g].rows[r].picked);
        chart.rows.push_back(std::move(row));
      }
      figures += figure(groups[g].name, draw(chart));
    }
    return element("h3", "What each decision was decoded to") + legend() + element("div", figures, "class=\"pair\"") +
           element("p", "A gap: the edge was not in the network then. Dashed lines mark signs of collapse.",
                   "class=\"note\"");
  }

  std::string weights() const {
    std::string text = element("h3", "Weights of the options over epochs") + legend();
    const auto& groups = history_.records.front().groups;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      Multiples chart{.title = "Weights of the options in " + groups[g].name,
                      .options = kinds(groups[g].options),
                      .epochs = history_.epochs,
                      .panels = {},
                      .events = events_};
      for (std::size_t r = 0; r < groups[g].rows.size(); ++r) {
        Multiples::Panel panel;
        panel.name = name_of(groups[g], r);
        panel.picked = history_.records.back().groups[g].rows[r].picked;
        panel.weights.resize(groups[g].options.size());
        for (const auto& record : history_.records) {
          for (std::size_t o = 0; o < panel.weights.size(); ++o) {
            panel.weights[o].push_back(record.groups[g].rows[r].weights[o]);
          }
        }
        chart.panels.push_back(std::move(panel));
      }
      text += figure(groups[g].name, draw(chart),
                     g == 0 ? "Thick: the option of the decoded network. Faint: the edge is left out. The thin line "
                              "across: all options weigh the same."
                            : "");
    }
    return text;
  }

  const ReportInput& input_;
  const ArchitectureHistory& history_;
  std::vector<double> events_;
};

}  // namespace

std::string supernet_section(const ReportInput& input) {
  const ArchitectureHistory history = architecture_history(input);
  return history.empty() ? std::string() : SupernetSection(input, history).html();
}

}  // namespace netwright

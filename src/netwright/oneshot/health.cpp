#include "netwright/oneshot/health.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "netwright/base/random.h"
#include "netwright/nn/units.h"

namespace netwright {
namespace {

torch::Tensor in_double(const torch::Tensor& tensor) {
  return tensor.detach().to(torch::kCPU, torch::kDouble);
}

template <class OfRow>
double mean_over_rows(const Importance& importance, OfRow of_row) {
  double sum = 0;
  std::int64_t rows = 0;
  for (const torch::Tensor& weights : importance.weights) {
    sum += of_row(in_double(weights)).sum().template item<double>();
    rows += weights.size(0);
  }
  return rows == 0 ? 0 : sum / static_cast<double>(rows);
}

double scalar_product(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i].detach() * b[i].detach()).sum().item<double>();
  return sum;
}

void scale_down(std::vector<torch::Tensor>& v, double length) {
  for (torch::Tensor& part : v) part = part.detach() / length;
}

// "n1 ← p0", without the cell's name.
std::string edge_name(const RelaxedSum& sum, std::size_t edge) {
  const bool in_cell = sum.name.starts_with(sum.cell + ".");
  return (in_cell ? sum.name.substr(sum.cell.size() + 1) : sum.name) + " ← " + sum.edges[edge];
}

// Counts skip connections cell by cell. A cell that occurs with other parameters is one cell still.
class SkipCounter {
 public:
  SkipCounter(const Relaxation& relaxation, const OperationTable& table, const Picks& picks)
      : relaxation_(relaxation), table_(table), picks_(picks) {}

  std::vector<CellSkips> count() {
    std::vector<CellSkips> around;
    visit(relaxation_.network.graph, false, around);
    std::move(around.begin(), around.end(), std::back_inserter(cells_));
    return std::move(cells_);
  }

 private:
  void visit(const Graph& graph, bool is_cell, std::vector<CellSkips>& found) {
    // The network around the cells is no cell, so no rule about cells applies to it.
    CellSkips skips{graph.name.empty() ? "network" : graph.name, is_cell, 0};
    bool open = false;
    for (const Node& node : graph.nodes) {
      if (node.cell) visit_cell(*node.cell);
      if (node.operation != mixed_operation) continue;
      const auto number = integer_of(node.parameters, "number", 0);
      const MixedNode& mixed = relaxation_.mixed[static_cast<std::size_t>(number)];
      for (const RelaxedOption& option : mixed.options) {
        if (option.node.cell) visit_cell(*option.node.cell);
        if (integer_of(option.node.parameters, "stride", 1) > 1) skips.normal = false;
      }
      if (std::all_of(mixed.options.begin(), mixed.options.end(), [&](const auto& o) { return is_skip(o); })) continue;
      open = true;
      skips.count += has_skip(mixed) ? 1 : 0;
    }
    if (open) found.push_back(std::move(skips));
  }

  void visit_cell(const Graph& cell) {
    if (visited_.insert(cell.name).second) visit(cell, true, cells_);
  }

  bool is_skip(const RelaxedOption& option) const {
    const Operation* operation = option.node.cell ? nullptr : table_.find(option.node.operation);
    return operation != nullptr && operation->identity && integer_of(option.node.parameters, "stride", 1) == 1;
  }

  bool has_skip(const MixedNode& mixed) const {
    if (mixed.sum >= 0) {
      const std::vector<int>& edges = picks_.edges[static_cast<std::size_t>(mixed.sum)];
      if (std::find(edges.begin(), edges.end(), mixed.edge) == edges.end()) return false;
    }
    return std::any_of(mixed.options.begin(), mixed.options.end(), [&](const RelaxedOption& option) {
      return is_skip(option) && std::all_of(option.factors.begin(), option.factors.end(), [&](const Factor& factor) {
               return picks_.options[static_cast<std::size_t>(factor.row)] == factor.option;
             });
    });
  }

  const Relaxation& relaxation_;
  const OperationTable& table_;
  const Picks& picks_;
  std::vector<CellSkips> cells_;
  std::set<std::string> visited_;
};

}  // namespace

double mean_entropy(const Importance& importance) {
  return mean_over_rows(importance, [](const torch::Tensor& weights) {
    const torch::Tensor p = weights.clamp_min(1e-300);
    return -(p * p.log()).sum(1);
  });
}

double mean_sparsity(const Importance& importance) {
  return mean_over_rows(importance, [](const torch::Tensor& weights) {
    const double root = std::sqrt(static_cast<double>(weights.size(1)));
    if (weights.size(1) < 2) return torch::ones({weights.size(0)}, torch::kDouble);
    // Equal weights give 0 but for rounding.
    return ((root - weights.abs().sum(1) / weights.square().sum(1).sqrt()) / (root - 1)).clamp_min(0);
  });
}

std::vector<CellSkips> skip_connections(const Relaxation& relaxation, const OperationTable& table, const Picks& picks) {
  return SkipCounter(relaxation, table, picks).count();
}

int changed_choices(const Configuration& before, const Configuration& now) {
  return static_cast<int>(
      std::count_if(now.values().begin(), now.values().end(), [&](const Configuration::Entry& entry) {
        const Value* value = before.find(entry.first);
        return value == nullptr || *value != entry.second;
      }));
}

ArchitectureRecord architecture_record(const Relaxation& relaxation, const Importance& importance, const Picks& picks) {
  ArchitectureRecord record;
  for (std::size_t g = 0; g < relaxation.groups.size(); ++g) {
    const RowGroup& group = relaxation.groups[g];
    ArchitectureRecord::Group& told = record.groups.emplace_back();
    told.name = group.name;
    for (const Value& option : group.options) told.options.push_back(to_string(option));
    const torch::Tensor weights = in_double(importance.weights[g]).contiguous();
    for (const int number : group.rows) {
      const RelaxedRow& row = relaxation.rows[static_cast<std::size_t>(number)];
      ArchitectureRecord::Row& line = told.rows.emplace_back();
      line.name = row.name;
      const double* first = weights.data_ptr<double>() + row.index * weights.size(1);
      line.weights.assign(first, first + weights.size(1));
      line.picked = picks.options[static_cast<std::size_t>(number)];
      if (row.sum < 0) continue;
      const auto sum = static_cast<std::size_t>(row.sum);
      const std::vector<int>& edges = picks.edges[sum];
      if (std::find(edges.begin(), edges.end(), row.edge) == edges.end()) line.picked = -1;
      line.name = edge_name(relaxation.sums[sum], static_cast<std::size_t>(row.edge));
      if (sum < importance.edges.size() && importance.edges[sum].defined()) {
        line.edge = importance.edges[sum][row.edge].item<double>();
      }
    }
  }
  return record;
}

namespace {

using Tensors = std::vector<torch::Tensor>;

// Of `loss` at the present values of `of` plus step * v.
Tensors gradient_beside(const std::function<torch::Tensor()>& loss, const Tensors& of, const Tensors& v, double step) {
  Tensors kept;
  for (std::size_t i = 0; i < of.size(); ++i) {
    kept.push_back(of[i].detach().clone());
    of[i].data().add_(v[i], step);
  }
  const torch::Tensor value = loss();
  Tensors gradient(of.size());
  if (value.requires_grad()) gradient = torch::autograd::grad({value}, of, {}, false, false, /*allow_unused=*/true);
  for (std::size_t i = 0; i < of.size(); ++i) {
    of[i].data().copy_(kept[i]);
    if (!gradient[i].defined()) gradient[i] = torch::zeros_like(v[i]);
  }
  return gradient;
}

Tensors difference(const Tensors& a, const Tensors& b, double divisor) {
  Tensors found;
  for (std::size_t i = 0; i < a.size(); ++i) found.push_back((a[i] - b[i]) / divisor);
  return found;
}

bool agree(const Tensors& a, const Tensors& b) {
  constexpr double alike = 1e-3;
  const Tensors apart = difference(a, b, 1);
  return scalar_product(apart, apart) <= alike * alike * std::max(scalar_product(a, a), scalar_product(b, b));
}

// The Hessian times `v`, of length 1; `here` is the gradient. Where a ReLU switches between two points, its jump
// divided by the step drowns the curvature. So a difference counts only where another agrees with it, of the other side
// or of another step: jumps agree with nothing, as they grow when the step shrinks. Steps shrink tenfold, each ten
// times as likely to be free of jumps and ten times as coarse, down to where rounding shows. None when no two agree: so
// many ReLUs that some switch on both sides of every step.
std::optional<Tensors> hessian_product(const std::function<torch::Tensor()>& loss, const Tensors& of,
                                       const Tensors& here, const Tensors& v) {
  constexpr double first_step = 1e-8, last_step = 2e-11;
  std::vector<Tensors> found;
  for (double step = first_step; step > last_step; step /= 10) {
    const Tensors above = gradient_beside(loss, of, v, step), below = gradient_beside(loss, of, v, -step);
    Tensors ahead = difference(above, here, step), behind = difference(here, below, step);
    if (agree(ahead, behind)) return difference(above, below, 2 * step);
    for (const Tensors& earlier : found) {
      if (agree(earlier, ahead) || agree(earlier, behind)) return earlier;
    }
    found.push_back(std::move(ahead));
    found.push_back(std::move(behind));
  }
  return std::nullopt;
}

}  // namespace

double dominant_eigenvalue(const std::function<torch::Tensor()>& loss, const std::vector<torch::Tensor>& of,
                           int iterations, std::vector<torch::Tensor>& v, double settled) {
  const Tensors here = gradient_beside(loss, of, v, 0);
  double eigenvalue = 0;
  for (int i = 0; i < iterations; ++i) {
    scale_down(v, std::sqrt(scalar_product(v, v)));
    std::optional<Tensors> found = hessian_product(loss, of, here, v);
    if (!found) return i > 0 ? eigenvalue : std::numeric_limits<double>::quiet_NaN();
    Tensors& product = *found;
    const double before = eigenvalue, length = std::sqrt(scalar_product(product, product));
    eigenvalue = scalar_product(product, v);
    if (!(length > 0) || !std::isfinite(length)) break;  // `v` stays: the next start must not be zero
    scale_down(product, length);
    v = std::move(product);
    if (i > 0 && std::fabs(eigenvalue - before) < settled * std::fabs(eigenvalue)) break;
  }
  return eigenvalue;
}

InDouble::InDouble(std::vector<torch::Tensor> tensors) : tensors_(std::move(tensors)) {
  for (torch::Tensor& tensor : tensors_) {
    kept_.push_back(tensor.data());
    if (tensor.is_floating_point()) tensor.set_data(kept_.back().to(torch::kDouble));
  }
}

InDouble::~InDouble() {
  for (std::size_t i = 0; i < tensors_.size(); ++i) tensors_[i].set_data(kept_[i]);
}

HealthWatch::HealthWatch(const SearchSpace& space, const Relaxation& relaxation, const Method& method,
                         const CollapseOptions& options, std::uint64_t seed)
    : space_(space), relaxation_(relaxation), method_(method), options_(options), seed_(seed) {}

// Until the warm-up is over the architecture stands still.
std::int64_t HealthWatch::first_judged() const {
  return options_.from_epoch + static_cast<std::int64_t>(std::ceil(method_.settings().warmup_epochs));
}

bool HealthWatch::wants_eigenvalue(std::int64_t epoch) const {
  return options_.is_on() && options_.ratio > 0 && method_.relaxed() && epoch % options_.every == 0 &&
         static_cast<double>(epoch) > method_.settings().warmup_epochs;
}

const EpochHealth& HealthWatch::observe(std::int64_t epoch, const Importance& importance,
                                        const Configuration& configuration,
                                        const std::function<std::function<torch::Tensor()>()>& make_loss) {
  EpochHealth health;
  health.epoch = epoch;
  health.entropy = mean_entropy(importance);
  health.sparsity = mean_sparsity(importance);
  health.skips = skip_connections(relaxation_, space_.table(), relaxation_.picks(configuration));
  health.changed_epochs = history_.empty() ? 0 : history_.back().changed_epochs;
  if (last_) {
    health.changed_choices = changed_choices(*last_, configuration);
    if (*health.changed_choices > 0) ++health.changed_epochs;
  }
  last_ = configuration;
  if (wants_eigenvalue(epoch)) {
    const std::vector<torch::Tensor>& of = method_.relaxed()->parameters;
    if (vector_.empty()) {
      at::Generator generator = compat::cpu_generator(derive_seed(seed_, "eigenvalue"));
      for (const torch::Tensor& tensor : of) {
        vector_.push_back(torch::empty(tensor.sizes(), torch::kDouble).normal_(0, 1, generator).to(tensor.device()));
      }
    }
    const InDouble exact(of);
    const RestingStatistics resting;
    const double found = dominant_eigenvalue(make_loss(), of, static_cast<int>(options_.iterations), vector_);
    if (std::isfinite(found)) health.eigenvalue = found;
  }
  history_.push_back(std::move(health));
  if (options_.stops() && method_.relaxed()) {
    Importance& kept = importances_.emplace_back();
    for (const torch::Tensor& tensor : importance.weights) kept.weights.push_back(in_double(tensor).clone());
    for (const torch::Tensor& tensor : importance.edges) kept.edges.push_back(in_double(tensor).clone());
  }
  judge();
  return history_.back();
}

bool HealthWatch::judged() const {
  return options_.is_on() && method_.relaxed() && !history_.empty() && history_.back().epoch >= first_judged();
}

void HealthWatch::judge() {
  new_signs_.clear();
  if (!judged()) return;
  for (const CollapseRule& rule : collapse_rules()) {
    if (std::find(seen_.begin(), seen_.end(), rule.name) != seen_.end()) continue;
    auto found = rule.judge(history_, options_, first_judged());
    if (!found) continue;
    seen_.push_back(rule.name);
    if (options_.stops()) back_to_ = back_to_ == 0 ? found->back_to : std::min(back_to_, found->back_to);
    new_signs_.push_back({rule.name, std::move(found->text)});
  }
}

Importance HealthWatch::importance_before() const {
  const auto at = static_cast<std::size_t>(back_to_ - history_.front().epoch);
  return importances_.at(at);
}

Json HealthWatch::progress() const {
  Json history = Json::array();
  for (const EpochHealth& health : history_) history.push_back(to_json(health));
  Json json = {
      {"history", std::move(history)}, {"seen", seen_}, {"new_signs", to_json(new_signs_)}, {"back_to", back_to_}};
  if (last_) json["last"] = to_json(*last_);
  return json;
}

NamedTensors HealthWatch::state() const {
  NamedTensors state;
  for (std::size_t i = 0; i < vector_.size(); ++i) state.emplace_back("vector." + std::to_string(i), vector_[i]);
  if (importances_.empty()) return state;
  const auto stacked = [&](std::vector<torch::Tensor> Importance::*part, const std::string& name) {
    for (std::size_t i = 0; i < (importances_.front().*part).size(); ++i) {
      std::vector<torch::Tensor> epochs;
      for (const Importance& importance : importances_) epochs.push_back((importance.*part)[i]);
      state.emplace_back(name + std::to_string(i), torch::stack(epochs));
    }
  };
  stacked(&Importance::weights, "weights.");
  stacked(&Importance::edges, "edges.");
  return state;
}

void HealthWatch::restore(const Json& progress, const NamedTensors& state) {
  history_.clear();
  vector_.clear();
  importances_.clear();
  seen_.clear();
  new_signs_.clear();
  last_.reset();
  back_to_ = 0;
  if (progress.is_null()) return;
  for (const Json& health : progress.at("history")) history_.push_back(epoch_health_from_json(health));
  seen_ = progress.at("seen").get<std::vector<std::string>>();
  new_signs_ = collapse_signs_from_json(progress.at("new_signs"));
  back_to_ = progress.at("back_to").get<std::int64_t>();
  if (progress.contains("last")) last_ = configuration_from_json(progress.at("last"));
  const auto numbered = [&](const std::string& name) {
    std::vector<torch::Tensor> found;
    while (const torch::Tensor* tensor = find_tensor(state, name + std::to_string(found.size()))) {
      found.push_back(tensor->clone());
    }
    return found;
  };
  if (method_.relaxed()) {
    for (const torch::Tensor& tensor : numbered("vector.")) {
      vector_.push_back(
          tensor.to(method_.relaxed()->parameters.front().options().dtype(torch::kDouble).requires_grad(false)));
    }
  }
  const std::vector<torch::Tensor> weights = numbered("weights."), edges = numbered("edges.");
  const std::int64_t epochs = weights.empty() ? 0 : weights.front().size(0);
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    Importance& importance = importances_.emplace_back();
    for (const torch::Tensor& tensor : weights) importance.weights.push_back(tensor[epoch].clone());
    for (const torch::Tensor& tensor : edges) importance.edges.push_back(tensor[epoch].clone());
  }
}

}  // namespace netwright

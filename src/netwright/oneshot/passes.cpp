#include "netwright/oneshot/passes.h"

#include <algorithm>
#include <map>
#include <set>

namespace netwright {
namespace {

// Operations without weights whose result depends on their input alone.
bool is_function(const OperationTable& table, const SupernetUnit& unit) {
  static const std::set<std::string> functions = {"max_pool", "avg_pool", "relu", "activation"};
  return unit.layer && functions.count(table.base_of(unit.node.operation)) > 0;
}

void share(const OperationTable& table, std::vector<SupernetStep>& steps, std::vector<int>& shared_slots) {
  struct Known {
    const SupernetUnit* unit;
    std::int64_t partial;
  };
  std::vector<Known> known;
  for (SupernetStep& step : steps) {
    if (step.kind != SupernetStep::Kind::mixed) continue;
    for (SupernetUnit& unit : step.units) {
      if (!is_function(table, unit)) continue;
      const auto same = std::find_if(known.begin(), known.end(), [&](const Known& other) {
        return other.partial == step.partial && other.unit->inputs == unit.inputs &&
               other.unit->node.operation == unit.node.operation && other.unit->node.parameters == unit.node.parameters;
      });
      unit.shared = static_cast<int>(same - known.begin());
      if (same != known.end()) continue;
      known.push_back({&unit, step.partial});
      shared_slots.push_back(unit.inputs.front());
    }
  }
}

SupernetUnit passed_on(int slot) {
  SupernetUnit unit;
  unit.inputs = {slot};
  return unit;
}

class SumPass {
 public:
  SumPass(const OperationTable& table, std::vector<SupernetStep>& steps) : table_(table), steps_(steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      for (const SupernetUnit& unit : steps[i].units) readers_of(unit, i);
      if (steps[i].kind == SupernetStep::Kind::mixed && steps[i].partial == 1) mixed_[steps[i].output] = i;
    }
  }

  void run() {
    for (SupernetStep& step : steps_) {
      if (step.kind == SupernetStep::Kind::layer && is_sum(step)) gather(step);
    }
    std::vector<SupernetStep> kept;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (moved_.count(i) > 0) continue;
      if (steps_[i].kind == SupernetStep::Kind::mixed && steps_[i].partial == 1) {
        kept.push_back(alone(std::move(steps_[i])));
      } else {
        kept.push_back(std::move(steps_[i]));
      }
    }
    steps_ = std::move(kept);
  }

 private:
  void readers_of(const SupernetUnit& unit, std::size_t step) {
    for (const int input : unit.inputs) readers_[input].insert(step);
  }

  bool is_sum(const SupernetStep& step) const {
    return table_.base_of(step.units.front().node.operation) == "add" && !step.units.front().zero;
  }

  // A mixed step's number, if nobody but one step reads it.
  const std::size_t* only_for_one(int slot) const {
    const auto mixed = mixed_.find(slot);
    return mixed != mixed_.end() && readers_.at(slot).size() == 1 ? &mixed->second : nullptr;
  }

  void gather(SupernetStep& step) {
    const std::vector<int> inputs = step.units.front().inputs;
    std::set<int> once(inputs.begin(), inputs.end());
    if (once.size() != inputs.size()) return;  // the same value twice
    if (std::none_of(inputs.begin(), inputs.end(), [&](int input) { return only_for_one(input); })) return;
    for (const int input : inputs) {
      if (const std::size_t* number = only_for_one(input)) {
        step.edges.push_back(std::move(steps_[*number]));
        moved_.insert(*number);
      } else {
        SupernetStep edge;
        edge.kind = SupernetStep::Kind::mixed;
        edge.units = {passed_on(input)};
        edge.shape = step.shape;
        step.edges.push_back(std::move(edge));
      }
    }
    step.kind = SupernetStep::Kind::sum;
    step.units.clear();
  }

  static SupernetStep alone(SupernetStep edge) {
    SupernetStep step;
    step.kind = SupernetStep::Kind::sum;
    step.path = edge.path;
    step.output = edge.output;
    step.shape = edge.shape;
    step.cell = edge.cell;
    step.edges.push_back(std::move(edge));
    return step;
  }

  const OperationTable& table_;
  std::vector<SupernetStep>& steps_;
  std::map<int, std::set<std::size_t>> readers_;  // of a slot
  std::map<int, std::size_t> mixed_;              // by the slot they write
  std::set<std::size_t> moved_;
};

}  // namespace

namespace {

template <class Visit>
void for_units(const SupernetStep& step, Visit visit) {
  std::for_each(step.units.begin(), step.units.end(), visit);
  for (const SupernetStep& edge : step.edges) std::for_each(edge.units.begin(), edge.units.end(), visit);
}

SupernetSegment make_segment(const std::vector<SupernetStep>& steps, std::size_t begin, std::size_t end) {
  SupernetSegment segment;
  segment.begin = begin;
  segment.end = end;
  std::set<int> written, read, released;
  std::set<const void*> known;
  for (std::size_t i = begin; i < end; ++i) {
    for_units(steps[i], [&](const SupernetUnit& unit) {
      for (const int input : unit.inputs) {
        if (written.count(input) == 0 && read.insert(input).second) segment.inputs.push_back(input);
      }
      if (!unit.layer) return;
      // A module that stands above another in the tree has its parameters too.
      for (const torch::Tensor& parameter : unit.layer->parameters()) {
        if (known.insert(parameter.unsafeGetTensorImpl()).second) segment.parameters.push_back(parameter);
      }
    });
    written.insert(steps[i].output);
    released.insert(steps[i].last_read.begin(), steps[i].last_read.end());
  }
  for (const int slot : written) {
    if (released.count(slot) == 0) segment.outputs.push_back(slot);
  }
  return segment;
}

}  // namespace

std::vector<SupernetSegment> cells_of(const std::vector<SupernetStep>& steps) {
  std::vector<SupernetSegment> segments;
  for (std::size_t begin = 0; begin < steps.size();) {
    std::size_t end = begin + 1;
    while (end < steps.size() && steps[end].cell == steps[begin].cell) ++end;
    if (steps[begin].cell >= 0) segments.push_back(make_segment(steps, begin, end));
    begin = end;
  }
  return segments;
}

void apply_passes(const SupernetPasses& passes, const OperationTable& table, std::vector<SupernetStep>& steps,
                  std::vector<int>& shared_slots) {
  if (passes.share) share(table, steps, shared_slots);
  if (passes.sums) SumPass(table, steps).run();
}

}  // namespace netwright

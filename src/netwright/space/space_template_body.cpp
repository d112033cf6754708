// Reading of lists of elements: names first, then each element, then an order in which sources come first.
#include <algorithm>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/space/space_template_reader.h"
#include "netwright/space/space_template_syntax.h"

namespace netwright {
namespace {

// A path along which each element feeds the next and that ends where it began; empty when there is none.
std::vector<std::size_t> find_cycle(const std::vector<std::vector<std::size_t>>& sources) {
  enum class Mark { fresh, open, done };
  std::vector<Mark> marks(sources.size(), Mark::fresh);
  std::vector<std::size_t> path;
  std::vector<std::size_t> cycle;
  const auto visit = [&](const auto& self, std::size_t at) -> void {
    marks[at] = Mark::open;
    path.push_back(at);
    for (const std::size_t source : sources[at]) {
      if (!cycle.empty()) return;
      if (marks[source] == Mark::open) {
        cycle.assign(std::find(path.begin(), path.end(), source), path.end());
        std::reverse(cycle.begin(), cycle.end());
        cycle.push_back(cycle.front());
      } else if (marks[source] == Mark::fresh) {
        self(self, source);
      }
    }
    path.pop_back();
    marks[at] = Mark::done;
  };
  for (std::size_t i = 0; i < sources.size() && cycle.empty(); ++i) {
    if (marks[i] == Mark::fresh) visit(visit, i);
  }
  return cycle;
}

void refuse_cycle(const std::vector<Element>& elements, const std::vector<std::vector<std::size_t>>& sources) {
  auto cycle = find_cycle(sources);
  if (cycle.empty()) return;
  cycle.pop_back();  // begin with the element written first
  std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
  cycle.push_back(cycle.front());
  std::vector<std::string> names;
  for (const std::size_t at : cycle) names.push_back(elements[at].name);
  throw invalid(elements[cycle.front()].where, "a cycle: " + join(names, " → "),
                "let one of them take its input from elsewhere");
}

// An order in which sources come first, as close to the written one as can be.
void sort_elements(std::vector<Element>& elements, const std::vector<std::vector<std::size_t>>& sources) {
  std::vector<Element> sorted;
  std::vector<bool> placed(elements.size(), false);
  while (sorted.size() < elements.size()) {
    for (std::size_t i = 0; i < elements.size(); ++i) {
      if (placed[i]) continue;
      if (!std::all_of(sources[i].begin(), sources[i].end(), [&](std::size_t at) { return placed[at]; })) continue;
      placed[i] = true;
      sorted.push_back(std::move(elements[i]));
      break;
    }
  }
  elements = std::move(sorted);
}

// In a chain each link but the first takes from the one before, unless it says otherwise; so a source further on is a
// cycle, or at least out of order.
void check_chain(const std::vector<Element>& elements, const std::vector<const Yaml*>& nodes,
                 const std::vector<std::vector<std::size_t>>& sources) {
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto later = std::find_if(sources[i].begin(), sources[i].end(), [&](std::size_t at) { return at >= i; });
    if (later == sources[i].end()) continue;
    auto linked = sources;
    for (std::size_t j = 1; j < elements.size(); ++j) {
      if (nodes[j]->find("from") == nullptr) linked[j].push_back(j - 1);
    }
    refuse_cycle(elements, linked);
    throw invalid(elements[i].where,
                  "'" + elements[i].name + "' takes its input from '" + elements[*later].name +
                      "', which comes later in the chain",
                  "write '" + elements[*later].name + "' first");
  }
}

}  // namespace

// A cell's nodes may be written in any order, so names come before anything refers to them.
std::vector<Element> TemplateReader::name_elements(const std::vector<const Yaml*>& nodes, bool last_is_output,
                                                   Scope& scope) {
  std::vector<Element> elements(nodes.size());
  std::map<std::string, Source> names;
  const auto& inputs = scope.graph->inputs;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Element& element = elements[i];
    kind_of(*nodes[i]);
    element.name = last_is_output && i + 1 == nodes.size() ? "output" : name_of(*nodes[i], names);
    element.where = nodes[i]->where;
    element.slot = scope.graph->slots++;
    element.aside = !scope.aside.empty() && element.name == scope.aside;
    const Yaml* given = nodes[i]->find("name");
    const Location& where = given != nullptr ? given->where : element.where;
    check_name(element.name, where);
    const bool fresh = names.emplace(element.name, Source{Source::Kind::element, element.slot}).second;
    if (!fresh || std::find(inputs.begin(), inputs.end(), element.name) != inputs.end()) {
      throw invalid(where, "the name '" + element.name + "' is taken", "give each element a name of its own");
    }
  }
  scope.names.push_back(std::move(names));
  return elements;
}

// Reads element number `at` and returns the slots that it takes from.
std::vector<int> TemplateReader::read_member(const Yaml& node, std::vector<Element>& elements, std::size_t at,
                                             const Scope& scope) {
  std::vector<int> references;
  bool takes_previous = false;
  Scope inner = scope;
  inner.references = &references;
  inner.takes_previous = &takes_previous;
  const bool after_another = !scope.chain && at > 0;
  if (after_another) inner.previous = Source{Source::Kind::element, elements[at - 1].slot};
  read_element(node, elements[at], inner);
  if (takes_previous && after_another) references.push_back(elements[at - 1].slot);
  if (takes_previous && at == 0 && scope.takes_previous != nullptr) *scope.takes_previous = true;
  if (scope.references != nullptr) {
    scope.references->insert(scope.references->end(), references.begin(), references.end());
  }
  return references;
}

std::vector<Element> TemplateReader::read_body(const Yaml& list, const std::string& what, Scope scope,
                                               const Yaml* output, Edge* result_edge) {
  if (!list.is_sequence() || list.items.empty()) {
    throw invalid(list.where, "'" + what + "' must be a list of at least one element",
                  "write - {op: relu}, for example");
  }
  std::vector<const Yaml*> nodes;
  for (const auto& item : list.items) nodes.push_back(&item);
  const bool made_output = output != nullptr && output->is_mapping() && !is_hole(*output);
  if (made_output) nodes.push_back(output);
  std::vector<Element> elements = name_elements(nodes, made_output, scope);

  std::vector<std::vector<std::size_t>> sources(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const std::vector<int> references = read_member(*nodes[i], elements, i, scope);
    for (std::size_t j = 0; j < elements.size(); ++j) {
      const bool taken = std::find(references.begin(), references.end(), elements[j].slot) != references.end();
      if (taken) sources[i].push_back(j);
    }
  }
  const bool named_output = output != nullptr && !made_output;
  *result_edge = named_output ? read_edge(*output, scope.path + "output", scope)
                              : Edge{{{Source::Kind::element, elements.back().slot}}, {}, -1, elements.back().where};
  if (scope.chain) {
    check_chain(elements, nodes, sources);
  } else {
    refuse_cycle(elements, sources);
    sort_elements(elements, sources);
  }
  return elements;
}

}  // namespace netwright

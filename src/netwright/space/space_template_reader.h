// Reads a space file into a SpaceTemplate and the list of its choices. Internal to SearchSpace.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "netwright/base/yaml.h"
#include "netwright/space/space_template.h"

namespace netwright {

class TemplateReader {
 public:
  TemplateReader(const Yaml& space, const Yaml& recipe, std::optional<Shape> input, std::optional<std::int64_t> classes,
                 const OperationTable& table);

  // Throws an invalid Error at the place of the mistake. To be called once.
  void read();

  std::string name;
  SpaceTemplate result;
  std::vector<Choice> choices;

 private:
  // Where an element stands: which names it may take input from, what it takes by default.
  struct Scope {
    std::vector<std::map<std::string, Source>> names;  // innermost last
    std::string aside;                                 // the name of the auxiliary classifier; empty: none
    bool chain = false;                                // within the network, where "the element before" counts
    std::optional<Source> previous;                    // what an element without a `from` takes
    bool* takes_previous = nullptr;                    // set when one does
    const CellTemplate* cell = nullptr;
    GraphTemplate* graph = nullptr;
    std::vector<int>* references = nullptr;  // slots that the element being read takes from
    std::string path;                        // for names of choices; ends in '.' unless empty
  };

  // space_template_reader.cpp: the sections of the file
  void read_shape(const Yaml* input, const Yaml* classes);
  void read_constants(const Yaml* node);
  void read_operations(const Yaml* node);
  void find_unused(const Yaml& named);
  void read_choices(const Yaml* node);
  void read_cells(const Yaml* node);
  void read_cell(const std::string& cell_name);
  void read_cell_head(MappingReader& reader, CellTemplate& cell, Scope& scope);
  void read_network(const Yaml& node, const Yaml* auxiliary);
  void read_recipe_level(const Yaml& node, std::vector<std::string>& path, Yaml& plain);

  // space_template_choices.cpp
  Binding bind(const std::string& word, const Location& where, const CellTemplate* cell);
  Expression read_value(const Yaml& node, const std::string& path, const CellTemplate* cell);
  Yaml without_expressions(const Yaml& node, const std::string& choice_name);
  int add_choice(const std::string& choice_name, const Yaml& node);
  int add_choice(Choice choice);
  void check_conditions(Choice& choice) const;
  int index_of(const std::string& choice_name) const;  // -1: none
  static void check_name(const std::string& word, const Location& where);

  // space_template_body.cpp
  // `output` (may be null) is a cell's; `result_edge` becomes what the body ends in.
  std::vector<Element> read_body(const Yaml& list, const std::string& what, Scope scope, const Yaml* output,
                                 Edge* result_edge);
  std::vector<Element> name_elements(const std::vector<const Yaml*>& nodes, bool last_is_output, Scope& scope);
  std::vector<int> read_member(const Yaml& node, std::vector<Element>& elements, std::size_t at, const Scope& scope);

  // space_template_elements.cpp
  void read_element(const Yaml& node, Element& element, const Scope& scope);
  void read_copies(const Yaml& node, Element& element, const Scope& scope);
  std::vector<std::pair<Value, std::int64_t>> counts_of(const Element& element) const;
  Form read_form(const Yaml& node, const Element& element, const std::string& path, const Scope& scope);
  void read_group(const Yaml& node, const YamlEntry& kind, const Element& element, const std::string& path,
                  const Scope& scope, Form& form);
  void read_members(const Yaml& list, const std::string& path, const Scope& scope, Form& form);
  void read_operation(const Yaml& node, const Yaml& target, const std::string& path, const Scope& scope, Form& form);
  void read_cell_use(const Yaml& node, const Yaml& target, const std::string& path, const Scope& scope, Form& form);
  const CellTemplate& cell_for(const Value& cell_name, const Yaml& node, const Location& where, const Form& form);
  Argument read_argument(const std::string& key, const Location& where, const Yaml& value, const Expression& operation,
                         const std::string& path, const Scope& scope);
  std::vector<Value> possible_values(const Expression& expression) const;  // none: not known before filling
  std::vector<const Operation*> possible_operations(const Expression& target) const;

  // space_template_edges.cpp
  void read_chosen_sum(const Yaml& node, const std::string& path, const Scope& scope, ChosenSum& chosen);
  void read_candidates(const Yaml& of, const std::string& path, const Scope& scope, ChosenSum& chosen);
  Pick read_pick(const Yaml& node, const std::string& path, const std::string& number, const Scope& scope,
                 const std::vector<std::string>& names);
  void read_from(const Yaml& node, const std::string& path, const Scope& scope, Form& form);
  Edge read_edge(const Yaml& node, const std::string& path, const Scope& scope);
  Source find_source(const Value& value, const Location& where, const Scope& scope) const;

  const Yaml& space_;
  const Yaml& given_recipe_;
  std::optional<Shape> given_input_;
  std::optional<std::int64_t> given_classes_;

  Yaml recipe_;  // the space's with the experiment's over it
  std::map<std::string, Value> constants_;
  std::map<std::string, const Yaml*> cell_nodes_;
  std::vector<std::string> cells_being_read_;
  std::set<std::string> used_cells_;
  std::map<std::string, int> choice_indices_;
  std::set<std::string> ignored_choices_;
  std::vector<Condition> conditions_;  // of every inline choice at this place
};

}  // namespace netwright

// A graph and a recipe with choices in them. The YAML language is described in docs/search-space.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netwright/base/random.h"
#include "netwright/base/yaml.h"
#include "netwright/space/choice.h"
#include "netwright/space/configuration.h"
#include "netwright/space/graph.h"
#include "netwright/space/operation.h"
#include "netwright/space/recipe.h"

namespace netwright {

// What a filled space is: a network and how to train it.
struct Design {
  Network network;
  Recipe recipe;
  Cost cost;  // of the network; 0 where the space has none
};

class SearchSpace {
 public:
  // `space` is a parsed space file (docs/search-space.md), `recipe` the experiment's recipe mapping, which may hold
  // choices too (null Yaml: defaults). `input` and `classes` come from the data; when absent, the file's own `input:`
  // and `classes:` are used. Throws an invalid Error with the place of the mistake: unknown key or operation, cycle,
  // channel mismatch, empty space, …
  static SearchSpace parse(const Yaml& space, const Yaml& recipe, std::optional<Shape> input,
                           std::optional<std::int64_t> classes,
                           const OperationTable& table = OperationTable::standard());
  // Same, from a file, with no recipe.
  static SearchSpace load(const std::string& path, const OperationTable& table = OperationTable::standard());

  const std::string& name() const { return name_; }
  const std::vector<Choice>& choices() const { return *choices_; }  // parents before the choices that depend on them
  const Choice* find(const std::string& choice) const;
  const OperationTable& table() const;

  // log10 of the number of configurations (conditions respected); infinity with a real choice.
  double log10_size() const;
  // The exact number where it fits 64 bits and no choice is real.
  std::optional<std::uint64_t> size() const;

  // Whether the choice is active given the values of its parents in `configuration`.
  bool is_active(const Choice& choice, const Configuration& configuration) const;
  // Throws an invalid Error that names the choice when a value is missing, superfluous or outside its domain.
  void validate(const Configuration& configuration) const;
  Configuration sample(Random& random) const;
  // Changes exactly one active choice to a different value (choices that become active are sampled, inactive ones
  // dropped). Precondition: some active choice has more than one value.
  Configuration mutate(const Configuration& parent, Random& random) const;

  // Fills the holes. Precondition: validate(configuration) passes. Throws an invalid Error where the filled graph is no
  // network, e.g. channels that do not fit.
  Design fill(const Configuration& configuration) const;

  // The same graph with every hole filled by all its options at once (relaxation.h). Throws an invalid Error that names
  // a choice which cannot be held so.
  struct Relaxation relax(const struct RelaxationOptions& options) const;

  // A space with some choices fixed or narrowed to fewer options: `fix: {choice: value}` of the experiment file.
  SearchSpace fixed(const Configuration& values) const;
  // A mapping of choices to smaller domains of theirs, written as in `choices:`; the rest stay. `narrow:` of the
  // experiment file. Throws an invalid Error for an unknown choice, or a domain that is not within the choice's own.
  SearchSpace narrowed(const Yaml& domains) const;

 private:
  SearchSpace() = default;
  void index();        // after choices_ has been set
  void probe() const;  // fills a few configurations; throws when one is no network
  Configuration covering(std::uint64_t number) const;
  std::vector<const Value*> values_of(const Configuration& configuration) const;

  // Conditions with their parents looked up.
  struct Parent {
    std::size_t index;
    const std::vector<Value>* values;
  };

  std::string name_;
  std::shared_ptr<const std::vector<Choice>> choices_;
  std::vector<std::vector<Parent>> parents_;              // of each choice
  bool conditional_ = false;                              // some choice has a condition
  std::vector<std::size_t> by_name_;                      // numbers of the choices, sorted by name
  std::shared_ptr<const struct SpaceTemplate> template_;  // the parsed graph with its holes; see space_template.h
};

}  // namespace netwright

// Data sets in memory. Training, validation and test examples are different types, so that code which searches cannot
// be handed test data: open_data() never reads it, and open_test_data() asks for a FinalEvaluation.
//
// Every error is an invalid Error that names the file (and the line of a CSV file) and says what to do. A header that
// announces more than its file can hold is refused before anything is allocated for it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/space/graph.h"
#include "netwright/trial/data_options.h"

namespace netwright {

// Examples as they lie in memory: once, unchanged, shared by the splits that point into them.
struct Examples {
  Shape shape;                           // of one example
  std::vector<std::string> class_names;  // as many as there are classes
  std::vector<std::uint8_t> pixels;      // images: example x height x width x channel
  std::vector<float> rows;               // tabular: example x feature, standardised (data/csv.h)
  std::vector<std::int32_t> labels;      // in [0, classes)
};

// Of each channel of the training images, pixels taken as shares in [0, 1]. Empty for tabular data.
struct Normalization {
  std::vector<float> mean;
  std::vector<float> deviation;  // never 0: 1 where a channel is constant
};

// Some of the examples. Cheap to copy; immutable, so any thread may read it. Which purpose they serve is told by the
// derived type: functions that open, split or load data take those types, never this one.
class ExampleSet {
 public:
  ExampleSet(std::shared_ptr<const Examples> examples, std::vector<std::int32_t> indices,
             std::shared_ptr<const Normalization> normalization, std::uint64_t seed);

  std::int64_t size() const { return static_cast<std::int64_t>(indices_->size()); }
  std::int64_t classes() const { return static_cast<std::int64_t>(examples_->class_names.size()); }
  const Shape& shape() const { return examples_->shape; }
  const std::vector<std::string>& class_names() const { return examples_->class_names; }
  const Normalization& normalization() const { return *normalization_; }  // of the training split, whatever this is

  // The example numbered `position` in [0, size()).
  std::int32_t label(std::int64_t position) const { return examples_->labels[index(position)]; }
  const std::uint8_t* pixels(std::int64_t position) const {  // images: height x width x channel
    return examples_->pixels.data() + index(position) * static_cast<std::size_t>(shape().elements());
  }
  const float* row(std::int64_t position) const {  // tabular
    return examples_->rows.data() + index(position) * static_cast<std::size_t>(shape().elements());
  }
  std::vector<std::int64_t> class_counts() const;

 protected:
  ExampleSet share(double fraction) const;
  std::pair<ExampleSet, ExampleSet> divided(double fraction) const;

 private:
  std::size_t index(std::int64_t position) const {
    return static_cast<std::size_t>((*indices_)[static_cast<std::size_t>(position)]);
  }

  std::shared_ptr<const Examples> examples_;
  std::shared_ptr<const std::vector<std::int32_t>> indices_;
  std::shared_ptr<const Normalization> normalization_;
  std::uint64_t seed_;
};

template <class Purpose>
class Split : public ExampleSet {
 public:
  using ExampleSet::ExampleSet;

  // A class-balanced share of it (each class keeps its proportion, by largest remainder), the same each time; fraction
  // in (0, 1], at least one example. The normalisation stays that of the whole training split.
  Split subset(double fraction) const { return Split(share(fraction)); }

  // Such a share and the rest, for searches that train two things on data of their own. Throws an invalid Error unless
  // both get an example.
  std::pair<Split, Split> divide(double fraction) const {
    auto [first, second] = divided(fraction);
    return {Split(std::move(first)), Split(std::move(second))};
  }

 private:
  explicit Split(ExampleSet&& examples) : ExampleSet(std::move(examples)) {}
};

using TrainingData = Split<struct TrainingPurpose>;
using ValidationData = Split<struct ValidationPurpose>;
using TestData = Split<struct TestPurpose>;

// All that a search may see.
struct SearchData {
  TrainingData training;
  ValidationData validation;
};

// Says that the search and the choice of what to retrain are over. Written out where test data is read, and nowhere
// else: `git grep FinalEvaluation` lists those places.
struct FinalEvaluation {
  explicit FinalEvaluation() = default;
};

// Reads the data and divides it (docs/data.md). That test files exist is checked, but they are not opened. The same
// options give the same examples in the same order on every machine.
SearchData open_data(const DataOptions& options);

// The test examples that belong to open_data(options): from files of their own, or those that it left out.
TestData open_test_data(const DataOptions& options, FinalEvaluation final_evaluation);

// {"format", "input", "classes", "class_names", "training", "validation"}: sizes for the report.
Json describe(const SearchData& data, const DataOptions& options);

}  // namespace netwright

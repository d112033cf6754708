#include "netwright/data/data_set.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "netwright/base/file.h"
#include "netwright/base/random.h"
#include "netwright/base/text.h"
#include "netwright/data/checks.h"
#include "netwright/data/cifar.h"
#include "netwright/data/class_names.h"
#include "netwright/data/csv_table.h"
#include "netwright/data/idx.h"
#include "netwright/data/image_folder.h"
#include "netwright/data/split.h"
#include "netwright/data/tabular.h"

namespace netwright {
namespace {

constexpr const char* fashion_mnist_folder = "/usr/share/datasets/fashion-mnist";

using Indices = std::vector<std::int32_t>;

// Which examples go where; indices into the labels that were divided. `test` is empty where the test set has files of
// its own.
struct Parts {
  Indices training;
  Indices validation;
  Indices test;
};

std::string data_path(const DataOptions& options) {
  if (!options.path.empty()) return options.path;
  if (!is_folder(fashion_mnist_folder)) {
    throw invalid({fashion_mnist_folder, 0, 0}, "no such folder",
                  "install the Debian package dataset-fashion-mnist, or set data.path");
  }
  return fashion_mnist_folder;
}

void check(const DataOptions& options) {
  static const std::vector<std::string> formats = {"fashion-mnist", "mnist",        "cifar-10",
                                                   "cifar-100",     "image-folder", "csv"};
  if (std::find(formats.begin(), formats.end(), options.format) == formats.end()) {
    throw invalid({}, "data.format is '" + options.format + "'", suggest(options.format, formats));
  }
  if (options.path.empty() && options.format != "fashion-mnist") {
    throw invalid({}, "data.path is missing for the format " + options.format, "set data.path");
  }
  const auto is_share = [](double value) { return value > 0 && value < 1; };
  if (!is_share(options.validation_fraction) || !is_share(options.test_fraction)) {
    throw invalid({},
                  "data.validation_fraction and data.test_fraction are " + number_text(options.validation_fraction) +
                      " and " + number_text(options.test_fraction),
                  "each must lie between 0 and 1, both excluded");
  }
  const std::string path = data_path(options);
  const bool folder = options.format != "csv";
  if (folder && !is_folder(path)) {
    throw invalid({path, 0, 0}, "no such folder", "check data.path");
  }
}

std::vector<std::int64_t> count_classes(const std::vector<std::int32_t>& labels, const Indices& which,
                                        std::size_t classes) {
  std::vector<std::int64_t> counts(classes, 0);
  for (const std::int32_t index : which) {
    ++counts[static_cast<std::size_t>(labels[static_cast<std::size_t>(index)])];
  }
  return counts;
}

Indices limited(const std::vector<std::int32_t>& labels, Indices which, std::size_t classes, std::int64_t limit,
                std::uint64_t seed, const char* purpose) {
  if (limit <= 0 || limit >= static_cast<std::int64_t>(which.size())) return which;
  return divide(labels, which, static_cast<std::int64_t>(classes), limit, false, derive_seed(seed, purpose)).picked;
}

// Test examples are held out first, then validation examples, so that neither depends on any limit.
Parts divide_into_parts(const std::vector<std::int32_t>& labels, const std::vector<std::string>& class_names,
                        const DataOptions& options, bool hold_out_test) {
  const auto classes = static_cast<std::int64_t>(class_names.size());
  const auto size_of = [](double fraction, const Indices& of) {
    return std::max<std::int64_t>(std::llround(fraction * static_cast<double>(of.size())), 1);
  };
  Parts parts;
  Indices rest = all_indices(labels.size());
  if (hold_out_test) {
    Division held = divide(labels, rest, classes, size_of(options.test_fraction, rest), true,
                           derive_seed(options.split_seed, "test"));
    parts.test = std::move(held.picked);
    rest = std::move(held.rest);
  }
  Division held = divide(labels, rest, classes, size_of(options.validation_fraction, rest), true,
                         derive_seed(options.split_seed, "validation"));
  parts.training = std::move(held.rest);
  parts.validation = std::move(held.picked);

  const Location where{data_path(options), 0, 0};
  const auto before = count_classes(labels, parts.training, class_names.size());
  for (std::size_t c = 0; c < before.size(); ++c) {
    if (before[c] > 0) continue;
    throw invalid(where, "class '" + class_names[c] + "' has no training example",
                  "check that the label files are complete");
  }
  if (parts.validation.empty() || (hold_out_test && parts.test.empty())) {
    throw invalid(where, "too few examples to hold any out for validation and test",
                  "give every class at least three examples, or larger fractions");
  }
  parts.training = limited(labels, std::move(parts.training), class_names.size(), options.train_limit,
                           options.split_seed, "train limit");
  parts.validation = limited(labels, std::move(parts.validation), class_names.size(), options.validation_limit,
                             options.split_seed, "validation limit");
  parts.test =
      limited(labels, std::move(parts.test), class_names.size(), options.test_limit, options.split_seed, "test limit");
  const auto after = count_classes(labels, parts.training, class_names.size());
  if (std::find(after.begin(), after.end(), 0) != after.end()) {
    throw invalid(where,
                  "data.train_limit " + std::to_string(options.train_limit) + " leaves some of the " +
                      std::to_string(classes) + " classes without a training example",
                  "raise data.train_limit");
  }
  return parts;
}

std::shared_ptr<const Normalization> measure(const Examples& examples, const Indices& which) {
  auto normalization = std::make_shared<Normalization>();
  if (!examples.shape.is_image()) return normalization;
  const auto channels = static_cast<std::size_t>(examples.shape.channels);
  const auto size = static_cast<std::size_t>(examples.shape.elements());
  std::vector<std::uint64_t> sums(channels, 0);
  std::vector<std::uint64_t> squares(channels, 0);
  for (const std::int32_t index : which) {
    const std::uint8_t* pixels = examples.pixels.data() + static_cast<std::size_t>(index) * size;
    for (std::size_t i = 0; i < size; i += channels) {
      for (std::size_t c = 0; c < channels; ++c) {
        const std::uint32_t value = pixels[i + c];
        sums[c] += value;
        squares[c] += value * value;
      }
    }
  }
  const double count = static_cast<double>(which.size()) * static_cast<double>(size / channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double mean = static_cast<double>(sums[c]) / count;
    const double variance = static_cast<double>(squares[c]) / count - mean * mean;
    normalization->mean.push_back(static_cast<float>(mean / 255));
    normalization->deviation.push_back(variance > 1e-6 ? static_cast<float>(std::sqrt(variance) / 255) : 1.0F);
  }
  return normalization;
}

// Where each of `which` lies in `kept`, which ascends and holds them all.
Indices positions(const Indices& kept, const Indices& which) {
  Indices result;
  result.reserve(which.size());
  for (const std::int32_t index : which) {
    result.push_back(static_cast<std::int32_t>(std::lower_bound(kept.begin(), kept.end(), index) - kept.begin()));
  }
  return result;
}

Indices merged(const Indices& a, const Indices& b) {
  Indices all(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), all.begin());
  return all;
}

SearchData make_search_data(Examples examples, Indices training, Indices validation, std::uint64_t seed) {
  const auto normalization = measure(examples, training);
  const auto shared = std::make_shared<const Examples>(std::move(examples));
  return {TrainingData(shared, std::move(training), normalization, seed),
          ValidationData(shared, std::move(validation), normalization, seed)};
}

TestData make_test_data(Examples examples, Indices which, const SearchData& search, std::uint64_t seed) {
  return {std::make_shared<const Examples>(std::move(examples)), std::move(which),
          std::make_shared<const Normalization>(search.training.normalization()), seed};
}

// ---- fashion-mnist, mnist, cifar-10, cifar-100: files for training and files for testing ----

Examples read_image_files(const DataOptions& options, Part part) {
  const std::string path = data_path(options);
  if (options.format.starts_with("cifar")) {
    return read_cifar(find_cifar_files(path, options.format, part), options.format);
  }
  return read_idx(find_idx_files(path, part), class_names_of(options.format));
}

void check_test_files(const DataOptions& options) {
  const std::string path = data_path(options);
  if (options.format.starts_with("cifar")) {
    find_cifar_files(path, options.format, Part::test);
  } else {
    find_idx_files(path, Part::test);
  }
}

SearchData open_image_files(const DataOptions& options) {
  check_test_files(options);
  Examples examples = read_image_files(options, Part::train);
  Parts parts = divide_into_parts(examples.labels, examples.class_names, options, false);
  return make_search_data(std::move(examples), std::move(parts.training), std::move(parts.validation),
                          options.split_seed);
}

TestData open_image_files_test(const DataOptions& options, const SearchData& search) {
  Examples examples = read_image_files(options, Part::test);
  if (examples.shape != search.training.shape()) {
    throw invalid(
        {data_path(options), 0, 0},
        "test images are " + to_string(examples.shape) + ", training images " + to_string(search.training.shape()),
        "the files do not belong together; fetch them again");
  }
  Indices which = limited(examples.labels, all_indices(examples.labels.size()), examples.class_names.size(),
                          options.test_limit, options.split_seed, "test limit");
  return make_test_data(std::move(examples), std::move(which), search, options.split_seed);
}

// ---- image-folder ----

SearchData open_image_folder(const DataOptions& options) {
  const ImageFolders folders = find_image_folders(options.path, options.test_path);
  const ImageFolder folder = list_image_folder(folders.train);
  if (!folders.test.empty()) list_image_folder(folders.test, &folder.class_names);
  const Parts parts = divide_into_parts(folder.labels, folder.class_names, options, folders.test.empty());
  const Indices kept = merged(parts.training, parts.validation);
  return make_search_data(load_images(folder, kept, options.image_size, at::get_num_threads()),
                          positions(kept, parts.training), positions(kept, parts.validation), options.split_seed);
}

TestData open_image_folder_test(const DataOptions& options, const SearchData& search) {
  const ImageFolders folders = find_image_folders(options.path, options.test_path);
  const bool own = !folders.test.empty();
  const ImageFolder folder =
      own ? list_image_folder(folders.test, &search.training.class_names()) : list_image_folder(folders.train);
  const Indices which = own ? limited(folder.labels, all_indices(folder.labels.size()), folder.class_names.size(),
                                      options.test_limit, options.split_seed, "test limit")
                            : divide_into_parts(folder.labels, folder.class_names, options, true).test;
  return make_test_data(load_images(folder, which, options.image_size, at::get_num_threads()),
                        all_indices(which.size()), search, options.split_seed);
}

// ---- csv ----

Examples make_rows(const CsvDocument& table, const std::vector<std::int32_t>& labels, const Target& target,
                   const Encoder& encoder, const Indices& which) {
  Examples examples;
  examples.shape = {encoder.features(), 0, 0};
  examples.class_names = target.class_names;
  examples.rows = encoder.encode(table, which);
  for (const std::int32_t index : which) examples.labels.push_back(labels[static_cast<std::size_t>(index)]);
  return examples;
}

SearchData open_csv(const DataOptions& options) {
  if (!options.test_path.empty() && !file_exists(options.test_path)) {
    throw invalid({options.test_path, 0, 0}, "no such file", "check data.test_path");
  }
  const CsvDocument table = read_csv(options.path);
  const Target target = read_target(table, options.target);
  const Parts parts = divide_into_parts(target.labels, target.class_names, options, options.test_path.empty());
  const Encoder encoder(table, target.column, parts.training);
  const Indices kept = merged(parts.training, parts.validation);
  return make_search_data(make_rows(table, target.labels, target, encoder, kept), positions(kept, parts.training),
                          positions(kept, parts.validation), options.split_seed);
}

TestData open_csv_test(const DataOptions& options, const SearchData& search) {
  const CsvDocument table = read_csv(options.path);
  const Target target = read_target(table, options.target);
  const bool own = !options.test_path.empty();
  const Parts parts = divide_into_parts(target.labels, target.class_names, options, !own);
  const Encoder encoder(table, target.column, parts.training);
  if (!own) {
    return make_test_data(make_rows(table, target.labels, target, encoder, parts.test), all_indices(parts.test.size()),
                          search, options.split_seed);
  }
  const CsvDocument test = read_csv(options.test_path);
  encoder.check_header(test);
  const auto labels = read_labels(test, target);
  const Indices which = limited(labels, all_indices(test.rows()), target.class_names.size(), options.test_limit,
                                options.split_seed, "test limit");
  return make_test_data(make_rows(test, labels, target, encoder, which), all_indices(which.size()), search,
                        options.split_seed);
}

}  // namespace

ExampleSet::ExampleSet(std::shared_ptr<const Examples> examples, std::vector<std::int32_t> indices,
                       std::shared_ptr<const Normalization> normalization, std::uint64_t seed)
    : examples_(std::move(examples)),
      indices_(std::make_shared<const std::vector<std::int32_t>>(std::move(indices))),
      normalization_(std::move(normalization)),
      seed_(seed) {}

std::vector<std::int64_t> ExampleSet::class_counts() const {
  return count_classes(examples_->labels, *indices_, examples_->class_names.size());
}

ExampleSet ExampleSet::share(double fraction) const {
  if (!(fraction > 0 && fraction <= 1)) {
    throw invalid({}, "a share of " + number_text(fraction) + " of the data", "it must be above 0 and at most 1");
  }
  if (fraction == 1) return *this;
  const auto total = std::max<std::int64_t>(std::llround(fraction * static_cast<double>(size())), 1);
  const std::uint64_t seed = derive_seed(seed_, "subset");
  return {examples_, divide(examples_->labels, *indices_, classes(), total, false, seed).picked, normalization_, seed_};
}

std::pair<ExampleSet, ExampleSet> ExampleSet::divided(double fraction) const {
  const auto total = std::llround(fraction * static_cast<double>(size()));
  if (!(fraction > 0 && fraction < 1) || total < 1 || total >= size()) {
    std::string problem = std::to_string(size());
    problem += " examples cannot be divided with a share of ";
    problem += number_text(fraction);
    throw invalid({}, problem, "leave at least one example on either side");
  }
  const std::uint64_t seed = derive_seed(seed_, "divided");
  Division division = netwright::divide(examples_->labels, *indices_, classes(), total, false, seed);
  return {ExampleSet(examples_, std::move(division.picked), normalization_, derive_seed(seed, "first")),
          ExampleSet(examples_, std::move(division.rest), normalization_, derive_seed(seed, "second"))};
}

SearchData open_data(const DataOptions& options) {
  check(options);
  if (options.format == "image-folder") return open_image_folder(options);
  if (options.format == "csv") return open_csv(options);
  return open_image_files(options);
}

TestData open_test_data(const DataOptions& options, FinalEvaluation) {
  const SearchData search = open_data(options);  // for the normalisation, which the training split decides
  if (options.format == "image-folder") return open_image_folder_test(options, search);
  if (options.format == "csv") return open_csv_test(options, search);
  return open_image_files_test(options, search);
}

Json describe(const SearchData& data, const DataOptions& options) {
  const Shape& shape = data.training.shape();
  return Json{{"format", options.format},
              {"input", shape.is_image() ? Json{shape.channels, shape.height, shape.width} : Json{shape.channels}},
              {"classes", data.training.classes()},
              {"class_names", data.training.class_names()},
              {"training", data.training.size()},
              {"validation", data.validation.size()}};
}

}  // namespace netwright

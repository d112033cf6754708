#include "netwright/data/cifar.h"

#include "netwright/base/file.h"
#include "netwright/data/checks.h"
#include "netwright/data/class_names.h"

namespace netwright {
namespace {

constexpr std::size_t side = 32;
constexpr std::size_t plane = side * side;
constexpr std::size_t image = 3 * plane;
constexpr int coarse_classes = 20;

std::string binary_folder(const std::string& folder, const std::string& format) {
  const std::string inner = folder + (format == "cifar-10" ? "/cifar-10-batches-bin" : "/cifar-100-binary");
  return is_folder(inner) ? inner : folder;
}

Error missing(const std::string& folder, const std::string& name) {
  return invalid({folder, 0, 0}, "has no file " + name,
                 "set data.path to the folder that holds the binary version's .bin files, or fetch the missing one");
}

void check_label(const std::string& path, std::size_t record, int label, int classes, const char* kind) {
  if (label < classes) return;
  throw invalid({path, 0, 0},
                std::string(kind) + " " + std::to_string(label) + " of record " + std::to_string(record) +
                    " is out of range: labels go from 0 to " + std::to_string(classes - 1),
                "check that the file belongs to this data set and is its binary version, or fetch it again");
}

// Appends the records of one file.
void append_file(const std::string& path, bool coarse, Examples& examples) {
  const std::string content = read_file(path);
  const std::size_t label_bytes = coarse ? 2 : 1;
  const std::size_t record = label_bytes + image;
  if (content.empty() || content.size() % record != 0) {
    throw invalid({path, 0, 0},
                  "has " + std::to_string(content.size()) + " bytes, not whole records of " + std::to_string(record),
                  "the file is truncated or of another format; fetch the binary version again");
  }
  const std::size_t records = content.size() / record;
  const std::size_t before = examples.labels.size();
  examples.labels.reserve(before + records);
  examples.pixels.resize((before + records) * image);
  for (std::size_t r = 0; r < records; ++r) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(content.data()) + r * record;
    if (coarse) check_label(path, r, bytes[0], coarse_classes, "coarse label");
    const int label = bytes[label_bytes - 1];
    check_label(path, r, label, static_cast<int>(examples.class_names.size()), "label");
    examples.labels.push_back(label);
    const std::uint8_t* from = bytes + label_bytes;
    std::uint8_t* to = examples.pixels.data() + (before + r) * image;
    for (std::size_t i = 0; i < plane; ++i) {
      to[3 * i] = from[i];
      to[3 * i + 1] = from[plane + i];
      to[3 * i + 2] = from[2 * plane + i];
    }
  }
}

}  // namespace

std::vector<std::string> find_cifar_files(const std::string& folder, const std::string& format, Part part) {
  const std::string inside = binary_folder(folder, format);
  const auto path = [&](const std::string& name) { return inside + "/" + name; };
  if (format == "cifar-100" || part == Part::test) {
    const std::string name = format == "cifar-10" ? "test_batch.bin" : part == Part::test ? "test.bin" : "train.bin";
    if (!file_exists(path(name))) throw missing(inside, name);
    return {path(name)};
  }
  const auto batch = [](int number) { return "data_batch_" + std::to_string(number) + ".bin"; };
  std::vector<std::string> files;
  for (int number = 1; file_exists(path(batch(number))); ++number) files.push_back(path(batch(number)));
  const int next = static_cast<int>(files.size()) + 1;
  // The original has five; a file missing among them would otherwise shrink the training data unnoticed.
  bool gap = files.empty();
  for (int number = next + 1; number <= 5; ++number) gap = gap || file_exists(path(batch(number)));
  if (gap) throw missing(inside, batch(next));
  return files;
}

Examples read_cifar(const std::vector<std::string>& files, const std::string& format) {
  Examples examples;
  examples.shape = {3, static_cast<std::int64_t>(side), static_cast<std::int64_t>(side)};
  examples.class_names = class_names_of(format);
  std::size_t first_records = 0;
  for (const std::string& file : files) {
    const std::size_t before = examples.labels.size();
    append_file(file, format == "cifar-100", examples);
    const std::size_t records = examples.labels.size() - before;
    if (before == 0) first_records = records;
    if (records != first_records) {
      throw invalid(
          {file, 0, 0},
          "holds " + std::to_string(records) + " images, and " + files.front() + " " + std::to_string(first_records),
          "the training files are equally long; one of the two is truncated, fetch it again");
    }
  }
  return examples;
}

}  // namespace netwright

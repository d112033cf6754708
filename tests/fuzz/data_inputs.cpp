// Files of examples.
#include "fuzz/fuzz.h"
#include "netwright/data/cifar.h"
#include "netwright/data/csv_table.h"
#include "netwright/data/idx.h"
#include "netwright/data/image_file.h"
#include "netwright/data/split.h"
#include "netwright/data/tabular.h"

namespace netwright::fuzz {
namespace {

const std::vector<std::string> ten_names = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};

void expect_whole(const Examples& examples) {
  const auto count = examples.labels.size();
  expect(examples.pixels.size() == count * static_cast<std::size_t>(examples.shape.elements()), "an image a label");
  for (const std::int32_t label : examples.labels) {
    expect(label >= 0 && static_cast<std::size_t>(label) < examples.class_names.size(), "labels are of a class");
  }
}

}  // namespace

// A file of labels where it begins as one, else of images; the other file is good and holds two examples.
void idx(std::string_view bytes) {
  const std::string images("\0\0\x08\x03\0\0\0\2\0\0\0\1\0\0\0\2abcd", 20), labels("\0\0\x08\x01\0\0\0\2\0\1", 10);
  const bool is_labels = bytes.size() > 3 && bytes[3] == 1;
  const MemoryFile first(is_labels ? std::string_view(images) : bytes);
  const MemoryFile second(is_labels ? bytes : std::string_view(labels));
  refuse_or([&] { expect_whole(read_idx({first.path(), second.path()}, ten_names)); });
}

void cifar(std::string_view bytes) {
  const MemoryFile file(bytes);
  for (const char* format : {"cifar-10", "cifar-100"}) {
    refuse_or([&] { expect_whole(read_cifar({file.path()}, format)); });
  }
}

void picture(std::string_view bytes) {
  const MemoryFile file(bytes);
  refuse_or([&] {
    const Picture picture = read_picture(file.path(), 8);
    expect(picture.width > 0 && picture.height > 0, "a picture has pixels");
    expect(picture.pixels.size() == static_cast<std::size_t>(picture.width * picture.height * 3),
           "three bytes a pixel");
  });
}

void csv(std::string_view bytes) {
  const MemoryFile file(bytes);
  refuse_or([&] {
    const CsvDocument table = read_csv(file.path());
    expect(table.rows() > 0 && table.cells.size() == table.rows() * table.columns(), "whole rows");
    const Target target = read_target(table, "");
    expect(target.labels.size() == table.rows(), "a label a row");
    const std::vector<std::int32_t> rows = all_indices(table.rows());
    const Encoder encoder(table, target.column, rows);
    const std::vector<float> encoded = encoder.encode(table, rows);
    expect(encoded.size() == table.rows() * static_cast<std::size_t>(encoder.features()), "features of each row");
    for (const float value : encoded) expect(value >= -1e6F && value <= 1e6F, "features are cut off at a million");
  });
}

}  // namespace netwright::fuzz

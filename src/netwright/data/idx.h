// MNIST's IDX files (http://yann.lecun.com/exdb/mnist), plain or gzip-compressed: big-endian magic 0x0803, count,
// rows and columns, then a byte a pixel; magic 0x0801, count, then a byte a label.
#pragma once

#include <string>

#include "netwright/data/data_set.h"

namespace netwright {

enum class Part { train, test };

// The path of "train-images-idx3-ubyte" and its like in a folder: with a dot for the second dash, or .gz, where that
// is what is there. Throws when absent.
struct IdxFiles {
  std::string images;
  std::string labels;
};
IdxFiles find_idx_files(const std::string& folder, Part part);

// Throws an invalid Error on a wrong magic number, sizes that do not match the content, counts that differ between the
// two files, and labels beyond `class_names`.
Examples read_idx(const IdxFiles& files, const std::vector<std::string>& class_names);

}  // namespace netwright

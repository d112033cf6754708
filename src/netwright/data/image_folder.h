// A folder of images: one sub-folder a class, its PNG and JPEG files lying directly in it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netwright/data/data_set.h"

namespace netwright {

struct ImageFolder {
  std::vector<std::string> class_names;  // sorted by their bytes
  std::vector<std::string> files;        // class by class, sorted within each
  std::vector<std::int32_t> labels;      // of each file
};

// Where the pictures lie: `test` is empty when they are to be held out from `train`. root/train with root/test when
// both are there, else root; test_path overrides.
struct ImageFolders {
  std::string train;
  std::string test;
};
ImageFolders find_image_folders(const std::string& root, const std::string& test_path);

// Lists without opening a picture. Hidden files and folders are passed over. Throws an invalid Error on: fewer than two
// classes, a class without a picture, a file that is no picture by its name, a folder within a class. With
// `class_names` (a test folder), the classes are those, and a folder named otherwise is an error.
ImageFolder list_image_folder(const std::string& path, const std::vector<std::string>* class_names = nullptr);

// Decodes and scales those of the folder's files, on `threads` threads; labels and class names are filled in.
Examples load_images(const ImageFolder& folder, const std::vector<std::int32_t>& which, std::int64_t side, int threads);

}  // namespace netwright

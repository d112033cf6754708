// Which data an experiment uses. Plain data, read without LibTorch; data/data_set.h opens it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/base/yaml.h"

namespace netwright {

struct DataOptions {
  // fashion-mnist, mnist (IDX, also .gz), cifar-10, cifar-100 (binary files), image-folder (root/class/*.png|jpg),
  // csv (tabular). Empty: the experiment's own trainer knows its data.
  std::string format;
  std::string path;                  // folder (or file for csv); empty: where Debian's package puts fashion-mnist
  double validation_fraction = 0.1;  // share of the training data held out for the search, class-balanced; (0, 1)
  std::int64_t train_limit = 0;      // at most so many training examples, class-balanced; 0: all
  std::int64_t validation_limit = 0;
  std::int64_t test_limit = 0;
  double test_fraction =
      0.2;                // for formats without a test set of their own (image-folder without train/ and test/, csv)
  std::string target;     // csv: name of the label's column; default the last
  std::string test_path;  // csv: a file of its own for the test set; image-folder likewise
  std::int64_t image_size = 32;  // image-folder: side to which images are scaled
  std::uint64_t split_seed = 0;  // which examples are held out
};

DataOptions parse_data_options(const Yaml& node);  // strict; invalid Error at the key's place
Json to_json(const DataOptions& options);
DataOptions data_options_from_json(const Json& json);

}  // namespace netwright

// The binary version of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html): records of a label byte
// (CIFAR-100: coarse, then fine label) and 3072 pixels, plane by plane, here reordered to height x width x channel.
#pragma once

#include <string>
#include <vector>

#include "netwright/data/data_set.h"
#include "netwright/data/idx.h"

namespace netwright {

// The files in `folder`, or in its sub-folder cifar-10-batches-bin or cifar-100-binary: data_batch_1.bin and on, and
// test_batch.bin; or train.bin and test.bin. Throws when one is absent.
std::vector<std::string> find_cifar_files(const std::string& folder, const std::string& format, Part part);

// Throws an invalid Error on a file that is not whole records, training files of different lengths, and labels out of
// range. CIFAR-100's labels are the fine ones.
Examples read_cifar(const std::vector<std::string>& files, const std::string& format);

}  // namespace netwright

#include "netwright/data/idx.h"

#include <array>
#include <limits>

#include "netwright/base/file.h"
#include "netwright/data/byte_reader.h"

namespace netwright {
namespace {

constexpr std::uint32_t images_magic = 0x0803;
constexpr std::uint32_t labels_magic = 0x0801;
constexpr std::int64_t largest_side = 4096;

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

std::string hexadecimal(std::uint32_t value) {
  static const char digits[] = "0123456789abcdef";
  std::string text = "0x00000000";
  for (std::size_t i = 0; i < 8; ++i) text[9 - i] = digits[value >> (4 * i) & 15];
  return text;
}

void check_magic(const std::string& path, std::uint32_t magic, std::uint32_t expected, const char* what) {
  if (magic == expected) return;
  std::string remedy = std::string("give an IDX file of ") + what;
  if (magic == images_magic) remedy = "this is a file of images: images and labels may have been swapped";
  if (magic == labels_magic) remedy = "this is a file of labels: images and labels may have been swapped";
  throw invalid({path, 0, 0},
                std::string("not an IDX file of ") + what + ": it begins with " + hexadecimal(magic) + ", not " +
                    hexadecimal(expected),
                remedy);
}

void check_room(const ByteReader& reader, std::uint64_t bytes, const std::string& what) {
  if (bytes <= reader.remaining_at_most()) return;
  throw invalid({reader.path(), 0, 0},
                "its header announces " + what + ", " + std::to_string(bytes) + " bytes, more than the file can hold",
                "the file is truncated or its header corrupt; fetch it again");
}

std::int64_t checked_count(const std::string& path, std::uint32_t count) {
  if (count > 0 && count <= std::numeric_limits<std::int32_t>::max()) return count;
  throw invalid({path, 0, 0}, "its header announces " + std::to_string(count) + " examples", "fetch the file again");
}

Examples read_images(const std::string& path) {
  ByteReader reader(path);
  const auto header = reader.read(4, "the header");
  check_magic(path, big_endian(header.data()), images_magic, "images");
  const auto sizes = reader.read(12, "the header");
  const std::int64_t count = checked_count(path, big_endian(sizes.data()));
  Examples examples;
  examples.shape = {1, big_endian(sizes.data() + 4), big_endian(sizes.data() + 8)};
  const auto fits = [](std::int64_t side) { return side >= 1 && side <= largest_side; };
  const std::string size = std::to_string(examples.shape.height) + "x" + std::to_string(examples.shape.width);
  if (!fits(examples.shape.height) || !fits(examples.shape.width)) {
    throw invalid({path, 0, 0}, "its header announces images of " + size + " pixels",
                  "sides from 1 to " + std::to_string(largest_side) + " are read; fetch the file again");
  }
  const std::string what = std::to_string(count) + " images of " + size;
  const auto bytes = static_cast<std::uint64_t>(count * examples.shape.elements());
  check_room(reader, bytes, what);
  examples.pixels = reader.read(bytes, what);
  reader.expect_end();
  return examples;
}

std::vector<std::int32_t> read_labels(const std::string& path, const std::vector<std::string>& class_names) {
  ByteReader reader(path);
  const auto header = reader.read(4, "the header");
  check_magic(path, big_endian(header.data()), labels_magic, "labels");
  const auto counted = reader.read(4, "the header");
  const std::int64_t count = checked_count(path, big_endian(counted.data()));
  const std::string what = std::to_string(count) + " labels";
  check_room(reader, static_cast<std::uint64_t>(count), what);
  const auto bytes = reader.read(static_cast<std::uint64_t>(count), what);
  reader.expect_end();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] < class_names.size()) continue;
    throw invalid({path, 0, 0},
                  "label " + std::to_string(bytes[i]) + " of example " + std::to_string(i) +
                      " is out of range: labels go from 0 to " + std::to_string(class_names.size() - 1),
                  "check that the file belongs to this data set, or fetch it again");
  }
  return {bytes.begin(), bytes.end()};
}

std::string find_one(const std::string& folder, const std::string& stem, const std::string& kind) {
  for (const char* dash : {"-", "."}) {
    for (const char* extension : {"", ".gz"}) {
      const std::string path = folder + "/" + stem + dash + kind + extension;
      if (file_exists(path)) return path;
    }
  }
  throw invalid({folder, 0, 0}, "has no file " + stem + "-" + kind + " (or …" + kind + ".gz)",
                "set data.path to the folder that holds the four IDX files, or fetch the missing one");
}

}  // namespace

IdxFiles find_idx_files(const std::string& folder, Part part) {
  const std::string stem = part == Part::train ? "train" : "t10k";
  return {find_one(folder, stem + "-images", "idx3-ubyte"), find_one(folder, stem + "-labels", "idx1-ubyte")};
}

Examples read_idx(const IdxFiles& files, const std::vector<std::string>& class_names) {
  Examples examples = read_images(files.images);
  examples.class_names = class_names;
  examples.labels = read_labels(files.labels, class_names);
  const std::size_t images = examples.pixels.size() / static_cast<std::size_t>(examples.shape.elements());
  if (images != examples.labels.size()) {
    throw invalid({files.labels, 0, 0},
                  "holds " + std::to_string(examples.labels.size()) + " labels, and " + files.images + " " +
                      std::to_string(images) + " images",
                  "the two files must belong together; fetch both again");
  }
  return examples;
}

}  // namespace netwright

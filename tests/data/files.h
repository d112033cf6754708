// Writes small data files of every format into a folder that is removed again.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>
#include <stdlib.h>
#include <zlib.h>

#include <cstdio>

#include <jpeglib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "netwright/base/error.h"
#include "netwright/data/data_set.h"

namespace netwright::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "netwright-data-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline void write_bytes(const std::string& path, const std::string& content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file << content;
  if (!file) throw std::runtime_error("cannot write " + path);
}

inline std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string gzip(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

inline std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

// The value of a pixel in the files below, so that a test can tell where each byte went.
inline std::uint8_t pixel(int example, int channel, int y, int x) {
  return static_cast<std::uint8_t>((example * 37 + channel * 101 + y * 13 + x * 7) % 256);
}

inline std::string idx_images(int count, int height, int width) {
  std::string content = big_endian(0x0803) + big_endian(static_cast<std::uint32_t>(count)) +
                        big_endian(static_cast<std::uint32_t>(height)) + big_endian(static_cast<std::uint32_t>(width));
  for (int i = 0; i < count; ++i) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) content += static_cast<char>(pixel(i, 0, y, x));
    }
  }
  return content;
}

inline std::string idx_labels(int count, int classes = 10) {
  std::string content = big_endian(0x0801) + big_endian(static_cast<std::uint32_t>(count));
  for (int i = 0; i < count; ++i) content += static_cast<char>(i % classes);
  return content;
}

// A complete folder of MNIST files with 6x5 images.
inline void write_mnist(const std::string& folder, int training = 60, int test = 20) {
  write_bytes(folder + "/train-images-idx3-ubyte", idx_images(training, 6, 5));
  write_bytes(folder + "/train-labels-idx1-ubyte", idx_labels(training));
  write_bytes(folder + "/t10k-images-idx3-ubyte", idx_images(test, 6, 5));
  write_bytes(folder + "/t10k-labels-idx1-ubyte", idx_labels(test));
}

inline std::string cifar_records(int count, bool coarse, int classes) {
  std::string content;
  for (int i = 0; i < count; ++i) {
    if (coarse) content += static_cast<char>(i % 20);
    content += static_cast<char>(i % classes);
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < 32; ++y) {
        for (int x = 0; x < 32; ++x) content += static_cast<char>(pixel(i, c, y, x));
      }
    }
  }
  return content;
}

inline void write_cifar10(const std::string& folder, int records = 30) {
  for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"}) {
    write_bytes(folder + "/" + name, cifar_records(records, false, 10));
  }
}

// `format` is one of libpng's PNG_FORMAT_…; pixels of that format, row by row.
inline std::string png(int width, int height, png_uint_32 format, const std::vector<std::uint8_t>& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = format;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string content(size, '\0');
  png_image_write_to_memory(&image, content.data(), &size, 0, pixels.data(), 0, nullptr);
  content.resize(size);
  return content;
}

inline std::string jpeg(int width, int height, const std::vector<std::uint8_t>& rgb, bool progressive = false) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &memory, &size);
  encoder.image_width = static_cast<JDIMENSION>(width);
  encoder.image_height = static_cast<JDIMENSION>(height);
  encoder.input_components = 3;
  encoder.in_color_space = JCS_RGB;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, 95, TRUE);
  if (progressive) jpeg_simple_progression(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  for (int y = 0; y < height; ++y) {
    auto* row = const_cast<std::uint8_t*>(rgb.data()) + static_cast<std::size_t>(y * width * 3);
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  std::string content(reinterpret_cast<char*>(memory), size);
  jpeg_destroy_compress(&encoder);
  free(memory);
  return content;
}

// A soft gradient in one colour a class, so that JPEG keeps it nearly exactly.
inline std::vector<std::uint8_t> gradient(int width, int height, int red, int green) {
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      pixels.push_back(static_cast<std::uint8_t>(red));
      pixels.push_back(static_cast<std::uint8_t>(green));
      pixels.push_back(static_cast<std::uint8_t>(100 + 50 * x / width + 50 * y / height));
    }
  }
  return pixels;
}

// root/{cat,dog}/*.png|jpg, `each` pictures a class, 20 x 16 pixels.
inline void write_image_folder(const std::string& root, int each = 8) {
  for (int i = 0; i < each; ++i) {
    const std::string number = std::to_string(i);
    write_bytes(root + "/cat/" + number + ".png", png(20, 16, PNG_FORMAT_RGB, gradient(20, 16, 10 * i, 200)));
    write_bytes(root + "/dog/" + number + ".jpg", jpeg(20, 16, gradient(20, 16, 200, 10 * i), i % 2 == 1));
  }
}

// Runs `action`, which must throw an invalid Error; its message holds `file` and `part`, and it offers a remedy.
inline void expect_invalid(const std::function<void()>& action, const std::string& file, const std::string& part,
                           int line = 0) {
  try {
    action();
    ADD_FAILURE() << "no error; expected one about " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid) << error.what();
    EXPECT_THAT(error.what(), ::testing::HasSubstr(file));
    EXPECT_THAT(error.what(), ::testing::HasSubstr(part));
    EXPECT_FALSE(error.remedy().empty()) << error.what();
    if (line > 0) {
      EXPECT_EQ(error.where().line, line) << error.what();
    }
  }
}

inline DataOptions options_for(const std::string& format, const std::string& path) {
  DataOptions options;
  options.format = format;
  options.path = path;
  return options;
}

}  // namespace netwright::testing

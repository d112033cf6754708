#include "netwright/data/image_file.h"

#include <algorithm>
#include <cctype>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include <jerror.h>
#include <jpeglib.h>
#include <png.h>

#include "netwright/base/error.h"
#include "netwright/base/file.h"

namespace netwright {
namespace {

constexpr std::uint64_t most_pixels = std::uint64_t{1} << 26;
constexpr std::uint64_t deflate_ratio = 1032;  // no deflate stream unpacks to more
// A one-colour progressive JPEG spends 6 bits on 256 pixels, 340 a byte; nothing real comes near.
constexpr std::uint64_t jpeg_pixels_a_byte = 1000;
constexpr std::size_t largest_file = std::size_t{1} << 28;

Error broken(const std::string& path, const std::string& problem) {
  return invalid({path, 0, 0}, problem, "replace or remove this file");
}

void check_size(const std::string& path, std::uint64_t width, std::uint64_t height, bool plausible) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  if (width == 0 || height == 0) throw broken(path, "an image of " + size + " pixels");
  if (width > most_pixels || height > most_pixels || width * height > most_pixels) {
    throw invalid({path, 0, 0}, "an image of " + size + " pixels", "at most 2^26 pixels are read: scale it down first");
  }
  if (!plausible) throw broken(path, "its header announces " + size + " pixels, more than the file can hold");
}

// ---- PNG ----

// Bytes that the rows take unpacked, by the header chunk, which every PNG file begins with.
std::uint64_t png_raw_bytes(const std::string& content, std::uint64_t width, std::uint64_t height) {
  if (content.size() < 26) return ~std::uint64_t{0};
  static constexpr std::uint64_t channels[] = {1, 1, 3, 1, 2, 1, 4, 1};  // by colour type
  const std::uint64_t bits = static_cast<unsigned char>(content[24]) * channels[content[25] & 7];
  return height * (1 + (width * bits + 7) / 8);
}

Picture read_png(const std::string& path, const std::string& content) {
  struct Image : png_image {
    Image() : png_image{} { version = PNG_IMAGE_VERSION; }
    ~Image() { png_image_free(this); }
  } image;
  if (png_image_begin_read_from_memory(&image, content.data(), content.size()) == 0) {
    throw broken(path, std::string("not a valid PNG file: ") + image.message);
  }
  const std::uint64_t most = (content.size() + 64) * deflate_ratio;
  check_size(path, image.width, image.height,
             image.width > most_pixels || image.height > most_pixels ||
                 png_raw_bytes(content, image.width, image.height) <= most);
  image.format = PNG_FORMAT_RGB;
  Picture picture{image.width, image.height, {}};
  picture.pixels.resize(PNG_IMAGE_SIZE(image));
  const png_color black{0, 0, 0};
  if (png_image_finish_read(&image, &black, picture.pixels.data(), 0, nullptr) == 0) {
    throw broken(path, std::string("corrupt or truncated PNG file: ") + image.message);
  }
  return picture;
}

// ---- JPEG ----

// libjpeg reports errors by a call that must not return. Each function below that sets the jump target holds no object
// with a destructor, so that jumping out of it is defined; the decoder's memory belongs to JpegDecoder.
struct JpegErrors {
  jpeg_error_mgr base;  // first, so that a pointer to it is a pointer to this
  std::jmp_buf target;
  char message[JMSG_LENGTH_MAX];
  bool damaged;
};

[[noreturn]] void on_error(j_common_ptr decoder) {
  auto* errors = reinterpret_cast<JpegErrors*>(decoder->err);
  errors->base.format_message(decoder, errors->message);
  std::longjmp(errors->target, 1);
}

// libjpeg goes on after damaged or missing data, with grey pixels; to us that is a broken file.
void on_message(j_common_ptr decoder, int level) {
  auto* errors = reinterpret_cast<JpegErrors*>(decoder->err);
  if (level >= 0 || errors->damaged) return;
  const int code = errors->base.msg_code;
  errors->damaged = code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_JPEG_EOF ||
                    code == JWRN_MUST_RESYNC || code == JWRN_BOGUS_PROGRESSION;
  if (errors->damaged) errors->base.format_message(decoder, errors->message);
}

class JpegDecoder {
 public:
  JpegDecoder() {
    decoder_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = on_error;
    errors_.base.emit_message = on_message;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&decoder_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  bool read_header(const std::string& content) {
    if (setjmp(errors_.target) != 0) return false;
    jpeg_create_decompress(&decoder_);
    jpeg_mem_src(&decoder_, reinterpret_cast<const unsigned char*>(content.data()), content.size());
    return jpeg_read_header(&decoder_, TRUE) == JPEG_HEADER_OK;
  }

  bool start(unsigned scale_of_8) {
    if (setjmp(errors_.target) != 0) return false;
    decoder_.out_color_space = JCS_RGB;
    decoder_.scale_num = scale_of_8;
    decoder_.scale_denom = 8;
    return jpeg_start_decompress(&decoder_) == TRUE;
  }

  // `pixels` has room for output_height rows of output_width * 3.
  bool read_rows(std::uint8_t* pixels) {
    if (setjmp(errors_.target) != 0) return false;
    while (decoder_.output_scanline < decoder_.output_height) {
      JSAMPROW row = pixels + std::size_t{decoder_.output_scanline} * decoder_.output_width * 3;
      jpeg_read_scanlines(&decoder_, &row, 1);
    }
    jpeg_finish_decompress(&decoder_);
    return true;
  }

  const jpeg_decompress_struct& state() const { return decoder_; }
  bool damaged() const { return errors_.damaged; }
  std::string message() const { return errors_.message; }

 private:
  jpeg_decompress_struct decoder_{};
  JpegErrors errors_{};
};

Picture read_jpeg(const std::string& path, const std::string& content, std::int64_t side) {
  JpegDecoder decoder;
  if (!decoder.read_header(content)) throw broken(path, "not a valid JPEG file: " + decoder.message());
  const std::uint64_t width = decoder.state().image_width;
  const std::uint64_t height = decoder.state().image_height;
  check_size(path, width, height, width * height <= (content.size() + 64) * jpeg_pixels_a_byte);
  const auto smaller = static_cast<std::int64_t>(std::min(width, height));
  unsigned scale = 1;  // of 8: powers of two have the fast inverse transforms
  while (scale < 8 && smaller * scale / 8 < 2 * side) scale *= 2;
  if (!decoder.start(scale)) throw broken(path, "cannot decode this JPEG file: " + decoder.message());
  Picture picture{decoder.state().output_width, decoder.state().output_height, {}};
  picture.pixels.resize(static_cast<std::size_t>(picture.width * picture.height * 3));
  if (!decoder.read_rows(picture.pixels.data()) || decoder.damaged()) {
    throw broken(path, "corrupt or truncated JPEG file: " + decoder.message());
  }
  return picture;
}

}  // namespace

bool has_image_extension(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return false;
  std::string extension = name.substr(dot + 1);
  for (char& letter : extension) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return extension == "png" || extension == "jpg" || extension == "jpeg";
}

Picture read_picture(const std::string& path, std::int64_t side) {
  const std::string content = read_file(path, largest_file);
  if (content.compare(0, 8, "\x89PNG\r\n\x1a\n") == 0) return read_png(path, content);
  if (content.compare(0, 3, "\xff\xd8\xff") == 0) return read_jpeg(path, content, side);
  throw broken(path, content.empty() ? "an empty file, not an image" : "neither a PNG nor a JPEG file, by its content");
}

}  // namespace netwright

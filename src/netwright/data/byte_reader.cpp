#include "netwright/data/byte_reader.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "netwright/base/error.h"
#include "netwright/base/file.h"

namespace netwright {
namespace {

constexpr std::uint64_t deflate_ratio = 1032;        // no deflate stream unpacks to more (zlib's technical notes)
constexpr std::size_t block = std::size_t{8} << 20;  // by which memory grows

bool is_gzip(const std::string& content) {
  return content.size() > 2 && content[0] == '\x1f' && content[1] == '\x8b';
}

}  // namespace

struct ByteReader::Inflater {
  z_stream stream{};
  bool ended = false;

  ~Inflater() { inflateEnd(&stream); }
};

ByteReader::ByteReader(const std::string& path) : path_(path), content_(read_file(path)) {
  if (!is_gzip(content_)) return;
  inflater_ = std::make_unique<Inflater>();
  if (inflateInit2(&inflater_->stream, 15 + 16) != Z_OK) throw std::bad_alloc();  // 16: a gzip header, nothing else
  // zlib counts in 32 bits; read_file's limit is 4 GiB.
  inflater_->stream.next_in = reinterpret_cast<Bytef*>(content_.data());
  inflater_->stream.avail_in = static_cast<uInt>(content_.size());
}

ByteReader::~ByteReader() = default;

std::uint64_t ByteReader::remaining_at_most() const {
  if (!inflater_) return content_.size() - position_;
  return inflater_->stream.avail_in * deflate_ratio + (std::uint64_t{1} << 16);  // and what zlib has in its window
}

std::vector<std::uint8_t> ByteReader::read(std::uint64_t count, const std::string& what) {
  std::vector<std::uint8_t> bytes;
  if (!inflater_) bytes.reserve(std::min<std::uint64_t>(count, remaining_at_most()));
  while (bytes.size() < count) {
    const std::size_t before = bytes.size();
    bytes.resize(std::min<std::uint64_t>(count, before + block));
    const std::size_t got = read_some(bytes.data() + before, bytes.size() - before);
    if (before + got < bytes.size()) {
      throw invalid(
          {path_, 0, 0},
          "ends after " + std::to_string(before + got) + " of the " + std::to_string(count) + " bytes of " + what,
          "the file is truncated; fetch it again");
    }
  }
  return bytes;
}

void ByteReader::expect_end() {
  std::uint8_t extra = 0;
  if (read_some(&extra, 1) == 0) return;
  throw invalid({path_, 0, 0}, "has bytes after the end of its content",
                "the file is not what its header says; fetch it again");
}

std::size_t ByteReader::read_some(std::uint8_t* into, std::size_t count) {
  if (!inflater_) {
    const std::size_t got = std::min(count, content_.size() - position_);
    if (got > 0) std::memcpy(into, content_.data() + position_, got);
    position_ += got;
    return got;
  }
  z_stream& stream = inflater_->stream;
  stream.next_out = into;
  stream.avail_out = static_cast<uInt>(count);
  while (stream.avail_out > 0 && !inflater_->ended) {
    const int status = inflate(&stream, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      inflater_->ended = true;
      if (stream.avail_in == 0) continue;
      throw invalid({path_, 0, 0}, "has bytes after the end of its gzip stream", "fetch the file again");
    }
    if (status == Z_BUF_ERROR) break;  // the file ends within the stream
    if (status != Z_OK) {
      throw invalid({path_, 0, 0},
                    std::string("corrupt gzip stream: ") + (stream.msg != nullptr ? stream.msg : "unreadable"),
                    "fetch the file again");
    }
  }
  const std::size_t got = count - stream.avail_out;
  if (got < count && !inflater_->ended) {
    throw invalid({path_, 0, 0}, "the gzip stream is cut off", "the file is truncated; fetch it again");
  }
  return got;
}

}  // namespace netwright

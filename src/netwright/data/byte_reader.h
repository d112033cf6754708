// Bytes of a file from front to back, unpacked on the way where the file is gzip-compressed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace netwright {

// Every error is an invalid Error that names the file: absent, unreadable, a corrupt or truncated gzip stream, fewer or
// more bytes than asked for.
class ByteReader {
 public:
  explicit ByteReader(const std::string& path);
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;
  ~ByteReader();

  const std::string& path() const { return path_; }

  // The most that can follow: exact for plain files, what deflate could pack into the rest (1032 : 1) for gzip.
  std::uint64_t remaining_at_most() const;

  // Exactly `count` bytes. Memory grows with what the file yields, never beyond. `what` names them in the message.
  std::vector<std::uint8_t> read(std::uint64_t count, const std::string& what);

  // Throws unless the file ends here (for gzip, checks the checksum as well).
  void expect_end();

 private:
  std::size_t read_some(std::uint8_t* into, std::size_t count);

  std::string path_;
  std::string content_;
  std::size_t position_ = 0;  // of plain files
  struct Inflater;            // of gzip files
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace netwright

// The checkpoint container. Its digests cover every byte, so what is fed in is a container without them: they are put
// right first, and the reader's own checks have to do.
#include "netwright/train/checkpoint.h"

#include <algorithm>
#include <cstring>

#include "fuzz/fuzz.h"
#include "netwright/base/file.h"

namespace netwright::fuzz {
namespace {

constexpr std::size_t length_at = 12, digest_at = 20, header_at = 52;

// Digests of the tensors where the header has a table of them, then of the header.
std::string with_digests(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data() + length_at, sizeof length);
  length = std::min<std::uint64_t>(length, bytes.size() - header_at);
  std::string header = bytes.substr(header_at, length);
  const std::string data = bytes.substr(header_at + length);
  Json json = Json::parse(header, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("tensors") && json["tensors"].is_array()) {
    std::size_t end = data.size();  // each reaches to the next one's offset
    for (auto row = json["tensors"].rbegin(); row != json["tensors"].rend(); ++row) {
      if (!row->is_object() || !row->contains("offset") || !(*row)["offset"].is_number_unsigned()) continue;
      const std::size_t begin = std::min((*row)["offset"].get<std::size_t>(), end);
      (*row)["blake2b"] = blake2b_hex(std::string_view(data).substr(begin, end - begin), 32);
      end = begin;
    }
    header = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  length = header.size();
  std::string fixed = bytes.substr(0, digest_at);
  std::memcpy(fixed.data() + length_at, &length, sizeof length);
  const std::string hex = blake2b_hex(fixed + header, 32);
  std::string digest;
  for (std::size_t i = 0; i < hex.size(); i += 2) digest += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return fixed + digest + header + data;
}

}  // namespace

void checkpoint(std::string_view bytes) {
  refuse_or([&] { decode_checkpoint(bytes, "input.ckpt"); });
  if (bytes.size() < header_at) return;
  refuse_or([&] {
    const Checkpoint read = decode_checkpoint(with_digests(std::string(bytes)), "input.ckpt");
    const std::string written = encode_checkpoint(read);
    expect(encode_checkpoint(decode_checkpoint(written, "again.ckpt")) == written,
           "a checkpoint reads as it was written");
  });
}

}  // namespace netwright::fuzz

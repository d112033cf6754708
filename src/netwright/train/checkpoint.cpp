#include "netwright/train/checkpoint.h"

#include <sodium.h>

#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <limits>
#include <set>

#include "netwright/base/error.h"
#include "netwright/base/file.h"

namespace netwright {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "the container is little-endian and so is its writer");

// The fixed part: magic, version, length of the header, digest of all that and of the header.
constexpr std::string_view magic("NWCKPT\x1a\n", 8);
constexpr std::size_t version_at = 8;
constexpr std::size_t length_at = 12;
constexpr std::size_t digest_at = 20;
constexpr std::size_t digest_bytes = 32;
constexpr std::size_t header_at = digest_at + digest_bytes;

struct TypeName {
  torch::ScalarType type;
  const char* name;
  std::int64_t bytes;
};

constexpr std::array<TypeName, 7> types = {{{torch::kFloat, "float32", 4},
                                            {torch::kDouble, "float64", 8},
                                            {torch::kHalf, "float16", 2},
                                            {torch::kBFloat16, "bfloat16", 2},
                                            {torch::kLong, "int64", 8},
                                            {torch::kByte, "uint8", 1},
                                            {torch::kBool, "bool", 1}}};

std::string hex_digest(std::string_view bytes) {
  return blake2b_hex(bytes, digest_bytes);
}

std::string header_digest(std::string_view file, std::size_t header_bytes) {
  crypto_generichash_state state;
  std::string digest(digest_bytes, '\0');
  const auto* bytes = reinterpret_cast<const unsigned char*>(file.data());
  crypto_generichash_init(&state, nullptr, 0, digest_bytes);
  crypto_generichash_update(&state, bytes, digest_at);
  crypto_generichash_update(&state, bytes + header_at, header_bytes);
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(digest.data()), digest_bytes);
  return digest;
}

template <class T>
void put(std::string& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

template <class T>
T get(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

Error damaged(const std::string& file, const std::string& problem) {
  return invalid({file, 0, 0}, "not a whole checkpoint: " + problem,
                 "use the one before it (" + file + ".previous) or train again");
}

std::string_view contents(const torch::Tensor& contiguous) {
  return {static_cast<const char*>(contiguous.data_ptr()), contiguous.nbytes()};
}

// One row of the tensor table, checked against the bytes that are there.
struct TensorRow {
  std::string name;
  torch::ScalarType type = torch::kFloat;
  std::vector<std::int64_t> shape;
  std::size_t offset = 0;
  std::size_t bytes = 0;
  std::string digest;
};

TensorRow read_row(const Json& json, std::size_t offset, std::size_t available) {
  TensorRow row;
  row.name = json.at("name").get<std::string>();
  const auto type_name = json.at("type").get<std::string>();
  std::int64_t item = 0;
  for (const TypeName& type : types) {
    if (type_name != type.name) continue;
    row.type = type.type;
    item = type.bytes;
  }
  if (item == 0) throw std::runtime_error("the tensor '" + row.name + "' has the unknown type " + type_name);
  std::int64_t bytes = item;
  for (const Json& size : json.at("shape")) {
    const auto length = size.get<std::int64_t>();
    if (length < 0 || __builtin_mul_overflow(bytes, length, &bytes)) {
      throw std::runtime_error("the tensor '" + row.name + "' has an impossible shape");
    }
    row.shape.push_back(length);
  }
  row.offset = json.at("offset").get<std::size_t>();
  row.bytes = static_cast<std::size_t>(bytes);
  row.digest = json.at("blake2b").get<std::string>();
  if (row.offset != offset || row.bytes > available - offset) {
    throw std::runtime_error("the tensor '" + row.name + "' does not lie where the file has room for it");
  }
  return row;
}

NamedTensors read_tensors(const Json& table, std::string_view data) {
  std::vector<TensorRow> rows;
  std::set<std::string> names;
  std::size_t offset = 0;
  for (const Json& json : table) {
    rows.push_back(read_row(json, offset, data.size()));
    offset += rows.back().bytes;
    if (!names.insert(rows.back().name).second)
      throw std::runtime_error("two tensors named '" + rows.back().name + "'");
  }
  if (offset != data.size()) throw std::runtime_error("it is longer or shorter than its table of tensors says");
  NamedTensors tensors;
  for (const TensorRow& row : rows) {
    const std::string_view bytes = data.substr(row.offset, row.bytes);
    if (hex_digest(bytes) != row.digest) throw std::runtime_error("the tensor '" + row.name + "' is damaged");
    torch::Tensor tensor = torch::empty(row.shape, row.type);
    if (!bytes.empty()) std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
    tensors.emplace_back(row.name, std::move(tensor));
  }
  return tensors;
}

Json parse_header(std::string_view bytes) {
  if (bytes.size() < header_at) throw std::runtime_error("it is too short");
  if (bytes.substr(0, magic.size()) != magic) throw std::runtime_error("it does not begin as one");
  const auto version = get<std::uint32_t>(bytes, version_at);
  const auto length = get<std::uint64_t>(bytes, length_at);
  if (version != checkpoint_version) {
    throw std::runtime_error("it has version " + std::to_string(version) + ", this program reads version " +
                             std::to_string(checkpoint_version));
  }
  if (length > bytes.size() - header_at) throw std::runtime_error("it is cut off");
  if (header_digest(bytes, length) != bytes.substr(digest_at, digest_bytes)) {
    throw std::runtime_error("its header is damaged");
  }
  return Json::parse(bytes.substr(header_at, length));
}

}  // namespace

std::string encode_checkpoint(const Checkpoint& checkpoint) {
  Json table = Json::array();
  std::vector<torch::Tensor> contiguous;
  std::size_t offset = 0;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    contiguous.push_back(tensor.detach().to(torch::kCPU).contiguous());
    const torch::Tensor& values = contiguous.back();
    const char* type_name = nullptr;
    for (const TypeName& type : types) {
      if (type.type == values.scalar_type()) type_name = type.name;
    }
    if (type_name == nullptr) {
      throw Error(ExitCode::failure, "the tensor '" + name + "' has a type that checkpoints do not hold");
    }
    table.push_back({{"name", name},
                     {"type", type_name},
                     {"shape", values.sizes().vec()},
                     {"offset", offset},
                     {"blake2b", hex_digest(contents(values))}});
    offset += values.nbytes();
  }
  const Json document = {{"network", to_json(checkpoint.network)},
                         {"recipe", to_json(checkpoint.recipe)},
                         {"configuration", to_json(checkpoint.configuration)},
                         {"data", checkpoint.data},
                         {"metrics", checkpoint.metrics},
                         {"progress", checkpoint.progress},
                         {"evaluated", checkpoint.evaluated},
                         {"tensors", std::move(table)}};
  const std::string header = document.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string bytes;
  bytes.reserve(header_at + header.size() + offset);
  bytes.assign(header_at, '\0');
  bytes.replace(0, magic.size(), magic);
  put(bytes, version_at, checkpoint_version);
  put(bytes, length_at, static_cast<std::uint64_t>(header.size()));
  bytes += header;
  bytes.replace(digest_at, digest_bytes, header_digest(bytes, header.size()));
  for (const torch::Tensor& values : contiguous) bytes += contents(values);
  return bytes;
}

Checkpoint decode_checkpoint(std::string_view bytes, const std::string& file) {
  try {
    const Json header = parse_header(bytes);
    const auto header_bytes = get<std::uint64_t>(bytes, length_at);
    Checkpoint checkpoint;
    checkpoint.tensors = read_tensors(header.at("tensors"), bytes.substr(header_at + header_bytes));
    checkpoint.network = network_from_json(header.at("network"));
    checkpoint.recipe = recipe_from_json(header.at("recipe"));
    checkpoint.configuration = configuration_from_json(header.at("configuration"));
    checkpoint.data = header.at("data");
    checkpoint.metrics = header.at("metrics");
    checkpoint.progress = header.at("progress");
    checkpoint.evaluated = header.at("evaluated").get<std::string>();
    return checkpoint;
  } catch (const Error& error) {
    throw damaged(file, error.problem());
  } catch (const std::exception& error) {
    throw damaged(file, error.what());
  }
}

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  const std::string bytes = encode_checkpoint(checkpoint);
  std::error_code error;
  if (fs::exists(path, error)) {  // a second name for the old file, so that `path` itself is never absent
    const std::string link = path + ".link";
    fs::remove(link, error);
    fs::create_hard_link(path, link, error);
    if (error) fs::copy_file(path, link, fs::copy_options::overwrite_existing, error);
    if (!error) fs::rename(link, path + ".previous", error);
    if (error) {
      throw Error(ExitCode::failure, "cannot keep the previous checkpoint: " + error.message(),
                  "look at that folder's permissions and free space", {path, 0, 0});
    }
  }
  write_file_atomically(path, bytes);
}

Checkpoint load_checkpoint(const std::string& path) {
  constexpr std::size_t limit = std::numeric_limits<std::size_t>::max() / 2;  // the file's size is the limit
  return decode_checkpoint(read_file(path, limit), path);
}

LoadedCheckpoint load_checkpoint_or_previous(const std::string& path) {
  try {
    return {load_checkpoint(path), ""};
  } catch (const Error& error) {
    const std::string previous = path + ".previous";
    if (!file_exists(previous)) throw;
    try {
      return {load_checkpoint(previous), std::string(error.what()) + "\n  went on from " + previous};
    } catch (const Error&) {
    }
    throw;
  }
}

NamedTensors evaluated_weights(const Checkpoint& checkpoint) {
  return with_prefix_removed(checkpoint.tensors, checkpoint.evaluated);
}

}  // namespace netwright

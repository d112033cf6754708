#include "netwright/data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

#include "netwright/base/random.h"
#include "netwright/data/assemble.h"

namespace netwright {
namespace {

// The tensors that batches are written to. One is handed out again once nobody else refers to its memory.
class Buffers {
 public:
  Buffers(const Shape& shape, std::int64_t batch) : shape_(shape), batch_(batch) {}

  Batch take(std::int64_t size) {
    auto free = std::find_if(buffers_.begin(), buffers_.end(), [](const Batch& buffer) {
      return buffer.inputs.storage().use_count() == 1 && buffer.labels.storage().use_count() == 1;
    });
    if (free == buffers_.end()) {
      if (buffers_.size() == most_kept) buffers_.pop_front();  // its holder keeps it alive
      buffers_.push_back(allocate());
      free = buffers_.end() - 1;
    }
    // Views, so that nothing done to a batch's tensors themselves outlives it.
    return {free->inputs.narrow(0, 0, size), free->labels.narrow(0, 0, size)};
  }

 private:
  static constexpr std::size_t most_kept = 4;  // one in use, two prepared, one still held by the caller

  Batch allocate() const {
    const c10::InferenceMode normal(false);  // evaluation may run in inference mode; training could not use its tensors
    const auto labels = torch::empty({batch_}, torch::kInt64);
    if (!shape_.is_image()) return {torch::empty({batch_, shape_.channels}, torch::kFloat32), labels};
    return {torch::empty({batch_, shape_.channels, shape_.height, shape_.width}, torch::TensorOptions(torch::kFloat32),
                         torch::MemoryFormat::ChannelsLast),
            labels};
  }

  Shape shape_;
  std::int64_t batch_;
  std::deque<Batch> buffers_;
};

std::int64_t checked_batch(std::int64_t batch, const ExampleSet& data) {
  if (batch < 1) throw invalid({}, "a batch of " + std::to_string(batch), "recipe.batch must be at least 1");
  return std::min(batch, std::max<std::int64_t>(data.size(), 1));
}

void check_augmentation(const AugmentationOptions& augmentation, const Shape& shape) {
  if (!shape.is_image()) {
    if (augmentation.crop_padding == 0 && !augmentation.flip && augmentation.cutout == 0) return;
    throw invalid({}, "recipe.augmentation asks for crop, flip or cutout, and the data are rows",
                  "remove crop_padding, flip and cutout");
  }
  const std::int64_t side = std::min(shape.height, shape.width);
  if (augmentation.crop_padding < 0 || augmentation.crop_padding >= side) {
    throw invalid({}, "recipe.augmentation.crop_padding is " + std::to_string(augmentation.crop_padding),
                  "it must be less than the images' side, " + std::to_string(side));
  }
  if (augmentation.cutout < 0 || augmentation.cutout > side) {
    throw invalid({}, "recipe.augmentation.cutout is " + std::to_string(augmentation.cutout),
                  "it must be at most the images' side, " + std::to_string(side));
  }
}

// Writes batches of a data set. Used by one thread at a time.
class Assembler {
 public:
  Assembler(const ExampleSet& data, const AugmentationOptions& augmentation, std::int64_t batch)
      : data_(data), buffers_(data.shape(), batch) {
    if (data.shape().is_image()) images_.emplace(data.shape(), data.normalization(), augmentation);
  }

  // The examples at `order[0 … size)`; `stream` is the epoch's seed for augmentation.
  Batch write(const std::int32_t* order, std::int64_t size, std::uint64_t stream) {
    Batch batch = buffers_.take(size);
    auto* labels = batch.labels.data_ptr<std::int64_t>();
    auto* values = batch.inputs.data_ptr<float>();
    const std::int64_t elements = data_.shape().elements();
    for (std::int64_t i = 0; i < size; ++i, values += elements) {
      const std::int64_t example = order[i];
      labels[i] = data_.label(example);
      if (images_) {
        images_->write(data_.pixels(example), values, stream + static_cast<std::uint64_t>(example) * odd);
      } else {
        std::memcpy(values, data_.row(example), static_cast<std::size_t>(elements) * sizeof(float));
      }
    }
    return batch;
  }

  const ExampleSet& data() const { return data_; }

 private:
  static constexpr std::uint64_t odd = 0xd1b54a32d192ed03U;  // spreads neighbouring examples over the key space

  ExampleSet data_;
  Buffers buffers_;
  std::optional<ImageAssembler> images_;
};

std::int64_t training_batches(std::int64_t examples, std::int64_t batch) {
  const std::int64_t whole = examples / batch;
  const std::int64_t rest = examples % batch;
  return rest > 1 ? whole + 1 : whole;  // batch <= examples, so there is a whole one
}

}  // namespace

class Loader::Implementation {
 public:
  Implementation(const TrainingData& data, const AugmentationOptions& augmentation, std::int64_t batch,
                 std::uint64_t seed, bool background)
      : assembler_(data, augmentation, batch),
        batch_(batch),
        batches_(training_batches(data.size(), batch)),
        seed_(seed),
        order_(static_cast<std::size_t>(data.size())) {
    if (background) worker_ = std::jthread([this](const std::stop_token& stop) { prepare(stop); });
  }

  ~Implementation() {
    if (!worker_.joinable()) return;
    worker_.request_stop();  // wakes it where it waits
    worker_.join();
  }

  std::int64_t batches() const { return batches_; }
  std::int64_t examples() const { return std::min(batches_ * batch_, assembler_.data().size()); }

  Batch next() {
    if (!worker_.joinable()) return write(advance());
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !ready_.empty() || error_; });
    if (ready_.empty()) std::rethrow_exception(error_);
    Batch batch = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return batch;
  }

  void seek(std::int64_t epoch, std::int64_t batch) {
    const std::lock_guard lock(mutex_);
    position_ = {epoch, batch};
    ++generation_;
    ready_.clear();
    changed_.notify_all();
  }

 private:
  struct Position {
    std::int64_t epoch = 0;
    std::int64_t batch = 0;
  };

  static constexpr std::size_t ahead = 2;

  Position advance() {
    if (position_.batch >= batches_) position_ = {position_.epoch + 1, 0};
    return {position_.epoch, position_.batch++};
  }

  // The worker's loop: keeps two batches ready.
  void prepare(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return ready_.size() < ahead && !error_; })) {
      const Position position = advance();
      const std::uint64_t generation = generation_;
      lock.unlock();
      Batch batch;
      std::exception_ptr error;
      try {
        batch = write(position);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (error) {
        error_ = error;
      } else if (generation == generation_) {
        ready_.push_back(std::move(batch));
      }
      changed_.notify_all();
    }
  }

  Batch write(const Position& position) {
    if (position.epoch != ordered_epoch_) {
      std::iota(order_.begin(), order_.end(), 0);
      Random(derive_seed(seed_, "order", static_cast<std::uint64_t>(position.epoch))).shuffle(order_);
      ordered_epoch_ = position.epoch;
      stream_ = derive_seed(seed_, "augmentation", static_cast<std::uint64_t>(position.epoch));
    }
    const std::int64_t begin = position.batch * batch_;
    const std::int64_t size = std::min(batch_, assembler_.data().size() - begin);
    Batch batch = assembler_.write(order_.data() + begin, size, stream_);
    batch.epoch = position.epoch;
    batch.index = position.batch;
    return batch;
  }

  // Used by whoever assembles: the worker where there is one, else the caller.
  Assembler assembler_;
  const std::int64_t batch_;
  const std::int64_t batches_;
  const std::uint64_t seed_;
  std::vector<std::int32_t> order_;
  std::int64_t ordered_epoch_ = -1;
  std::uint64_t stream_ = 0;

  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  Position position_;             // of the next batch to assemble
  std::uint64_t generation_ = 0;  // of seeks; a batch begun before the last one is thrown away
  std::deque<Batch> ready_;
  std::exception_ptr error_;

  std::jthread worker_;  // last: ends before the rest does
};

Loader::Loader(const TrainingData& data, const AugmentationOptions& augmentation, std::int64_t batch,
               std::uint64_t seed, const LoaderOptions& options) {
  check_augmentation(augmentation, data.shape());
  const std::int64_t checked = checked_batch(batch, data);
  implementation_ = std::make_unique<Implementation>(data, augmentation, checked, seed,
                                                     options.background.value_or(torch::get_num_threads() > 1));
}

Loader::Loader(Loader&&) noexcept = default;
Loader& Loader::operator=(Loader&&) noexcept = default;
Loader::~Loader() = default;

std::int64_t Loader::batches() const {
  return implementation_->batches();
}
std::int64_t Loader::examples() const {
  return implementation_->examples();
}
Batch Loader::next() {
  return implementation_->next();
}
void Loader::seek(std::int64_t epoch, std::int64_t batch) {
  implementation_->seek(epoch, batch);
}

class EvaluationLoader::Implementation {
 public:
  Implementation(const ExampleSet& data, std::int64_t batch, bool normalize)
      : batch_(checked_batch(batch, data)),
        assembler_(data, {.normalize = normalize}, batch_),
        order_(static_cast<std::size_t>(data.size())) {
    std::iota(order_.begin(), order_.end(), 0);
  }

  std::int64_t examples() const { return assembler_.data().size(); }
  std::int64_t batches() const { return (examples() + batch_ - 1) / batch_; }

  Batch get(std::int64_t index) {
    const std::int64_t begin = index * batch_;
    Batch batch = assembler_.write(order_.data() + begin, std::min(batch_, examples() - begin), 0);
    batch.index = index;
    return batch;
  }

 private:
  std::int64_t batch_;
  Assembler assembler_;
  std::vector<std::int32_t> order_;
};

EvaluationLoader::EvaluationLoader(const TrainingData& data, std::int64_t batch, bool normalize)
    : implementation_(std::make_unique<Implementation>(data, batch, normalize)) {}
EvaluationLoader::EvaluationLoader(const ValidationData& data, std::int64_t batch, bool normalize)
    : implementation_(std::make_unique<Implementation>(data, batch, normalize)) {}
EvaluationLoader::EvaluationLoader(const TestData& data, FinalEvaluation, std::int64_t batch, bool normalize)
    : implementation_(std::make_unique<Implementation>(data, batch, normalize)) {}
EvaluationLoader::EvaluationLoader(EvaluationLoader&&) noexcept = default;
EvaluationLoader& EvaluationLoader::operator=(EvaluationLoader&&) noexcept = default;
EvaluationLoader::~EvaluationLoader() = default;

std::int64_t EvaluationLoader::batches() const {
  return implementation_->batches();
}
std::int64_t EvaluationLoader::examples() const {
  return implementation_->examples();
}
Batch EvaluationLoader::get(std::int64_t index) {
  return implementation_->get(index);
}

}  // namespace netwright

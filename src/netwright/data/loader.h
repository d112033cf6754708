// Batches, assembled from the bytes of a data set in one pass: cropping, flipping, normalisation and cutout write
// straight into the float tensor that the network reads. There is no other copy.
//
// The order of an epoch is a function of (seed, epoch), an example's augmentation of (seed, epoch, example): neither
// depends on the batch size, on threads, or on what was drawn before. A loader that seeks to (epoch, batch) gives the
// batches that an uninterrupted one would have given from there on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <torch/torch.h>

#include "netwright/data/data_set.h"
#include "netwright/space/recipe.h"

namespace netwright {

// Lifetime: the tensors are the caller's for as long as any tensor refers to them (autograd's saved ones included). A
// loader reuses a buffer only once nobody else holds it, so keeping a batch is safe and costs a new buffer.
struct Batch {
  torch::Tensor inputs;    // float; N x C x H x W, contiguous in channels_last, or N x features
  torch::Tensor labels;    // int64; N
  std::int64_t epoch = 0;  // of training, from 0
  std::int64_t index = 0;  // of the batch in its epoch, from 0

  std::int64_t size() const { return labels.size(0); }
};

struct LoaderOptions {
  // Assemble the next batch on a thread of its own while this one is used. Default: when LibTorch has more than one
  // thread. The batches are the same either way.
  std::optional<bool> background;
};

// Training batches, shuffled anew each epoch. The last batch of an epoch may be smaller; one of a single example is
// left out (batch normalisation cannot train on it) unless it is the whole epoch or `batch` is 1.
class Loader {
 public:
  // Throws an invalid Error when the augmentation does not fit the data: any of it but `normalize` on rows, a padding
  // or cutout larger than the image, or batch < 1.
  Loader(const TrainingData& data, const AugmentationOptions& augmentation, std::int64_t batch, std::uint64_t seed,
         const LoaderOptions& options = {});
  Loader(Loader&&) noexcept;
  Loader& operator=(Loader&&) noexcept;
  ~Loader();

  std::int64_t batches() const;   // in an epoch
  std::int64_t examples() const;  // in an epoch

  // The next batch; after the last of an epoch comes the first of the next, for ever. Starts at epoch 0, batch 0.
  Batch next();
  // Makes next() continue with that batch. Precondition: epoch >= 0, 0 <= batch <= batches().
  void seek(std::int64_t epoch, std::int64_t batch);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// Every example once, in the split's order, without augmentation; the last batch may be smaller. Test data needs the
// FinalEvaluation that opening it needed.
class EvaluationLoader {
 public:
  EvaluationLoader(const TrainingData& data, std::int64_t batch, bool normalize = true);
  EvaluationLoader(const ValidationData& data, std::int64_t batch, bool normalize = true);
  EvaluationLoader(const TestData& data, FinalEvaluation final_evaluation, std::int64_t batch, bool normalize = true);
  EvaluationLoader(EvaluationLoader&&) noexcept;
  EvaluationLoader& operator=(EvaluationLoader&&) noexcept;
  ~EvaluationLoader();

  std::int64_t batches() const;
  std::int64_t examples() const;
  Batch get(std::int64_t index);  // 0 <= index < batches()

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace netwright

// Measuring a stored network on validation or test data.
#pragma once

#include "netwright/data/data_set.h"
#include "netwright/data/loader.h"
#include "netwright/train/evaluate.h"
#include "netwright/train/trained.h"

namespace netwright {

// Metrics are called test_accuracy, test_loss, test_top5 on test data and accuracy, loss, top5 on validation data;
// confusion and examples on both. Throws an invalid Error when the network does not fit the data.
Json measure_on(const Checkpoint& checkpoint, const ValidationData& data, const torch::Device& device);
Json measure_on(const Checkpoint& checkpoint, const TestData& data, FinalEvaluation final_evaluation,
                const torch::Device& device);

}  // namespace netwright

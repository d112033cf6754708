// What is watched while a search in a supernet runs: how decided the architecture is, what its decoded network consists
// of and how often it changed, how curved the validation loss is in it, and whether the search collapses (collapse.h).
//
// The eigenvalue is watched only in methods whose architecture is a point in a continuous space (Method::relaxed()),
// and so are the rules; for others the rest is measured alone. Nothing here draws from the search's random stream: a
// search that is watched goes the same way as one that is not.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "netwright/oneshot/collapse.h"
#include "netwright/oneshot/decoding.h"
#include "netwright/oneshot/method.h"
#include "netwright/trial/architecture_record.h"

namespace netwright {

// Means over all rows. Sparsity is Hoyer's (2004): (sqrt(n) - |w|_1 / |w|_2) / (sqrt(n) - 1).
double mean_entropy(const Importance& importance);
double mean_sparsity(const Importance& importance);

// Skip connections that a network has where the supernet leaves the operation open. A decision between identities alone
// (which source, how many copies) is none.
std::vector<CellSkips> skip_connections(const Relaxation& relaxation, const OperationTable& table, const Picks& picks);

int changed_choices(const Configuration& before, const Configuration& now);

ArchitectureRecord architecture_record(const Relaxation& relaxation, const Importance& importance, const Picks& picks);

// The eigenvalue of the loss's Hessian in `of`, at its present values, that is largest in magnitude: by the power
// method, whose products with the Hessian are differences of the gradient over so small a step that no ReLU
// switches on the way (where the two sides of the point show that one does, over a smaller one), so that they are what
// second derivatives give, in a fraction of the time and of the memory. NaN where ReLUs switch on both sides of every
// step: nothing is known then. Preconditions: `of` and the loss are in float64; the loss does the same each time. `of`
// is moved and put back bit for bit. `v` (one a tensor of `of`, not zero) becomes the last vector, of length 1: the
// next search of the eigenvalue may start there. Ends early once an iteration changes the eigenvalue by less than
// `settled`, a share of it.
double dominant_eigenvalue(const std::function<torch::Tensor()>& loss, const std::vector<torch::Tensor>& of,
                           int iterations, std::vector<torch::Tensor>& v, double settled = 0.01);

// While it lives the tensors, leaves or buffers, are of type float64; then they are as before, bit for bit and in the
// same memory.
class InDouble {
 public:
  explicit InDouble(std::vector<torch::Tensor> tensors);
  ~InDouble();
  InDouble(const InDouble&) = delete;
  InDouble& operator=(const InDouble&) = delete;

 private:
  std::vector<torch::Tensor> tensors_, kept_;
};

class HealthWatch {
 public:
  // All outlive it.
  HealthWatch(const SearchSpace& space, const Relaxation& relaxation, const Method& method,
              const CollapseOptions& options, std::uint64_t seed);

  // Whether the next epoch's eigenvalue is due.
  bool wants_eigenvalue(std::int64_t epoch) const;
  // After an epoch, once each. `configuration` is its decoded network; `make_loss` makes that of which the eigenvalue
  // is taken, in float64, when one is due; the architecture's parameters are in float64 while it is asked.
  const EpochHealth& observe(std::int64_t epoch, const Importance& importance, const Configuration& configuration,
                             const std::function<std::function<torch::Tensor()>()>& make_loss);

  const std::vector<EpochHealth>& history() const { return history_; }
  const std::vector<CollapseSign>& new_signs() const {
    return new_signs_;
  }                     // of the last epoch; each rule says so once
  bool judged() const;  // whether the rules have looked at the last epoch
  std::int64_t sign_count() const { return static_cast<std::int64_t>(seen_.size()); }  // rules that have spoken

  // Whether a sign has ended the search; then the architecture to decode is that of epoch back_to().
  bool stopped() const { return back_to_ > 0; }
  std::int64_t back_to() const { return back_to_; }
  Importance importance_before() const;  // precondition: stopped()

  // All of it, for checkpoints. restore() takes a checkpoint without it as the beginning of the watch, and throws
  // Json::exception for damage.
  Json progress() const;
  NamedTensors state() const;
  void restore(const Json& progress, const NamedTensors& state);

 private:
  void judge();
  std::int64_t first_judged() const;

  const SearchSpace& space_;
  const Relaxation& relaxation_;
  const Method& method_;
  CollapseOptions options_;
  std::uint64_t seed_;

  std::vector<EpochHealth> history_;
  std::optional<Configuration> last_;
  std::vector<Importance> importances_;  // by epoch, as in history_; kept where the search may have to go back
  std::vector<torch::Tensor> vector_;    // of the eigenvalue; empty before the first
  std::vector<std::string> seen_;        // rules that have spoken
  std::vector<CollapseSign> new_signs_;
  std::int64_t back_to_ = 0;
};

}  // namespace netwright

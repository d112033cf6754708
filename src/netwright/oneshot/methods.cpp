// The table of methods. A new one adds its pair of files and one row here.
#include <algorithm>
#include <cmath>

#include "netwright/base/text.h"
#include "netwright/oneshot/darts.h"
#include "netwright/oneshot/drnas.h"
#include "netwright/oneshot/enas.h"
#include "netwright/oneshot/gaea.h"
#include "netwright/oneshot/gdas.h"
#include "netwright/oneshot/method.h"
#include "netwright/oneshot/parts.h"
#include "netwright/oneshot/pc_darts.h"
#include "netwright/oneshot/random_ws.h"
#include "netwright/oneshot/rebar.h"
#include "netwright/oneshot/relax.h"
#include "netwright/oneshot/snas.h"

namespace netwright {

std::vector<MethodRow> methods() {
  return {
      {"darts", "all options at once, weighted by a softmax that follows the validation loss", make_darts},
      {"pc_darts", "DARTS on a share of the channels, with weighted edges", make_pc_darts},
      {"gaea", "DARTS or PC-DARTS with weights on the simplex and multiplicative updates", make_gaea},
      {"snas", "soft samples by the Gumbel trick; weights and architecture learn from the same loss", make_snas},
      {"gdas", "one sampled operation an edge, gradients by the straight-through trick", make_gdas},
      {"drnas", "weights drawn from a Dirichlet distribution", make_drnas},
      {"rebar", "hard samples, unbiased gradients with a relaxed control variate", make_rebar},
      {"relax", "hard samples, unbiased gradients with a learned control variate", make_relax},
      {"enas", "a recurrent controller trained by REINFORCE on shared weights", make_enas},
      {"random_ws", "random paths share weights, then the best of many by validation", make_random_ws},
  };
}

std::unique_ptr<Method> make_method(const MethodContext& context) {
  std::vector<std::string> names;
  const Yaml* name = context.options.find("name");
  for (const auto& row : methods()) {
    if (name != nullptr && name->is_scalar() && name->text == row.name) return row.make(context);
    names.push_back(row.name);
  }
  if (name == nullptr) {
    throw invalid(context.options.where, "the method has no name", "write strategy: {name: " + names.front() + "}");
  }
  const std::string& wrong = name->as_text("name");
  throw invalid(name->where, "there is no one-shot method '" + wrong + "'", suggest(wrong, names));
}

double Progress::by_epoch() const {
  if (epochs <= 1) return 0;
  return std::clamp(std::floor(epoch) / (epochs - 1), 0.0, 1.0);
}

torch::Tensor SearchStep::loss(const Batch& batch, const Mixture& mixture, bool by_weights) const {
  return loss_in_parts(net, batch, mixture, {parts, by_weights, 0}).loss;
}

}  // namespace netwright

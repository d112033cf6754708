// When a search in a supernet counts as collapsed, and what happens then: `search.collapse` of the experiment file.
// Plain data, read without LibTorch; oneshot/collapse.h applies it.
#pragma once

#include <cstdint>
#include <string>

#include "netwright/base/yaml.h"

namespace netwright {

struct CollapseOptions {
  std::string action = "warn";   // warn; stop: end the search with the architecture from before; off: look for nothing
  std::int64_t from_epoch = 10;  // after the warm-up; what was before is not judged, nor gone back to by the eigenvalue
  std::int64_t skips = 2;        // so many skip connections in one normal cell (Liang et al. 2019, "DARTS+"); 0: not
                                 // looked at
  double ratio = 0.75;           // of smoothed eigenvalues, the earlier to the later (Zela et al. 2020); 0: likewise
  std::int64_t window = 5;       // eigenvalues that are smoothed over, and how far apart the two are
  std::int64_t every = 1;        // epochs from one eigenvalue to the next
  std::int64_t iterations = 5;   // of the power method, at most
  std::int64_t examples = 32;    // on which the loss is taken, the same each time

  bool is_on() const { return action != "off"; }
  bool stops() const { return action == "stop"; }
};

// One of the three words, or a mapping {action, from_epoch, skip_connections, eigenvalue: {ratio, window, every,
// iterations, examples}}; strict, an invalid Error at the key's place.
CollapseOptions parse_collapse(const Yaml& node);

}  // namespace netwright

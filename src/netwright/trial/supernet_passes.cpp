#include "netwright/trial/supernet_passes.h"

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

struct PassName {
  const char* name;
  bool SupernetPasses::*member;
};

constexpr PassName table[] = {{"channels_last", &SupernetPasses::channels_last},
                              {"blocks", &SupernetPasses::blocks},
                              {"share", &SupernetPasses::share},
                              {"sums", &SupernetPasses::sums},
                              {"separable", &SupernetPasses::separable},
                              {"gradients", &SupernetPasses::gradients},
                              {"recompute", &SupernetPasses::recompute},
                              {"bf16", &SupernetPasses::bf16}};

}  // namespace

const std::vector<std::string>& pass_names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> found;
    for (const PassName& pass : table) found.emplace_back(pass.name);
    return found;
  }();
  return all;
}

bool& pass_by_name(SupernetPasses& passes, const std::string& name) {
  for (const PassName& pass : table) {
    if (name == pass.name) return passes.*pass.member;
  }
  throw invalid({}, "unknown pass '" + name + "'", suggest(name, pass_names()));
}

SupernetPasses parse_passes(const Yaml& node) {
  SupernetPasses passes;
  MappingReader reader(node, "passes");
  for (const PassName& pass : table) passes.*pass.member = reader.boolean(pass.name, passes.*pass.member);
  reader.finish();
  return passes;
}

}  // namespace netwright

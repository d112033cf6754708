// netwright-torch: the part of netwright that links LibTorch.

#include <string>

#include "apps/netwright-torch/verb.h"
#include "netwright/base/version.h"
#include "netwright/train/loop.h"

int main(int argc, char** argv) {
  using namespace netwright;
  CLI::App application(
      "netwright-torch is the part of netwright that links LibTorch. 'netwright' starts it where it needs it; use that "
      "command.");
  application.name("netwright-torch");
  application.set_version_flag("--version", std::string("netwright-torch ") + version() + ", LibTorch " TORCH_VERSION);
  return run_verbs(application, {add_trainer, add_data, add_evaluate, add_export, add_doctor, add_estimators}, argc,
                   argv, failure_message);
}

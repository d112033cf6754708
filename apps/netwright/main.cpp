// The command `netwright`. It does not link LibTorch: what needs it runs in netwright-torch.

#include <string>

#include "apps/netwright/verb.h"
#include "netwright/base/version.h"

int main(int argc, char** argv) {
  using namespace netwright;
  CLI::App application(
      "netwright designs neural networks: it searches a space, retrains what it found, compares it with random search\n"
      "at the same cost, and hands over a trained, exported network.\n\n"
      "First steps:\n"
      "  netwright doctor                       is this machine ready?\n"
      "  netwright check examples/demo.yaml     is this experiment right?\n"
      "  netwright run examples/demo.yaml       search, retrain, compare, report");
  application.name("netwright");
  application.set_version_flag("--version", std::string("netwright ") + version());
  application.footer(
      "Exit codes: 0 done, 1 failure, 2 usage, 3 invalid configuration or data, 4 storage unavailable,\n"
      "5 too many failed trials, 6 no valid trial, 75 interrupted (resumable).\n"
      "'netwright VERB --help' explains a verb.");
  return run_verbs(application,
                   {add_run, add_check, add_resume, add_ls, add_show, add_best, add_compare, add_report, add_export,
                    add_doctor, add_ask, add_tell, add_import, add_narrow, add_bench},
                   argc, argv, [](const std::exception& error) { return std::string(error.what()); });
}

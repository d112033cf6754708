// The command `netwright`. It does not link LibTorch: what needs it runs in netwright-torch.

#include <exception>
#include <iostream>
#include <utility>

#include "apps/netwright/verb.h"
#include "netwright/base/error.h"
#include "netwright/base/version.h"

namespace netwright {
namespace {

int run_command(int argc, char** argv) {
  CLI::App application(
      "netwright designs neural networks: it searches a space, retrains what it found, compares it with random search\n"
      "at the same cost, and hands over a trained, exported network.\n\n"
      "First steps:\n"
      "  netwright doctor                       is this machine ready?\n"
      "  netwright check examples/demo.yaml     is this experiment right?\n"
      "  netwright run examples/demo.yaml       search, retrain, compare, report");
  application.name("netwright");
  application.set_version_flag("--version", std::string("netwright ") + version());
  application.require_subcommand(1);
  application.footer(
      "Exit codes: 0 done, 1 failure, 2 usage, 3 invalid configuration or data, 4 storage unavailable,\n"
      "5 too many failed trials, 6 no valid trial, 75 interrupted (resumable).\n"
      "'netwright VERB --help' explains a verb.");
  const std::vector<Verb> verbs = {{add_run},  {add_check},   {add_resume}, {add_ls},     {add_show},
                                   {add_best}, {add_compare}, {add_report}, {add_export}, {add_doctor},
                                   {add_ask},  {add_tell},    {add_import}, {add_narrow}, {add_bench}};
  std::vector<std::pair<CLI::App*, std::function<int()>>> actions;
  for (const Verb& verb : verbs) {
    auto action = verb.add(application);
    actions.emplace_back(application.get_subcommands([](CLI::App*) { return true; }).back(), std::move(action));
  }
  try {
    application.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return application.exit(success);
  } catch (const CLI::ParseError& error) {
    application.exit(error, std::cerr, std::cerr);
    return static_cast<int>(ExitCode::usage);
  }
  for (const auto& [subcommand, action] : actions) {
    if (subcommand->parsed()) return action();
  }
  return static_cast<int>(ExitCode::usage);
}

}  // namespace
}  // namespace netwright

int main(int argc, char** argv) {
  try {
    return netwright::run_command(argc, argv);
  } catch (const netwright::Error& error) {
    std::cerr << "netwright: " << error.what() << '\n';
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::cerr << "netwright: " << error.what() << '\n';
    return static_cast<int>(netwright::ExitCode::failure);
  }
}

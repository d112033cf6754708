// netwright-torch: the part of netwright that links LibTorch.

#include <exception>
#include <iostream>
#include <utility>
#include <vector>

#include "apps/netwright-torch/verb.h"
#include "netwright/base/error.h"
#include "netwright/base/version.h"
#include "netwright/train/loop.h"

namespace netwright {
namespace {

int run_command(int argc, char** argv) {
  CLI::App application(
      "netwright-torch is the part of netwright that links LibTorch. 'netwright' starts it where it needs it; use that "
      "command.");
  application.name("netwright-torch");
  application.set_version_flag("--version", std::string("netwright-torch ") + version() + ", LibTorch " TORCH_VERSION);
  application.require_subcommand(1);
  std::vector<std::pair<CLI::App*, std::function<int()>>> actions;
  for (auto* add : {add_trainer, add_data, add_evaluate, add_export, add_doctor}) {
    auto action = add(application);
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
    std::cerr << "netwright-torch: " << error.what() << '\n';
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::cerr << "netwright-torch: " << netwright::failure_message(error) << '\n';
    return static_cast<int>(netwright::ExitCode::failure);
  }
}

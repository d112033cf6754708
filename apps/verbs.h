// A command made of verbs, one file each: parsing the line, running the verb, turning errors into exit codes.
#pragma once

#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "netwright/base/error.h"
#include "netwright/base/printable.h"

namespace netwright {

// Adds the verb's subcommand to the application; what it returns is run when the user typed that verb, and gives the
// exit code.
using AddVerb = std::function<int()> (*)(CLI::App& application);

// The exit code. `explain` words an exception that is no Error.
inline int run_verbs(CLI::App& application, const std::vector<AddVerb>& verbs, int argc, char** argv,
                     std::string (*explain)(const std::exception&)) {
  application.require_subcommand(1);
  std::vector<std::pair<CLI::App*, std::function<int()>>> actions;
  try {
    for (const AddVerb add : verbs) {
      auto action = add(application);
      actions.emplace_back(application.get_subcommands([](CLI::App*) { return true; }).back(), std::move(action));
    }
    application.parse(argc, argv);
    for (const auto& [subcommand, action] : actions) {
      if (subcommand->parsed()) return action();
    }
    return static_cast<int>(ExitCode::usage);
  } catch (const CLI::Success& success) {
    return application.exit(success);
  } catch (const CLI::ParseError& error) {
    application.exit(error, std::cerr, std::cerr);
    return static_cast<int>(ExitCode::usage);
  } catch (const Error& error) {
    // What it quotes of files may hold anything.
    if (*error.what() != '\0') std::cerr << application.get_name() << ": " << printable(error.what()) << '\n';
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::cerr << application.get_name() << ": " << explain(error) << '\n';
    return static_cast<int>(ExitCode::failure);
  }
}

}  // namespace netwright

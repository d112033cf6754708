// The command's verbs: one file each, one row each in verbs().
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace netwright {

struct Verb {
  // Adds the verb's subcommand to the application; what it returns is run when the user typed that verb, and gives the
  // exit code.
  std::function<int()> (*add)(CLI::App& application);
};

std::function<int()> add_run(CLI::App& application);
std::function<int()> add_resume(CLI::App& application);
std::function<int()> add_check(CLI::App& application);
std::function<int()> add_ls(CLI::App& application);
std::function<int()> add_show(CLI::App& application);
std::function<int()> add_best(CLI::App& application);
std::function<int()> add_compare(CLI::App& application);
std::function<int()> add_report(CLI::App& application);
std::function<int()> add_export(CLI::App& application);
std::function<int()> add_doctor(CLI::App& application);
std::function<int()> add_ask(CLI::App& application);
std::function<int()> add_tell(CLI::App& application);
std::function<int()> add_import(CLI::App& application);
std::function<int()> add_narrow(CLI::App& application);
std::function<int()> add_bench(CLI::App& application);

}  // namespace netwright

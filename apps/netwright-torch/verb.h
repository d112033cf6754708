// The verbs of netwright-torch: one file each, one row each in main.cpp. People type `netwright`, which starts this
// program for what needs LibTorch; every verb but trainer prints one JSON document.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace netwright {

// Adds the verb's subcommand to the application; what is returned is run when the user typed that verb, and gives the
// exit code.
std::function<int()> add_trainer(CLI::App& application);
std::function<int()> add_data(CLI::App& application);
std::function<int()> add_evaluate(CLI::App& application);
std::function<int()> add_export(CLI::App& application);
std::function<int()> add_doctor(CLI::App& application);

}  // namespace netwright

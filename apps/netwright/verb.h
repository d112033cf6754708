// The command's verbs: one file each, one name each in main.cpp.
#pragma once

#include "apps/verbs.h"

namespace netwright {

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

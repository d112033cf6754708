// The command's verbs: one file each, one name each in main.cpp.
#pragma once

#include "apps/verbs.h"
#include "netwright/base/json.h"

namespace netwright {

// The document as a verb prints it. Bytes that are not UTF-8, as a path may have, are replaced.
inline std::string json_text(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

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

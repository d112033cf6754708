// The verbs of netwright-torch: one file each, one row each in main.cpp. People type `netwright`, which starts this
// program for what needs LibTorch; every verb but trainer prints one JSON document.
#pragma once

#include "apps/verbs.h"

namespace netwright {

std::function<int()> add_trainer(CLI::App& application);
std::function<int()> add_data(CLI::App& application);
std::function<int()> add_evaluate(CLI::App& application);
std::function<int()> add_export(CLI::App& application);
std::function<int()> add_doctor(CLI::App& application);
std::function<int()> add_estimators(CLI::App& application);

}  // namespace netwright

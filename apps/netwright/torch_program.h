// netwright-torch, the sibling program that links LibTorch.
#pragma once

#include <string>
#include <vector>

#include "netwright/base/json.h"

namespace netwright {

// Its path: NETWRIGHT_TORCH, else beside this program, else on PATH. Throws Error with the remedy when there is none.
std::string torch_program();

struct ProgramResult {
  int exit_code = 0;   // 128 + signal when killed
  std::string output;  // stdout; stderr passes through
};

// Runs a program to its end.
ProgramResult run_program(const std::vector<std::string>& command);

// Runs netwright-torch with the arguments and reads the JSON document that it prints. Its own error message (already
// printed to stderr) becomes an Error with its exit code.
Json torch_json(const std::vector<std::string>& arguments);

}  // namespace netwright

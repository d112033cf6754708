// netwright doctor

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "apps/netwright/machine.h"
#include "apps/netwright/torch_program.h"
#include "apps/netwright/verb.h"
#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/version.h"
#include "netwright/fleet/threads.h"
#include "netwright/study/experiment.h"

namespace netwright {
namespace {

struct Finding {
  std::string name;
  std::string state;  // ok, warning, error
  std::string detail;
  std::string remedy;
};

Finding writable_folder() {
  const std::string probe = (std::filesystem::path("runs")).string();
  const bool made = !file_exists(probe);
  try {
    make_folders(probe);
    const std::string file = probe + "/.doctor";
    write_file_atomically(file, "ok");
    std::filesystem::remove(file);
    if (made) std::filesystem::remove(probe);
    const auto space = std::filesystem::space(".");
    const double free_gib = static_cast<double>(space.available) / (1 << 30);
    char text[64];
    std::snprintf(text, sizeof text, "writable, %.1f GiB free", free_gib);
    if (free_gib < 1) return {"runs folder", "warning", text, "free some space: checkpoints and reports go here"};
    return {"runs folder", "ok", text, ""};
  } catch (const Error& error) {
    return {"runs folder", "error", error.problem(), error.remedy()};
  }
}

Finding data_set() {
  const std::string folder = "/usr/share/datasets/fashion-mnist";
  if (file_exists(folder + "/train-images-idx3-ubyte.gz")) return {"Fashion-MNIST", "ok", folder, ""};
  return {"Fashion-MNIST", "warning", "not installed",
          "apt-get install dataset-fashion-mnist (needed by the demo alone)"};
}

std::vector<Finding> torch_findings(Json& torch) {
  try {
    torch = torch_json({"doctor"});
  } catch (const Error& error) {
    const std::string problem = error.problem().empty() ? "netwright-torch fails, as told above" : error.problem();
    return {{"LibTorch", "error", problem, error.remedy().empty() ? "run 'make build'" : error.remedy()}};
  }
  std::vector<Finding> findings;
  findings.push_back({"LibTorch", "ok", torch.value("torch", "?") + ", " + torch.value("cpu_capability", "?"), ""});
  const std::string blas = torch.value("blas", "unknown");
  const bool slow = torch.value("blas_is_slow", false);
  findings.push_back({"BLAS", slow ? "warning" : "ok", blas,
                      slow ? "the reference BLAS is 6 to 20 times slower: apt-get install libopenblas0-openmp" : ""});
  return findings;
}

int doctor(bool json) {
  Json torch;
  std::vector<Finding> findings;
  const Json machine = machine_description();
  findings.push_back({"machine", "ok",
                      machine.value("cpu", "unknown processor") + ", " + std::to_string(available_cores()) +
                          " cores, " + machine.at("memory_gib").dump() + " GiB, " + machine.value("system", ""),
                      ""});
  for (auto& finding : torch_findings(torch)) findings.push_back(std::move(finding));
  findings.push_back(writable_folder());
  findings.push_back(data_set());
  const std::string spaces = shipped_file("spaces/nas-bench-201.yaml");
  findings.push_back(spaces.empty()
                         ? Finding{"spaces", "warning", "the shipped spaces are not beside the program",
                                   "run from the checkout's build folder"}
                         : Finding{"spaces", "ok", std::filesystem::path(spaces).parent_path().string(), ""});
  bool broken = false;
  for (const auto& finding : findings) broken = broken || finding.state == "error";
  if (json) {
    Json document = {
        {"schema", 1}, {"version", version()}, {"healthy", !broken}, {"machine", machine}, {"torch", torch}};
    for (const auto& finding : findings) {
      document["findings"].push_back(
          {{"name", finding.name}, {"state", finding.state}, {"detail", finding.detail}, {"remedy", finding.remedy}});
    }
    std::cout << json_text(document);
  } else {
    for (const auto& finding : findings) {
      std::printf("%-8s %-14s %s\n", finding.state.c_str(), finding.name.c_str(), finding.detail.c_str());
      if (!finding.remedy.empty()) std::printf("         %-14s remedy: %s\n", "", finding.remedy.c_str());
    }
    if (torch.contains("gemm_gflops"))
      std::printf("measured: matrix product %.0f GFLOP/s\n", torch.at("gemm_gflops").get<double>());
  }
  return broken ? static_cast<int>(ExitCode::failure) : 0;
}

}  // namespace

std::function<int()> add_doctor(CLI::App& application) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* verb =
      application.add_subcommand("doctor", "Look whether this machine is ready: LibTorch, BLAS, folders, data");
  verb->add_flag("--json", *json, "Print one JSON document");
  return [json] { return doctor(*json); };
}

}  // namespace netwright

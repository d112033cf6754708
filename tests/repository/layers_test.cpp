// The layer rule of ARCHITECTURE.md, checked by reading every include of src/netwright and apps.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// What each folder may include beside itself.
const std::map<std::string, std::set<std::string>> allowed = {
    {"base", {}},
    {"space", {"base"}},
    {"trial", {"base", "space"}},
    {"strategy", {"base", "space", "trial"}},
    {"schedule", {"base", "space", "trial"}},
    {"storage", {"base", "space", "trial"}},
    {"fleet", {"base", "space", "trial"}},
    {"bench", {"base", "space", "trial"}},
    {"study", {"base", "space", "trial", "strategy", "schedule", "storage", "fleet", "bench"}},
    {"report", {"base", "space", "trial", "strategy", "schedule", "storage", "fleet", "bench", "study"}},
    {"nn", {"base", "space"}},
    {"data", {"base", "space", "trial", "nn"}},
    {"train", {"base", "space", "trial", "nn", "data"}},
    {"oneshot", {"base", "space", "trial", "nn", "data", "train"}},
    {"export", {"base", "space", "trial", "nn", "data", "train"}},
};

const std::set<std::string> below_the_line = {"nn", "data", "train", "oneshot", "export"};

struct Include {
  std::string file;  // relative to the source folder
  int line;
  std::string target;
};

std::vector<Include> includes_below(const fs::path& folder) {
  std::vector<Include> found;
  const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp") continue;
    std::ifstream stream(entry.path());
    std::string text;
    for (int line = 1; std::getline(stream, text); ++line) {
      std::smatch match;
      if (std::regex_search(text, match, pattern)) {
        found.push_back({fs::relative(entry.path(), NETWRIGHT_SOURCE_DIR).string(), line, match[1]});
      }
    }
  }
  return found;
}

std::string module_of(const std::string& path, const std::string& prefix) {
  if (path.rfind(prefix, 0) != 0) return {};
  const auto slash = path.find('/', prefix.size());
  return slash == std::string::npos ? std::string() : path.substr(prefix.size(), slash - prefix.size());
}

bool is_torch(const std::string& target) {
  return target.rfind("torch/", 0) == 0 || target.rfind("ATen/", 0) == 0 || target.rfind("c10/", 0) == 0;
}

TEST(Layers, EachFolderIncludesOnlyWhatLiesBelowIt) {
  int seen = 0;
  for (const auto& include : includes_below(fs::path(NETWRIGHT_SOURCE_DIR) / "src/netwright")) {
    const std::string from = module_of(include.file, "src/netwright/");
    const std::string to = module_of(include.target, "netwright/");
    ASSERT_TRUE(allowed.count(from)) << include.file << ": the folder '" << from << "' is not in the layer table";
    if (to.empty() || to == from) continue;
    ++seen;
    EXPECT_TRUE(allowed.at(from).count(to))
        << include.file << ":" << include.line << ": " << from << " may not include " << to;
  }
  EXPECT_GT(seen, 50);
}

TEST(Layers, LibTorchIsIncludedOnlyBelowTheLine) {
  for (const auto& include : includes_below(fs::path(NETWRIGHT_SOURCE_DIR) / "src/netwright")) {
    if (!is_torch(include.target)) continue;
    EXPECT_TRUE(below_the_line.count(module_of(include.file, "src/netwright/"))) << include.file << ":" << include.line;
  }
  for (const auto& include : includes_below(fs::path(NETWRIGHT_SOURCE_DIR) / "apps/netwright")) {
    EXPECT_FALSE(is_torch(include.target)) << include.file << ":" << include.line;
    EXPECT_FALSE(below_the_line.count(module_of(include.target, "netwright/"))) << include.file << ":" << include.line;
  }
}

TEST(Layers, DatabaseAndMessagePassingHeadersStayInTheirModules) {
  for (const auto& include : includes_below(fs::path(NETWRIGHT_SOURCE_DIR) / "src/netwright")) {
    const std::string from = module_of(include.file, "src/netwright/");
    if (include.target == "sqlite3.h" || include.target.find("libpq") != std::string::npos) {
      EXPECT_EQ(from, "storage") << include.file << ":" << include.line;
    }
    if (include.target == "mpi.h") {
      EXPECT_EQ(from, "fleet") << include.file << ":" << include.line;
    }
  }
}

}  // namespace

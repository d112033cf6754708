// One definition of each type: two modules that define a type of the same name are a program whose functions,
// destructors above all, are those of either, and no compiler or linker says so.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>

namespace netwright {
namespace {

// The report is part of one program, one-shot search of the other.
bool never_meet(const std::string& a, const std::string& b) {
  return (a.starts_with("report/") && b.starts_with("oneshot/")) ||
         (a.starts_with("oneshot/") && b.starts_with("report/"));
}

TEST(Names, ATypeIsDefinedInOneHeader) {
  const std::regex definition(R"(^(?:class|struct|enum class|enum) (\w+)\b[^;]*$)");
  const std::filesystem::path root = NETWRIGHT_SOURCE_DIR "/src/netwright";
  std::map<std::string, std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".h") continue;
    std::ifstream header(entry.path());
    const std::string path = entry.path().lexically_relative(root).string();
    std::string line;
    while (std::getline(header, line)) {
      std::smatch match;
      if (!std::regex_search(line, match, definition)) continue;
      const auto [first, added] = found.emplace(match[1], path);
      EXPECT_TRUE(added || first->second == path || never_meet(first->second, path))
          << match[1] << " is defined in " << path << " and in " << first->second;
    }
  }
  EXPECT_GT(found.size(), 100u);
}

}  // namespace
}  // namespace netwright

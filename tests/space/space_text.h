// Helpers for tests that write spaces as text.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "netwright/base/error.h"
#include "netwright/space/search_space.h"

namespace netwright {

inline SearchSpace space_of(const std::string& text, const std::string& recipe = {}) {
  return SearchSpace::parse(parse_yaml(text, "space.yaml"), parse_yaml(recipe, "experiment.yaml"), std::nullopt,
                            std::nullopt);
}

// The error that the space is refused with; a test failure when it is accepted.
inline Error refusal(const std::string& text, const std::string& recipe = {}) {
  try {
    space_of(text, recipe);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid) << error.what();
    EXPECT_FALSE(error.remedy().empty()) << error.what();
    return error;
  }
  ADD_FAILURE() << "accepted:\n" << text;
  return Error(ExitCode::failure, "accepted");
}

// Expects a refusal at a line, whose message holds all of `words`.
inline void expect_refusal(const std::string& text, int line, const std::vector<std::string>& words,
                           const std::string& recipe = {}, const std::string& file = "space.yaml") {
  const Error error = refusal(text, recipe);
  EXPECT_EQ(error.where().file, file) << error.what();
  EXPECT_EQ(error.where().line, line) << error.what();
  EXPECT_GT(error.where().column, 0) << error.what();
  for (const auto& word : words) {
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << "no '" << word << "' in: " << error.what();
  }
}

}  // namespace netwright

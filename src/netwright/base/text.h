// Small text helpers shared by messages, tables and pictures.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

// The candidate with the smallest edit distance to `word`, or empty when none is near (distance > max(2, length/3)).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// "did you mean 'x'?" when a candidate is near, else "valid names: a, b, c".
std::string suggest(std::string_view word, const std::vector<std::string>& candidates);

std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);
std::string trim(std::string_view text);

// Whether it is valid UTF-8, as what goes into JSON documents must be.
bool is_utf8(std::string_view text);

// Shortest decimal text that reads back to the same double ("0.1", "1e-05"); always distinguishable from an integer is
// not promised.
std::string number_text(double value);

// 1234567 -> "1.23 M", 950 -> "950"; for people, not for parsing.
std::string human_count(double value);

// 75.3 s -> "1 min 15 s", 0.12 -> "120 ms".
std::string human_seconds(double seconds);

// Escapes & < > " ' for HTML and SVG text and attributes.
std::string escape_xml(std::string_view text);

}  // namespace netwright

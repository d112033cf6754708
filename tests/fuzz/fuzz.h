// What is done with bytes from outside, one function a reader. Each accepts anything: what is no input of that kind
// must be refused with an Error, and what is accepted must hold what the reader's header promises. A broken promise
// aborts.
//
// The same functions run under libFuzzer (libfuzzer/main.cpp, option NETWRIGHT_FUZZ) and over the files of corpus/ in
// the tests (replay_test.cpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "netwright/base/error.h"

namespace netwright::fuzz {

void yaml(std::string_view bytes);
void space(std::string_view bytes);
void experiment(std::string_view bytes);
void protocol(std::string_view bytes);
void idx(std::string_view bytes);
void cifar(std::string_view bytes);
void picture(std::string_view bytes);
void csv(std::string_view bytes);
void checkpoint(std::string_view bytes);  // needs LibTorch

// Aborts with the sentence unless it holds.
void expect(bool holds, const char* sentence);

// Bytes as a file, for readers that take paths. It lies in memory and is gone with this.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

// Runs `read`; an Error is a refusal and fine.
template <class Read>
void refuse_or(const Read& read) {
  try {
    read();
  } catch (const Error&) {
  }
}

}  // namespace netwright::fuzz

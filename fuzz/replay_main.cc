// Runs a fuzzer over files, and over each of them cut and changed a little:
// what an ordinary build does instead of fuzzing.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "fuzz/fuzz_target.h"

namespace {

void Try(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()),
                         input.size());
}

void TryWithChanges(const std::string& input) {
  constexpr int kChanges = 300;
  Try(input);
  std::mt19937 random(1);
  for (int i = 0; i < kChanges && !input.empty(); ++i) {
    std::string changed = input.substr(0, random() % input.size() + 1);
    if (i % 2 == 0) changed = input;
    changed[random() % changed.size()] = static_cast<char>(random());
    Try(changed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  int inputs = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) continue;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      TryWithChanges(std::string(std::istreambuf_iterator<char>(file), {}));
      ++inputs;
    }
  }
  std::printf("%d inputs\n", inputs);
  return inputs > 0 ? 0 : 1;
}

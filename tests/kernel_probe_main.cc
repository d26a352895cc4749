// Runs kernels on cases that come by standard input, for tests in other
// languages.
//
// A request is a line "OPERATION NAME=VALUE..." and the samples of the source,
// row by row. All have: type, width, height, channels, padding (samples behind
// each row of our memory), cuts (rows at which the result is cut into bands,
// with commas) and cpu (whose kernels run, as the request "cpus" lists them).
// The answer is a line "ok WIDTH HEIGHT" and the samples of the result, or a
// line "wrong REASON".
// SPDX-License-Identifier: Apache-2.0
#include <hwy/highway.h>

#include <iostream>
#include <string>
#include <utility>

#include "absl/strings/str_split.h"
#include "tests/kernel_probe.h"

namespace imageadapt {
namespace {

struct NamedOperation {
  const char* name;
  ProbeOperation run;
};

constexpr NamedOperation kOperations[] = {
    {"turn", ProbeTurn},
    {"mirror_columns", ProbeMirrorColumns},
    {"mirror_rows", ProbeMirrorRows},
    {"mean", ProbeMean},
    {"median", ProbeMedian},
    {"rotate", ProbeRotate},
    {"turn_in_place", ProbeTurnInPlace},
    {"rgb_to_hsv", ProbeRgbToHsv},
    {"hsv_to_rgb", ProbeHsvToRgb},
};

bool ReadPixels(const AnyImageView& view) {
  for (uint32_t y = 0; y < view.shape().height; ++y) {
    const auto row = view.row_bytes(y);
    std::cin.read(reinterpret_cast<char*>(row.data()),
                  static_cast<std::streamsize>(row.size()));
  }
  return std::cin.good();
}

void Answer(const ProbeImage& result) {
  if (!result.PaddingIsWhole()) {
    std::cout << "wrong padding was written to\n" << std::flush;
    return;
  }
  const AnyImageView view = result.view();
  std::cout << "ok " << view.shape().width << " " << view.shape().height
            << "\n";
  for (uint32_t y = 0; y < view.shape().height; ++y) {
    const auto row = view.row_bytes(y);
    std::cout.write(reinterpret_cast<const char*>(row.data()),
                    static_cast<std::streamsize>(row.size()));
  }
  std::cout << std::flush;
}

void ListProcessors() {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    std::cout << hwy::TargetName(target) << " ";
  }
  std::cout << "\n" << std::flush;
}

bool ChooseProcessor(const std::string& name) {
  hwy::SetSupportedTargetsForTest(0);
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name != hwy::TargetName(target)) continue;
    hwy::SetSupportedTargetsForTest(target);
    return true;
  }
  return false;
}

// Whether another request may follow.
bool Serve(const std::string& line) {
  std::pair<std::string, std::string> parts =
      absl::StrSplit(line, absl::MaxSplits(' ', 1));
  if (parts.first == "cpus") {
    ListProcessors();
    return true;
  }
  std::map<std::string, std::string> values;
  for (const absl::string_view field :
       absl::StrSplit(parts.second, ' ', absl::SkipEmpty())) {
    values.insert(absl::StrSplit(field, absl::MaxSplits('=', 1)));
  }
  const ProbeFields fields(std::move(values));
  const ProbeImage source(
      {.shape = fields.Shape(), .sample_type = fields.Type()},
      fields.Count("padding"));
  if (!ReadPixels(source.view()) || !ChooseProcessor(fields.Text("cpu"))) {
    return false;
  }
  for (const NamedOperation& operation : kOperations) {
    if (parts.first != operation.name) continue;
    Answer(operation.run(fields, source));
    return true;
  }
  std::cout << "wrong no operation " << parts.first << "\n" << std::flush;
  return true;
}

}  // namespace
}  // namespace imageadapt

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    if (!imageadapt::Serve(line)) return 2;
  }
  return 0;
}

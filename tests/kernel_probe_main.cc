// Runs kernels on cases that come by standard input, for tests in other
// languages.
//
// A request is a line "OPERATION NAME=VALUE..." and the samples of the source,
// row by row. All have: type, width, height, channels, padding (samples behind
// each row of our memory) and cuts (rows at which the result is cut into bands,
// with commas). Each kind of processor that the machine can act as computes the
// result twice, with different bytes around the pixels.
//
// The answer is a line "ok WIDTH HEIGHT CHANNELS PROCESSORS..." and, for each
// of the words PROCESSORS, which has commas between those that agree, the
// samples of the result; or a line "wrong REASON".
// SPDX-License-Identifier: Apache-2.0
#include <hwy/highway.h>

#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "imageadapt/testing/every_target.h"
#include "tests/kernel_probe.h"

namespace imageadapt {
namespace {

struct NamedOperation {
  const char* name;
  ProbeOperation run;
};

constexpr NamedOperation kOperations[] = {
    {"turn", ProbeTurn},
    {"transpose", ProbeTranspose},
    {"mirror_columns", ProbeMirrorColumns},
    {"mirror_rows", ProbeMirrorRows},
    {"turn_in_place", ProbeTurnInPlace},
    {"transpose_in_place", ProbeTransposeInPlace},
    {"mirror_columns_in_place", ProbeMirrorColumnsInPlace},
    {"mirror_rows_in_place", ProbeMirrorRowsInPlace},
    {"mean", ProbeMean},
    {"median", ProbeMedian},
    {"rotate", ProbeRotate},
    {"turn_onto_canvas", ProbeTurnOntoCanvas},
    {"rgb_to_hsv", ProbeRgbToHsv},
    {"hsv_to_rgb", ProbeHsvToRgb},
    {"hue_mean", ProbeHueMean},
    {"hue_median", ProbeHueMedian},
    {"grayscale", ProbeGrayscale},
    {"resize", ProbeResize},
    {"gaussian", ProbeGaussian},
    {"edges", ProbeEdges},
};

using FieldValues = std::map<std::string, std::string>;

// A result, and the processors that it comes from.
struct Answer {
  std::string processors;
  ProbePixels pixels;
};

// Twice: bytes of ones are NaN as float and the largest integers; the others
// are a large float, and integers like many.
absl::StatusOr<ProbePixels> RunTwice(ProbeOperation run,
                                     const FieldValues& values,
                                     const ProbePixels& source) {
  absl::StatusOr<ProbePixels> one =
      run(ProbeFields(values, 0xff, true), source);
  if (!one.ok()) return one;
  const absl::StatusOr<ProbePixels> other =
      run(ProbeFields(values, 0x5a, false), source);
  if (!other.ok()) return other;
  if (one->samples != other->samples) {
    return absl::InternalError("the result depends on what is around");
  }
  return one;
}

absl::StatusOr<std::vector<Answer>> RunEverywhere(ProbeOperation run,
                                                  const FieldValues& values,
                                                  const ProbePixels& source) {
  std::vector<Answer> answers;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    absl::StatusOr<ProbePixels> pixels = RunTwice(run, values, source);
    hwy::SetSupportedTargetsForTest(0);
    const char* const name = hwy::TargetName(target);
    if (!pixels.ok()) {
      return absl::InternalError(
          absl::StrCat(name, ": ", pixels.status().message()));
    }
    bool is_new = true;
    for (Answer& answer : answers) {
      if (answer.pixels.samples != pixels->samples) continue;
      absl::StrAppend(&answer.processors, ",", name);
      is_new = false;
    }
    if (is_new) {
      answers.push_back({.processors = name, .pixels = *std::move(pixels)});
    }
  }
  return answers;
}

void Print(const absl::StatusOr<std::vector<Answer>>& answers) {
  if (!answers.ok()) {
    std::cout << "wrong " << answers.status().message() << "\n" << std::flush;
    return;
  }
  const ImageShape& shape = answers->front().pixels.spec.shape;
  std::cout << "ok " << shape.width << " " << shape.height << " "
            << shape.channels;
  for (const Answer& answer : *answers) std::cout << " " << answer.processors;
  std::cout << "\n";
  for (const Answer& answer : *answers) {
    const auto& samples = answer.pixels.samples;
    std::cout.write(reinterpret_cast<const char*>(samples.data()),
                    static_cast<std::streamsize>(samples.size()));
  }
  std::cout << std::flush;
}

// Whether another request may follow.
bool Serve(const std::string& line) {
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(line, absl::MaxSplits(' ', 1));
  FieldValues values;
  for (const absl::string_view field :
       absl::StrSplit(parts.second, ' ', absl::SkipEmpty())) {
    values.insert(absl::StrSplit(field, absl::MaxSplits('=', 1)));
  }
  ProbePixels source = {.spec = ProbeFields(values, 0, true).Spec(),
                        .samples = {}};
  source.samples.resize(RowBytes(source.spec) * source.spec.shape.height);
  std::cin.read(reinterpret_cast<char*>(source.samples.data()),
                static_cast<std::streamsize>(source.samples.size()));
  if (!std::cin.good()) return false;
  for (const NamedOperation& operation : kOperations) {
    if (parts.first != operation.name) continue;
    Print(RunEverywhere(operation.run, values, source));
    return true;
  }
  std::cout << "wrong no operation " << parts.first << "\n" << std::flush;
  return true;
}

}  // namespace
}  // namespace imageadapt

int main() {
  std::ios::sync_with_stdio(false);
  const std::string missing = imageadapt::testing::MissingTargets();
  if (!missing.empty()) {
    std::cerr << "not tested, this processor lacks:" << missing << "\n";
  }
  for (std::string line; std::getline(std::cin, line);) {
    if (!imageadapt::Serve(line)) return 2;
  }
  return 0;
}

// What is measured: an operation on an image of one kind and size.
// SPDX-License-Identifier: Apache-2.0
#ifndef BENCH_BENCHMARK_ROW_H_
#define BENCH_BENCHMARK_ROW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "imageadapt/image/image_spec.h"

namespace imageadapt::bench {

enum class Kind : uint8_t {
  kQuarterTurn,         // counter-clockwise, by `parameter` quarters
  kMirror,              // left and right
  kQuarterTurnInPlace,  // counter-clockwise, by `parameter` quarters
  kMirrorInPlace,       // left and right
  kMean,                // of windows with sides of `parameter`
  kMedian,              // of windows with sides of `parameter`
  kRotate,  // counter-clockwise, by `parameter` degrees, same canvas
  kRgbToHsv,
  kHsvToRgb,
};

enum class Resampling : uint8_t { kNone, kBilinear, kBicubic, kLanczos };

struct BenchmarkOperation {
  const char* name = "";
  Kind kind = Kind::kQuarterTurn;
  uint32_t parameter = 0;
  Resampling resampling = Resampling::kNone;
};

struct BenchmarkRow {
  BenchmarkOperation operation;
  ImageSpec spec;   // of the source
  int threads = 1;  // 1 or 2

  // "rotate90/u8x3/1920x1080", with "@2" at the end for two threads.
  std::string Name() const;
};

// Every row there is.
std::vector<BenchmarkRow> AllRows();

// Whether the row belongs to a run of everything, which leaves out kinds of
// images that say little new.
bool IsInWholeRun(const BenchmarkRow& row);

// The shape of what a row's operation makes.
ImageShape ResultShape(const BenchmarkOperation& operation, ImageShape source);

}  // namespace imageadapt::bench

#endif  // BENCH_BENCHMARK_ROW_H_

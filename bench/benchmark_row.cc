#include "bench/benchmark_row.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace imageadapt::bench {
namespace {

constexpr BenchmarkOperation kOperations[] = {
    {"rotate90", Kind::kQuarterTurn, 1},
    {"rotate180", Kind::kQuarterTurn, 2},
    {"flip_horizontal", Kind::kMirror},
    {"rotate90_in_place", Kind::kQuarterTurnInPlace, 1},
    {"rotate180_in_place", Kind::kQuarterTurnInPlace, 2},
    {"flip_horizontal_in_place", Kind::kMirrorInPlace},
    {"mean3", Kind::kMean, 3},
    {"mean5", Kind::kMean, 5},
    {"mean15", Kind::kMean, 15},
    {"mean51", Kind::kMean, 51},
    {"mean255", Kind::kMean, 255},
    {"median3", Kind::kMedian, 3},
    {"median5", Kind::kMedian, 5},
    {"median7", Kind::kMedian, 7},
    {"median9", Kind::kMedian, 9},
    {"median15", Kind::kMedian, 15},
    {"median31", Kind::kMedian, 31},
    {"median101", Kind::kMedian, 101},
    {"rotate17_bilinear", Kind::kRotate, 17, Resampling::kBilinear},
    {"rotate17_bicubic", Kind::kRotate, 17, Resampling::kBicubic},
    {"rotate17_lanczos3", Kind::kRotate, 17, Resampling::kLanczos},
    {"rgb_to_hsv", Kind::kRgbToHsv},
    {"hsv_to_rgb", Kind::kHsvToRgb},
};

constexpr SampleType kTypes[] = {SampleType::kU8, SampleType::kU16,
                                 SampleType::kF32};

// The last two have sides that are primes, with nothing to divide them by.
constexpr ImageShape kSizes[] = {{.width = 1920, .height = 1080},
                                 {.width = 4000, .height = 3000},
                                 {.width = 1931, .height = 1087},
                                 {.width = 4001, .height = 2999}};

bool IsHsv(Kind kind) {
  return kind == Kind::kRgbToHsv || kind == Kind::kHsvToRgb;
}

bool IsInPlace(Kind kind) {
  return kind == Kind::kQuarterTurnInPlace || kind == Kind::kMirrorInPlace;
}

bool MovesPixels(Kind kind) {
  return kind == Kind::kQuarterTurn || kind == Kind::kMirror || IsInPlace(kind);
}

bool IsQuarterTurn(const BenchmarkOperation& operation) {
  return (operation.kind == Kind::kQuarterTurn ||
          operation.kind == Kind::kQuarterTurnInPlace) &&
         operation.parameter % 2 == 1;
}

bool HasPrimeSides(const ImageShape& shape) { return shape.width % 2 == 1; }

bool Exists(const BenchmarkRow& row) {
  const Kind kind = row.operation.kind;
  if (IsHsv(kind) && row.spec.shape.channels != 3) return false;
  if (IsInPlace(kind) && row.threads > 1) return false;
  // Divisors of sides matter to these alone.
  return !HasPrimeSides(row.spec.shape) ||
         (IsInPlace(kind) && IsQuarterTurn(row.operation));
}

// Filters that a whole run measures on every kind of image: one of each sort.
bool IsOnEveryImage(const BenchmarkOperation& operation) {
  switch (operation.kind) {
    case Kind::kMean:
      return operation.parameter == 15;
    case Kind::kMedian:
      return operation.parameter == 5;
    case Kind::kRotate:
      return operation.resampling == Resampling::kBilinear;
    default:
      return false;
  }
}

}  // namespace

std::string BenchmarkRow::Name() const {
  return absl::StrCat(operation.name, "/", SampleTypeName(spec.sample_type),
                      "x", spec.shape.channels, "/", spec.shape.width, "x",
                      spec.shape.height, threads == 1 ? "" : "@2");
}

std::vector<BenchmarkRow> AllRows() {
  std::vector<BenchmarkRow> rows;
  for (const int threads : {1, 2}) {
    for (const BenchmarkOperation& operation : kOperations) {
      for (const SampleType type : kTypes) {
        for (const uint32_t channels : {1, 3, 4}) {
          for (ImageShape shape : kSizes) {
            shape.channels = channels;
            const BenchmarkRow row = {
                .operation = operation,
                .spec = {.shape = shape, .sample_type = type},
                .threads = threads};
            if (Exists(row)) rows.push_back(row);
          }
        }
      }
    }
  }
  return rows;
}

bool IsInWholeRun(const BenchmarkRow& row) {
  const uint32_t channels = row.spec.shape.channels;
  const bool is_u8 = row.spec.sample_type == SampleType::kU8;
  const Kind kind = row.operation.kind;
  if (row.threads > 1) return is_u8 && channels == 3;
  if (IsHsv(kind) || MovesPixels(kind)) return true;
  if (IsOnEveryImage(row.operation)) return true;
  // Others take each channel by itself.
  return channels == 1 || (is_u8 && channels == 3);
}

ImageShape ResultShape(const BenchmarkOperation& operation, ImageShape source) {
  if (IsQuarterTurn(operation)) std::swap(source.width, source.height);
  return source;
}

}  // namespace imageadapt::bench

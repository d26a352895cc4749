#include "imageadapt/kernels/resample_weights.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "imageadapt/kernels/weighted_rows.h"

namespace imageadapt {
namespace {

// How far a filter reaches, in source pixels (target pixels when it shrinks).
int64_t Reach(ResizeFilter filter) {
  switch (filter) {
    case ResizeFilter::kArea:
    case ResizeFilter::kBilinear:
      return 1;
    case ResizeFilter::kBicubic:
      return 2;
    case ResizeFilter::kLanczos3:
      return 3;
  }
  return 1;
}

double Cubic(double x) {
  return x < 1 ? (1.5 * x - 2.5) * x * x + 1
               : ((-0.5 * x + 2.5) * x - 4) * x + 2;
}

double Lanczos3(double x) {
  if (x == std::floor(x)) return x == 0 ? 1 : 0;
  // sin(3 a) = 3 sin(a) - 4 sin(a)^3, so that one sine is enough.
  const double angle = x * (std::numbers::pi / 3);
  const double sine = std::sin(angle) / angle;
  const double square = sine * sine;
  return square * (1 - square * angle * angle * (4.0 / 3));
}

// Requires 0 <= x < Reach(filter).
double FilterValue(ResizeFilter filter, double x) {
  switch (filter) {
    case ResizeFilter::kBicubic:
      return Cubic(x);
    case ResizeFilter::kLanczos3:
      return Lanczos3(x);
    default:
      return 1 - x;
  }
}

// Rounded upwards; `divisor` is positive.
int64_t CeilingOfQuotient(int64_t dividend, int64_t divisor) {
  return dividend / divisor + (dividend % divisor > 0 ? 1 : 0);
}

// Where a target pixel's centre lies among source pixels: at
// (2 * target_length * pixel + rest) / (2 * target_length).
struct Centre {
  int64_t pixel;
  int64_t rest;
};

Centre CentreOf(const ResizeAxis& axis, uint32_t position) {
  // Below 2^64.
  const uint64_t centre =
      (2 * uint64_t{position} + 1) * uint64_t{axis.source_length};
  const uint64_t unit = 2 * uint64_t{axis.target_length};
  return {.pixel = static_cast<int64_t>(centre / unit),
          .rest = static_cast<int64_t>(centre % unit)};
}

}  // namespace

Extent ResizeAxis::Taps(uint32_t position) const {
  if (filter == ResizeFilter::kArea) {
    const uint64_t first = uint64_t{position} * source_length;
    const uint64_t end = first + source_length;
    return {.first = static_cast<uint32_t>(first / target_length),
            .end = static_cast<uint32_t>((end + target_length - 1) /
                                         target_length)};
  }
  // All by whole numbers, in units of half a target_length-th of a pixel: a
  // source pixel i lies at (2 i + 1) * target_length, and must lie less than
  // `reach` from the centre.
  const Centre centre = CentreOf(*this, position);
  const int64_t unit = 2 * int64_t{target_length};
  const int64_t reach =
      2 * Reach(filter) * int64_t{std::max(source_length, target_length)};
  const int64_t middle = centre.rest - target_length;
  const int64_t first =
      centre.pixel - CeilingOfQuotient(reach - middle, unit) + 1;
  const int64_t end = centre.pixel + CeilingOfQuotient(reach + middle, unit);
  return {.first = static_cast<uint32_t>(std::max<int64_t>(first, 0)),
          .end = static_cast<uint32_t>(std::min<int64_t>(end, source_length))};
}

size_t ResizeAxis::MostTaps() const {
  const uint64_t ratio =
      (uint64_t{source_length} + target_length - 1) / target_length;
  const auto reach = static_cast<uint64_t>(Reach(filter));
  return static_cast<size_t>(
      std::min<uint64_t>(source_length, 2 * reach * ratio + 1));
}

void ResizeAxis::Weigh(uint32_t position, std::span<double> weights) const {
  const Extent taps = Taps(position);
  double sum = 0;
  if (filter == ResizeFilter::kArea) {
    const uint64_t first = uint64_t{position} * source_length;
    const uint64_t end = first + source_length;
    for (size_t i = 0; i < weights.size(); ++i) {
      const uint64_t left = (taps.first + i) * target_length;
      const uint64_t right = left + target_length;
      weights[i] =
          static_cast<double>(std::min(right, end) - std::max(left, first));
      sum += weights[i];
    }
  } else {
    const Centre centre = CentreOf(*this, position);
    const double scale = 2.0 * std::max(source_length, target_length);
    for (size_t i = 0; i < weights.size(); ++i) {
      const int64_t pixel =
          int64_t{taps.first} + static_cast<int64_t>(i) - centre.pixel;
      const int64_t distance = (2 * pixel + 1) * target_length - centre.rest;
      weights[i] =
          FilterValue(filter, static_cast<double>(std::abs(distance)) / scale);
      sum += weights[i];
    }
  }
  for (double& weight : weights) weight = ShortWeight(weight / sum);
}

}  // namespace imageadapt

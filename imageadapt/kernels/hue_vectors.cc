// All is exact arithmetic of integers, or arithmetic of double in a fixed
// order without fused operations (this file is compiled so), so that all
// processors give the same.
#include "imageadapt/kernels/hue_vectors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/hue_vectors.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

#ifndef IMAGEADAPT_KERNELS_HUE_VECTORS_TABLES
#define IMAGEADAPT_KERNELS_HUE_VECTORS_TABLES

namespace imageadapt {
namespace {

constexpr double kUnit = 1 << 30;
constexpr double kHalf = 0.5;
constexpr double kTurn = 2 * std::numbers::pi;

// By their series, up to an eighth of a turn. The library's are not constexpr,
// and may differ from one processor to the next.
constexpr double SeriesOfSine(double angle) {
  double term = angle;
  double sum = 0;
  for (int i = 1; i < 24; i += 2) {
    sum += term;
    term *= -angle * angle / ((i + 1) * (i + 2));
  }
  return sum;
}

constexpr double SeriesOfCosine(double angle) {
  double term = 1;
  double sum = 0;
  for (int i = 0; i < 24; i += 2) {
    sum += term;
    term *= -angle * angle / ((i + 1) * (i + 2));
  }
  return sum;
}

// 256 directions all around, in units of HueSum.
struct Directions {
  std::array<double, 256> x;
  std::array<double, 256> y;
};

// Each is the mirror image or the opposite of one in the first eighth.
constexpr Directions MakeDirections() {
  Directions directions = {};
  for (unsigned i = 0; i < 256; ++i) {
    const unsigned quarter = i % 64;
    const double angle = kTurn * (quarter <= 32 ? quarter : 64 - quarter) / 256;
    double x = SeriesOfCosine(angle) * kUnit;
    double y = SeriesOfSine(angle) * kUnit;
    if (quarter > 32) std::swap(x, y);
    for (unsigned turns = i / 64; turns > 0; --turns) {
      const double old_x = x;
      x = -y;
      y = old_x;
    }
    directions.x[i] = x;
    directions.y[i] = y;
  }
  return directions;
}

constexpr Directions kDirections = MakeDirections();

constexpr int64_t Rounded(double value) {
  return value < 0 ? -Rounded(-value) : static_cast<int64_t>(value + kHalf);
}

constexpr std::array<HueSum, 256> MakeVectors() {
  std::array<HueSum, 256> vectors;
  for (unsigned i = 0; i < 256; ++i) {
    vectors[i] = {.x = Rounded(kDirections.x[i]),
                  .y = Rounded(kDirections.y[i])};
  }
  return vectors;
}

constexpr std::array<HueSum, 256> kVectors = MakeVectors();

// The factors of t, t^3, t^5... in the series of the arctangent, in turns: for
// t of at most 1/4 what comes behind them is less than 2^-36.
constexpr std::array<double, 7> MakeArctangent() {
  std::array<double, 7> factors = {};
  for (int i = 0; i < 7; ++i) {
    factors[static_cast<size_t>(i)] =
        (i % 2 == 0 ? 1 : -1) / (kTurn * (2 * i + 1));
  }
  return factors;
}

constexpr std::array<double, 7> kArctangent = MakeArctangent();

// Of the tangent 1/2, in turns.
constexpr double TurnsOfHalf() {
  double power = kHalf;
  double sum = 0;
  for (int i = 1; i < 60; i += 2) {
    sum += power / i;
    power *= -kHalf * kHalf;
  }
  return sum / kTurn;
}

constexpr double kTurnsOfHalf = TurnsOfHalf();
constexpr double kTurnsOfOne = 1 / 8.0;

}  // namespace
}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_HUE_VECTORS_TABLES

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<double>;
using Vector = hn::Vec<Tag>;
using Tag64 = hn::RebindToSigned<Tag>;
using Tag32 = hn::Rebind<int32_t, Tag>;
using FloatTag = hn::Rebind<float, Tag>;

// Adds vectors[i], or takes it away, or as often as is said.
template <typename VectorAt>
HWY_INLINE void AddVectors(const VectorAt& vector_at, size_t count,
                           int64_t times, HueSum* HWY_RESTRICT sums) {
  if (times == 1) {
    for (size_t i = 0; i < count; ++i) {
      const HueSum vector = vector_at(i);
      sums[i] = {.x = sums[i].x + vector.x, .y = sums[i].y + vector.y};
    }
  } else if (times == -1) {
    for (size_t i = 0; i < count; ++i) {
      const HueSum vector = vector_at(i);
      sums[i] = {.x = sums[i].x - vector.x, .y = sums[i].y - vector.y};
    }
  } else {
    for (size_t i = 0; i < count; ++i) sums[i].Add(vector_at(i), times);
  }
}

// The unit vectors of hues in steps of 1/256 turn, 0 <= steps < 256.
HWY_INLINE void StoreVectors(Vector steps, HueSum* vectors) {
  const Tag d;
  const Tag64 d64;
  const Tag32 d32;
  const Vector whole = hn::Floor(steps);
  const auto index = hn::PromoteTo(d64, hn::DemoteTo(d32, whole));
  const Vector x = hn::GatherIndex(d, kDirections.x.data(), index);
  const Vector y = hn::GatherIndex(d, kDirections.y.data(), index);
  // The rest, by the first terms of the series: the next one is below 2^-41.
  const Vector angle = hn::Mul(hn::Sub(steps, whole), hn::Set(d, kTurn / 256));
  const Vector square = hn::Mul(angle, angle);
  const Vector one = hn::Set(d, 1);
  const Vector cosine = hn::Sub(
      one, hn::Mul(square, hn::Sub(hn::Set(d, kHalf),
                                   hn::Mul(square, hn::Set(d, 1 / 24.0)))));
  const Vector sine = hn::Mul(
      angle,
      hn::Sub(one, hn::Mul(square,
                           hn::Sub(hn::Set(d, 1 / 6.0),
                                   hn::Mul(square, hn::Set(d, 1 / 120.0))))));
  const auto rounded = [&](Vector value) HWY_ATTR {
    return hn::PromoteTo(d64, hn::DemoteTo(d32, hn::Round(value)));
  };
  hn::StoreInterleaved2(rounded(hn::Sub(hn::Mul(x, cosine), hn::Mul(y, sine))),
                        rounded(hn::Add(hn::Mul(y, cosine), hn::Mul(x, sine))),
                        d64, &vectors->x);
}

// Of hues without gaps, `count` rounded up to whole vectors.
HWY_INLINE void MakeVectors(const int32_t* hues, size_t count,
                            HueSum* vectors) {
  const Tag d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const Vector hue = hn::PromoteTo(d, hn::LoadU(Tag32(), hues + i));
    StoreVectors(hn::Mul(hue, hn::Set(d, 1 / 256.0)), vectors + i);
  }
}

// The same as imageadapt::CanonicalHue for hues that are finite.
HWY_INLINE Vector CanonicalHue(Vector hue) {
  const Tag d;
  const Vector turn = hn::Set(d, 360);
  const Vector turns = hn::Floor(hn::Div(hue, turn));
  const Vector exact = hn::Sub(hue, hn::Mul(turn, turns));
  const Vector within = hn::PromoteTo(d, hn::DemoteTo(FloatTag(), exact));
  const auto is_within =
      hn::And(hn::Lt(within, turn), hn::Lt(hn::Abs(hue), hn::Set(d, 16777216)));
  return hn::IfThenElse(hn::And(hn::Ge(hue, hn::Zero(d)), hn::Lt(hue, turn)),
                        hue, hn::IfThenElseZero(is_within, within));
}

HWY_INLINE void MakeVectors(const float* hues, size_t count, HueSum* vectors) {
  const Tag d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const Vector hue = hn::PromoteTo(d, hn::LoadU(FloatTag(), hues + i));
    StoreVectors(hn::Mul(CanonicalHue(hue), hn::Set(d, 256 / 360.0)),
                 vectors + i);
  }
}

void AddHues8(const uint8_t* row, size_t channels, int64_t times,
              const HueColumns& columns) {
  AddVectors([&](size_t i) { return kVectors[row[i * channels]]; },
             columns.sums.size(), times, columns.sums.data());
}

void AddHues16(const uint16_t* row, size_t channels, int64_t times,
               const HueColumns& columns) {
  HWY_ALIGN int32_t hues[kHuesAtOnce] = {};
  HWY_ALIGN HueSum vectors[kHuesAtOnce];
  const size_t width = columns.sums.size();
  for (size_t x = 0; x < width; x += kHuesAtOnce) {
    const size_t count = std::min(kHuesAtOnce, width - x);
    for (size_t i = 0; i < count; ++i) hues[i] = row[(x + i) * channels];
    MakeVectors(hues, count, vectors);
    AddVectors([&](size_t i) { return vectors[i]; }, count, times,
               &columns.sums[x]);
  }
}

// Those that are not finite are left out.
void AddFloatHues(const float* row, size_t channels, int64_t times,
                  const HueColumns& columns) {
  HWY_ALIGN float hues[kHuesAtOnce] = {};
  HWY_ALIGN HueSum vectors[kHuesAtOnce];
  const size_t width = columns.sums.size();
  for (size_t x = 0; x < width; x += kHuesAtOnce) {
    const size_t count = std::min(kHuesAtOnce, width - x);
    size_t found = 0;
    for (size_t i = 0; i < count; ++i) {
      const float hue = row[(x + i) * channels];
      const bool is_there = std::isfinite(hue);
      hues[i] = is_there ? hue : 0;
      columns.counts[x + i] += is_there ? times : 0;
      found += is_there ? 1 : 0;
    }
    MakeVectors(hues, count, vectors);
    if (found < count) {
      for (size_t i = 0; i < count; ++i) {
        if (!std::isfinite(row[(x + i) * channels])) vectors[i] = {};
      }
    }
    AddVectors([&](size_t i) { return vectors[i]; }, count, times,
               &columns.sums[x]);
  }
}

// The direction of (x, y), in turns from 0 to 1: what the arctangent of the
// shorter by the longer is, mirrored. Of those with the tangents 0, 1/2 and 1
// the nearest one goes first; the difference of two has the tangent
// (a - b) / (1 + ab), at most 1/4.
HWY_INLINE Vector TurnsOf(Vector x, Vector y) {
  const Tag d;
  const Vector zero = hn::Zero(d);
  const Vector one = hn::Set(d, 1);
  const Vector half = hn::Set(d, kHalf);
  const Vector along = hn::Abs(x);
  const Vector up = hn::Abs(y);
  const Vector longer = hn::Max(along, up);
  const Vector shorter = hn::Min(along, up);
  const Vector fourfold = hn::Mul(shorter, hn::Set(d, 4));
  const auto above_first = hn::Ge(fourfold, longer);
  const auto above_third = hn::Ge(fourfold, hn::Mul(longer, hn::Set(d, 3)));
  const Vector near = hn::Add(hn::IfThenElseZero(above_first, half),
                              hn::IfThenElseZero(above_third, half));
  const Vector turns_of_near = hn::Add(
      hn::IfThenElseZero(above_first, hn::Set(d, kTurnsOfHalf)),
      hn::IfThenElseZero(above_third, hn::Set(d, kTurnsOfOne - kTurnsOfHalf)));
  // Of whole numbers the longer is at least 1, or there is no direction.
  const Vector tangent =
      hn::Div(hn::Sub(shorter, hn::Mul(near, longer)),
              hn::Max(hn::Add(longer, hn::Mul(near, shorter)), one));
  const Vector square = hn::Mul(tangent, tangent);
  Vector sum = hn::Set(d, kArctangent.back());
  for (size_t i = kArctangent.size() - 1; i > 0; --i) {
    sum = hn::Add(hn::Mul(sum, square), hn::Set(d, kArctangent[i - 1]));
  }
  Vector turns = hn::Add(turns_of_near, hn::Mul(sum, tangent));
  turns = hn::IfThenElse(hn::Gt(up, along), hn::Sub(hn::Set(d, 0.25), turns),
                         turns);
  turns = hn::IfThenElse(hn::Lt(x, zero), hn::Sub(half, turns), turns);
  return hn::IfThenElse(hn::Lt(y, zero), hn::Sub(one, turns), turns);
}

// Turns as hues, and -1 where there is no direction.
template <typename T>
HWY_INLINE void StoreHues(Vector turns, hn::Mask<Tag> is_none, int32_t* hues) {
  const Tag d;
  constexpr double kSteps = std::numeric_limits<T>::max() + 1.0;
  constexpr double kNearlyHalf = 0.5 + 1.0 / (1 << 14);
  const Vector steps =
      hn::Add(hn::Mul(turns, hn::Set(d, kSteps)), hn::Set(d, kNearlyHalf));
  hn::StoreU(
      hn::DemoteTo(Tag32(), hn::IfThenElse(is_none, hn::Set(d, -1), steps)),
      Tag32(), hues);
}

template <typename T>
HWY_INLINE void StoreHues(Vector turns, hn::Mask<Tag> is_none, float* hues) {
  const Tag d;
  const Vector degrees = hn::Mul(turns, hn::Set(d, 360));
  hn::StoreU(hn::DemoteTo(FloatTag(),
                          hn::IfThenElse(is_none, hn::Set(d, -1), degrees)),
             FloatTag(), hues);
}

template <typename T>
T HueWithoutDirection(T middle, double count) {
  if constexpr (kHueMayBeMissing<T>) {
    if (count == 0) return std::numeric_limits<T>::quiet_NaN();
    const T hue = imageadapt::CanonicalHue(middle);
    return std::isnan(hue) ? 0 : hue;
  }
  return middle;
}

template <typename T>
HWY_INLINE void HuesOf(const HueWindows& windows, size_t count,
                       const T* middles, size_t channels, T* target) {
  const Tag d;
  const Tag64 d64;
  using Hue = std::conditional_t<kHueMayBeMissing<T>, float, int32_t>;
  HWY_ALIGN Hue hues[kHuesAtOnce];
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::Vec<Tag64> sum_x;
    hn::Vec<Tag64> sum_y;
    hn::LoadInterleaved2(d64, &windows.sums[i].x, sum_x, sum_y);
    const Vector x = hn::ConvertTo(d, sum_x);
    const Vector y = hn::ConvertTo(d, sum_y);
    const Vector number = hn::LoadU(d, windows.counts + i);
    const Vector shortest = hn::Mul(number, hn::Set(d, kUnit / (1 << 20)));
    // Of nothing, too.
    const auto is_none = hn::Or(hn::Lt(hn::Add(hn::Mul(x, x), hn::Mul(y, y)),
                                       hn::Mul(shortest, shortest)),
                                hn::Eq(number, hn::Zero(d)));
    StoreHues<T>(TurnsOf(x, y), is_none, hues + i);
  }
  for (size_t i = 0; i < count; ++i) {
    T& hue = target[i * channels];
    if (hues[i] < 0) {
      hue = HueWithoutDirection(middles[i * channels], windows.counts[i]);
    } else if constexpr (kHueMayBeMissing<T>) {
      hue = hues[i] < 360 ? hues[i] : 0;
    } else {
      hue = static_cast<T>(hues[i]);  // a whole turn wraps to 0
    }
  }
}

void HuesOf8(const HueWindows& windows, size_t count, const uint8_t* middles,
             size_t channels, uint8_t* target) {
  HuesOf(windows, count, middles, channels, target);
}
void HuesOf16(const HueWindows& windows, size_t count, const uint16_t* middles,
              size_t channels, uint16_t* target) {
  HuesOf(windows, count, middles, channels, target);
}
void FloatHuesOf(const HueWindows& windows, size_t count, const float* middles,
                 size_t channels, float* target) {
  HuesOf(windows, count, middles, channels, target);
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(AddHues8);
HWY_EXPORT(AddHues16);
HWY_EXPORT(AddFloatHues);
HWY_EXPORT(HuesOf8);
HWY_EXPORT(HuesOf16);
HWY_EXPORT(FloatHuesOf);

template <Sample T>
void AddHues(const T* row, size_t channels, int64_t times,
             const HueColumns& columns) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    HWY_DYNAMIC_DISPATCH(AddHues8)(row, channels, times, columns);
  } else if constexpr (std::is_same_v<T, uint16_t>) {
    HWY_DYNAMIC_DISPATCH(AddHues16)(row, channels, times, columns);
  } else {
    HWY_DYNAMIC_DISPATCH(AddFloatHues)(row, channels, times, columns);
  }
}

template <Sample T>
void HuesOfWindows(const HueWindows& windows, size_t count, const T* middles,
                   size_t channels, T* target) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    HWY_DYNAMIC_DISPATCH(HuesOf8)(windows, count, middles, channels, target);
  } else if constexpr (std::is_same_v<T, uint16_t>) {
    HWY_DYNAMIC_DISPATCH(HuesOf16)(windows, count, middles, channels, target);
  } else {
    HWY_DYNAMIC_DISPATCH(FloatHuesOf)
    (windows, count, middles, channels, target);
  }
}

float CanonicalHue(float hue) {
  if (hue >= 0 && hue < 360) return hue;
  if (!std::isfinite(hue)) return std::numeric_limits<float>::quiet_NaN();
  if (std::abs(hue) >= 16777216.0F) return 0;
  const double turns = std::floor(hue / 360.0);
  const auto canonical = static_cast<float>(hue - 360 * turns);
  return canonical < 360 ? canonical : 0;
}

#define INSTANTIATE(T)                                                 \
  template void AddHues(const T*, size_t, int64_t, const HueColumns&); \
  template void HuesOfWindows(const HueWindows&, size_t, const T*, size_t, T*)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
#endif  // HWY_ONCE

// Vectors of float RGB to HSV and back, as hsv.h defines it. For files that are
// compiled for each target.
// SPDX-License-Identifier: Apache-2.0
#if defined(IMAGEADAPT_KERNELS_HSV_FLOAT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_HSV_FLOAT_INL_H_
#undef IMAGEADAPT_KERNELS_HSV_FLOAT_INL_H_
#else
#define IMAGEADAPT_KERNELS_HSV_FLOAT_INL_H_
#endif

#include <limits>

#include "hwy/highway.h"
#include "imageadapt/kernels/triples-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVector = hn::Vec<FloatTag>;
using FloatMask = hn::Mask<FloatTag>;

// 1 / 60, rounded up.
constexpr float kSixtieth = 0.016666668F;
static_assert(kSixtieth * 60.0 >= 1.0);

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kBelow360 = 359.99997F;

HWY_INLINE FloatVector Quotient(FloatVector a, FloatVector b) {
#if HWY_TARGET <= HWY_AVX3
  // On many machines, dividing 16 lanes takes three times as long as two times
  // 8.
  const hn::Half<FloatTag> half;
  return hn::Combine(FloatTag(),
                     hn::Div(hn::UpperHalf(half, a), hn::UpperHalf(half, b)),
                     hn::Div(hn::LowerHalf(half, a), hn::LowerHalf(half, b)));
#else
  return hn::Div(a, b);
#endif
}

// NaN in all samples of the pixels that are not `valid`. Out of line, because
// nearly always all are.
HWY_NOINLINE Three<FloatVector> OrNaN(FloatMask valid,
                                      const Three<FloatVector>& pixels) {
  const FloatVector nan =
      hn::Set(FloatTag(), std::numeric_limits<float>::quiet_NaN());
  return {.first = hn::IfThenElse(valid, pixels.first, nan),
          .second = hn::IfThenElse(valid, pixels.second, nan),
          .third = hn::IfThenElse(valid, pixels.third, nan)};
}

// The sixths of hsv.h are |base + (first - second) / D|: of G and B, and
// then of R and the larger, the larger comes first or the base is another. So
// max, min and the difference take few operations. No product is added to
// anything but zeros, so fusing makes no difference.
HWY_INLINE Three<FloatVector> RgbToHsvOf(FloatTag d, FloatVector r,
                                         FloatVector g, FloatVector b) {
  const FloatVector zero = hn::Zero(d);
  const auto b_above_g = hn::Lt(g, b);
  const FloatVector high = hn::Max(g, b);
  const FloatVector low = hn::Min(g, b);
  const auto r_below = hn::Lt(r, high);
  const FloatVector max = hn::Max(r, high);
  const FloatVector other = hn::Min(r, high);
  const FloatVector base = hn::IfThenElse(
      r_below, hn::IfThenElse(b_above_g, hn::Set(d, 4.0F), hn::Set(d, -2.0F)),
      hn::IfThenElseZero(b_above_g, hn::Set(d, -6.0F)));
  const FloatVector delta = hn::Sub(max, hn::Min(low, other));
  // Where R is max, the larger of G and B comes first.
  const FloatVector sixths =
      hn::Abs(hn::Add(base, Quotient(hn::Sub(other, low), delta)));
  // A hue just below 360 may have been rounded to that.
  const FloatVector hue =
      hn::Min(hn::Mul(sixths, hn::Set(d, 60.0F)), hn::Set(d, kBelow360));
  const Three<FloatVector> result = {
      .first = hn::IfThenElseZero(hn::Ne(delta, zero), hue),
      .second = hn::IfThenElseZero(hn::Ne(max, zero), Quotient(delta, max)),
      .third = max};
  // NaN if one is, or if there are infinities of both signs.
  const FloatVector sum = hn::Add(hn::Add(r, g), b);
  const FloatVector check = hn::MulAdd(sum, zero, delta);
  const FloatVector largest = hn::Set(d, kLargest);
  if (HWY_LIKELY(hn::AllTrue(d, hn::Le(check, largest)))) return result;
  return OrNaN(hn::And(hn::Le(delta, largest), hn::Eq(sum, sum)), result);
}

// Any hue to 0 to 360, or next to it.
HWY_NOINLINE FloatVector Wrapped(FloatVector hue) {
  const FloatTag d;
  const FloatVector known =
      hn::IfThenElseZero(hn::Lt(hn::Abs(hue), hn::Set(d, 16777216.0F)), hue);
  const FloatVector turns =
      hn::Floor(hn::Mul(known, hn::Set(d, 1.0F / 360.0F)));
  // The product is exact.
  return hn::NegMulAdd(turns, hn::Set(d, 360.0F), known);
}

HWY_INLINE Three<FloatVector> HsvToRgbOfWrapped(FloatTag d, FloatVector hue,
                                                FloatVector chroma,
                                                FloatVector value) {
  // Rounded up, so that sixths are whole where degrees are.
  const FloatVector sixths = hn::Mul(hue, hn::Set(d, kSixtieth));
  const FloatVector one = hn::Set(d, 1.0F);
  const auto distance = [&](float middle) {
    return hn::Abs(hn::Sub(sixths, hn::Set(d, middle)));
  };
  const auto channel = [&](FloatVector k) {
    return hn::NegMulAdd(chroma, hn::Min(hn::Max(k, hn::Zero(d)), one), value);
  };
  return {.first = channel(hn::Sub(hn::Set(d, 2.0F), distance(3.0F))),
          .second = channel(hn::Sub(distance(2.0F), one)),
          .third = channel(hn::Sub(distance(4.0F), one))};
}

HWY_INLINE Three<FloatVector> HsvToRgbOf(FloatTag d, FloatVector hue,
                                         FloatVector saturation,
                                         FloatVector value) {
  const FloatVector zero = hn::Zero(d);
  const FloatVector chroma = hn::Mul(value, saturation);
  // NaN if the chroma is not finite.
  const FloatVector check = hn::MulAdd(chroma, zero, hue);
  const auto usual =
      hn::And(hn::Ge(check, zero), hn::Lt(check, hn::Set(d, 360.0F)));
  if (HWY_LIKELY(hn::AllTrue(d, usual))) {
    return HsvToRgbOfWrapped(d, hue, chroma, value);
  }
  const FloatVector largest = hn::Set(d, kLargest);
  const auto valid =
      hn::And(hn::Le(hn::Abs(hue), largest), hn::Le(hn::Abs(chroma), largest));
  return OrNaN(valid, HsvToRgbOfWrapped(d, Wrapped(hue), chroma, value));
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // IMAGEADAPT_KERNELS_HSV_FLOAT_INL_H_

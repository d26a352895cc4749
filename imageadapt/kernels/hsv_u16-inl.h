// Vectors of 16-bit RGB to HSV and back, as hsv.h defines it. For files that
// are compiled for each target, but not for HWY_SCALAR.
// SPDX-License-Identifier: Apache-2.0
#if defined(IMAGEADAPT_KERNELS_HSV_U16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_HSV_U16_INL_H_
#undef IMAGEADAPT_KERNELS_HSV_U16_INL_H_
#else
#define IMAGEADAPT_KERNELS_HSV_U16_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "imageadapt/kernels/hsv_lanes-inl.h"
#include "imageadapt/kernels/triples-inl.h"

#if HWY_TARGET != HWY_SCALAR

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Less one in two's complement, so that ~steps takes the place of -steps.
constexpr SectorTable kTurnsLow([](Sector s) {
  return s.turn<uint16_t>() + (s.negative ? 1 : 0);
});
constexpr SectorTable kTurnsHigh([](Sector s) {
  return (s.turn<uint16_t>() + (s.negative ? 1 : 0)) >> 8;
});

// floor(n / divisor), given a guess that is off by at most one.
HWY_INLINE Vector32 Corrected(Vector32 n, Vector32 divisor, Vector32 guess) {
  const TagInt d;
  const auto rest = hn::BitCast(d, hn::Sub(n, hn::Mul(guess, divisor)));
  const auto below_zero = hn::VecFromMask(d, hn::Lt(rest, hn::Zero(d)));
  const auto below_divisor =
      hn::VecFromMask(d, hn::Lt(rest, hn::BitCast(d, divisor)));
  const auto change =
      hn::Add(hn::Add(below_zero, below_divisor), hn::Set(d, 1));
  return hn::Add(guess, hn::BitCast(Tag32(), change));
}

// round(scale * a / b) for a <= b, halves up; b is at least 1.
template <uint32_t kScale>
HWY_INLINE Vector32 Ratio(Vector32 a, Vector32 b) {
  const TagFloat d;
  const VectorFloat divisor = ToFloat(b);
  const VectorFloat guess = hn::ApproximateReciprocal(divisor);
  const VectorFloat reciprocal =
      hn::Mul(guess, hn::NegMulAdd(divisor, guess, hn::Set(d, 2.0F)));
  const VectorFloat quotient =
      hn::Mul(hn::Mul(ToFloat(a), hn::Set(d, float{kScale})), reciprocal);
  const Vector32 n =
      hn::Add(hn::Mul(a, hn::Set(Tag32(), kScale)), hn::ShiftRight<1>(b));
  return Corrected(n, b, hn::BitCast(Tag32(), hn::NearestInt(quotient)));
}

HWY_INLINE Vector16 Saturation16(Vector16 max, Vector16 delta) {
  const Vector16 divisor = hn::Max(max, hn::Set(Tag16(), 1));
  return Combine(Ratio<65535>(Even(delta), Even(divisor)),
                 Ratio<65535>(Odd(delta), Odd(divisor)));
}

HWY_INLINE Vector16 Steps16(Vector16 y, Vector16 delta, Vector16 rest) {
  const Vector16 divisor = hn::Max(delta, hn::Set(Tag16(), 1));
  const auto third = [](Vector32 sum) {
    // Exact for what is at most 32770.
    return hn::ShiftRight<17>(hn::Mul(sum, hn::Set(Tag32(), 43691)));
  };
  return Combine(
      third(hn::Add(Ratio<32768>(Even(y), Even(divisor)), Even(rest))),
      third(hn::Add(Ratio<32768>(Odd(y), Odd(divisor)), Odd(rest))));
}

HWY_INLINE Three<Vector16> RgbToHsvOf(Tag16 d, Vector16 r, Vector16 g,
                                      Vector16 b) {
  const Extremes<Vector16> pixel = FindExtremes(d, r, g, b);
  // The sector in both bytes of each lane.
  const Vector8 sector =
      hn::BitCast(Tag8(), hn::Or(pixel.sector, hn::ShiftLeft<8>(pixel.sector)));
  const Vector16 rest =
      hn::And(hn::BitCast(d, LookUp(kRests, sector)), hn::Set(d, 0xff));
  const Vector16 sign = hn::BitCast(d, LookUp(kSigns, sector));
  const Vector8 turn =
      hn::OddEven(LookUp(kTurnsHigh, sector), LookUp(kTurnsLow, sector));
  const Vector16 steps = Steps16(pixel.y, pixel.delta, rest);
  return {.first = hn::Add(hn::Xor(steps, sign), hn::BitCast(d, turn)),
          .second = Saturation16(pixel.max, pixel.delta),
          .third = pixel.max};
}

// As for 8 bits: w = (v * (M * N - s * k) / 2 + 2^14) / 2^15, by halves of the
// factor, and then (w + 32767) / 65535.
HWY_INLINE Three<Vector32> HsvToRgbHalf(Vector32 hue, Vector32 saturation,
                                        Vector32 value) {
  const Tag32 d;
  const TagInt int_tag;
  const auto h = hn::BitCast(int_tag, hn::Add(hue, hn::Add(hue, hue)));
  const auto distance = [&](int32_t middle) {
    return hn::Abs(hn::Sub(h, hn::Set(int_tag, middle)));
  };
  const auto channel = [&](auto unclamped) {
    const Vector32 half_k =
        hn::BitCast(d, hn::Min(hn::Max(unclamped, hn::Zero(int_tag)),
                               hn::Set(int_tag, 32768)));
    const Vector32 factor =
        hn::Sub(hn::Set(d, 65535U * 32768), hn::Mul(saturation, half_k));
    const Vector32 high = hn::Mul(value, hn::ShiftRight<16>(factor));
    const Vector32 low = hn::Mul(value, hn::And(factor, hn::Set(d, 0xffff)));
    const Vector32 w =
        hn::Add(hn::Add(high, high),
                hn::ShiftRight<15>(hn::Add(low, hn::Set(d, 16384))));
    const Vector32 z = hn::Add(w, hn::Set(d, 32768));
    return hn::ShiftRight<16>(hn::Add(z, hn::ShiftRight<16>(z)));
  };
  return {.first = channel(hn::Sub(hn::Set(int_tag, 65536), distance(98304))),
          .second = channel(hn::Sub(distance(65536), hn::Set(int_tag, 32768))),
          .third = channel(hn::Sub(distance(131072), hn::Set(int_tag, 32768)))};
}

HWY_INLINE Three<Vector16> HsvToRgbOf(Tag16 /*d*/, Vector16 hue,
                                      Vector16 saturation, Vector16 value) {
  const Three<Vector32> even =
      HsvToRgbHalf(Even(hue), Even(saturation), Even(value));
  const Three<Vector32> odd =
      HsvToRgbHalf(Odd(hue), Odd(saturation), Odd(value));
  return {.first = Combine(even.first, odd.first),
          .second = Combine(even.second, odd.second),
          .third = Combine(even.third, odd.third)};
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_SCALAR

#endif  // IMAGEADAPT_KERNELS_HSV_U16_INL_H_
